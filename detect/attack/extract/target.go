package extract

import (
	"strings"

	"kongwaf/detect"
)

// method hands out the request method.
func (w *Walker) method(method string) {
	w.at(detect.SourceMethod, "method")
	w.value(segment{index: -1}, method)
}

// target takes the request target apart: origin form ("/a?b"), absolute form
// ("http://host/a?b"), authority form and whatever else was sent (RFC 9112 section 3.2).
func (w *Walker) target(target string) {
	w.at(detect.SourcePath, "path")
	if end := authorityEnd(target); end > 0 {
		w.value(named("authority"), target[:end])
		target = target[end:]
	}
	path, query, hasQuery := strings.Cut(target, "?")
	w.pathSegments(path)
	// Most servers drop a fragment, some keep it in the last value: it stays there and is
	// handed out apart as well.
	if i := strings.IndexByte(target, '#'); i >= 0 {
		w.value(named("fragment"), target[i+1:])
	}
	if hasQuery {
		w.at(detect.SourceQuery, "query")
		w.pairs(query)
		// Some servers (ASP.NET) decode the query in the charset of the body.
		for _, t := range w.declared.types[:w.declared.typeCount] {
			if cs := charsetOf(mediaParam(t, "charset")); cs.foreign() {
				w.foreignPairs(query, cs)
			}
		}
	}
}

// authorityEnd returns where the path of an absolute-form target or URL begins, 0 if there
// is no scheme and authority.
func authorityEnd(s string) int {
	i := schemeEnd(s)
	if i == 0 {
		return 0
	}
	for i < len(s) && s[i] != '/' && s[i] != '?' && s[i] != '#' && s[i] != '\\' {
		i++
	}
	return i
}

// schemeEnd returns the length of "scheme://" (or "//") at the start of s, 0 if there is none.
func schemeEnd(s string) int {
	i := 0
	for i < len(s) && i < 32 && (plainByte[s[i]] && s[i] != '_' || s[i] == '+') {
		i++
	}
	if i > 0 && i < len(s) && s[i] == ':' && strings.HasPrefix(s[i+1:], "//") {
		return i + 3
	}
	return 0
}

// wholeSegment is the length up to which a path segment of nothing but plain characters is
// not handed out apart: the raw path holds it, and it is too short for encoded payloads.
const wholeSegment = 10

// pathSegments hands out the raw path, and its segments and matrix parameters one by one.
func (w *Walker) pathSegments(path string) {
	if !w.value(segment{index: -1}, path) {
		return
	}
	rest := strings.TrimPrefix(path, "/")
	for i := int32(0); rest != ""; i++ {
		var s string
		s, rest, _ = strings.Cut(rest, "/")
		if len(s) <= wholeSegment && isPlain(s) && !w.lim.All {
			continue
		}
		if !w.value(segment{index: i}, s) {
			return
		}
		if semi := strings.IndexByte(s, ';'); semi >= 0 {
			w.push(segment{index: i})
			w.matrix(s[semi+1:])
			w.pop()
		}
	}
}

// matrix hands out the parameters of a path segment: ";a=b;c=d".
func (w *Walker) matrix(s string) {
	for s != "" && !w.stopped {
		var p string
		p, s, _ = strings.Cut(s, ";")
		w.pair(p)
	}
}

// pairs takes apart a query string or a form: split on '&', then on the first '='. Names and
// values are handed out as sent.
func (w *Walker) pairs(s string) {
	semicolons := strings.IndexByte(s, ';') >= 0
	for s != "" && !w.stopped {
		i := strings.IndexByte(s, '&')
		p := s
		if i >= 0 {
			p, s = s[:i], s[i+1:]
		} else {
			s = ""
		}
		w.pair(p)
		// Some servers also split on ';' (W3C HTML 4.01 appendix B.2.2).
		if !semicolons {
			continue
		}
		if semi := strings.IndexByte(p, ';'); semi >= 0 && strings.IndexByte(p, '=') >= 0 {
			if strings.IndexByte(p[:semi], '=') >= 0 {
				w.pair(p[:semi])
			}
			w.matrix(p[semi+1:])
		}
	}
}

// pair hands out one parameter. Where the name is no ordinary name, the '=' may well be part
// of a payload that is no parameter at all, and the whole is handed out as a name too.
func (w *Walker) pair(p string) {
	i := strings.IndexByte(p, '=')
	if i < 0 {
		w.name(p)
		return
	}
	name, value := p[:i], p[i+1:]
	w.name(name)
	if !ordinaryName(name) {
		w.name(p)
	}
	if w.graphqlQuery(name) && w.graphqlParameter(value) && !w.lim.All {
		return
	}
	w.graphqlVariables(name, value)
	w.value(named(name), value)
}

// laterPairs hands out the parameters behind the first '&' that have ordinary names: what a
// form parser would find in a text that is well-formed in another format.
func (w *Walker) laterPairs(s string) {
	_, s, _ = strings.Cut(s, "&")
	w.ordinaryPairs(s)
}

// ordinaryPairs hands out the parameters that have ordinary names.
func (w *Walker) ordinaryPairs(s string) {
	for s != "" && !w.stopped {
		var p string
		p, s, _ = strings.Cut(s, "&")
		if name, value, ok := strings.Cut(p, "="); ok && name != "" && ordinaryName(name) {
			w.name(name)
			w.value(named(name), value)
		}
	}
}

// ordinaryName reports whether a parameter name, as sent, has only characters that
// frameworks give meaning to: words, brackets, dots, dashes, colons.
func ordinaryName(s string) bool {
	i := 0
	for ; i+4 <= len(s); i += 4 {
		if q := s[i : i+4]; ordinaryByte[q[0]]&ordinaryByte[q[1]]&ordinaryByte[q[2]]&ordinaryByte[q[3]] == 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if ordinaryByte[s[i]] == 1 {
			continue
		}
		if s[i] == '%' && i+2 < len(s) {
			switch d := hexDigit[s[i+1]]<<4 | hexDigit[s[i+2]]; {
			case d == '[' || d == ']' || d == ' ' || d == '$' || d == '.' || d == '-' || d == '_' || d == ':' || d == '@':
				i += 2
				continue
			}
		}
		return false
	}
	return true
}

// ordinaryByte is 1 for the characters of ordinary names, but for percent-encoded ones.
var ordinaryByte = func() (t [256]uint8) {
	for c := range t {
		if plainByte[c] || strings.IndexByte("[]:$@+~*!", byte(c)) >= 0 {
			t[c] = 1
		}
	}
	return t
}()
