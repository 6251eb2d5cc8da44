package attack

import (
	"slices"
	"strings"
)

// specificFirst returns the numbers of exceptions in the order in which they are asked: the
// most specific one first. That is the one with the most conditions; of those with equally
// many one that has a place, without a star first; then the one whose place says more, then the
// one with the longer path; and among equals the one that stands first. Until is no condition on a request.
func specificFirst(exceptions []Exception) []int {
	order := make([]int, len(exceptions))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return slices.Compare(exceptions[b].specificity(), exceptions[a].specificity())
	})
	return order
}

// specificity is larger, number by number, the more specific the exception is.
func (x *Exception) specificity() []int {
	conditions := 0
	for _, set := range [...]bool{x.Place != "", x.Class != 0, x.Method != "", x.PathPrefix != "", x.Route != ""} {
		if set {
			conditions++
		}
	}
	stars, exact := strings.Count(string(x.Place), "*"), 0
	switch {
	case x.Place != "" && stars == 0:
		exact = 2
	case x.Place != "":
		exact = 1
	}
	return []int{conditions, exact, len(x.Place) - stars, len(x.PathPrefix)}
}
