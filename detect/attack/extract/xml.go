package extract

import (
	"strings"
	"unicode/utf8"
)

// xml hands out an XML text: element and attribute names, attribute values, the text between
// two tags in one piece (comments and CDATA sections inside it joined, as document models
// have it), comments, processing instructions, and the document type with every literal in
// its internal subset. Predefined and numeric entities are undone, others stay: no entity
// is ever expanded. It reports whether the text looked well-formed; it takes any.
func (w *Walker) xml(s string) (clean bool) {
	x := xmlReader{w: w, base: len(w.path)}
	if n := strings.IndexByte(s, '<'); n < 0 {
		return false
	}
	x.feed(s, last)
	clean = x.wellFormed() && x.open == 0
	w.path = w.path[:x.base]
	return clean && !w.stopped
}

// feed implements resumable.
func (x *xmlReader) feed(s string, end pieceEnd) (used int) {
	w, i := x.w, 0
	x.s = s
	if x.mark != "" {
		if i = x.pass(s, end); x.mark != "" {
			return i
		}
	}
	for i < len(s) && !w.stopped {
		if s[i] != '<' {
			n := strings.IndexByte(s[i:], '<')
			if n < 0 {
				if end == goesOn {
					break
				}
				n = len(s) - i
			}
			x.text(s[i:i+n], true)
			x.mark = ""
			i += n
			continue
		}
		if end != last {
			// What the document model joins is joined as far as it can be held.
			if len(x.joined) > w.large.window {
				x.flush()
			}
			mark := incomplete(s[i:])
			if mark != "" && end == goesOn {
				break
			}
			x.mark = mark
		}
		i = x.markup(i)
	}
	if end == tooLong && x.mark == "" {
		x.mark = "<" // of a text
	}
	if end != last && x.mark == "" && x.first != "" {
		x.joined = append(w.joined[:0], x.first...) // s is overwritten
		w.joined, x.first = x.joined[:0], ""
	} else if end == last || x.mark != "" {
		x.flush()
	}
	return i
}

// wellFormed implements resumable.
func (x *xmlReader) wellFormed() bool { return x.elements > 0 && !x.bad }

// xmlReader is the state of reading one XML text.
type xmlReader struct {
	w        *Walker
	s        string
	base     int    // length of the path at the document's root
	first    string // the text since the last tag, if it is in one piece
	pieces   int
	joined   []byte // and if it is not
	decoded  bool   // entities were undone in it
	elements int
	open     int // elements open
	bad      bool

	mark string // what ends the thing that is too long, while its rest is passed over
	tail ending
}

// markup reads what begins with '<' at i and returns where it ends.
func (x *xmlReader) markup(i int) int {
	w, s := x.w, x.s
	rest := s[i:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		body, end := until(rest, 4, "-->")
		if strings.HasPrefix(body, "#") {
			body = rest[:end] // server-side includes are comments
		}
		w.value(named("comment"), strings.TrimSpace(body))
		return i + end
	case strings.HasPrefix(rest, "<![CDATA["):
		body, end := until(rest, 9, "]]>")
		x.text(body, false)
		return i + end
	case strings.HasPrefix(rest, "<?"):
		body, end := until(rest, 2, "?>")
		if len(body) < 4 || !strings.HasPrefix(body, "xml ") {
			w.value(named("instruction"), rest[:end])
		}
		return i + end
	case strings.HasPrefix(rest, "<!"):
		end := doctypeEnd(rest)
		x.flush()
		w.value(named("doctype"), rest[:end])
		x.literals(rest[:end])
		return i + end
	case strings.HasPrefix(rest, "</"):
		x.flush()
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			x.bad = true
			w.value(named(""), rest)
			return len(s)
		}
		if name := strings.TrimSpace(rest[2:end]); !xmlName(name) {
			x.bad = true
			w.name(name)
		}
		if x.open > 0 {
			x.open--
		} else {
			x.bad = true
		}
		if len(w.path) > x.base && x.open < len(w.path)-x.base {
			w.path = w.path[:len(w.path)-1]
		}
		return i + end + 1
	}
	if len(rest) < 2 || !letterByte(rest[1]) && rest[1] < utf8.RuneSelf {
		x.bad = true
		x.text(rest[:1], false) // a lone '<' is text
		return i + 1
	}
	x.flush()
	return x.tag(i)
}

