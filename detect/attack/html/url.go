package html

import (
	"strings"

	"kongwaf/detect/attack/js/script"
	"kongwaf/detect/attack/value"
)

// scheme is what a URL's scheme makes a browser do.
type scheme uint8

const (
	noScheme     scheme = iota
	scriptScheme        // javascript: and its old relatives
	dataScheme          // data:
	spoiltScheme        // "javascript" with another mark than a colon behind it
)

// schemeOf reads the scheme of a URL as browsers do (URL standard, section 4.4): leading
// white space and control characters are skipped, tabs and line ends dropped, character
// references undone. rest is the position behind the colon.
func schemeOf(s string) (kind scheme, rest int) {
	var buf [16]byte
	n := 0
	for i := 0; i < len(s); {
		c, width := s[i], 1
		if c == '&' {
			if d, w := reference(s[i:]); w > 0 {
				c, width = d, w
			}
		}
		i += width
		switch {
		case isLetter(c) || c == '-' && n > 0:
			if n == len(buf) {
				return noScheme, 0
			}
			buf[n] = lower(c)
			n++
		case c <= ' ' || c == 0x7f:
			if n > 0 && c == ' ' && width == 1 {
				// No browser drops blanks inside a scheme, but filters that squeeze them do.
				if k := string(buf[:n]); k != "java" && k != "vb" && k != "jav" && k != "javascript" {
					return noScheme, 0
				}
			}
		case c >= 0x80 && n == 0:
		case (c == '"' || c == '\'' || c == '`') && n == 0:
		case c == ':':
			switch string(buf[:n]) {
			case "javascript", "vbscript", "livescript", "mocha", "jscript", "ecmascript":
				return scriptScheme, i
			case "data":
				return dataScheme, i
			case "feed", "view-source", "jar", "wyciwyg", "pcap":
				n = 0
				continue
			}
			return noScheme, 0
		default:
			if w := string(buf[:n]); (w == "javascript" || w == "vbscript") && c != '/' && c != '.' && c != '_' && c != '?' {
				return spoiltScheme, i
			}
			return noScheme, 0
		}
	}
	return noScheme, 0
}

// namesScheme reports whether the letters before the colon at i end in "script" or "mocha",
// or in "data" with an active media type behind it.
func namesScheme(s string, i int) bool {
	var word [6]byte
	n := len(word)
	for k, seen := i-1, 0; k >= 0 && n > 0 && seen < 32; k, seen = k-1, seen+1 {
		c := s[k]
		if c <= ' ' {
			continue
		}
		if n == len(word) && c|0x20 != 't' && c|0x20 != 'a' {
			return false
		}
		if !isLetter(c) {
			break
		}
		n--
		word[n] = lower(c)
	}
	switch w := string(word[n:]); {
	case w == "script", w == "mocha":
		return true
	case len(w) >= 4 && w[len(w)-4:] == "data":
		return activeMedia(s[i+1:])
	}
	return false
}

// activeMedia reports whether the media type at the start of a data URL's body is one that
// a browser runs scripts of.
func activeMedia(s string) bool {
	for len(s) > 0 && s[0] <= ' ' {
		s = s[1:]
	}
	s = s[:min(len(s), 64)]
	stop := strings.IndexAny(s, ";,")
	if stop < 0 {
		stop = len(s)
	}
	switch m := s[:stop]; {
	case startsFold(m, "text/html"), startsFold(m, "text/xml"), startsFold(m, "text/javascript"), startsFold(m, "image/svg"),
		startsFold(m, "application/x"), startsFold(m, "application/javascript"), startsFold(m, "text/xsl"), startsFold(m, "application/ecmascript"):
		return true
	case m == "":
		return startsFold(s, ";base64") || startsFold(s, ",")
	}
	return false
}

// harmless reports whether the body of a script URL is one of the few that pages use
// instead of a link, and that click trackers therefore report.
func harmless(body string) bool {
	var buf [48]byte
	n := 0
	for i := 0; i < len(body); i++ {
		c := lower(body[i])
		if c <= ' ' || c == ';' && strings.Trim(body[i:], "; \t\r\n") == "" {
			continue
		}
		if n == len(buf) {
			break
		}
		buf[n] = c
		n++
	}
	switch string(buf[:n]) {
	case "", "void(0)", "void0", "void(null)", "void()", "false", "true", "undefined", "null", "0", "//", "returnfalse", "returntrue", "{}",
		"history.back()", "history.go(-1)", "window.history.back()", "window.history.go(-1)", "window.print()", "print()", "window.close()",
		"self.close()", "location.reload()", "window.location.reload()", "void(0)//", "#", "void(0);returnfalse":
		return true
	}
	return n > 13 && string(buf[:13]) == "__dopostback(" && !script.Read(body).Hostile
}

