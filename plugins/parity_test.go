package plugins_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// difference is what ours answers on purpose where Kong's own plugin answers otherwise.
type difference struct {
	status int
	why    string
	said   string // in docs/plugins.md
}

// differences are all the exchanges in which ours differs, by the recorded case.
// docs/plugins.md lists them too.
var differences = map[string]difference{
	"ip-deny ::ffff:198.51.100.7":  {status: 403, why: "an IPv4 address in IPv6 form is that IPv4 address: Kong lets it slip past the deny list", said: "judges `::ffff:198.51.100.7` as `198.51.100.7`"},
	"ip-allow ::ffff:198.51.100.7": {status: 200, why: "an IPv4 address in IPv6 form is that IPv4 address: the allow list holds it", said: "judges `::ffff:198.51.100.7` as `198.51.100.7`"},
}

// credentials are the keys of the recorded Kong, which had them in its database.
var credentials = []map[string]any{
	{"key": "secret", "consumer": "bob", "id": "a4a20a4f-1189-4694-8b57-9e051c6ef51c"},
	{"key": "k2", "consumer": "amy", "id": "8a646adc-50e8-4e47-8256-a96d5c65f5a0"},
}

// TestParity replays 93 exchanges with Kong 3.9.1's bundled plugins against ours: the same
// status, headers, body and upstream request, but for the listed differences.
func TestParity(t *testing.T) {
	exchanges, err := gatewaytest.ReadExchanges(filepath.Join("testdata", "bundled-3.9.1.jsonl"))
	require.NoError(t, err)
	require.Len(t, exchanges, 93)

	clock := newRecordedClock()
	shared := plugins.NewShared(slog.New(slog.DiscardHandler))
	shared.Now = clock.now
	stage, err := gatewaytest.NewStage(exchanges, serve(t, shared), ours)
	require.NoError(t, err)
	defer stage.Close()

	seen := map[string]bool{}
	for i, x := range exchanges {
		t.Run(fmt.Sprintf("%02d %s", i, x.Case), func(t *testing.T) {
			clock.set(t, x.Answer.Headers.Get("RateLimit-Reset"))
			got, err := stage.Run(x)
			require.NoError(t, err)
			if d, ok := differences[x.Case]; ok {
				seen[x.Case] = true
				require.NotEqual(t, x.Answer.Status, d.status, "no difference any more: take it off the list")
				require.Equal(t, d.status, got.Status, d.why)
				return
			}
			compare(t, x, got)
		})
	}
	require.Len(t, seen, len(differences), "a listed difference was not met")
}

// TestDifferencesAreSaid: whoever moves over reads of each, and no page names another place for them.
func TestDifferencesAreSaid(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "plugins.md"))
	require.NoError(t, err)
	_, list, found := strings.Cut(string(page), "<!-- differences: held against plugins/parity_test.go -->\n")
	require.True(t, found)
	list, _, _ = strings.Cut(list, "\n#")
	for name, d := range differences {
		require.Contains(t, list, d.said, name)
	}
	for _, d := range plugins.Definitions() {
		require.Regexp(t, "(?m)^\\| `"+d.Name+"` \\|.*\\| "+strconv.Itoa(d.Priority)+" \\|$", string(page))
	}
}

func compare(t *testing.T, x gatewaytest.Exchange, got *gatewaytest.Outcome) {
	t.Helper()
	require.Equal(t, x.Answer.Status, got.Status)
	require.Equal(t, lines(x.Answer.Headers), lines(got.Headers), "headers to the client")
	if x.Answer.Body != nil {
		recorded := x.Answer.Headers.Get("X-Kong-Request-Id")
		require.Equal(t, strings.ReplaceAll(*x.Answer.Body, recorded, "ID"),
			strings.ReplaceAll(got.Body, got.Headers.Get("X-Kong-Request-Id"), "ID"), "body")
	}
	require.Equal(t, x.Answer.Upstream == nil, got.Upstream == nil, "whether the upstream was asked")
	if want := x.Answer.Upstream; want != nil {
		require.Equal(t, want.Method, got.Upstream.Method)
		require.Equal(t, want.Target, got.Upstream.Target, "upstream target")
		require.Equal(t, lines(want.Headers), lines(got.Upstream.Headers), "headers to the upstream")
		require.Equal(t, *want.Body, got.Upstream.Body, "body to the upstream")
	}
}

// varying are headers whose values differ between any two runs, and those of the recorded
// upstream itself.
var varying = []string{"x-kong-request-id", "x-kong-response-latency", "x-kong-upstream-latency", "x-kong-proxy-latency",
	"date", "host", "x-forwarded-port", "server", "content-length"}

// lines returns headers in a comparable form: sorted, names in lower case. Of varying ones
// only the presence counts.
func lines(headers gatewaytest.Headers) []string {
	var out []string
	for _, h := range headers {
		name := strings.ToLower(h[0])
		value := h[1]
		switch {
		case name == "date" || strings.HasSuffix(name, "-latency"):
			continue // the recording of proxied answers left them out
		case slices.Contains(varying, name):
			value = "..."
		}
		out = append(out, name+": "+value)
	}
	slices.Sort(out)
	return out
}

// ours translates a bundled plugin's config: the name changes, the fields stay.
func ours(p gatewaytest.PluginConfig) (gatewaytest.PluginConfig, error) {
	out := gatewaytest.PluginConfig{Name: "waf-" + p.Name, Config: map[string]any{}}
	for field, value := range p.Config {
		out.Config[field] = value
	}
	if p.Name == "key-auth" && out.Config["credentials"] == nil {
		out.Config["credentials"] = credentials
	}
	for _, d := range plugins.Definitions() {
		if d.Name != out.Name {
			continue
		}
		// As JSON and back, because that is the form in which configs are read.
		raw, err := json.Marshal(out.Config)
		if err != nil {
			return out, err
		}
		var config map[string]any
		if err := json.Unmarshal(raw, &config); err != nil {
			return out, err
		}
		completed, errs := d.Schema().Complete(config)
		if len(errs) > 0 {
			return out, errs[0]
		}
		out.Config = completed
	}
	return out, nil
}

// serve starts the plugin server and returns the gateway's options for it.
func serve(t *testing.T, shared *plugins.Shared) gateway.Options {
	t.Helper()
	server, err := gatewaytest.NewPluginServer(t.TempDir(), pluginserver.Options{Plugins: plugins.All(shared), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	opts := gateway.Options{Socket: server.Socket}
	for _, d := range plugins.Definitions() {
		opts.Plugins = append(opts.Plugins, gateway.PluginInfo{Name: d.Name, Priority: d.Priority, Phases: []string{"access"}})
	}
	return opts
}

// recordedClock goes along with the recording: RateLimit-Reset says how far its minute was.
type recordedClock struct{ unix atomic.Int64 }

func newRecordedClock() *recordedClock {
	c := &recordedClock{}
	c.unix.Store(time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC).Unix())
	return c
}

func (c *recordedClock) now() time.Time { return time.Unix(c.unix.Load(), 0).UTC() }

func (c *recordedClock) set(t *testing.T, reset string) {
	t.Helper()
	if reset == "" {
		return
	}
	seconds, err := strconv.Atoi(reset)
	require.NoError(t, err)
	c.unix.Store(c.unix.Load()/60*60 + 60 - int64(seconds))
}
