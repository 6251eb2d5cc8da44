package attack

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/swar"
	"kongwaf/detect/attack/value"
)

// cleared remembers short texts in which nothing was found: the same field names, words
// and addresses come with request after request. It is exact, for
// it compares the whole text and everything else that languages get to see, and bounded:
// a fixed table, in which what collides replaces each other, without any allocation.
type cleared struct {
	rows [clearedRows]clearedRow
}

const (
	clearedRows  = 2048
	clearedBytes = 108 // text and name together; longer ones are judged every time
)

type clearedRow struct {
	hash       uint64
	text, name uint8 // lengths
	source     detect.Source
	isName     bool
	bytes      [clearedBytes]byte
}

// clearable reports whether a leaf is of a kind that repeats: short, and no random token. What
// a name with a dollar sign means depends on where it stands (value.Value.Under).
func clearable(l *extract.Leaf, t value.Traits) bool {
	return len(l.Text)+len(l.Name) <= clearedBytes && l.File == "" && !(l.IsName && t.Any(value.Dollar)) &&
		(l.IsName || l.Source == detect.SourceHeader || len(l.Text) <= 16 || !t.Only(value.Word|value.Percent))
}

// row returns the row where a leaf would be, and its hash.
func (c *cleared) row(l *extract.Leaf) (*clearedRow, uint64) {
	hash := quickHash(l.Text)
	return &c.rows[hash%clearedRows], hash
}

// quickHash mixes the length and up to 24 bytes of s: enough to find a row, not to tell
// texts apart. Whoever makes texts collide makes the engine forget, nothing else.
func quickHash(s string) uint64 {
	const mix = 0x9E3779B97F4A7C15
	h := uint64(len(s)) * mix
	if len(s) >= 8 {
		h ^= swar.Load(s, 0) * mix
		h = (h^h>>29)*mix ^ swar.Load(s, len(s)-8)
		h = (h^h>>31)*mix ^ swar.Load(s, (len(s)-8)/2)
	} else {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * mix
		}
	}
	h *= mix
	return h ^ h>>32
}

// holds reports whether the row is that of the leaf.
func (r *clearedRow) holds(l *extract.Leaf, hash uint64) bool {
	t, n := int(r.text), int(r.name)
	return r.hash == hash && t == len(l.Text) && n == len(l.Name) && r.source == l.Source && r.isName == l.IsName &&
		string(r.bytes[:t]) == l.Text && string(r.bytes[t:t+n]) == l.Name
}

// put makes the row that of the leaf.
func (r *clearedRow) put(l *extract.Leaf, hash uint64) {
	r.hash, r.source, r.isName = hash, l.Source, l.IsName
	r.text, r.name = uint8(len(l.Text)), uint8(len(l.Name))
	copy(r.bytes[copy(r.bytes[:], l.Text):], l.Name)
}
