package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/conformance"
)

// tryConformance runs the suite against the stand-in with that deck file, and returns how
// often each outcome came.
func tryConformance(t *testing.T, deck string, bundled bool) map[conformance.Outcome]int {
	t.Helper()
	s := newSystem(t, deck)
	proxy := &url.URL{Scheme: "http", Host: s.Addr}
	counts := map[conformance.Outcome]int{}
	_, err := conformance.Run(t.Context(), &conformance.Target{Proxy: proxy, Upstream: s.upstream, Bundled: bundled}, func(r conformance.Result) {
		counts[r.Outcome]++
		if r.Outcome == conformance.Failed {
			t.Logf("%s: %s: %s\n%s", r.Group, r.Name, r.Why, strings.Join(r.Exchanges, "\n"))
		}
	})
	require.NoError(t, err)
	return counts
}

// TestConformance: the suite that proves a real Kong, against the stand-in.
func TestConformance(t *testing.T) {
	counts := tryConformance(t, conformance.Deck("${upstream}", false), false)
	require.Zero(t, counts[conformance.Failed])
	require.Greater(t, counts[conformance.Passed], 60)
}

// TestConformanceBeside: with our plugins in the place of Kong's own nothing differs; with
// another message something does.
func TestConformanceBeside(t *testing.T) {
	deck := conformance.Deck("${upstream}", true)
	deck = strings.ReplaceAll(deck, "    keyauth_credentials: [{key: conformance-key-1}]\n", "")
	for _, name := range []string{"key-auth", "ip-restriction", "rate-limiting"} {
		ours, kongs := "{name: waf-"+name+", config: {", "{name: "+name+", config: {"
		require.Contains(t, deck, kongs)
		deck = strings.ReplaceAll(deck, kongs, ours)
	}
	deck = strings.Replace(deck, "config: {key_names: [apikey], hide_credentials: true, key_in_body: true}}", "config: {key_names: [apikey], hide_credentials: true, key_in_body: true, credentials: [{key: conformance-key-1, consumer: kong-waf-conformance}]}}", 1)
	counts := tryConformance(t, deck, true)
	require.Zero(t, counts[conformance.Failed])

	other := strings.Replace(deck, "{allow: [192.0.2.1]}", "{allow: [192.0.2.1], message: Go away}", 1)
	require.Positive(t, tryConformance(t, other, true)[conformance.Failed])
}

// TestConformanceCommand: what a caller sees who has no Kong, the wrong one, or only wants the file.
func TestConformanceCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kong.yml")
	var out, problems bytes.Buffer
	require.Zero(t, runConformance([]string{"--write", file}, nil, &out, &problems))
	deck, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(deck), "url: http://127.0.0.1:9599")
	require.Zero(t, runValidate([]string{file}, nil, &out, &problems), out.String())

	databaseless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version":"3.9.1","configuration":{"database":"off"},"plugins":{"available_on_server":{"waf-detect":true,"waf-gate":true,"waf-ip-restriction":true,"waf-key-auth":true,"waf-rate-limiting":true}}}`))
	}))
	defer databaseless.Close()
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version":"3.9.1","plugins":{"available_on_server":{"key-auth":true}}}`))
	}))
	defer foreign.Close()
	for _, tc := range []struct {
		name string
		args []string
		says string
	}{
		{name: "no proxy", says: "--proxy is missing"},
		{name: "no URL", args: []string{"--proxy", "localhost:8000"}, says: `--proxy: "localhost:8000" is no URL such as http://127.0.0.1:8000`},
		{name: "an unknown format", args: []string{"--proxy", "http://127.0.0.1:1", "--format", "xml"}, says: `"xml" is neither text nor jsonl`},
		{name: "nobody listens", args: []string{"--proxy", "http://127.0.0.1:1", "--wait", "1ms"}, says: "connection refused"},
		{name: "a Kong without a database", args: []string{"--proxy", "http://127.0.0.1:1", "--admin", databaseless.URL}, says: "--replace-config"},
		{name: "a Kong without our plugins", args: []string{"--proxy", "http://127.0.0.1:1", "--admin", foreign.URL}, says: "does not know the plugin waf-ip-restriction"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, problems bytes.Buffer
			require.Equal(t, 2, runConformance(append(tc.args, "--upstream-listen", "127.0.0.1:0"), nil, &out, &problems))
			require.Contains(t, problems.String(), tc.says)
		})
	}
}
