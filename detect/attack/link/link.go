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

// schemes, by what a server that speaks them gives away.
const (
	web      uint32 = 1 << iota // http, https
	internal                    // nobody links to: gopher, dict
	lookup                      // directories and remote objects: ldap, rmi
	transfer                    // file transfer
	wrapper                     // jar:http://
)

var schemes = words.New(
	words.Group{Kind: web, Words: `http https ws wss url:http url:https view-source:http feed:http`},
	words.Group{Kind: internal, Words: `gopher gophers dict netdoc`},
	words.Group{Kind: lookup, Words: `ldap ldaps ldapi rmi iiop corba corbaname nis dns jmx`},
	words.Group{Kind: transfer, Words: `tftp sftp smb ftp scp imap pop3 smtp telnet rtsp mongodb redis memcached`},
	words.Group{Kind: wrapper, Words: `jar`},
)

// Possible reports whether a value can hold a link of interest at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return v.Pairs.Any(value.ColonSlash|value.SlashSlash) || v.Pairs.All(value.SchemeColon|value.ColonLetter) ||
		t.Any(value.Backslash) || t.Any(value.Slash) && t.Any(value.Semicolon|value.Tab)
}

// Judge looks for a hostile link in one value. The class is always SSRF.
func Judge(v *value.Value) value.Match {
	text := v.Text
	best := redirect(v)
	if !v.Pairs.Any(value.ColonSlash) && !v.Pairs.All(value.SchemeColon|value.ColonLetter) {
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
		if best.Confidence >= 0.93 {
			break
		}
		i = max(i+1, next)
	}
	return tempered(best, text)
}

