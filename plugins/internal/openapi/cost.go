package openapi

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// A schema that reaches itself through the branches of oneOf, anyOf or allOf may be asked
// about a value as often as there are ways there: twice as often for each level. What that
// comes to is computed first, once for each pair of a schema and a value, and a body that
// would cost more than costFloor + costFactor for each of its values is not judged but
// refused.
const (
	costFloor  = 200_000
	costFactor = 100
)

// below returns the schemas that are asked about a value itself, and those that are asked
// about what is in it.
func below(s *openapi3.Schema) (same, inner openapi3.SchemaRefs) {
	same = slices.Concat(s.OneOf, s.AnyOf, s.AllOf)
	for _, ref := range []*openapi3.SchemaRef{s.Not, s.If, s.Then, s.Else} {
		if ref != nil {
			same = append(same, ref)
		}
	}
	for _, ref := range s.Properties {
		inner = append(inner, ref)
	}
	for _, ref := range s.PatternProperties {
		inner = append(inner, ref)
	}
	for _, ref := range s.DependentSchemas {
		same = append(same, ref)
	}
	inner = append(inner, s.PrefixItems...)
	for _, ref := range []*openapi3.SchemaRef{s.Items, s.Contains, s.UnevaluatedItems.Schema, s.AdditionalProperties.Schema, s.UnevaluatedProperties.Schema} {
		if ref != nil {
			inner = append(inner, ref)
		}
	}
	return same, inner
}

// branches reports whether a schema reaches itself and has branches on the way, and whether
// it has references of which only judging shows where they lead.
func branches(s *openapi3.Schema) (branching, dynamic bool) {
	open, done := map[*openapi3.Schema]bool{}, map[*openapi3.Schema]bool{}
	circular := false
	var visit func(*openapi3.Schema)
	visit = func(s *openapi3.Schema) {
		if s == nil || done[s] {
			return
		}
		if open[s] {
			circular = true
			return
		}
		open[s] = true
		dynamic = dynamic || s.DynamicRef != ""
		same, inner := below(s)
		branching = branching || len(same) > 0
		for _, ref := range slices.Concat(same, inner) {
			visit(ref.Value)
		}
		open[s], done[s] = false, true
	}
	visit(s)
	return circular && branching, dynamic
}

// pair is a schema and a value that it is asked about, by its number.
type pair struct {
	schema *openapi3.Schema
	value  *node
}

// node is a JSON value whose identity counts.
type node struct {
	fields map[string]*node
	items  []*node
}

// numbered gives every value of a JSON text an identity, and counts them.
func numbered(value any, count *int64) *node {
	*count++
	n := &node{}
	switch value := value.(type) {
	case map[string]any:
		n.fields = make(map[string]*node, len(value))
		for name, v := range value {
			n.fields[name] = numbered(v, count)
		}
	case []any:
		for _, v := range value {
			n.items = append(n.items, numbered(v, count))
		}
	}
	return n
}

// affordable reports whether judging a value costs no more than its size allows.
func (s *schema) affordable(value any) bool {
	if !s.branching {
		return true
	}
	var count int64
	n := numbered(value, &count)
	m := meter{costs: map[pair]int64{}, left: costFloor + costFactor*count}
	cost := m.cost(s.old, n)
	return m.left > 0 && cost <= costFloor+costFactor*count
}

// meter computes costs.
type meter struct {
	costs map[pair]int64
	left  int64 // pairs that may still be looked at
}

func (m *meter) cost(s *openapi3.Schema, n *node) int64 {
	key := pair{s, n}
	if cost, ok := m.costs[key]; ok || s == nil || n == nil || m.left <= 0 {
		return cost
	}
	m.left--
	m.costs[key] = 1 // for schemas that reach themselves without a step
	cost := int64(1)
	add := func(ref *openapi3.SchemaRef, n *node) {
		const endless = 1 << 50
		if ref != nil && n != nil {
			cost = min(cost+m.cost(ref.Value, n), endless)
		}
	}
	same, _ := below(s)
	for _, ref := range same {
		add(ref, n)
	}
	for name, field := range n.fields {
		if ref := s.Properties[name]; ref != nil {
			add(ref, field)
		} else {
			add(s.AdditionalProperties.Schema, field)
		}
		for _, ref := range s.PatternProperties {
			add(ref, field)
		}
		add(s.UnevaluatedProperties.Schema, field)
	}
	for i, item := range n.items {
		if i < len(s.PrefixItems) {
			add(s.PrefixItems[i], item)
		} else {
			add(s.Items, item)
		}
		add(s.Contains, item)
		add(s.UnevaluatedItems.Schema, item)
	}
	m.costs[key] = cost
	return cost
}
