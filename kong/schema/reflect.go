package schema

import (
	"encoding"
	"fmt"
	"reflect"
)

// maxDepth bounds nested structs; a struct that contains itself would never end.
const maxDepth = 16

var (
	textType  = reflect.TypeFor[encoding.TextUnmarshaler]()
	oneOfType = reflect.TypeFor[OneOf]()
)

// OneOf may be implemented by a type whose values are texts from a list: the list stands with
// the type then, and no rule need repeat it.
type OneOf interface {
	// OneOf returns the texts of all values. It is called on the zero value.
	OneOf() []string
}

// builder turns Go types into fields.
type builder struct {
	metadata *[]metadata
	depth    int
}

// record reads a struct.
func (b *builder) record(t reflect.Type) (*field, error) {
	if b.depth++; b.depth > maxDepth {
		return nil, fmt.Errorf("%s: structs are nested deeper than %d", t, maxDepth)
	}
	defer func() { b.depth-- }()
	f := &field{kind: kindRecord, goType: t}
	if err := b.members(f, t, nil); err != nil {
		return nil, err
	}
	return f, nil
}

// members adds the fields of struct t to record f; prefix leads from f's struct to t.
func (b *builder) members(f *field, t reflect.Type, prefix []int) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), prefix...), i)
		if sf.Anonymous && sf.Tag.Get("json") == "" {
			if sf.Type.Kind() != reflect.Struct {
				return fmt.Errorf("%s.%s: only structs can be embedded, not %s", t, sf.Name, sf.Type)
			}
			if err := b.members(f, sf.Type, index); err != nil {
				return err
			}
			continue
		}
		if !sf.IsExported() {
			continue // compiled state, not config
		}
		sub, err := b.member(sf)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, sf.Name, err)
		}
		if sf.Tag.Get("kong") == "-" {
			if b.depth > 1 {
				return fmt.Errorf(`%s.%s: kong:"-" is for fields of the outermost struct: Kong sends metadata only there`, t, sf.Name)
			}
			*b.metadata = append(*b.metadata, metadata{sub.name, index})
			continue
		}
		if f.child(sub.name) != nil {
			return fmt.Errorf("%s.%s: there are two fields %q", t, sf.Name, sub.name)
		}
		sub.index = index
		f.fields = append(f.fields, sub)
	}
	return nil
}

// member reads one struct field with its tags.
func (b *builder) member(sf reflect.StructField) (*field, error) {
	name, err := jsonName(sf.Tag.Get("json"))
	if err != nil {
		return nil, err
	}
	if sf.Tag.Get("kong") == "-" {
		return &field{name: name}, nil
	}
	t := sf.Type
	optional := t.Kind() == reflect.Pointer
	if optional {
		t = t.Elem()
	}
	f, err := b.value(t)
	if err != nil {
		return nil, err
	}
	f.name = name
	f.description = sf.Tag.Get("doc")
	// A record that is not required would arrive without the defaults inside it.
	f.required = f.kind == kindRecord && !optional
	if err := f.applyRules(sf.Tag.Get("kong")); err != nil {
		return nil, err
	}
	f.applyErrText(sf.Tag.Get("err"))
	if text, ok := sf.Tag.Lookup("default"); ok {
		if optional {
			return nil, fmt.Errorf("a pointer is an optional field without a default: take the pointer or the default away")
		}
		if f.def, err = f.parseDefault(text); err != nil {
			return nil, fmt.Errorf("default: %w", err)
		}
		f.hasDefault = true
	}
	return f, nil
}

// value reads a type that a field, an element, a key or a map value can have.
func (b *builder) value(t reflect.Type) (*field, error) {
	f := &field{goType: t}
	if reflect.PointerTo(t).Implements(textType) {
		f.kind = kindString
		if t.Implements(oneOfType) {
			for _, text := range reflect.Zero(t).Interface().(OneOf).OneOf() {
				f.oneOf = append(f.oneOf, text)
			}
		}
		return f, nil
	}
	var err error
	switch t.Kind() {
	case reflect.String:
		f.kind = kindString
	case reflect.Bool:
		f.kind = kindBoolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		f.kind = kindInteger
	case reflect.Float32, reflect.Float64:
		f.kind = kindNumber
	case reflect.Slice:
		f.kind = kindArray
		f.elements, err = b.value(t.Elem())
	case reflect.Map:
		f.kind = kindMap
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("the keys of %s are not strings", t)
		}
		if f.keys, err = b.value(t.Key()); err == nil {
			f.values, err = b.value(t.Elem())
		}
	case reflect.Struct:
		return b.record(t)
	default:
		err = fmt.Errorf("%s has no type in a Kong schema", t)
	}
	return f, err
}
