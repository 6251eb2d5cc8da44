package schema

import (
	"errors"
	"fmt"
	"strings"
)

// run applies the check to a complete config and returns its problems.
func (c *EntityCheck) run(s *Schema, config map[string]any) Errors {
	fail := func(path, format string, args ...any) Errors {
		return Errors{{Path: path, Problem: fmt.Sprintf(format, args...)}}
	}
	switch {
	case c.fn != nil:
		return asErrors(c.fn(config))
	case c.raw != nil:
		return nil
	case c.cond != nil:
		return c.runCondition(s, config)
	}
	for _, name := range c.fields {
		// An unresolved vault reference may turn out to be anything.
		if f := s.config.lookup(name); f.referenceable && isReference(valueAt(config, name)) {
			return nil
		}
	}
	set := 0
	for _, name := range c.fields {
		if nonEmpty(valueAt(config, name)) {
			set++
		}
	}
	switch {
	case c.name == "at_least_one_of" && set == 0:
		return fail("config", "at least one of these fields must be non-empty: %s", quoted(c.fields))
	case c.name == "mutually_exclusive" && set > 1:
		return fail("config", "only one or none of these fields must be set: %s", quoted(c.fields))
	}
	return nil
}

// runCondition applies the two conditional checks.
func (c *EntityCheck) runCondition(s *Schema, config map[string]any) Errors {
	ifField := s.config.lookup(c.cond.IfField)
	ifValue := valueAt(config, c.cond.IfField)
	required := c.cond.IfMatch.Required || ifField.required
	if c.cond.IfMatch.problem(ifValue, required) != "" {
		return nil
	}
	if c.name == "conditional_at_least_one_of" {
		for _, name := range c.cond.ThenAtLeastOneOf {
			if nonEmpty(valueAt(config, name)) {
				return nil
			}
		}
		problem := "at least one of these fields must be non-empty: %s"
		if c.cond.ThenErr != "" {
			problem = c.cond.ThenErr
		}
		return Errors{{Path: "config", Problem: luaFormat(problem, quoted(c.cond.ThenAtLeastOneOf))}}
	}
	problem := c.cond.ThenMatch.problem(valueAt(config, c.cond.ThenField), c.cond.ThenMatch.Required)
	if problem == "" {
		return nil
	}
	if c.cond.ThenErr != "" {
		problem = luaFormat(c.cond.ThenErr, "config."+c.cond.IfField)
	} else {
		problem += ", given the value of config." + c.cond.IfField
	}
	return Errors{{Path: "config." + c.cond.ThenField, Problem: problem}}
}

// problem says why a value does not match, "" if it does. Kong asks of a value that is not
// set only Required and Eq.
func (m *Match) problem(v any, required bool) string {
	if v == nil {
		if required || m.Eq != nil {
			return "required field missing"
		}
		return ""
	}
	v, _ = normalise(v)
	if m.Eq != nil {
		if want, _ := normalise(m.Eq); !equalScalars(v, want) {
			return fmt.Sprintf("must be %v", m.Eq)
		}
	}
	if m.OneOf != nil {
		found := false
		for _, option := range m.OneOf {
			found = found || v == option
		}
		if !found {
			return "must be one of " + strings.Join(m.OneOf, ", ")
		}
	}
	if n, ok := asFloat(v); m.Gt != nil && (!ok || n <= *m.Gt) {
		return fmt.Sprintf("must be greater than %v", *m.Gt)
	}
	if m.Contains != "" {
		list, _ := v.([]any)
		for _, entry := range list {
			if entry == m.Contains {
				return ""
			}
		}
		return "must contain " + m.Contains
	}
	return ""
}

// luaFormat fills the one %s that a ThenErr may hold.
func luaFormat(format, arg string) string { return strings.Replace(format, "%s", arg, 1) }

// valueAt returns the value at a dotted path, nil if there is none.
func valueAt(config map[string]any, path string) any {
	var v any = config
	for path != "" {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		head, rest, _ := strings.Cut(path, ".")
		v, path = m[head], rest
	}
	return v
}

// nonEmpty is Kong's idea of a field that has a value.
func nonEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// asErrors turns the error of a custom check into Errors.
func asErrors(err error) Errors {
	if err == nil {
		return nil
	}
	var many Errors
	if errors.As(err, &many) {
		return many
	}
	var one FieldError
	if errors.As(err, &one) {
		return Errors{one}
	}
	return Errors{{Path: "config", Problem: err.Error()}}
}
