package wafdetect

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/attack"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// compile returns the check of a config.
func compile(t *testing.T, config string) check.Check {
	t.Helper()
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(config), c))
	one, err := c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
	require.NoError(t, err)
	return one
}

const injection = "' OR 1=1 -- "

// request returns facts with the attack in one part of the request.
func request(part string) *facts.Facts {
	f := &facts.Facts{}
	f.Request = detect.Request{Method: "POST", Target: "/a?b=c", Proto: "HTTP/1.1", Headers: []detect.Header{
		{Name: "content-type", Value: "application/x-www-form-urlencoded"},
	}, Body: []byte("x=y")}
	switch part {
	case "path":
		f.Request.Target = "/a/%27%20OR%201=1%20--%20"
	case "query":
		f.Request.Target = "/a?b=%27+OR+1=1+--+"
	case "headers":
		f.Request.Headers = append(f.Request.Headers, detect.Header{Name: "x-name", Value: injection})
	case "cookies":
		f.Request.Headers = append(f.Request.Headers, detect.Header{Name: "cookie", Value: "name=%27%20OR%201=1%20--%20"})
	case "body":
		f.Request.Body = []byte("x=%27+OR+1%3D1+--+")
	}
	return f
}

func TestModes(t *testing.T) {
	v := compile(t, `{}`).Judge(request("query"))
	require.True(t, v.Denied, "block is the default")
	require.Equal(t, 403, v.Status)
	require.NotNil(t, v.Report)
	require.Equal(t, detect.ClassSQLi, v.Report.Attacks[0].Class)
	require.Equal(t, detect.Place("query.b"), v.Report.Attacks[0].Place)

	v = compile(t, `{"mode":"monitoring"}`).Judge(request("query"))
	require.False(t, v.Denied)
	require.NotNil(t, v.Report, "monitoring reports")

	off := compile(t, `{"mode":"off"}`)
	require.Zero(t, off.Judge(request("query")))
	require.Zero(t, off.Need.Kinds, "off asks Kong for nothing")

	require.Zero(t, compile(t, `{}`).Judge(request("")), "the harmless twin")
}

func TestInspect(t *testing.T) {
	parts := []string{"path", "query", "headers", "cookies", "body"}
	for _, inspected := range parts {
		one := compile(t, `{"inspect":["`+inspected+`"]}`)
		for _, attacked := range parts {
			v := one.Judge(request(attacked))
			require.Equal(t, inspected == attacked, v.Denied, "inspect %s, attack in %s: %+v", inspected, attacked, v.Report)
		}
	}
	require.Zero(t, compile(t, `{"inspect":["query"]}`).Need.Kinds&facts.Body, "a body that is not inspected is not waited for")
}

func TestOversize(t *testing.T) {
	f := request("")
	f.Request.BodyTruncated = true
	v := compile(t, `{"on_oversize":"deny"}`).Judge(f)
	require.True(t, v.Denied)
	require.Equal(t, 413, v.Status)
	require.False(t, compile(t, `{"on_oversize":"deny","mode":"monitoring"}`).Judge(f).Denied)
	require.False(t, compile(t, `{}`).Judge(f).Denied)
}

func TestUnreadableBodyIsAFailureNotAnEmptyBody(t *testing.T) {
	f := request("")
	f.Request.Body, f.BodyErr = nil, errUnreadable{}
	v := compile(t, `{}`).Judge(f)
	require.True(t, v.Failed)
	require.Contains(t, v.Reason, "another container")

	f = request("query")
	f.Request.Body, f.BodyErr = nil, errUnreadable{}
	v = compile(t, `{}`).Judge(f)
	require.True(t, v.Denied, "what is in the query decides")
	require.False(t, v.Failed)
	require.ErrorIs(t, v.Fault, errUnreadable{})
}

// TestWhatWasFoundInTimeDecides: the deadline passes in the body; an attack in the query is
// refused all the same, and only without one does the failure policy answer.
func TestWhatWasFoundInTimeDecides(t *testing.T) {
	shared := check.NewShared(slog.New(slog.DiscardHandler))
	now := time.Unix(0, 0)
	shared.Now = func() time.Time { now = now.Add(400 * time.Millisecond); return now }
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(`{"timeout_ms":1000}`), c))
	one, err := c.Check(check.Env{Shared: shared}, "config")
	require.NoError(t, err)
	body := "x=" + strings.Repeat("the words of a sentence; ", 1<<16)
	for part, denied := range map[string]bool{"query": true, "": false} {
		f := request(part)
		f.Request.Body = []byte(body)
		v := one.Judge(f)
		require.Equal(t, denied, v.Denied, part)
		require.Equal(t, !denied, v.Failed, part)
		require.ErrorIs(t, v.Fault, attack.ErrLate, part)
	}
}

// TestDearRequestsAreRefused: what costs more work than its size allows is an attack, unless
// the config says that such attacks are none; then it has not been judged.
func TestDearRequestsAreRefused(t *testing.T) {
	var dear bytes.Buffer
	z := gzip.NewWriter(&dear)
	for range 1 << 14 {
		io.WriteString(z, "<p>It's a test; (so) they say: \"we'll see\", & that = all.</p>\r\n")
	}
	z.Close()
	f := request("")
	f.Request.Body = dear.Bytes()
	v := compile(t, `{}`).Judge(f)
	require.True(t, v.Denied)
	require.Equal(t, detect.ClassProtocol, v.Report.Attacks[0].Class)
	require.NoError(t, v.Fault)
	v = compile(t, `{"disabled_classes":["protocol"]}`).Judge(f)
	require.True(t, v.Failed)
	require.ErrorIs(t, v.Fault, attack.ErrSpent)
}

