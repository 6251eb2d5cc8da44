package words

import "strings"

// Trigrams are the first, the last or other three bytes of words, ignoring ASCII case: by
// them a scan passes over the places at which none of the words can stand, before it looks
// for the word's other end. It may have a few that nobody added. The zero value is empty.
type Trigrams [64]uint64

// Add adds three bytes.
func (t *Trigrams) Add(a, b, c byte) {
	row, bit := cell(a, b, c)
	t[row] |= 1 << bit
}

// Has reports whether the three bytes were added.
func (t *Trigrams) Has(a, b, c byte) bool {
	row, bit := cell(a, b, c)
	return t[row]>>bit&1 != 0
}

// cell mixes the bytes without the bit that tells upper from lower case.
func cell(a, b, c byte) (row, bit uint) {
	return uint(a<<1^b&31) & 63, uint(c<<1^b&31) & 63
}

// Heads returns the first three bytes of the groups' words, all at least as long.
func Heads(groups ...Group) *Trigrams {
	t := new(Trigrams)
	for _, g := range groups {
		for _, w := range strings.Fields(g.Words) {
			t.Add(w[0], w[1], w[2])
		}
	}
	return t
}

// Tails returns the last three bytes of the groups' words, all at least as long.
func Tails(groups ...Group) *Trigrams {
	t := new(Trigrams)
	for _, g := range groups {
		for _, w := range strings.Fields(g.Words) {
			t.Add(w[len(w)-3], w[len(w)-2], w[len(w)-1])
		}
	}
	return t
}
