package decode

import "math/bits"

// Scans of eight bytes at a time, for the decoders that most texts go through.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// eight reads s[i:i+8] as one little-endian number.
func eight(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// below is not 0 if a byte of x is less than n (n up to 0x80). Its lowest bit belongs to the
// first such byte; those above may be wrong.
func below(x uint64, n byte) uint64 { return (x - ones*uint64(n)) &^ x & highs }

// before returns how many bytes of eight stand before the first that is c, 8 if none is.
func before(x uint64, c byte) int {
	return bits.TrailingZeros64(below(x^ones*uint64(c), 1)) >> 3
}

// plusToBlank makes each plus of eight bytes a blank.
func plusToBlank(x uint64) uint64 {
	y := x ^ ones*'+'
	isPlus := ^((y&^highs + ^uint64(highs)) | y) & highs
	return x ^ isPlus>>7*('+'^' ')
}
