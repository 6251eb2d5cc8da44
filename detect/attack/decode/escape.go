package decode

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"kongwaf/detect/attack/value"
)

func escapePossible(t value.Traits, _ value.Pairs, n int) bool {
	return n >= 2 && t.Any(value.Backslash)
}

// appendEscapes undoes backslash escapes as C, JavaScript, JSON, PHP, Python and CSS
// write them: \xHH, \x{H..}, \uHHHH (with surrogate pairs), \u{H..}, \UHHHHHHHH, octal,
// two hex digits (CSS), \n \r \t, and a backslash before a mark. A backslash before
// another letter stays: it may be a Windows path.
func appendEscapes(dst []byte, s string) ([]byte, bool) {
	changed, from := false, 0 // up to from, s is dealt with; copied only if something changed
	for {
		next := strings.IndexByte(s[from:], '\\')
		if next < 0 {
			break
		}
		i := from + next
		r, n, raw := escapeAt(s, i)
		if n == 0 {
			end := min(i+2, len(s))
			if changed {
				dst = append(dst, s[from:end]...)
			}
			from = end
			continue
		}
		if !changed {
			from, changed = 0, true
		}
		dst = append(dst, s[from:i]...)
		if raw {
			dst = append(dst, byte(r))
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		from = i + n
	}
	if !changed {
		return dst, false
	}
	return append(dst, s[from:]...), true
}

// escapeAt returns the character and the length of the escape at s[i], 0 if it is none.
// raw says that the character is a byte, not a code point.
func escapeAt(s string, i int) (r rune, n int, raw bool) {
	if i+1 >= len(s) {
		return 0, 0, false
	}
	switch c := s[i+1]; c {
	case 'n':
		return '\n', 2, true
	case 'r':
		return '\r', 2, true
	case 't':
		return '\t', 2, true
	case 'x', 'X':
		if r, n := braced(s, i+2); n > 0 {
			return r, 2 + n, false
		}
		if r, d := hexRune(s, i+2, 2, 2); d > 0 {
			return r, 4, true
		}
	case 'u':
		if r, n := braced(s, i+2); n > 0 {
			return r, 2 + n, false
		}
		r, d := hexRune(s, i+2, 4, 4)
		if d == 0 {
			return 0, 0, false
		}
		if utf16.IsSurrogate(r) && strings.HasPrefix(s[i+6:], `\u`) {
			if low, d := hexRune(s, i+8, 4, 4); d > 0 {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, 12, false
				}
			}
		}
		return r, 6, false
	case 'U':
		if r, d := hexRune(s, i+2, 8, 8); d > 0 {
			return r, 10, false
		}
	default:
		if '0' <= c && c <= '9' {
			return digitsAt(s, i)
		}
		if c < utf8.RuneSelf && c > ' ' && !isLetter(c) {
			return rune(c), 2, true
		}
	}
	return 0, 0, false
}

// digitsAt reads an octal escape, or two hex digits of CSS where octal ends too early.
func digitsAt(s string, i int) (rune, int, bool) {
	if i+2 < len(s) && isLetter(s[i+2]) {
		if r, d := hexRune(s, i+1, 2, 2); d > 0 && ' ' < r && r < utf8.RuneSelf {
			return r, 3, true
		}
	}
	r, n := 0, 0
	for n < 3 && i+1+n < len(s) && '0' <= s[i+1+n] && s[i+1+n] <= '7' && r<<3 < 256 {
		r = r<<3 | int(s[i+1+n]-'0')
		n++
	}
	if n == 0 {
		return 0, 0, false
	}
	return rune(r), 1 + n, true
}

// braced reads {H..} and returns its value and its length, 0 if there is none.
func braced(s string, i int) (rune, int) {
	if i >= len(s) || s[i] != '{' {
		return 0, 0
	}
	r, d := hexRune(s, i+1, 1, 8)
	if d == 0 || i+1+d >= len(s) || s[i+1+d] != '}' {
		return 0, 0
	}
	return r, d + 2
}