// tempered lowers the confidence of a match in running text.
func tempered(best value.Match, text string) value.Match {
	if best.Confidence >= 0.4 {
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
	return (text[i-1]|0x20 == 'p' || text[i-1]|0x20 == 's' || text[i-1]|0x20 == 'r') && letter(text[i-2]) && letter(text[i+1]) || text[i-1]|0x20 == 'c' && text[i+1] == '/'
}

// link judges the URL whose scheme ends with the colon at i, and returns where it ends.
func link(v *value.Value, i int) (value.Match, int) {
	text := v.Text
	start := i
	for start > 0 && i-start < 12 && (letter(text[start-1]) || digit(text[start-1])) {
		start--
	}
	kind := schemes.Of(text[start:i])
	if kind == 0 {
		return value.Match{}, i
	}
	rest := text[i+1:]
	slashes := 0
	for slashes < len(rest) && slashes < 8 && (rest[slashes] == '/' || rest[slashes] == '\\') {
		slashes++
	}
	first := strings.TrimLeft(text[:start], " \t\"'(<=") == "" || start > 0 && (text[start-1] == '=')
	switch {
	case kind == wrapper && words.HasPrefix(rest, "http"):
		return found(0.85, start, i+5, "nested URL scheme"), i
	case kind == internal && slashes >= 2, kind == internal && words.HasPrefix(text[start:], "netdoc:/"):
		return grade(0.92, first, start, i+3, "scheme of internal services"), i
	case kind == lookup && slashes >= 2:
		return grade(0.75, first, start, i+3, "scheme of directory services"), i
	case kind == transfer && slashes >= 2 && text[start]|0x20 == 't' && text[start+1]|0x20 == 'f':
		return grade(0.75, first, start, i+3, "scheme of file transfer"), i
	}
	if kind != web && kind != transfer {
		return value.Match{}, i
	}
	if slashes < 2 && !(first && kind == web && slashes < 2 && len(rest) > 3) {
		return value.Match{}, i
	}
	from := i + 1 + slashes
	if kind == web && rest[:slashes] == "//" {
		if end := ordinaryHost(text, from); end > 0 && !(first && include(v)) {
			return value.Match{}, end
		}
	}
	// The authority, as far as any parser reads it.
	end, at, spaces, backslash, hash := from, -1, 0, false, false
	for end < len(text) && end-from < 256 {
		c := text[end]
		if c == '/' || c == '?' || c == '"' || c == '\'' || c == '<' || c == '>' || c == ',' || c == '\n' || c == ')' || c == '`' {
			break
		}
		if c == ' ' {
			// http://1.1.1.1 &@2.2.2.2# @3.3.3.3/: a blank ends all but such.
			if k := strings.IndexByte(text[end:min(len(text), end+6)], '@'); k < 0 || k > 1 && (letter(text[end+k-1]) || digit(text[end+k-1])) {
				break
			}
			spaces++
		}
		if c == '@' {
			at = end
		}
		if c == '\\' {
			backslash = true
		}
		if c == '#' || c == '&' || c == ';' {
			if k := strings.IndexByte(text[end:min(len(text), end+48)], '@'); k < 0 || strings.IndexByte(text[end:end+k], '/') >= 0 {
				break
			}
			hash = true
		}
		end++
	}
	name := text[from:end]
	user := ""
	if at >= 0 {
		user = text[from:at]
		name = text[at+1 : end]
	}
	if k := strings.IndexByte(name, '\\'); k >= 0 {
		name = name[:k]
	}
	port := ""
	if k := strings.LastIndexByte(name, ':'); k >= 0 && (name[0] != '[' || strings.IndexByte(name[k:], ']') < 0) {
		port = name[k+1:]
		name = name[:k]
	}
	cut := strings.IndexAny(name, "%\x00")
	if cut > 0 {
		name = name[:cut] // some parsers end the name there
	}
	r, disguised := host(name)
	disguised = disguised || cut > 0 && r != outside
	path := text[end:min(len(text), end+48)]
	c, shape := 0.0, ""
	inHeader := v.Source == detect.SourceHeader && !words.HasPrefix(v.Name, "x-")
	switch {
	case at >= 0 && (spaces > 0 || backslash || hash):
		c, shape = 0.85, "URL with two hosts"
	case r == metadata:
		c, shape = 0.93, "metadata service"
	case r == loopback && disguised:
		c, shape = 0.9, "loopback in disguise"
	case r == private && disguised:
		c, shape = 0.78, "private address in disguise"
	case disguised && at < 0 && digit(name[0]):
		c, shape = 0.72, "address in disguise"
	case r == loopback:
		c, shape = 0.55, "loopback address"
		if kind == transfer || backslash || strings.IndexByte(rest[:slashes], '\\') >= 0 || slashes > 2 {
			c = 0.75 // no page on the developer's own machine
		}
		if first && !returns(v.Name) && !letter(name[0]) && v.Source != detect.SourceHeader {
			c = max(c, 0.72)
		}
		if serviceports.Of(port) != 0 || telling(path) {
			c = 0.78
		}
		if at >= 0 {
			c = 0.85
		}
		if kind == transfer && start > 0 {
			c = 0.55 // REDIS_URL=redis://localhost:6379 is a line of a configuration
		}
		if slashes < 2 && (!first || slashes == 0 && kind != web) {
			c -= 0.3
		}
	case r == private:
		c, shape = 0.45, "private address"
		if telling(path) || serviceports.Of(port) != 0 {
			c = 0.75
		}
	case kind == transfer && slashes >= 2 && text[start] != 'f':
		c, shape = 0.55, "scheme of file transfer"
	case at >= 0 && strings.IndexByte(user, '.') > 0 && strings.IndexByte(user, ':') < 0:
		c, shape = 0.72, "URL with two hosts"
	case at >= 0 && strings.Contains(user, "."):
		c, shape = 0.6, "URL with two hosts"
	case slashes >= 1 && first && backslashFirst(rest, slashes):
		c, shape = 0.72, "URL with backslashes"
	case first && include(v):
		c, shape = 0.6, "remote file to include"
		if strings.HasSuffix(text, "?") || strings.HasSuffix(text, "\x00") || strings.HasSuffix(text, "?\x00") {
			c = 0.8
		}
	}
	if c == 0 {
		return value.Match{}, end
	}
	if inHeader && r != metadata {
		c = min(c, 0.4)
	}
	return grade(c, first || r == metadata || disguised, start, min(len(text), end), shape), end
}

// returns reports whether a parameter of this name says where to go afterwards, which is
// the developer's own machine, or that of a program's user (RFC 8252), often enough.
func returns(name string) bool {
	return words.Index(name, "redir") >= 0 || words.Index(name, "callback") >= 0 || words.Index(name, "return") >= 0 ||
		words.Index(name, "origin") >= 0 || words.Index(name, "refer") >= 0 || words.Index(name, "continue") >= 0 || words.Index(name, "next") >= 0
}

// serviceports are ports of services that speak no HTTP to browsers, or only inside.
var serviceports = words.New(words.Group{Kind: 1, Words: `21 22 23 25 53 110 111 135 139 143 389 445 465 514 587 636 873 993 995 1099 1433 1521 2049 2375 2376 2379 3306 3389 4444 5432 5984 5985 6379 6443 7001 8005 8009 8500 9000 9200 9300 10250 10255 11211 15672 27017 27018 50070`})

// telling reports whether the path after an inside address is one of administration.
func telling(path string) bool {
	for _, p := range [...]string{"/latest/", "/admin", "/server-status", "/metadata", "/computemetadata", "/manager", "/actuator", "/_cat", "/_search", "/v1/agent", "/containers/", "/etc/", "/solr", "/console", "/status", "/private", "/secret", "/internal", "/flag"} {
		if words.HasPrefix(path, p) {
			return true
		}
	}
	return false
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
		return q == len(text)-1
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

func backslashFirst(rest string, slashes int) bool {
	return strings.IndexByte(rest[:slashes], '\\') >= 0
}

// redirect recognises links that browsers take for another host while servers take them
// for a path: ///host, /\host, \/host, https:host.
func redirect(v *value.Value) value.Match {
	text := v.Text
	if len(text) < 4 || v.Source == detect.SourcePath || len(text) > 2048 {
		return value.Match{}
	}
	if text[0] != '/' && text[0] != '\\' {
		return value.Match{}
	}
	n, backslash := 0, false
	for n < len(text) && n < 12 && (text[n] == '/' || text[n] == '\\' || text[n] == ';' || text[n] == '\t') {
		backslash = backslash || text[n] == '\\' && n < 3
		n++
	}
	if text[0] == '\\' && strings.Trim(text[:n], `\`) == "" {
		return value.Match{} // a network share, or an escape
	}
	dots := 0
	end := n
	for end < len(text) && (letter(text[end]) || digit(text[end]) || text[end] == '-' || text[end] == '.' || text[end] == '@') {
		if text[end] == '.' && end > n && end+1 < len(text) && text[end-1] != '.' && letter(text[end+1]) {
			dots++
		}
		end++
	}
	if dots == 0 || end < len(text) && strings.IndexByte("/?#%:\\", text[end]) < 0 {
		return value.Match{}
	}
	hostlike := text[n:end]
	if end < len(text) && text[end] == '%' && strings.IndexByte(text[end:min(len(text), end+64)], '@') > 0 && n >= 2 {
		return found(0.75, 0, end, "link to another host in disguise")
	}
	switch {
	case strings.IndexByte(hostlike, '@') >= 0 && n >= 2:
		return found(0.78, 0, end, "link to another host in disguise")
	case backslash && n >= 2:
		return found(0.8, 0, end, "link to another host in disguise")
	case n == 2 && strings.HasPrefix(text[end:], "/.."):
		return found(0.75, 0, end, "link to another host in disguise")
	case n >= 3:
		return found(0.72, 0, end, "link to another host in disguise")
	}
	return value.Match{}
}

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
