package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/console"
	"kongwaf/kong/metrics"
)

// TestListsCommand: what a person types, against a console with a token.
func TestListsCommand(t *testing.T) {
	s := behindProxy(t, detectOnly)
	store, err := console.OpenStore(console.StoreOptions{})
	require.NoError(t, err)
	defer store.Close()
	server := httptest.NewServer(console.New(console.Options{Numbers: metrics.New(), Store: store, Lists: s.keeper, Token: "s3cret", Local: true}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("s3cret\n"), 0o600))
	address := strings.TrimPrefix(server.URL, "http://")
	call := func(args ...string) (code int, out, errs string) {
		var o, e bytes.Buffer
		code = run(append([]string{"lists"}, args...), nil, &o, &e)
		return code, o.String(), e.String()
	}
	with := func(args ...string) []string { return append(args, "--console", address, "--token-file", token) }

	code, _, errs := call(with("add", "203.0.113.9", "--list", "deny", "--for", "24h", "--reason", "scans us")...)
	require.Zero(t, code, errs)
	code, _, errs = call(with("add", "--list", "allow", "consumer:ann")...)
	require.Zero(t, code, errs)
	_, out, _ := call(with()...)
	require.Contains(t, out, "LIST   CLIENT        UNTIL")
	require.Regexp(t, `deny   203\.0\.113\.9   20\d\d-\S+  hand  n1    scans us`, out)
	require.Regexp(t, `allow  consumer:ann  for ever`, out)
	_, out, _ = call(with("show", "--list", "deny", "--json")...)
	require.Equal(t, 1, strings.Count(out, "\n"))
	require.Contains(t, out, `"client":"203.0.113.9","list":"deny","reason":"scans us"`)
	code, _, errs = call(with("remove", "203.0.113.9")...)
	require.Zero(t, code, errs)
	require.Len(t, s.keeper.Entries(), 1)

	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{args: with("remove", "203.0.113.9"), code: 1, want: "203.0.113.9 is on no list"},
		{args: []string{"--console", address}, code: 1, want: "a token is needed"},
		{args: []string{"--console", freeAddress(t)}, code: 1, want: "no console there"},
		{args: []string{"--console", "off"}, code: 1, want: "write --console ADDR"},
		{args: []string{"--config", "none.yaml"}, code: 1, want: "none.yaml"},
		{args: []string{"drop"}, code: 2, want: `there is no "drop": write show, add or remove`},
		{args: []string{"add"}, code: 2, want: "CLIENT is missing"},
		{args: []string{"add", "10.0.0.1"}, code: 2, want: "--list: "},
		{args: []string{"add", "10.0.0.1/8", "--list", "deny"}, code: 2, want: "write 10.0.0.0/8"},
		{args: []string{"add", "10.0.0.1", "--list", "deny", "--for", "soon"}, code: 2, want: `--for: "soon"`},
		{args: []string{"add", "10.0.0.1", "10.0.0.2", "--list", "deny"}, code: 2, want: `unexpected argument "10.0.0.2"`},
		{args: []string{"show", "10.0.0.1"}, code: 2, want: `unexpected argument "10.0.0.1"`},
	} {
		code, _, errs := call(tc.args...)
		require.Equal(t, tc.code, code, errs)
		require.Contains(t, errs, tc.want)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
}

// TestListsTalksToAnybody: what answers may be no console; a terminal shows what it says all
// the same.
func TestListsTalksToAnybody(t *testing.T) {
	answer, status := "", 200
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	for _, tc := range []struct {
		name, answer string
		status       int
		want         string
	}{
		{name: "a page", answer: "<html>", status: 200, want: "no answer of a console"},
		{name: "an error with escapes", answer: "\x1b[2Jgone", status: 500, want: "?[2Jgone"},
		{name: "elsewhere", status: 302, want: "302"},
		{name: "an entry that is none", answer: `{"entries":[{"client":"x"}]}`, status: 200, want: "no answer of a console"},
	} {
		answer, status = tc.answer, tc.status
		var o, e bytes.Buffer
		require.Equal(t, 1, run([]string{"lists", "--console", strings.TrimPrefix(server.URL, "http://")}, nil, &o, &e), tc.name)
		require.Contains(t, e.String(), tc.want)
		require.NotContains(t, o.String()+e.String(), "\x1b")
	}
}
