package schema

import (
	"reflect"
	"strings"

	"kongwaf/kong/schema/internal/luapattern"
)

// kind is a field type as Kong names it.
type kind string

const (
	kindString  kind = "string"
	kindNumber  kind = "number"
	kindInteger kind = "integer"
	kindBoolean kind = "boolean"
	kindArray   kind = "array"
	kindSet     kind = "set"
	kindMap     kind = "map"
	kindRecord  kind = "record"
)

// withArticle returns the kind as error texts name it: "an array".
func (k kind) withArticle() string {
	switch k {
	case kindArray, kindInteger:
		return "an " + string(k)
	}
	return "a " + string(k)
}

// field is one field of the schema: what Kong is told about it, and where its value goes.
type field struct {
	name        string
	kind        kind
	description string
	errText     string

	required   bool
	hasDefault bool
	def        any // normalised: string, bool, int64, float64, []any, map[string]any

	oneOf   []any
	between *[2]float64
	gt      *float64
	lenMin  *int
	lenMax  *int
	pattern *luapattern.Pattern
	format  *Format
	// formatName is the name in the tag, before the format is found.
	formatName string

	elements *field   // of an array or set
	keys     *field   // of a map
	values   *field   // of a map
	fields   []*field // of a record

	referenceable bool
	encrypted     bool
	deprecated    *deprecation

	index  []int        // where the value goes in the struct that holds it
	goType reflect.Type // the value's type, pointers taken off
}

// deprecation says what replaces a field.
type deprecation struct {
	replacement string // dotted, below the record that the field is in
	removal     string // version
}

// secret reports whether the field's value, or anything inside it, must not be shown.
func (f *field) secret() bool {
	if f == nil {
		return false
	}
	if f.encrypted || f.referenceable || f.elements.secret() || f.keys.secret() || f.values.secret() {
		return true
	}
	for _, sub := range f.fields {
		if sub.secret() {
			return true
		}
	}
	return false
}

// child returns the field of a record that has the given name, nil if there is none.
func (f *field) child(name string) *field {
	for _, sub := range f.fields {
		if sub.name == name {
			return sub
		}
	}
	return nil
}

// lookup returns the field with the given dotted path below f, nil if there is none.
func (f *field) lookup(path string) *field {
	for path != "" && f != nil {
		head, rest, _ := strings.Cut(path, ".")
		f, path = f.child(head), rest
	}
	return f
}

// minLength is the least length that Kong accepts: strings are not empty by default.
func (f *field) minLength() int {
	switch {
	case f.lenMin != nil:
		return *f.lenMin
	case f.kind == kindString:
		return 1
	}
	return 0
}

// attributes returns the field as Kong's metaschema wants it.
func (f *field) attributes(plugin, path string) object {
	var o object
	o.set("type", f.kind)
	if f.required {
		o.set("required", true)
	}
	if f.hasDefault {
		o.set("default", f.def)
	}
	if f.description != "" {
		o.set("description", f.description)
	}
	if f.oneOf != nil {
		o.set("one_of", f.oneOf)
	}
	if f.between != nil {
		o.set("between", f.between[:])
	}
	if f.gt != nil {
		o.set("gt", *f.gt)
	}
	if f.lenMin != nil {
		o.set("len_min", *f.lenMin)
	}
	if f.lenMax != nil {
		o.set("len_max", *f.lenMax)
	}
	if f.pattern != nil {
		o.set("match", f.pattern.String())
	}
	if f.format != nil {
		o.set("match_any", f.format.attributes())
	}
	if f.errText != "" {
		o.set("err", f.errText)
	}
	if f.referenceable {
		o.set("referenceable", true)
	}
	if f.encrypted {
		o.set("encrypted", true)
	}
	if f.deprecated != nil {
		o.set("deprecation", f.deprecated.attributes(plugin, path))
	}
	if f.elements != nil {
		o.set("elements", f.elements.attributes(plugin, path))
	}
	if f.keys != nil {
		o.set("keys", f.keys.attributes(plugin, path))
		o.set("values", f.values.attributes(plugin, path))
	}
	if f.kind == kindRecord {
		o.set("fields", fieldList(f.fields, plugin, path))
	}
	return o
}

// fieldList returns fields as Kong writes them: a list of objects with one member each.
func fieldList(fields []*field, plugin, path string) []object {
	list := make([]object, len(fields))
	for i, f := range fields {
		list[i].set(f.name, f.attributes(plugin, path+"."+f.name))
	}
	return list
}

func (d *deprecation) attributes(plugin, path string) object {
	var place object
	place.set("path", strings.Split(d.replacement, "."))
	var o object
	o.set("message", plugin+": "+path+" is deprecated, please use "+d.sibling(path)+" instead")
	o.set("removal_in_version", d.removal)
	o.set("replaced_with", []object{place})
	return o
}

// sibling returns the path of what replaces the deprecated field at path.
func (d *deprecation) sibling(path string) string {
	return path[:strings.LastIndexByte(path, '.')+1] + d.replacement
}
