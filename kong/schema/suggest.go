package schema

import (
	"fmt"
	"strings"
)

// unknownField says what could be meant by a field that record f does not have.
func (s *Schema) unknownField(f *field, name string) string {
	names := make([]string, len(f.fields))
	for i, sub := range f.fields {
		names[i] = sub.name
	}
	if near := nearest(name, names); near != "" {
		return "unknown field: did you mean " + near + "?"
	}
	if path := s.config.find(name, "config"); path != "" {
		return "unknown field here: it belongs to " + path
	}
	if len(names) > 12 {
		return fmt.Sprintf("unknown field: known are %s and %d more", strings.Join(names[:12], ", "), len(names)-12)
	}
	return "unknown field: known are " + strings.Join(names, ", ")
}

// find returns the path of the record that has a field of the given name, "" if none has.
func (f *field) find(name, path string) string {
	if f.child(name) != nil {
		return path
	}
	for _, sub := range f.fields {
		if sub.kind != kindRecord {
			continue
		}
		if found := sub.find(name, path+"."+sub.name); found != "" {
			return found
		}
	}
	return ""
}

// nearest returns the candidate that differs from name by the fewest single-byte edits, if
// they are few enough for a slip of the fingers; "" if none is near.
func nearest(name string, candidates []string) string {
	const longest = 40
	if name == "" || len(name) > longest {
		return ""
	}
	best, least := "", 1+max(1, len(name)/4)
	for _, candidate := range candidates {
		if len(candidate) > longest {
			continue
		}
		if d := distance(strings.ToLower(strings.ReplaceAll(name, "-", "_")), strings.ReplaceAll(candidate, "-", "_")); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the edit distance of a and b, a swap of neighbours counting as one edit
// (Damerau; optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
