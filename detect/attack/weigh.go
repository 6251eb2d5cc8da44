package attack

import (
	"fmt"
	"math/bits"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/place"
	"kongwaf/detect/attack/value"
)

// weigh adjusts a language's confidence, which rests on nothing but the text, by what is
// known of where the text stood and what it is as a whole.
func weigh(l *extract.Leaf, text string, m value.Match) float64 {
	confidence := m.Confidence
	if l.Source == detect.SourceHeader && !l.IsName && hasGrammar(l.Name) {
		confidence *= grammarFactor
	}
	// So much text does not follow SQL's grammar by accident, and a stream of objects is binary.
	grammatical := m.Class == detect.ClassSQLi && m.End-m.Start >= grammaticalLength ||
		m.Class == detect.ClassXSS && m.Shape == "script address" || // spelt out, whatever the case of its letters
		m.Class == detect.ClassDeser && m.Start == 0 && m.Confidence >= thresholds[Low]
	if !grammatical && noise(text, m.Start, m.End) {
		confidence *= noiseFactor
	}
	return confidence
}

// weighPlace adjusts a confidence by what the place is for, and says so: " (in a prompt: 0.6)".
func (s *session) weighPlace(l *extract.Leaf, at detect.Place, class detect.Class, confidence float64) (weighed float64, why string) {
	if l.IsName {
		return confidence, ""
	}
	typ := s.placeOf(l, at)
	factor := typ.Weight(class)
	if factor == 1 {
		return confidence, ""
	}
	return confidence * factor, fmt.Sprintf(" (%s: x %.2g)", typ, factor)
}

// inRun returns what remains of a language's confidence in a run of characters within binary
// data: there only what is beyond doubt counts, and less of it where the language's attacks
// work from within.
func inRun(language int, confidence float64) float64 {
	const (
		doubtless = 0.97
		within    = 0.9
		factor    = 0.5
	)
	if confidence >= doubtless || languages[language].binary && confidence >= within {
		return confidence
	}
	return confidence * factor
}

// placeOf returns what the place of a leaf is for.
func (s *session) placeOf(l *extract.Leaf, at detect.Place) place.Type {
	switch {
	case l.File != "":
		return place.OfFile(l.File, l.Text)
	case strings.HasPrefix(string(at), "header.referer") && place.LoadsFile(s.request):
		return place.Page
	}
	return place.Of(l.Name, at, s.request.Target)
}

// grammarFactor is what remains of a confidence in a header that browsers fill by a grammar
// of their own, full of quotes, semicolons, equals signs and parentheses. What is an
// attack beyond doubt stays one.
const grammarFactor = 0.85

// shownFactor is what remains of a confidence in markup that a page shows as text: rich text
// about HTML escapes its angle brackets.
const shownFactor = 0.6

// hasGrammar reports whether a header is one of those that browsers and proxies fill with
// lists of quoted words and parameters, and that applications rarely read.
func hasGrammar(name string) bool {
	if len(name) > 4 && detect.EqualFold(name[:4], "sec-") || len(name) > 7 && detect.EqualFold(name[:7], "accept-") {
		return true
	}
	for _, own := range grammarHeaders {
		if detect.EqualFold(name, own) {
			return true
		}
	}
	return false
}

var grammarHeaders = [...]string{
	"accept", "if-none-match", "if-match", "cache-control", "priority", "nel", "report-to", "prefer", "link",
	"traceparent", "tracestate", "baggage", "forwarded", "via", "digest", "signature", "signature-input",
}

// grammaticalLength is how long an evidence of SQL is that no noise has.
const grammaticalLength = 64

// noiseFactor is what remains of a confidence that rests on noise.
const noiseFactor = 0.4

// noise reports whether the evidence text[start:end] is random characters in a text of
// random characters: an encrypted token, a fingerprint, an image. Such texts have every
// short attack in them sooner or later. Both the text around the evidence and the
// evidence itself must look random, so that a payload does not hide by noise beside it.
func noise(text string, start, end int) bool {
	const (
		least = 48   // shorter texts prove nothing
		wide  = 1024 // of the text around
		near  = 48   // of the evidence, at least
	)
	if len(text) < least {
		return false
	}
	start, end = max(start, 0), min(end, len(text))
	end = min(end, start+200)
	return random(around(text, start, end, wide), 8) && random(around(text, start, end, near), 5)
}

// around returns text[start:end] with its neighbourhood, at least n bytes if there are.
func around(text string, start, end, n int) string {
	if more := n - (end - start); more > 0 {
		start = max(0, start-more/2)
		end = min(len(text), start+n)
		start = max(0, end-n)
	}
	return text[start:end]
}

// random reports whether neighbouring characters have nothing to do with each other. In
// prose and code most letters stand beside letters of the same case, and they form words;
// among random characters case changes as often as not, and few letters come in a row.
// Keywords in mixed case have words, and no code has many different marks: at least the
// given number must occur. Binary data shows by its control characters.
func random(s string, marks int) bool {
	letters, runs, pairs, flips, switches, control, high := 0, 0, 0, 0, 0, 0, 0
	last := kindBlank
	for i := 0; i < len(s); i++ {
		k := kinds[s[i]]
		switch k {
		case kindControl:
			control++
		case kindHigh:
			high++
		}
		if k != last {
			switches++
		}
		if k == kindLower || k == kindUpper {
			letters++
			if last == kindLower || last == kindUpper {
				pairs++
				if k != last {
					flips++
				}
			} else {
				runs++
			}
		}
		last = k
	}
	if control*12 > len(s) || control > 0 && (control+high)*3 > len(s) {
		return true
	}
	const words = value.Letter | value.Digit | value.White | value.NUL | value.Control | value.High
	if bits.OnesCount64(uint64(value.TraitsOf(s)&^words)) < marks {
		return false
	}
	const wordLength = 4.2 // letters in a row, on average
	return switches*2 > len(s) && flips*4 > pairs && float64(letters) < wordLength*float64(runs)
}

type kind uint8

const (
	kindMark kind = iota
	kindLower
	kindUpper
	kindDigit
	kindBlank
	kindHigh
	kindControl
)

var kinds = func() (k [256]kind) {
	for c := range 256 {
		switch {
		case 'a' <= c && c <= 'z':
			k[c] = kindLower
		case 'A' <= c && c <= 'Z':
			k[c] = kindUpper
		case '0' <= c && c <= '9':
			k[c] = kindDigit
		case c == ' ' || '\t' <= c && c <= '\r':
			k[c] = kindBlank
		case c >= 0x80:
			k[c] = kindHigh
		case c < ' ' || c == 0x7f:
			k[c] = kindControl
		}
	}
	return k
}()
