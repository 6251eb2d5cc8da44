package extract

import (
	"math/bits"
	"strings"

	"kongwaf/detect/attack/swar"
)

// Where the things in a JSON text end.

// scanString returns where the string that begins at i ends (at its quote), whether it holds
// backslashes, and whether the quote was there.
func scanString(s string, i int, quote byte) (end int, escaped, closed bool) {
	for i < len(s) {
		if i+8 <= len(s) {
			x := swar.Load(s, i)
			marks := swar.Below(x^swar.Ones*uint64(quote), 1) | swar.Below(x^swar.Ones*'\\', 1)
			if marks == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(marks) >> 3 // the first is always right
		}
		switch s[i] {
		case quote:
			return i, escaped, true
		case '\\':
			escaped = true
			i++
		}
		i++
	}
	return len(s), escaped, false
}

// isKey reports whether a colon follows at i.
func isKey(s string, i int) bool {
	for i < len(s) {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
			i++
			continue
		case ':':
			return true
		}
		return false
	}
	return false
}

// commentEnd returns the end of the comment at i, i if there is none.
func commentEnd(s string, i int) int {
	switch {
	case s[i] != '/':
	case strings.HasPrefix(s[i:], "//"):
		if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
			return i + n + 1
		}
		return len(s)
	case strings.HasPrefix(s[i:], "/*"):
		if n := strings.Index(s[i+2:], "*/"); n >= 0 {
			return i + n + 4
		}
		return len(s)
	}
	return i
}

// bareEnd returns the end of an unquoted word: at white space, a separator or a quote, but
// never at i itself.
func bareEnd(s string, i int) int {
	for j := i; j < len(s); j++ {
		switch s[j] {
		case ' ', '\t', '\r', '\n', ',', ':', '{', '}', '[', ']', '"', '\'':
			return max(j, i+1)
		}
	}
	return len(s)
}

// bareValueEnd returns the end of an unquoted value, which may have several words.
func bareValueEnd(s string, i int) int {
	for j := i; j < len(s); j++ {
		switch s[j] {
		case ',', '}', ']', '\n':
			return max(j, i+1)
		}
	}
	return len(s)
}

// numberEnd returns the end of a valid number, true, false or null that is followed by a
// separator or the end; i if there is none.
func numberEnd(s string, i int) int {
	j := i
	switch s[i] {
	case 't':
		j = literal(s, i, "true")
	case 'f':
		j = literal(s, i, "false")
	case 'n':
		j = literal(s, i, "null")
	default:
		digits := false
		for j < len(s) {
			c := s[j]
			if '0' <= c && c <= '9' {
				digits = true
			} else if c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
				break
			}
			j++
		}
		if !digits {
			return i
		}
	}
	for k := j; k < len(s); k++ {
		switch s[k] {
		case ' ', '\t', '\r', '\n':
			continue
		case ',', '}', ']', '{', '[', '"':
			return j
		}
		// Further values on lines of their own are fine, more words are not.
		if k > j && s[k-1] == '\n' {
			return j
		}
		return i
	}
	return j
}

func literal(s string, i int, word string) int {
	if strings.HasPrefix(s[i:], word) {
		return i + len(word)
	}
	return i
}
