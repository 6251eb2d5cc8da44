package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/events"
)

const sqlAttack = "/r?id=7&q=%27%20OR%201=1%20--%20&password=hunter2"

// TestEventTellsTheWholeStory: who complains finds the request by the id that the client
// was shown, and what to write into the config.
func TestEventTellsTheWholeStory(t *testing.T) {
	s := newSystem(t, deckWith(`
          - name: waf-detect
            config: {application: shop}
`))
	answer := s.get(t, sqlAttack, "User-Agent", "curl/8", "Accept", "text/plain",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.Equal(t, 403, answer.Status)
	e := s.events.take(t, 1)[0]
	e.Bound()
	require.Contains(t, answer.Body, "request_id: "+e.RequestID)
	require.NotEmpty(t, e.RequestID)
	require.Equal(t, "r", e.RouteName)
	require.Equal(t, "api", e.ServiceName)
	require.NotEmpty(t, e.RouteID+e.ServiceID+e.PluginID)
	require.Equal(t, "shop", e.Application)
	require.Equal(t, "n1", e.Node)
	require.Equal(t, events.ActionBlocked, e.Action)
	require.Equal(t, "block", e.Mode)
	require.Equal(t, 403, e.Status)
	require.Equal(t, "GET", e.Method)
	require.Equal(t, "/r", e.Path, "without the query")
	require.Equal(t, "1.1", e.Proto)
	require.Equal(t, "curl/8", e.UserAgent)
	require.Equal(t, "api.example.com", e.Host)
	require.Equal(t, "127.0.0.1", e.Client)
	require.Equal(t, "127.0.0.1", e.Peer)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", e.TraceID)
	require.Equal(t, "sqli", e.Classes[0])
	require.Equal(t, "query.q", e.Places[0])
	require.Contains(t, e.Evidence, "OR 1=1")
	require.Equal(t, "q=%27%20OR%201=1%20--%20", e.Raw)
	require.Greater(t, e.Micros, 0.0)
	line := string(e.Append(nil))
	require.NotContains(t, line, "hunter2")
}

// TestEventsOfEveryKind: each way in which a request does not just pass gives one event.
func TestEventsOfEveryKind(t *testing.T) {
	for _, tc := range []struct {
		name, plugin  string
		status        int
		action, check string
		reason        string
		path          string
	}{
		{name: "an attack in monitoring", plugin: "waf-detect\n            config: {mode: monitoring}", status: 200, action: events.ActionReported, check: "detect", reason: "attack_seen", path: sqlAttack},
		{name: "an attack that an exception lets through", plugin: "waf-detect\n            config: {exceptions: [{class: xss}, {place: query.q, class: sqli, route: r, until: 2999-12-31}]}", status: 200, action: events.ActionExcepted, check: "detect", reason: "attack_excepted", path: sqlAttack},
		{name: "an attack on another route than the exception's", plugin: "waf-detect\n            config: {exceptions: [{place: query.q, route: s}]}", status: 403, action: events.ActionBlocked, check: "detect", reason: "attack", path: sqlAttack},
		{name: "content that is expected", plugin: "waf-detect\n            config: {expects: [{place: query.q, content: [sql]}]}", status: 200, action: events.ActionExcepted, check: "detect", reason: "content_expected", path: "/r?q=SELECT+name+FROM+users+WHERE+id=1+OR+1=1"},
		{name: "an address", plugin: "waf-ip-restriction\n            config: {deny: [127.0.0.1]}", status: 403, action: events.ActionBlocked, check: "ip-restriction", reason: "address_denied", path: "/r"},
		{name: "no key", plugin: "waf-key-auth", status: 401, action: events.ActionBlocked, check: "key-auth", path: "/r"},
		{name: "too many", plugin: "waf-rate-limiting\n            config: {year: 1, limit_by: ip}", status: 429, action: events.ActionBlocked, check: "rate-limiting", path: "/r"},
		{name: "an attack in the gate", plugin: "waf-gate\n            config: {checks: [detect], detect: {mode: monitoring}}", status: 200, action: events.ActionReported, check: "detect", reason: "attack_seen", path: sqlAttack},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSystem(t, deckWith("          - name: "+tc.plugin+"\n"))
			if tc.check == "rate-limiting" {
				require.Equal(t, 200, s.get(t, tc.path).Status)
			}
			answer := s.get(t, tc.path, "User-Agent", "curl/8")
			require.Equal(t, tc.status, answer.Status)
			e := s.events.take(t, 1)[0]
			require.Equal(t, tc.action, e.Action)
			require.Equal(t, tc.check, e.Check)
			require.Contains(t, e.Reason, tc.reason)
			require.NotEmpty(t, e.Reason)
			require.NotEmpty(t, e.RequestID)
			require.Equal(t, "curl/8", e.UserAgent)
			require.Equal(t, "127.0.0.1", e.Client)
			require.Equal(t, "r", e.RouteName)
			require.Equal(t, "api", e.ServiceName)
			if tc.action == events.ActionExcepted {
				if tc.reason == "content_expected" {
					require.Equal(t, "sql", e.Expected)
					require.Nil(t, e.Exception)
				} else {
					require.Equal(t, 1, *e.Exception)
				}
				require.Contains(t, e.Evidence, "OR 1=1")
			}
			if tc.check != "key-auth" && tc.check != "rate-limiting" && tc.path == sqlAttack {
				require.Equal(t, 200, s.get(t, "/r?q=O%27Brien").Status)
				require.Empty(t, s.events.take(t, 0), "a good request is nobody's business")
			}
		})
	}
}

