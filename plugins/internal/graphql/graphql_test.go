package graphql

import (
	"fmt"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
)

// judge judges documents of one request as they come from a body; an envelope holds them if
// it is not "".
func judge(l Limits, envelope string, texts ...string) string {
	var documents []extract.Document
	for i, text := range texts {
		d := extract.Document{Text: text, Place: "body.graphql", Element: -1, Envelope: envelope}
		if strings.HasPrefix(envelope, "[") {
			d.Element = i
		}
		documents = append(documents, d)
	}
	return evidence(l.Judge(documents, nil))
}

func evidence(findings []detect.Finding) string {
	var all []string
	for _, f := range findings {
		all = append(all, f.Evidence)
	}
	return strings.Join(all, "; ")
}

// doubling returns n fragments, each of which spreads the next one twice.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString("{...f0}")
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on T{a{...f%d} b{...f%d}}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on T{c}", n)
	return b.String()
}

func TestLimits(t *testing.T) {
	sizes := []string{"first", "last", "limit"}
	deep := func(n int) string { return strings.Repeat("{a", n) + strings.Repeat("}", n) }
	for _, row := range []struct {
		name     string
		limits   Limits
		envelope string
		text     string
		want     string // "" for the harmless twin
	}{
		{name: "deep", limits: Limits{MaxDepth: 15}, text: deep(17), want: "depth 17, limit 15"},
		{name: "as deep as may be", limits: Limits{MaxDepth: 15}, text: deep(15)},
		{name: "deep by fragments", limits: Limits{MaxDepth: 3}, text: "{a{...f}} fragment f on T{b{...g}} fragment g on T{c{d}}", want: "depth 4, limit 3"},
		{name: "input objects are no depth", limits: Limits{MaxDepth: 1}, text: "{a(b:{c:{d:{e:1}}})}"},
		{name: "inline fragments are no depth", limits: Limits{MaxDepth: 2}, text: "{a{... on T{... on U{b}}}}"},

		{name: "aliases", limits: Limits{MaxAliases: 2}, text: "{x:a y:a z:a}", want: "aliases 3, limit 2"},
		{name: "aliases by fragments", limits: Limits{MaxAliases: 3}, text: "{a{...f} b{...f}} fragment f on T{x:c y:c}", want: "aliases 4, limit 3"},
		{name: "aliases of another operation", limits: Limits{MaxAliases: 2}, text: "query a{x:a y:a} query b{z:a}"},
		{name: "arguments are no aliases", limits: Limits{MaxAliases: 1}, text: "{a(b:1,c:{d:2})}"},

		{name: "root fields", limits: Limits{MaxRootFields: 2}, text: "mutation{a b c}", want: "root fields 3, limit 2"},
		{name: "root fields by fragments", limits: Limits{MaxRootFields: 2}, text: "{...f ...on Q{b}} fragment f on Q{a c}", want: "root fields 3, limit 2"},
		{name: "fields below", limits: Limits{MaxRootFields: 1}, text: "{a{b c d}}"},

		{name: "directives", limits: Limits{MaxDirectives: 2}, text: "{a@x@x@x}", want: "directives 3, limit 2"},
		{name: "some directives", limits: Limits{MaxDirectives: 2}, text: "query($a:Boolean!){b@include(if:$a)}"},

		{name: "introspection", limits: Limits{DenyIntrospection: true}, text: "{__schema{types{name}}}", want: "introspection: __schema"},
		{name: "of one type", limits: Limits{DenyIntrospection: true}, text: `{x:__type(name:"T"){name}}`, want: "introspection: __type"},
		{name: "in a fragment", limits: Limits{DenyIntrospection: true}, text: `{...f} fragment f on Q{__schema{types{name}}}`, want: "introspection: __schema"},
		{name: "the name of a type", limits: Limits{DenyIntrospection: true}, text: `{a(b:"__schema",c:{__type:1}){__typename}} # __schema`},
		{name: "introspection allowed", text: "{__schema{types{name}}}"},

		{name: "fields cost one", limits: Limits{MaxCost: 2}, text: "{a{b} c}", want: "cost 3, limit 2"},
		{name: "lists multiply", limits: Limits{MaxCost: 1100, ListArguments: sizes}, text: "{a(first:100){b(last:10){c}}}", want: "cost 1101, limit 1100"},
		{name: "exactly", limits: Limits{MaxCost: 1101, ListArguments: sizes}, text: "{a(first:100){b(last:10){c}}}"},
		{name: "lists without a selection", limits: Limits{MaxCost: 5, ListArguments: sizes}, text: "{a(first:100)}"},
		{name: "another argument", limits: Limits{MaxCost: 5, ListArguments: sizes}, text: "{a(year:2026){b}}"},
		{name: "in an input object", limits: Limits{MaxCost: 50, ListArguments: sizes}, text: "{a(page:{first:100}){b}}", want: "cost 101, limit 50"},
		{name: "as text", limits: Limits{MaxCost: 50, ListArguments: sizes}, text: `{a(first:"100"){b}}`, want: "cost 101, limit 50"},
		{name: "beyond count", limits: Limits{MaxCost: 50, ListArguments: sizes}, text: `{a(first:9999999999999999999999){b(first:99999999999){c}}}`, want: "cost beyond count, limit 50"},
		{name: "below nought", limits: Limits{MaxCost: 50, ListArguments: sizes}, text: `{a(first:-100){b}}`},
		{name: "a variable", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variables":{"n":100}}`,
			text: "query($n:Int){a(first:$n){b}}", want: "cost 101, limit 50"},
		{name: "a variable that is small", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variables":{"n":10,"m":1000}}`,
			text: "query($n:Int,$m:Int){a(first:$n,after:$m){b}}"},
		{name: "a variable within", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variables":{"p":{"first":100}}}`,
			text: "query($p:Page){a(page:$p){b}}", want: "cost 101, limit 50"},
		{name: "variables as Go's JSON finds them", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variable\u017f":{"n":100}}`,
			text: "query($n:Int){a(first:$n){b}}", want: "cost 101, limit 50"},
		{name: "variables under two names", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variables":{"n":1},"Variables":{"n":100}}`,
			text: "query($n:Int){a(first:$n){b}}", want: "variables: the values that say how long lists are cannot be told"},
		{name: "variables as text", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variables":"{\"n\":100}"}`,
			text: "query($n:Int){a(first:$n){b}}", want: "cost 101, limit 50"},
		{name: "a default", limits: Limits{MaxCost: 50, ListArguments: sizes}, text: "query($n:Int=100){a(first:$n){b}}", want: "cost 101, limit 50"},
		{name: "a default of another operation", limits: Limits{MaxCost: 50, ListArguments: sizes},
			text: "query x($n:Int=100){a(first:$n){b}} query y($n:Int=1){a(first:$n){b}}", want: "cost 101, limit 50"},
		{name: "a variable twice", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variables":{"n":100,"n":1}}`,
			text: "query($n:Int){a(first:$n){b}}", want: "variables: the values that say how long lists are cannot be told"},
		{name: "a variable twice where no list matters", limits: Limits{MaxCost: 50, ListArguments: sizes}, envelope: `{"variables":{"n":100,"n":1}}`, text: "{a}"},

		{name: "circular", text: "{...f} fragment f on T{...g} fragment g on T{a{...f}}", want: "circular fragment: f"},
		{name: "fragments that build on each other", text: "{...f ...g} fragment f on T{...g} fragment g on T{a}"},
		{name: "exponential", text: doubling(500), want: "fragments: they stand for more than 50000 fields"},
		{name: "some doubling", text: doubling(10)},
		{name: "an unknown fragment", text: "{...f}"},

		{name: "many tokens", text: "{" + strings.Repeat("a ", maxTokens) + "}", want: "tokens: more than 15000"},
		{name: "endless nesting", text: strings.Repeat("{a", 7000), want: "nesting 7000, limit 200"},
		{name: "endless lists", text: "{a(b:" + strings.Repeat("[", 14000), want: "nesting 14002, limit 200"},

		{name: "no document", limits: Limits{Strict: true}, text: "{a(}", want: "syntax: no GraphQL document, from line 1, column 4"},
		{name: "no document, not strict", text: "{a(}"},
		{name: "no document, counted by its tokens", limits: Limits{MaxDepth: 2, MaxAliases: 1}, text: "{x:a{y:b{c}}} !", want: "depth 3, limit 2; aliases 2, limit 1"},
		{name: "a description", limits: Limits{Strict: true}, text: `"what it is for" query a{b}`},
		{name: "a byte order mark", limits: Limits{Strict: true}, text: "\ufeff{a}"},
	} {
		if got := judge(row.limits, row.envelope, row.text); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestBatches(t *testing.T) {
	l := Limits{MaxBatch: 2, MaxCost: 10, ListArguments: []string{"first"}}
	three := `[{"query":"{a}"},{"id":"x"},{"id":"y"}]`
	if got := judge(l, three, "{a}"); got != "batch 3, limit 2" {
		t.Errorf("operations that are named by their id count too: %q", got)
	}
	if got := judge(l, `[{"query":"{a}","query":"{b}"},`, "{a}", "{b}", "{c}"); got != "batch 3, limit 2" {
		t.Errorf("a batch that cannot be read: %q", got)
	}
	two := `[{"query":"","variables":{"n":2}},{"query":"","variables":{"n":6}}]`
	const text = "query($n:Int){a(first:$n){b}}"
	if got := judge(l, two, text); got != "" {
		t.Errorf("an element has its own variables: %q", got)
	}
	l.MaxCost = 9
	if got := judge(l, two, text, text); got != "cost 10, limit 9" {
		t.Errorf("the cost of a batch is the sum: %q", got)
	}
	if got := evidence((&Limits{MaxBatch: 2}).Judge([]extract.Document{{Place: "body", Element: -1, Envelope: `[{"id":"x"},{"id":"y"},{"id":"z"}]`}}, nil)); got != "batch 3, limit 2" {
		t.Errorf("a batch without a document: %q", got)
	}
}

func TestParameters(t *testing.T) {
	l := Limits{MaxCost: 10, ListArguments: []string{"first"}}
	documents := []extract.Document{{Text: "query($n:Int){a(first:$n){b}}", Place: "query.graphql", Element: -1}}
	for text, want := range map[string]string{`{"n":100}`: "cost 101, limit 10", `{"n":1}`: "", "": "", `{"n":1,"n":1}`: "variables: the values that say how long lists are cannot be told"} {
		if got := evidence(l.Judge(documents, []string{text})); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
	if got := evidence(l.Judge(documents, []string{`{"n":1}`, `{"n":1}`})); !strings.HasPrefix(got, "variables") {
		t.Errorf("variables twice: %q", got)
	}
	documents[0].Cut = true
	if got := evidence(l.Judge(documents, nil)); !strings.HasPrefix(got, "variables") {
		t.Errorf("variables behind what is held: %q", got)
	}
}

// FuzzJudge: no document and no envelope panics, each judgement is the same twice, and what
// GraphQL ignores changes none.
func FuzzJudge(f *testing.F) {
	for _, text := range []string{doubling(12), "query($n:Int=3){a(first:$n){b ...f @x}} fragment f on T{c:d}", "{...f} fragment f on T{...f}", `{a(b:"""c""",d:[{e:$f}])}`, "{{{", "\"d\" query{a}", "subscription{a} {b}"} {
		f.Add(text, `{"variables":{"n":[{"first":1e9}]}}`)
		f.Add(text, `[{"variables":{"n":1}}`)
	}
	f.Fuzz(func(t *testing.T, text, envelope string) {
		l := Limits{MaxDepth: 3, MaxAliases: 2, MaxRootFields: 2, MaxBatch: 1, MaxDirectives: 1, MaxCost: 20, ListArguments: []string{"first"}, DenyIntrospection: true}
		first, second := judge(l, envelope, text), judge(l, envelope, text)
		if first != second {
			t.Fatalf("%q, then %q", first, second)
		}
		if third := judge(l, envelope, " ,"+text+"\n# a comment: {a{b}}"); third != first && !strings.Contains(text, `"`) {
			t.Fatalf("%q, with white space around it %q", first, third)
		}
	})
}

// BenchmarkJudge reports what a query of a page costs beside the engine's own look at it.
func BenchmarkJudge(b *testing.B) {
	l := Limits{MaxDepth: 10, MaxAliases: 20, MaxCost: 1000, ListArguments: []string{"first"}}
	document := []extract.Document{{
		Text:     `query Shop($n:Int!){shop(id:"17"){name products(first:$n){edges{node{id title price ...image}}}}} fragment image on Product{image{url alt}}`,
		Place:    "body.graphql",
		Element:  -1,
		Envelope: `{"query":"...","variables":{"n":10}}`,
	}}
	b.ReportAllocs()
	for b.Loop() {
		if found := l.Judge(document, nil); found != nil {
			b.Fatal(found)
		}
	}
}
