// Package nosql judges whether a value is an injection into a NoSQL store (CWE-943):
// MongoDB query operators and server-side JavaScript, Redis commands, Cypher.
//
// Three things are looked for, each as structure and not as a word: an operator such as
// $ne where a document's key stands (operator.go); a value that ends a JavaScript or
// Cypher literal and goes on as code (script.go); a line break with a Redis command behind
// it (redis.go). A dollar sign alone says nothing: prices, shell and PHP variables, jQuery
// and template languages are full of it.
//
// Many applications let their callers write filters (FeathersJS, Strapi, Parse), so an
// operator alone is only suspicious. It is an attack where a scalar is expected: as the value
// of a credential, or as a whole value without a field; or where it carries code.
package nosql

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// Possible reports whether a value can hold a NoSQL injection at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return v.Pairs.Any(value.DollarWord) || !v.IsName && (v.Pairs.Any(value.BlankAfterH) || t.Any(value.Newline) || t.All(value.Semicolon|value.Space|value.Letter) ||
		(t.Any(value.Semicolon|value.BraceClose|value.ParenClose|value.Space) || v.Pairs.Any(value.DoubleOperator)) &&
			t.Any(value.ParenOpen|value.Equals|value.Dot|value.Quote))
}

// Judge looks at one decoded value; the zero Match means nothing was seen. It allocates
// nothing, is linear in the text's length, and may be called from several goroutines at once.
func Judge(v *value.Value) value.Match {
	var best value.Match
	if !Possible(v) {
		return best
	}
	if v.Pairs.Any(value.DollarWord) {
		if v.IsName {
			return name(v)
		}
		best = operators(v)
	}
	if v.IsName {
		return best
	}
	if v.Traits.Any(value.Semicolon|value.BraceClose|value.ParenClose|value.Space) || v.Pairs.Any(value.DoubleOperator) {
		best = best.Better(script(v))
	}
	if v.Traits.Any(value.Newline) {
		best = best.Better(redis(v.Text))
	}
	return best
}

func match(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassNoSQLi, Confidence: confidence, Start: start, End: end, Shape: shape}
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

const (
	code       = 0.95 // runs on the server: beyond doubt
	attack     = 0.85
	likely     = 0.75
	suspicious = 0.45
)

func digit(c byte) bool { return '0' <= c && c <= '9' }

func space(c byte) bool { return c <= ' ' }

// skip returns the index of the first byte of s from i on that is not white space.
func skip(s string, i int) int {
	for i < len(s) && space(s[i]) {
		i++
	}
	return i
}

// ident returns the end of the identifier that begins at s[i], i if there is none.
func ident(s string, i int) int {
	if i >= len(s) || !letter(s[i]) && s[i] != '$' {
		return i
	}
	for i < len(s) && (letter(s[i]) || digit(s[i]) || s[i] == '$') {
		i++
	}
	return i
}

// hasWord reports whether the word, in lower case, stands at s[i:] in any case and ends there.
func hasWord(s string, i int, word string) bool {
	if i+len(word) > len(s) {
		return false
	}
	for j := 0; j < len(word); j++ {
		c := s[i+j]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[j] {
			return false
		}
	}
	end := i + len(word)
	last := word[len(word)-1]
	return end == len(s) || !letter(last) || !letter(s[end]) && !digit(s[end])
}
