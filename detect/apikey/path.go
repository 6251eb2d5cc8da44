package apikey

import (
	"strings"
	"unicode/utf8"
)

// CleanPath returns the decoded path of a raw request target, if every server that may stand
// behind the gateway reads it as the same one. Otherwise ok is false: a prefix must not be
// passed by a path that one of them takes for another.
//
// Ambiguous are: dot segments, as they are or encoded, also with path parameters ("..;x") and
// with the blanks and dots that Windows cuts off; characters that servers on Windows take for
// dots and slashes;
// empty segments but for one at the end; slashes and backslashes that are encoded, and
// backslashes as they are; percent signs that encode nothing, or that stand before two
// hexadecimal digits again once decoded; NUL and other control characters; bytes that are not
// UTF-8, among them overlong forms; a fragment; and what does not begin with a slash.
func CleanPath(target string) (path string, ok bool) {
	raw, _, _ := strings.Cut(target, "?")
	if raw == "" || raw[0] != '/' {
		return "", false
	}
	if path, ok = decoded(raw); !ok || !utf8.ValidString(path) || strings.ContainsAny(path, lookalikes) {
		return "", false
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		name, _, parameters := strings.Cut(segment, ";")
		dots := strings.TrimRight(name, ". ") == "" && (name != "" || parameters)
		if dots || segment == "" && i < len(segments)-1 {
			return "", false
		}
	}
	return path, true
}

// lookalikes are what best-fit tables turn into dots, slashes and backslashes.
const lookalikes = "\u2024\uff0e\u2044\u2215\uff0f\u2216\uff3c"

// decoded undoes one round of percent-encoding, if that is beyond doubt.
func decoded(raw string) (string, bool) {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '#' || c == '\\':
			return "", false
		case c == '%':
			if i+2 >= len(raw) {
				return "", false
			}
			high, okHigh := hexDigit(raw[i+1])
			low, okLow := hexDigit(raw[i+2])
			c = high<<4 | low
			if !okHigh || !okLow || c == '/' || c == '\\' {
				return "", false
			}
			i += 2
		}
		if c < ' ' || c == 0x7f {
			return "", false
		}
		b.WriteByte(c)
	}
	path := b.String()
	for i := strings.IndexByte(path, '%'); i >= 0; {
		if i+2 < len(path) {
			_, high := hexDigit(path[i+1])
			_, low := hexDigit(path[i+2])
			if high && low || path[i+1]|0x20 == 'u' { // %25xx, and %25uxxxx of old servers
				return "", false
			}
		}
		next := strings.IndexByte(path[i+1:], '%')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return path, true
}

func hexDigit(c byte) (value byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
