package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig is a console with a history in memory and a clock that stands still.
type rig struct {
	*Console
	store   *Store
	live    *Live
	numbers *metrics.Table
}

func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	r := &rig{live: &Live{}, numbers: metrics.New()}
	var err error
	r.store, err = OpenStore(StoreOptions{Keep: 30 * 24 * time.Hour, Bytes: 16 << 20, Now: func() time.Time { return now }, Wrote: r.live.Publish})
	require.NoError(t, err)
	t.Cleanup(func() { r.store.Close() })
	o := Options{Local: true, Socket: "/kong.socket", Numbers: r.numbers, Store: r.store, Live: r.live, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	r.Console = New(o)
	r.numbers.Number(metrics.Beat).Set(uint64(now.Unix()))
	r.numbers.Number(metrics.WorkerUp).Set(1)
	return r
}

func (r *rig) get(target string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, target, nil)
	if strings.HasPrefix(target, "/") {
		request.Host = "127.0.0.1:9542"
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	return w
}

func (r *rig) put(t *testing.T, list ...*events.Event) {
	t.Helper()
	require.NoError(t, r.store.Write(context.Background(), list))
}

// sqli is a blocked attack so long ago.
func sqli(ago time.Duration, place, path string) *events.Event {
	at := now.Add(-ago)
	return &events.Event{Schema: 1, Name: events.Name, ID: events.NewID(at), Time: at, Plugin: "waf-detect", PluginID: "p1", Check: "detect",
		Action: events.ActionBlocked, Mode: "block", Reason: "attack", Status: 403, Method: "GET", Path: path, Client: "203.0.113.9", RouteName: "api",
		Classes: []string{"sqli"}, Places: []string{place}, Evidence: "' OR 1=1 -- ", Score: 0.97, Count: 1, RequestID: "r" + ago.String()}
}

func TestHealth(t *testing.T) {
	r := newRig(t, nil)
	set := func(m *metrics.Metric, n uint64, labels ...string) { r.numbers.Number(m, labels...).Set(n) }
	for _, tc := range []struct {
		name string
		do   func()
		undo func()
		want string
	}{
		{name: "all well", do: func() {}, undo: func() {}},
		{name: "no worker", do: func() { set(metrics.WorkerUp, 0) }, undo: func() { set(metrics.WorkerUp, 1) }, want: "no worker"},
		{name: "fallback", do: func() { set(metrics.Fallback, 1) }, undo: func() { set(metrics.Fallback, 0) }, want: "keep dying"},
		{name: "socket lost", do: func() { set(metrics.SocketLost, 1) }, undo: func() { set(metrics.SocketLost, 0) }, want: "has taken the socket /kong.socket"},
		{name: "config refused", do: func() { set(metrics.ConfigInvalid, 1, "waf-detect", "p1") }, undo: func() { set(metrics.ConfigInvalid, 0, "waf-detect", "p1") }, want: "waf-detect p1 does not compile"},
		{name: "supervisor silent", do: func() { set(metrics.Beat, uint64(now.Unix())-60) }, undo: func() { set(metrics.Beat, uint64(now.Unix())) }, want: "said nothing for 60 s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.do()
			defer tc.undo()
			for _, path := range []string{"/healthz", "/def-healthz"} {
				w := r.get(path)
				if tc.want == "" {
					require.Equal(t, http.StatusOK, w.Code, w.Body.String())
					continue
				}
				require.Equal(t, http.StatusServiceUnavailable, w.Code)
				require.Contains(t, w.Body.String(), tc.want, "the reason is said")
				require.Contains(t, r.get("/").Body.String(), tc.want, "on the page too")
			}
		})
	}
}

