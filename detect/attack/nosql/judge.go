// Package nosql judges whether a value is an injection in its language.
package nosql

import "kongwaf/detect/attack/value"

// Possible reports whether a value with these traits can hold an attack in this language at all.
func Possible(t value.Traits) bool { return false }

// Judge looks at one decoded value; the zero Match means nothing was seen.
func Judge(v *value.Value) value.Match { return value.Match{} }
