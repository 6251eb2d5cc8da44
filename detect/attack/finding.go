package attack

import (
	"cmp"
	"slices"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/expect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/link"
	"kongwaf/detect/attack/reading"
	"kongwaf/detect/attack/value"
)

// suspicious is the confidence below which nothing is reported.
const suspicious = 0.4

// maxEvidence bounds a finding's evidence, in bytes.
const maxEvidence = 120

// finding is a detect.Finding in the making.
type finding struct {
	detect.Finding
	// Shape is the language's own few words on why. Reports do not carry it; Explain does.
	Shape string
	// Lowered says that the confidence was lowered by what the place or the text is for: that
	// holds for all of it, and the finding confirms no other.
	Lowered bool
}

const (
	// maxFindings are kept; beyond them only more confident ones get in.
	maxFindings = 32
	// enoughAttacks is how many leaves that block the request end the search: more of them
	// change nothing, and a request full of attacks would cost the most of all.
	enoughAttacks = 16
)

// sum is what has been found in a request so far.
type sum struct {
	findings []finding
	silenced *detect.Excepted // the surest finding that was silenced
	seen     int              // suspicious matches, whatever became of them
	sure     bool             // something blocks the request at every sensitivity
	attacks  int              // leaves that block the request
	blocking bool             // the leaf that is being judged does
}

// endLeaf counts the leaf that has been judged.
func (s *sum) endLeaf() {
	if s.blocking {
		s.blocking = false
		s.attacks++
	}
}

func (s *sum) reset() {
	clear(s.findings)
	*s = sum{findings: s.findings[:0]}
}

// found keeps what a language saw in a reading, if it is worth reporting.
// Lowered says that it counts less than the language thought.
func (s *session) found(r *reading.Reading, m value.Match, lowered bool) {
	l, text := r.Leaf, r.Text
	if s.engine.disabled[m.Class] {
		return
	}
	confidence := weigh(l, text, m)
	if r.Shown && m.Class == detect.ClassXSS {
		confidence *= shownFactor
	}
	if confidence < suspicious {
		return
	}
	s.sum.seen++
	if m.Class == detect.ClassSSRF && link.Own(text, m, s.host()) {
		return // seen, and so not remembered: with another Host it is something else
	}
	place := l.Place()
	confidence, weight := s.weighPlace(l, place, m.Class, confidence)
	if confidence < suspicious {
		return
	}
	at := s.sum.slot(confidence)
	if at < 0 {
		return
	}
	evidence := func() string { return s.evidence(l, text, m) }
	silent := detect.Finding{Class: m.Class, Place: place, Confidence: confidence}
	if s.excepted(silent, evidence) {
		return
	}
	if kind, i := s.expected(r, place, m); kind != "" {
		s.silence(detect.Excepted{Exception: -1, Expectation: i, Expected: kind, Finding: silent}, evidence)
		return
	}
	if confidence >= s.engine.threshold {
		s.sum.blocking = true
	}
	if confidence >= thresholds[Low] {
		s.sum.sure = true
	}
	// The readings of one leaf show the same attack again and again: one finding of a
	// class for each place, the surest.
	for i := range s.sum.findings {
		if f := &s.sum.findings[i]; f.Class == m.Class && f.Place == place {
			if f.Confidence >= confidence {
				return
			}
			at = i
			break
		}
	}
	f := finding{Shape: m.Shape + weight, Lowered: lowered || weight != "", Finding: detect.Finding{
		Class: m.Class, Place: place, Confidence: confidence,
		Evidence: s.evidence(l, text, m),
		Decoded:  r.Path.Append(append([]string(nil), l.Steps...)),
	}}
	if at == len(s.sum.findings) {
		s.sum.findings = append(s.sum.findings, f)
	} else {
		s.sum.findings[at] = f
	}
}

// anomaly keeps a finding about the request itself, which extract or inside made.
func (s *session) anomaly(f detect.Finding) {
	if s.engine.disabled[f.Class] || f.Confidence < suspicious {
		return
	}
	evidence := func() string { return f.Evidence }
	if s.excepted(f, evidence) {
		return
	}
	// Of what is wrong with a request as a whole, the shape stands before the colon.
	shape, _, _ := strings.Cut(f.Evidence, ":")
	if kind, i := s.engine.expects(s.request, &expect.Sight{Class: f.Class, Shape: shape, Place: f.Place}); kind != "" {
		s.silence(detect.Excepted{Exception: -1, Expectation: i, Expected: kind, Finding: f}, evidence)
		return
	}
	if at := s.sum.slot(f.Confidence); at == len(s.sum.findings) {
		s.sum.findings = append(s.sum.findings, finding{Finding: f})
	} else if at >= 0 {
		s.sum.findings[at] = finding{Finding: f}
	}
}

