package decode

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"kongwaf/detect/attack/swar"
	"kongwaf/detect/attack/value"
)

func percentPossible(t value.Traits, _ value.Pairs, n int) bool {
	return n >= 3 && t.Any(value.Percent)
}

// appendPercent undoes one layer of percent encoding (RFC 3986 section 2.1) and of the
// %uXXXX form that ECMAScript's unescape and IIS accept. Invalid sequences stay. A plus
// is a space where the text has escapes and no space of its own, as in form data.
func appendPercent(dst []byte, s string) ([]byte, bool) {
	mark := len(dst)
	dst = slices.Grow(dst, len(s))
	n, changed := undoPercent(dst[mark:mark+len(s)], s, strings.IndexByte(s, '+') >= 0 && strings.IndexByte(s, ' ') < 0)
	if !changed {
		return dst[:mark], false
	}
	return dst[:mark+n], true
}

// undoPercent is appendPercent into a buffer of the length of s; plus says that each plus
// is a space.
func undoPercent(out []byte, s string, plus bool) (n int, changed bool) {
	// No escape is shorter than what it stands for: %uXXXX are six bytes, and the
	// character at most three. So n never passes i.
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '%':
			if i+2 < len(s) {
				if hi, lo := hexDigits[s[i+1]], hexDigits[s[i+2]]; hi|lo >= 0 { // neither is -1
					out[n] = byte(hi<<4 | lo)
					n++
					i += 3
					changed = true
					continue
				}
				if r, size := percentAt(s, i); size > 0 {
					n += utf8.EncodeRune(out[n:], r)
					i += size
					changed = true
					continue
				}
			}
		case i+8 <= len(s):
			// What follows the run is written over.
			x := swar.Load(s, i)
			run := before(x, '%')
			if plus {
				x = plusToBlank(x)
			}
			binary.LittleEndian.PutUint64(out[n:], x)
			n += run
			i += run
			continue
		case c == '+' && plus:
			c = ' '
		}
		out[n] = c
		n++
		i++
	}
	return n, changed
}

// percentAt returns the value and the length of the escape at s[i], 0 if it is none.
func percentAt(s string, i int) (rune, int) {
	if i+2 < len(s) {
		if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
			return rune(hi<<4 | lo), 3
		}
		if s[i+1]|0x20 == 'u' {
			if r, n := hexRune(s, i+2, 4, 4); n == 4 {
				return r, 6
			}
		}
	}
	return 0, 0
}

func plusPossible(t value.Traits, _ value.Pairs, n int) bool {
	// In a long text of nothing else a plus is a digit of base64.
	return t.Any(value.Plus) && !t.Any(value.Space) && n >= 4 && (n <= 64 || !t.Only(base64Alphabet))
}

// appendPlus reads each plus as a blank, as forms encode it.
func appendPlus(dst []byte, s string) ([]byte, bool) {
	if strings.IndexByte(s, '+') < 0 {
		return dst, false
	}
	mark := len(dst)
	dst = append(dst, s...)
	i := mark
	for ; i+8 <= len(dst); i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], plusToBlank(binary.LittleEndian.Uint64(dst[i:])))
	}
	for ; i < len(dst); i++ {
		if dst[i] == '+' {
			dst[i] = ' '
		}
	}
	return dst, true
}

func nulPossible(t value.Traits, _ value.Pairs, _ int) bool { return t.Any(value.NUL) }

// appendWithoutNUL drops NULs: targets written in C stop at them, others skip them, and
// UTF-16 read as bytes is full of them.
func appendWithoutNUL(dst []byte, s string) ([]byte, bool) {
	if strings.IndexByte(s, 0) < 0 {
		return dst, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] != 0 {
			dst = append(dst, s[i])
		}
	}
	return dst, true
}

// unhex returns the value of a hex digit, -1 if c is none.
func unhex(c byte) int { return int(hexDigits[c]) }

var hexDigits = func() (t [256]int8) {
	for c := range 256 {
		switch {
		case '0' <= c && c <= '9':
			t[c] = int8(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			t[c] = int8(c|0x20-'a') + 10
		default:
			t[c] = -1
		}
	}
	return t
}()

// hexRune reads between least and most hex digits at s[i:] and returns their value and
// their number, 0 if there are too few. Values beyond Unicode come out as MaxRune+1.
func hexRune(s string, i, least, most int) (rune, int) {
	r, n := rune(0), 0
	for n < most && i+n < len(s) {
		d := unhex(s[i+n])
		if d < 0 {
			break
		}
		if r = r<<4 | rune(d); r > utf8.MaxRune {
			r = utf8.MaxRune + 1
		}
		n++
	}
	if n < least {
		return 0, 0
	}
	return r, n
}
