package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
	"kongwaf/kong/events"
)

// node is one machine of a fleet: the real processes behind a gateway.
type node struct {
	gateway, console string // URLs
	pid              int
	dir              string
}

// startNode starts a node with more settings in its environment.
func startNode(t *testing.T, name string, settings ...string) *node {
	t.Helper()
	dir, err := os.MkdirTemp("", "node")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	api, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	upstream := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	go func() { _ = upstream.Serve(api) }()
	t.Cleanup(func() { upstream.Close() })
	config := filepath.Join(dir, "kong.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
_format_version: "3.0"
services:
  - name: api
    url: http://%s
    routes:
      - name: r
        paths: [/r]
        plugins: [{name: waf-detect, config: {mode: monitoring}}]
      - name: kept
        paths: [/kept]
        plugins: [{name: waf-ip-restriction, config: {reputation: enforce}}]
`, api.Addr()), 0o600))
	self, err := os.Executable()
	require.NoError(t, err)
	n := &node{gateway: "http://" + freeAddress(t), console: "http://" + freeAddress(t), dir: dir}
	cmd := exec.Command(self, "gateway", "--config", config, "--listen", strings.TrimPrefix(n.gateway, "http://"), "--console", strings.TrimPrefix(n.console, "http://"))
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+dir, "KONG_WAF_EVENTS_FILE=off", "KONG_WAF_EVENTS_NODE="+name,
		"KONG_WAF_REPUTATION_EXEMPT=none", "KONG_WAF_EVENTS_FOLD_SECONDS=0",
		"KONG_WAF_REPUTATION_GREY_ATTACKS=3")
	cmd.Env = append(cmd.Env, settings...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	n.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "ready "); {
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	n.eventually(t, "the console answers", func() bool { return n.get(n.console+"/healthz") == http.StatusOK })
	return n
}

// get returns a status, 0 if there is no answer.
func (n *node) get(url string) int {
	answer, err := http.Get(url)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode
}

func (n *node) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, 20*time.Second, 5*time.Millisecond, what)
}

// lists runs kong-waf lists on the node.
func (n *node) lists(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(append([]string{"lists"}, append(args, "--console", strings.TrimPrefix(n.console, "http://"))...), nil, &out, &errs)
	require.Zero(t, code, errs.String())
	return out.String()
}

// events returns what the node's console knows, by the node that it happened on.
func (n *node) events(t *testing.T) map[string]int {
	t.Helper()
	answer, err := http.Get(n.console + "/api/events?limit=1000&check=detect")
	require.NoError(t, err)
	defer answer.Body.Close()
	var page struct{ Events []*events.Event }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&page))
	counts := map[string]int{}
	for _, e := range page.Events {
		counts[e.Node] += e.Count
	}
	return counts
}

// TestFleetEventsAndLists: what happens on one node is seen on the other's console, once; who
// is denied on one is denied on the other, and let in again; while Redis is away both go on,
// and settle when it is back.
func TestFleetEventsAndLists(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	shared := "KONG_WAF_REDIS_ADDRESS=" + server.Address()
	a, b := startNode(t, "a", shared), startNode(t, "b", shared)
	const attack = "/r?q=%27%20OR%201=1%20--%20"
	for range 2 {
		require.Equal(t, 200, a.get(a.gateway+attack))
	}
	require.Equal(t, 200, b.get(b.gateway+attack))
	for _, n := range []*node{a, b} {
		n.eventually(t, "both consoles show all three events", func() bool { return fmt.Sprint(n.events(t)) == "map[a:2 b:1]" })
	}
	client := server.Client()
	defer client.Close()

	// Hostile lines in the stream do not harm.
	for _, line := range []string{"{", `{"event.name":"kong_waf.verdict"}`, `{"kong_waf.node":"<script>alert(1)</script>"}`, strings.Repeat("x", 1<<20)} {
		require.NoError(t, client.XAdd(context.Background(), &redis.XAddArgs{Stream: "kong-waf:events", Values: []string{"event", line, "from", "evil"}}).Err())
		require.NoError(t, client.XAdd(context.Background(), &redis.XAddArgs{Stream: "{kong-waf}:changes", Values: []string{"change", "1 " + line, "from", "evil"}}).Err())
	}

	require.Equal(t, 200, b.get(b.gateway+"/kept"))
	begun := time.Now()
	a.lists(t, "add", "127.0.0.1", "--list", "deny", "--for", "1h", "--reason", "a test")
	b.eventually(t, "denied on the other node", func() bool { return b.get(b.gateway+"/kept") == 403 })
	fmt.Printf("a deny on one node holds on the other after %v\n", time.Since(begun).Round(time.Millisecond))
	require.Contains(t, b.lists(t), "a test")
	b.lists(t, "remove", "127.0.0.1")
	a.eventually(t, "let in again", func() bool { return a.get(a.gateway+"/kept") == 200 })

	// Three attacks on a make the client suspect on both: the removal has forgotten those before.
	for range 3 {
		require.Equal(t, 200, a.get(a.gateway+attack))
	}
	for _, n := range []*node{a, b} {
		n.eventually(t, "suspect", func() bool { return strings.Contains(n.lists(t, "show", "--list", "grey"), "3 attacks in") })
	}

	server.Kill()
	a.lists(t, "add", "198.51.100.0/24", "--list", "deny", "--reason", "while it was away")
	b.lists(t, "remove", "127.0.0.1")
	require.Equal(t, 200, a.get(a.gateway+attack))
	a.eventually(t, "own events go on", func() bool { return a.events(t)["a"] == 6 })
	require.Equal(t, 200, b.get(b.gateway+"/kept"))
	server.Run() // empty
	server.Await()
	b.eventually(t, "what was written meanwhile arrives", func() bool { return strings.Contains(b.lists(t), "while it was away") })
	a.eventually(t, "so does what was removed", func() bool { return !strings.Contains(a.lists(t), "127.0.0.1") })
	b.eventually(t, "and the event", func() bool { return b.events(t)["a"] == 6 })
}

// TestReputationOutlivesDeaths: the lists are there after the worker's, the console's and the
// whole server's death.
func TestReputationOutlivesDeaths(t *testing.T) {
	data := t.TempDir()
	n := startNode(t, "n", "KONG_WAF_DATA_FOLDER="+data)
	n.lists(t, "add", "127.0.0.1", "--list", "deny", "--reason", "stays")
	n.eventually(t, "denied", func() bool { return n.get(n.gateway+"/kept") == 403 })
	supervisor := childrenOf(t, n.pid)
	killed := 0
	for _, pid := range supervisor {
		if parentOf(pid) != n.pid {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			killed++
			for range 20 {
				require.Equal(t, 403, n.get(n.gateway+"/kept"))
			}
		}
	}
	require.Equal(t, 2, killed)
	n.eventually(t, "the next console knows it", func() bool {
		answer, err := http.Get(n.console + "/api/lists")
		if err != nil {
			return false
		}
		return strings.Contains(readAll(t, answer.Body), "stays")
	})
	n.eventually(t, "written down", func() bool {
		text, _ := os.ReadFile(filepath.Join(data, "lists.jsonl"))
		return bytes.Contains(text, []byte("stays"))
	})
	after := startNode(t, "after", "KONG_WAF_DATA_FOLDER="+data)
	require.Contains(t, after.lists(t), "stays")
	after.eventually(t, "denied after a restart", func() bool { return after.get(after.gateway+"/kept") == 403 })
}

// TestChaosFleet: the Redis that nodes share gone, and paused, under load: requests do not notice.
func TestChaosFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("a trial under load, which runs without -short")
	}
	program := testtool.Need(t, "redis-server")
	length := chaosTime(t) / 2
	for _, fault := range []struct {
		name string
		do   func(*redistest.Server)
	}{
		{name: "fleet: redis gone", do: func(s *redistest.Server) { s.Kill() }},
		{name: "fleet: redis paused", do: func(s *redistest.Server) { s.Pause() }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			server := redistest.Start(t, program)
			n := startNode(t, "n", "KONG_WAF_REDIS_ADDRESS="+server.Address())
			n.lists(t, "add", "consumer:bad", "--list", "deny")
			var total, failed atomic.Int64
			quit, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-quit:
						return
					default:
					}
					for path, want := range map[string]int{"/kept": 200, "/r?q=%27%20OR%201=1%20--%20": 200} {
						total.Add(1)
						if n.get(n.gateway+path) != want {
							failed.Add(1)
						}
					}
				}
			}()
			time.Sleep(length / 2)
			fault.do(server)
			n.lists(t, "add", "198.51.100.1", "--list", "deny", "--reason", "meanwhile")
			time.Sleep(length / 2)
			close(quit)
			<-done
			require.Contains(t, n.lists(t), "meanwhile")
			fmt.Printf("%s: failed %d of %d\n", fault.name, failed.Load(), total.Load())
			require.Zero(t, failed.Load())
			require.Positive(t, total.Load())
			server.Resume()
		})
	}
}
