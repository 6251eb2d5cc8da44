package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/console"
	"kongwaf/kong/events"
	"kongwaf/kong/suggest"
)

// pastEvents are events of some weeks: an SQL console's users, an editor's, a scanner, on the
// plugin of a route, on one that serves several, and on the gate.
func pastEvents() (list []*events.Event) {
	add := func(day int, plugin, entity, route, client, class, place, path, evidence, raw string, score float64) {
		at := time.Date(2026, 3, 2+day, 9, 0, len(list)%60, 0, time.UTC)
		list = append(list, &events.Event{Schema: 1, Name: events.Name, ID: events.NewID(at), Time: at, Plugin: plugin, PluginID: entity, Check: "detect",
			Action: events.ActionReported, Mode: "monitoring", Reason: "attack_seen", Method: "POST", Path: path, Client: client, RouteName: route,
			ServiceName: "backend", Classes: []string{class}, Places: []string{place}, Evidence: evidence, Raw: raw, Score: score, Count: 1})
	}
	for client := range 6 {
		for day := range 4 {
			user, n := fmt.Sprintf("198.51.100.%d", client+1), client*4+day
			sql := fmt.Sprintf("SELECT a FROM t WHERE id = %d UNION SELECT b FROM u", n)
			add(day, "waf-detect", "p1", "sql: \"console\"", user, "sqli", "body.json.query", "/run", sql, sql, 0.75)
			if day < 3 {
				add(day, "waf-detect", "p1", "sql: \"console\"", user, "ssti", "body.json.title", "/run", "{{7*7}}", "{{7*7}}", 0.75)
			}
			html := fmt.Sprintf("<script>map(%d)</script>", n)
			add(day, "waf-detect", "p2", "pages", user, "xss", "body.form.article", "/pages/edit", html, "article=%3Cscript%3Emap("+fmt.Sprint(n)+")%3C/script%3E", 0.95)
			add(day, "waf-detect", "p2", "news", user, "ptrav", "query.file", "/news", "/etc/motd", "file=/etc/motd", 0.75)
			add(day, "waf-detect", "p2", "news", user, "ssti", "query.title", "/news", "{{7*7}}", "title={{7*7}}", 0.75)
			add(day, "waf-gate", "p3", "gated", user, "xss", "body.form.article", "/a", html, "article=%3Cscript%3Emap("+fmt.Sprint(n)+")%3C/script%3E", 0.95)
		}
	}
	for n, place := range []string{"query.a", "query.b", "query.c", "query.d", "cookie.e", "header.x-f"} {
		add(n%4, "waf-detect", "p1", "sql: \"console\"", "203.0.113.9", []string{"sqli", "xss", "rce"}[n%3], place, "/run", "' OR 1=1 -- ", "", 0.97)
	}
	return list
}

func suggestOn(t *testing.T, stdin []byte, args ...string) (out, said string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"suggest"}, args...), bytes.NewReader(stdin), &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

func jsonLines(list []*events.Event) (text []byte) {
	for _, e := range list {
		text = e.Append(text)
	}
	return text
}

