package rule

import (
	"slices"
	"strings"
	"unsafe"

	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/reading"
	"kongwaf/detect/attack/work"
)

// session judges one request at a time; everything in it is used again.
type session struct {
	set     *Set
	request *detect.Request

	work   work.Meter
	walker extract.Walker
	reader *reading.Reader
	forms  decode.Forms // of the path
	arena  []byte       // of forms
	room   int
	paths  paths

	live   []int   // rules that hold by method, address and path
	asked  []int   // conditions of those, as long as they are looked for
	states []state // of all conditions
	form   bool    // the body looks like no JSON or XML, so its parameters are encoded like those of a query
	body   bool    // the body has been walked
	cut    bool    // something has not been seen
	// unknown says why a rule could not be asked.
	unknown error

	covering []int // stack of conditions that ask for the leaves being visited
	current  int   // those of the innermost leaf: covering[current:]
	long     int   // bytes of that leaf as a server sees it
	place    []byte
	variant  []byte
	name     []byte
	low      []byte
	plain    []byte
}

// state is what has been seen for a condition.
type state struct {
	hit    bool // a value, in one of its readings, is what is asked for
	values bool // there was a value
	other  bool // a value, as a server reads it, is not what is asked for
	named  bool // there was something at the place
	nearly bool // or at one that frameworks take for it
	inside int  // leaves being visited that it asks for
}

func newSession(set *Set) *session {
	s := &session{set: set, states: make([]state, len(set.conditions))}
	s.reader = reading.New(&s.walker, &s.work, s.leaf, s.reading)
	s.walker.Work = &s.work
	return s
}

func (s *session) end() {
	s.request = nil
	s.reader.End()
	s.work = work.Meter{}
	s.forms = decode.Forms{}
	s.paths = paths{plain: s.paths.plain[:0], wide: s.paths.wide[:0]}
}

// perConditions is how many conditions cost as much as reading a request once more.
const perConditions = 4

func (s *session) judge(r *detect.Request) Result {
	s.request = r
	clear(s.states)
	s.live, s.asked, s.body, s.cut = s.live[:0], s.asked[:0], false, r.HeadersTruncated
	s.unknown = nil
	n := len(r.Target) + len(r.Body)
	if r.Rest != nil {
		n += int(r.Rest.Size())
	}
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	s.room = 8 * len(r.Target)
	s.work.Begin(n*(1+len(s.set.conditions)/perConditions), r.Late)
	s.reader.Begin(n)
	s.choose()
	result := Result{Decided: None, Failure: s.unknown}
	if len(s.live) == 0 {
		return result
	}
	if len(s.asked) > 0 {
		s.walk()
		result.Unseen = s.body && (s.cut || s.walker.Skipped() > 0)
		if s.body {
			result.Skipped = s.walker.Skipped()
		}
		switch s.work.End() {
		case work.EndSpent:
			result.Failure = ErrSpent
		case work.EndLate:
			result.Failure = ErrLate
		}
	}
	for _, i := range s.live {
		rule := &s.set.rules[i]
		if !s.holds(rule) {
			continue
		}
		if rule.Action == Allow && result.Failure != nil {
			break // a rule before it might have blocked
		}
		if rule.Action != Report {
			result.Decided = i
			break
		}
		result.Reported = append(result.Reported, i)
	}
	return result
}

// choose keeps the rules that hold by method, address and path, up to one that decides by
// these alone.
func (s *session) choose() {
	for i := range s.set.rules {
		rule := &s.set.rules[i]
		if !s.applies(rule) {
			continue
		}
		s.live = append(s.live, i)
		for k := rule.from; k < rule.to; k++ {
			s.asked = append(s.asked, k)
		}
		if rule.from == rule.to && rule.Action != Report {
			return
		}
	}
}

func (s *session) applies(rule *compiled) bool {
	r, narrow := s.request, rule.Action == Allow
	if len(rule.Methods) > 0 && !asMethod(rule.Methods, r, narrow) {
		return false
	}
	if rule.Clients != nil && !rule.Clients.Contains(r.ClientIP) || rule.Except.Contains(r.ClientIP) ||
		narrow && rule.Except != nil && !r.ClientIP.IsValid() {
		return false
	}
	if rule.exact != nil {
		s.paths.of(s)
		if narrow && !s.paths.match(rule.exact, true) || !narrow && !s.paths.match(rule.folded, false) {
			return false
		}
	}
	if rule.Located == nil {
		return true
	}
	holds, err := rule.Located(r.ClientIP)
	if err != nil {
		s.unknown = err
	}
	return holds && err == nil
}

// walk looks for what the conditions ask for: in the head, and in the body if a rule that
// still may hold asks for it.
func (s *session) walk() {
	s.lines()
	s.walker.Head(s.request, s.set.limits, s.leaf)
	s.cut = s.cut || s.reader.Cut || s.work.End() != work.EndNone
	if !s.needBody() {
		return
	}
	s.body, s.form = true, true
	for _, c := range s.request.Body {
		if c > ' ' {
			s.form = c != '{' && c != '[' && c != '<'
			break
		}
	}
	s.cut = s.walker.Body(s.request) || s.cut
	s.cut = s.cut || s.reader.Cut || s.work.End() != work.EndNone
}

