package html

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// scanner walks one text as markup and keeps the best match. It allocates nothing.
type scanner struct {
	src    string
	best   value.Match
	nested bool // the text is an attribute's value, walked as content of its own

	// What was searched once is not searched again, so that the walk stays linear.
	scriptStop int  // where the next "</script" stands, if it is not behind
	scriptText int  // where what stands before it ends, but for white space
	noComments bool // no comment ends in what follows
	noStyles   bool // no style element ends in what follows
	read       int  // bytes read as scripts that did not end
	work       *work.Meter
	ended      bool // there is nothing left to spend

	// marks are tags that the first walk began at, evenly spread over the text. Another
	// walk that begins a tag at one of them sees the same from there on, and ends.
	marks  [32]int
	marked int  // marks in use
	mark   int  // the next mark that this walk may meet
	again  bool // this is not the first walk
}

// restart begins another walk of the same text.
func (p *scanner) restart() {
	p.mark, p.scriptStop, p.scriptText, p.noComments, p.noStyles = 0, 0, 0, false, false
}

// meets notes that a walk begins a tag at i and reports whether an earlier one did.
func (p *scanner) meets(i int) bool {
	if p.again {
		for p.mark < p.marked && p.marks[p.mark] < i {
			p.mark++
		}
		return p.mark < p.marked && p.marks[p.mark] == i
	}
	if p.marked < len(p.marks) && i >= len(p.src)/len(p.marks)*p.marked {
		p.marks[p.marked] = i
		p.marked++
	}
	return false
}

// sure reports whether nothing better can be found, or nothing more may be read.
func (p *scanner) sure() bool { return p.best.Confidence >= 0.9 || p.ended }

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
			if p.meets(i) {
				return
			}
			i = p.tag(i)
		case c == '/':
			switch {
			case i+2 >= len(s):
				return
			case isLetter(s[i+2]) || s[i+2] == 0:
				if startsFold(s[i+2:], "script") {
					p.scriptEnd(i)
				}
				i = p.tag(i)
			case s[i+2] == '/':
				// Old browsers take "<//" for a tag.
				t := tag{start: i}
				i = p.attributes(&t, i+2)
			default:
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
			content := s[k:min(len(s), k+64)]
			if e := strings.IndexByte(content, '>'); e >= 0 && p.acts(content[e+1:]).Acts() {
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
	return len(p.src)
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
			if s[k] == '`' {
				// Old browsers take backticks for quotes in comments too.
				return k + 1
			}
			if s[k] > ' ' {
				break
			}
		}
		for k := body; ; {
			j := -1
			if !p.noComments {
				j = strings.Index(s[k:], "--")
			}
			if j < 0 {
				p.noComments = true
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
	if startsFold(rest, "attlist") {
		// No declaration is longer; a search for its end must not run through the text each time.
		rest = rest[:min(len(rest), 512)]
		if e := strings.IndexByte(rest, '>'); e >= 0 {
			rest = rest[:e]
		}
		if !hasFold(rest, "cdata") {
			return i + 2 + len(rest)
		}
		for k := 0; k < len(rest); {
			j := indexFold(rest[k:], "on")
			if j < 0 {
				break
			}
			if k += j; k > 0 && rest[k-1] <= ' ' && knownEvent(rest[k:min(len(rest), k+20)]) {
				p.see(0.85, i, i+2+k+2, "declared event handler")
				break
			}
			k += 2
		}
		return i + 2 + len(rest)
	}
	if startsFold(rest, "[CDATA[") {
		body := i + 9
		// CDATA sections that hold one bracket each build a tag behind a filter's back.
		if strings.HasPrefix(s[body:], "<]]>") {
			p.see(0.85, i, body+4, "tag split over CDATA sections")
		}
		return body
	}
	if e := strings.IndexAny(rest, "<>"); e >= 0 && rest[e] == '>' {
		return i + 2 + e + 1
	}
	return i + 2
}

// scriptEnd judges what stands before the end of a script element at i that nothing in the
// value began: the value was written into the script, or lost its first part to a filter.
func (p *scanner) scriptEnd(i int) {
	before := p.src[:i]
	if len(before) <= 4 || len(before) > maxFiltered {
		return
	}
	r := p.acts(before)
	if q := strings.IndexAny(before, "'\""); !r.Acts() && q >= 0 {
		r = p.acts(strings.TrimLeft(before[q+1:], " ;+-,)}"))
	}
	if r.Hostile || r.Acts() && strings.IndexByte(before, '\n') < 0 {
		p.see(0.75, 0, i+8, "end of a script")
	}
}

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
		} else if hasFold(t, "text/xsl") {
			p.see(0.75, i, stop, "transforming style sheet")
		}
	case startsFold(s[i+2:], "xml:namespace") && hasFold(s[i:stop], "microsoft-com:time"):
		p.see(0.8, i, stop, "imported behaviour")
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
// A '>' before that would end the tag; what takes such brackets away also exists.
func (p *scanner) bare() {
	s := p.src
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' {
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
