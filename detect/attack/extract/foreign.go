package extract

import "strings"

// foreign.go reads forms and queries whose names and values are in a charset that is not
// even ASCII in its letters, each percent-encoded on its own.

// formCharset returns the charset that a form names in its field _charset_ (HTML form
// submission; honoured by some frameworks also when the client sent it).
func formCharset(s string) charset {
	const field = "_charset_="
	for from := 0; ; {
		i := strings.Index(s[from:], field)
		if i < 0 {
			return charsetNone
		}
		from += i
		if from == 0 || s[from-1] == '&' {
			value, _, _ := strings.Cut(s[from+len(field):], "&")
			return charsetOf(value)
		}
		from += len(field)
	}
}

// partsCharset is formCharset for a multipart form: the content of the part of that name.
func partsCharset(s string) charset {
	const field = "_charset_"
	for {
		i := strings.Index(s, field)
		if i < 0 {
			return charsetNone
		}
		s = s[i+len(field):]
		head := s[:min(len(s), 1<<10)]
		end := strings.Index(head, "\n\r\n") + 1
		if end == 0 {
			end = strings.Index(head, "\n\n")
		}
		if end < 0 {
			continue
		}
		value, _, _ := strings.Cut(strings.TrimLeft(s[end:], "\r\n"), "\n")
		if c := charsetOf(strings.TrimRight(value[:min(len(value), 64)], "\r")); c != charsetNone {
			return c
		}
	}
}

// foreignPairs reads a query or form in which names and values were encoded in a foreign
// charset and then percent-encoded, one by one.
func (w *Walker) foreignPairs(s string, c charset) {
	mark := w.step("percent")
	w.step(charsetSteps[c])
	for s != "" && !w.stopped {
		var p string
		p, s, _ = strings.Cut(s, "&")
		name, value, _ := strings.Cut(p, "=")
		name = w.foreignText(name, c)
		w.name(name)
		if !isPlain(value) { // plain ASCII has been handed out as it is
			w.value(named(name), w.foreignText(value, c))
		}
	}
	w.back(mark)
}

func (w *Walker) foreignText(s string, c charset) string {
	if isPlain(s) {
		return s
	}
	return w.decodeCharset(w.unescapePercent(s), c)
}
