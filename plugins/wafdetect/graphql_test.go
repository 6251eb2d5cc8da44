package wafdetect

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// send is a request with one header; without a body it is a GET.
func send(target, contentType, body string) *facts.Facts {
	f := &facts.Facts{Request: detect.Request{Method: "GET", Target: target, Proto: "HTTP/1.1", Headers: []detect.Header{{Name: "host", Value: "api.example"}}}}
	if body != "" {
		f.Request.Method, f.Request.Body = "POST", []byte(body)
		f.Request.Headers = append(f.Request.Headers, detect.Header{Name: "content-type", Value: contentType})
	}
	return f
}

func jsonOf(fields map[string]any) string {
	b, _ := json.Marshal(fields)
	return string(b)
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

// TestGraphQLLimits: the limits hold however a document is sent.
func TestGraphQLLimits(t *testing.T) {
	const (
		deep    = `query Q { a { b { c { d } } } }`
		shallow = `query Q { a { b } }`
	)
	form := func(q string) string { return "query=" + url.QueryEscape(q) }
	multipart := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n--b--\r\n"
	}
	utf16 := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			b.WriteByte(s[i])
			b.WriteByte(0)
		}
		return b.String()
	}
	one := compile(t, `{"graphql":{"max_depth":3}}`)
	none := compile(t, `{}`)
	low := compile(t, `{"sensitivity":"low","graphql":{"max_depth":3}}`)
	for _, row := range []struct {
		name string
		send func(document string) *facts.Facts
	}{
		{"GET", func(q string) *facts.Facts { return send("/graphql?"+form(q), "", "") }},
		{"GET with an encoded name", func(q string) *facts.Facts { return send("/graphql?%71u"+form(q)[2:], "", "") }},
		{"GET, the second of two", func(q string) *facts.Facts { return send("/graphql?query=%7Bx%7D&"+form(q), "", "") }},
		{"JSON", func(q string) *facts.Facts {
			return send("/graphql", "application/json", jsonOf(map[string]any{"query": q}))
		}},
		{"JSON with an escaped name", func(q string) *facts.Facts {
			return send("/graphql", "application/json", `{"\u0071uery":`+strings.TrimPrefix(jsonOf(map[string]any{"query": q}), `{"query":`))
		}},
		{"JSON with the name twice", func(q string) *facts.Facts {
			return send("/graphql", "application/json", `{"query":"{x}",`+jsonOf(map[string]any{"query": q})[1:])
		}},
		{"undeclared JSON", func(q string) *facts.Facts { return send("/graphql", "text/plain", jsonOf(map[string]any{"query": q})) }},
		{"a batch", func(q string) *facts.Facts {
			return send("/graphql", "application/json", `[{"query":"{x}"},`+jsonOf(map[string]any{"query": q})+`]`)
		}},
		{"application/graphql", func(q string) *facts.Facts { return send("/graphql", "application/graphql", q) }},
		{"a form", func(q string) *facts.Facts { return send("/graphql", "application/x-www-form-urlencoded", form(q)) }},
		{"an upload", func(q string) *facts.Facts {
			return send("/graphql", "multipart/form-data; boundary=b", multipart("operations", jsonOf(map[string]any{"query": q, "variables": map[string]any{"file": nil}})))
		}},
		{"a multipart form", func(q string) *facts.Facts {
			return send("/graphql", "multipart/form-data; boundary=b", multipart("query", q))
		}},
		{"gzip", func(q string) *facts.Facts {
			f := send("/graphql", "application/json", gzipped(jsonOf(map[string]any{"query": q})))
			f.Request.Headers = append(f.Request.Headers, detect.Header{Name: "content-encoding", Value: "gzip"})
			return f
		}},
		{"UTF-16", func(q string) *facts.Facts {
			return send("/graphql", "application/json; charset=utf-16le", utf16(jsonOf(map[string]any{"query": q})))
		}},
	} {
		for range 3 { // also once the engine knows its texts
			v := one.Judge(row.send(deep))
			require.True(t, v.Denied, row.name)
			require.Equal(t, "depth 4, limit 3", v.Report.Attacks[0].Evidence, row.name)
			require.Equal(t, detect.ClassGraphQL, v.Report.Attacks[0].Class, row.name)
			require.Contains(t, string(v.Report.Attacks[0].Place), "graphql", row.name)
			require.False(t, one.Judge(row.send(shallow)).Denied, "%s: the harmless twin", row.name)
			require.True(t, low.Judge(row.send(deep)).Denied, "%s: a limit holds at every sensitivity", row.name)
			require.False(t, none.Judge(row.send(deep)).Denied, "%s: nothing is refused that was not before", row.name)
		}
	}
}