func TestEventsAPI(t *testing.T) {
	r := newRig(t, nil)
	for i := range 120 {
		e := sqli(time.Duration(120-i)*time.Minute, "query.q", fmt.Sprintf("/a/%d", i))
		if i%3 == 0 {
			e.Classes, e.Action = []string{"xss"}, events.ActionReported
		}
		r.put(t, e)
	}
	r.put(t, sqli(48*time.Hour, "query.q", "/old"))
	fetch := func(query string) (list []*events.Event, next int64) {
		w := r.get("/api/events?" + query)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		var page struct {
			Events []*events.Event
			Next   int64
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &page))
		return page.Events, page.Next
	}
	seen, next := map[string]bool{}, int64(0)
	for pages := 0; ; pages++ {
		require.Less(t, pages, 5)
		list, after := fetch(fmt.Sprintf("limit=50&range=24h&before=%d", max(next, 1<<40*btoi(next == 0))))
		for _, e := range list {
			require.False(t, seen[e.ID], "twice")
			seen[e.ID] = true
		}
		if next = after; next == 0 {
			break
		}
	}
	require.Len(t, seen, 120, "all but the old one")
	for query, want := range map[string]int{
		"limit=1000&class=xss": 40, "limit=1000&action=blocked&class=sqli": 80, "limit=1000&client=203.0.113.9": 120, "limit=1000&client=1.2.3.4": 0,
		"limit=1000&q=/a/119": 1, "limit=1000&range=30d": 121, "limit=1000&q=r1m0s": 1, "limit=1000&route=api&place=query.q&check=detect&plugin=waf-detect": 120,
		"limit=1000&q=" + url.QueryEscape("' OR '1'='1"): 0,
	} {
		list, _ := fetch(query)
		require.Len(t, list, want, query)
	}
	for _, bad := range []string{"limit=x", "limit=-1", "before=x", "since=yesterday"} {
		require.Equal(t, http.StatusBadRequest, r.get("/api/events?"+bad).Code, bad)
	}

	var stats Stats
	require.NoError(t, json.Unmarshal(r.get("/api/stats?range=24h").Body.Bytes(), &stats))
	require.EqualValues(t, 120, stats.Total)
	require.Equal(t, []Share{{"sqli", 80}, {"xss", 40}}, stats.Classes)
	require.Equal(t, []Share{{"blocked", 80}, {"reported", 40}}, stats.Actions)
	sum := int64(0)
	for _, step := range stats.Times {
		for _, n := range step.Counts {
			sum += n
		}
	}
	require.EqualValues(t, 120, sum)
}

func btoi(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// TestLive: a watcher sees what its filter chooses, and one who does not read holds up nobody.
func TestLive(t *testing.T) {
	r := newRig(t, nil)
	server := httptest.NewServer(r)
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/events/live?class=sqli", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	require.True(t, lines.Scan())
	require.Equal(t, ": watching", lines.Text())
	other := sqli(0, "query.q", "/not-chosen")
	other.Classes = []string{"xss"}
	r.put(t, other, sqli(0, "query.q", "/<b>"))
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	e, err := events.Parse([]byte(strings.TrimPrefix(lines.Text(), "data: ")))
	require.NoError(t, err)
	require.Equal(t, "/<b>", e.Path)
	cancel()
	for range 100 * liveQueue {
		r.live.Publish([]*events.Event{other}) // nobody reads
	}
	var stops []func()
	for range maxWatchers {
		if _, stop, ok := r.live.watch(); ok {
			stops = append(stops, stop)
		}
	}
	_, _, ok := r.live.watch()
	require.False(t, ok, "watchers are bounded")
	for _, stop := range stops {
		stop()
	}
}

// TestStoreIsBounded: by age, by size, and it survives its process.
func TestStoreIsBounded(t *testing.T) {
	dir := t.TempDir()
	clock := now
	o := StoreOptions{Folder: filepath.Join(dir, "a folder"), Keep: 24 * time.Hour, Bytes: 1 << 20, Now: func() time.Time { return clock }}
	s, err := OpenStore(o)
	require.NoError(t, err)
	old := sqli(23*time.Hour, "query.q", "/old")
	require.NoError(t, s.Write(context.Background(), []*events.Event{old}))
	require.NoError(t, s.Write(context.Background(), []*events.Event{old}), "the same event again is no second one")
	require.NoError(t, s.Close())

	s, err = OpenStore(o)
	require.NoError(t, err)
	defer s.Close()
	all := Filter{}
	list, err := s.Events(context.Background(), all, 0, 10)
	require.NoError(t, err)
	require.Len(t, list, 1, "kept in the file")
	clock = now.Add(2 * time.Hour)
	var last *events.Event
	for range 40 {
		batch := make([]*events.Event, 100)
		for i := range batch {
			batch[i] = sqli(0, "query.q", "/"+strings.Repeat("a", 500))
		}
		last = batch[99]
		require.NoError(t, s.Write(context.Background(), batch))
		clock = clock.Add(sweepEvery)
	}
	_, ok, err := s.Event(context.Background(), old.ID)
	require.NoError(t, err)
	require.False(t, ok, "too old")
	_, ok, err = s.Event(context.Background(), last.ID)
	require.NoError(t, err)
	require.True(t, ok, "the newest stay")
	used, err := s.used(context.Background())
	require.NoError(t, err)
	require.Less(t, used, int64(1400<<10))
	info, err := os.Stat(filepath.Join(o.Folder, "history.db"))
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(2<<20), "the file shrinks")
	_, err = OpenStore(StoreOptions{Folder: "/proc/no"})
	require.ErrorContains(t, err, "console.data")
}