// TestVerdictForOthers: the upstream and Kong's log plugins hear of it where they are to.
func TestVerdictForOthers(t *testing.T) {
	s := newSystem(t, deckWith(`
          - name: waf-detect
            config: {mode: monitoring, upstream_verdict: true, share_verdict: true}
`))
	require.Equal(t, 200, s.get(t, "/r?q=fine", "X-WAF-Verdict", "forged", "X-WAF-Verdict", "twice").Status)
	require.Equal(t, 200, s.get(t, sqlAttack).Status)
	got := s.upstream.Take()
	require.Equal(t, []string{"passed"}, got[0].Headers.Values("X-WAF-Verdict"))
	require.Equal(t, []string{"reported"}, got[1].Headers.Values("X-WAF-Verdict"))
	require.NotEqual(t, "0.00", got[1].Headers.Get("X-WAF-Score"))
}

// TestEventsSurviveDeaths runs the real processes: events reach the file, and the numbers
// add up, while the worker and the process beside it are killed, and no request fails.
func TestEventsSurviveDeaths(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "events")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "e.jsonl")
	listen, console := freeAddress(t), freeAddress(t)
	cmd := exec.Command(self, "demo", "--listen", listen, "--upstream", freeAddress(t), "--console", console)
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+dir, "KONG_WAF_EVENTS_FILE="+file, "KONG_WAF_EVENTS_FOLD_SECONDS=0")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
	}
	attack := func() {
		answer, err := http.Get("http://" + listen + "/api/users?name=%27%20OR%201=1%20--%20")
		require.NoError(t, err)
		readAll(t, answer.Body)
		require.Equal(t, 403, answer.StatusCode)
	}
	written := func() (n int) {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			e, err := events.Parse([]byte(line))
			require.NoError(t, err)
			require.Equal(t, "api", e.RouteName)
			n++
		}
		return n
	}
	arrives := func(n int) {
		require.Eventually(t, func() bool { return written() == n }, 10*time.Second, 10*time.Millisecond, "%d of them", n)
	}
	attack()
	arrives(1)
	supervisor := childrenOf(t, cmd.Process.Pid)
	var killed int
	for _, pid := range supervisor {
		if parentOf(pid) != cmd.Process.Pid { // the worker, and the process beside it
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			killed++
			for range 10 {
				attack()
			}
			arrives(1 + 10*killed) // what was sent while nobody read has waited
		}
	}
	require.Equal(t, 2, killed)
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		answer, err := http.Get("http://" + console + "/metrics")
		if !assert.NoError(t, err) {
			return
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		assert.NoError(t, err)
		for _, line := range []string{
			`kong_waf_requests_total{action="blocked",application="",check="detect",plugin="waf-detect"} 21`,
			`kong_waf_attacks_total{action="blocked",application="",class="sqli",plugin="waf-detect"} 21`,
			"kong_waf_events_recorded_total 21", "kong_waf_worker_deaths_total 1", "kong_waf_worker_up 1",
			`kong_waf_check_duration_seconds_count{check="detect",plugin="waf-detect"} 21`,
		} {
			assert.Contains(t, string(text), line+"\n")
		}
	}, 10*time.Second, 50*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
}
