package graphql

import (
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"kongwaf/detect/attack/extract"
)

// document judges one document and returns its cost.
func (j *judgement) document(d *extract.Document, around, parameters *envelope) (cost int64) {
	source := &ast.Source{Input: d.Text}
	t := scan(source)
	switch {
	case t.count > maxTokens:
		j.add(d.Place, fmt.Sprintf("tokens: more than %d", maxTokens))
		return 0
	case t.nesting > maxNesting:
		j.add(d.Place, fmt.Sprintf("nesting %d, limit %d", t.nesting, maxNesting))
		return 0
	}
	parsed, err := parser.ParseQueryWithTokenLimit(source, maxTokens)
	if err != nil || !t.whole {
		j.unparsed(d, &t, err)
		return 0
	}
	m := measurer{limits: j.limits, around: around, parameters: parameters, element: d.Element, defaults: map[use]int64{}, fragments: map[string]*fragment{}}
	for _, f := range parsed.Fragments {
		m.fragments[f.Name] = &fragment{definition: f}
	}
	for _, o := range parsed.Operations {
		m.define(o.VariableDefinitions)
	}
	var most counts
	for _, o := range parsed.Operations {
		n := m.selections(o.SelectionSet)
		most = counts{
			depth: max(most.depth, n.depth), aliases: max(most.aliases, n.aliases), roots: max(most.roots, n.roots),
			fields: max(most.fields, n.fields), cost: max(most.cost, n.cost),
		}
	}
	if m.circular != "" {
		j.add(d.Place, "circular fragment: "+short(m.circular))
		return 0
	}
	if most.fields > maxFields {
		j.add(d.Place, fmt.Sprintf("fragments: they stand for more than %d fields", maxFields))
	}
	if m.unread && j.limits.MaxCost > 0 {
		j.add(d.Place, "variables: the values that say how long lists are cannot be told")
	}
	j.over(d.Place, "depth", most.depth, j.limits.MaxDepth)
	j.over(d.Place, "aliases", most.aliases, j.limits.MaxAliases)
	j.over(d.Place, "root fields", most.roots, j.limits.MaxRootFields)
	j.over(d.Place, "directives", int64(t.directives), j.limits.MaxDirectives)
	j.introspection(d, &t)
	return most.cost
}

// unparsed judges a document that is none, by what its tokens show.
func (j *judgement) unparsed(d *extract.Document, t *tokens, err error) {
	if j.limits.Strict {
		j.add(d.Place, "syntax: "+syntax(err))
		return
	}
	j.over(d.Place, "depth", int64(t.depth), j.limits.MaxDepth)
	j.over(d.Place, "aliases", int64(t.aliases), j.limits.MaxAliases)
	j.over(d.Place, "directives", int64(t.directives), j.limits.MaxDirectives)
	j.introspection(d, t)
}

func (j *judgement) introspection(d *extract.Document, t *tokens) {
	if t.introspection != "" && j.limits.DenyIntrospection {
		j.add(d.Place, "introspection: "+t.introspection)
	}
}

// syntax says where a document goes wrong, and shows nothing of it.
func syntax(err error) string {
	var e *gqlerror.Error
	if errors.As(err, &e) && len(e.Locations) > 0 {
		return fmt.Sprintf("no GraphQL document, from line %d, column %d", e.Locations[0].Line, e.Locations[0].Column)
	}
	return "no GraphQL document"
}

// short bounds a name of a document in evidence.
func short(name string) string { return name[:min(len(name), 40)] }
