package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxShown bounds how much of a value an error text repeats.
const maxShown = 60

// maxExact is the largest whole number that Lua's doubles hold exactly.
const maxExact = 1 << 53

// normalise turns what JSON and YAML decoders make into the few types that the checks
// know: nil, string, bool, int64, float64, []any, map[string]any. The second result is
// false for anything else.
func normalise(v any) (any, bool) {
	switch v := v.(type) {
	case nil, string, bool, int64, []any, map[string]any:
		return v, true
	case float64:
		return v, true
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, true
		}
		n, err := strconv.ParseFloat(string(v), 64)
		return n, err == nil
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			name, ok := key.(string)
			if !ok {
				name = fmt.Sprint(key)
			}
			m[name] = value
		}
		return m, true
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.String:
		return r.String(), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32:
		return r.Int(), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := r.Uint(); n <= math.MaxInt64 {
			return int64(n), true
		}
		return float64(r.Uint()), true
	case reflect.Float32:
		return r.Float(), true
	case reflect.Slice:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = r.Index(i).Interface()
		}
		return list, true
	}
	return v, false
}

func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// equalScalars compares two normalised values; numbers by value, as Lua does.
func equalScalars(a, b any) bool {
	if x, ok := asFloat(a); ok {
		y, ok := asFloat(b)
		return ok && x == y
	}
	switch a.(type) {
	case string, bool:
		return a == b
	}
	return false
}

// describe names what a value is: "a string".
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case []any:
		return "an array"
	case map[string]any:
		return "a map"
	case time.Time:
		return "a date"
	default:
		return fmt.Sprintf("a %T", v)
	}
}

// show returns a scalar as an error text repeats it: quoted if it is a string, cut if it is
// long, hidden if the field is a secret.
func (f *field) show(v any) string {
	if f.secret() {
		return "the value"
	}
	s, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	return strconv.Quote(cut(s))
}

// cut shortens a text that is too long to repeat.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}

// segment returns a name as part of a path: as it is, or cut, or quoted if it holds
// something that a line of a log should not.
func segment(name string) string {
	name = cut(name)
	for i := 0; i < len(name); i++ {
		if name[i] <= ' ' || name[i] == 0x7f || name[i] == '"' || name[i] == '\\' {
			return strconv.Quote(name)
		}
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// wrongType says what to write instead of a value of another type.
func (f *field) wrongType(v any) string {
	problem := "is " + describe(v) + ", expected " + f.kind.withArticle()
	text, isString := v.(string)
	switch f.kind {
	case kindArray, kindSet:
		switch {
		case f.elements.kind == kindRecord:
			return problem + " of records"
		case f.secret():
			return problem + `: write ["..."]`
		case isString:
			var parts []string
			for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
				parts = append(parts, f.elements.literal(part))
				if len(parts) == 3 {
					break
				}
			}
			return problem + ": write [" + strings.Join(parts, ", ") + "]"
		}
		switch v.(type) {
		case bool, int64, float64:
			return problem + ": write [" + f.elements.literal(fmt.Sprint(v)) + "]"
		}
	case kindString:
		switch v.(type) {
		case bool:
			return problem + ": put it in quotes (without them off, no, on and yes are booleans)"
		case int64, float64, time.Time:
			return problem + ": put it in quotes"
		case []any:
			return problem + ": it takes one value"
		}
	case kindNumber, kindInteger, kindBoolean:
		if _, err := f.parseScalar(text); isString && err == nil {
			return problem + ": take the quotes away"
		}
	case kindMap, kindRecord:
		if f.kind == kindRecord && len(f.fields) > 0 {
			return problem + ` such as {"` + f.fields[0].name + `": ...}`
		}
	}
	return problem
}

// literal returns text as it would be written in JSON for a field like f.
func (f *field) literal(text string) string {
	if f.kind != kindString {
		if _, err := f.parseScalar(text); err == nil {
			return text
		}
	}
	return f.show(text)
}

// isReference reports whether v is a vault reference, by Kong's rule.
func isReference(v any) bool {
	s, ok := v.(string)
	return ok && strings.HasPrefix(s, "{vault://") && strings.HasSuffix(s, "}")
}
