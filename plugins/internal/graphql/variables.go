package graphql

import (
	"encoding/json"
	"strings"

	"kongwaf/detect/attack/extract"
	"kongwaf/plugins/internal/strictjson"
)

// envelope is what a request has beside its documents: a JSON text around one or a batch of
// them, or parameters. It is read when something in it matters.
type envelope struct {
	text       string
	parameters []string
	cut        bool // it is not all there
	documents  int  // found in it

	read  bool
	value *variables   // outside of a batch
	batch []*variables // of its elements
}

func newEnvelope(d *extract.Document) *envelope { return &envelope{text: d.Envelope, cut: d.Cut} }

// elements returns how many elements the batch has, 0 if it is none. One that cannot be read
// has as many as there are documents in it.
func (e *envelope) elements() int {
	if !strings.HasPrefix(strings.TrimLeft(e.text, " \t\r\n"), "[") {
		return 0
	}
	e.open()
	return max(len(e.batch), e.documents)
}

// variables returns those of the element of a batch, -1 outside of one.
func (e *envelope) variables(element int) *variables {
	e.open()
	if element >= 0 && element < len(e.batch) {
		return e.batch[element]
	}
	return e.value
}

func (e *envelope) open() {
	if e.read {
		return
	}
	e.read = true
	switch {
	case e.cut:
		e.value = &variables{unreadable: true}
	case e.text != "":
		e.openJSON()
	default:
		e.value = parameterVariables(e.parameters)
	}
}

func (e *envelope) openJSON() {
	e.value = &variables{}
	value, err := strictjson.Decode(e.text)
	if err != nil {
		e.value.unreadable = true
		return
	}
	switch value := value.(type) {
	case map[string]any:
		e.value = variablesIn(value)
	case []any:
		for _, element := range value {
			fields, _ := element.(map[string]any)
			e.batch = append(e.batch, variablesIn(fields))
		}
	}
}

// variables are the values of a request's variables.
type variables struct {
	values map[string]any
	// unreadable says that there are some, of which nobody can tell what a server reads.
	unreadable bool
	known      map[use]int64 // what entries has found out
}

// use is a variable and whether its value itself is a number of entries.
type use struct {
	name  string
	sizes bool
}

// variablesIn returns the variables among the fields of a request. Some servers take names in
// any case, and which of several they take nobody can tell.
func variablesIn(fields map[string]any) *variables {
	var found any
	n := 0
	for name, value := range fields {
		if strings.EqualFold(name, "variables") {
			found = value
			n++
		}
	}
	if n > 1 {
		return &variables{unreadable: true}
	}
	return variablesOf(found)
}

// variablesOf returns the variables of a field: an object, or one as text, which some servers
// read.
func variablesOf(value any) *variables {
	switch value := value.(type) {
	case map[string]any:
		return &variables{values: value}
	case string:
		return parameterVariables([]string{value})
	}
	return &variables{}
}

// parameterVariables returns the variables in parameters that are called so.
func parameterVariables(texts []string) *variables {
	if len(texts) == 0 || len(texts) == 1 && texts[0] == "" {
		return &variables{}
	}
	value, err := strictjson.Decode(texts[0])
	if err != nil || len(texts) > 1 {
		return &variables{unreadable: true}
	}
	values, _ := value.(map[string]any)
	return &variables{values: values}
}

// entries returns how many entries the value of a variable asks for, and whether it has one.
func (v *variables) entries(u use, l *Limits) (n int64, ok bool) {
	value, ok := v.values[u.name]
	if !ok {
		return 0, false
	}
	n, seen := v.known[u]
	if !seen {
		n = l.entries(value, u.sizes)
		if v.known == nil {
			v.known = map[use]int64{}
		}
		v.known[u] = n
	}
	return n, true
}

// entries returns the greatest number of entries that a JSON value says; sizes says that the
// value itself is such a number.
func (l *Limits) entries(value any, sizes bool) (n int64) {
	switch value := value.(type) {
	case json.Number:
		if sizes {
			return number(value.String())
		}
	case string:
		if sizes {
			return number(value)
		}
	case map[string]any:
		for name, below := range value {
			n = max(n, l.entries(below, l.sizes(name)))
		}
	case []any:
		for _, below := range value {
			n = max(n, l.entries(below, false))
		}
	}
	return n
}
