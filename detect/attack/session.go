package attack

import (
	"hash/maphash"
	"math/bits"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/inside"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// Budgets of one request, besides extract's.
const (
	// maxDepth is how deep containers may be nested in texts that were decoded.
	maxDepth = 6
	// maxFindings are kept; beyond them only more confident ones get in.
	maxFindings = 32
	// enoughAttacks is how many leaves that block the request end the search: more of them
	// change nothing, and a request full of attacks would cost the most of all.
	enoughAttacks = 16
	// decodeFloor and decodeFactor bound the memory of the decoded forms of one value:
	// decodeFloor + decodeFactor * size of the request.
	decodeFloor  = 1 << 20
	decodeFactor = 8
	// keepArena is the largest arena that stays with a session between requests.
	keepArena = 1 << 20
)

// containers are the byte classes without which a text holds no container.
const containers = value.BraceOpen | value.BracketOpen | value.Equals | value.Less | value.Control | value.High | value.NUL | value.Question

// session is what judging one request needs; sessions are pooled. Everything in it is
// reused, so that a benign request allocates nothing.
type session struct {
	engine  *Engine
	request *detect.Request
	work    work.Meter
	failure error // a panic
	walker  extract.Walker
	visit   func(*extract.Leaf) bool // s.leaf, bound once

	value   value.Value
	names   knownNames
	cleared cleared
	seen    int  // suspicious matches so far, whatever became of them
	sure    bool // something blocks the request at every sensitivity
	// attacks counts the leaves that block the request; blocking says that this one does.
	attacks  int
	blocking bool
	lines    clearedLines
	headers  []detect.Header // those that are not known to be harmless
	shown    detect.Request  // the request with those headers only
	arena    []byte          // texts of decoded forms
	left     int             // bytes that decoded forms may still take
	forms    []*decode.Forms // by depth
	depth    int
	flat     bool        // the text was taken apart before: its parts have been judged
	quoted   bool        // the reading is of markup that is shown, not run (decode.Form)
	path     decode.Path // decodings of the container that is being walked
	joined   pollution
	oddName  extract.Leaf // the first name that no parameter has; none if its Source is unknown
	own      extract.Leaf // the leaf that the session itself hands to readings
	// bodyIsForm says that the body does not look like JSON or XML, whose arrays are no
	// repeated parameters.
	bodyIsForm bool
	findings   []finding
	cut        bool // a budget ran out
}

func newSession(e *Engine) *session {
	s := &session{engine: e}
	s.walker.Work, s.value.Work = &s.work, &s.work
	s.joined.seed = maphash.MakeSeed()
	s.visit = s.leaf
	for range maxDepth + 1 {
		s.forms = append(s.forms, &decode.Forms{Work: &s.work})
	}
	return s
}

func (s *session) begin(r *detect.Request) {
	s.request = r
	n := sent(r)
	s.work.Begin(n, r.Late)
	s.left = decodeFloor + decodeFactor*n
	first := byte(0)
	for i := 0; i < len(r.Body) && first <= ' '; i++ {
		first = r.Body[i]
	}
	s.bodyIsForm = first != '{' && first != '[' && first != '<'
}

// sent returns the size of a request, in bytes.
func sent(r *detect.Request) int {
	n := len(r.Target) + len(r.Body)
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	return n
}

// end drops everything that belongs to the request.
func (s *session) end() {
	s.request = nil
	s.value = value.Value{Work: &s.work}
	s.work, s.failure = work.Meter{}, nil
	s.arena = s.arena[:0]
	if cap(s.arena) > keepArena {
		s.arena = nil
	}
	s.depth, s.path, s.cut, s.seen, s.quoted = 0, decode.Path{}, false, 0, false
	s.sure, s.attacks, s.blocking = false, 0, false
	clear(s.headers)
	s.headers, s.shown = s.headers[:0], detect.Request{}
	clear(s.findings)
	s.findings = s.findings[:0]
	s.joined.reset()
	s.oddName, s.own = extract.Leaf{}, extract.Leaf{}
}

// safely walks, and reports whether the session can be used again: after a panic in the walk
// nobody knows what is left of it, but what was found until then.
func (s *session) safely() (whole bool) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked("walk", p)
		}
		s.ended()
	}()
	s.walk()
	return true
}

// walk judges everything in the request: first what is small, so that nothing in the body
// keeps it from being judged.
func (s *session) walk() {
	r := s.unknownHeaders(s.request)
	s.walker.Head(r, s.engine.limits, s.visit)
	s.judgeParameters()
	if s.walker.Body(r) {
		s.cut = true
	}
	s.judgeParameters()
	for _, f := range s.walker.Anomalies() {
		s.anomaly(f)
	}
	for _, f := range inside.Request(s.request) {
		s.anomaly(f)
	}
	s.rememberHeaders()
}

// judgeParameters judges the parameters of the query or of the body once more, together.
func (s *session) judgeParameters() {
	s.judgeJoined()
	s.judgeWhole()
	s.oddName = extract.Leaf{}
}