// TestException: the lines say what they are meant to, and what they would have let through
// is counted by the engine's own rules.
func TestException(t *testing.T) {
	r := newRig(t, nil)
	e := sqli(time.Minute, "query.q", "/search")
	same := sqli(time.Hour, "query.q", "/search/more")
	below := sqli(time.Hour, "query.q[2]", "/search")
	elsewhere := sqli(time.Hour, "query.q", "/login")
	two := sqli(time.Hour, "query.q", "/search")
	two.Classes, two.Places = []string{"sqli", "xss"}, []string{"query.q", "query.r"}
	another := sqli(time.Hour, "query.q", "/search")
	another.PluginID = "p2"
	old := sqli(5*24*time.Hour, "query.q", "/search")
	r.put(t, e, same, below, elsewhere, two, another, old)

	p, err := r.store.propose(context.Background(), e, ScopePath, 1)
	require.NoError(t, err)
	require.Equal(t, 2, p.PassesCount, "the same place below the path")
	require.Equal(t, 2, p.BlockedCount, "another path, and a request with a second attack")
	p, err = r.store.propose(context.Background(), e, ScopePlace, 7)
	require.NoError(t, err)
	require.Equal(t, 4, p.PassesCount)
	require.Equal(t, 1, p.BlockedCount)
	require.Contains(t, p.Deck, "- place: query.q\n")
	require.NotContains(t, p.Deck, "path_prefix")

	e.Plugin = "waf-gate"
	require.Contains(t, deckLines(e, entriesFor(e, ScopePath)), "detect:\n")
	blocked := sqli(0, "", "")
	blocked.Check, blocked.Classes, blocked.Places = "key-auth", nil, nil
	require.False(t, canExcept(blocked))
}

// hostile is a table of cross-site scripting, each with a marker of its own.
var hostile = []string{
	`<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`,
	`</textarea><script>alert(1)</script>`, `</title><script>alert(1)</script>`, `<iframe srcdoc="<script>alert(1)</script>">`,
	`javascript:alert(1)`, `data:text/html,<script>alert(1)</script>`, `" onfocus=alert(1) autofocus x="`, `' onmouseover='alert(1)`,
	`{{constructor.constructor('alert(1)')()}}`, `${alert(1)}`, "`-alert(1)-`", `</script><script>alert(1)</script>`, `<!--<script>alert(1)//-->`,
	`<math><mi xlink:href="javascript:alert(1)">x</mi></math>`, `<a href="jav&#x09;ascript:alert(1)">x</a>`, `<details open ontoggle=alert(1)>`,
	`<template><script>alert(1)</script></template>`, `]]><script>alert(1)</script>`, "\u2028alert(1)\u2029", `<style>@import'x'</style>`,
	`%3Cscript%3Ealert(1)%3C/script%3E`, `<base href=//evil.example>`, `<meta http-equiv=refresh content=0;url=javascript:alert(1)>`,
	"x\n- evil: yes", "# no comment: {a: [b", "*", "&anchor !!binary |", "\x00\x07\x1b[31m",
}