func TestGraphQLSettings(t *testing.T) {
	post := func(target, query, variables string) *facts.Facts {
		return send(target, "application/json", `{"query":`+string(must(json.Marshal(query)))+`,"variables":`+variables+`}`)
	}
	deep := strings.Repeat("{a", 34) + strings.Repeat("}", 34)
	for _, row := range []struct {
		name, config string
		request      *facts.Facts
		evidence     string // "" if it passes
	}{
		{"the engine's own rule", `{}`, post("/", deep, "{}"), "depth: 34, limit 15"},
		{"steps aside for a higher limit", `{"graphql":{"max_depth":40}}`, post("/", deep, "{}"), ""},
		{"and for no other", `{"graphql":{"max_aliases":40}}`, post("/", deep, "{}"), "depth: 34, limit 15"},
		{"introspection by itself", `{}`, post("/", "{__schema{types{name}}}", "{}"), "introspection: __schema{types{name}}}"},
		{"allowed", `{"graphql":{"introspection":"allow"}}`, post("/", "{__schema{types{name}}}", "{}"), ""},
		{"denied", `{"sensitivity":"low","graphql":{"introspection":"deny"}}`, post("/", `{__type(name:"a"){name}}`, "{}"), "introspection: __type"},
		{"denied, harmless twin", `{"graphql":{"introspection":"deny"}}`, post("/", `{a{__typename}}`, "{}"), ""},
		{"the IDE's preset", `{"presets":["graphql-ide"],"graphql":{"introspection":"deny"}}`, post("/", `{__schema{types{name}}}`, "{}"), ""},
		{"cost", `{"graphql":{"max_cost":100}}`, post("/", "query($n:Int){a(first:$n){b c}}", `{"n":50}`), "cost 101, limit 100"},
		{"cost, harmless twin", `{"graphql":{"max_cost":100}}`, post("/", "query($n:Int){a(first:$n){b c}}", `{"n":49}`), ""},
		{"other arguments", `{"graphql":{"max_cost":100,"list_arguments":["take"]}}`, post("/", "{a(take:101){b}}", `{}`), "cost 102, limit 100"},
		{"roots", `{"graphql":{"max_root_fields":2}}`, post("/", "mutation{a b c}", "{}"), "root fields 3, limit 2"},
		{"directives", `{"graphql":{"max_directives":2}}`, post("/", "{a@x@x@x}", "{}"), "directives 3, limit 2"},
		{"a batch", `{"graphql":{"max_batch":2}}`, send("/", "application/json", `[{"query":"{a}"},{"query":"{a}"},{"query":"{a}"}]`), "batch 3, limit 2"},
		{"a persisted query", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, send("/graphql", "application/json", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`), ""},
		{"a batch of persisted queries", `{"graphql":{"max_batch":1,"paths":["/graphql"]}}`, send("/graphql", "application/json", `[{"id":"a"},{"id":"b"}]`), "batch 2, limit 1"},
		{"elsewhere", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("/search", "{a{b}}", "{}"), ""},
		{"below", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("/graphql/x", "{a{b}}", "{}"), "depth 2, limit 1"},
		{"beside", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("/graphqlx", "{a{b}}", "{}"), ""},
		{"other spellings", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("//x/../%47raphql;v=1/?y", "{a{b}}", "{}"), "depth 2, limit 1"},
		{"a fragment, which a server cuts off", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("/graphql#x", "{a{b}}", "{}"), "depth 2, limit 1"},
		{"a fragment, harmless twin", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("/search#/graphql", "{a{b}}", "{}"), ""},
		{"names in capital letters", `{"graphql":{"max_cost":100}}`, send("/", "application/json", `{"QUERY":"query($n:Int){a(first:$n){b c}}","Variables":{"n":50}}`), "cost 101, limit 100"},
		{"names in capital letters, harmless twin", `{"graphql":{"max_cost":100}}`, send("/", "application/json", `{"QUERY":"query($n:Int){a(first:$n){b c}}","Variables":{"n":49}}`), ""},
		{"variables in the URL", `{"graphql":{"max_cost":100}}`, post("/?Variables=%7B%22n%22:50%7D", "query($n:Int){a(first:$n){b c}}", `{"n":1}`), "cost 101, limit 100"},
		{"variables in the URL, harmless twin", `{"graphql":{"max_cost":100}}`, post("/?Variables=%7B%22n%22:49%7D", "query($n:Int){a(first:$n){b c}}", `{"n":1}`), ""},
		{"no document where one must be", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("/graphql", "shoes", "{}"), "syntax: no GraphQL document, from line 1, column 1"},
		{"a search elsewhere", `{"graphql":{"max_depth":1}}`, post("/search", "shoes", "{}"), ""},
		{"a document that looks like none", `{"graphql":{"max_depth":1,"paths":["/graphql"]}}`, post("/graphql", `"text" query{a{b}}`, "{}"), "depth 2, limit 1"},
		{"an exception", `{"graphql":{"max_depth":1},"exceptions":[{"place":"body.graphql","class":"graphql"}]}`, post("/", "{a{b}}", "{}"), ""},
		{"a disabled class", `{"graphql":{"max_depth":1},"disabled_classes":["graphql"]}`, post("/", "{a{b}}", "{}"), ""},
	} {
		v := compile(t, row.config).Judge(row.request)
		if row.evidence == "" {
			require.False(t, v.Denied, "%s: %+v", row.name, v.Report)
			continue
		}
		require.True(t, v.Denied, row.name)
		require.Equal(t, row.evidence, v.Report.Attacks[0].Evidence, row.name)
	}
	require.False(t, compile(t, `{"mode":"monitoring","graphql":{"max_depth":1}}`).Judge(post("/", "{a{b}}", "{}")).Denied)
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestGraphQLAttacksInDocuments: limits do not keep the engine from judging what is in a
// document.
func TestGraphQLAttacksInDocuments(t *testing.T) {
	one := compile(t, `{"graphql":{"max_depth":5,"introspection":"allow","paths":["/graphql"]}}`)
	for _, query := range []string{`{a(id:"1' UNION SELECT password FROM users--")}`, `1' UNION SELECT password FROM users--`} {
		v := one.Judge(send("/graphql", "application/json", jsonOf(map[string]any{"query": query})))
		require.True(t, v.Denied)
		classes := map[detect.Class]bool{}
		for _, a := range v.Report.Attacks {
			classes[a.Class] = true
		}
		require.True(t, classes[detect.ClassSQLi], "%s: %+v", query, v.Report)
	}
}

func TestBadGraphQL(t *testing.T) {
	for config, want := range map[string]string{
		`{"graphql":{"max_depth":0}}`:                             "config.graphql.max_depth",
		`{"graphql":{"max_depth":"15"}}`:                          "config.graphql.max_depth",
		`{"graphql":{"introspection":"no"}}`:                      "config.graphql.introspection",
		`{"graphql":{"paths":["graphql"],"max_depth":1}}`:         "config.graphql.paths[0]",
		`{"graphql":{"paths":["/graphql"]}}`:                      "config.graphql.paths: no limit is set",
		`{"graphql":{"paths":["/graphql?query="],"max_depth":1}}`: "config.graphql.paths[0]",
		`{"graphql":{"max_dept":1}}`:                              "max_dept",
		`{"graphql":{"list_arguments":[""],"max_cost":1}}`:        "config.graphql.list_arguments[0]",
	} {
		c := &Config{}
		err := Definition().Schema().Decode([]byte(config), c)
		if err == nil {
			_, err = c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
		}
		require.ErrorContains(t, err, want, config)
	}
}
