package nosql

import "strings"

// Secret reports whether a field of the name proves who somebody is: no filter that an
// application sends sets a condition on it.
func Secret(field string) bool { return fields.Of(field)&secret != 0 }

// Runs reports whether an operator in the text runs code or reaches into other collections.
func Runs(text string) bool {
	for i, tries := 0, 0; i < len(text); tries++ {
		n := strings.IndexByte(text[i:], '$')
		if n < 0 {
			return false
		}
		end, kind := operatorAt(text, i+n)
		if kind&runs != 0 || tries == maxDollars {
			return true
		}
		i = end
	}
	return false
}
