package attack

import (
	"hash/maphash"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// cleared remembers short texts in which nothing was found: the same field names, words
// and addresses come with request after request. It is exact, for
// it compares the whole text and everything else that languages get to see, and bounded:
// a fixed table, in which what collides replaces each other, without any allocation.
type cleared struct {
	seed maphash.Seed
	rows [clearedRows]clearedRow
}

const (
	clearedRows  = 2048
	clearedBytes = 240 // text and name together; longer ones are judged every time
)

type clearedRow struct {
	hash       uint64
	text, name uint8 // lengths
	source     detect.Source
	isName     bool
	bytes      [clearedBytes]byte
}

// clearable reports whether a leaf is of a kind that repeats: short, and no random token.
func clearable(l *extract.Leaf, t value.Traits) bool {
	return len(l.Text)+len(l.Name) <= clearedBytes && l.File == "" &&
		(l.IsName || l.Source == detect.SourceHeader || len(l.Text) <= 16 || !t.Only(value.Word|value.Percent))
}

// row returns the row where a leaf would be, and its hash.
func (c *cleared) row(l *extract.Leaf) (*clearedRow, uint64) {
	hash := maphash.String(c.seed, l.Text)
	return &c.rows[hash%clearedRows], hash
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
