package attack

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// pollution collects parameters that share a name, since servers join such values
// (ASP.NET with a comma, others take the first or the last): a payload may be split.
type pollution struct {
	parts []part
	table [256]uint16 // index+1 of the newest part by hash of the name
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
	h := nameHash(l.Name)
	newest := &p.table[h]
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

func nameHash(name string) uint8 {
	h := uint32(2166136261)
	for i := 0; i < len(name); i++ {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return uint8(h ^ h>>8 ^ h>>16)
}

// judgeJoined judges the values of equal names joined in the ways in which servers do.
func (s *session) judgeJoined() {
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
		for _, glue := range [...]string{",", "", " "} {
			mark := len(s.arena)
			for k := n - 1; k >= 0; k-- {
				if k < n-1 {
					s.arena = append(s.arena, glue...)
				}
				s.arena = append(s.arena, chain[k].text...)
			}
			text := string(s.arena[mark:])
			s.arena = s.arena[:mark]
			if s.left -= len(text); s.left < 0 {
				s.cut = true
				return
			}
			l := last.leaf
			l.Text = text
			s.depth = 1 // below the parameters: it is none itself
			t := value.TraitsOf(text)
			s.readings(&l, t, decode.Possible(text, t, true))
			s.depth = 0
		}
	}
}

// maxJoined is how many values of one name are joined.
const maxJoined = 64

// maxWhole bounds the query or form that is judged as a whole, in bytes.
const maxWhole = 64 << 10

// judgeWhole judges the query, or the form in the body, as one text. A payload with an
// ampersand or an equals sign in it comes apart like parameters; it shows by a name that
// no parameter has.
func (s *session) judgeWhole() {
	l := s.oddName
	switch l.Source {
	case detect.SourceQuery:
		_, l.Text, _ = strings.Cut(s.request.Target, "?")
	case detect.SourceBody:
		if strings.HasPrefix(string(s.request.Body[:min(len(s.request.Body), 2)]), "--") {
			return // multipart: its names are not parted by marks
		}
		l.Text = string(s.request.Body[:min(len(s.request.Body), maxWhole)])
	default:
		return
	}
	l.IsName, l.Name = false, ""
	if len(l.Text) > maxWhole {
		l.Text = l.Text[:maxWhole]
		s.cut = true
	}
	if s.left -= len(l.Text); s.left < 0 {
		s.cut = true
		return
	}
	t := value.TraitsOf(l.Text)
	s.depth = 1 // it has been taken apart
	s.readings(&l, t, decode.Possible(l.Text, t, true))
	s.depth = 0
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
	for i := strings.IndexByte(name, '%'); i >= 0 && i+2 < len(name); {
		switch name[i+1] {
		case '2', '3', '5', '6', '7':
			// All marks are here; of these, frameworks use " $.-:[]_".
			switch strings.ToLower(name[i+1 : i+3]) {
			case "20", "24", "2e", "2d", "3a", "5b", "5d", "5f":
			default:
				return true
			}
		}
		next := strings.IndexByte(name[i+1:], '%')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}
