// Package swar looks at eight bytes at a time in one register (SIMD within a register), for
// the scans that most texts go through. It finds bytes; what they mean is its callers'.
//
// The formulas are those of Henry S. Warren, Hacker's Delight, chapter 6.
package swar

const (
	// Ones and Highs have the lowest and the highest bit of each byte.
	Ones  = 0x0101010101010101
	Highs = 0x8080808080808080
)

// Load returns s[i:i+8] as one little-endian number. The compiler merges the loads.
func Load(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// Below is not 0 if a byte of x is less than n, which is 0x80 at most. Its lowest bit
// belongs to the first such byte; those above may be wrong.
func Below(x uint64, n byte) uint64 { return (x - Ones*uint64(n)) &^ x & Highs }
