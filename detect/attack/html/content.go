package html

import "strings"

// spaces are what may surround a script.
const spaces = " \t\r\n\v\f"

// script judges a script element whose content begins at i, and returns where markup goes on.
func (p *scanner) script(t *tag, i int) int {
	s := p.src
	if p.scriptStop < i {
		p.scriptStop = endTag(s, i, "script")
		p.scriptText = i + len(strings.TrimRight(s[i:p.scriptStop], spaces))
	}
	stop, closed := p.scriptStop, p.scriptStop < len(s)
	next := stop
	if t.facts&hasDataType != 0 && closed {
		p.see(0.3, t.start, t.stop, "data in a script element")
		return next
	}
	content := strings.TrimLeft(s[i:max(i, p.scriptText)], spaces)
	if t.facts&(hasSrc|hasHref) != 0 {
		p.see(0.95, t.start, t.stop, "script element with a source")
		return next
	}
	terminated := t.stop > 0 && s[t.stop-1] == '>'
	if content == "" {
		switch {
		case closed:
			p.see(0.6, t.start, t.stop, "script element, empty")
		case t.facts&hasAny != 0 && !terminated && t.facts&hasValue == 0 && spaced(s[t.start:t.stop]):
			p.see(0.45, t.start, t.stop, "script element, unfinished") // words: <script is wrong here
		case t.facts&hasAny != 0 && !terminated:
			p.see(0.75, t.start, t.stop, "script element, unfinished")
		case t.start == 0 || s[t.start-1] == '>' || s[t.start-1] == '"' || s[t.start-1] == '\'':
			p.see(0.75, t.start, t.stop, "script element, unfinished")
		default:
			p.see(0.45, t.start, t.stop, "script element, unfinished")
		}
		return next
	}
	// Scripts without an end overlap: the more of them were read, the less of each is.
	switch {
	case p.read > len(s)/2:
		content = content[:min(len(content), 64)]
	}
	r := p.acts(content)
	if !closed {
		p.read += r.Looked
	}
	switch {
	case r.Acts():
		p.see(0.95, t.start, stop, "script element")
	case closed && codeLike(content):
		p.see(0.78, t.start, stop, "script element")
	case closed && s[i] > ' ' && content[0] != '<' && !prose(content):
		p.see(0.75, t.start, stop, "script element")
	case !closed && r.Whole && s[i] > ' ' && len(content) < 64 && strings.IndexAny(content, "+(='\"`") > 0 && !prose(content):
		p.see(0.72, t.start, stop, "script element, unfinished")
	case r.Hostile && codeLike(content):
		p.see(0.75, t.start, stop, "script element")
	default:
		p.see(0.35, t.start, stop, "script element in prose")
		return i
	}
	return next
}

// spaced reports whether the text has three words with blanks between them.
func spaced(s string) bool { return strings.Count(strings.TrimSpace(s), " ") >= 2 }

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

// prose reports whether three words stand in a row with single blanks between them.
func prose(s string) bool {
	words, letters := 0, 0
	s = s[:min(len(s), 1024)]
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && (isLetter(s[i]) || s[i] >= 0x80):
			letters++
		case (i == len(s) || s[i] == ' ') && letters > 0:
			if words++; words == 3 {
				return true
			}
			letters = 0
		case i < len(s) && s[i] == ',' && letters > 0:
		default:
			words, letters = 0, 0
		}
	}
	return false
}

// styleSheet judges a style element whose content begins at i.
func (p *scanner) styleSheet(t *tag, i int) int {
	s := p.src
	stop := len(s)
	if !p.noStyles {
		stop = endTag(s, i, "style")
	} else if j := strings.IndexByte(s[i:], '<'); j >= 0 {
		stop = i + j
	}
	content := s[i:stop]
	c := styleConfidence(content, false)
	if c < 0.75 && len(content) <= maxFiltered && strings.IndexByte(content, '{') < 0 && p.acts(content).Hostile {
		c = 0.75
	}
	if c > 0 {
		p.see(c, t.start, stop, "script in a style sheet")
	}
	if stop == len(s) {
		p.noStyles = true
		return i
	}
	return stop
}

// endTag returns where the next end tag of the named element stands at or after i, len(s) if
// there is none.
func endTag(s string, i int, name string) int {
	for i < len(s) {
		j := strings.Index(s[i:], "</")
		if j < 0 {
			break
		}
		i += j
		if startsFold(s[i+2:], name) {
			return i
		}
		i += 2
	}
	return len(s)
}