// leaf judges one leaf, unless it is one that has been judged harmless before. It reports
// whether there is any need to go on.
func (s *session) leaf(l *extract.Leaf) bool {
	if s.attacks >= enoughAttacks || !s.work.Spend(len(l.Text)+work.Leaf) {
		return false
	}
	name, nameHash := s.names.row(l)
	if name != nil && name.holds(l, nameHash) {
		return true
	}
	t, p := value.Look(l.Text)
	parameter := s.isParameter(l)
	if s.depth == 0 && parameter {
		s.joined.note(l, t)
		if l.IsName && s.oddName.Source == detect.SourceUnknown && isOddName(l.Text, t) {
			s.oddName = *l
		}
	}
	encoded := decode.Possible(l.Text, t, p, parameter)
	plain, mask := !encoded && !t.Any(containers), uint32(0)
	if plain {
		if mask = s.possible(l, t, p); mask == 0 {
			if name != nil {
				name.put(l, nameHash, t)
			}
			return true
		}
	}
	var row *clearedRow
	hash := uint64(0)
	if clearable(l, t) {
		if row, hash = s.cleared.row(l); row.holds(l, hash) {
			return true
		}
	}
	seen, anomalies, cut := s.seen, len(s.walker.Anomalies()), s.cut
	if plain {
		s.judge(l, l.Text, s.path, mask)
	} else {
		s.readings(l, t, p, encoded)
	}
	if s.blocking {
		s.blocking = false
		s.attacks++
	}
	if row != nil && s.seen == seen && len(s.walker.Anomalies()) == anomalies && s.cut == cut {
		if name != nil && !encoded {
			name.put(l, nameHash, t)
		} else {
			row.put(l, hash)
		}
	}
	return true
}

// isParameter reports whether a leaf is a parameter of a query or a form.
func (s *session) isParameter(l *extract.Leaf) bool {
	return l.Source == detect.SourceQuery || l.Source == detect.SourceBody && s.bodyIsForm
}

// readings judges one leaf in all its readings, and what is nested in them.
func (s *session) readings(l *extract.Leaf, t value.Traits, p value.Pairs, encoded bool) {
	if !encoded {
		s.reading(l, l.Text, t, p, s.path)
		return
	}
	mark, left, f := len(s.arena), s.left, s.forms[s.depth]
	f.Start(l.Text, t, p, s.isParameter(l), s.path, &s.arena, &s.left)
	if !t.Any(value.Percent|value.Plus) && s.reading(l, l.Text, t, p, s.path) {
		f.Leave()
	}
	form := f.Next()
	// Undoing percent signs hides nothing: the text as it came need not be judged too.
	if t.Any(value.Percent|value.Plus) &&
		(form == nil || !form.Path.EndsIn(decode.Percent) && !(s.isParameter(l) && form.Path.EndsIn(decode.Plus))) {
		s.reading(l, l.Text, t, p, s.path)
	}
	for ; form != nil; form = f.Next() {
		outer := s.quoted
		s.quoted = outer || form.Shown
		if s.reading(l, form.Text, form.Traits, form.Pairs, form.Path) {
			f.Leave()
		}
		s.quoted = outer
	}
	s.cut = s.cut || f.Exhausted
	s.arena, s.left = s.arena[:mark], left
}

// reading judges one decoded form of a leaf, and its parts if it is a container. It
// reports whether the parts are all there is to it: JSON, whose escapes the walker undoes.
func (s *session) reading(l *extract.Leaf, text string, t value.Traits, p value.Pairs, path decode.Path) (apart bool) {
	if !t.Any(containers) || l.IsName && path.Len() == 0 || s.flat {
		s.judge(l, text, path, s.possible(l, t, p))
		return false
	}
	if s.depth == maxDepth {
		s.judge(l, text, path, s.possible(l, t, p))
		s.cut = true
		return false
	}
	outer := s.path
	s.path = path
	s.depth++
	apart = s.walker.Nested(l, text, s.visit) && isJSON(text)
	s.depth--
	s.path = outer
	// The quotes and braces of JSON itself are no break-out: its parts have been judged.
	// A lone string is no container that anybody would send.
	if apart && s.walker.NestedClean() && strings.TrimLeft(text, blanks)[0] != '"' {
		s.judge(l, text, path, s.possible(l, t, p)&structured)
		return true
	}
	s.judge(l, text, path, s.possible(l, t, p))
	return apart
}

const blanks = " \t\r\n"

// isJSON reports whether a text that the walker took apart begins and ends like JSON.
func isJSON(text string) bool {
	text = strings.Trim(text, blanks)
	if len(text) < 2 {
		return false
	}
	switch last := text[len(text)-1]; text[0] {
	case '{':
		return last == '}'
	case '[':
		return last == ']'
	case '"':
		return last == '"'
	}
	return false
}

// judge asks the languages in mask about the text that possible was asked about last.
func (s *session) judge(l *extract.Leaf, text string, path decode.Path, mask uint32) {
	s.value.Text, s.value.Name = text, l.Name
	s.value.Under, s.value.Top = "", ""
	if l.IsName && s.value.Pairs.Any(value.DollarWord) {
		s.value.Under, s.value.Top = l.Within()
	}
	for ; mask != 0 && s.work.Spend(len(text)); mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		if m := s.ask(i); m.Class != detect.ClassNone {
			s.found(l, text, path, s.mentioned(l, text, i, m))
		}
	}
}

// ask asks one language. Its panic is its own: what the others see counts.
func (s *session) ask(language int) (m value.Match) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked(languages[language].name, p)
		}
	}()
	return languages[language].judge(&s.value)
}