// url judges an attribute's value as a URL.
func (p *scanner) url(t *tag, kind attribute, from, to int, quote byte) {
	v := p.src[from:to]
	if len(v) < 2 {
		return
	}
	if v[0] == '&' && v[1] == '{' || v[0] == ' ' && strings.HasPrefix(strings.TrimSpace(v), "&{") {
		p.see(0.85, t.start, to, "script entity")
		return
	}
	switch c := v[0]; {
	case isLetter(c):
		// The schemes' first letters: javascript, vbscript, livescript, mocha, data, feed ...
		switch c | 0x20 {
		case 'j', 'v', 'l', 'm', 'd', 'e', 'f', 'w', 'p':
		default:
			return
		}
	case c == '/', c == '#', c == '.', '0' <= c && c <= '9', c == '?':
		return
	}
	k, rest := schemeOf(v)
	switch k {
	case scriptScheme:
		body := v[rest:]
		if harmless(body) {
			return
		}
		r := p.acts(body)
		switch {
		case t.injected && !t.quoted:
			if r.Acts() {
				p.see(0.8, t.start, to, "injected script address")
			}
		case r.Acts(), strings.ContainsAny(body, "(`%&[\\="):
			p.see(0.95, t.start, to, "script address")
		default:
			p.see(0.6, t.start, to, "script address")
		}
	case spoiltScheme:
		if p.acts(v[rest:]).Acts() || p.acts(v[max(0, rest-1):]).Hostile {
			p.see(0.75, t.start, to, "script address, misspelt")
		}
	case dataScheme:
		if !activeMedia(v[rest:]) && t.element != scriptElement {
			return
		}
		switch {
		case t.element == plain && kind == srcAttr && startsFold(v[rest:], "image/svg"):
			p.see(0.3, t.start, to, "inline drawing")
		case kind == plainAttr && t.injected:
		default:
			p.see(0.9, t.start, to, "document in an address")
		}
	}
}

// maxScript is enough of a script to see what it does, in bytes.
const maxScript = 256

// bareURL judges a value that is a script URL, or holds one where an address would stand.
func (p *scanner) bareURL() value.Match {
	s := p.src
	kind, rest := schemeOf(s)
	switch kind {
	case scriptScheme:
		body := s[rest:]
		if harmless(body) {
			return value.Match{}
		}
		switch r := p.acts(body); {
		case r.Acts():
			return found(0.92, 0, len(s), "script address")
		case len(body) > 0 && (body[0] == '%' || body[0] == '\\' || body[0] == '/' && len(body) > 1 && body[1] == '/') && codeLike(body):
			return found(0.8, 0, len(s), "script address, encoded")
		}
	case dataScheme:
		body := s[rest:]
		if activeMedia(body) && !startsFold(strings.TrimSpace(body), "image/svg") {
			if c := strings.IndexByte(body, ','); c >= 0 && c+1 < len(body) {
				return found(0.85, 0, len(s), "document in an address")
			}
		}
	}
	looked := 0
	for i := rest; i < len(s); {
		j := strings.IndexByte(s[i:], ':')
		if j < 0 {
			break
		}
		i += j
		if i > 5 && s[i-5] == '(' && s[i-6] == ']' && s[i-1]|0x20 == 'a' && namesScheme(s, i) && !startsFold(s[i+1:], "image/svg") {
			return found(0.78, i-4, min(len(s), i+40), "document in a link's address")
		}
		if i > 0 && s[i-1]|0x20 == 't' && namesScheme(s, i) {
			k := i
			for k > 0 && isLetter(s[k-1]) {
				k--
			}
			if k > 0 && (strings.IndexByte("=\"'`(>,;[{:/ \n&", s[k-1]) >= 0) {
				// What never ends reads on to the end of the text: after a few such, a start gets less.
				rest := s[i+1:]
				if looked > len(s) {
					rest = rest[:min(len(rest), maxScript)]
				}
				r := script.Read(rest)
				looked += r.Looked
				if r.Hostile && (r.Acts()) && i+1 < len(s) && s[i+1] != ' ' && !harmless(s[i+1:i+1+r.Stop]) {
					c := 0.8
					if s[k-1] == ' ' || s[k-1] == '\n' || s[k-1] == '`' {
						c = 0.65
					}
					return found(c, k, i+1+r.Stop, "script address inside")
				}
				if !p.work.Spend(script.Cost * r.Looked) {
					break
				}
				i += r.Stop
			}
		}
		i++
	}
	return value.Match{}
}
