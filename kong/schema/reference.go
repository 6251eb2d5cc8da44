package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Entry is one field of a schema as a reference page shows it. Whatever a text holds, it
// holds no value of a user: defaults are the schema's.
type Entry struct {
	// Path is the field's place below config: "redis.host", "exceptions[].place" in each
	// entry of a list, "headers.*" for the values of a map.
	Path string
	// Type says what is accepted: "integer, 1 to 100", "one of off, block".
	Type string
	// Default is the default as JSON, "" if there is none.
	Default string
	// Required says that the field has no default and cannot be left out.
	Required bool
	// Secret says that the value may be a vault reference and is never shown.
	Secret bool
	// Replacement is what a deprecated field's users write today, "" for other fields.
	Replacement string
	// Meaning is what the field does.
	Meaning string
}

// Reference lists the config's fields, each before those inside it, in the order of the
// struct.
func (s *Schema) Reference() []Entry {
	var out []Entry
	s.config.reference("", &out)
	return out
}

func (f *field) reference(prefix string, out *[]Entry) {
	for _, sub := range f.fields {
		path := prefix + sub.name
		e := Entry{
			Path: path, Type: sub.accepted(), Meaning: sub.description,
			Required: sub.required && !sub.hasDefault && sub.kind != kindRecord,
			Secret:   sub.encrypted || sub.referenceable,
		}
		if sub.hasDefault {
			// Defaults come from tags: text, numbers, and lists of these.
			text, err := json.Marshal(sub.def)
			if err != nil {
				panic("schema: " + err.Error())
			}
			e.Default = string(text)
		}
		if sub.deprecated != nil {
			e.Replacement = sub.deprecated.sibling(path)
		}
		*out = append(*out, e)
		switch {
		case sub.kind == kindRecord:
			sub.reference(path+".", out)
		case sub.elements != nil:
			sub.elements.reference(path+"[].", out)
		case sub.values != nil:
			sub.values.reference(path+".*.", out)
		}
	}
}

// accepted says what values a field takes.
func (f *field) accepted() string {
	switch {
	case f.oneOf != nil:
		return "one of " + strings.Join(f.options(), ", ")
	case f.elements != nil:
		return fmt.Sprintf("%s of %s%s", f.kind, f.elements.plural(), f.lengths("entries"))
	case f.values != nil:
		return "map of " + f.values.plural() + f.lengths("entries")
	case f.between != nil:
		return fmt.Sprintf("%s, %s to %s", f.kind, decimal(f.between[0]), decimal(f.between[1]))
	case f.gt != nil:
		return fmt.Sprintf("%s above %s", f.kind, decimal(*f.gt))
	case f.format != nil:
		return f.format.Name
	}
	return string(f.kind) + f.lengths("bytes")
}

// plural says what several values of the field are.
func (f *field) plural() string {
	switch {
	case f.oneOf != nil:
		return strings.Join(f.options(), ", ")
	case f.format != nil:
		return f.format.Name + " strings"
	}
	return f.accepted() + "s"
}

// lengths says how long a value must be, "" if any length will do.
func (f *field) lengths(unit string) string {
	switch {
	case f.lenMin != nil && f.lenMax != nil && *f.lenMin == *f.lenMax:
		return fmt.Sprintf(", %d %s", *f.lenMin, unit)
	case f.lenMin != nil && f.lenMax != nil:
		return fmt.Sprintf(", %d to %d %s", *f.lenMin, *f.lenMax, unit)
	case f.lenMax != nil:
		return fmt.Sprintf(", at most %d %s", *f.lenMax, unit)
	case f.lenMin != nil && *f.lenMin > 1:
		return fmt.Sprintf(", at least %d %s", *f.lenMin, unit)
	}
	return ""
}

func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