type errUnreadable struct{}

func (errUnreadable) Error() string { return "the file is in another container" }

func TestExceptions(t *testing.T) {
	silenced := compile(t, `{"exceptions":[{"place":"query.b","class":"sqli"}]}`)
	require.False(t, silenced.Judge(request("query")).Denied)
	require.True(t, silenced.Judge(request("body")).Denied, "only there")
	require.False(t, compile(t, `{"disabled_classes":["sqli"]}`).Judge(request("query")).Denied)
}

func TestSafeBlocking(t *testing.T) {
	safe := compile(t, `{"mode":"safe_blocking","grey":["198.51.100.0/24","2001:db8::/32"]}`)
	for client, denied := range map[string]bool{"198.51.100.7": true, "2001:db8::1": true, "::ffff:198.51.100.7": true, "203.0.113.7": false, "": false} {
		f := request("query")
		f.Request.ClientIP = facts.ParseIP(client)
		v := safe.Judge(f)
		require.Equal(t, denied, v.Denied, client)
		require.NotNil(t, v.Report, "who is not refused is reported")
		f = request("")
		f.Request.ClientIP = facts.ParseIP(client)
		require.Zero(t, safe.Judge(f), "the harmless twin")
	}
}

// TestExceptionsEnd: an exception holds through its last day, and for its own application.
func TestExceptionsEnd(t *testing.T) {
	now := time.Date(2027, 3, 31, 23, 59, 59, 0, time.UTC)
	shared := check.NewShared(slog.New(slog.DiscardHandler))
	shared.Now = func() time.Time { return now }
	denied := func(config string) bool {
		c := &Config{}
		require.NoError(t, Definition().Schema().Decode([]byte(config), c))
		one, err := c.Check(check.Env{Shared: shared}, "config")
		require.NoError(t, err)
		return one.Judge(request("query")).Denied
	}
	const until = `{"exceptions":[{"place":"query.b","until":"2027-03-31"}]}`
	require.False(t, denied(until))
	now = now.Add(time.Second)
	require.True(t, denied(until))
	require.False(t, denied(`{"application":"shop","exceptions":[{"place":"query.b","application":"shop"}]}`))
	require.True(t, denied(`{"application":"wiki","exceptions":[{"place":"query.b","application":"shop"}]}`))
	require.True(t, denied(`{"exceptions":[{"place":"query.b","application":"shop"}]}`))
}

func TestExpects(t *testing.T) {
	console := compile(t, `{"expects":[{"place":"query.b","content":["sql"]}],"upstream_verdict":true}`)
	require.True(t, console.Judge(request("query")).Denied, "a break-out is no statement")
	f := request("")
	f.Request.Target = "/a?b=SELECT+name+FROM+users+UNION+SELECT+name+FROM+old"
	require.True(t, compile(t, `{}`).Judge(f).Denied)
	v := console.Judge(f)
	require.False(t, v.Denied)
	require.Equal(t, "content_expected", v.Reason)
	require.Equal(t, "sql", v.Report.Excepted.Expected)
	require.Equal(t, detect.Header{Name: "X-WAF-Verdict", Value: "expected"}, v.Upstream.Set[0])
}

func TestPresets(t *testing.T) {
	f := request("")
	f.Request.Target = "/api/query?query=SELECT+name+FROM+users+UNION+SELECT+name+FROM+old"
	require.True(t, compile(t, `{"presets":["chat"]}`).Judge(f).Denied, "another application's preset")
	require.False(t, compile(t, `{"presets":["chat","sql"]}`).Judge(f).Denied)
	require.True(t, compile(t, `{"presets":["sql"]}`).Judge(request("query")).Denied, "a place that the preset does not name")
}

func TestBadConfig(t *testing.T) {
	for config, want := range map[string]string{
		`{"mode":"blocking"}`:                        "config.mode",
		`{"disabled_classes":["sql"]}`:               "config.disabled_classes[0]",
		`{"exceptions":[{"path_prefix":"/a"}]}`:      "config.exceptions[0]: neither",
		`{"max_body_size":1}`:                        "config.max_body_size",
		`{"inspect":"body"}`:                         "config.inspect",
		`{"exceptions":[{"place":"querry.a"}]}`:      `config.exceptions[0]: place "querry.a"`,
		`{"exceptions":[{"class":"x","place":"a"}]}`: "config.exceptions[0].class",

		`{"expects":[{"place":"query.q","content":["sqli"]}]}`:      "config.expects[0].content[0]",
		`{"expects":[{"place":"query.q","content":[]}]}`:            "config.expects[0].content",
		`{"expects":[{"content":["sql"]}]}`:                         "config.expects[0].place",
		`{"block_page":"<p>{{user}}</p>"}`:                          "config.block_page: \"{{user\" is no placeholder",
		`{"mode":"safe_blocking"}`:                                  "'config.grey', 'config.reputation' name, and none is set",
		`{"grey":["10.0.0.0/33"]}`:                                  "config.grey[0]",
		`{"exceptions":[{"place":"query.a","until":"2027-02-30"}]}`: `config.exceptions[0].until`,
		`{"presets":["chat","crm"]}`:                                "config.presets[1]",
		`{"expects":[{"place":"q","content":["sql"]}]}`:             `config.expects[0]: place "q" does not begin with`,
	} {
		require.ErrorContains(t, badConfig(t, config), want, config)
	}
}

// badConfig returns what is wrong with a config.
func badConfig(t *testing.T, config string) error {
	t.Helper()
	c := &Config{}
	if err := Definition().Schema().Decode([]byte(config), c); err != nil {
		return err
	}
	_, err := c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
	return err
}
