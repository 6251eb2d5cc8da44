package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWrongCalls: a command that is called wrongly says what is wrong in one line.
func TestWrongCalls(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{args: []string{"scan", "--formt", "har"}, want: "kong-waf scan: there is no option --formt"},
		{args: []string{"scan", "--workers", "many"}, want: `invalid value "many" for --workers`},
		{args: []string{"scan", "--format"}, want: "a value is missing behind --format"},
		{args: []string{"eval"}, want: "kong-waf eval: FILE... is missing"},
		{args: []string{"validate"}, want: "kong-waf validate: FILE... is missing"},
		{args: []string{"info"}, want: "kong-waf info: NAME is missing"},
		{args: []string{"info", "waf-detect", "waf-gate"}, want: `unexpected argument "waf-gate"`},
		{args: []string{"serve", "now"}, want: `unexpected argument "now"`},
		{args: []string{"run"}, want: "kong-waf run: COMMAND is missing"},
		{args: []string{"version", "now"}, want: `unexpected argument "now"`},
	} {
		var stdout, stderr bytes.Buffer
		code := run(tc.args, strings.NewReader(""), &stdout, &stderr)
		if code != 2 || !strings.Contains(stderr.String(), tc.want) || strings.Count(stderr.String(), "\n") != 1 || stdout.Len() > 0 {
			t.Errorf("%v: status %d, %q; want 2, a line with %q", tc.args, code, stderr.String(), tc.want)
		}
	}
}

// TestHelp: every command says how it is called, with its options as they are typed.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 0, run([]string{c.name, "--help"}, strings.NewReader(""), &stdout, &stderr), c.name)
		require.True(t, strings.HasPrefix(stderr.String(), "Usage: kong-waf "+c.name), "%s: %s", c.name, stderr.String())
		for line := range strings.Lines(stderr.String()) {
			require.False(t, strings.HasPrefix(line, "  -") && !strings.HasPrefix(line, "  --"), "%s: %s", c.name, line)
		}
	}
}

// TestServeHelpNamesEverySetting: the settings have no other list.
func TestServeHelpNamesEverySetting(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run([]string{"serve", "--help"}, strings.NewReader(""), &stdout, &stderr))
	for _, want := range []string{"console.keep_days", "events.otlp", "redis.address", "limits.concurrency", "socket.mode", "(default 0660)"} {
		require.Contains(t, stderr.String(), want)
	}
}
