package attack

import (
	"math/bits"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// Most values of benign requests are words, names, numbers and tokens: texts of nothing
// but letters, digits, _ - and dots. Nearly all of them leave here, by the pairs of bytes
// that they lack, before any language is asked.

// wordPairs are the words of all languages.
var wordPairs = func() (p value.Pairs) {
	for i := range languages {
		p |= languages[i].words
	}
	return p
}()

// onlyWords reports whether ofWords may be asked about a leaf: not about request paths and
// headers, where plain words say something, nor about the names of files.
func onlyWords(l *extract.Leaf, t value.Traits) bool {
	return t.Only(value.Word) && l.Source != detect.SourcePath && l.Source != detect.SourceHeader && (!l.IsName || len(l.Name) == len(l.Text))
}

// ofWords takes out of mask the languages that see nothing in a text of words, by its pairs.
func ofWords(mask uint32, p value.Pairs, t value.Traits) uint32 {
	if !t.Any(value.Dot) {
		p &^= value.HeadPackage
	}
	if p&wordPairs == 0 {
		return 0
	}
	for left := mask; left != 0; left &= left - 1 {
		if i := bits.TrailingZeros32(left); languages[i].words&p == 0 {
			mask &^= 1 << i
		}
	}
	return mask
}
