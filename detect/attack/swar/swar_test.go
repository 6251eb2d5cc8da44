package swar

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoad(t *testing.T) {
	require.Equal(t, uint64(0xFF38373635343332), Load("12345678\xFF", 1))
	require.Panics(t, func() { _ = Load("1234567", 0) }, "seven bytes")
}

// FuzzBelow compares with looking at the bytes one by one.
func FuzzBelow(f *testing.F) {
	f.Add(uint64(0x2020202020201F20), byte(' '))
	f.Add(uint64(0x8000000000000000), byte(1))
	f.Fuzz(func(t *testing.T, x uint64, n byte) {
		n %= 0x81
		first := 8
		for i := 7; i >= 0; i-- {
			if byte(x>>(8*i)) < n {
				first = i
			}
		}
		require.Equal(t, first, bits.TrailingZeros64(Below(x, n))/8, "%#x below %#x", x, n)
	})
}
