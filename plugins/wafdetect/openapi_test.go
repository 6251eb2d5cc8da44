package wafdetect

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

const described = "../../examples/openapi/shop.yaml"

// shopSpec is the example as a config has it.
func shopSpec(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(described)
	require.NoError(t, err)
	quoted, err := json.Marshal(string(text))
	require.NoError(t, err)
	return string(quoted)
}

func TestOpenAPI(t *testing.T) {
	spec := shopSpec(t)
	config := func(fields string) string { return `{"openapi":{"spec":` + spec + fields }
	order := func(body string) func() *facts.Facts {
		return func() *facts.Facts { return send("/api/orders", "application/json", body) }
	}
	for _, row := range []struct {
		name, config string
		request      func() *facts.Facts
		place        string // "" if nothing is seen
		denied       bool
	}{
		{"as described", config(`}}`), order(`{"item":"a","count":1}`), "", false},
		{"a body that is not", config(`}}`), order(`{"item":"a","count":100}`), "body.json.count", true},
		{"a path that is not", config(`}}`), func() *facts.Facts { return send("/api/admin", "", "") }, "path", true},
		{"only reported", config(`,"action":"report"}}`), order(`{"item":"a"}`), "body.json", false},
		{"monitoring", `{"mode":"monitoring",` + config(`}}`)[1:], order(`{"item":"a"}`), "body.json", false},
		{"safe blocking of others", `{"mode":"safe_blocking","grey":["192.0.2.1"],` + config(`}}`)[1:], order(`{"item":"a"}`), "body.json", false},
		{"behind a base path", config(`,"base_path":"/x"}}`), func() *facts.Facts { return send("/x/orders/1", "", "") }, "", false},
		{"a class that is disabled", `{"disabled_classes":["schema"],` + config(`}}`)[1:], order(`{"item":"a"}`), "", false},
		{"an exception", `{"exceptions":[{"place":"query.utm","class":"schema"}],` + config(`}}`)[1:], func() *facts.Facts { return send("/api/orders?utm=1", "", "") }, "", false},
		{"an exception and another place", `{"exceptions":[{"place":"query.utm","class":"schema"}],` + config(`}}`)[1:], func() *facts.Facts { return send("/api/orders?utm=1&x=1", "", "") }, "query.x", true},
		{"parts that may be unknown", config(`,"unknown":[]}}`), func() *facts.Facts { return send("/api/admin?x=1", "", "") }, "", false},
		{"a body that is not inspected", `{"inspect":["path","query"],` + config(`}}`)[1:], order(`{"item":"a"}`), "", false},
		{"parts that are not inspected", `{"inspect":["body"],` + config(`}}`)[1:], func() *facts.Facts { return send("/api/orders?limit=x", "", "") }, "query.limit", true},
	} {
		v := compile(t, row.config).Judge(row.request())
		require.Equal(t, row.denied, v.Denied, "%s: %+v", row.name, v.Report)
		if row.place == "" {
			require.True(t, v.Report == nil || len(v.Report.Attacks) == 0, "%s: %+v", row.name, v.Report)
			continue
		}
		require.Equal(t, "schema_violated", v.Reason, row.name)
		require.EqualValues(t, row.place, v.Report.Attacks[0].Place, row.name)
		require.Equal(t, detect.ClassSchema, v.Report.Attacks[0].Class, row.name)
	}
	require.Equal(t, "attack_excepted", compile(t, `{"exceptions":[{"class":"schema"}],`+config(`}}`)[1:]).Judge(order(`{}`)()).Reason)

	v := compile(t, config(`}}`)).Judge(send("/api/orders", "application/json", `{"item":"1' UNION SELECT password FROM users--","count":100}`))
	require.Equal(t, detect.ClassSQLi, v.Report.Attacks[0].Class, "an attack is an attack, whatever the description says")
	require.Equal(t, "attack", v.Reason)

	long := order(`{"item":`)()
	long.Request.BodyTruncated = true
	v = compile(t, config(`}}`)).Judge(long)
	require.False(t, v.Denied)
	require.Equal(t, "schema_unchecked", v.Reason)
}

// full is a Kong of whose requests' memory nothing is left, or all.
type full struct{ left bool }

func (full) Ask(string, []byte) (string, error) { return "", nil }
func (k full) Reserve(int64) bool               { return k.left }
func (full) Close() error                       { return nil }
func (full) Release(int64)                      {}
func (full) Extend(time.Duration)               {}

