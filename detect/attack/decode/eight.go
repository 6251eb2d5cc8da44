package decode

import (
	"math/bits"

	"kongwaf/detect/attack/swar"
)

// Scans of eight bytes at a time, for the decoders that most texts go through.

// before returns how many bytes of eight stand before the first that is c, 8 if none is.
func before(x uint64, c byte) int {
	return bits.TrailingZeros64(swar.Below(x^swar.Ones*uint64(c), 1)) >> 3
}

// plusToBlank makes each plus of eight bytes a blank.
func plusToBlank(x uint64) uint64 {
	y := x ^ swar.Ones*'+'
	isPlus := ^((y&^swar.Highs + ^uint64(swar.Highs)) | y) & swar.Highs
	return x ^ isPlus>>7*('+'^' ')
}
