package keyauth

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/detect"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// fakeKong is a Kong for one request, with the consumers ann and bob.
type fakeKong struct {
	line    string // the request line
	headers map[string][]string
	asked   []string // for consumers
}

func (k *fakeKong) facts(t *testing.T, need facts.Need) *facts.Facts {
	t.Helper()
	kong := &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch c.Method {
		case "kong.nginx.get_var":
			if string(c.Args) == string(raw.String("request")) {
				return raw.String(k.line)
			}
		case "kong.request.get_headers":
			return raw.Headers(k.headers)
		case "kong.router.get_route":
			return raw.AppendBytes(raw.AppendBytes(nil, 1, "route-id"), 4, "orders")
		case "kong.client.load_consumer":
			var who string
			raw.Fields(string(c.Args), func(field protowire.Number, payload string, _ uint64) {
				if field == 1 {
					who = payload
				}
			})
			k.asked = append(k.asked, who)
			if who == "ann" || who == "bob" {
				return raw.AppendBytes(raw.AppendBytes(nil, 1, "id of "+who), 3, who)
			}
		}
		return nil
	}}
	f, err := facts.Read(raw.PDK(kong.PDK()), need, &facts.Packed{}, 0)
	require.NoError(t, err)
	return f
}

// compile compiles a config at a time that tests may move.
func compile(t *testing.T, config string, now *time.Time) check.Check {
	t.Helper()
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(config), c))
	shared := check.NewShared(slog.New(slog.DiscardHandler))
	shared.Now = func() time.Time { return *now }
	one, err := c.Check(check.Env{Shared: shared}, "config")
	require.NoError(t, err)
	return one
}

// TestKeysInTime: a key is valid from its first moment to its last, and what the client reads does
// not tell an expired key from an unknown one.
func TestKeysInTime(t *testing.T) {
	now := time.Date(2027, 3, 31, 23, 59, 59, 0, time.UTC)
	one := compile(t, `{"credentials":[
		{"key":"old","id":"k-old","consumer":"ann","expires":"2027-03-31"},
		{"key":"new","id":"k-new","consumer":"ann","not_before":"2027-03-31"},
		{"key":"next","id":"k-next","consumer":"ann","not_before":"2027-04-01T00:00:00Z"}]}`, &now)
	judge := func(key string) detect.Verdict {
		k := &fakeKong{line: "GET / HTTP/1.1", headers: map[string][]string{"apikey": {key}}}
		return one.Judge(k.facts(t, one.Need))
	}
	unknown := judge("none")
	require.Equal(t, "unknown_key", unknown.Reason)
	require.Zero(t, unknown.Key)
	for _, row := range []struct{ key, reason string }{{"old", ""}, {"new", ""}, {"next", "early_key"}} {
		v := judge(row.key)
		require.Equal(t, row.reason, v.Reason, row.key)
		require.Equal(t, detect.Key{ID: "k-" + row.key, Source: "config"}, v.Key, "two keys in rotation are told apart")
	}
	now = now.Add(time.Second)
	expired := judge("old")
	require.Equal(t, "expired_key", expired.Reason)
	require.Equal(t, "", judge("next").Reason)
	expired.Reason, expired.Key = unknown.Reason, unknown.Key
	require.Equal(t, unknown, expired, "but for what only we see")
}

// TestScopes: a key may be used for its methods, paths and routes, whatever a request is dressed as.
func TestScopes(t *testing.T) {
	now := time.Now()
	one := compile(t, `{"credentials":[
		{"key":"reader","consumer":"ann","methods":["GET"],"paths":["/orders"]},
		{"key":"routed","consumer":"bob","routes":["orders"]},
		{"key":"elsewhere","consumer":"bob","routes":["other"]}]}`, &now)
	for _, row := range []struct {
		name, line, key string
		headers         map[string][]string
		denied          bool
	}{
		{name: "within", line: "GET /orders/7?a=1 HTTP/1.1", key: "reader"},
		{name: "another path", line: "GET /admin HTTP/1.1", key: "reader", denied: true},
		{name: "climbs", line: "GET /orders/%2e%2e/admin HTTP/1.1", key: "reader", denied: true},
		{name: "absolute form", line: "GET http://h/admin HTTP/1.1", key: "reader", denied: true},
		{name: "absolute form, within", line: "GET http://h/orders HTTP/1.1", key: "reader"},
		{name: "another method", line: "DELETE /orders/7 HTTP/1.1", key: "reader", denied: true},
		{name: "another method by a header", line: "GET /orders/7 HTTP/1.1", key: "reader", headers: map[string][]string{"x-http-method-override": {"delete"}}, denied: true},
		{name: "another method by a header with underscores", line: "GET /orders/7 HTTP/1.1", key: "reader", headers: map[string][]string{"x_http_method": {"DELETE"}}, denied: true},
		{name: "the same method by a header", line: "GET /orders/7 HTTP/1.1", key: "reader", headers: map[string][]string{"x-method-override": {"get"}}},
		{name: "another path by a header", line: "GET /orders/7 HTTP/1.1", key: "reader", headers: map[string][]string{"x-original-url": {"/admin"}}, denied: true},
		{name: "another path by a header with underscores", line: "GET /orders/7 HTTP/1.1", key: "reader", headers: map[string][]string{"x_rewrite_url": {"/orders/../admin"}}, denied: true},
		{name: "a path in the scope by a header", line: "GET /orders/7 HTTP/1.1", key: "reader", headers: map[string][]string{"x-original-url": {"/orders/8?a"}}},
		{name: "another method by an argument", line: "GET /orders/7?_method=PUT HTTP/1.1", key: "reader", denied: true},
		{name: "more headers than Kong shows", line: "GET /orders HTTP/1.1", key: "reader", headers: many(999), denied: true},
		{name: "its route", line: "PUT /x HTTP/1.1", key: "routed"},
		{name: "another route", line: "PUT /x HTTP/1.1", key: "elsewhere", denied: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := &fakeKong{line: row.line, headers: map[string][]string{"apikey": {row.key}}}
			for name, values := range row.headers {
				k.headers[name] = values
			}
			v := one.Judge(k.facts(t, one.Need))
			require.Equal(t, row.denied, v.Denied)
			if row.denied {
				require.Equal(t, "key_out_of_scope", v.Reason)
				require.Equal(t, http.StatusForbidden, v.Status)
				require.Empty(t, v.Response.Set, "no other key is asked for")
				require.NotZero(t, v.Key)
				require.Empty(t, k.asked)
			}
		})
	}
}