// TestSuggest: the same suggestions from a file, a compressed one, the standard input and the
// console's history; the lines to copy are a configuration that validate accepts.
func TestSuggest(t *testing.T) {
	dir := t.TempDir()
	lines := jsonLines(pastEvents())
	plain, packed := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "events-1.jsonl.gz")
	require.NoError(t, os.WriteFile(plain, lines, 0o600))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err := w.Write(lines)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(packed, z.Bytes(), 0o600))
	history := filepath.Join(dir, "history")
	store, err := console.OpenStore(console.StoreOptions{Folder: history, Keep: 365 * 24 * time.Hour, Bytes: 1 << 30,
		Now: func() time.Time { return pastEvents()[0].Time }})
	require.NoError(t, err)
	require.NoError(t, store.Write(context.Background(), pastEvents()))
	defer store.Close() // the console goes on

	want, said, code := suggestOn(t, nil, plain)
	require.Zero(t, code, said)
	t.Log(want)
	for _, args := range [][]string{{packed}, {"-"}, {"--data", history}} {
		var stdin []byte
		if args[0] == "-" {
			stdin = lines
		}
		got, said, code := suggestOn(t, stdin, args...)
		require.Zero(t, code, said)
		require.Equal(t, noTimes(want), noTimes(got), args)
	}
	for _, text := range []string{
		`route sql: "console", waf-detect`, "likely: presets: [sql]", "exception for ssti in body.json.title, below /run",
		"expects html in body.form.article, below /pages/edit", "on route news",
	} {
		require.Contains(t, want, text)
	}
	require.NotContains(t, want, "203.0.113.9", "nothing is suggested for a scanner")
	for _, format := range []string{"deck", "kongplugin"} {
		out, said, code := suggestOn(t, nil, "--format", format, plain)
		require.Zero(t, code, said)
		t.Log(out)
		file := filepath.Join(dir, format+".yaml")
		require.NoError(t, os.WriteFile(file, []byte(out), 0o600))
		var stdout, stderr bytes.Buffer
		require.Zero(t, run([]string{"validate", file}, nil, &stdout, &stderr), stdout.String())
		require.Contains(t, out, "presets:\n")
		require.Contains(t, out, "place: body.form.article")
	}
	out, _, code := suggestOn(t, nil, "--format", "json", "--route", "pages", plain)
	require.Zero(t, code)
	var report suggest.Report
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Len(t, report.Routes, 1)
	require.Equal(t, "pages", report.Routes[0].Route)
}

// noTimes leaves out what depends on the order in which equal events were read.
func noTimes(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, " e.g. ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestSuggestBadInput: what is wrong is said with its line, and the rest is read.
func TestSuggestBadInput(t *testing.T) {
	dir := t.TempDir()
	lines := jsonLines(pastEvents())
	broken := append([]byte("{\"no\": \"event\"}\n\x1b[31mno JSON\n\n[1]\n{\"timestamp\": 7}\n"), lines...)
	broken = append(broken, strings.Repeat("x", 300<<10)...)
	want, _, _ := suggestOn(t, lines, "-")
	got, said, code := suggestOn(t, broken, "-")
	require.Equal(t, 1, code)
	require.Equal(t, want, got)
	for _, text := range []string{"-:1: not an event", "-:2: not a JSON object", "-:4: not a JSON object", "-:5: ", "longer than", "5 bad lines of"} {
		require.Contains(t, said, text)
	}
	require.NotContains(t, said, "\x1b")

	many := bytes.Repeat([]byte("no\n"), 1000)
	_, said, _ = suggestOn(t, many, "-")
	require.Equal(t, maxProblems+1, strings.Count(said, "\n"), "few are told one by one")
	require.Contains(t, said, "1000 bad lines")

	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(lines)
	_ = w.Close()
	_, said, code = suggestOn(t, z.Bytes()[:z.Len()/2], "-")
	require.Equal(t, 1, code)
	require.Contains(t, said, "unexpected EOF", "a file that is cut off is said to be")

	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{args: nil, code: 2, want: "EVENTS is missing"},
		{args: []string{"--format", "xml", "-"}, code: 2, want: `format: "xml"`},
		{args: []string{"--min-clients", "0", "-"}, code: 2, want: "--min-clients: 0"},
		{args: []string{"--max-share", "2", "-"}, code: 2, want: "--max-share"},
		{args: []string{"--max-share", "NaN", "-"}, code: 2, want: "--max-share"},
		{args: []string{"--days", "-1", "-"}, code: 2, want: "--days"},
		{args: []string{filepath.Join(dir, "none")}, code: 1, want: "no such file"},
		{args: []string{dir}, code: 1, want: "directory"},
		{args: []string{"--data", dir}, code: 1, want: "no such file"},
	} {
		_, said, code := suggestOn(t, nil, tc.args...)
		require.Equal(t, tc.code, code, tc.args)
		require.Contains(t, said, tc.want, tc.args)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "reading makes no history")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "history.db"), []byte(strings.Repeat("no history", 1000)), 0o600))
	_, said, code = suggestOn(t, nil, "--data", dir)
	require.Equal(t, 1, code)
	require.Contains(t, said, "is no history of a console")
}
