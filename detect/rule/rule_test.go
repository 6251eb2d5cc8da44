package rule

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/address"
	"kongwaf/detect/attack/extract"
)

// ranges returns a set of addresses.
func ranges(t testing.TB, entries ...string) *address.Set {
	t.Helper()
	set, err := address.ParseSet(entries)
	require.NoError(t, err)
	return set
}

func compiledSet(t testing.TB, rules ...Rule) *Set {
	t.Helper()
	set, err := New(rules, extract.Limits{})
	require.NoError(t, err)
	return set
}

// get is a GET request with header lines "name: value".
func get(target string, headers ...string) *detect.Request {
	r := &detect.Request{Method: "GET", Target: target, Proto: "HTTP/1.1", ClientIP: netip.MustParseAddr("198.51.100.7")}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Headers = append(r.Headers, detect.Header{Name: name, Value: value})
	}
	return r
}

func post(target, contentType, body string, headers ...string) *detect.Request {
	r := get(target, append(headers, "content-type: "+contentType)...)
	r.Method, r.Body = "POST", []byte(body)
	return r
}

// at is a condition on one place.
func at(place detect.Place, change func(*Condition)) []Condition {
	c := Condition{Place: place}
	change(&c)
	return []Condition{c}
}

func equals(texts ...string) func(*Condition)   { return func(c *Condition) { c.Equals = texts } }
func contains(texts ...string) func(*Condition) { return func(c *Condition) { c.Contains = texts } }
func matches(expr string) func(*Condition)      { return func(c *Condition) { c.Matches = expr } }
func not(change func(*Condition)) func(*Condition) {
	return func(c *Condition) { change(c); c.Negate = true }
}
func longer(n int) func(*Condition)  { return func(c *Condition) { c.LongerThan = n } }
func is(p Presence) func(*Condition) { return func(c *Condition) { c.Is = p } }

const form = "application/x-www-form-urlencoded"

