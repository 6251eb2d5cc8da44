// Package crlf recognises line breaks that begin a line of a protocol: header injection
// and response splitting (CWE-113), request splitting (CWE-444), injection into mail
// headers, SMTP and IMAP commands (CWE-93).
//
// A line break alone is nothing; a line that follows it and is a header (a known name and
// a colon), a request line, the start of a page or a mail command is something. Where
// several lines are usual, in bodies, the same line weighs less, and a document with such
// lines (a mail, a dump of headers, YAML) is data.
//
// Forged log lines look like any other text and are not recognised.
package crlf

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Confidences, by what they mean to the engine (value.Match).
const (
	certain    = 0.93
	attack     = 0.85
	blocked    = 0.78
	suspicious = 0.4
)

const (
	response uint32 = 1 << iota // a header of HTTP responses, or one that changes how a message is read
	request                     // a header of HTTP requests
	mail                        // a header of mails
	common                      // also an ordinary word, or a key of YAML
	command                     // a command of SMTP, POP or IMAP
	method                      // a method of HTTP
)

var names = words.New(
	words.Group{Kind: response, Words: `set-cookie set-cookie2 content-type content-length content-disposition content-encoding content-security-policy
		transfer-encoding access-control-allow-origin access-control-allow-credentials x-xss-protection www-authenticate
		last-modified cache-control strict-transport-security x-frame-options refresh location status contenttype contentlength`},
	words.Group{Kind: request, Words: `host cookie referer user-agent authorization x-forwarded-for x-forwarded-host x-real-ip accept-encoding
		x-http-method-override x-original-url x-rewrite-url if-modified-since accept-language origin connection`},
	words.Group{Kind: mail, Words: `bcc cc to from subject reply-to return-path mime-version content-transfer-encoding sender x-mailer rcpt errors-to`},
	words.Group{Kind: common, Words: `host to from subject status location refresh sender origin connection cc cookie content-type authorization cache-control referer`},
	words.Group{Kind: command, Words: `mail rcpt data quit rset vrfy expn helo ehlo capability fetch login select logout noop starttls auth user pass stat retr dele examine lsub store copy uid append list`},
	words.Group{Kind: method, Words: `get post put delete head options patch trace connect`},
)

// Possible reports whether a value can hold an injected line at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	return v.Traits.Any(value.Newline) || v.Pairs.Any(value.WideBreak) || v.Traits.All(value.Colon|value.Space|value.At)
}

// Judge looks for injected lines in one value. The class is always CRLF.
func Judge(v *value.Value) value.Match {
	text := v.Text
	var best value.Match
	if v.Traits.Any(value.Newline) && v.Source == detect.SourceHeader && (v.Name == "user" || v.Name == "password") {
		k := strings.IndexAny(text, "\r\n")
		return found(attack, k, k+1, "line break in credentials")
	}
	if v.Traits.Any(value.Newline | value.Colon) {
		best = smtp(text)
	}
	if !v.Traits.Any(value.Newline) && !v.Pairs.Any(value.WideBreak) {
		return best
	}
	first, lines := 0, 0 // where the first match begins, and how many are more than a word and a colon
	for i := leads.Next(text, 0); i < len(text); i = leads.Next(text, i+1) {
		c := text[i]
		n := 0
		switch {
		case c == '\n' || c == '\r':
			n = 1
		case c == 0xE5 && i+2 < len(text) && text[i+1] == 0x98 && (text[i+2] == 0x8A || text[i+2] == 0x8D):
			n = 3 // U+560A and U+560D end in the bytes of LF and CR
		case c == 0xC4 && i+1 < len(text) && (text[i+1] == 0x8A || text[i+1] == 0x8D):
			n = 2 // U+010A and U+010D, likewise
		default:
			continue
		}
		start := i
		i += n
		breaks := 0
		for i < len(text) && (text[i] == '\n' || text[i] == '\r' || text[i] == ' ' || text[i] == '\t') {
			if text[i] == '\n' {
				breaks++
			}
			i++
		}
		if n > 1 && strings.HasPrefix(text[i:], "\xE5\x98") {
			i--
			continue
		}
		m := line(v, start, i, breaks+b2i(c == '\n'), n > 1)
		i--
		if m.Confidence >= suspicious {
			if best.Confidence < suspicious {
				first = m.Start
			}
			if m.Confidence >= attack-0.1 {
				lines++
			}
		}
		best = best.Better(m)
		if best.Confidence >= 0.95 {
			break
		}
	}
	if best.Confidence < suspicious {
		return best
	}
	switch {
	case !broken(text, first) && !(lines == 1 && injected(text, best)) && document.Of(text) == document.Document:
		best.Confidence = min(best.Confidence*0.5, 0.5)
	case best.Shape == "header line" && headersOnly(text):
		best.Confidence = min(best.Confidence, 0.6)
	}
	return best
}