// poisoned is an event with hostile text wherever an event has text.
func poisoned(text string, ago time.Duration) *events.Event {
	e := sqli(ago, text, text)
	e.Evidence, e.Raw, e.UserAgent, e.Host, e.Client, e.RouteName, e.Method = text, text, text, text, text, text, text
	e.Classes, e.Decoded, e.Application, e.Consumer, e.Reason, e.RequestID, e.Node = []string{text}, []string{text}, text, text, text, text, text
	e.ServiceName, e.Peer, e.Mode = text, text, text
	e.Bound()
	return e
}

// TestHostileEventsStayText: no event becomes markup on any page, and none breaks out of the
// YAML lines. What a browser makes of it is TestNothingRuns.
func TestHostileEventsStayText(t *testing.T) {
	for _, text := range hostile {
		r := newRig(t, nil)
		e := poisoned(text, time.Minute)
		r.put(t, e)
		harmless := newRig(t, nil)
		twin := poisoned("harmless", time.Minute)
		harmless.put(t, twin)
		for path, same := range map[string]string{
			"/": "/", "/event/" + e.ID: "/event/" + twin.ID,
			"/?q=" + url.QueryEscape(text) + "&client=" + url.QueryEscape(text): "/?q=harmless&client=harmless",
		} {
			got, want := r.get(path), harmless.get(same)
			require.Equal(t, http.StatusOK, got.Code)
			require.Equal(t, tags(want.Body.String()), tags(got.Body.String()), "%q changed the page's markup", text)
			require.Contains(t, got.Header().Get("Content-Security-Policy"), "script-src 'self'")
			require.NotContains(t, got.Header().Get("Content-Security-Policy"), "unsafe")
			require.NotRegexp(t, `(href|src)="\s*(javascript|data):`, got.Body.String())
		}
		entries := entriesFor(e, ScopePath)
		var deck struct {
			Plugins []struct {
				Name   string
				Config struct{ Exceptions []exceptionEntry }
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(deckLines(e, entries)), &deck), "%q", text)
		require.Equal(t, entries, deck.Plugins[0].Config.Exceptions, "%q comes back as it was", text)
	}
}

// tags counts a page's tags.
func tags(page string) string {
	var b strings.Builder
	for _, tag := range []string{"<script", "<img", "<svg", "<iframe", "<a ", "<style", "<base", "<meta", "<template", "<details", "<math", "<tr", "<td", "<!--"} {
		fmt.Fprintf(&b, "%s %d\n", tag, strings.Count(page, tag))
	}
	return b.String()
}

func TestChart(t *testing.T) {
	st := &Stats{Since: now.Add(-time.Hour), Until: now, Total: 30, Times: make([]Step, steps)}
	for i := range 8 {
		st.Classes = append(st.Classes, Share{fmt.Sprint("c", i), int64(8 - i)})
	}
	st.Times[0].Counts = map[string]int64{"c0": 8, "c7": 1, "c6": 2}
	c := timeChart(st, 1000, 240, 7)
	require.Len(t, c.Legend, colours+1)
	require.Equal(t, legendItem{"other", "s6", 3}, c.Legend[colours])
	require.Len(t, c.Columns[0].Bars, 2)
	require.Equal(t, "s6", c.Columns[0].Bars[1].Color)
	require.Equal(t, "20", c.Grid[len(c.Grid)-1].Text)
	require.Contains(t, c.Columns[0].Title, "c0 8\nc6 2\nc7 1")
	for _, bar := range c.Columns[0].Bars {
		require.GreaterOrEqual(t, bar.Y, 0.0)
	}
	for n, want := range map[int64]int64{0: 4, 1: 4, 5: 8, 9: 20, 21: 40, 1_000_001: 2_000_000} {
		require.Equal(t, want, niceMax(n))
	}
}