// TestConditions: for each rule that blocks, requests for which it holds, however they are
// written, beside harmless twins.
func TestConditions(t *testing.T) {
	bobBase64 := "eyJyb2xlIjoiYWRtaW5pc3RyYXRvciJ9" // {"role":"administrator"}
	rows := []struct {
		name  string
		rule  Rule
		holds []*detect.Request
		not   []*detect.Request
	}{
		{name: "an exact path", rule: Rule{Path: "/setup.php"},
			holds: []*detect.Request{get("/setup.php"), get("/setup.php?a=b"), get("/SETUP.php"), get("/%73etup.php"), get("/%2573etup.php"), get("/a/../setup.php"),
				get("//setup.php"), get("/./setup.php"), get("/setup.php;v=1"), get("/setup.php/"), get(`/a\..\setup.php`), get("/a/%2e%2e/setup.php"), get("http://shop.example/setup.php"), get("/setup.php%00")},
			not: []*detect.Request{get("/setup"), get("/a/setup.php"), get("/setup.php/a"), get("/?p=/setup.php"), get("/")}},
		{name: "a path with stars", rule: Rule{Path: "/api/*/export*"},
			holds: []*detect.Request{get("/api/v1/export"), get("/api/v1/export/all"), get("/api/v1/x/../export"), get("/api/v1/ex%70ort.csv")},
			not:   []*detect.Request{get("/api/export"), get("/v1/export"), get("/api/v1/import")}},
		{name: "methods", rule: Rule{Methods: []string{"DELETE", "PUT"}},
			holds: []*detect.Request{{Method: "PUT", Target: "/"}, {Method: "delete", Target: "/"}}, not: []*detect.Request{get("/")}},
		{name: "a path instead of the request's", rule: Rule{Path: "/admin/*"},
			holds: []*detect.Request{get("/", "X-Original-URL: /admin/x?y"), get("/", "X_Rewrite_Url: /Admin/x"), get("/a%20b", "X-Rewrite-URL: /%61dmin/x"), get("/", "X-Original-URL: /a/../admin/x")},
			not:   []*detect.Request{get("/", "X-Original-URL: /shop"), get("/", "X-Original-Url2: /admin/x", "Referer: /admin/x")}},
		{name: "a method instead of the request's", rule: Rule{Methods: []string{"DELETE"}},
			holds: []*detect.Request{post("/", form, "", "X-HTTP-Method-Override: delete"), post("/", form, "", "x_http_method: DELETE "), get("/", "a: b", "X-Method-Override: Delete"), post("/?%5fmethod=d%65lete", form, "")},
			not:   []*detect.Request{post("/", form, "", "X-HTTP-Method-Override: PATCH", "X-Method: DELETE"), post("/?_method=put&method=delete", form, "")}},
		{name: "any other method", rule: Rule{Path: "/report", Conditions: at("method", not(equals("GET", "HEAD")))},
			holds: []*detect.Request{post("/report", form, "")}, not: []*detect.Request{get("/report"), post("/other", form, "")}},
		{name: "clients", rule: Rule{Clients: ranges(t, "198.51.100.0/24"), Except: ranges(t, "198.51.100.8")},
			holds: []*detect.Request{get("/")}, not: []*detect.Request{{Method: "GET", Target: "/", ClientIP: netip.MustParseAddr("198.51.100.8")}, {Method: "GET", Target: "/", ClientIP: netip.MustParseAddr("203.0.113.1")}, {Method: "GET", Target: "/"}}},
		{name: "all but clients", rule: Rule{Path: "/admin*", Except: ranges(t, "10.0.0.0/8")},
			holds: []*detect.Request{get("/admin"), {Target: "/admin"}}, not: []*detect.Request{{Target: "/admin", ClientIP: netip.MustParseAddr("10.1.2.3")}}},

		{name: "a parameter's value", rule: Rule{Conditions: at("query.debug", equals("on"))},
			holds: []*detect.Request{get("/?debug=on"), get("/?a=b&debug=on"), get("/?debug=o%6e"), get("/?de%62ug=on"), get("/?debug=%256f%256e"), get("/?debug=off&debug=on"),
				get("/?debug[]=on"), get("/?DEBUG=ON"), get("/?+debug=on"), get("/?%20debug=on"), get("/?debug%00x=on"), get("/?d%2565bug=on"), get("/?a=b;debug=on"), get("/?debug=%26%23111;n")},
			not: []*detect.Request{get("/?debug=only"), get("/?debug=off"), get("/?a=debug=on"), get("/?debugger=on"), get("/debug=on"), post("/", form, "debug=on")}},
		{name: "a name that PHP writes otherwise", rule: Rule{Conditions: at("query.user_id", is(Present))},
			holds: []*detect.Request{get("/?user_id=1"), get("/?user.id=1"), get("/?user+id=1"), get("/?user[id=1"), get("/?user_id")}, not: []*detect.Request{get("/?userid=1"), get("/?user[id]=1")}},
		{name: "contains", rule: Rule{Conditions: at("query.file", contains("../", `..\`))},
			holds: []*detect.Request{get("/?file=../a"), get("/?file=..%2fa"), get("/?file=%252e%252e%252fa"), get("/?file=a/..%5cb"), get("/?file=..%u002fa"), get("/?file=Li4vLi4vLi4vZXRjL3Bhc3N3ZC5iYWs")},
			not:   []*detect.Request{get("/?file=a/b"), get("/?file=a..b"), get("/?other=../a")}},
		{name: "matches", rule: Rule{Conditions: at("query.tpl", matches(`(?i)\.(php|phar)$`))},
			holds: []*detect.Request{get("/?tpl=a.php"), get("/?tpl=a%2ePHAR")}, not: []*detect.Request{get("/?tpl=a.html"), get("/?tpl=a.php.html")}},
		{name: "a number is asked for", rule: Rule{Conditions: at("query.id", not(matches(`^[0-9]{1,10}$`)))},
			holds: []*detect.Request{get("/?id=7x"), get("/?id="), get("/?id=7&id=x"), get("/?id=MTIzNDU2Nzg5MA=="), get(`/?id={"a":"1"}`), get("/?id[]=7%27"), get("/?id=12345678901")},
			not:   []*detect.Request{get("/?id=7"), get("/?id=%37"), get("/"), get("/?x=a")}},
		{name: "a link is asked for, whatever is in it", rule: Rule{Conditions: at("query.next", not(matches(`^https://shop\.example/`)))},
			holds: []*detect.Request{get("/?next=https://shop.example.evil/")}, not: []*detect.Request{get("/?next=https://shop.example/?a=b&c"), get("/?next=https%3A%2F%2Fshop.example%2F%3Fa%3Db%26c%3Dd")}},
		{name: "longer than", rule: Rule{Conditions: at("query.q", longer(5))},
			holds: []*detect.Request{get("/?q=abcdef"), get("/?q=%20%20%20%20%20%20")}, not: []*detect.Request{get("/?q=abcde"), get("/?q=%20%20%20"), get("/?q=")}},
		{name: "one value for all that is asked", rule: Rule{Conditions: at("query.q", func(c *Condition) { c.Contains = []string{"a"}; c.LongerThan = 3 })},
			holds: []*detect.Request{get("/?q=bbba")}, not: []*detect.Request{get("/?q=a&q=bbbb")}},

		{name: "a header", rule: Rule{Conditions: at("header.x-api-version", equals("1"))},
			holds: []*detect.Request{get("/", "X-API-Version: 1"), get("/", "x_api_version: 1"), get("/", "x-api-version: 2", "X-Api-Version: 1")}, not: []*detect.Request{get("/", "X-API-Version: 11"), get("/")}},
		{name: "the address of the page before", rule: Rule{Conditions: at("header.referer", contains("/campaign?id=9"))},
			holds: []*detect.Request{get("/", "Referer: https://a.example/campaign?id=9&x=1")}, not: []*detect.Request{get("/", "Referer: https://a.example/campaign?id=8")}},
		{name: "no header", rule: Rule{Conditions: at("header.user-agent", is(Absent))},
			holds: []*detect.Request{get("/"), get("/", "user_agent2: x")}, not: []*detect.Request{get("/", "User-Agent: x"), get("/", "User-Agent: ")}},
		{name: "a cookie", rule: Rule{Conditions: at("cookie.rememberMe", is(Present))},
			holds: []*detect.Request{get("/", "Cookie: a=b; rememberMe=x"), get("/", "Cookie: rememberme=")}, not: []*detect.Request{get("/", "Cookie: a=rememberMe")}},
		{name: "a token as it was sent", rule: Rule{Conditions: at("header.authorization", matches(`^Bearer eyJ`))},
			holds: []*detect.Request{get("/", "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJhIjoiYiJ9.")}, not: []*detect.Request{get("/", "Authorization: Bearer abc")}},
		{name: "what is in a token", rule: Rule{Conditions: at("header.authorization.jwt.*", equals("none"))},
			holds: []*detect.Request{get("/", "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJhIjoiYiJ9.")}, not: []*detect.Request{get("/", "Authorization: Bearer none")}},

		{name: "a field of JSON", rule: Rule{Conditions: at("body.json.role", equals("administrator"))},
			holds: []*detect.Request{post("/", "application/json", `{"role":"administrator"}`), post("/", "application/json", `{"r\u006fle":"\u0061dministrator"}`), post("/", "text/plain", `{"Role":"administrator"}`),
				post("/", "application/json", `{"role":"user","role":"administrator"}`), post("/", "application/json", `{"role":["user","administrator"]}`), post("/", "application/json", `{"role":"YWRtaW5pc3RyYXRvcg=="}`)},
			not: []*detect.Request{post("/", "application/json", `{"role":"user","name":"administrator"}`), post("/", "application/json", `{"user":{"role":"administrator"}}`), post("/", form, "role=administrator")}},
		{name: "a field of any format", rule: Rule{Conditions: at("body.*.role", equals("administrator"))},
			holds: []*detect.Request{post("/", form, "role=administrator"), post("/", form, "r%6fle=administrato%72"), post("/", "application/xml", `<user><role>administrator</role></user>`), post("/", "application/xml", `<user role="&#97;dministrator"/>`),
				post("/", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"role\"\r\n\r\nadministrator\r\n--x--"), post("/", "application/json", `{"role":"administrator"}`), post("/", form, "data="+bobBase64)},
			not: []*detect.Request{post("/", form, "role=user&name=administrator"), get("/?role=administrator")}},
		{name: "a number in JSON", rule: Rule{Conditions: at("body.json.items", not(matches(`^[0-9]{1,3}$`)))},
			holds: []*detect.Request{post("/", "application/json", `{"items":[1,2,-3]}`), post("/", "application/json", `{"items":{"$gt":""}}`), post("/", "application/json", `{"items":null}`)},
			not:   []*detect.Request{post("/", "application/json", `{"items":[1,2,"3"]}`), post("/", "application/json", `{"item":-1}`)}},
		{name: "an empty object", rule: Rule{Conditions: at("body.json.constructor", is(Present))},
			holds: []*detect.Request{post("/", "application/json", `{"a":1,"constructor":{}}`)}, not: []*detect.Request{post("/", "application/json", `{"a":{"constructor":{}}}`)}},
		{name: "a file's name", rule: Rule{Conditions: at("body.multipart.filename", matches(`(?i)\.jspx?$`))},
			holds: []*detect.Request{post("/", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.JSP\"\r\n\r\nx\r\n--x--")},
			not:   []*detect.Request{post("/", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\nx\r\n--x--")}},
		{name: "inside a parameter", rule: Rule{Conditions: at("query.data.json.cmd", is(Present))},
			holds: []*detect.Request{get("/?data=%7B%22cmd%22:1%7D")}, not: []*detect.Request{get("/?data=%7B%22cm%22:1%7D"), get("/?cmd=1")}},
		{name: "anywhere", rule: Rule{Conditions: at("*", contains("zzqx"))},
			holds: []*detect.Request{get("/?a=zzq%78"), get("/", "x-a: ZZQX"), get("/zzqx"), post("/", "application/json", `["zzqx"]`), get("/?zzqx")}, not: []*detect.Request{get("/?a=zzq")}},
		{name: "of the path", rule: Rule{Conditions: at("path", not(matches(`^/[a-z/ ]*$`)))},
			holds: []*detect.Request{get("/a;b"), get("/a/%3c"), get("/A")}, not: []*detect.Request{get("/a/b"), get("/a%20b")}},
		{name: "head and body", rule: Rule{Methods: []string{"POST"}, Path: "/login", Conditions: append(at("header.x-old", is(Present)), at("body.form.user", equals("root"))...)},
			holds: []*detect.Request{post("/login", form, "user=root", "X-Old: 1")}, not: []*detect.Request{post("/login", form, "user=root"), post("/login", form, "user=ann", "X-Old: 1"), post("/logout", form, "user=root", "X-Old: 1")}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := compiledSet(t, row.rule)
			for _, r := range row.holds {
				require.Equal(t, 0, set.Judge(r).Decided, "%s %s %v %s", r.Method, r.Target, r.Headers, r.Body)
			}
			for _, r := range row.not {
				require.Equal(t, Result{Decided: None}, set.Judge(r), "%s %s %v %s", r.Method, r.Target, r.Headers, r.Body)
			}
		})
	}
}

// TestAllowReadsNarrowly: a rule that allows holds only for what can be read in no other way.
func TestAllowReadsNarrowly(t *testing.T) {
	rows := []struct {
		name  string
		rule  Rule
		holds []*detect.Request
		not   []*detect.Request
	}{
		{name: "a path", rule: Rule{Path: "/health/*"},
			holds: []*detect.Request{get("/health/live"), get("/health/a%20b")},
			not:   []*detect.Request{get("/health/../admin"), get("/health/..%2fadmin"), get("/health/%252e%252e/admin"), get("/health/..;/admin"), get(`/health/..\admin`), get("/HEALTH/live"), get("/%68ealth/live")}},
		{name: "a value", rule: Rule{Conditions: at("header.x-probe", equals("s3cret"))},
			holds: []*detect.Request{get("/", "X-Probe: s3cret")}, not: []*detect.Request{get("/", "X-Probe: S3CRET"), get("/", "X-Probe: s3cre%74"), get("/", "X-Probe: s3cret", "X-Probe: x"), get("/")}},
		{name: "a parameter's", rule: Rule{Conditions: at("query.q", equals("status"))},
			holds: []*detect.Request{get("/?q=status"), get("/?q=st%61tus")}, not: []*detect.Request{get("/?q=status&q=x"), get("/?q=status&Q=x"), get("/?q=st%2561tus"), get("/?q=status&+q=1")}},
		{name: "without", rule: Rule{Path: "/health", Conditions: at("query", is(Absent))},
			holds: []*detect.Request{get("/health")}, not: []*detect.Request{get("/health?a=b"), get("/health?a")}},
		{name: "no such value", rule: Rule{Conditions: at("query.q", not(contains("<")))},
			holds: []*detect.Request{get("/?q=a")}, not: []*detect.Request{get("/?q=%253c"), get("/"), get("/?q=a&q=<")}},
		{name: "methods", rule: Rule{Methods: []string{"GET"}}, holds: []*detect.Request{get("/")}, not: []*detect.Request{{Method: "get", Target: "/"}, get("/", "X-HTTP-Method-Override: DELETE"), get("/?_method=delete"), {Method: "GET", Target: "/", HeadersTruncated: true}}},
		{name: "paths", rule: Rule{Path: "/health"}, holds: []*detect.Request{get("/health"), get("/health", "X-Original-URL: /health?a")}, not: []*detect.Request{get("/health", "X-Original-URL: /admin"), get("/health", "x_rewrite_url: /health/%2e%2e/admin")}},
		{name: "the same method once more", rule: Rule{Methods: []string{"GET"}}, holds: []*detect.Request{get("/?_method=get", "X-HTTP-Method-Override: GET")}, not: []*detect.Request{get("/?_method=get&_method=put")}},
		{name: "all but clients", rule: Rule{Except: ranges(t, "10.0.0.0/8")}, holds: []*detect.Request{get("/")}, not: []*detect.Request{{Target: "/"}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.rule.Action = Allow
			set := compiledSet(t, row.rule)
			for _, r := range row.holds {
				require.Equal(t, 0, set.Judge(r).Decided, "%s %v", r.Target, r.Headers)
			}
			for _, r := range row.not {
				require.Equal(t, None, set.Judge(r).Decided, "%s %v", r.Target, r.Headers)
			}
		})
	}
}

// TestOrder: the first rule that blocks or allows decides, reports before it are kept.
func TestOrder(t *testing.T) {
	set := compiledSet(t,
		Rule{Action: Report, Path: "/a*"},
		Rule{Action: Allow, Path: "/a/health"},
		Rule{Action: Block, Path: "/a*", Conditions: at("query.x", is(Present))},
		Rule{Action: Report, Conditions: at("query.y", is(Present))},
		Rule{Action: Allow, Path: "/a*"},
	)
	require.Equal(t, Result{Decided: 1, Reported: []int{0}}, set.Judge(get("/a/health?x=1")))
	require.Equal(t, Result{Decided: 2, Reported: []int{0}}, set.Judge(get("/a/b?x=1&y=1")))
	require.Equal(t, Result{Decided: 4, Reported: []int{0, 3}}, set.Judge(get("/a/b?y=1")))
	require.Equal(t, Result{Decided: None, Reported: []int{3}}, set.Judge(get("/b?y=1")))
	require.Equal(t, Result{Decided: None}, set.Judge(get("/b")))
	require.Equal(t, Result{Decided: None}, (*Set)(nil).Judge(get("/a")))
}

// TestPackedAndLargeBodies: fields are found in what is packed, and behind what is held; what
// was passed over is said.
func TestPackedAndLargeBodies(t *testing.T) {
	set, err := New([]Rule{{Conditions: at("body.*.role", equals("administrator"))}}, extract.Limits{MaxBody: 4096})
	require.NoError(t, err)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, `{"role":"administrator"}`)
	z.Close()
	require.Equal(t, 0, set.Judge(post("/", "application/json", packed.String(), "content-encoding: gzip")).Decided)

	for _, last := range []string{"administrator", "user"} {
		body := `{"items":[` + strings.Repeat(`{"name":"a word"},`, 5000) + `{}],"role":"` + last + `"}`
		r := post("/", "application/json", body[:4096])
		r.BodyTruncated, r.Rest = true, io.NewSectionReader(strings.NewReader(body[4096:]), 0, int64(len(body)-4096))
		got := set.Judge(r)
		require.Equal(t, last == "administrator", got.Decided == 0, last)
		require.Zero(t, got.Skipped, "nothing was passed over")
	}

	file := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n" + strings.Repeat("0123456789", 5000) + "\r\n--x--"
	r := post("/", "multipart/form-data; boundary=x", file[:4096])
	r.BodyTruncated, r.Rest = true, io.NewSectionReader(strings.NewReader(file[4096:]), 0, int64(len(file)-4096))
	got := set.Judge(r)
	require.Equal(t, None, got.Decided)
	require.True(t, got.Unseen)
	require.Greater(t, got.Skipped, int64(40000))

	got = compiledSet(t, Rule{Path: "/a", Conditions: at("body.form.x", is(Present))}).Judge(r)
	require.Equal(t, Result{Decided: None}, got, "a body that no rule asks for is not read")
}

// TestWorkIsBounded: a rule that costs much ends, and says so.
func TestWorkIsBounded(t *testing.T) {
	var rules []Rule
	for range 100 {
		rules = append(rules, Rule{Action: Report, Conditions: at("query", matches(`(a|b|ab)*c$`))})
	}
	got := compiledSet(t, rules...).Judge(get("/?q=" + strings.Repeat("ab", 4<<10)))
	require.NoError(t, got.Failure, "everyday sizes are judged")

	late := get("/?q=" + strings.Repeat("ab", 1<<20))
	late.Late = func() bool { return true }
	got = compiledSet(t, rules...).Judge(late)
	require.ErrorIs(t, got.Failure, ErrLate)
	require.Equal(t, None, got.Decided)

	late.Target = "/"
	allow := compiledSet(t, Rule{Action: Allow, Conditions: at("header.x", not(equals("a")))})
	late.Headers = []detect.Header{{Name: "x", Value: "b"}}
	require.Equal(t, None, allow.Judge(late).Decided, "what was not seen whole is not allowed")
}

// TestLocated: where it cannot be told whether a rule holds, a later one does not allow; what blocks
// does.
func TestLocated(t *testing.T) {
	unknown := errors.New("not read")
	where := Rule{Path: "/a*", Located: func(netip.Addr) (bool, error) { return true, unknown }}
	require.Equal(t, Result{Decided: None, Failure: unknown}, compiledSet(t, where, Rule{Action: Allow, Path: "/a"}).Judge(get("/a")))
	require.Equal(t, 1, compiledSet(t, where, Rule{Path: "/a"}).Judge(get("/a")).Decided)
	require.Equal(t, Result{Decided: None}, compiledSet(t, where).Judge(get("/b")), "it is asked only where the rest holds")
	where.Located = func(a netip.Addr) (bool, error) { return a == netip.MustParseAddr("198.51.100.7"), nil }
	require.Equal(t, 0, compiledSet(t, where).Judge(get("/a")).Decided)
	require.Equal(t, None, compiledSet(t, where).Judge(&detect.Request{Target: "/a"}).Decided)
}

func TestNoRuleCostsNothing(t *testing.T) {
	set := compiledSet(t, Rule{Path: "/admin/*", Conditions: at("query.a", is(Present))}, Rule{Methods: []string{"TRACE"}})
	r := get("/shop/cart?a=b")
	set.Judge(r)
	require.Zero(t, testing.AllocsPerRun(100, func() { set.Judge(r) }))
	set = compiledSet(t, Rule{Path: "/shop/*", Conditions: at("query.b", contains("x"))})
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { set.Judge(r) }), 1.0)
}

func TestValidate(t *testing.T) {
	for want, rule := range map[string]Rule{
		"[0].no condition is set":                  {},
		"[0].path: \"admin\" begins neither":       {Path: "admin"},
		"[0].path: \"/a?b\" holds a query":         {Path: "/a?b"},
		"[0].methods[0]: \"\"":                     {Methods: []string{""}},
		"[0].conditions[0].place: not set":         {Conditions: []Condition{{Is: Present}}},
		"[0].conditions[0].place: \"querry.a\"":    {Conditions: at("querry.a", is(Present))},
		"[0].conditions[0].place: nothing is":      {Conditions: []Condition{{Place: "query.a"}}},
		"[0].conditions[0].is: where nothing":      {Conditions: at("query.a", func(c *Condition) { c.Is = Absent; c.Matches = "a" })},
		"[0].conditions[0].negate: there":          {Conditions: at("query.a", not(is(Present)))},
		"[0].conditions[0].longer_than: below":     {Conditions: at("query.a", func(c *Condition) { c.LongerThan = -1; c.Is = Present })},
		"[0].conditions[0].matches: error parsing": {Conditions: at("query.a", matches("(?=a)"))},
		"[0].conditions[0].contains: a text of 0":  {Conditions: at("query.a", contains(""))},
		"[0].conditions[0].matches: an expression": {Conditions: at("query.a", matches(strings.Repeat("a", 2000)))},
		"[0].conditions[0].place: a name of":       {Conditions: at(detect.Place("body.json."+strings.Repeat("n", 65)), is(Present))},
		"[0].conditions: 17 of them":               {Conditions: make([]Condition, 17)},
		"[0].action: action(7)":                    {Action: 7, Path: "/"},
	} {
		_, err := New([]Rule{rule}, extract.Limits{})
		require.ErrorContains(t, err, want)
	}
	_, err := New(make([]Rule, MaxRules+1), extract.Limits{})
	require.ErrorContains(t, err, "201 rules")
}

func TestGlob(t *testing.T) {
	for _, row := range []struct {
		pattern, place  string
		matches, covers bool
	}{
		{"query.q", "query.q", true, true}, {"query.q", "query.q[0]", false, true}, {"query.q", "query.qq", false, false},
		{"body.*.a", "body.json.b.a", true, true}, {"body.*.a", "body.json.ab.a.c", false, true}, {"body.*.a", "body.json.ab", false, false},
		{"*", "", true, true}, {"a*a", "a", false, false}, {"*.html", "a.html.html", true, true}, {"a*b*c", "abbc", true, true}, {"*x[*].y", "b.x[1].y[2]", false, true},
	} {
		g := newGlob(row.pattern)
		require.Equal(t, row.matches, g.matches(row.place), "%+v", row)
		require.Equal(t, row.covers, g.covers(row.place), "%+v", row)
	}
}

// FuzzEncoding: what a rule sees in a value it sees however often the value is encoded, and no
// request makes it panic.
func FuzzEncoding(f *testing.F) {
	set := compiledSet(f, Rule{Conditions: at("query.p", contains("needle"))}, Rule{Conditions: at("*", not(matches("^a*$")))}, Rule{Action: Allow, Path: "/x*y*", Conditions: at("path", longer(9))})
	f.Add("a needle", "/x/../y", "{\"a\":[1,{\"b\":null}]}", "application/json")
	f.Add("%6eeedle\x00", "/%2e%2e;/", "p=needle&&=;", "text/xml")
	f.Fuzz(func(t *testing.T, value, path, body, contentType string) {
		set.Judge(post(path, contentType, body))
		if len(value) > 1000 {
			return
		}
		var once, twice strings.Builder
		const hex = "0123456789abcdef"
		for _, c := range []byte(value + "needle") {
			once.WriteString("%" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
			twice.WriteString("%25" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		}
		for _, sent := range []string{once.String(), twice.String()} {
			if got := set.Judge(get("/?p=" + sent)); got.Decided != 0 {
				t.Fatalf("%q: %+v", sent, got)
			}
		}
	})
}
