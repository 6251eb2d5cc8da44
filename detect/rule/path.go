package rule

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/value"
)

// paths are the ways in which servers may read the path of a request.
type paths struct {
	known bool
	sent  string
	// plain are those of everyday servers: percent signs undone, dots and slashes resolved.
	// wide are others, in lower case: all that decoding yields.
	plain, wide []string
}

// of reads the path of a target, once.
func (p *paths) of(s *session) {
	if p.known {
		return
	}
	*p = paths{known: true, plain: p.plain[:0], wide: p.wide[:0]}
	p.instead(s.request)
	p.sent = pathOf(s.request.Target)
	if isPlainPath(p.sent) {
		p.wide = append(p.wide, lowered(p.sent))
		return
	}
	traits, pairs := value.Look(p.sent)
	p.add(p.sent, true)
	forms := &s.forms
	forms.Work = &s.work
	forms.Start(p.sent, traits, pairs, false, decode.Path{}, &s.arena, &s.room)
	for form := forms.Next(); form != nil; form = forms.Next() {
		everyday := true
		for _, step := range form.Path.Steps() {
			everyday = everyday && (step == decode.Percent || step == decode.Unicode || step == decode.NUL)
		}
		p.add(strings.Clone(form.Text), everyday)
	}
	s.arena = s.arena[:0]
}

// instead adds the paths that headers ask an upstream to take instead, as some do for the sake of
// proxies in front.
func (p *paths) instead(r *detect.Request) {
	for i := range r.Headers {
		if name := r.Headers[i].Name; len(name) == len("x-rewrite-url") || len(name) == len("x-original-url") {
			if name = strings.ReplaceAll(lowered(name), "_", "-"); name == "x-rewrite-url" || name == "x-original-url" {
				path := pathOf(strings.TrimSpace(r.Headers[i].Value))
				p.add(path, true)
				p.add(string(unescape(nil, path, false)), true)
			}
		}
	}
}

func (p *paths) add(path string, everyday bool) {
	resolved := resolve(path)
	if everyday {
		p.plain = append(p.plain, resolved)
	}
	p.wide = append(p.wide, lowered(path))
	if resolved != path {
		p.wide = append(p.wide, lowered(resolved))
	}
}

// match reports whether a pattern matches the path: narrowly, in every way that everyday
// servers read it, or widely, in any way at all. The pattern of the wide way is in lower case.
func (p *paths) match(pattern glob, narrow bool) bool {
	if narrow {
		for _, path := range p.plain {
			if !pattern.matches(path) {
				return false
			}
		}
		return pattern.matches(p.sent)
	}
	for _, path := range p.wide {
		if pattern.matches(path) || pattern.matches(strings.TrimRight(path, "/ \t")) {
			return true
		}
	}
	return false
}

// pathOf returns the path of a request target, in origin or absolute form.
func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	path, _, _ = strings.Cut(path, "#")
	if path == "" || path[0] == '/' {
		return path
	}
	if _, rest, ok := strings.Cut(path, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return path
}

// isPlainPath reports whether every server reads a path as it was sent.
func isPlainPath(path string) bool {
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c <= ' ' || c >= 0x7f || c == '%' || c == '\\' || c == ';' || c == '+' || c == '&':
			return false
		case c == '/' && i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.'):
			return false
		}
	}
	return true
}

// resolve returns a path as servers look it up: backslashes as slashes, no empty steps and
// no dots, without parameters of its steps and without blanks at its end.
func resolve(path string) string {
	path = strings.TrimRight(strings.ReplaceAll(path, `\`, "/"), " \t\r\n\x00")
	var steps []string
	for step := range strings.SplitSeq(path, "/") {
		step, _, _ = strings.Cut(step, ";")
		switch step {
		case "", ".":
		case "..":
			steps = steps[:max(0, len(steps)-1)]
		default:
			steps = append(steps, step)
		}
	}
	resolved := "/" + strings.Join(steps, "/")
	if len(steps) > 0 && strings.HasSuffix(path, "/") {
		resolved += "/"
	}
	return resolved
}

// lowered returns s with the letters A to Z in lower case.
func lowered(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return string(appendLower(nil, s))
		}
	}
	return s
}

func appendLower(dst []byte, s string) []byte {
	at := len(dst)
	dst = append(dst, s...)
	for i := at; i < len(dst); i++ {
		if c := dst[i]; 'A' <= c && c <= 'Z' {
			dst[i] = c + 'a' - 'A'
		}
	}
	return dst
}
