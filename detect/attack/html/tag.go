package html

import "strings"

// facts are what a tag's attributes said, for the verdict at its end.
type facts uint32

const (
	hasSrc      facts = 1 << iota
	hasQuietSrc       // quoted, https: how embedding codes of video sites look
	hasHref
	hasRefresh
	hasRefreshURL
	hasLoadingRel
	hasActiveTarget // an animation of a handler or a link
	hasTargetValue
	hasDataSource
	hasDataFormat
	hasID
	hasAny
	hasCSSOnly // a style sheet from the own origin
	hasNotice
	hasType
	hasDataType // the first type is one that no browser runs
	hasValue    // an attribute with an equals sign
)

// tag is one start or end tag, or the rest of one that the page around the value began.
type tag struct {
	start, stop int // of the tag in the text; stop is known at its end
	element     element
	closing     bool
	injected    bool // the value began inside the tag
	quoted      bool // ... and left a quoted value
	plus        bool // '+' stands for blanks: a form value that nobody decoded
	prefixed    bool // the element has a namespace prefix: XAML, ASP and the like
	facts       facts
}

// tag walks the tag at i, where "<x" or "</x" stands, and returns where content goes on.
func (p *scanner) tag(i int) int {
	s := p.src
	t := tag{start: i}
	i++
	if s[i] == '/' {
		t.closing = true
		i++
	}
	name := i
	for i < len(s) && s[i] > ' ' && s[i] != '/' && s[i] != '>' && s[i] != '<' && s[i] != '+' && s[i] != '"' && s[i] != '\'' && s[i] != '`' && s[i] != '.' || i < len(s) && s[i] == 0 {
		i++
	}
	t.element = elementOf(s[name:i])
	t.plus = i < len(s) && s[i] == '+'
	if t.element != scriptElement {
		t.prefixed = strings.IndexByte(s[name:i], ':') >= 0
	}
	if t.element == scriptElement && !t.closing && i < len(s) && s[i] == '<' && p.acts(s[i+1:min(len(s), i+32)]).Acts() {
		// Old browsers end the name at the second bracket and run what follows.
		p.see(0.8, t.start, i+1, "script element, malformed")
	}
	i = p.attributes(&t, i)
	if t.closing || p.sure() {
		return i
	}
	switch t.element {
	case scriptElement:
		return p.script(&t, i)
	case styleElement:
		return p.styleSheet(&t, i)
	}
	return i
}

// attributes walks the attributes of a tag from i on, judges them, and returns the position
// behind the tag.
func (p *scanner) attributes(t *tag, i int) int {
	s := p.src
	for i < len(s) {
		c := s[i]
		if c <= ' ' || c == '/' || c == '+' && t.plus {
			i++
			continue
		}
		if c == '>' {
			t.stop = i + 1
			p.verdict(t)
			return i + 1
		}
		if c == '<' && i+1 < len(s) && s[i+1] == '?' {
			// A processing instruction inside a tag is gone before a browser sees it.
			if j := strings.Index(s[i:min(len(s), i+64)], "?>"); j > 0 {
				i += j + 2
				continue
			}
		}
		if c == '<' && i+1 < len(s) && (isLetter(s[i+1]) || s[i+1] == '/' || s[i+1] == '!') {
			// Lenient readers begin a new tag here.
			t.stop = i
			p.verdict(t)
			return i
		}
		name := i
		for i++; i < len(s); i++ {
			if c = s[i]; c <= ' ' && c != 0 || c == '=' || c == '>' || c == '/' || c == '+' && t.plus {
				break
			}
		}
		stop := i
		j := i
		for j < len(s) && s[j] <= ' ' {
			j++
		}
		t.facts |= hasAny
		if j >= len(s) || s[j] != '=' {
			continue
		}
		t.facts |= hasValue
		i = j + 1
		for i < len(s) && (s[i] <= ' ' || s[i] == '+' && t.plus) {
			i++
		}
		from, to, quote := i, i, byte(0)
		if i < len(s) && (s[i] == '"' || s[i] == '\'') {
			quote = s[i]
			from++
			if k := strings.IndexByte(s[from:], quote); k >= 0 {
				to = from + k
				i = to + 1
			} else {
				to = len(s)
				i = to
			}
		} else {
			for i < len(s) && (s[i] > ' ' || s[i] == 0) && s[i] != '>' && !(t.plus && s[i] == '+') {
				i++
			}
			to = i
			if from < to && s[from] == '`' {
				// Old browsers take backticks for quotes.
				from++
				if k := strings.IndexByte(s[from:min(len(s), from+512)], '`'); k >= 0 {
					to = from + k
					i = to + 1
				}
				quote = '`'
			}
		}
		p.attribute(t, name, stop, j, from, to, quote)
		if p.sure() {
			return i
		}
	}
	t.stop = len(s)
	p.verdict(t)
	return i
}

