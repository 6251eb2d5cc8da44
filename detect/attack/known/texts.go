package known

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// Texts remembers short leaves.
type Texts struct {
	rows [textRows]textRow
}

const (
	textRows  = 2048
	textBytes = 108 // text and name together; longer ones are judged every time
)

type textRow struct {
	hash       uint64
	text, name uint8 // lengths
	source     detect.Source
	isName     bool
	bytes      [textBytes]byte
}

// A Text is where a leaf is remembered, or may be. The zero value is nowhere.
type Text struct {
	row  *textRow
	hash uint64
}

// Find returns where a leaf with these traits is or would be remembered: nowhere unless it is
// of a kind that repeats, short and no random token. What a name with a dollar sign means
// depends on where it stands (value.Value.Under).
func (m *Texts) Find(l *extract.Leaf, t value.Traits) Text {
	if len(l.Text)+len(l.Name) > textBytes || l.File != "" || l.Run || l.IsName && t.Any(value.Dollar) ||
		!l.IsName && l.Source != detect.SourceHeader && len(l.Text) > 16 && t.Only(value.Word|value.Percent) {
		return Text{}
	}
	h := hash(l.Text)
	return Text{row: &m.rows[h%textRows], hash: h}
}

// May reports whether the leaf may be remembered there.
func (p Text) May() bool { return p.row != nil }

// Holds reports whether the leaf, which Find was asked about, is remembered.
func (p Text) Holds(l *extract.Leaf) bool {
	r := p.row
	if r == nil || r.hash != p.hash {
		return false
	}
	t, n := int(r.text), int(r.name)
	return t == len(l.Text) && n == len(l.Name) && r.source == l.Source && r.isName == l.IsName &&
		string(r.bytes[:t]) == l.Text && string(r.bytes[t:t+n]) == l.Name
}

// Put remembers the leaf, in the place of whatever was there.
func (p Text) Put(l *extract.Leaf) {
	r := p.row
	r.hash, r.source, r.isName = p.hash, l.Source, l.IsName
	r.text, r.name = uint8(len(l.Text)), uint8(len(l.Name))
	copy(r.bytes[copy(r.bytes[:], l.Text):], l.Name)
}
