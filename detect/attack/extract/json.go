package extract

import "strings"

// json hands out the strings and names of a JSON text below the current place. It takes what
// lenient parsers take: several values in a row (NDJSON), duplicate keys, comments, single
// quotes, unquoted keys and values, trailing commas, missing brackets. It reports whether
// the text looked well-formed; every string and every odd bare word has been handed out
// either way.
func (w *Walker) json(s string) (clean bool) {
	x := jsonReader{w: w, base: len(w.path), label: named(""), clean: true}
	outer := w.enclose(s)
	x.feed(s, last)
	w.documents.envelope = outer
	clean = x.wellFormed() && len(w.path) <= x.base
	w.path = w.path[:x.base]
	return clean && !w.stopped
}

// feed implements resumable.
func (x *jsonReader) feed(s string, end pieceEnd) (used int) {
	x.s, x.end = s, end
	used = x.read()
	if end != last {
		x.label.name = ownName(x.label.name) // s is overwritten
	}
	return used
}

// read reads x.s and returns how much of it is used up.
func (x *jsonReader) read() (used int) {
	w, s, i := x.w, x.s, 0
	if x.open != 0 {
		i = x.pass()
	}
	for i < len(s) && !w.stopped {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
			i = skipSpace(s, i+1)
		case '{', '[':
			x.enter(c == '[')
			i++
		case '}', ']':
			x.leave(c == ']')
			i++
		case ',':
			x.comma()
			i++
		case ':':
			x.value = false
			i++
		case '"', '\'', '`':
			next := x.text(i)
			if next < 0 {
				return i
			}
			i = next
		default:
			next := x.bare(i)
			if next < 0 {
				return i
			}
			i = next
		}
	}
	return len(s)
}

// wellFormed implements resumable.
func (x *jsonReader) wellFormed() bool { return x.clean }

// jsonReader is the state of reading one JSON text.
type jsonReader struct {
	w     *Walker
	s     string
	end   pieceEnd // what follows s
	base  int      // length of the path at the top
	label segment  // where the next value stands
	deep  int      // containers open beyond MaxDepth
	value bool     // a value stands since the last separator
	clean bool

	// open is what begins a string or a comment ('/' or '*') that is too long, while its
	// rest is passed over.
	open byte
	odd  bool // a backslash before s escapes its first byte
	tail ending
}

// enter enters an array or an object.
func (x *jsonReader) enter(array bool) {
	w := x.w
	if x.value && len(w.path) > x.base {
		x.clean = false
	}
	x.value = false
	if len(w.path)-x.base >= w.lim.MaxDepth {
		w.truncated = true
		x.deep++
		return
	}
	x.label.array, x.label.next = array, 0
	w.push(x.label)
	x.label = w.inside(x.label)
}

// leave leaves one.
func (x *jsonReader) leave(array bool) {
	w := x.w
	switch {
	case x.deep > 0:
		x.deep--
	case len(w.path) > x.base:
		x.label = w.path[len(w.path)-1]
		if x.label.array != array {
			x.clean = false
		}
		w.pop()
	default:
		x.clean = false
	}
	x.value = true
}

// comma goes on to the next element.
func (x *jsonReader) comma() {
	w := x.w
	x.value = false
	if len(w.path) == x.base {
		x.label = named("")
		return
	}
	top := &w.path[len(w.path)-1]
	top.next++
	x.label = w.inside(*top)
}

