package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// EntityCheck is a rule across fields, made by one of the functions below. Kong enforces
// it, and so do Decode and Complete, by Kong's own rules and in its words.
type EntityCheck struct {
	name string // Kong's name of the check; empty for a check in Go only
	// fields are the fields of a check that lists fields.
	fields []string
	// cond holds the arguments of the conditional checks.
	cond *Condition
	raw  json.RawMessage
	fn   func(config map[string]any) error
}

// AtLeastOneOf refuses a config in which none of the fields has a value.
func AtLeastOneOf(fields ...string) EntityCheck {
	return EntityCheck{name: "at_least_one_of", fields: fields}
}

// MutuallyExclusive refuses a config in which more than one of the fields has a value.
func MutuallyExclusive(fields ...string) EntityCheck {
	return EntityCheck{name: "mutually_exclusive", fields: fields}
}

// Condition is the arguments of Conditional and ConditionalAtLeastOneOf.
type Condition struct {
	IfField string
	IfMatch Match
	// ThenField and ThenMatch are for Conditional.
	ThenField string
	ThenMatch Match
	// ThenAtLeastOneOf is for ConditionalAtLeastOneOf.
	ThenAtLeastOneOf []string
	// ThenErr replaces Kong's text. It may hold one %s: Conditional puts the name of
	// IfField there, ConditionalAtLeastOneOf the list of fields.
	ThenErr string
}

// Match is what a field must be like: every rule that is set. Only those needed so far
// exist.
type Match struct {
	// Required asks that the field has a value. Without it Kong takes a field that is not
	// set for a match, whatever the other rules say.
	Required bool
	Eq       any // string, bool or number
	OneOf    []string
	Contains string // a list that holds this entry
	Gt       *float64
}

// Conditional refuses a config in which IfField matches and ThenField does not.
func Conditional(c Condition) EntityCheck {
	return EntityCheck{name: "conditional", cond: &c}
}

// ConditionalAtLeastOneOf refuses a config in which IfField matches and none of the fields
// in ThenAtLeastOneOf has a value.
func ConditionalAtLeastOneOf(c Condition) EntityCheck {
	return EntityCheck{name: "conditional_at_least_one_of", cond: &c}
}

// Custom is any other check: raw is given to Kong as it is (fields named from "config."
// on), check is what Decode and Complete run. Either may be nil; with a nil raw only we
// enforce it. check is handed a complete config and must not change it; it may return a
// FieldError or Errors to name a field.
func Custom(raw json.RawMessage, check func(config map[string]any) error) EntityCheck {
	return EntityCheck{raw: raw, fn: check}
}

// attributes returns the check for Kong, nil if it is not for Kong.
func (c *EntityCheck) attributes() object {
	qualify := func(fields []string) []string {
		out := make([]string, len(fields))
		for i := range fields {
			out[i] = "config." + fields[i]
		}
		return out
	}
	switch {
	case c.raw != nil:
		var o object
		var members map[string]json.RawMessage
		if json.Unmarshal(c.raw, &members) == nil {
			for name, value := range members { // one member, Of has looked
				o.set(name, value)
			}
		}
		return o
	case c.fn != nil:
		return nil
	case c.cond == nil:
		return object{{c.name, qualify(c.fields)}}
	}
	arg := object{{"if_field", "config." + c.cond.IfField}, {"if_match", c.cond.IfMatch.attributes()}}
	if c.name == "conditional" {
		arg.set("then_field", "config."+c.cond.ThenField)
		arg.set("then_match", c.cond.ThenMatch.attributes())
	} else {
		arg.set("then_at_least_one_of", qualify(c.cond.ThenAtLeastOneOf))
	}
	if c.cond.ThenErr != "" {
		arg.set("then_err", c.cond.ThenErr)
	}
	return object{{c.name, arg}}
}

func (m *Match) attributes() object {
	o := object{}
	if m.Required {
		o.set("required", true)
	}
	if m.Eq != nil {
		o.set("eq", m.Eq)
	}
	if m.OneOf != nil {
		o.set("one_of", m.OneOf)
	}
	if m.Contains != "" {
		o.set("contains", m.Contains)
	}
	if m.Gt != nil {
		o.set("gt", *m.Gt)
	}
	return o
}

// resolveChecks verifies that the checks name fields that exist.
func (s *Schema) resolveChecks() error {
	for i := range s.checks {
		c := &s.checks[i]
		if c.raw != nil {
			var members map[string]json.RawMessage
			if err := json.Unmarshal(c.raw, &members); err != nil || len(members) != 1 {
				return fmt.Errorf(`a custom entity check must be JSON of the form {"name": arguments}`)
			}
			continue
		}
		names := c.names()
		if len(names) == 0 && c.fn == nil {
			return fmt.Errorf("entity check %s names no fields", c.name)
		}
		for _, name := range names {
			if s.config.lookup(name) == nil {
				return fmt.Errorf("entity check %s names the field %q, which does not exist", c.name, name)
			}
		}
	}
	return nil
}

// names returns the fields that the check reads.
func (c *EntityCheck) names() []string {
	if c.cond == nil {
		return c.fields
	}
	names := append([]string{c.cond.IfField}, c.cond.ThenAtLeastOneOf...)
	if c.cond.ThenField != "" {
		names = append(names, c.cond.ThenField)
	}
	return names
}

// quoted lists fields as Kong does: 'config.a', 'config.b'.
func quoted(fields []string) string {
	out := make([]string, len(fields))
	for i := range fields {
		out[i] = "'config." + fields[i] + "'"
	}
	return strings.Join(out, ", ")
}