// excepted reports whether an exception silences a finding.
func (s *session) excepted(f detect.Finding, evidence func() string) bool {
	for _, i := range s.engine.specific {
		x := &s.engine.exceptions[i]
		if !x.Silences(s.request, f.Class, f.Place) || !x.inForce(s.engine) {
			continue
		}
		s.silence(detect.Excepted{Exception: i, Expectation: -1, Finding: f}, evidence)
		return true
	}
	return false
}

// silence remembers the surest finding that was silenced, and by what.
func (s *session) silence(x detect.Excepted, evidence func() string) {
	s.engine.used(x.Exception, x.Expectation)
	if s.sum.silenced == nil || s.sum.silenced.Confidence < x.Confidence {
		x.Evidence = evidence()
		s.sum.silenced = &x
	}
}

// slot returns where a finding of this confidence goes: a new place, that of the least
// confident one when the list is full, or -1.
func (s *sum) slot(confidence float64) int {
	if len(s.findings) < maxFindings {
		return len(s.findings)
	}
	least := 0
	for i := range s.findings {
		if s.findings[i].Confidence < s.findings[least].Confidence {
			least = i
		}
	}
	if s.findings[least].Confidence >= confidence {
		return -1
	}
	return least
}

// report sums the findings up.
func (s *session) report() detect.Report {
	r := detect.Report{Truncated: s.cut, Skipped: s.walker.Skipped(), Failure: s.failure}
	if f := s.sum.silenced; f != nil && f.Confidence >= s.engine.threshold {
		r.Excepted = f
	}
	if len(s.sum.findings) == 0 {
		return r
	}
	slices.SortStableFunc(s.sum.findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Class, b.Class))
	})
	r.Attacks = make([]detect.Finding, len(s.sum.findings))
	for i := range s.sum.findings {
		r.Attacks[i] = s.sum.findings[i].Finding
	}
	r.Score = score(s.sum.findings)
	r.Blocked = r.Score >= s.engine.threshold
	return r
}

// score returns how likely it is that the request is an attack, given its findings, the
// most confident first. The first counts in full. Others add a part of what is missing to
// certainty, if they are independent: of another class, since a long benign text repeats
// its oddities, and at another place, since languages resemble each other. What was lowered
// is added to nothing and nothing to it.
func score(findings []finding) float64 {
	const weight = 0.35
	sum, highest := 0.0, 0.0
	for i, f := range findings {
		switch {
		case f.Lowered:
			highest = max(highest, f.Confidence)
		case sum == 0:
			sum = f.Confidence
		case !slices.ContainsFunc(findings[:i], func(o finding) bool {
			return !o.Lowered && (o.Class == f.Class || o.Place == f.Place)
		}):
			sum += (1 - sum) * weight * f.Confidence
		}
	}
	return min(max(sum, highest), 1)
}

// evidence returns the bytes that show the attack, bounded, as valid text; or how many
// there are, where the place is secret.
func (s *session) evidence(l *extract.Leaf, text string, m value.Match) string {
	start, end := min(max(m.Start, 0), len(text)), min(max(m.End, 0), len(text))
	if start >= end {
		start, end = 0, len(text)
	}
	if !s.engine.unmasked && !l.IsName && (secretName(l.Name) || len(s.engine.mask) > 0 && s.engine.mask[strings.ToLower(l.Name)]) {
		return "(masked)"
	}
	// A copy: the text is in the session's arena.
	shown := strings.Clone(strings.ToValidUTF8(text[start:min(end, start+maxEvidence)], "?"))
	if end-start > maxEvidence {
		return shown + "..."
	}
	return shown
}

// secretName reports whether a name is that of something nobody wants in a log.
func secretName(name string) bool {
	if name == "" || len(name) > 128 {
		return false
	}
	for _, word := range secretWords {
		if containsFold(name, word) {
			return true
		}
	}
	return false
}

var secretWords = [...]string{
	"password", "passwd", "passphrase", "secret", "token", "authorization", "apikey", "api_key", "api-key",
	"private_key", "credential", "cvv", "cvc", "card_number", "cardnumber", "session", "sessid", "jwt", "pwd",
}

// containsFold reports whether s contains the lower-case word, ignoring ASCII case.
func containsFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if detect.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}
