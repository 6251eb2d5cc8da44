// Package link recognises links by which a server is made to fetch what a client may not
// (CWE-918), to include code from elsewhere (CWE-98), or to send a browser elsewhere
// (CWE-601).
//
// A URL in a parameter is ordinary. Telling are addresses inside (cloud metadata first,
// then loopback, private ranges) in any notation that inet_aton takes, schemes that only
// libraries speak (gopher, dict, ldap), and authorities written so that two parsers read
// two hosts. Names are not resolved: a public name that leads inside is not seen.
package link

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
	mentioned  = 0.6 // suspicious: people write about it
	unusual    = 0.55
	suspicious = 0.4
)

// schemes, by what a server that speaks them gives away.
const (
	web      uint32 = 1 << iota // http, https
	socket                      // ws, wss
	internal                    // nobody links to: gopher, dict
	lookup                      // directories and remote objects: ldap, rmi
	transfer                    // file transfer
	wrapper                     // jar:http://
)

var schemes = words.New(
	words.Group{Kind: web, Words: `http https url:http url:https view-source:http feed:http`},
	words.Group{Kind: socket, Words: `ws wss`},
	words.Group{Kind: internal, Words: `gopher gophers dict netdoc`},
	words.Group{Kind: lookup, Words: `ldap ldaps ldapi rmi iiop corba corbaname nis dns jmx`},
	words.Group{Kind: transfer, Words: `tftp sftp smb ftp scp imap pop3 smtp telnet rtsp mongodb redis memcached`},
	words.Group{Kind: wrapper, Words: `jar`},
)

// Possible reports whether a value can hold a link of interest at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return v.Pairs.Any(value.ColonSlash|value.SlashSlash) || v.Pairs.Any(value.SchemeColon) && v.Pairs.Any(value.ColonLetter|value.ColonDigit) ||
		t.Any(value.Backslash) || t.Any(value.Slash) && t.Any(value.Semicolon|value.Tab)
}

// Judge looks for a hostile link in one value. The class is always SSRF.
func Judge(v *value.Value) value.Match {
	text := v.Text
	best := redirect(v)
	if !v.Pairs.Any(value.ColonSlash) && !(v.Pairs.Any(value.SchemeColon) && v.Pairs.Any(value.ColonLetter|value.ColonDigit)) {
		return tempered(best, text)
	}
	for i := 0; i < len(text); {
		k := strings.IndexByte(text[i:], ':')
		if k < 0 {
			break
		}
		i += k
		if !schemeLike(text, i) {
			i++
			continue
		}
		m, next := link(v, i)
		if m.Confidence > best.Confidence {
			best = m
		}
		if best.Confidence >= certain {
			break
		}
		i = max(i+1, next)
	}
	return tempered(best, text)
}

// tempered lowers the confidence of a match in running text, unless nobody would write it there.
func tempered(best value.Match, text string) value.Match {
	if best.Confidence >= suspicious && best.Confidence < attack && best.Start > 0 {
		switch document.Of(text) {
		case document.Document:
			best.Confidence = min(best.Confidence*0.6, 0.5)
		case document.Prose:
			best.Confidence *= 0.8
		}
	}
	return best
}

// schemeLike reports, in one look, whether the colon at i can end a scheme: the schemes'
// last letters before it, and a slash after it or one of the few that need none.
func schemeLike(text string, i int) bool {
	if i < 2 || i+2 >= len(text) {
		return false
	}
	if !letter(text[i-1]) && text[i-1] != '3' {
		return false
	}
	if c := text[i+1]; c == '/' || c == '\\' {
		return true
	}
	return (text[i-1]|0x20 == 'p' || text[i-1]|0x20 == 's' || text[i-1]|0x20 == 'r') && letter(text[i-2]) && (letter(text[i+1]) || digit(text[i+1])) || text[i-1]|0x20 == 'c' && text[i+1] == '/'
}