// attribute judges one attribute: its name is src[name:stop], its value src[from:to], the
// equals sign stands at equals.
func (p *scanner) attribute(t *tag, name, stop, equals, from, to int, quote byte) {
	s := p.src
	v := s[from:to]
	kind := attributeOf(s[name:stop])
	p.inside(t, from, to, quote)
	switch kind {
	case quietAttr:
		return
	case handlerAttr:
		p.handler(t, name, stop, equals, from, to, quote)
		return
	case boundAttr:
		if !t.injected && len(v) > 0 && v[0] != '{' && p.acts(v).Hostile {
			p.see(0.8, t.start, to, "handler of a client framework")
		}
		return
	case styleAttr:
		if quote == 0 && len(v) > 0 && v[0] == '{' {
			return
		}
		if c := styleConfidence(v, true); c > 0 {
			if t.injected && !t.quoted {
				c -= 0.1
			}
			p.see(c, t.start, to, "script in a style")
		}
		return
	case srcAttr:
		t.facts |= hasSrc
		if quote != 0 && startsFold(v, "https://") {
			t.facts |= hasQuietSrc
		}
		if len(v) == 0 || v[0] == '#' {
			t.facts &^= hasSrc
		}
		if quote == 0 && len(v) > 0 && v[0] == '{' && !t.injected {
			t.facts &^= hasSrc
			return
		}
	case hrefAttr, actionAttr:
		if len(v) > 0 {
			t.facts |= hasHref
		}
		if startsFold(v, "/") && !startsFold(v, "//") && !startsFold(v, `/\`) {
			t.facts |= hasCSSOnly
		}
	case srcdocAttr:
		if t.element == frame && strings.ContainsAny(v, "<&") {
			p.see(0.93, t.start, to, "document in a frame")
		}
	case httpEquivAttr:
		switch {
		case hasFold(v, "refresh"):
			t.facts |= hasRefresh
		case hasFold(v, "set-cookie"), hasFold(v, "link"):
			t.facts |= hasRefresh | hasRefreshURL
		}
	case contentAttr:
		if hasFold(v, "url") {
			t.facts |= hasRefreshURL
		}
		if t.element == meta && (hasFold(v, "utf-7") || hasFold(v, "imap4")) {
			p.see(0.85, t.start, to, "charset that hides markup")
		}
		if t.element == meta {
			if k := indexFold(v, "script"); k >= 0 {
				if k = strings.IndexByte(v[k:], ':'); k >= 0 {
					p.see(0.93, t.start, to, "refresh to a script")
				}
			}
			if k := indexFold(v, "data:text/html"); k >= 0 {
				p.see(0.93, t.start, to, "refresh to a script")
			}
		}
		return
	case charsetAttr:
		if hasFold(v, "utf-7") || hasFold(v, "imap4") || hasFold(v, "farsi") || hasFold(v, "iso-2022") || hasFold(v, "hz-gb") {
			p.see(0.8, t.start, to, "charset that hides markup")
		}
	case relAttr:
		if hasFold(v, "stylesheet") || hasFold(v, "import") {
			t.facts |= hasLoadingRel
		}
	case targetNameAttr:
		if a := attributeOf(v); a == handlerAttr || a == hrefAttr || a == srcAttr || a == styleAttr || hasFold(v, "href") || hasFold(v, "innerhtml") {
			t.facts |= hasActiveTarget
		}
	case targetValueAttr:
		t.facts |= hasTargetValue
	case dataSourceAttr:
		t.facts |= hasDataSource
	case dataFormatAttr:
		t.facts |= hasDataFormat
	case idAttr:
		t.facts |= hasID
	case typeAttr:
		if t.facts&hasType == 0 && (hasFold(v, "json") || hasFold(v, "template") || hasFold(v, "text/plain") || hasFold(v, "x-handlebars")) {
			t.facts |= hasDataType
		}
		t.facts |= hasType
	case noticeAttr:
		t.facts |= hasNotice
	}
	p.url(t, kind, from, to, quote)
}

// inside walks an attribute's value as content: readers disagree on where values end (other
// contexts, serialising and parsing again), and what one keeps in a value another runs.
func (p *scanner) inside(t *tag, from, to int, quote byte) {
	v := p.src[from:to]
	if p.nested || len(v) < 6 {
		return
	}
	sub := scanner{src: p.src[:to], nested: true, work: p.work}
	switch {
	case v[0] == '`' || quote == '`':
		sub.insideTag(from+1, true)
	case strings.IndexByte(v, '<') >= 0:
		sub.data(from)
	case quote == 0 && strings.IndexByte(v, '=') >= 0:
		k := indexFold(v, "/on")
		if startsFold(v, "on") {
			k = 0 // <img src= onerror="x">: old browsers took the name for an attribute
		}
		if k < 0 {
			return
		}
		sub.insideTag(from+k, true)
	default:
		return
	}
	p.ended = p.ended || sub.ended
	if sub.best.Confidence >= 0.7 {
		p.see(sub.best.Confidence-0.1, t.start, to, sub.best.Shape)
	}
}

// verdict judges a tag at its end by its element and by what its attributes added up to.
func (p *scanner) verdict(t *tag) {
	f := t.facts
	if t.closing || t.prefixed && t.element != animate {
		return
	}
	at := func(confidence float64, shape string) { p.see(confidence, t.start, t.stop, shape) }
	if f&hasDataSource != 0 && f&(hasDataFormat|hasSrc) != 0 {
		at(0.85, "bound data island")
	}
	if t.injected {
		return
	}
	switch t.element {
	case frame:
		switch {
		case f&hasQuietSrc != 0:
			at(0.5, "frame")
		case f&hasSrc != 0:
			at(0.78, "frame")
		default:
			at(0.4, "frame")
		}
	case loader:
		switch {
		case f&hasQuietSrc != 0:
			at(0.6, "embedded object")
		case f&hasSrc != 0:
			at(0.8, "embedded object")
		case f&hasID != 0:
			at(0.4, "embedded object")
		}
	case layer:
		if f&hasSrc != 0 {
			at(0.8, "layer")
		}
	case base:
		if f&hasHref != 0 {
			at(0.85, "base address")
		}
	case meta:
		if f&hasRefresh != 0 && f&hasRefreshURL != 0 {
			at(0.8, "refresh")
		}
	case link:
		if f&hasLoadingRel != 0 && f&hasHref != 0 && f&hasCSSOnly == 0 {
			at(0.72, "loaded style sheet")
		}
	case isindex:
		at(0.8, "isindex")
	case animate:
		if f&hasActiveTarget != 0 {
			if f&hasTargetValue != 0 {
				at(0.9, "animated handler")
			} else {
				at(0.6, "animated handler")
			}
		}
	case island:
		if f&(hasSrc|hasID) != 0 {
			at(0.75, "data island")
		}
	case importing:
		if f&hasNotice != 0 {
			at(0.8, "imported behaviour")
		}
	case form:
		if f&hasHref != 0 {
			at(0.45, "form")
		}
	}
}
