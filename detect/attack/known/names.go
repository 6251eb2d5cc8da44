package known

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// Names remembers names of parameters, cookies, headers and fields: an application has a few
// hundred, and each request brings dozens of them. A row is one cache line.
type Names struct {
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

// A Name is where a leaf is remembered, or may be. The zero value is nowhere.
type Name struct {
	row  *nameRow
	hash uint64
}

// Find returns where a leaf is or would be remembered: nowhere unless it is a short name.
func (m *Names) Find(l *extract.Leaf) Name {
	if !l.IsName || len(l.Text) > nameBytes || len(l.Name) != len(l.Text) || l.File != "" {
		return Name{}
	}
	h := hash(l.Text)
	return Name{row: &m.rows[h%nameRows], hash: h}
}

// May reports whether the leaf may be remembered there.
func (p Name) May() bool { return p.row != nil }

// Holds reports whether the leaf, which Find was asked about, is remembered.
func (p Name) Holds(l *extract.Leaf) bool {
	r := p.row
	return r != nil && r.hash == p.hash && r.source == l.Source && int(r.n) == len(l.Text) && string(r.name[:len(l.Text)]) == l.Text
}

// Put remembers the leaf, in the place of whatever was there. Names with marks are not
// remembered: what they mean depends on the rest of the request.
func (p Name) Put(l *extract.Leaf, t value.Traits) {
	if t.Only(value.Word | value.Colon | value.BracketOpen | value.BracketClose) {
		p.row.hash, p.row.n, p.row.source = p.hash, uint8(len(l.Text)), l.Source
		copy(p.row.name[:], l.Text)
	}
}
