// Package expect says what content of a kind looks like as a whole: what a place legitimately
// carries, such as SQL in the query of an SQL console.
//
// An expectation is narrower than switching a class off. It holds for a text that is of its
// kind from its first byte to its last, and for nothing that an application with such a field
// would not send: no break-out of somebody else's literal, no disguise by encodings, no
// construct that acts where a text is merely stored or logged. The table kinds names, for
// each kind, the classes and shapes that are its ordinary content; whatever is not named stays
// an attack.
//
// It does not make content harmless. Whoever expects SQL, shell or HTML at a place says that
// the application runs, or shows, what callers write there, and that it knows who they are.
package expect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kongwaf/detect"
)

// Kind is a kind of content. The zero value is none. Its text form is part of the plugins'
// config and never changes.
type Kind uint8

// The kinds of content.
const (
	None    Kind = iota
	Code         // a program, or an expression of one
	HTML         // markup, with the scripts, frames and handlers of a page
	SQL          // whole SQL statements
	Shell        // a command line or a script
	Paths        // names of files, also of sensitive ones; no climbs
	URLs         // addresses, also of the own network; no metadata services
	Mongo        // query documents; no scripts, no conditions on secrets
	GraphQL      // queries about the schema; no abuse of the limits
	PromQL       // PromQL and LogQL, with paths and addresses in the strings
	kindCount
)

var names = [kindCount]string{
	None: "none", Code: "code", HTML: "html", SQL: "sql", Shell: "shell", Paths: "paths", URLs: "urls",
	Mongo: "mongo", GraphQL: "graphql", PromQL: "promql",
}

// OneOf returns the text forms of all kinds: what a config may say where it names one.
func (Kind) OneOf() []string { return slices.Clone(names[None+1:]) }

// String returns the kind's fixed text form.
func (k Kind) String() string {
	if k < kindCount {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(names[None+1:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is not a kind of content: write one of %s", text, strings.Join(names[None+1:], ", "))
	}
	*k = Kind(i + 1)
	return nil
}

// Validate returns an error unless the kinds are some that exist.
func Validate(kinds []Kind) error {
	if len(kinds) == 0 {
		return errors.New("content names no kind: this would expect nothing")
	}
	for i, k := range kinds {
		if k == None || k >= kindCount {
			return fmt.Errorf("content[%d]: %s is not a kind of content", i, k)
		}
	}
	return nil
}

// Sight is what a language saw in a text.
type Sight struct {
	Class detect.Class
	// Shape is the language's own few words on why.
	Shape string
	// Text is the whole text, in the form in which it was judged; what shows the attack begins
	// at Start.
	Text  string
	Start int
	// Place is where the text stood.
	Place detect.Place
	// Steps are the decodings that led to the text.
	Steps []string
}

// Holds reports whether what was seen is ordinary content of the kind. Its cost is linear in the
// length of the text.
func (k Kind) Holds(s *Sight) bool {
	if k == None || k >= kindCount {
		return false
	}
	row := &kinds[k]
	shapes, ok := row.shapes[s.Class]
	if !ok || !carried(s.Steps) {
		return false
	}
	shape, _, _ := strings.Cut(s.Shape, ", in a part of the text")
	if len(shapes) > 0 && !slices.Contains(shapes, shape) {
		return false
	}
	return row.whole(s)
}

// carried reports whether the steps are only those with which a request carries any text, and
// the escapes of string literals.
func carried(steps []string) bool {
	for _, step := range steps {
		if step != "percent" && step != "plus" && step != "json" && step != "xml" && step != "escape" {
			return false
		}
	}
	return true
}
