package html

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// scanner walks one text as markup and keeps the best match. It allocates nothing.
type scanner struct {
	src  string
	best value.Match
}

// sure reports whether nothing better can be found.
func (p *scanner) sure() bool { return p.best.Confidence >= 0.9 }

func (p *scanner) see(confidence float64, start, end int, shape string) {
	if confidence > p.best.Confidence {
		p.best = found(confidence, start, min(end, len(p.src)), shape)
	}
}

// data walks the text from i on as content between tags.
func (p *scanner) data(i int) {
	s := p.src
	for i < len(s) && !p.sure() {
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			return
		}
		i += j
		if i+1 >= len(s) {
			return
		}
		switch c := s[i+1]; {
		case isLetter(c), c == 0:
			i = p.tag(i)
		case c == '/':
			if i+2 < len(s) && (isLetter(s[i+2]) || s[i+2] == 0) {
				i = p.tag(i)
			} else {
				i = p.bogus(i)
			}
		case c == '!':
			i = p.declaration(i)
		case c == '?':
			i = p.instruction(i)
		case c <= ' ' && scriptFollows(s, i+1):
			k := i + 1
			for s[k] <= ' ' {
				k++
			}
			content := s[k:]
			if e := strings.IndexByte(content, '>'); e >= 0 && acts(content[e+1:]).Acts() {
				p.see(0.75, i, k+e, "script element, spaced out")
			}
			i = k
		default:
			i++
		}
	}
}

// bogus skips a comment of the kind "</ ...>", which ends at the first '>'.
func (p *scanner) bogus(i int) int {
	if j := strings.IndexByte(p.src[i+2:], '>'); j >= 0 {
		return i + 2 + j + 1
	}
	return i + 2
}

// declaration walks "<!": a comment, CDATA, or a doctype. What stands in a conditional
// comment, or in a comment that never ends, is walked as content: old browsers run it.
func (p *scanner) declaration(i int) int {
	s := p.src
	rest := s[i+2:]
	if strings.HasPrefix(rest, "--") {
		body := i + 4
		if strings.HasPrefix(s[body:], ">") || strings.HasPrefix(s[body:], "->") {
			return body + 1
		}
		for k := body; k < len(s) && k < body+8; k++ {
			if s[k] == '[' && startsFold(s[k:], "[if") {
				return k
			}
			if s[k] > ' ' {
				break
			}
		}
		for k := body; ; {
			j := strings.Index(s[k:], "--")
			if j < 0 {
				return body
			}
			k += j + 2
			// Dashes may be many; "--!>" ends a comment too.
			for k < len(s) && s[k] == '-' {
				k++
			}
			if k < len(s) && s[k] == '!' {
				k++
			}
			if k < len(s) && s[k] == '>' {
				return k + 1
			}
		}
	}
	if startsFold(rest, "[CDATA[") {
		body := i + 9
		// CDATA sections that hold one bracket each build a tag behind a filter's back.
		if strings.HasPrefix(s[body:], "<]]>") {
			p.see(0.85, i, body+4, "tag split over CDATA sections")
		}
		return body
	}
	if e := strings.IndexByte(rest, '>'); e >= 0 {
		return p.oldDeclaration(i, i+2+e)
	}
	return i + 2
}

// oldDeclaration ends "<!...>"; if quotes hold back the '>' for old browsers, the content goes on.
func (p *scanner) oldDeclaration(_, stop int) int { return stop + 1 }

// instruction walks "<?": a comment to browsers, unless it imports or styles.
func (p *scanner) instruction(i int) int {
	s := p.src
	stop := len(s)
	if e := strings.IndexByte(s[i:], '>'); e >= 0 {
		stop = i + e + 1
	}
	switch {
	case startsFold(s[i+2:], "import") && hasFold(s[i:stop], "implementation"):
		p.see(0.85, i, stop, "imported behaviour")
	case startsFold(s[i+2:], "xml-stylesheet"):
		if t := s[i:stop]; hasFold(t, "javascript") || hasFold(t, "data:") {
			p.see(0.9, i, stop, "style sheet with a script")
		} else if hasFold(t, "text/xsl") && hasFold(t, "://") {
			p.see(0.75, i, stop, "foreign style sheet")
		}
	}
	return stop
}

// insideTag walks the text from i on as the rest of a tag whose attribute a quote, or white
// space, has just ended.
func (p *scanner) insideTag(i int, quoted bool) {
	t := tag{start: i, stop: i, injected: true, quoted: quoted}
	if i = p.attributes(&t, i); i < len(p.src) && !p.sure() {
		p.data(i)
	}
}

// bare walks the text as an attribute value without quotes: the first white space ends it.
func (p *scanner) bare() {
	s := p.src
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '>':
			return
		case c <= ' ':
			p.insideTag(i, false)
			return
		}
	}
}

// breakOut returns the position behind the first end of an element or comment whose content
// is no markup (title, textarea, style, script, noscript, xmp ...), or 0.
func breakOut(s string) int {
	for i := 0; i < len(s); {
		j := strings.IndexByte(s[i:], '>')
		if j < 0 {
			return 0
		}
		i += j
		if i >= 2 && s[i-1] == '-' && s[i-2] == '-' || i >= 3 && s[i-1] == '!' && s[i-2] == '-' {
			return i + 1
		}
		k := i
		for k > 0 && i-k < 12 && s[k-1] != '<' {
			k--
		}
		if k > 0 && s[k-1] == '<' && k < i && s[k] == '/' && rawText(elementOf(s[k+1:i])) {
			return i + 1
		}
		i++
	}
	return 0
}
