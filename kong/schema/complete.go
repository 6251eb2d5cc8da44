package schema

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Complete validates a config as read from YAML or JSON and returns it as Kong sends it to
// the plugin server: defaults filled in, also inside records that the user left out; fields
// without a value missing; numbers as int64 or float64. A nil config is an empty one. The
// input is not changed. With errors, the returned config is as complete as it could be made
// and must not be used. Vault references are left as they are, unresolved.
func (s *Schema) Complete(config map[string]any) (map[string]any, []FieldError) {
	c := completer{schema: s}
	out := c.config(config)
	return out, c.errs.capped()
}

// Deprecated returns a warning for each deprecated field that the config sets.
func (s *Schema) Deprecated(config map[string]any) []FieldError {
	return s.config.deprecations(config, "config")
}

func (f *field) deprecations(config map[string]any, path string) []FieldError {
	var out []FieldError
	for _, sub := range f.fields {
		v, _ := normalise(config[sub.name])
		if v == nil {
			continue
		}
		at := path + "." + sub.name
		if d := sub.deprecated; d != nil {
			out = append(out, FieldError{at, "is deprecated and will go with version " + d.removal + ": write " + d.sibling(at)})
		}
		if m, ok := v.(map[string]any); ok && sub.kind == kindRecord {
			out = append(out, sub.deprecations(m, at)...)
		}
	}
	return out
}

// completer walks one config along its schema.
type completer struct {
	schema *Schema
	errs   Errors
	// resolved says that Kong has sent the config: references are resolved, and records
	// carry Kong's bookkeeping.
	resolved bool
}

func (c *completer) fail(path, format string, args ...any) {
	c.errs = append(c.errs, FieldError{path, fmt.Sprintf(format, args...)})
}

// config completes the outermost record and runs the checks across fields.
func (c *completer) config(in map[string]any) map[string]any {
	out := c.record("config", c.schema.config, in)
	if len(c.errs) > 0 {
		return out // the checks would only repeat what is wrong already
	}
	for i := range c.schema.checks {
		c.errs = append(c.errs, c.schema.checks[i].run(c.schema, out)...)
	}
	return out
}

// record completes one record.
func (c *completer) record(path string, f *field, in map[string]any) map[string]any {
	out := make(map[string]any, len(f.fields))
	for _, sub := range f.fields {
		at := path + "." + sub.name
		raw, given := in[sub.name]
		v, known := normalise(raw)
		switch {
		case v == nil && sub.hasDefault && (!given || c.resolved):
			// Kong fills in a default for a field that is not there; an explicit null
			// takes the default away.
			v = copyOf(sub.def)
		case v == nil && sub.kind == kindRecord && sub.required && (!given || c.resolved):
			v = map[string]any{}
		case v == nil && sub.required:
			c.fail(at, "required field missing: %s", sub.wanted())
			continue
		case v == nil:
			continue
		case !known:
			c.fail(at, "%s", sub.wrongType(v))
			continue
		}
		if v, ok := c.value(at, sub, v); ok {
			out[sub.name] = v
		}
	}
	if len(in) > 0 {
		c.unknown(path, f, in)
	}
	return out
}

// unknown refuses the members of a record that its schema does not have.
func (c *completer) unknown(path string, f *field, in map[string]any) {
	var names []string
	for name := range in {
		if f.child(name) == nil && !(c.resolved && name == "$refs") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		c.fail(path+"."+segment(name), "%s", c.schema.unknownField(f, name))
	}
}

// value checks a value that is there and returns it completed. The result is false if it
// has a problem, which is noted.
func (c *completer) value(path string, f *field, v any) (any, bool) {
	before := len(c.errs)
	v, known := normalise(v)
	if !known || v == nil {
		if v == nil {
			c.fail(path, "is null, expected %s", f.kind.withArticle())
		} else {
			c.fail(path, "%s", f.wrongType(v))
		}
		return nil, false
	}
	v = c.typed(path, f, v)
	if len(c.errs) == before && !(f.referenceable && isReference(v)) {
		if problem := f.broken(v); problem != "" {
			c.fail(path, "%s", problem)
		}
	}
	return v, len(c.errs) == before
}

// typed checks the type of a value and completes what is inside it.
func (c *completer) typed(path string, f *field, v any) any {
	switch f.kind {
	case kindString:
		if s, ok := v.(string); ok {
			return c.stringValue(path, f, s)
		}
	case kindBoolean:
		if _, ok := v.(bool); ok {
			return v
		}
	case kindInteger, kindNumber:
		if n, ok := asFloat(v); ok {
			return c.number(path, f, v, n)
		}
	case kindArray, kindSet:
		// Lua has one empty table: {} is an empty array, too.
		if m, ok := v.(map[string]any); ok && len(m) == 0 {
			return []any{}
		}
		if list, ok := v.([]any); ok {
			return c.list(path, f, list)
		}
	case kindMap, kindRecord:
		if list, ok := v.([]any); ok && len(list) == 0 {
			v = map[string]any{}
		}
		if m, ok := v.(map[string]any); ok {
			if f.kind == kindRecord {
				return c.record(path, f, m)
			}
			return c.mapping(path, f, m)
		}
	}
	c.fail(path, "%s", f.wrongType(v))
	return nil
}

