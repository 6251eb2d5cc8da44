package declarative

import "math"

// DidYouMean returns `, did you mean "x"?` for the candidate nearest to word, or "" if none
// is near.
func DidYouMean(word string, candidates []string) string {
	best, bestAt := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if n := distance(word, c); n < bestAt {
			best, bestAt = c, n
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + quote(best) + "?"
}

func quote(s string) string { return `"` + s + `"` }

// distance is the number of letters to insert, delete, replace or swap with a neighbour to
// get from a to b (optimal string alignment). Words above 64 bytes are far from anything.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return math.MaxInt
	}
	var rows [3][longest + 1]int
	before, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