// styleSign says how surely the mark at chunk[i], a colon, bracket or at-sign, belongs to
// what runs a script from a style sheet (CSS expressions and behaviours of Internet Explorer,
// XBL of Mozilla, link styles of Opera, script addresses everywhere). The chunk is in the
// form that simplify brings: lower case, no comments, no escapes, no white space.
func styleSign(chunk []byte, i int) float64 {
	before, behind := chunk[:i], chunk[i+1:]
	if chunk[i] == '@' {
		if has(behind, "import") {
			return 0.72
		}
		return 0
	}
	if i == 0 {
		return 0
	}
	if chunk[i] == '(' {
		if ends(before, "expression") {
			return 0.93
		}
		return 0
	}
	switch before[i-1] {
	case 't':
		if ends(before, "script") {
			return 0.93
		}
		if ends(before, "content") && has(behind, "url") {
			return 0.72
		}
	case 'g':
		if ends(before, "-moz-binding") {
			return 0.9
		}
		if ends(before, "binding") && has(behind, "url") {
			return 0.85
		}
	case 'r':
		if ends(before, "behavior") {
			return 0.85
		}
		if ends(before, "behaviour") && has(behind, "url") {
			return 0.75
		}
	case 'k':
		if ends(before, "-o-link") {
			return 0.85
		}
	case 'e':
		if ends(before, "-o-link-source") {
			return 0.85
		}
	case 'a':
		if ends(before, "mocha") || ends(before, "data") && has(behind, "text/html") {
			return 0.85
		}
	}
	return 0
}

func ends(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && string(b[len(b)-len(suffix):]) == suffix
}

func has(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// styleConfidence says how surely a style (an attribute's value or a sheet) runs a script.
// No editor writes comments, escapes or unbalanced braces into a style attribute: there they
// only hide something.
func styleConfidence(s string, attribute bool) float64 {
	if !strings.ContainsAny(s, ":(\\&@") {
		return 0
	}
	best := surestSign(s, false)
	if best >= 0.7 {
		return best
	}
	comment := strings.Contains(s, "/*")
	if comment && strings.ContainsAny(s, "\"'") {
		if best = max(best, surestSign(s, true)); best >= 0.7 {
			return best
		}
	}
	if attribute && (comment || strings.IndexByte(s, '}') >= 0 || strings.IndexByte(s, '{') > 0 && !strings.Contains(s, "{{") || strings.Contains(s, `\0`) || controlReference(s)) {
		return 0.72
	}
	return best
}

// controlReference reports whether a character reference to a control character occurs.
func controlReference(s string) bool {
	for i := 0; i < len(s); {
		j := strings.Index(s[i:], "&#")
		if j < 0 {
			return false
		}
		i += j
		c, n := reference(s[i:])
		if n > 0 && (c < ' ' || c == 0x7f) {
			return true
		}
		i += 2
	}
	return false
}

// surestSign returns the confidence of the surest sign in a style. quotes says that "/*" in
// a string begins no comment.
func surestSign(s string, quotes bool) float64 {
	var buf [512]byte
	best := 0.0
	n := 0
	for i := 0; i < len(s); {
		n, i = simplify(&buf, n, s, i, quotes)
		for k, c := range buf[:n] {
			if c == ':' || c == '(' || c == '@' {
				best = max(best, styleSign(buf[:n], k))
			}
		}
		// A sign may straddle two chunks.
		keep := min(n, 24)
		copy(buf[:keep], buf[n-keep:n])
		n = keep
	}
	return best
}

// simple maps the bytes that stand for themselves in a style to their lower case.
var simple = func() (t [256]byte) {
	for c := range 256 {
		if c > ' ' && c < 0x7f && strings.IndexByte(`/\&"'`, byte(c)) < 0 {
			t[c] = lower(byte(c))
		}
	}
	return t
}()

// simplify appends the style text s[i:] to buf[:n] in its simple form until the buffer is
// full, and returns the new length and position.
func simplify(buf *[512]byte, n int, s string, i int, quotes bool) (int, int) {
	quote := byte(0)
	for i < len(s) && n < len(buf) {
		c := s[i]
		if simple[c] != 0 {
			buf[n] = simple[c]
			n++
			i++
			continue
		}
		width := 1
		if quotes && (c == '"' || c == '\'') {
			if quote == 0 {
				quote = c
			} else if quote == c {
				quote = 0
			}
		}
		switch {
		case quote != 0:
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
