package attack

import (
	"hash/maphash"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
)

// cleared remembers headers, cookies and names in which nothing was found: the same
// User-Agent and the same field names come with request after request. It is exact, for
// it compares the whole text and everything else that languages get to see, and bounded:
// a fixed table, in which what collides replaces each other, without any allocation.
type cleared struct {
	seed maphash.Seed
	rows [clearedRows]clearedRow
}

const (
	clearedRows  = 1024
	clearedBytes = 240 // text and name together; longer ones are judged every time
)

type clearedRow struct {
	hash       uint64
	text, name uint8 // lengths
	source     detect.Source
	isName     bool
	bytes      [clearedBytes]byte
}

// clearable reports whether a leaf is of the kind that repeats.
func clearable(l *extract.Leaf) bool {
	return (l.IsName || l.Source == detect.SourceHeader || l.Source == detect.SourceCookie) &&
		l.File == "" && len(l.Text)+len(l.Name) <= clearedBytes
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