// link judges the URL whose scheme ends with the colon at i, and returns where it ends.
func link(v *value.Value, i int) (value.Match, int) {
	text := v.Text
	start := i
	for start > 0 && i-start < 12 && (letter(text[start-1]) || digit(text[start-1])) {
		start--
	}
	u := url{kind: schemes.Of(text[start:i]), start: start}
	if u.kind == 0 {
		return value.Match{}, i
	}
	rest := text[i+1:]
	for u.slashes < len(rest) && u.slashes < 8 && (rest[u.slashes] == '/' || rest[u.slashes] == '\\') {
		u.backslash = u.backslash || rest[u.slashes] == '\\'
		u.slashes++
	}
	u.first = strings.TrimLeft(text[:start], " \t\"'(<=") == "" || start > 0 && (text[start-1] == '=')
	switch {
	case u.kind == wrapper && words.HasPrefix(rest, "http"):
		return found(attack, start, i+5, "nested URL scheme"), i
	case u.kind == internal && u.slashes >= 2, u.kind == internal && words.HasPrefix(text[start:], "netdoc:/"):
		return grade(certain, u.first || !inSentence(text, start, i+3), start, i+3, "scheme of internal services"), i
	case u.kind == lookup && u.slashes >= 2:
		return grade(blocked, u.first || !inSentence(text, start, i+3), start, i+3, "scheme of directory services"), i
	case u.kind == transfer && u.slashes >= 2 && text[start]|0x20 == 't' && text[start+1]|0x20 == 'f':
		return grade(blocked, u.first, start, i+3, "scheme of file transfer"), i
	}
	if u.kind&(web|socket|transfer) == 0 {
		return value.Match{}, i
	}
	if u.slashes < 2 && !(u.first && u.kind == web && len(rest) > 3) {
		return value.Match{}, i
	}
	from := i + 1 + u.slashes
	if u.kind == web && !u.backslash && u.slashes == 2 {
		if end := ordinaryHost(text, from); end > 0 && !(u.first && include(v)) {
			return value.Match{}, end
		}
	}
	u.authority(text, from)
	c, shape := u.weigh(v)
	if c == 0 {
		return value.Match{}, u.end
	}
	if v.Source == detect.SourceHeader && !words.HasPrefix(v.Name, "x-") && u.reach != metadata {
		c = min(c, suspicious)
	}
	if inSentence(text, start, u.end) {
		c = min(c, mentioned)
	}
	return grade(c, u.first || u.reach == metadata || u.disguised || c >= attack, start, min(len(text), u.end), shape), u.end
}

// inSentence reports whether what is at text[start:end] stands in a sentence: words before it
// and behind it on its line. Nothing fetches a sentence, and people write such about servers.
func inSentence(text string, start, end int) bool {
	before := wordsIn(lineBefore(text, start))
	rest, _, _ := strings.Cut(text[end:min(len(text), end+264)], "\n")
	if k := strings.IndexByte(rest[:min(len(rest), 200)], ' '); k >= 0 {
		rest = rest[k:min(len(rest), k+64)] // behind the path
	} else if k = len(rest); before >= 2 && k > 0 && rest[k-1] == '.' {
		return true
	} else {
		rest = ""
	}
	after := wordsIn(rest)
	return before >= 2 && after >= 1 || strings.TrimSpace(lineBefore(text, start)) == "" && after >= 3
}

// lineBefore returns what stands before i on its line, as far as it matters.
func lineBefore(text string, i int) string {
	line := text[max(0, i-64):i]
	return line[strings.LastIndexByte(line, '\n')+1:]
}

// wordsIn counts words of letters, as blanks and the marks of a sentence part them.
func wordsIn(s string) int {
	n, letters, odd := 0, 0, false
	for i := 0; i <= len(s); i++ {
		c := byte(' ')
		if i < len(s) {
			c = s[i]
		}
		switch {
		case letter(c) || c >= 0x80 || c == '\'':
			letters++
		case c == ' ' || c == ',' || c == ':' || c == '.' || c == ')' || c == '(' || c == '?' || c == '!':
			if letters >= 2 && !odd {
				n++
			}
			letters, odd = 0, odd && c != ' '
		default:
			odd = true
		}
	}
	return n
}

// include reports whether a parameter that names a page to include gets a remote script.
func include(v *value.Value) bool {
	text := v.Text
	q := strings.IndexByte(text, '?')
	base := text
	if q >= 0 {
		base = text[:q]
	}
	base = strings.TrimRight(base, "\x00")
	from := max(0, len(base)-len(".phtml"))
	k := strings.LastIndexByte(base[from:], '.')
	if from+k <= 0 {
		return false
	}
	switch extensions.Of(base[from+k+1:]) {
	case script:
		return includers.Of(v.Name) != 0 || q == len(text)-1
	case image:
		return q == len(text)-1 && includers.Of(v.Name) != 0
	}
	return false
}

// What the extension of an address tells of the file there.
const (
	script uint32 = 1 << iota
	image         // or a script that calls itself one
)

var extensions = words.New(
	words.Group{Kind: script, Words: `txt php inc phtml cmd dat`},
	words.Group{Kind: image, Words: `gif jpg`},
)

// includers are names of parameters whose value becomes a file to run.
var includers = words.New(words.Group{Kind: 1, Words: `page file include inc path template tpl doc document folder root pg style pdf dir view layout mod module conf content show load lang locale basepath base_path document_root _server[document_root] mosconfig_absolute_path`})

// grade lowers the confidence of a link in the middle of a text.
func grade(c float64, first bool, start, end int, shape string) value.Match {
	if !first {
		c *= 0.7
	}
	return found(c, start, end, shape)
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassSSRF, Confidence: confidence, Start: start, End: end, Shape: shape}
}
