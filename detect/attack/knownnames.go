package attack

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// knownNames remembers names of parameters, cookies, headers and fields in which nothing was
// found: an application has a few hundred, and each request brings dozens of them. It is
// exact, for it compares the whole name, and bounded: a fixed table of one cache line a row,
// in which what collides replaces each other.
type knownNames struct {
	rows [nameRows]nameRow
}

const (
	nameRows  = 1024
	nameBytes = 54 // longer ones are judged every time
)

type nameRow struct {
	hash   uint64
	n      uint8
	source detect.Source
	name   [nameBytes]byte
}

// row returns the row where a leaf would be, nil if it is none that is remembered, and its hash.
func (k *knownNames) row(l *extract.Leaf) (*nameRow, uint64) {
	if !l.IsName || len(l.Text) > nameBytes || len(l.Name) != len(l.Text) || l.File != "" {
		return nil, 0
	}
	hash := quickHash(l.Text)
	return &k.rows[hash%nameRows], hash
}

func (r *nameRow) holds(l *extract.Leaf, hash uint64) bool {
	return r.hash == hash && r.source == l.Source && int(r.n) == len(l.Text) && string(r.name[:len(l.Text)]) == l.Text
}

// put makes the row that of the leaf. Names with marks are not remembered: what they mean
// depends on the rest of the request.
func (r *nameRow) put(l *extract.Leaf, hash uint64, t value.Traits) {
	if t.Only(value.Word | value.Colon | value.BracketOpen | value.BracketClose) {
		r.hash, r.n, r.source = hash, uint8(len(l.Text)), l.Source
		copy(r.name[:], l.Text)
	}
}
