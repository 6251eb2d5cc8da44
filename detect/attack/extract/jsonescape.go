package extract

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unescapeJSON undoes the escapes of a JSON or JavaScript string. Escapes that JSON does not
// know lose their backslash, as lenient parsers have it.
func (w *Walker) unescapeJSON(s string) string {
	text, _ := w.unescapeString(s, false)
	return text
}

// unescapeString is unescapeJSON. If joined, escaped line breaks stand for nothing, as JSON5
// and JavaScript have it (ECMA-262, LineContinuation). It reports whether there are any.
func (w *Walker) unescapeString(s string, joined bool) (text string, continued bool) {
	b := w.scratch.room(len(s))
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' || i+1 >= len(s) {
			b = append(b, c)
			i++
			continue
		}
		if n := lineBreak(s[i+1:]); n > 0 {
			continued = true
			if joined {
				i += 1 + n
				continue
			}
		}
		c = s[i+1]
		i += 2
		switch c {
		case 'n':
			c = '\n'
		case 't':
			c = '\t'
		case 'r':
			c = '\r'
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'v':
			c = '\v'
		case 'x':
			if i+2 <= len(s) && hexDigit[s[i]] < 16 && hexDigit[s[i+1]] < 16 {
				c = hexDigit[s[i]]<<4 | hexDigit[s[i+1]]
				if c >= utf8.RuneSelf {
					b = utf8.AppendRune(b, rune(c))
					i += 2
					continue
				}
				i += 2
			}
		case 'u':
			if r, ok := hex4(s, i); ok {
				i += 4
				if utf16.IsSurrogate(r) && strings.HasPrefix(s[i:], `\u`) {
					if low, ok := hex4(s, i+2); ok {
						if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
							r = pair
							i += 6
						}
					}
				}
				b = utf8.AppendRune(b, r)
				continue
			}
		}
		b = append(b, c)
	}
	return w.scratch.keep(b), continued
}

// lineBreak returns the length of the line break that s begins with, 0 if there is none.
func lineBreak(s string) int {
	switch {
	case s[0] == '\n', s[0] == '\r' && !strings.HasPrefix(s, "\r\n"):
		return 1
	case s[0] == '\r':
		return 2
	case strings.HasPrefix(s, "\u2028"), strings.HasPrefix(s, "\u2029"):
		return 3
	}
	return 0
}

// hex4 reads four hexadecimal digits at i.
func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range unsafeBytes(s[i : i+4]) {
		d := hexDigit[c]
		if d > 15 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}
