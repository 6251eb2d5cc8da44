package rule

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/reading"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// perCondition is what a condition costs for each value, in bytes: a look at its place.
const perCondition = 8

// leaf looks whether a value or a name of the request is one that conditions ask for.
func (s *session) leaf(l *extract.Leaf) bool {
	if !s.work.Spend(len(l.Text) + work.Leaf + perCondition*len(s.asked)) {
		return false
	}
	outer, long := s.current, s.long
	s.current = len(s.covering)
	below := s.cover(l)
	if below || len(s.covering) > s.current {
		s.read(l)
	}
	for _, k := range s.covering[s.current:] {
		s.states[k].inside--
	}
	s.covering, s.current, s.long = s.covering[:s.current], outer, long
	return s.work.End() == work.EndNone
}

// cover pushes the conditions that ask for a leaf, and reports whether one asks for what may
// be inside it.
func (s *session) cover(l *extract.Leaf) (below bool) {
	rendered, plain := false, ""
	for _, k := range s.asked {
		c := &s.set.conditions[k]
		if c.source != l.Source && c.source != detect.SourceUnknown {
			continue
		}
		if !rendered {
			rendered = true
			s.render(l)
			plain = s.plainOf(l)
			s.long = len(plain)
		}
		place, state := view(s.place), &s.states[k]
		covers := c.at.covers(place)
		if l.IsName {
			named := s.named(l)
			if exact := c.at.covers(named); exact || len(s.variant) > 0 && c.at.covers(view(s.variant)) {
				state.named, state.nearly = state.named || exact, true
				covers = covers || l.Name != l.Text // a file's name is a value at its place
			}
		} else {
			variant := !covers && len(s.variant) > 0 && c.at.covers(view(s.variant))
			state.named, state.nearly = state.named || covers, state.nearly || covers || variant
			covers = covers || variant
		}
		below = below || !l.IsName && c.at.mayBeBelow(place)
		if !covers {
			continue
		}
		if state.inside == 0 {
			s.narrowly(c, state, plain)
		}
		state.inside++
		s.covering = append(s.covering, k)
	}
	return below
}

// render makes the place of a leaf, and the one that frameworks take it for, if another.
func (s *session) render(l *extract.Leaf) {
	s.place = fold(l.AppendPlace(s.place[:0], s.set.most))
	if l.Source == detect.SourceHeader {
		s.place = dashed(s.place)
	}
	s.variant = s.variant[:0]
	if !s.reader.Outermost() || l.Name != l.Text && l.IsName {
		return
	}
	root := s.root(l)
	if root == "" {
		return
	}
	if name := variantName(l.Name); name != "" {
		s.variant = append(append(append(s.variant, root...), '.'), name...)
	}
}

// named returns the place of what a name names.
func (s *session) named(l *extract.Leaf) string {
	s.name = fold(l.AppendNamed(s.name[:0], s.set.most))
	if l.Source == detect.SourceHeader {
		s.name = dashed(s.name)
	}
	return view(s.name)
}

// root returns the place below which the leaf is a parameter of a query, a form or cookies, "" if
// it is none.
func (s *session) root(l *extract.Leaf) string {
	switch l.Source {
	case detect.SourceQuery:
		return "query"
	case detect.SourceCookie:
		return "cookie"
	case detect.SourceBody:
		for _, root := range [...]string{"body.form", "body.multipart"} {
			if strings.HasPrefix(view(s.place), root) {
				return root
			}
		}
	}
	return ""
}

// read tests all readings of a leaf for the conditions that ask for it, and those of the
// values inside it.
func (s *session) read(l *extract.Leaf) {
	t, p := value.Look(l.Text)
	parameter := l.Source == detect.SourceQuery || l.Source == detect.SourceBody && s.form
	encoded := decode.Possible(l.Text, t, p, parameter)
	s.reading(&reading.Reading{Leaf: l, Text: l.Text})
	if !reading.One(t, encoded) {
		s.reader.Read(l, t, p, parameter, encoded)
	}
}

// reading tests one reading of the innermost leaf.
func (s *session) reading(r *reading.Reading) {
	for _, k := range s.covering[s.current:] {
		if state := &s.states[k]; !state.hit {
			state.hit = s.test(&s.set.conditions[k], r.Text, s.long, false)
		}
	}
}

// plainOf returns a value as a server reads it: with the encoding of its place undone once.
func (s *session) plainOf(l *extract.Leaf) string {
	plus := false
	switch {
	case !s.reader.Outermost():
		return l.Text
	case l.Source == detect.SourceQuery || l.Source == detect.SourceBody && strings.HasPrefix(view(s.place), "body.form"):
		plus = true
	case l.Source != detect.SourceCookie && l.Source != detect.SourcePath:
		return l.Text
	}
	if strings.IndexByte(l.Text, '%') < 0 && (!plus || strings.IndexByte(l.Text, '+') < 0) {
		return l.Text
	}
	s.plain = unescape(s.plain[:0], l.Text, plus)
	return view(s.plain)
}

// unescape undoes percent signs, and pluses if they stand for blanks. What is invalid stays.
func unescape(dst []byte, s string, plus bool) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+' && plus:
			c = ' '
		case c == '%' && i+2 < len(s):
			hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
			if hi < 16 && lo < 16 {
				c = hi<<4 | lo
				i += 2
			}
		}
		dst = append(dst, c)
	}
	return dst
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

func fold(b []byte) []byte {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// variantName returns the name that frameworks make of a parameter's, in lower case, "" if it
// is the same. PHP cuts blanks before a name and what follows a NUL, and writes blanks, dots
// and a lone bracket as underscores; others decode names twice.
func variantName(sent string) string {
	if !strings.ContainsAny(sent, "%+ .[\x00") {
		return ""
	}
	name := sent
	for range 3 {
		if strings.IndexByte(name, '%') < 0 && strings.IndexByte(name, '+') < 0 {
			break
		}
		name = string(unescape(nil, name, true))
	}
	name = strings.TrimLeft(name, " \t\r\n\v\f")
	name, _, _ = strings.Cut(name, "\x00")
	rest := ""
	if i := strings.IndexByte(name, '['); i > 0 && strings.IndexByte(name[i:], ']') > 0 {
		name, rest = name[:i], name[i:]
	}
	name = lowered(strings.NewReplacer(" ", "_", ".", "_", "[", "_").Replace(name) + rest)
	return name
}
