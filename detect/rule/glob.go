package rule

import "strings"

// glob is a pattern in which a star stands for any run of characters: what stands between
// the stars, in order. Matching is linear.
type glob []string

func newGlob(pattern string) glob { return strings.Split(pattern, "*") }

// begins cuts what stands before the last star off s, and returns the rest.
func (g glob) begins(s string) (rest string, ok bool) {
	s, ok = strings.CutPrefix(s, g[0])
	for i := 1; ok && i < len(g)-1; i++ {
		_, s, ok = strings.Cut(s, g[i])
	}
	return s, ok
}

// matches reports whether s is what the pattern says, from end to end.
func (g glob) matches(s string) bool {
	rest, ok := g.begins(s)
	if !ok || len(g) == 1 {
		return ok && rest == ""
	}
	return strings.HasSuffix(rest, g[len(g)-1])
}

// covers reports whether s, a place, is what the pattern says or lies below it.
func (g glob) covers(s string) bool {
	rest, ok := g.begins(s)
	if !ok || len(g) == 1 {
		return ok && ends(rest)
	}
	last := g[len(g)-1]
	if last == "" {
		return true
	}
	for {
		_, after, found := strings.Cut(rest, last)
		if !found {
			return false
		}
		if ends(after) {
			return true
		}
		rest = rest[len(rest)-len(after)-len(last)+1:]
	}
}

// ends reports whether a name of a place ends before the rest of it.
func ends(rest string) bool { return rest == "" || rest[0] == '.' || rest[0] == '[' }

// mayBeBelow reports whether places below s can be covered.
func (g glob) mayBeBelow(s string) bool {
	return strings.HasPrefix(g[0], s) || len(g) > 1 && strings.HasPrefix(s, g[0])
}