// needBody reports whether the body decides anything, and goes on asking only for what does.
func (s *session) needBody() bool {
	s.asked = s.asked[:0]
	for n, i := range s.live {
		rule := &s.set.rules[i]
		open, inBody := true, 0
		for k := rule.from; k < rule.to; k++ {
			c := &s.set.conditions[k]
			if c.inBody() {
				s.asked = append(s.asked, k)
				inBody++
			} else {
				open = open && s.satisfied(k)
			}
		}
		if !open {
			s.asked = s.asked[:len(s.asked)-inBody]
			continue
		}
		if inBody == 0 && rule.Action != Report {
			s.live = s.live[:n+1]
			break
		}
	}
	return len(s.asked) > 0
}

func (s *session) holds(rule *compiled) bool {
	for k := rule.from; k < rule.to; k++ {
		if !s.satisfied(k) {
			return false
		}
	}
	return true
}

// satisfied reports whether a condition holds by what has been seen.
func (s *session) satisfied(k int) bool {
	c, state := &s.set.conditions[k], &s.states[k]
	whole := !s.cut
	switch {
	case c.Is == Absent && c.allows:
		return !state.nearly && whole
	case c.Is == Absent:
		return !state.named
	case c.Is == Present && !(c.allows && state.named || !c.allows && state.nearly):
		return false
	case !c.asksValue():
		return true
	case !c.narrow && !c.Negate:
		return state.hit
	case !c.narrow: // an allowing rule: no reading may be what is named
		return state.values && !state.hit && whole
	case c.Negate:
		return state.other
	}
	return state.values && !state.other && whole // an allowing rule: every value must be
}

// lines looks at what needs no taking apart: the method, the path, and header lines as they
// were sent.
func (s *session) lines() {
	for _, k := range s.asked {
		c := &s.set.conditions[k]
		switch c.source {
		case detect.SourceMethod:
			s.whole(k, s.request.Method, s.request.Method)
		case detect.SourcePath:
			if len(c.at) == 1 && c.at[0] == "path" {
				s.pathValue(k)
			}
		case detect.SourceHeader:
			for i := range s.request.Headers {
				h := &s.request.Headers[i]
				s.place = appendHeaderPlace(s.place[:0], h.Name)
				if c.at.covers(view(s.place)) {
					s.whole(k, h.Value, h.Value)
				}
			}
		}
	}
}

// pathValue asks for the path in all the ways in which it may be read.
func (s *session) pathValue(k int) {
	s.paths.of(s)
	c, state := &s.set.conditions[k], &s.states[k]
	decoded := string(unescape(nil, s.paths.sent, false))
	s.whole(k, s.paths.sent, decoded)
	s.narrowly(c, state, resolve(decoded))
	if c.allows {
		s.narrowly(c, state, s.paths.sent)
		for _, path := range s.paths.plain {
			s.narrowly(c, state, path)
		}
	}
	for _, path := range s.paths.wide {
		state.hit = state.hit || s.test(c, path, len(path), false)
	}
}

// whole notes a value that stands at a place as it is, and keeps leaves at it from being
// taken for others.
func (s *session) whole(k int, text, plain string) {
	c, state := &s.set.conditions[k], &s.states[k]
	state.named, state.nearly = true, true
	s.narrowly(c, state, plain)
	state.hit = state.hit || s.test(c, text, len(plain), false)
	state.inside++
}

// narrowly notes a value as a server reads it.
func (s *session) narrowly(c *condition, state *state, plain string) {
	state.values = true
	if c.narrow && !state.other {
		state.other = !s.test(c, plain, len(plain), true)
	}
}

func appendHeaderPlace(dst []byte, name string) []byte {
	return dashed(appendLower(append(dst, "header."...), name))
}

// dashed writes underscores as dashes: CGI, WSGI and Rack take the one for the other.
func dashed(place []byte) []byte {
	for i, c := range place {
		if c == '_' {
			place[i] = '-'
		}
	}
	return place
}

// expressionCost is what a regular expression costs for each byte, in passes over it.
const expressionCost = 16

// test asks for a text; size is the value's length as a server sees it. Exactly says that
// case counts.
func (s *session) test(c *condition, text string, size int, exactly bool) bool {
	if c.LongerThan > 0 && size <= c.LongerThan {
		return false
	}
	if len(c.Equals) > 0 && !slices.ContainsFunc(c.Equals, func(want string) bool {
		return want == text || !exactly && detect.EqualFold(want, text)
	}) {
		return false
	}
	if len(c.Contains) > 0 {
		if !s.work.Spend(len(text) * (1 + len(c.Contains))) {
			return exactly && !c.allows
		}
		words, in := c.Contains, text
		if !exactly {
			s.low = appendLower(s.low[:0], text)
			words, in = c.lowered, view(s.low)
		}
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(in, word) }) {
			return false
		}
	}
	if c.expr == nil {
		return true
	}
	if !s.work.Spend(len(text) * expressionCost) {
		return exactly && !c.allows
	}
	return c.expr.MatchString(text)
}

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
