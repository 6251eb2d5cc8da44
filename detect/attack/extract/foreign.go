package extract

import "strings"

// foreign.go reads forms and queries whose names and values are in a charset that is not
// even ASCII in its letters, each percent-encoded on its own.

// formCharset returns the charset that a form names in its field _charset_ (HTML form
// submission; honoured by some frameworks also when the client sent it).
func formCharset(s string) charset {
	const field = "_charset_="
	i := strings.Index(s, field)
	if i < 0 || i > 0 && s[i-1] != '&' {
		return charsetNone
	}
	value, _, _ := strings.Cut(s[i+len(field):], "&")
	return charsetOf(value)
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