// text reads the string at i and returns where it ends, for a name behind its colon; -1 if
// that is not in sight yet.
func (x *jsonReader) text(i int) int {
	w, s, quote := x.w, x.s, x.s[i]
	end, escaped, closed := scanString(s, i+1, quote)
	if x.end == goesOn && (!closed || skipSpace(s, end+1) == len(s)) {
		return -1
	}
	text := s[i+1 : end]
	i = end + 1
	if !closed {
		i = len(s)
		if x.end == tooLong {
			x.open, x.odd, x.tail.w = quote, oddBackslashes(text), w
		} else {
			x.clean = false
		}
	}
	if quote != '"' {
		x.clean = false
	}
	mark := len(w.steps)
	if escaped {
		w.step("json")
		raw, continued := text, false
		if text, continued = w.unescapeString(raw, false); continued {
			joined, _ := w.unescapeString(raw, true)
			w.value(x.label, joined)
		}
	}
	if colon := skipSpace(s, i); colon < len(s) && s[colon] == ':' {
		w.name(text)
		if text == "prototype" && len(w.path) > x.base && w.path[len(w.path)-1].name == "constructor" {
			w.name("constructor.prototype") // a merge walks both
		}
		x.label = named(text)
		x.value = false
		i = colon + 1
	} else {
		if x.value && len(w.path) > x.base {
			x.clean = false
		}
		x.value = true
		if !w.graphqlValue(x.base, x.label, text) || w.lim.All {
			w.value(x.label, text)
		}
	}
	w.back(mark)
	return i
}

// pass passes over the rest of a string that is too long, up to its last bytes, and returns
// where it ends.
func (x *jsonReader) pass() int {
	w, s, i := x.w, x.s, 0
	if x.odd && s != "" {
		i = 1
	}
	if x.open == '/' || x.open == '*' {
		return x.passComment()
	}
	end, _, closed := scanString(s, i, x.open)
	x.tail.add(s[:end])
	if !closed && x.end != last {
		x.odd = oddBackslashes(s[min(i, len(s)):])
		return len(s)
	}
	x.open, x.odd = 0, false
	x.clean = x.clean && closed
	mark := len(w.steps)
	text := x.tail.take()
	if strings.IndexByte(text, '\\') >= 0 {
		text = w.unescapeJSON(text)
		w.step("json")
	}
	w.value(x.label, text)
	w.back(mark)
	return min(end+1, len(s))
}

// passComment is pass for comments.
func (x *jsonReader) passComment() int {
	mark := "\n"
	if x.open == '*' {
		mark = "*/"
	}
	end := strings.Index(x.s, mark)
	if end < 0 {
		end = len(x.s)
		if x.end != last {
			end = max(0, end-1) // the mark may begin there
		}
		x.tail.add(x.s[:end])
		return end
	}
	x.tail.add(x.s[:end])
	x.open = 0
	x.w.value(x.label, x.tail.take())
	return end + len(mark)
}

// oddBackslashes reports whether s ends in an odd number of backslashes.
func oddBackslashes(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))&1 != 0
}

// bare reads what stands at i without quotes and returns where it ends: numbers, names,
// comments and odd words; -1 if that is not in sight yet.
func (x *jsonReader) bare(i int) int {
	w, s := x.w, x.s
	if x.end == goesOn && !x.inSight(i) {
		return -1
	}
	if end := commentEnd(s, i); end > i {
		w.value(x.label, s[i:end])
		x.clean = false
		if end == len(s) && x.end == tooLong {
			x.open, x.tail.w = s[i+1], w
		}
		return end
	}
	end := numberEnd(s, i)
	if end > i && !isKey(s, end) {
		x.value = true
		if w.lim.All {
			w.value(x.label, s[i:end])
		}
		return end
	}
	word := bareEnd(s, i)
	if text := s[i:word]; isKey(s, word) && isPlain(text) {
		x.clean = false
		w.name(text)
		x.label = named(text)
		return word
	}
	if end == i {
		end = bareValueEnd(s, i)
		text := strings.TrimRight(s[i:end], " \t\r\n")
		x.clean = x.clean && isPlain(text) // undefined, NaN and the like hide nothing
		w.value(x.label, text)
	}
	x.value = true
	return end
}

// inSight reports whether the end of what stands at i without quotes is in s, and what
// tells a name from a value behind it.
func (x *jsonReader) inSight(i int) bool {
	s := x.s
	if end := commentEnd(s, i); end > i {
		return end < len(s)
	}
	word := bareEnd(s, i)
	if skipSpace(s, word) == len(s) {
		return false
	}
	return isKey(s, word) || numberEnd(s, i) > i || bareValueEnd(s, i) < len(s)
}

// inside returns where the next element of a container stands.
func (w *Walker) inside(container segment) segment {
	if container.array {
		return segment{name: container.name, index: container.next}
	}
	return named("")
}
