package decode

import (
	"unicode/utf8"

	"kongwaf/detect/attack/value"
)

// hexAlphabet is what stands in runs of 0xHH and between them, and all digits.
const hexAlphabet = value.Letter | value.Digit | value.Slash | value.Dot | value.Comma | value.Space | value.Backslash

func hexPossible(t value.Traits, _ value.Pairs, n int) bool {
	return n >= minBlob && t.Any(value.Digit) && t.Only(hexAlphabet)
}

// appendHex decodes a text that is nothing but hex digits and yields text, with or
// without 0x in front, and runs of 0xHH ("0x2e0x2e0x2f") within a text.
func appendHex(dst []byte, s string) ([]byte, bool) {
	if len(s) < minBlob {
		return dst, false
	}
	digits := s
	if hasPrefixFold(s, "0x") {
		digits = s[2:]
	}
	if len(digits) >= minHex || len(digits) >= minBlob && len(digits) < len(s) {
		if out, ok := appendHexText(dst, digits); ok {
			return out, true
		}
	}
	return appendHexBytes(dst, s)
}

func appendHexText(dst []byte, s string) ([]byte, bool) {
	mark := len(dst)
	if len(s)&1 != 0 {
		return dst, false
	}
	for i := 0; i+1 < len(s); i += 2 {
		hi, lo := unhex(s[i]), unhex(s[i+1])
		if hi < 0 || lo < 0 {
			return dst[:mark], false
		}
		dst = append(dst, byte(hi<<4|lo))
		if i == 4 && !mayBeText(dst[mark:]) {
			return dst[:mark], false
		}
	}
	if !isText(dst[mark:]) {
		return dst[:mark], false
	}
	return dst, true
}

// appendHexBytes replaces 0xHH by its byte, if that is printable. Where only one occurs,
// it must not be the beginning of a longer number.
func appendHexBytes(dst []byte, s string) ([]byte, bool) {
	mark, n, from := len(dst), 0, 0
	longer := false
	for i := 0; i+3 < len(s); {
		if s[i] != '0' || s[i+1]|0x20 != 'x' {
			i++
			continue
		}
		r, d := hexRune(s, i+2, 2, 2)
		if d == 0 || r < ' ' || r > '~' {
			i++
			continue
		}
		longer = longer || i+4 < len(s) && unhex(s[i+4]) > 0
		dst = append(dst, s[from:i]...)
		dst = append(dst, byte(r))
		i += 4
		from = i
		n++
	}
	if n == 0 || n == 1 && longer {
		return dst[:mark], false
	}
	return append(dst, s[from:]...), true
}

// hexHead reports whether a text begins like hex that decodes to text, or has a 0xHH.
func hexHead(s string, p value.Pairs) bool {
	var head [minBlob / 2]byte
	high := byte(0)
	for i := range head {
		hi, lo := unhex(s[2*i]), unhex(s[2*i+1])
		if hi < 0 || lo < 0 {
			return p.Any(value.ZeroX)
		}
		c := byte(hi<<4 | lo)
		if i == 0 && magicLead[c] {
			return true
		}
		if printable[c] == notText {
			return p.Any(value.ZeroX)
		}
		head[i] = c
		high |= c
	}
	return high < utf8.RuneSelf || utf8Head(head[:]) || p.Any(value.ZeroX)
}
