package events

import (
	"fmt"
	"reflect"
	"strings"
)

// Schema returns the documentation of the keys as a Markdown table.
func Schema() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| key | type | meaning |\n|---|---|---|\n")
	t := reflect.TypeFor[Event]()
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() {
			continue
		}
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		kind := kindOf(field.Type)
		if options != "" {
			kind += ", optional"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", key, kind, field.Tag.Get("doc"))
	}
	return b.String()
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.Slice:
		return "array of " + kindOf(t.Elem()) + "s"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	}
	return "string"
}
