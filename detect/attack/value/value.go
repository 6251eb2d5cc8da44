// Package value says what one piece of a request is: its text, the byte classes that
// occur in it, where it came from, and what a language package saw in it.
//
// It is what the extractor hands to the language packages (sql, html, shell, ...) and what
// they hand back. Nothing here decides anything about attacks.
package value

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/work"
)

// Value is one leaf of a request in one decoded form. Language packages only read it.
type Value struct {
	// Text is the value in the form to judge. It may hold any byte.
	Text string
	// Traits are the byte classes that occur in Text (see Look).
	Traits Traits
	// Pairs are the pairs of bytes that occur in Text (see Look).
	Pairs Pairs
	// Source is the part of the request that the value came from.
	Source detect.Source
	// Name is the parameter's, header's or field's own name, as sent; "" for a path segment.
	Name string
	// IsName says that Text is itself a name (of a parameter, a field, a file).
	IsName bool
	// Under and Top are, for a name with a dollar sign in it, the names of the nearest and of
	// the outermost field or parameter that it stands in; "" if there is none.
	Under, Top string
	// Work counts what judging costs. One pass over Text has been counted before a language is
	// asked. One that reads on from several starts spends what it reads anew, and ends, with
	// what it has seen, when there is nothing left to spend. Nil counts nothing.
	Work *work.Meter
}

// Of returns the value for a bare text from the given source.
func Of(text string, source detect.Source, name string) Value {
	t, p := Look(text)
	return Value{Text: text, Traits: t, Pairs: p, Source: source, Name: name}
}

// Match is what a language package saw in a value. The zero value means "nothing".
type Match struct {
	// Class is the attack class, ClassNone if nothing was seen.
	Class detect.Class
	// Confidence is between 0 and 1: how sure the package is that the text is code in
	// its language where data was expected, given nothing but the text.
	//   >= 0.8  an attack beyond doubt: blocked at every sensitivity
	//   >= 0.7  an attack: blocked at the default sensitivity
	//   >= 0.4  suspicious: blocked at high sensitivity only, or together with others
	Confidence float64
	// Start and End delimit the evidence in Value.Text: Text[Start:End].
	Start, End int
	// Shape says in a few fixed words why: a token shape ("s & 1 = 1"), a construct
	// ("event handler"). For explanations and tests; never user input.
	Shape string
}

// Better returns the match with the higher confidence, m if they are equal.
func (m Match) Better(other Match) Match {
	if other.Confidence > m.Confidence {
		return other
	}
	return m
}
