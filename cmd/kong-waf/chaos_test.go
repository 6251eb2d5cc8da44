package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chaosTime is how long each fault lasts: CHAOS=30s for the real trial (make chaos).
func chaosTime(t *testing.T) time.Duration {
	length, err := time.ParseDuration(os.Getenv("CHAOS"))
	if err != nil {
		require.Empty(t, os.Getenv("CHAOS"))
		length = 2 * time.Second
	}
	return length
}

const chaosDeck = `
_format_version: "3.0"
consumers:
  - username: ann
services:
  - name: api
    url: http://%s
    routes:
      - name: gate
        paths: [/gate]
        plugins:
          - name: waf-gate
            config:
              checks: [ip-restriction, detect, key-auth, rate-limiting]
              ip_restriction: {deny: [198.51.100.1]}
              key_auth: {credentials: [{key: k, consumer: ann}]}
              rate_limiting: {year: 1000000000}
      - name: limited
        paths: [/limited]
        plugins:
          - {name: waf-rate-limiting, config: {limit_by: ip, year: %d}}
`

// TestChaos runs the whole product, the real processes and the real plugins, under load, and
// does to the plugin server what happens to one. No request may fail, and none may pass
// that should not.
func TestChaos(t *testing.T) {
	length := chaosTime(t)
	for _, fault := range []struct {
		name string
		rate int  // requests a second; 0 is as many as possible
		long bool // for real trials only
		do   func(s *chaos)
	}{
		{name: "kill -9 every 500ms, at 500 requests/s", rate: 500, do: kills(500 * time.Millisecond)},
		{name: "kill -9 every 200ms, at full load", do: kills(200 * time.Millisecond)},
		{name: "kill -9 every 500ms, at full load", long: true, do: kills(500 * time.Millisecond)},
		{name: "kill -9 every 900ms, at full load", do: kills(900 * time.Millisecond)},
		{name: "kill -9 every 1s, at full load", long: true, do: kills(time.Second)},
		{name: "kill -9 every 1.1s, at full load", long: true, do: kills(1100 * time.Millisecond)},
		{name: "SIGHUP, three times, at full load", do: func(s *chaos) { s.repeat(3, func() { s.signal(s.supervisor(), syscall.SIGHUP) }) }},
		{name: "SIGSTOP of the worker, at 500 requests/s", rate: 500, do: func(s *chaos) {
			time.Sleep(s.length / 4)
			s.strike(syscall.SIGSTOP)
			time.Sleep(max(s.length, 4*time.Second)) // the watchdog waits two seconds
		}},
		{name: "garbage from another peer, at full load", do: func(s *chaos) { s.repeat(50, s.garbage) }},
	} {
		if fault.long && os.Getenv("CHAOS") == "" || testing.Short() && fault.rate == 0 {
			continue
		}
		t.Run(fault.name, func(t *testing.T) {
			s := startChaos(t, length)
			s.load(fault.rate)
			fault.do(s)
			s.stop(t, fault.name)
		})
	}
}

// chaosLimit is a limit that full load reaches in a trial of that length.
func chaosLimit(length time.Duration) int { return int(20_000 * length / (30 * time.Second)) }

// TestChaosLimit: a limit lets through what it says, not one more or less, whatever happens
// to the process that counts.
func TestChaosLimit(t *testing.T) {
	s := startChaos(t, chaosTime(t))
	const callers = 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	var passed, refused atomic.Int64
	for range callers {
		s.done.Go(func() {
			for {
				select {
				case <-s.quit:
					return
				default:
				}
				got := s.send(client, "/limited", "k")
				s.total.Add(1)
				switch got {
				case http.StatusOK:
					passed.Add(1)
				case http.StatusTooManyRequests:
					refused.Add(1)
				default:
					s.failed.Add(1)
					s.first.CompareAndSwap(nil, fmt.Sprint(got))
				}
			}
		})
	}
	s.every(600*time.Millisecond, s.kill)
	limit := int64(chaosLimit(s.length))
	require.Eventually(t, func() bool { return refused.Load() > 100 }, time.Minute, 10*time.Millisecond, "%d of %d passed", passed.Load(), limit)
	close(s.quit)
	s.done.Wait()
	fmt.Printf("a limit of %d, kill -9 every 600ms: %d passed; failed %d of %d\n", limit, passed.Load(), s.failed.Load(), s.total.Load())
	require.Zero(t, s.failed.Load(), "the first: %v", s.first.Load())
	require.Equal(t, limit, passed.Load())
}

// chaos is the product under load.
type chaos struct {
	t       *testing.T
	length  time.Duration
	gateway int // its process
	socket  string
	url     string

	quit                   chan struct{}
	done                   sync.WaitGroup
	total, failed, slipped atomic.Int64
	first                  atomic.Value
}

func startChaos(t *testing.T, length time.Duration) *chaos {
	t.Helper()
	s := startChaosOf(t, length, chaosDeck, chaosLimit(length))
	require.Equal(t, http.StatusOK, s.send(http.DefaultClient, "/gate", "k"))
	return s
}

// startChaosOf serves a deck file: a format for the upstream's address and what values follow.
func startChaosOf(t *testing.T, length time.Duration, deck string, values ...any) *chaos {
	t.Helper()
	return startChaosWith(t, length, nil, deck, values...)
}