// TestFileOfKeys: keys of a file count beside those of the config, and a file that is not there
// makes unknown keys nobody's to refuse.
func TestFileOfKeys(t *testing.T) {
	now := time.Now()
	file := filepath.Join(t.TempDir(), "keys.yml")
	config, err := json.Marshal(map[string]any{"credentials": []any{map[string]string{"key": "k", "consumer": "ann"}}, "key_files": []string{file}})
	require.NoError(t, err)
	one := compile(t, string(config), &now)
	judge := func(key string) detect.Verdict {
		k := &fakeKong{line: "GET / HTTP/1.1", headers: map[string][]string{"apikey": {key}}}
		return one.Judge(k.facts(t, one.Need))
	}
	require.Equal(t, "config", judge("k").Key.Source)
	v := judge("f")
	require.True(t, v.Failed, "the policy answers")
	require.ErrorContains(t, errors.New(v.Reason), "the keys of file "+file+" are not known")
	require.NoError(t, os.WriteFile(file, []byte("keys: [{key: f, consumer: bob}]"), 0o600))
	require.True(t, judge("f").Failed, "not tried again for each request")
	now = now.Add(3 * time.Second)
	v = judge("f")
	require.Empty(t, v.Reason)
	require.Equal(t, "file "+file, v.Key.Source)
	require.Equal(t, "bob", v.Identity.Consumer.Username)
	require.Equal(t, "unknown_key", judge("none").Reason)
}

// TestHidesUnderAllNames: an old key beside the one that counts does not reach the upstream either.
func TestHidesUnderAllNames(t *testing.T) {
	now := time.Now()
	one := compile(t, `{"key_names":["apikey","x-api-key"],"hide_credentials":true,"credentials":[{"key":"k","consumer":"ann"}]}`, &now)
	k := &fakeKong{line: "GET /?x-api-key=old&a=%31&%61pikey=other HTTP/1.1", headers: map[string][]string{"apikey": {"k"}}}
	v := one.Judge(k.facts(t, one.Need))
	require.False(t, v.Denied)
	require.Equal(t, "a=%31", *v.Query)
	require.Subset(t, v.Upstream.Clear, []string{"apikey", "x-api-key"})
	require.Equal(t, `{"a":1}`, string((&fields{prefix: "{", between: ",", after: "}", list: []field{
		{name: "apikey", text: `"apikey":"k"`}, {name: "a", text: `"a":1`}, {name: "x-api-key", text: `"x-api-key":"old"`},
	}}).without("apikey", "x-api-key")))
}

// TestMonitoringHidesKeys: what goes on without having been let in brings no key to the upstream
// either.
func TestMonitoringHidesKeys(t *testing.T) {
	now := time.Now()
	one := compile(t, `{"mode":"monitoring","hide_credentials":true,"credentials":[{"key":"k","consumer":"ann"}]}`, &now)
	k := &fakeKong{line: "GET /?apikey=wrong&a=1 HTTP/1.1"}
	v := one.Judge(k.facts(t, one.Need))
	require.Equal(t, "unknown_key", v.Reason)
	require.Contains(t, v.Upstream.Clear, "apikey")
	require.Equal(t, "a=1", *v.Query)
}

func TestConfigRefuses(t *testing.T) {
	for _, row := range []struct{ name, config, want string }{
		{name: "no such day", config: `{"credentials":[{"key":"s3cret","consumer":"ann","expires":"2027-02-30"}]}`, want: "expires"},
		{name: "expires first", config: `{"credentials":[{"key":"s3cret","consumer":"ann","not_before":"2027-02-02","expires":"2027-02-01"}]}`, want: "config.credentials[0]: expires before it becomes valid"},
		{name: "a path with dots", config: `{"credentials":[{"key":"s3cret","consumer":"ann","paths":["/a/../b"]}]}`, want: `config.credentials[0]: has the path "/a/../b"`},
		{name: "a URL of keys", config: `{"key_files":["/a://b"]}`, want: "config.key_files[0]"},
		{name: "a file without a path", config: `{"key_files":["keys.yml"]}`, want: "key_files"},
		{name: "Kong's, and no Admin API", config: `{"kong_credentials":"required"}`, want: "config.kong_credentials: the server has no Admin API to read them from: set admin_api.url"},
		{name: "a header that is taken", config: `{"tag_headers":{"X-Consumer-ID":"*"}}`, want: "config.tag_headers.X-Consumer-ID: is a header that says who called"},
		{name: "a tag with a comma", config: `{"credentials":[{"key":"s3cret","consumer":"ann","tags":["a,b"]}]}`, want: "tags"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := &Config{}
			err := Definition().Schema().Decode([]byte(row.config), c)
			if err == nil {
				_, err = c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
			}
			require.ErrorContains(t, err, row.want)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}
