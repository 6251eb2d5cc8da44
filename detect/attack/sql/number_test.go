package sql

import (
	"math/rand/v2"
	"testing"
)

// TestNextNumberAgreesWithTheObvious compares the routine that takes eight bytes at a time with
// the one that takes one, from every start.
func TestNextNumberAgreesWithTheObvious(t *testing.T) {
	const bytes = "0189 >\t\x00\x1f!/:=?a\x7f\x80\xb0\xff"
	rnd := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 20_000 {
		b := make([]byte, 1+rnd.IntN(40))
		for i := range b {
			b[i] = 'x'
			if rnd.IntN(3) > 0 {
				b[i] = bytes[rnd.IntN(len(bytes))]
			}
		}
		text := string(b)
		for from := 1; from <= len(text)+1; from++ {
			got, want := nextNumber(text, from), slowNextNumber(text, from)
			if got != want {
				t.Fatalf("%q from %d: %d, want %d", text, from, got, want)
			}
			if got < len(text) {
				found++
			}
		}
	}
	if found == 0 {
		t.Error("no number was found at all")
	}
}