// startChaosWith does so with options of the gateway.
func startChaosWith(t *testing.T, length time.Duration, options []string, deck string, values ...any) *chaos {
	t.Helper()
	dir, err := os.MkdirTemp("", "chaos")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	api, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	upstream := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	go func() { _ = upstream.Serve(api) }()
	t.Cleanup(func() { upstream.Close() })
	config := filepath.Join(dir, "kong.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, deck, append([]any{api.Addr()}, values...)...), 0o600))

	self, err := os.Executable()
	require.NoError(t, err)
	listen := freeAddress(t)
	cmd := exec.Command(self, append([]string{"gateway", "--config", config, "--listen", listen}, options...)...)
	cmd.Env = append([]string{"KONG_WAF_EVENTS_FILE=off"}, append(os.Environ(), asMain+"=1", "TMPDIR="+dir)...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ready ") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s := &chaos{t: t, length: length, gateway: cmd.Process.Pid, url: "http://" + listen, quit: make(chan struct{})}
	sockets, err := filepath.Glob(filepath.Join(dir, "kong-waf-*", "kong-waf.socket"))
	require.NoError(t, err)
	require.Len(t, sockets, 1)
	s.socket = sockets[0]
	return s
}

// load sends good requests, and one in ten that must be refused, until stop.
func (s *chaos) load(rate int) {
	const callers = 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	for range callers {
		s.done.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-s.quit:
					return
				default:
				}
				if rate > 0 {
					time.Sleep(time.Second * callers / time.Duration(rate))
				}
				want, path, key := http.StatusOK, "/gate?name=O%27Brien", "k"
				switch n % 20 {
				case 9:
					want, path = http.StatusForbidden, "/gate?name=%27+or+1%3D1--+"
				case 19:
					want, key = http.StatusUnauthorized, "wrong"
				}
				s.note(path, s.send(client, path, key), want)
			}
		})
	}
}

// note counts an answer.
func (s *chaos) note(what string, got, want int) {
	s.total.Add(1)
	switch {
	case got == want:
	case got == http.StatusOK:
		s.slipped.Add(1)
	default:
		s.failed.Add(1)
		s.first.CompareAndSwap(nil, fmt.Sprintf("%s: %d, want %d", what, got, want))
	}
}

// send sends a request with a key.
func (s *chaos) send(client *http.Client, path, key string) int {
	return s.with(client, path, "apikey", key)
}

// with sends a request with a header and returns the answer's status, 0 if there was none.
func (s *chaos) with(client *http.Client, path, header, value string) int {
	request, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		return 0
	}
	request.Header.Set(header, value)
	answer, err := client.Do(request)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode
}

// stop ends the load and says what came of it.
func (s *chaos) stop(t *testing.T, fault string) {
	close(s.quit)
	s.done.Wait()
	fmt.Printf("%s: failed %d of %d (passed unjudged %d)\n", fault, s.failed.Load(), s.total.Load(), s.slipped.Load())
	require.Positive(t, s.total.Load())
	require.Zero(t, s.failed.Load(), "the first: %v", s.first.Load())
	require.Zero(t, s.slipped.Load(), "passed unjudged")
}

// repeat spreads n faults over the trial.
func (s *chaos) repeat(n int, fault func()) {
	for range n {
		time.Sleep(s.length / time.Duration(n+1))
		fault()
	}
	time.Sleep(s.length / time.Duration(n+1))
}

// every does something at a rhythm, whether what it has done before is over or not. Only
// where this is no real trial it waits for an answer in between: the machine may be so busy
// that nothing is ever ready.
func (s *chaos) every(rhythm time.Duration, fault func()) {
	for end := time.Now().Add(s.length); time.Now().Before(end); {
		time.Sleep(rhythm)
		fault()
		for before := s.total.Load(); os.Getenv("CHAOS") == "" && s.total.Load() < before+32; {
			time.Sleep(time.Millisecond)
		}
	}
}

func kills(rhythm time.Duration) func(*chaos) {
	return func(s *chaos) { s.every(rhythm, s.kill) }
}

func (s *chaos) kill() { s.strike(syscall.SIGKILL) }

// strike sends a signal to the supervisor's children, whatever they do.
func (s *chaos) strike(signal syscall.Signal) {
	supervisor := s.supervisor()
	for _, pid := range childrenOf(s.t, supervisor) {
		if parentOf(pid) == supervisor {
			_ = syscall.Kill(pid, signal) // it may have ended
		}
	}
}

// signal sends a signal to a process that this test has started.
func (s *chaos) signal(pid int, signal syscall.Signal) {
	require.NoError(s.t, syscall.Kill(pid, signal))
}

func (s *chaos) supervisor() int { return s.only(s.gateway) }

// only returns the one living child of a process.
func (s *chaos) only(parent int) (child int) {
	require.Eventually(s.t, func() bool {
		var living []int
		for _, pid := range childrenOf(s.t, parent) {
			if alive(pid) && parentOf(pid) == parent {
				living = append(living, pid)
			}
		}
		if len(living) != 1 {
			return false
		}
		child = living[0]
		return true
	}, 10*time.Second, 2*time.Millisecond, "process %d has not one child", parent)
	return child
}

func parentOf(pid int) (parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	var state string
	_, _ = fmt.Sscanf(string(text[strings.LastIndexByte(string(text), ')')+1:]), " %s %d", &state, &parent)
	return parent
}

// garbage is another program that talks nonsense to the socket.
func (s *chaos) garbage() {
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		return
	}
	defer conn.Close()
	noise := make([]byte, 4096)
	_, _ = rand.Read(noise)
	_, _ = conn.Write(noise)
}
