// Package xml is being written.
package xml

import "kongwaf/detect/attack/value"

// Possible reports whether a value with these traits can hold an attack in this language.
func Possible(t value.Traits) bool { return false }

// Judge looks at one decoded value; the zero Match means that nothing was seen.
func Judge(v *value.Value) value.Match { return value.Match{} }
