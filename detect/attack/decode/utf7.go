package decode

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"kongwaf/detect/attack/value"
)

func utf7Possible(_ value.Traits, p value.Pairs, n int) bool {
	return n >= 4 && p.Any(value.ShiftA)
}

// appendUTF7 undoes UTF-7 (RFC 2152) and its IMAP variant (RFC 3501 section 5.1.3, an
// ampersand in place of the plus), in which browsers once read "+ADw-script+AD4-".
// Only shifts that yield ASCII count, since all others are no attack.
func appendUTF7(dst []byte, s string) ([]byte, bool) {
	mark, from, ascii := len(dst), 0, 0
	for i := 0; i+3 < len(s); i++ {
		// ASCII in UTF-16BE begins with nine zero bits: "A", then one of "A" to "H".
		next := strings.IndexByte(s[i+1:len(s)-2], 'A')
		if next < 0 {
			break
		}
		i += next
		if s[i] != '+' && s[i] != '&' || s[i+2] < 'A' || s[i+2] > 'H' {
			continue
		}
		start := len(dst)
		dst = append(dst, s[from:i]...)
		out, n := appendShift(dst, s[i+1:])
		if n == 0 {
			dst = dst[:start]
			continue
		}
		dst = out
		ascii++
		i += n
		from = i + 1
	}
	if ascii == 0 {
		return dst[:mark], false
	}
	return append(dst, s[from:]...), true
}

// appendShift decodes the base64 run at the beginning of s and returns the number of
// bytes it took, with a closing hyphen; 0 if it is not UTF-16 with ASCII in it.
func appendShift(dst []byte, s string) ([]byte, int) {
	mark := len(dst)
	var bits uint32
	held, i, ascii := 0, 0, 0
	for ; i < len(s); i++ {
		d := base64Digits[s[i]]
		if d >= 64 || s[i] == '-' || s[i] == '_' {
			break
		}
		bits = bits<<6 | uint32(d)
		held += 6
		if held < 16 {
			continue
		}
		held -= 16
		r := rune(bits >> held & 0xFFFF)
		if utf16.IsSurrogate(r) {
			return dst[:mark], 0
		}
		if r < utf8.RuneSelf {
			ascii++
		}
		dst = utf8.AppendRune(dst, r)
	}
	// What is left must be padding: fewer than six bits, all zero.
	if ascii == 0 || held >= 6 || bits&(1<<held-1) != 0 {
		return dst[:mark], 0
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	return dst, i
}
