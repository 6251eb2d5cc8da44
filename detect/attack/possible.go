package attack

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// Most values of benign requests are words, names, numbers and tokens, and most of the
// others lack what any attack needs. They leave here, before a language is asked to judge.

// possible returns the set of languages that may see something in a text with these traits
// and pairs. It prepares s.value for them, but for the text and the name.
func (s *session) possible(l *extract.Leaf, t value.Traits, p value.Pairs) uint32 {
	if t.Only(value.Word) && (l.Source != detect.SourcePath || l.IsSegment()) && l.Source != detect.SourceHeader {
		if dot := t.Any(value.Dot); !dot && p&wordPairs == 0 || dot && p&dottedPairs == 0 && !l.IsName {
			return 0
		}
	}
	v := &s.value
	v.Traits, v.Pairs, v.Source, v.IsName = t, p, l.Source, l.IsName
	return ask(v)
}

// wordPairs are pairs of which a text of nothing but letters, digits, _ and - has one, if a
// language may see something in it. dottedPairs is the same for texts with dots.
var (
	wordPairs   = tellingPairs(value.Word &^ value.Dot)
	dottedPairs = tellingPairs(value.Word)
)

// tellingPairs returns all pairs but a set that makes no language possible. Languages ask
// for pairs, never for their absence, so what holds for a set holds for the sets within it.
func tellingPairs(t value.Traits) value.Pairs {
	harmless := value.Pairs(0)
	for bit := value.Pairs(1); bit != 0; bit <<= 1 {
		v := value.Value{Traits: t, Pairs: harmless | bit, Source: detect.SourceQuery}
		if ask(&v) == 0 {
			harmless |= bit
		}
	}
	return ^harmless
}
