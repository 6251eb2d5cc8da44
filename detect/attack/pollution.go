package attack

import (
	"hash/maphash"
	"strings"
	"unsafe"

	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// pollution collects parameters that share a name, since servers join such values
// (ASP.NET with a comma, others take the first or the last): a payload may be split.
type pollution struct {
	seed  maphash.Seed // of the session: nobody can make names collide
	parts []part
	table [512]uint16 // index+1 of the newest part by hash of the name
}

type part struct {
	name, text string
	leaf       extract.Leaf
	traits     value.Traits
	older      uint16 // index+1 of the next older part with the same hash
	same       uint16 // parts of the same name before this one
}

// maxParts bounds the parameters that are remembered for joining.
const maxParts = 2048

func (p *pollution) reset() {
	clear(p.parts)
	p.parts = p.parts[:0]
	clear(p.table[:])
}

// note remembers a parameter of the query or of a form.
func (p *pollution) note(l *extract.Leaf, t value.Traits) {
	if l.IsName || l.Name == "" || len(p.parts) == maxParts {
		return
	}
	newest := &p.table[maphash.String(p.seed, l.Name)%uint64(len(p.table))]
	same := uint16(0)
	for i := *newest; i != 0; i = p.parts[i-1].older {
		if o := &p.parts[i-1]; o.name == l.Name && o.leaf.Source == l.Source {
			same = o.same + 1
			break
		}
	}
	p.parts = append(p.parts, part{name: l.Name, text: l.Text, leaf: *l, traits: t, older: *newest, same: same})
	*newest = uint16(len(p.parts))
}

// judgeJoined judges the values of equal names joined in the ways in which servers do.
func (s *session) judgeJoined() {
	if s.sure {
		return // what joining shows besides could change nothing
	}
	p := &s.joined
	for i := len(p.parts); i > 0; i-- {
		last := &p.parts[i-1]
		if last.same == 0 {
			continue
		}
		// Only the newest of a name joins; its elders are unlinked by clearing same.
		var traits value.Traits
		var chain [maxJoined]*part
		n := 0
		for k := uint16(i); k != 0; k = p.parts[k-1].older {
			o := &p.parts[k-1]
			if o.name != last.name || o.leaf.Source != last.leaf.Source {
				continue
			}
			traits |= o.traits
			o.same = 0
			if n < maxJoined {
				chain[n] = o
				n++
			}
		}
		if traits.Only(value.Word | value.Space) {
			continue
		}
		for _, glue := range [...]string{",", ""} {
			mark := len(s.arena)
			for k := n - 1; k >= 0; k-- {
				if k < n-1 {
					s.arena = append(s.arena, glue...)
				}
				s.arena = append(s.arena, chain[k].text...)
			}
			text := view(s.arena[mark:])
			if !s.work.Spend(2 * len(text)) {
				s.arena = s.arena[:mark]
				return
			}
			s.own = last.leaf
			s.own.Text = text
			s.depth = 1 // below the parameters: it is none itself
			t, p := value.Look(text)
			s.readings(&s.own, t, p, decode.Possible(text, t, p, true))
			s.depth = 0
			s.arena = s.arena[:mark]
		}
	}
}

// maxJoined is how many values of one name are joined.
const maxJoined = 32

// maxWhole bounds the query or form that is judged as a whole, in bytes.
const maxWhole = 64 << 10

// judgeWhole judges the query, or the form in the body, as one text. A payload with an
// ampersand or an equals sign in it comes apart like parameters; it shows by a name that
// no parameter has.
func (s *session) judgeWhole() {
	l := &s.own
	*l = s.oddName
	switch l.Source {
	case detect.SourceQuery:
		_, l.Text, _ = strings.Cut(s.request.Target, "?")
	case detect.SourceBody:
		if strings.HasPrefix(view(s.request.Body), "--") {
			return // multipart: its names are not parted by marks
		}
		l.Text = view(s.request.Body)
	default:
		return
	}
	l.IsName, l.Name = false, ""
	if len(l.Text) > maxWhole {
		l.Text = l.Text[:maxWhole]
		s.cut = true
	}
	if !s.work.Spend(len(l.Text)) {
		return
	}
	t, p := value.Look(l.Text)
	s.depth, s.flat = 1, true
	s.readings(l, t, p, decode.Possible(l.Text, t, p, true))
	s.depth, s.flat = 0, false
}

// isOddName reports whether a name, as sent, has characters that parameters' names do not:
// quotes, parentheses, angle brackets and the like, also percent-encoded.
func isOddName(name string, t value.Traits) bool {
	const odd = value.Quote | value.DoubleQuote | value.ParenOpen | value.ParenClose | value.Less | value.Greater |
		value.Semicolon | value.Hash | value.Pipe | value.Backtick | value.BraceOpen | value.BraceClose | value.Backslash
	if t.Any(odd) {
		return true
	}
	if !t.Any(value.Percent) {
		return false
	}
	for i := 0; i+2 < len(name); i++ {
		if name[i] == '%' && value.ClassOf(hexDigit(name[i+1])<<4|hexDigit(name[i+2])).Any(odd|value.Ampersand|value.Slash|value.Percent) {
			return true
		}
	}
	return false
}

// hexDigit returns the value of a hex digit, and anything for what is none.
func hexDigit(c byte) byte {
	if c > '9' {
		return c&7 + 9
	}
	return c & 15
}

// view returns the bytes as a string without copying them: for texts that live as long as
// the request is judged.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
