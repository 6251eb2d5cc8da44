// Package ssi finds directives of server-side includes and edge-side includes: comments and
// elements that a web server or a cache in front of it runs when it sends the page.
//
// It knows the directives of Apache's mod_include, nginx's ssi module and IIS, and the
// elements of ESI Language 1.0. Ordinary HTML comments are none of them.
package ssi

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// Possible reports whether a value can hold an attack in this language at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	return v.Pairs.Any(value.LessExclamation|value.LessLetter) && v.Traits.Any(value.Exclamation|value.Colon)
}

// Judge looks at one decoded value; the zero Match means that nothing was seen.
func Judge(v *value.Value) value.Match {
	if !Possible(v) {
		return value.Match{}
	}
	s := v.Text
	var best value.Match
	for i := 0; i < len(s); i++ {
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			break
		}
		i += j
		rest := s[i+1:]
		switch {
		case strings.HasPrefix(rest, "!--"):
			best = best.Better(comment(s, i))
		case len(rest) > 4 && rest[3] == ':' && strings.EqualFold(rest[:3], "esi"):
			best = best.Better(element(s, i))
		}
		if best.Confidence >= 0.9 {
			break
		}
	}
	return best
}

// end returns the position behind the next '>', at most 512 bytes on.
func end(s string, i int) int {
	stop := min(len(s), i+512)
	if j := strings.IndexByte(s[i:stop], '>'); j >= 0 {
		return i + j + 1
	}
	return stop
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassSSI, Confidence: confidence, Start: start, End: end, Shape: shape}
}

// comment judges the comment at i: "<!--#exec ...", "<!-- #include ..." (IIS allows the
// blank), or "<!--esi".
func comment(s string, i int) value.Match {
	k := i + 4
	for k < len(s) && k < i+12 && (s[k] == ' ' || s[k] == '\t') {
		k++
	}
	if len(s)-k >= 4 && strings.EqualFold(s[k:k+3], "esi") && (s[k+3] <= ' ' || s[k+3] == '<') {
		return found(0.85, i, end(s, i), "esi comment")
	}
	if k >= len(s) || s[k] != '#' {
		return value.Match{}
	}
	word := s[k+1:]
	for n := 0; n < len(word); n++ {
		if c := word[n] | 0x20; c < 'a' || 'z' < c {
			word = word[:n]
			break
		}
	}
	if len(word) > 12 {
		return value.Match{}
	}
	// A directive has an attribute, or is the whole comment.
	tail := s[min(len(s), k+1+len(word)):]
	tail = tail[:min(len(tail), 256)]
	attribute := strings.IndexByte(tail, '=') >= 0
	ends := strings.HasPrefix(strings.TrimLeft(tail, " "), "--")
	var buf [12]byte
	for n := range word {
		buf[n] = word[n] | 0x20
	}
	switch string(buf[:len(word)]) {
	case "exec":
		return found(0.97, i, end(s, i), "exec directive")
	case "include", "perl", "fsize", "flastmod", "set", "echo", "config", "if", "elif", "block", "comment":
		if attribute {
			return found(0.92, i, end(s, i), "include directive")
		}
	case "printenv":
		return found(0.92, i, end(s, i), "printenv directive")
	case "else", "endif", "endblock":
		if ends {
			return found(0.6, i, end(s, i), "condition directive")
		}
	}
	return value.Match{}
}

// element judges the ESI element at i.
func element(s string, i int) value.Match {
	stop := end(s, i)
	tag := s[i+5 : stop]
	n := 0
	for n < len(tag) && (tag[n]|0x20 >= 'a' && tag[n]|0x20 <= 'z') {
		n++
	}
	attribute := strings.IndexByte(tag[n:], '=') >= 0
	switch name := tag[:n]; {
	case strings.EqualFold(name, "include"), strings.EqualFold(name, "inline"), strings.EqualFold(name, "eval"), strings.EqualFold(name, "assign"),
		strings.EqualFold(name, "when"), strings.EqualFold(name, "debug"), strings.EqualFold(name, "function"), strings.EqualFold(name, "foreach"):
		if attribute || strings.EqualFold(name, "debug") {
			return found(0.92, i, stop, "esi element")
		}
		return found(0.4, i, stop, "esi element")
	case strings.EqualFold(name, "vars"), strings.EqualFold(name, "remove"), strings.EqualFold(name, "try"), strings.EqualFold(name, "choose"),
		strings.EqualFold(name, "comment"), strings.EqualFold(name, "text"):
		if strings.HasSuffix(tag, ">") {
			return found(0.75, i, stop, "esi element")
		}
	}
	return value.Match{}
}
