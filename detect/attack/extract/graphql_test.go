package extract

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kongwaf/detect"
)

func graphqlBody(query string) string {
	b, _ := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"v": "2'--"}})
	return string(b)
}

func TestGraphQL(t *testing.T) {
	run(t, []shape{
		{
			name: "literals and variables of a JSON request",
			req:  post("application/json", graphqlBody(`query Q($v: String = "d") { user(id: "1'--", in: {a: {b: "x\"y"}}) { name } }`)),
			want: []string{"body.graphql.args.id=1'-- {json}", "body.graphql.args.b=x\"y {json,json}", "body.json.variables.v=2'--", "body.graphql.args#id {json}"},
		},
		{
			name: "a block string",
			req:  post("application/graphql", `mutation { add(text: """1' " --""") { id } }`),
			want: []string{`body.graphql.args.text=1' " --`},
			not:  []string{`body=mutation { add(text: """1' " --""") { id } }`},
		},
		{
			name: "a batch",
			req:  post("application/json", `[{"query":"{a}"},{"query":"{b(c:\"1'--\")}"}]`),
			want: []string{"body.graphql.args.c=1'-- {json}"},
		},
		{
			name: "undeclared",
			req:  post("", "query { b(c:\"1'--\") }"),
			want: []string{"body.graphql.args.c=1'--"},
		},
		{
			name: "a comment",
			req:  post("application/graphql", "{ a # 1'--\n }"),
			want: []string{"body.graphql.args.comment=1'--"},
		},
		{
			name: "what is no GraphQL is handed out whole as well",
			req:  post("application/json", `{"query":"{ a(id: 1' or 1=1) }"}`),
			want: []string{"body.json.query={ a(id: 1' or 1=1) }"},
		},
		{
			name: "harmless twin: a search query",
			req:  post("application/json", `{"query":"query strings { and braces"}`),
			want: []string{"body.json.query=query strings { and braces"},
		},
		{
			name: "a template expression that resembles GraphQL",
			req:  post("application/json", `{"query":"{system(id)}"}`),
			want: []string{"body.json.query={system(id)}"},
		},
		{
			name: "operators that are not GraphQL's",
			req:  post("application/json", `{"query":"{a|b}"}`),
			want: []string{"body.json.query={a|b}"},
		},
		{
			name: "harmless twin: variables, lists, defaults, directives, fragments",
			req:  post("application/json", graphqlBody(`query Q($a: [ID!]! = [1, -2.5e3], $b: X = {c: true}) @d(e: "f") { x: g(h: $a, i: {j: [k]}) @include(if: $b) { ...F ... on T { l } } } fragment F on T { m }`)),
			want: []string{"body.graphql.args.e=f {json}"},
			not:  []string{"body.json.query=query Q($a: [ID!]! = [1, -2.5e3], $b: X = {c: true}) @d(e: \"f\") { x: g(h: $a, i: {j: [k]}) @include(if: $b) { ...F ... on T { l } } } fragment F on T { m } {json}"},
		},
		{
			name: "a form",
			req:  post(formType, "query=%7Ba(id:%221'--%22)%7D"),
			want: []string{"body.form.graphql.args.id=1'-- {percent}"},
		},
	})
}

func TestGraphQLAbuse(t *testing.T) {
	aliases := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d: user(id: %d) { name } ", i, i)
		}
		return "{" + b.String() + "}"
	}
	deep := func(n int) string { return strings.Repeat("{a", n) + strings.Repeat("}", n) }
	batch := func(n int) string { return "[" + strings.Repeat(`{"query":"{a}"},`, n-1) + `{"query":"{a}"}]` }
	for _, row := range []struct {
		name string
		body string
		what string  // the finding's evidence begins like this; "" for none
		min  float64 // and is at least this sure
	}{
		{name: "very deep", body: graphqlBody(deep(40)), what: "depth", min: 0.7},
		{name: "deep", body: graphqlBody(deep(20)), what: "depth", min: 0.4},
		{name: "harmless twin: of ordinary depth", body: graphqlBody(deep(8))},
		{name: "many aliases", body: graphqlBody(aliases(200)), what: "aliases", min: 0.7},
		{name: "harmless twin: a page with some aliases", body: graphqlBody(aliases(20))},
		{name: "a large batch", body: batch(60), what: "operations", min: 0.7},
		{name: "harmless twin: a small batch", body: batch(5)},
		{name: "introspection", body: graphqlBody("{__schema{types{name}}}"), what: "introspection", min: 0.7},
		{name: "introspection without a keyword", body: graphqlBody("Probe{__schema {queryType { name }}"), what: "introspection", min: 0.7},
		{name: "harmless twin: __typename", body: graphqlBody("{a{__typename}}")},
		{name: "harmless twin: __schema in a string", body: graphqlBody(`{a(b:"__schema")}`)},
		{name: "repeated fields", body: graphqlBody("{" + strings.Repeat("__typename ", 100) + "}"), what: "repeated", min: 0.7},
		{name: "harmless twin: equal names in different selections", body: graphqlBody("{" + strings.Repeat("a{id} b{id} c{id} d{id} e{id} ", 5) + "}")},
		{name: "directives", body: graphqlBody("{a" + strings.Repeat("@x", 200) + "}"), what: "directives", min: 0.7},
		{name: "circular fragments", body: graphqlBody("query{...A} fragment A on T{...B} fragment B on T{x ...A}"), what: "circular", min: 0.7},
		{name: "harmless twin: fragments that build on each other", body: graphqlBody("query{...A ...B} fragment A on T{...B ... on X{y}} fragment B on T{x}")},
		{name: "harmless twin: a query called query", body: graphqlBody("query query{a}")},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, found := leaves(post("application/json", row.body), Limits{}, false)
			if row.what == "" {
				if len(found) > 0 {
					t.Errorf("found %v", found)
				}
				return
			}
			for _, f := range found {
				if f.Class == detect.ClassGraphQL && strings.HasPrefix(f.Evidence, row.what) && f.Confidence >= row.min && f.Place == "body.graphql" {
					return
				}
			}
			t.Errorf("found %v", found)
		})
	}
}

func TestGraphQLLimits(t *testing.T) {
	r := post("application/json", graphqlBody("{a{b{c}}}"))
	if _, _, found := leaves(r, Limits{GraphQL: GraphQLLimits{MaxDepth: 2}}, false); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	r = post("application/json", graphqlBody("{__schema{types{name}}}"))
	if _, _, found := leaves(r, Limits{GraphQL: GraphQLLimits{Introspection: -1}}, false); len(found) != 0 {
		t.Errorf("switched off: found %v", found)
	}
}
