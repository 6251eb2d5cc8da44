package html

import "strings"

// script judges a script element whose content begins at i, and returns where markup goes on.
func (p *scanner) script(t *tag, i int) int {
	s := p.src
	stop, next, closed := len(s), len(s), false
	for k := i; k < len(s); {
		j := strings.Index(s[k:], "</")
		if j < 0 {
			break
		}
		k += j + 2
		if startsFold(s[k:], "script") {
			stop, closed = k-2, true
			next = k - 2
			break
		}
	}
	content := strings.TrimSpace(s[i:stop])
	if t.facts&(hasSrc|hasHref) != 0 {
		p.see(0.95, t.start, t.stop, "script element with a source")
		return next
	}
	terminated := t.stop > 0 && s[t.stop-1] == '>'
	if content == "" {
		switch {
		case closed:
			p.see(0.6, t.start, t.stop, "script element, empty")
		case t.facts&hasAny != 0 && !terminated:
			p.see(0.75, t.start, t.stop, "script element, unfinished")
		case t.start == 0 || s[t.start-1] == '>' || s[t.start-1] == '"' || s[t.start-1] == '\'':
			p.see(0.75, t.start, t.stop, "script element, unfinished")
		default:
			p.see(0.45, t.start, t.stop, "script element, unfinished")
		}
		return next
	}
	r := acts(content)
	switch {
	case r.Acts():
		p.see(0.95, t.start, stop, "script element")
	case r.Whole && closed && r.Words < 2:
		p.see(0.75, t.start, stop, "script element")
	case closed && codeLike(content):
		p.see(0.78, t.start, stop, "script element")
	case codeLike(content) && r.Hostile:
		p.see(0.75, t.start, stop, "script element")
	default:
		p.see(0.35, t.start, stop, "script element in prose")
		return i
	}
	return next
}

// codeLike reports whether a bracket, quote or equals sign stands right behind a name: how
// code is written and prose is not. It is asked of what cannot be read as a program,
// because a template or a filter took parts of it away.
func codeLike(s string) bool {
	s = s[:min(len(s), 1024)]
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '(', '[', '=', '`':
			if c := s[i-1]; isLetter(c) || c == ')' || c == ']' || c == '$' || c == '_' {
				return true
			}
		}
	}
	return false
}

// styleSheet judges a style element whose content begins at i.
func (p *scanner) styleSheet(t *tag, i int) int {
	s := p.src
	stop := len(s)
	for k := i; k < len(s); {
		j := strings.Index(s[k:], "</")
		if j < 0 {
			break
		}
		k += j + 2
		if startsFold(s[k:], "style") {
			stop = k - 2
			break
		}
	}
	content := s[i:stop]
	c := styleConfidence(content)
	if c < 0.72 && hasFold(content, "@import") {
		c = 0.72
	}
	if c > 0 {
		p.see(c, t.start, stop, "script in a style sheet")
	}
	if stop == len(s) {
		return i
	}
	return stop
}

// styleSigns are what runs a script from a style sheet, in the form that simplify brings:
// lower case, no comments, no escapes, no white space (CSS expressions and behaviours of
// Internet Explorer, XBL of Mozilla, link styles of Opera, script URLs everywhere).
var styleSigns = [...]struct {
	sign       string
	confidence float64
}{
	{sign: "expression(", confidence: 0.93},
	{sign: "script:", confidence: 0.93},
	{sign: "-moz-binding", confidence: 0.9},
	{sign: "behavior:", confidence: 0.85},
	{sign: "-o-link", confidence: 0.85},
	{sign: "data:text/html", confidence: 0.85},
	{sign: "mocha:", confidence: 0.85},
	{sign: "@importhttp", confidence: 0.75},
	{sign: "@import'http", confidence: 0.75},
	{sign: "@importurl(http", confidence: 0.75},
}

// styleConfidence says how surely a style (an attribute's value or a sheet) runs a script.
func styleConfidence(s string) float64 {
	if strings.IndexAny(s, ":(\\&@") < 0 {
		return 0
	}
	var buf [512]byte
	best := 0.0
	n := 0
	for i := 0; i < len(s); {
		n, i = simplify(&buf, n, s, i)
		chunk := buf[:n]
		for k := range styleSigns {
			if e := &styleSigns[k]; e.confidence > best && indexBytes(chunk, e.sign) {
				best = e.confidence
			}
		}
		// A sign may straddle two chunks.
		keep := min(n, 24)
		copy(buf[:keep], buf[n-keep:n])
		n = keep
	}
	return best
}

func indexBytes(b []byte, sign string) bool {
	for i := 0; i+len(sign) <= len(b); i++ {
		j := strings.IndexByte(sign, b[i])
		if j != 0 {
			continue
		}
		if string(b[i:i+len(sign)]) == sign {
			return true
		}
	}
	return false
}

// simplify appends the style text s[i:] to buf[:n] in its simple form until the buffer is
// full, and returns the new length and position.
func simplify(buf *[512]byte, n int, s string, i int) (int, int) {
	for i < len(s) && n < len(buf) {
		c := s[i]
		width := 1
		switch {
		case c == '/' && i+1 < len(s) && s[i+1] == '*':
			if j := strings.Index(s[i+2:], "*/"); j >= 0 {
				i += 2 + j + 2
				continue
			}
		case c == '\\':
			v, k := 0, i+1
			for k < len(s) && k < i+7 {
				d := hexDigit(s[k])
				if d < 0 {
					break
				}
				v = v<<4 | d
				k++
			}
			if k == i+1 {
				i++
				continue
			}
			if k < len(s) && s[k] == ' ' {
				k++
			}
			if v < 0x80 && v > ' ' {
				c, width = byte(v), k-i
			} else if k == i+2 || v == 0 {
				// "\e" may also be a needless escape of the letter.
				c, width = s[i+1], 2
				if v == 0 {
					i = k
					continue
				}
			} else {
				i = k
				continue
			}
		case c == '&':
			if d, w := reference(s[i:]); w > 0 {
				c, width = d, w
			}
		}
		i += width
		if c <= ' ' || c >= 0x7f {
			continue
		}
		buf[n] = lower(c)
		n++
	}
	return n, i
}
