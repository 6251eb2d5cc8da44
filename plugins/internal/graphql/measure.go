package graphql

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// counts are what a selection set asks for, each fragment counted as often as it is spread.
type counts struct {
	depth, aliases, fields int64
	roots                  int64 // fields of the set itself
	cost                   int64
}

// measurer measures the operations of one document.
//
// The cost of a selection set is the sum over its fields, and a field costs 1 + n * the cost
// of its own selection set. n is the number of entries that its arguments ask for: the
// greatest of those in Limits.ListArguments, wherever in its arguments they stand, 1 at least.
// A variable counts with its value, and if the request has none with its default.
type measurer struct {
	limits  *Limits
	around  *envelope
	element int // of the envelope's batch
	// parameters are those of the request, whose variables some servers prefer to the ones of
	// a body.
	parameters *envelope
	defaults   map[use]int64 // entries that the variables' defaults ask for, in any operation
	fragments  map[string]*fragment
	circular   string // name of a fragment that spreads itself
	unread     bool   // a variable's value mattered and could not be read
}

// fragment is a named fragment, measured once.
type fragment struct {
	definition *ast.FragmentDefinition
	state      state
	counts     counts
}

type state uint8

const (
	unmeasured state = iota
	measuring
	measured
)

func (m *measurer) selections(set ast.SelectionSet) (n counts) {
	for _, selection := range set {
		var one counts
		switch s := selection.(type) {
		case *ast.Field:
			one = m.field(s)
		case *ast.InlineFragment:
			one = m.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			one = m.spread(s.Name)
		}
		n = counts{
			depth: max(n.depth, one.depth), aliases: sum(n.aliases, one.aliases), fields: sum(n.fields, one.fields),
			roots: sum(n.roots, one.roots), cost: sum(n.cost, one.cost),
		}
	}
	return n
}

func (m *measurer) field(f *ast.Field) counts {
	n := m.selections(f.SelectionSet)
	n.depth++
	n.fields = sum(n.fields, 1)
	n.roots = 1
	if f.Alias != f.Name {
		n.aliases = sum(n.aliases, 1)
	}
	if n.cost > 0 {
		n.cost = product(n.cost, m.entries(f.Arguments))
	}
	n.cost = sum(n.cost, 1)
	return n
}

func (m *measurer) spread(name string) counts {
	f := m.fragments[name]
	if f == nil {
		return counts{} // a server refuses it
	}
	switch f.state {
	case measuring:
		m.circular = name
	case unmeasured:
		f.state = measuring
		f.counts = m.selections(f.definition.SelectionSet)
		f.state = measured
	}
	return f.counts
}

// entries returns how many entries of a list a field's arguments ask for.
func (m *measurer) entries(arguments ast.ArgumentList) int64 {
	n := int64(1)
	if m.limits.MaxCost <= 0 {
		return n // nobody asks
	}
	for _, a := range arguments {
		n = max(n, m.value(a.Value, m.limits.sizes(a.Name)))
	}
	return n
}

// value returns the greatest number of entries that a value says; sizes says that the value
// itself is such a number.
func (m *measurer) value(v *ast.Value, sizes bool) (n int64) {
	if v == nil {
		return 0
	}
	switch v.Kind {
	case ast.Variable:
		return m.variable(v.Raw, sizes)
	case ast.ObjectValue, ast.ListValue:
		for _, c := range v.Children {
			n = max(n, m.value(c.Value, v.Kind == ast.ObjectValue && m.limits.sizes(c.Name)))
		}
	case ast.IntValue, ast.FloatValue, ast.StringValue, ast.BlockValue:
		if sizes {
			return number(v.Raw)
		}
	}
	return n
}

// variable is value for a variable.
func (m *measurer) variable(name string, sizes bool) int64 {
	vars, others := m.around.variables(m.element), m.parameters.variables(-1)
	if vars.unreadable || others.unreadable {
		m.unread = true
		return 0
	}
	u := use{name: name, sizes: sizes}
	n, ok := vars.entries(u, m.limits)
	if other, beside := others.entries(u, m.limits); beside {
		return max(n, other)
	}
	if ok {
		return n
	}
	return m.defaults[u]
}

// define notes the defaults of an operation's variables.
func (m *measurer) define(definitions ast.VariableDefinitionList) {
	for _, d := range definitions {
		for _, sizes := range [...]bool{false, true} {
			u := use{name: d.Variable, sizes: sizes}
			m.defaults[u] = max(m.defaults[u], m.value(d.DefaultValue, sizes))
		}
	}
}

// number returns a number as a server would coerce it, endless if it is greater than that.
func number(text string) int64 {
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case f >= endless:
		return endless
	case err != nil || f < 0 || f != f:
		return 0
	}
	return int64(f)
}