// TestOpenAPIWithoutMemory: a body for whose judging there is no memory fails as on_error says.
func TestOpenAPIWithoutMemory(t *testing.T) {
	c := compile(t, `{"openapi":{"spec":`+shopSpec(t)+`}}`)
	for _, left := range []bool{true, false} {
		f, err := facts.Read(full{left}, facts.Need{}, new(facts.Packed), 0)
		require.NoError(t, err)
		f.Request = send("/api/orders", "application/json", `{"item":"a","count":1}`).Request
		v := c.Judge(f)
		require.Equal(t, !left, v.Failed, "%+v", v)
		require.False(t, v.Denied)
		f.Close()
	}
}

func TestBadOpenAPI(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths: {/a: {get: {parameters: [{$ref: 'other.yaml#/x'}], responses: {'200': {description: ok}}}}}"), 0o600))
	for config, want := range map[string]string{
		`{"openapi":{"spec":"shop.yaml"}}`:             "config.openapi.spec: ",
		`{"openapi":{"spec":` + quoted(missing) + `}}`: "config.openapi.spec: ",
		`{"openapi":{"spec":` + quoted(bad) + `}}`:     "a reference leaves the description",
		`{"openapi":{"spec":"{}"}}`:                    `config.openapi.spec: has no field "openapi"`,
		`{"openapi":{"spec":"http://"}}`:               "config.openapi.spec: ",
		`{"openapi":{"spec":"{}","action":"deny"}}`:    "config.openapi.action",
		`{"openapi":{"spec":"{}","unknown":["body"]}}`: "config.openapi.unknown[0]",
		`{"openapi":{"spec":"{}","base_path":"shop"}}`: "config.openapi.base_path",
		`{"openapi":{"spec":"{}","interval":0}}`:       "config.openapi.interval",
		`{"openapi":{"file":"/a"}}`:                    "file",
	} {
		c := &Config{}
		err := Definition().Schema().Decode([]byte(config), c)
		if err == nil {
			_, err = c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
		}
		require.ErrorContains(t, err, want, config)
	}
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// TestOpenAPIIsReadAgain: a URL that is away leaves requests to the failure policy until it
// answers; then a newer version takes over, and a bad one changes nothing.
func TestOpenAPIIsReadAgain(t *testing.T) {
	var text atomic.Value
	text.Store("")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if text.Load() == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, text.Load())
	}))
	defer server.Close()
	example, err := os.ReadFile(described)
	require.NoError(t, err)

	shared := check.NewShared(slog.New(slog.DiscardHandler))
	now := time.Now()
	shared.Now = func() time.Time { return now }
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(`{"openapi":{"spec":"`+server.URL+`"}}`), c))
	one, err := c.OpenAPI.compile(check.Env{Shared: shared}, "", true)
	require.NoError(t, err)
	judge := func(target string) detect.Verdict {
		engine, err := c.Check(check.Env{Shared: shared}, "config")
		require.NoError(t, err)
		return engine.Judge(send(target, "", ""))
	}
	require.True(t, judge("/api/orders").Failed, "nobody knows what is described")

	text.Store(string(example))
	one.source.Refresh()
	require.Zero(t, judge("/api/orders"))
	require.True(t, judge("/api/carts").Denied)

	text.Store(strings.Replace(string(example), "/orders:", "/carts:", 1))
	one.source.Refresh()
	require.Zero(t, judge("/api/carts"))
	require.True(t, judge("/api/orders").Denied)

	text.Store("openapi: 3.0.0")
	one.source.Refresh()
	require.Zero(t, judge("/api/carts"), "a bad version changes nothing")
	require.Error(t, one.source.Status().Err)
}

// BenchmarkOpenAPI reports what a request costs the plugin with a description and without.
func BenchmarkOpenAPI(b *testing.B) {
	text, err := os.ReadFile(described)
	if err != nil {
		b.Fatal(err)
	}
	spec, _ := json.Marshal(string(text))
	for name, config := range map[string]string{"without": `{}`, "with": `{"openapi":{"spec":` + string(spec) + `}}`} {
		b.Run(name, func(b *testing.B) {
			c := &Config{}
			if err := Definition().Schema().Decode([]byte(config), c); err != nil {
				b.Fatal(err)
			}
			one, err := c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
			if err != nil {
				b.Fatal(err)
			}
			f := send("/api/orders", "application/json", `{"item":"a","count":1}`)
			b.ReportAllocs()
			for b.Loop() {
				if v := one.Judge(f); v.Report != nil || v.Failed {
					b.Fatal(v)
				}
			}
		})
	}
}
