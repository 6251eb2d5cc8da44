package extract

import (
	"fmt"
	"slices"
	"testing"
)

func TestNested(t *testing.T) {
	runShapes(t, []shape{
		{
			name: "JSON in a query value",
			req:  get(`/?data={"user":{"n":["1'--"]}}`),
			want: []string{"query.data.json#user", "query.data.json.user.n[0]=1'--"},
		},
		{
			name: "harmless twin: brackets in prose",
			req:  get(`/?q=[sic]+{really}`),
			not:  []string{"query.q.json=sic"},
		},
		{
			name: "a form in JSON",
			req:  post("application/json", `{"params":"a=1&b=2'--"}`),
			want: []string{"body.json.params.form.b=2'--"},
		},
		{
			name: "harmless twin: an equation in prose",
			req:  post("application/json", `{"text":"I think that a = b"}`),
			not:  []string{"body.json.text.form.b="},
		},
		{
			name: "padding of base64 is no form",
			req:  post("application/json", `{"text":"QUJD=="}`),
			not:  []string{"body.json.text.form.QUJD=="},
		},
		{
			name: "JSON in JSON in JSON",
			req:  post("application/json", `{"a":"{\"b\":\"{\\\"c\\\":\\\"1'--\\\"}\"}"}`),
			want: []string{"body.json.a.json.b.json.c=1'-- {json,json}"},
		},
		{
			name: "a URL's query",
			req:  get("/?u=https://x.example/y?z=1'--"),
			want: []string{"query.u.query.z=1'--"},
		},
		{
			name: "XML in JSON",
			req:  post("application/json", `{"x":"<order><id>1'--</id></order>"}`),
			want: []string{"body.json.x.xml.order.id=1'--"},
		},
		{
			name: "harmless twin: rich text is no XML document",
			req:  post("application/json", `{"x":"<p>Hello <b>you</b></p>"}`),
			not:  []string{"body.json.x.xml.p=Hello"},
		},
		{
			name: "a JWT in a cookie",
			req:  get("/", "Cookie: t=eyJhbGciOiJub25lIn0.eyJzdWIiOiInIG9yIDE9MSJ9.x"),
			want: []string{"cookie.t.jwt.payload.sub=' or 1=1 {jwt}"},
		},
		{
			name: "a damaged JWT is a value",
			req:  get("/?t=eyJhbGciOiJub25lIn0.e"),
			want: []string{"query.t=eyJhbGciOiJub25lIn0.e"},
		},
		{
			name: "a data: URL",
			req:  get("/?u=data:text/html;base64,PHNjcmlwdD4="),
			want: []string{"query.u.data=<script> {base64}"},
		},
		{
			name: "multipart in a value",
			req:  post("text/plain", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1'--\r\n--b--\r\n"),
			want: []string{"body.multipart.a=1'--"},
		},
		{
			name: "GraphQL in a JSON string named query, nested in a form",
			req:  post("application/x-www-form-urlencoded", `p={"query":"{a(b:\"1'--\")}"}`),
			want: []string{"body.form.p.graphql.args.b=1'-- {json}"},
		},
		{
			name: "JSON in a file part",
			req:  post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.json\"\r\nContent-Type: application/json\r\n\r\n{\"x\":\"1'--\"}\r\n--b--"),
			want: []string{"body.multipart.f.json.x=1'--"},
		},
	}, true)
}

func TestNestedStopsAtMaxNesting(t *testing.T) {
	text := `"x"`
	for range 20 {
		text = fmt.Sprintf(`{"a":%q}`, text)
		if len(text) > 1<<16 {
			break
		}
	}
	_, truncated, _ := leaves(post("application/json", text), Limits{}, true)
	if !truncated {
		t.Error("not truncated")
	}
}

// The engine finds compressed data behind base64.
func TestNestedCompressed(t *testing.T) {
	var got []string
	var w Walker
	w.Walk(get("/?z=H4sI"), Limits{}, func(l *Leaf) bool {
		if l.Name == "z" && !l.IsName {
			for _, text := range []string{gzipped(`{"a":"1'-- and so on"}`), zlibbed("b=2'-- and so on"), "x^2 + y^2 = 1", "(x)"} {
				w.Nested(l, text, func(n *Leaf) bool { got = append(got, render(n)); return true })
			}
		}
		return true
	})
	want := []string{
		"query.z.compressed.json#a {gzip}", "query.z.compressed.json.a=1'-- and so on {gzip}",
		"query.z.compressed.form#b {deflate}", "query.z.compressed.form.b=2'-- and so on {deflate}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestNestedClean(t *testing.T) {
	var w Walker
	w.Walk(get("/?z=1"), Limits{}, func(l *Leaf) bool {
		for _, row := range []struct {
			text  string
			clean bool
		}{
			{text: `{"a":["b"]}`, clean: true},
			{text: `{"a":["b"]} or 1`},
			{text: `{"a":1 or 1=1}`},
			{text: "<o><b>c</b></o>", clean: true},
			{text: "a=b&c=d"},
		} {
			// A visitor that nests further does not disturb it.
			ok := w.Nested(l, row.text, func(n *Leaf) bool { w.Nested(n, `{"x":'y'`, func(*Leaf) bool { return true }); return true })
			if !ok || w.NestedClean() != row.clean {
				t.Errorf("%q: container %v, clean %v", row.text, ok, w.NestedClean())
			}
		}
		return false
	})
}