// injected reports whether the match is a header that few texts hold alone, at the beginning of
// its line: no file's part is described by it, and no list of settings has it as a key.
func injected(text string, m value.Match) bool {
	name := strings.TrimLeft(text[m.Start:m.End], "\r\n")
	return m.Shape == "header line" && name != "" && letter(name[0]) && !words.HasPrefix(name, "content") && strings.IndexByte(name, '-') > 0
}

// headersOnly reports whether a text is nothing but header lines from its beginning on, three
// of them or more: somebody's copy of them. What is broken out of begins with something else.
func headersOnly(text string) bool {
	lines := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" && lines > 0 {
			continue
		}
		j := 0
		for j < len(line) && (letter(line[j]) || digit(line[j]) || line[j] == '-') {
			j++
		}
		if j == 0 || !strings.HasPrefix(line[j:], ": ") || lines == 0 && names.Of(line[:j]) == 0 && !strings.Contains(line[:j], "-") {
			return false
		}
		lines++
	}
	return lines >= 3
}

// leads are the bytes that a line break begins with, a disguised one too.
var leads = words.BytesOf("\n\r\xE5\xC4")

// broken reports whether the match begins with the text's first line break and the line
// before it is a single word: a value that was broken, not a document.
func broken(text string, start int) bool {
	return start == 0 || start < 256 && !strings.ContainsAny(text[:start], " \r\n\t")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// line judges the line that begins at i, whose breaks began at start.
func line(v *value.Value, start, i, breaks int, disguised bool) value.Match {
	text := v.Text
	j := i
	for j < len(text) && j < i+40 && (letter(text[j]) || text[j] == '-' || text[j] == '/' || text[j] == '.') {
		j++
	}
	if j == i+5 && words.HasPrefix(text[i:], "http/") && statusLine(text[j:]) {
		return found(certain, start, min(len(text), j+8), "status line")
	}
	if j == i {
		if disguised {
			return value.Match{}
		}
		if breaks >= 2 && i < len(text) && text[i] == '<' && i+1 < len(text) && (letter(text[i+1]) || text[i+1] == '!') {
			c := 0.5
			if strings.HasPrefix(text[start:], "\r\n\r\n") && v.Source != detect.SourceBody {
				c = 0.75
			}
			return found(c, start, min(len(text), i+16), "page after an empty line")
		}
		return value.Match{}
	}
	kind := names.Of(text[i:j])
	single := v.Source == detect.SourceHeader || v.Source == detect.SourceQuery || v.Source == detect.SourceCookie || v.Source == detect.SourcePath
	if kind == 0 {
		if j < len(text) && text[j] == ':' && broken(text, start) && (start > 0 && text[start-1] == 0 || single && hyphened(text[i:j])) {
			return found(blocked, start, min(len(text), j+16), "header line")
		}
		return value.Match{}
	}
	if kind&method != 0 && requestLine(text[j:]) {
		return found(certain, start, min(len(text), j+16), "request line")
	}
	k := j
	for k < len(text) && text[k] == ' ' {
		k++
	}
	if k < len(text) && text[k] == ':' && kind&(response|request|mail) != 0 {
		rest := text[k+1:]
		c := 0.9
		shape := "header line"
		switch {
		case disguised:
			c = 0.95
		case kind&mail != 0 && kind&response == 0:
			shape = "mail header"
			c = 0.75
			if hasMail(rest) {
				c = 0.9
			} else if kind&common != 0 {
				c = 0.5
			}
		case kind&common != 0:
			c = 0.6
			if single && broken(text, start) && strings.IndexByte(text[i:j], '-') > 0 {
				c = 0.75
			}
			if words.HasPrefix(text[i:j], "location") && strings.Contains(rest[:min(len(rest), 16)], "//") || words.HasPrefix(text[i:j], "content-type") && strings.IndexByte(rest[:min(len(rest), 24)], '/') > 0 || strings.HasPrefix(text[start:], "\r\n") && single {
				c = 0.9
			}
		}
		if kind&common != 0 && !broken(text, start) && !disguised {
			c = min(c, 0.6)
		}
		if !single && !disguised {
			c -= 0.1
			if kind&common != 0 {
				c -= 0.1
			}
		}
		return found(c, start, min(len(text), k+16), shape)
	}
	if kind&command != 0 && !disguised {
		if words.HasPrefix(text[j:], " from:") || words.HasPrefix(text[j:], " to:") {
			return found(0.9, start, min(len(text), j+12), "SMTP command")
		}
	}
	// V101 FETCH 4791 is handled by tag: a word with digits before a command.
	return value.Match{}
}

// statusLine reports whether what follows "HTTP/" is a version and a status (RFC 9112, section 4).
func statusLine(rest string) bool {
	i := 0
	for i < len(rest) && i < 3 && (digit(rest[i]) || rest[i] == '.') {
		i++
	}
	return i > 0 && i+3 < len(rest) && rest[i] == ' ' && digit(rest[i+1]) && digit(rest[i+2]) && digit(rest[i+3])
}

// hyphened reports whether a name is written as headers are: words with hyphens between them,
// the first of which begins with a capital letter or is x.
func hyphened(name string) bool {
	k := strings.IndexByte(name, '-')
	return k > 0 && k+1 < len(name) && (name[0] < 'a' || name[0] == 'x' && k == 1) && strings.IndexByte(name, '/') < 0
}

// requestLine reports whether the text goes on as a request line: " /path HTTP/1.1".
func requestLine(rest string) bool {
	if len(rest) < 3 || rest[0] != ' ' || rest[1] != '/' && !words.HasPrefix(rest[1:], "http") {
		return false
	}
	end := strings.IndexAny(rest[:min(len(rest), 512)], "\r\n")
	if end < 0 {
		end = min(len(rest), 512)
	}
	return strings.Contains(rest[:end], " HTTP/")
}

// hasMail reports whether an address follows on the line.
func hasMail(rest string) bool {
	rest = rest[:min(len(rest), 96)]
	if end := strings.IndexAny(rest, "\r\n"); end > 0 {
		rest = rest[:end]
	}
	k := strings.IndexByte(rest, '@')
	return k > 0 && k+3 < len(rest)
}

// smtp recognises commands of mail protocols: RCPT TO: as a value of its own, and tagged
// IMAP commands on a second line.
func smtp(text string) value.Match {
	t := strings.TrimLeft(text, " \t\r\n.\"'")
	at := len(text) - len(t)
	if (words.HasPrefix(t, "rcpt to:") || words.HasPrefix(t, "mail from:")) && strings.IndexByte(t[:min(len(t), 80)], '@') > 0 {
		return found(0.85, at, at+8, "SMTP command")
	}
	k := strings.IndexAny(text[:min(len(text), 256)], "\r\n")
	if k < 0 {
		return value.Match{}
	}
	rest := strings.TrimLeft(text[k:min(len(text), k+80)], "\r\n")
	if k == 0 && strings.HasPrefix(text, "\r\n") && verb(rest) {
		return found(0.75, k, min(len(text), k+12), "mail command")
	}
	if tagged(rest) {
		return found(0.8, k, min(len(text), k+24), "IMAP command")
	}
	return value.Match{}
}

// verb reports whether a line is a command of SMTP or POP in capitals that takes nothing or
// one word (RFC 5321, 1939): QUIT, RSET, VRFY root, RETR 1. People who begin a text with a
// line break and a word in capitals write more behind it.
func verb(s string) bool {
	j := 0
	for j < len(s) && 'A' <= s[j] && s[j] <= 'Z' {
		j++
	}
	if j < 4 || names.Of(s[:j])&command == 0 {
		return false
	}
	rest := s[j:]
	switch s[:j] {
	case "QUIT", "RSET", "NOOP", "STAT", "DATA", "STARTTLS", "CAPABILITY", "LOGOUT", "HELP":
		return rest == "" || strings.HasPrefix(rest, "\r\n")
	case "VRFY", "EXPN", "HELO", "EHLO", "RETR", "DELE", "USER", "PASS", "AUTH":
		if rest == "" || rest[0] != ' ' {
			return false
		}
		k := strings.IndexAny(rest[1:], " \r\n") // one word
		return len(rest) > 1 && k != 0 && (k < 0 || rest[1+k] != ' ')
	}
	return false
}

// tagged reports whether a line is a tagged IMAP command in capitals: V101 FETCH 4791.
func tagged(s string) bool {
	i := 0
	for i < len(s) && i < 8 && (digit(s[i]) || 'A' <= s[i] && s[i] <= 'Z') {
		i++
	}
	if i < 2 || i >= len(s) || s[i] != ' ' || !digit(s[i-1]) {
		return false
	}
	j := i + 1
	for j < len(s) && 'A' <= s[j] && s[j] <= 'Z' {
		j++
	}
	return j > i+2 && names.Of(s[i+1:j])&command != 0
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassCRLF, Confidence: confidence, Start: start, End: end, Shape: shape}
}
