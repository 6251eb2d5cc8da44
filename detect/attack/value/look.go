package value

import "kongwaf/detect/attack/swar"

// Look returns the byte classes and the pairs that occur in s, in one pass that costs about
// a nanosecond a byte. It may name a pair for a mixture of its several spellings.
func Look(s string) (Traits, Pairs) {
	if len(s) < 5 {
		return lookShort(s)
	}
	p := headOf[s[0]].first & headOf[s[1]].second
	t, u, q := looks[s[0]].class, Traits(0), Pairs(0)
	first := looks[s[0]].first
	i := 1
	for ; i+8 <= len(s); i += 8 {
		x := swar.Load(s, i)
		a, b, c, d := &looks[byte(x)], &looks[byte(x>>8)], &looks[byte(x>>16)], &looks[byte(x>>24)]
		p |= first&a.second | a.first&b.second
		q |= b.first&c.second | c.first&d.second
		t |= a.class | b.class
		u |= c.class | d.class
		first = d.first
		a, b, c, d = &looks[byte(x>>32)], &looks[byte(x>>40)], &looks[byte(x>>48)], &looks[byte(x>>56)]
		p |= first&a.second | a.first&b.second
		q |= b.first&c.second | c.first&d.second
		t |= a.class | b.class
		u |= c.class | d.class
		first = d.first
	}
	for ; i < len(s); i += 4 {
		if i+4 > len(s) {
			// The last four bytes, though some have been looked at: nothing is counted.
			i = len(s) - 4
			first = looks[s[i-1]].first
		}
		four := s[i : i+4]
		// One load for four bytes; the compiler merges these.
		x := uint32(four[0]) | uint32(four[1])<<8 | uint32(four[2])<<16 | uint32(four[3])<<24
		a, b, c, d := &looks[byte(x)], &looks[byte(x>>8)], &looks[byte(x>>16)], &looks[byte(x>>24)]
		p |= first&a.second | a.first&b.second
		q |= b.first&c.second | c.first&d.second
		t |= a.class | b.class
		u |= c.class | d.class
		first = d.first
	}
	return t | u, p | q
}

// lookShort is Look for texts of up to four bytes, and the obvious way for all others.
func lookShort(s string) (t Traits, p Pairs) {
	if len(s) > 1 {
		p = headOf[s[0]].first & headOf[s[1]].second
	}
	first := Pairs(0)
	for i := 0; i < len(s); i++ {
		c := &looks[s[i]]
		t |= c.class
		p |= first & c.second
		first = c.first
	}
	return t, p
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
