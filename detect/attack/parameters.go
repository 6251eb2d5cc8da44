package attack

import (
	"hash/maphash"
	"slices"
	"strings"
	"unsafe"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

// parameters are those of the query and of a form in the body, to be judged once more together:
// servers join the values of equal names (ASP.NET with a comma, others take the first or the
// last), so a payload may be split over them; and one with an ampersand or an equals sign in
// it comes apart like parameters.
type parameters struct {
	seed  maphash.Seed // of the session: nobody can make names collide
	parts []part
	table [512]uint16  // index+1 of the newest part by hash of the name
	odd   extract.Leaf // the first name that no parameter has; none if its Source is unknown
	form  bool         // the body looks like no JSON or XML, whose arrays are no repeated parameters
	own   extract.Leaf // what is put together of them
	chain []uint16     // index of those of one name, the newest first
}

type part struct {
	name, text string
	leaf       extract.Leaf
	traits     value.Traits
	older      uint16 // index+1 of the next older part with the same hash
	same       uint16 // parts of the same name before this one
}

const (
	// maxParts bounds the parameters that are remembered for joining.
	maxParts = 1 << 14
	// keepParts is how many of them stay in memory between requests.
	keepParts = 1 << 11
	// maxPassing bounds those of them that must be copied, in bytes.
	maxPassing = 4 << 10
)

func (p *parameters) begin(r *detect.Request) {
	first := byte(0)
	for i := 0; i < len(r.Body) && first <= ' '; i++ {
		first = r.Body[i]
	}
	p.form = first != '{' && first != '[' && first != '<'
}

func (p *parameters) reset() {
	clear(p.parts)
	p.parts = p.parts[:0]
	if cap(p.parts) > keepParts {
		p.parts, p.chain = nil, nil
	}
	clear(p.table[:])
	p.odd, p.own = extract.Leaf{}, extract.Leaf{}
}

// have reports whether a leaf is a parameter of a query or a form.
func (p *parameters) have(l *extract.Leaf) bool {
	return l.Source == detect.SourceQuery || l.Source == detect.SourceBody && p.form
}

// note remembers a parameter of the query or of a form.
func (p *parameters) note(l *extract.Leaf, t value.Traits) {
	if l.IsName && p.odd.Source == detect.SourceUnknown && isOddName(l.Text, t) {
		p.odd = *l
	}
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
	o := part{name: l.Name, text: l.Text, leaf: *l, traits: t, older: *newest, same: same}
	if l.Passing {
		if len(l.Text) > maxPassing {
			return
		}
		o.name, o.text = strings.Clone(l.Name), strings.Clone(l.Text)
		o.leaf.Name, o.leaf.Text = o.name, o.text
	}
	p.parts = append(p.parts, o)
	*newest = uint16(len(p.parts))
}

// judgeParameters judges the parameters of the query or of the body once more, together.
func (s *session) judgeParameters() {
	if !s.sum.sure { // or else what joining shows besides could change nothing
		s.judgeJoined()
	}
	s.judgeWhole()
	s.parameters.odd = extract.Leaf{}
}

// judgeJoined judges the values of equal names joined in the ways in which servers do.
func (s *session) judgeJoined() {
	p := &s.parameters
	for i := len(p.parts); i > 0; i-- {
		last := &p.parts[i-1]
		if last.same == 0 {
			continue
		}
		// Only the newest of a name joins; its elders are unlinked by clearing same.
		var traits value.Traits
		p.chain = p.chain[:0]
		for k := uint16(i); k != 0; k = p.parts[k-1].older {
			o := &p.parts[k-1]
			if o.name != last.name || o.leaf.Source != last.leaf.Source {
				continue
			}
			traits |= o.traits
			o.same = 0
			p.chain = append(p.chain, k-1)
		}
		if traits.Only(value.Word | value.Space) {
			continue
		}
		for _, glue := range [...]string{",", ""} {
			join := func(dst []byte) []byte {
				for k, i := range slices.Backward(p.chain) {
					if k < len(p.chain)-1 {
						dst = append(dst, glue...)
					}
					dst = append(dst, p.parts[i].text...)
				}
				return dst
			}
			s.reader.Borrow(join, func(text string) {
				p.own = last.leaf
				p.own.Text = text
				s.judgeTogether(false)
			})
		}
	}
}

// judgeWhole judges the query, or the form in the body, as one text, if a name that no
// parameter has shows that it may have come apart wrongly.
func (s *session) judgeWhole() {
	l := &s.parameters.own
	*l = s.parameters.odd
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
	s.judgeTogether(true)
}

// judgeTogether judges the text that was put together; flat says that its containers have been
// taken apart before.
func (s *session) judgeTogether(flat bool) {
	if s.work.Spend(2 * len(s.parameters.own.Text)) {
		s.reader.ReadWhole(&s.parameters.own, flat)
	}
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
