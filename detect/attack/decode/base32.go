package decode

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// minBase32 is the number of digits by which base32 is recognised: ten bytes, which are hardly
// ever text by chance.
const minBase32 = 16

func base32Possible(t value.Traits, _ value.Pairs, n int) bool {
	return n >= minBase32 && t.Only(value.Letter|value.Digit|value.Equals)
}

// base32Head reports whether a text begins like base32 that yields text.
func base32Head(s string, _ value.Pairs) bool {
	x := uint64(0)
	for i := range 8 {
		d := base32Digits[s[i]]
		if d > 31 {
			return false
		}
		x = x<<5 | uint64(d)
	}
	head := [5]byte{byte(x >> 32), byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x)}
	return mayBeText(head[:])
}

// appendBase32 decodes a text that is base32 (RFC 4648 section 6, padding optional) and yields
// text.
func appendBase32(dst []byte, s string) ([]byte, bool) {
	mark := len(dst)
	digits := strings.TrimRight(s, "=")
	if len(digits) < minBase32 || len(s)-len(digits) > 6 {
		return dst, false
	}
	bits, n := uint32(0), 0
	for i := 0; i < len(digits); i++ {
		d := base32Digits[digits[i]]
		if d > 31 {
			return dst[:mark], false
		}
		bits = bits<<5 | uint32(d)
		if n += 5; n >= 8 {
			n -= 8
			dst = append(dst, byte(bits>>n))
		}
		if i == 15 && !mayBeText(dst[mark:]) {
			return dst[:mark], false
		}
	}
	if n >= 5 || !isText(dst[mark:]) { // a digit too much
		return dst[:mark], false
	}
	return dst, true
}

var base32Digits = func() (t [256]byte) {
	for i := range t {
		t[i] = notDigit
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") {
		t[c] = byte(i)
	}
	return t
}()
