package attack

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// weigh adjusts a language's confidence, which rests on nothing but the text, by what is
// known of where the text stood.
func weigh(l *extract.Leaf, text string, t value.Traits, path decode.Path, m value.Match) float64 {
	return m.Confidence
}

// isParameter reports whether a leaf is a parameter of the query or of a form: what
// servers join when names repeat.
func isParameter(l *extract.Leaf) bool {
	return l.Source == detect.SourceQuery || l.Source == detect.SourceBody
}