// tag reads a start tag at i and returns where it ends.
func (x *xmlReader) tag(i int) int {
	w, s := x.w, x.s
	start := i
	i++
	begin := i
	for i < len(s) && !tagBreak(s[i]) {
		i++
	}
	name := s[begin:i]
	x.elements++
	w.name(name)
	x.open++
	if len(w.path)-x.base < w.lim.MaxDepth {
		w.push(named(name))
	} else {
		w.truncated = true
	}
	tells := false
	for !w.stopped {
		i = skipSpace(s, i)
		if i >= len(s) {
			x.bad = true
			return i
		}
		switch s[i] {
		case '>':
			i++
			x.raw(name, s[start:i], tells)
			return i
		case '/', '?':
			i++
			if i < len(s) && s[i] == '>' {
				i++
				x.raw(name, s[start:i], tells)
				x.open--
				if len(w.path) > x.base && x.open < len(w.path)-x.base {
					w.path = w.path[:len(w.path)-1]
				}
				return i
			}
			continue
		case '<':
			x.bad = true // the tag was never closed
			return i
		}
		begin = i
		i++
		for i < len(s) && !tagBreak(s[i]) && s[i] != '=' {
			i++
		}
		attr := s[begin:i]
		w.name(attr)
		i = skipSpace(s, i)
		if i >= len(s) || s[i] != '=' {
			x.bad = true
			continue
		}
		i = skipSpace(s, i+1)
		if i >= len(s) {
			continue
		}
		var value string
		if q := s[i]; q == '"' || q == '\'' {
			n := strings.IndexByte(s[i+1:], q)
			if n < 0 {
				x.bad = true
				n = len(s) - i - 1
			}
			value = s[i+1 : i+1+n]
			i = min(i+n+2, len(s))
		} else {
			x.bad = true
			begin = i
			for i < len(s) && s[i] != '>' && s[i] != ' ' && s[i] != '\n' && s[i] != '\t' && s[i] != '\r' {
				i++
			}
			value = s[begin:i]
		}
		tells = tells || (attr == "class" || attr == "type") && strings.IndexByte(value, '.') > 0 ||
			len(attr) > 4 && attr[0]|0x20 == 'o' && attr[1]|0x20 == 'n'
		x.value(named(attr), value)
	}
	return i
}

// raw hands out the whole tag of elements that mean something to XML processors themselves:
// XInclude, XSLT, locations of schemas; and of those whose attributes tell of more: the
// class of an object to make, an event handler.
func (x *xmlReader) raw(name, tag string, tells bool) {
	if tells || strings.HasSuffix(name, "include") || strings.HasPrefix(name, "xsl:") ||
		strings.HasSuffix(name, "proxy") || strings.IndexByte(name, '.') > 0 || strings.Contains(tag, "chemaLocation") {
		x.w.value(named(""), tag)
	}
}

// value hands out text with its entities undone.
func (x *xmlReader) value(label segment, text string) {
	w := x.w
	if strings.IndexByte(text, '&') < 0 {
		w.value(label, text)
		return
	}
	b := appendUnescapedXML(w.scratch.room(len(text)), text)
	mark := len(w.steps)
	if len(b) < len(text) {
		w.step("xml")
	}
	w.value(label, w.scratch.keep(b))
	w.back(mark)
}

// text adds a piece to the text between two tags.
func (x *xmlReader) text(piece string, entities bool) {
	if piece == "" {
		return
	}
	x.pieces++
	entities = entities && strings.IndexByte(piece, '&') >= 0
	if x.pieces == 1 && !entities {
		x.first = piece
		return
	}
	if x.first != "" {
		x.joined = append(x.w.joined[:0], x.first...)
		x.first = ""
	} else if x.pieces == 1 {
		x.joined = x.w.joined[:0]
	}
	if entities {
		size := len(x.joined) + len(piece)
		x.joined = appendUnescapedXML(x.joined, piece)
		x.decoded = x.decoded || len(x.joined) < size
	} else {
		x.joined = append(x.joined, piece...)
	}
	x.w.joined = x.joined[:0]
}

// flush hands out the text since the last tag.
func (x *xmlReader) flush() {
	if x.pieces == 0 {
		return
	}
	w := x.w
	text := x.first
	if text == "" {
		text = w.scratch.copy(x.joined)
	}
	decoded := x.decoded
	x.pieces, x.first, x.joined, x.decoded = 0, "", nil, false
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	name := ""
	if len(w.path) > x.base {
		name = w.path[len(w.path)-1].name
	}
	mark := len(w.steps)
	if decoded {
		w.step("xml")
	}
	w.emit(name, text, noStep, false)
	w.back(mark)
}

// literals hands out the quoted strings of a document type declaration: entity values and
// system identifiers.
func (x *xmlReader) literals(s string) {
	for i := 0; i < len(s) && !x.w.stopped; i++ {
		if q := s[i]; q == '"' || q == '\'' {
			n := strings.IndexByte(s[i+1:], q)
			if n < 0 {
				return
			}
			x.value(named("entity"), s[i+1:i+1+n])
			i += n + 1
		}
	}
}

// doctypeEnd returns the end of a "<!" declaration with its internal subset.
func doctypeEnd(s string) int {
	brackets := 0
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case '[':
			brackets++
		case ']':
			brackets--
		case '>':
			if brackets <= 0 {
				return i + 1
			}
		case '"', '\'':
			if n := strings.IndexByte(s[i+1:], s[i]); n >= 0 {
				i += n + 1
			}
		}
	}
	return len(s)
}

// until returns what stands before the end mark, and where the mark ends.
func until(s string, from int, mark string) (body string, end int) {
	n := strings.Index(s[from:], mark)
	if n < 0 {
		return s[from:], len(s)
	}
	return s[from : from+n], from + n + len(mark)
}

func tagBreak(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '>' || c == '/' || c == '<'
}

func xmlName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !plainByte[s[i]] && s[i] != ':' && s[i] < utf8.RuneSelf {
			return false
		}
	}
	return true
}