func (c *completer) stringValue(path string, f *field, s string) any {
	if c.resolved && f.referenceable {
		if s == "" && f.minLength() > 0 {
			c.fail(path, "is empty: Kong could not resolve its vault reference")
		}
		if isReference(s) {
			c.fail(path, "is still a vault reference: Kong resolves references before it sends a config")
		}
	}
	return s
}

func (c *completer) number(path string, f *field, v any, n float64) any {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		c.fail(path, "is not a finite number")
		return nil
	}
	if f.kind == kindNumber {
		return v
	}
	switch {
	case n != math.Trunc(n):
		c.fail(path, "%s is not a whole number", f.show(v))
	case math.Abs(n) > maxExact:
		c.fail(path, "%s is too large", f.show(v))
	}
	return int64(n)
}

func (c *completer) list(path string, f *field, list []any) any {
	out := make([]any, 0, len(list))
	seen := map[any]bool{}
	for i, v := range list {
		if v, ok := c.value(path+"["+strconv.Itoa(i)+"]", f.elements, v); ok {
			if f.kind == kindSet {
				entry, scalar := identity(v)
				if scalar && seen[entry] {
					continue
				}
				seen[entry] = true
			}
			out = append(out, v)
		}
		if len(c.errs) > maxErrors {
			break
		}
	}
	return out
}

// identity returns what a scalar is told apart by in a set, and whether v is one.
func identity(v any) (any, bool) {
	if n, ok := asFloat(v); ok {
		return n, true
	}
	switch v.(type) {
	case string, bool:
		return v, true
	}
	return nil, false
}

func (c *completer) mapping(path string, f *field, m map[string]any) any {
	out := make(map[string]any, len(m))
	names := make([]string, 0, len(m))
	for name := range m {
		if name != "$refs" || !c.resolved {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		at := path + "." + segment(name)
		_, keyOK := c.value(at, f.keys, name)
		if v, ok := c.value(at, f.values, m[name]); ok && keyOK {
			out[name] = v
		}
	}
	return out
}

// broken says which rule of the schema a value of the right type breaks, "" if none.
func (f *field) broken(v any) string {
	problem := f.brokenRule(v)
	if problem != "" && f.errText != "" {
		return f.show(v) + " " + f.errText
	}
	return problem
}

func (f *field) brokenRule(v any) string {
	if f.oneOf != nil && !slices.ContainsFunc(f.oneOf, func(o any) bool { return equalScalars(o, v) }) {
		options := f.options()
		problem := f.show(v) + " is not one of " + strings.Join(options, ", ")
		if s, ok := v.(string); ok && !f.secret() {
			if near := nearest(s, options); near != "" {
				problem += `: did you mean "` + near + `"?`
			}
		}
		return problem
	}
	if n, ok := asFloat(v); ok {
		switch {
		case f.between != nil && (n < f.between[0] || n > f.between[1]):
			return fmt.Sprintf("%s is not between %v and %v", f.show(v), f.between[0], f.between[1])
		case f.gt != nil && n <= *f.gt:
			return fmt.Sprintf("%s is not greater than %v", f.show(v), *f.gt)
		}
		return ""
	}
	length, unit := 0, "entries"
	switch v := v.(type) {
	case string:
		length, unit = len(v), "bytes"
	case []any:
		length = len(v)
	case map[string]any:
		length = len(v)
	default:
		return ""
	}
	switch least := f.minLength(); {
	case f.kind == kindRecord:
		return ""
	case length == 0 && least > 0:
		return "is empty: write " + f.wanted() + ", or leave the field out"
	case length < least:
		return fmt.Sprintf("has %d %s, needs at least %d", length, unit, least)
	case f.lenMax != nil && length > *f.lenMax:
		return fmt.Sprintf("has %d %s, at most %d are allowed", length, unit, *f.lenMax)
	}
	s, ok := v.(string)
	if ok && f.pattern != nil && !f.pattern.Match(s) {
		return f.show(v) + " does not match the Lua pattern " + f.pattern.String()
	}
	if ok && f.format != nil {
		if err := f.format.Check(s); err != nil && f.secret() {
			return f.format.Err
		} else if err != nil {
			return err.Error()
		}
	}
	return ""
}

// options returns the values of oneof as text.
func (f *field) options() []string {
	out := make([]string, len(f.oneOf))
	for i, o := range f.oneOf {
		out[i] = fmt.Sprint(o)
	}
	return out
}

// wanted says what belongs into the field: "one of off, block", "an array of strings".
func (f *field) wanted() string {
	switch {
	case f.oneOf != nil:
		return "one of " + strings.Join(f.options(), ", ")
	case f.elements != nil && f.elements.oneOf != nil:
		return "an array of " + strings.Join(f.elements.options(), ", ")
	case f.elements != nil:
		return "an array of " + string(f.elements.kind) + "s"
	}
	return f.kind.withArticle()
}

// copyOf copies a default, so that no two configs share a list.
func copyOf(v any) any {
	switch v := v.(type) {
	case []any:
		return slices.Clone(v)
	case map[string]any:
		return map[string]any{}
	}
	return v
}
