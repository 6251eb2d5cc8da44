package attack

import (
	"math/bits"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// Most values of benign requests are words, names, numbers and tokens, and most of the
// others lack what any attack needs. They leave here, before a language is asked to judge.

// possible returns the set of languages that may see something in a text with these traits
// and pairs. It prepares s.value for them, but for the text and the name.
func (s *session) possible(l *extract.Leaf, t value.Traits, p value.Pairs) uint32 {
	if t.Only(value.Word) && l.Source != detect.SourcePath && l.Source != detect.SourceHeader {
		if dot := t.Any(value.Dot); !dot && p&wordPairs == 0 || dot && p&dottedPairs == 0 && !l.IsName {
			return 0
		}
	}
	v := &s.value
	v.Traits, v.Pairs, v.Source, v.IsName = t, p, l.Source, l.IsName
	mask := s.memo.languages(t, l.Source, l.IsName)
	for left := mask; left != 0; left &= left - 1 {
		if i := bits.TrailingZeros32(left); !languages[i].possible(v) {
			mask &^= 1 << i
		}
	}
	return mask
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
		possible := false
		for i := range languages {
			possible = possible || languages[i].possible(&v)
		}
		if !possible {
			harmless |= bit
		}
	}
	return ^harmless
}

// memo remembers which languages could be meant by a set of traits, whatever the pairs:
// asking all of them costs more than judging most values. It is exact. Sets that collide
// replace each other.
type memo struct {
	rows [256]memoRow
	kind value.Value // that the languages are asked about
}

type memoRow struct {
	traits value.Traits
	mask   uint32
	source detect.Source
	isName bool
}

// languages returns the set of languages that may be asked about a value of this kind.
func (m *memo) languages(t value.Traits, source detect.Source, isName bool) uint32 {
	if t == 0 {
		return 0 // the empty text; also what an unused row holds
	}
	row := &m.rows[uint64(t)*0x9E3779B97F4A7C15>>56]
	if row.traits != t || row.source != source || row.isName != isName {
		*row = memoRow{traits: t, source: source, isName: isName}
		m.kind = value.Value{Traits: t, Pairs: ^value.Pairs(0), Source: source, IsName: isName}
		for i := range languages {
			if languages[i].possible(&m.kind) {
				row.mask |= 1 << i
			}
		}
	}
	return row.mask
}
