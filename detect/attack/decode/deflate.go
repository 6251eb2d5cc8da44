package decode

import (
	"bytes"
	"errors"
	"io"
	"math/bits"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"

	"kongwaf/detect/attack/value"
)

// deflate.go undoes base64 of raw deflate (RFC 1951), as SAML's redirect binding has it
// (OASIS saml-bindings-2.0, section 3.4.4.1) and as diagrams travel in links. What has a
// header, gzip's or zlib's, is a container: base64 shows it, and package extract opens it.

const (
	minDeflated = 24        // digits of base64; less holds no attack
	headDigits  = 20        // of them tell what is surely no deflate: 15 bytes
	maxInflated = 256 << 10 // bytes that come of one text: the only decoder whose output may be much longer than its input
)

func deflatePossible(t value.Traits, p value.Pairs, n int) bool {
	return n >= minDeflated && base64Possible(t, p, n)
}

// deflateHead reports whether a text may be base64 of a deflated text, by the head of the
// first block: one random text in fifteen passes. What most texts fail by is looked at first.
func deflateHead(s string, _ value.Pairs) bool {
	var b packedHead
	if !b.decode(s, 0, 4) {
		return false
	}
	switch b[0] >> 1 & 3 {
	case 0: // stored: the length, and its complement
		return b.decode(s, 4, 8) && b[1]^b[3] == 0xff && b[2]^b[4] == 0xff && b.decode(s, 8, headDigits)
	case 1: // the code is fixed: a character, and a second or a repetition; or an empty block
		return b.beginsText() && b.decode(s, 4, headDigits)
	case 2:
		return b.bits(3, 5) <= 29 && b.bits(8, 5) <= 29 && b.decode(s, 4, headDigits) && b.completeCode()
	}
	return false
}

// packedHead is what the first digits stand for, and a byte so that none is the last.
type packedHead [headDigits/4*3 + 1]byte

// decode decodes the digits of s from one to another, both multiples of four, and reports
// whether they are digits.
func (b *packedHead) decode(s string, from, to int) bool {
	for i := from; i < to; i += 4 {
		four := s[i : i+4]
		c, d, e, f := headDigit[four[0]], headDigit[four[1]], headDigit[four[2]], headDigit[four[3]]
		if c|d|e|f > 63 {
			return false
		}
		at := i / 4 * 3
		b[at], b[at+1], b[at+2] = c<<2|d>>4, d<<4|e>>2, e<<6|f
	}
	return true
}

// headDigit is base64Digits with the blank, a plus that a form decoder took.
var headDigit = func() [256]byte {
	t := base64Digits
	t[' '] = 62
	return t
}()

// beginsText reports whether a block in the fixed code begins like a text.
func (b *packedHead) beginsText() bool {
	c, n := b.fixedLiteral(3)
	if n == 0 {
		return b.bits(3, 7) == 0
	}
	second, m := b.fixedLiteral(3 + n)
	if c >= utf8.RuneSelf {
		return 0xc2 <= c && c <= 0xf4 && m > 0 && second&0xc0 == 0x80
	}
	return textByte(c) && (m == 0 && b.bits(3+n, 2) == 0 || m > 0 && textByte(second))
}

// textByte reports whether a character of a text may begin with this byte.
func textByte(c byte) bool {
	return printable[c] != notText && c != 0 && (c < utf8.RuneSelf || 0xc2 <= c && c <= 0xf4)
}

// bits returns n bits from position at on, the first of them lowest; at most 9.
func (b *packedHead) bits(at, n int) uint {
	i := at >> 3
	return (uint(b[i]) | uint(b[i+1])<<8) >> (at & 7) & (1<<n - 1)
}

// fixedLiteral returns the literal of the fixed code at a position and its length in bits;
// n is 0 for what is no literal (RFC 1951, section 3.2.6).
func (b *packedHead) fixedLiteral(at int) (c byte, n int) {
	code := uint(bits.Reverse8(byte(b.bits(at, 8)))) // Huffman codes have their first bit highest
	switch {
	case code >= 0x30 && code <= 0xbf:
		return byte(code - 0x30), 8
	case code >= 0xc8:
		return byte(code<<1 | b.bits(at+8, 1) - 0x190 + 144), 9
	}
	return 0, 0
}

// completeCode reports whether the head of a dynamic block describes a code of code lengths
// that leaves no code unused, as every compressor does (section 3.2.7).
func (b *packedHead) completeCode() bool {
	sum := uint(0)
	for i := range int(b.bits(13, 4)) + 4 {
		if n := b.bits(17+3*i, 3); n > 0 {
			sum += 128 >> n
		}
	}
	return sum == 128
}

// inflater is a decompressor that is used again.
type inflater struct {
	in  bytes.Reader
	out io.ReadCloser
}

var inflatersPool = sync.Pool{New: func() any {
	f := &inflater{}
	f.out = flate.NewReader(&f.in)
	return f
}}

// appendDeflated decodes a text that is base64 of a deflated text. A stream that is cut off
// yields what came out.
func appendDeflated(dst []byte, s string) ([]byte, bool) {
	mark := len(dst)
	packed, ok := appendDigits(dst, s)
	if !ok {
		return dst[:mark], false
	}
	f := inflatersPool.Get().(*inflater)
	defer inflatersPool.Put(f)
	f.in.Reset(packed[mark:])
	defer f.in.Reset(nil)
	if f.out.(flate.Resetter).Reset(&f.in, nil) != nil {
		return dst[:mark], false
	}
	dst = packed
	from := len(dst)
	for len(dst)-from < maxInflated {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := f.out.Read(dst[len(dst):min(cap(dst), from+maxInflated)])
		dst = dst[:len(dst)+n]
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return dst[:mark], false
			}
			break
		}
		// What begins as no text is none.
		if got := dst[from:]; len(got) <= 1<<10 && !mayBeText(got) {
			return dst[:mark], false
		}
	}
	if len(dst)-from < minBlob || !isText(dst[from:]) {
		return dst[:mark], false
	}
	return dst[:mark+copy(dst[mark:], dst[from:])], true
}

// appendDigits appends what base64 digits stand for, in either alphabet, up to the padding.
func appendDigits(dst []byte, s string) ([]byte, bool) {
	bits, n := uint32(0), 0
	for i := 0; i < len(s); i++ {
		if n&3 == 0 {
			var fours int
			dst, fours = appendFours(dst, s[i:])
			if n, i = n+fours, i+fours; i == len(s) {
				break
			}
		}
		d := base64Digits[s[i]]
		switch {
		case s[i] == ' ': // a plus that a form decoder took
			d = 62
		case s[i] == '\r' || s[i] == '\n':
			continue
		case s[i] == '=':
			i = len(s)
			continue
		case d > 63:
			return dst, false
		}
		bits = bits<<6 | uint32(d)
		if n++; n&3 == 0 {
			dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
		}
	}
	switch n & 3 {
	case 2:
		dst = append(dst, byte(bits>>4))
	case 3:
		dst = append(dst, byte(bits>>10), byte(bits>>2))
	}
	return dst, n >= minDeflated-2
}

// appendFours appends what the digits stand for with which s begins, as far as four of them
// come in a row, and returns how many they are.
func appendFours(dst []byte, s string) ([]byte, int) {
	i := 0
	for ; i+4 <= len(s); i += 4 {
		four := s[i : i+4]
		a, b, c, d := base64Digits[four[0]], base64Digits[four[1]], base64Digits[four[2]], base64Digits[four[3]]
		if a|b|c|d > 63 {
			break
		}
		dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
	}
	return dst, i
}
