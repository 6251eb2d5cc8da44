package pluginserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/wire"
	"kongwaf/kong/wire/kongpeer"
)

// toy is an instance that does what a test tells it.
type toy struct {
	handle   func(phase string, kong *pdk.PDK)
	prefetch []wire.Call
	groups   [][]wire.Call
	policy   Policy
	timeout  time.Duration
}

func (t *toy) Handle(phase string, kong *pdk.PDK) {
	if t.handle != nil {
		t.handle(phase, kong)
	}
}
func (t *toy) Prefetch(phase string) []wire.Call {
	if phase != "access" {
		return nil
	}
	return t.prefetch
}
func (t *toy) Groups(string) [][]wire.Call { return t.groups }
func (t *toy) Failure() Policy             { return t.policy }
func (t *toy) Timeout() time.Duration      { return t.timeout }

// toyPlugin returns a plugin whose every instance is t. A config {"bad": true} is refused.
func toyPlugin(name string, t *toy) Plugin {
	return Plugin{
		Name: name, Version: "1.2.3", Priority: 7, Phases: []string{"access", "log"},
		Schema: json.RawMessage(`{"name":"` + name + `","fields":[]}`),
		New: func(config []byte) (Instance, error) {
			if bytes.Contains(config, []byte(`"bad":true`)) {
				return nil, errors.New("config.bad: must not be true")
			}
			return t, nil
		},
		Failure: func(config []byte) Policy {
			if bytes.Contains(config, []byte(`"on_error":"deny"`)) {
				return PolicyDeny
			}
			return PolicyAllow
		},
		Refuse: func(kong *pdk.PDK) {
			kong.Response.Exit(500, []byte(`{"message":"refused"}`), map[string][]string{"Content-Type": {"application/json"}})
		},
	}
}

// rig is a server on a socket and Kong's side of it.
type rig struct {
	*kongpeer.Peer
	srv  *Server
	path string
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t testing.TB, opt Options) *rig {
	t.Helper()
	r := &rig{path: filepath.Join(t.TempDir(), "s"), log: new(lockedBuffer)}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.NewTextHandler(r.log, nil))
	}
	var err error
	r.srv, err = New(opt)
	require.NoError(t, err)
	listener, err := Listen(r.path, 0o600, "")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- r.srv.Serve(listener) }()
	r.Peer = &kongpeer.Peer{Dial: func() (net.Conn, error) { return net.Dial("unix", r.path) }, MaxRepeats: 3}
	t.Cleanup(func() {
		r.Peer.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
	})
	return r
}

// toyRig serves one toy under the name "toy".
func toyRig(t testing.TB, toy *toy) *rig {
	return newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", toy)}})
}

// access sends one access event for the toy.
func (r *rig) access(t testing.TB) kongpeer.Result {
	t.Helper()
	result, err := r.Event("toy", []byte(`{}`), "access")
	require.NoError(t, err)
	return result
}

// methods returns the names of the calls.
func methods(calls []wire.Call) []string {
	var names []string
	for _, call := range calls {
		names = append(names, call.Method)
	}
	return names
}

// manualClock stands still until it is told to move.
type manualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*manualTimer]struct{}
}

type manualTimer struct {
	clock *manualClock
	at    time.Time
	f     func()
}

func newManualClock() *manualClock {
	return &manualClock{now: time.Unix(1_800_000_000, 0), timers: map[*manualTimer]struct{}{}}
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := &manualTimer{clock: c, at: c.now.Add(d), f: f}
	c.timers[timer] = struct{}{}
	return timer
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	_, active := t.clock.timers[t]
	delete(t.clock.timers, t)
	return active
}

func (t *manualTimer) Reset(d time.Duration) bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	_, active := t.clock.timers[t]
	t.at = t.clock.now.Add(d)
	t.clock.timers[t] = struct{}{}
	return active
}

// advance moves the clock and calls what has become due.
func (c *manualClock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for t := range c.timers {
		if !t.at.After(c.now) {
			delete(c.timers, t)
			due = append(due, t.f)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		go f()
	}
}
