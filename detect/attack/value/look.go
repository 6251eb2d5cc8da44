package value

// Look returns the byte classes and the pairs that occur in s, in one pass that costs about
// a nanosecond a byte. It may name a pair for a mixture of its several spellings.
func Look(s string) (Traits, Pairs) {
	if s == "" {
		return 0, 0
	}
	var p, q Pairs
	if len(s) > 1 {
		p = headOf[s[0]].first & headOf[s[1]].second
	}
	t, u := looks[s[0]].class, Traits(0)
	first := looks[s[0]].first
	s = s[1:]
	for len(s) >= 4 {
		// One load for four bytes; the compiler merges these.
		x := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
		a, b, c, d := &looks[byte(x)], &looks[byte(x>>8)], &looks[byte(x>>16)], &looks[byte(x>>24)]
		p |= first&a.second | a.first&b.second
		q |= b.first&c.second | c.first&d.second
		t |= a.class | b.class
		u |= c.class | d.class
		first = d.first
		s = s[4:]
	}
	for i := 0; i < len(s); i++ {
		c := &looks[s[i]]
		t |= c.class
		p |= first & c.second
		first = c.first
	}
	return t | u, p | q
}

// TraitsOf returns the byte classes that occur in s.
func TraitsOf(s string) Traits {
	t, _ := Look(s)
	return t
}

// looks holds all that Look wants to know of a byte side by side.
var looks = func() (t [256]struct {
	class         Traits
	first, second Pairs
}) {
	for c := range t {
		t[c].class, t[c].first, t[c].second = classes[c], pairOf[c].first, pairOf[c].second
	}
	return t
}()
