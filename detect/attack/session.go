package attack

import (
	"hash/maphash"
	"math/bits"

	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/inside"
	"kongwaf/detect/attack/known"
	"kongwaf/detect/attack/reading"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// session judges one request: it walks it, reads each value in every way, judges each
// reading, and sums up. Sessions are pooled, and everything in one is reused, so that a
// benign request allocates nothing.
type session struct {
	engine  *Engine
	request *detect.Request

	work       work.Meter               // what all of it may cost
	walker     extract.Walker           // walks: leaves come out, and go to visit
	visit      func(*extract.Leaf) bool // leaf, bound once
	known      known.Memory             // those that were harmless before end here
	reader     *reading.Reader          // reads: readings of the others come out
	value      value.Value              // judges: what the languages are asked about
	sum        sum                      // sums up
	parameters parameters               // what is judged once more, together

	unknown headers // the header lines that are not known
	cut     bool    // a limit left something out
	failure error   // why judging ended early
}

func newSession(e *Engine) *session {
	s := &session{engine: e}
	s.visit = s.leaf
	s.reader = reading.New(&s.walker, &s.work, s.visit, s.reading)
	s.walker.Work, s.value.Work = &s.work, &s.work
	s.parameters.seed = maphash.MakeSeed()
	return s
}

func (s *session) begin(r *detect.Request) {
	s.request = r
	n := sent(r)
	s.work.Begin(n, r.Late)
	s.reader.Begin(n)
	s.parameters.begin(r)
}

// sent returns the size of a request, in bytes.
func sent(r *detect.Request) int {
	n := len(r.Target) + len(r.Body)
	if r.Rest != nil {
		n += int(r.Rest.Size())
	}
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	return n
}

// end drops everything that belongs to the request.
func (s *session) end() {
	s.request = nil
	s.work = work.Meter{}
	s.reader.End()
	s.value = value.Value{Work: &s.work}
	s.sum.reset()
	s.parameters.reset()
	s.unknown.reset()
	s.cut, s.failure = false, nil
}

// safely walks, and reports whether the session can be used again: after a panic in the walk
// nobody knows what is left of it, but what was found until then.
func (s *session) safely() (whole bool) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked("walk", p)
		}
		for _, f := range s.walker.Anomalies() {
			s.anomaly(f)
		}
		s.ended()
	}()
	s.walk()
	return true
}

// walk judges everything in the request: first what is small, so that nothing in the body
// keeps it from being judged.
func (s *session) walk() {
	r := s.unknown.of(s.request, &s.known.Lines)
	limits, judged := s.engine.judged(s.request)
	s.walker.Head(r, limits, s.visit)
	s.judgeParameters()
	for _, f := range inside.Request(s.request) {
		s.anomaly(f)
	}
	if s.walker.Body(r) {
		s.cut = true
	}
	s.judgeParameters()
	if judged {
		s.judgeDocuments()
	}
	if s.cut = s.cut || s.reader.Cut; !s.cut && s.sum.seen == 0 && len(s.walker.Anomalies()) == 0 {
		s.unknown.remember(&s.known.Lines)
	}
}

// leaf judges one leaf, unless it is one that has been judged harmless before. It reports
// whether there is any need to go on.
func (s *session) leaf(l *extract.Leaf) bool {
	if s.sum.attacks >= enoughAttacks || !s.work.Spend(len(l.Text)+work.Leaf) {
		return false
	}
	name := s.known.Names.Find(l)
	if name.Holds(l) {
		return true
	}
	t, p := value.Look(l.Text)
	parameter := s.parameters.have(l)
	if parameter && s.reader.Outermost() {
		s.parameters.note(l, t)
	}
	encoded := decode.Possible(l.Text, t, p, parameter)
	single, mask := reading.One(t, encoded), uint32(0)
	if single {
		if mask = s.possible(l, t, p); mask == 0 {
			if name.May() {
				name.Put(l, t)
			}
			return true
		}
	}
	text := s.known.Texts.Find(l, t)
	if text.Holds(l) {
		return true
	}
	before := s.troubles()
	if single {
		s.judge(&reading.Reading{Leaf: l, Text: l.Text, Path: s.reader.Path()}, mask)
	} else {
		s.reader.Read(l, t, p, parameter, encoded)
	}
	s.sum.endLeaf()
	if text.May() && s.troubles() == before && s.whole() {
		if name.May() && !encoded {
			name.Put(l, t)
		} else {
			text.Put(l)
		}
	}
	return true
}

// troubles counts what speaks against remembering a leaf as harmless; a document in it is to
// be found again.
func (s *session) troubles() int {
	documents, _ := s.walker.Documents()
	return s.sum.seen + len(s.walker.Anomalies()) + len(documents)
}

// whole reports whether nothing has been left out so far: what has not been judged whole must not
// be remembered.
func (s *session) whole() bool { return !s.cut && !s.reader.Cut && s.work.End() == work.EndNone }

// reading judges one reading of a leaf.
func (s *session) reading(r *reading.Reading) {
	mask := s.possible(r.Leaf, r.Traits, r.Pairs)
	if r.Apart {
		mask &= structured
	}
	s.judge(r, mask)
}

// judge asks the languages in mask about the reading that possible was asked about last.
func (s *session) judge(r *reading.Reading, mask uint32) {
	s.value.Text, s.value.Name = r.Text, r.Leaf.Name
	s.value.Under, s.value.Top = "", ""
	if r.Leaf.IsName && s.value.Pairs.Any(value.DollarWord) {
		s.value.Under, s.value.Top = r.Leaf.Within()
	}
	s.ask(mask, func(language int, m value.Match) {
		if r.Leaf.Run {
			m.Confidence = inRun(language, m.Confidence)
		}
		m, lowered := s.mentioned(r, language, m)
		s.found(r, m, lowered)
	})
	s.undress(r, mask)
}

// ask asks the languages in mask about s.value, and hands what they see to use. A panic in one
// language is its own: what the others see counts.
func (s *session) ask(mask uint32, use func(language int, m value.Match)) {
	for mask != 0 {
		mask = s.askSafely(mask, use)
	}
}

// askSafely asks languages until one panics, and returns those that are left.
func (s *session) askSafely(mask uint32, use func(language int, m value.Match)) (left uint32) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked(languages[bits.TrailingZeros32(mask)].name, p)
			left = mask & (mask - 1)
		}
	}()
	for ; mask != 0 && s.work.Spend(len(s.value.Text)); mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		if m := languages[i].judge(&s.value); m.Class != detect.ClassNone {
			use(i, m)
		}
	}
	return 0
}
