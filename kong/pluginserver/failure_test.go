package pluginserver

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/wire"
)

// eventually waits for what another goroutine is about to do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	// Not require.Eventually: its goroutine would count where goroutines are counted.
	deadline, tick := time.Now().Add(10*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		<-tick.C
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s for: %s", what)
		}
	}
}

// TestFailurePolicy runs each kind of failure under both policies. Each event is closed,
// the process lives and the counters tell.
func TestFailurePolicy(t *testing.T) {
	hang := func(release chan bool) func(string, *pdk.PDK) {
		return func(_ string, kong *pdk.PDK) { <-release; kong.Log.Notice("too late") }
	}
	kinds := []struct {
		name   string // the failure
		config string
		limits Limits
		handle func(release chan bool) func(string, *pdk.PDK)
		hangs  bool
		count  func(PluginStats) uint64
		// answer is what Kong says to get_raw_body.
		answer []byte
	}{
		{
			name:   "panic",
			handle: func(chan bool) func(string, *pdk.PDK) { return func(string, *pdk.PDK) { panic("secret-4711") } },
			count:  func(s PluginStats) uint64 { return s.Panics },
		},
		{
			name: "panic with calls queued",
			handle: func(chan bool) func(string, *pdk.PDK) {
				return func(_ string, kong *pdk.PDK) {
					kong.Log.Notice("here")
					var nothing *int
					*nothing = 1
				}
			},
			count: func(s PluginStats) uint64 { return s.Panics },
		},
		{
			name:   "goroutine exit",
			handle: func(chan bool) func(string, *pdk.PDK) { return func(string, *pdk.PDK) { runtime.Goexit() } },
			count:  func(s PluginStats) uint64 { return s.Panics },
		},
		{
			name: "deadline", handle: hang, hangs: true,
			count: func(s PluginStats) uint64 { return s.Timeouts },
		},
		{
			name: "refused config", config: `{"bad":true,"route_id":"r-1"}`,
			count: func(s PluginStats) uint64 { return s.Invalid },
		},
		{
			name: "reply longer than a frame may be", limits: Limits{FrameBytes: 100_000},
			handle: func(chan bool) func(string, *pdk.PDK) {
				return func(_ string, kong *pdk.PDK) { kong.Request.GetRawBody() }
			},
			answer: append([]byte{0x0a, 0xc0, 0x9a, 0x0c}, make([]byte, 200_000)...),
			count:  func(s PluginStats) uint64 { return s.Unread },
		},
		{
			name: "no body memory left", limits: Limits{BodyMemory: 150_000},
			handle: func(chan bool) func(string, *pdk.PDK) {
				return func(_ string, kong *pdk.PDK) { kong.Request.GetRawBody() }
			},
			answer: append([]byte{0x0a, 0xc0, 0x9a, 0x0c}, make([]byte, 200_000)...),
			count:  func(s PluginStats) uint64 { return s.Overload },
		},
	}
	for _, kind := range kinds {
		for _, policy := range []Policy{PolicyAllow, PolicyDeny} {
			t.Run(kind.name+"/"+policy.String(), func(t *testing.T) {
				release := make(chan bool)
				clock := newManualClock()
				toy := &toy{policy: policy, timeout: time.Second}
				if kind.handle != nil {
					toy.handle = kind.handle(release)
				}
				r := newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", toy)}, Clock: clock, Limits: kind.limits})
				r.Answer = func(method string, args []byte) []byte {
					if method == "kong.request.get_raw_body" {
						return kind.answer
					}
					return nil
				}
				config := kind.config
				if config == "" {
					config = `{}`
				} else {
					config = strings.TrimSuffix(config, "}") + `,"on_error":"` + policy.String() + `"}`
				}
				for i := range 2 { // the connection, or the next one, goes on
					if kind.hangs {
						go func() {
							for r.srv.Stats().Plugins["toy"].Timeouts <= uint64(i) {
								clock.advance(time.Second)
								runtime.Gosched()
							}
						}()
					}
					result, err := r.Event("toy", []byte(config), "access")
					require.NoError(t, err)
					if policy == PolicyDeny {
						require.NotNil(t, result.Exit)
						require.EqualValues(t, 500, result.Exit.Status)
						require.Equal(t, `{"message":"refused"}`, string(result.Exit.Body))
					} else {
						require.Nil(t, result.Exit)
					}
				}
				if !kind.hangs {
					result, err := r.Event("toy", []byte(config), "log")
					require.NoError(t, err)
					require.Nil(t, result.Exit, "in the log phase nothing can be refused")
				}
				stats := r.srv.Stats().Plugins["toy"]
				require.GreaterOrEqual(t, kind.count(stats), uint64(2))
				if policy == PolicyDeny {
					require.GreaterOrEqual(t, stats.Denied, uint64(2))
				} else {
					require.GreaterOrEqual(t, stats.Allowed, uint64(2))
				}
				require.Zero(t, r.Repeats.Load(), "nothing was closed in mid-event")
				require.NotContains(t, r.log.String(), "secret-4711")
				close(release)
				eventually(t, "all handlers return, all memory is given back", func() bool {
					s := r.srv.Stats()
					return s.Hung == 0 && s.Computing == 0 && s.BodyMemory == 0
				})
			})
		}
	}
}

func TestRefusedConfigIsLoggedOnce(t *testing.T) {
	r := toyRig(t, &toy{})
	for seq := range 5 {
		r.srv.Start("toy", []byte(`{"bad":true,"key":"hunter2","route_id":"r-1","__seq__":`+string(rune('0'+seq))+`}`))
	}
	require.Equal(t, 1, strings.Count(r.log.String(), "config.bad: must not be true"), r.log)
	require.Contains(t, r.log.String(), "route_id=r-1")
	require.NotContains(t, r.log.String(), "hunter2")
}

func TestPanicStackIsLoggedAndRateLimited(t *testing.T) {
	clock := newManualClock()
	toy := &toy{handle: func(string, *pdk.PDK) { panic("boom") }}
	r := newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", toy)}, Clock: clock})
	for range 10 {
		r.access(t)
	}
	require.Equal(t, 1, strings.Count(r.log.String(), "a plugin panicked"))
	require.Contains(t, r.log.String(), "failure_test.go", "the stack leads to the panic")
	clock.advance(time.Second)
	r.access(t)
	require.Contains(t, r.log.String(), "left_out=9")
}

func TestRefuseThatFailsIsReplacedByARawExit(t *testing.T) {
	for name, refuse := range map[string]func(*pdk.PDK){
		"none":      nil,
		"panics":    func(*pdk.PDK) { panic("again") },
		"forgets":   func(*pdk.PDK) {},
		"goes away": func(*pdk.PDK) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			plugin := toyPlugin("toy", &toy{policy: PolicyDeny, handle: func(string, *pdk.PDK) { panic("x") }})
			plugin.Refuse = refuse
			r := newRig(t, Options{Plugins: []Plugin{plugin}})
			result := r.access(t)
			require.EqualValues(t, 500, result.Exit.Status)
			require.JSONEq(t, `{"message":"An unexpected error occurred"}`, string(result.Exit.Body))
			require.Equal(t, "application/json; charset=utf-8", result.Exit.Headers.AsMap()["Content-Type"])
		})
	}
}

func TestRefuseThatHangsIsReplacedByARawExit(t *testing.T) {
	clock, release, inRefuse := newManualClock(), make(chan bool), make(chan bool)
	plugin := toyPlugin("toy", &toy{policy: PolicyDeny, handle: func(string, *pdk.PDK) { panic("x") }})
	plugin.Refuse = func(*pdk.PDK) { close(inRefuse); <-release }
	r := newRig(t, Options{Plugins: []Plugin{plugin}, Clock: clock})
	go func() { <-inRefuse; clock.advance(refuseTime) }()
	result := r.access(t)
	require.EqualValues(t, 500, result.Exit.Status)
	require.EqualValues(t, 1, r.srv.Stats().Hung)
	close(release)
	eventually(t, "Refuse returns", func() bool { return r.srv.Stats().Hung == 0 && r.srv.Stats().Computing == 0 })
}

func TestWaitingForKongDoesNotCount(t *testing.T) {
	clock := newManualClock()
	toy := &toy{policy: PolicyDeny, timeout: time.Second, handle: func(_ string, kong *pdk.PDK) {
		clock.advance(600 * time.Millisecond)
		kong.Request.GetRawBody()
		clock.advance(300 * time.Millisecond) // 900 ms of our own in all
	}}
	r := newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", toy)}, Clock: clock})
	r.Answer = func(string, []byte) []byte {
		clock.advance(time.Hour) // an upload that drips
		return nil
	}
	require.Nil(t, r.access(t).Exit)
	require.Zero(t, r.srv.Stats().Plugins["toy"].Timeouts)
}

func TestHungHandlerReachesNobodyElsesRequest(t *testing.T) {
	clock, release, entered := newManualClock(), make(chan bool), make(chan bool, 1)
	first, done := true, make(chan error, 2)
	toy := &toy{timeout: time.Second, handle: func(_ string, kong *pdk.PDK) {
		if !first {
			kong.Log.Notice("second")
			return
		}
		first = false
		entered <- true
		<-release
		done <- kong.Log.Notice("zombie")
		_, err := kong.Request.GetMethod()
		done <- err
	}}
	r := newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", toy)}, Clock: clock})
	go func() { <-entered; clock.advance(time.Second) }()
	require.Empty(t, r.access(t).Calls)
	close(release)
	require.Error(t, <-done)
	require.Error(t, <-done)
	require.Equal(t, []string{"kong.log.notice"}, methods(r.access(t).Calls))
	require.EqualValues(t, 1, r.Dials.Load(), "the connection went on")
}

func TestKeptPDKReachesNobodyElsesRequest(t *testing.T) {
	var kept *pdk.PDK
	toy := &toy{handle: func(_ string, kong *pdk.PDK) {
		if kept != nil {
			if kept.Log.Notice("stray") == nil {
				t.Error("the PDK of an event that is over still works")
			}
		}
		kept = kong
	}}
	r := toyRig(t, toy)
	require.Empty(t, r.access(t).Calls)
	require.Empty(t, r.access(t).Calls)
}

func TestOverloadIsAnsweredByPolicy(t *testing.T) {
	entered, release := make(chan bool, 2), make(chan bool)
	toy := &toy{policy: PolicyDeny, handle: func(string, *pdk.PDK) { entered <- true; <-release }}
	r := newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", toy)}, Limits: Limits{Concurrency: 2}})
	results := make(chan error, 2)
	for range 2 {
		go func() { _, err := r.Event("toy", []byte("{}"), "access"); results <- err }()
		<-entered
	}
	require.EqualValues(t, 500, r.access(t).Exit.Status)
	require.EqualValues(t, 1, r.srv.Stats().OverloadCompute)
	close(release)
	require.NoError(t, <-results)
	require.NoError(t, <-results)
	entered = make(chan bool, 1)
	require.Nil(t, r.access(t).Exit)
}

func TestEventsThatWaitForKongAreNoOverload(t *testing.T) {
	waiting, release := make(chan bool, 5), make(chan bool)
	toy := &toy{policy: PolicyDeny, handle: func(_ string, kong *pdk.PDK) { kong.Request.GetRawBody() }}
	r := newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", toy)}, Limits: Limits{Concurrency: 1}})
	r.Answer = func(string, []byte) []byte { waiting <- true; <-release; return nil }
	results := make(chan bool, 5)
	for range 5 {
		go func() {
			result, err := r.Event("toy", []byte("{}"), "access")
			results <- err == nil && result.Exit == nil
		}()
		<-waiting
	}
	close(release)
	for range 5 {
		require.True(t, <-results)
	}
}

func TestUnknownInstanceIsStartedAgain(t *testing.T) {
	r := toyRig(t, &toy{})
	r.access(t)
	for id := range r.srv.instances.byID {
		r.srv.Stop(id)
	}
	require.Nil(t, r.access(t).Exit)
	require.EqualValues(t, 2, r.Starts.Load())
	require.EqualValues(t, 1, r.Repeats.Load())
	require.EqualValues(t, 1, r.srv.Stats().UnknownInstances)
}

func TestUnknownEventIsClosed(t *testing.T) {
	r := toyRig(t, &toy{policy: PolicyDeny})
	result, err := r.Event("toy", []byte("{}"), "certificate")
	require.NoError(t, err)
	require.Empty(t, result.Calls)
	require.Contains(t, r.log.String(), "event=certificate")
}

func TestUnknownPluginIsRefused(t *testing.T) {
	r := toyRig(t, &toy{})
	result, err := r.Event("nobody", []byte("{}"), "access")
	require.NoError(t, err)
	require.EqualValues(t, 500, result.Exit.Status)
}

// TestBadFrames sends what is no frame of Kong's. Only that connection ends, and it ends
// with closing frames: if it was Kong after all, it must not ask for ever.
func TestBadFrames(t *testing.T) {
	long := binary.LittleEndian.AppendUint32(nil, 1<<31)
	for name, bytes := range map[string][]byte{
		"garbage":         wire.AppendFrame(nil, []byte("GET / HTTP/1.1\r\n")),
		"oversized":       long,
		"truncated field": wire.AppendFrame(nil, []byte{0xa2, 0x02, 0x50}),
	} {
		t.Run(name, func(t *testing.T) {
			r := toyRig(t, &toy{})
			c, err := net.Dial("unix", r.path)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Write(bytes)
			require.NoError(t, err)
			answer, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, make([]byte, 8), answer)
			require.Nil(t, r.access(t).Exit)
			require.EqualValues(t, 1, r.srv.Stats().BadFrames)
		})
	}
}

func TestUnknownCommandIsAnswered(t *testing.T) {
	r := toyRig(t, &toy{})
	_, err := r.Command(wire.RPC{Command: 99})
	require.NoError(t, err)
}

func TestKongThatVanishesInMidEvent(t *testing.T) {
	entered, release, after := make(chan bool), make(chan bool), make(chan error)
	r := toyRig(t, &toy{policy: PolicyDeny, handle: func(_ string, kong *pdk.PDK) {
		entered <- true
		<-release
		_, err := kong.Request.GetMethod()
		after <- err
	}})
	id := r.srv.Start("toy", []byte("{}"))
	c, err := net.Dial("unix", r.path)
	require.NoError(t, err)
	c.Write(wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Sequence: 1, Command: wire.CmdHandleEvent, InstanceID: id, Event: []byte("access")})))
	<-entered
	c.Close()
	close(release)
	require.Error(t, <-after)
	eventually(t, "the connection is gone", func() bool { return r.srv.Stats().Connections == 0 })
	require.Zero(t, r.srv.Stats().Plugins["toy"].Denied)
}

func TestExitThatKongAnswersAfterAllIsClosed(t *testing.T) {
	r := toyRig(t, &toy{handle: func(_ string, kong *pdk.PDK) {
		kong.Log.Notice("x")
		kong.Response.ExitStatus(403)
	}})
	id := r.srv.Start("toy", []byte("{}"))
	c, err := net.Dial("unix", r.path)
	require.NoError(t, err)
	defer c.Close()
	c.Write(wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Sequence: 5, Command: wire.CmdHandleEvent, InstanceID: id, Event: []byte("access")})))
	for range 4 { // two calls
		_, err := wire.ReadFrame(c, nil, 1000)
		require.NoError(t, err)
	}
	c.Write(make([]byte, 8)) // two answers
	frame, err := wire.ReadFrame(c, nil, 1000)
	require.NoError(t, err)
	require.Empty(t, frame)
	frame, err = wire.ReadFrame(c, nil, 1000)
	require.NoError(t, err)
	require.Equal(t, wire.AppendReturn(nil, 5), frame)
}

// TestNothingIsLeftBehind opens many connections, one after another and some at a time,
// with all ways to end them, and counts what remains.
func TestNothingIsLeftBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 connections")
	}
	r := toyRig(t, &toy{handle: func(_ string, kong *pdk.PDK) { kong.Response.ExitStatus(403) }, timeout: time.Second})
	id := r.srv.Start("toy", []byte("{}"))
	event := wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Sequence: 1, Command: wire.CmdHandleEvent, InstanceID: id, Event: []byte("access")}))
	before, goroutines := openFiles(t), runtime.NumGoroutine()
	for i := range 10_000 {
		c, err := net.Dial("unix", r.path)
		require.NoError(t, err)
		switch i % 4 {
		case 0: // silent
		case 1:
			c.Write(event)
			_, err := wire.ReadFrame(c, nil, 1000)
			require.NoError(t, err)
		case 2:
			c.Write(event[:5])
		case 3:
			c.Write(event)
		}
		c.Close()
	}
	eventually(t, "no file or goroutine more than before", func() bool {
		return openFiles(t) <= before && runtime.NumGoroutine() <= goroutines && r.srv.Stats().Connections == 0
	})
}

func openFiles(t testing.TB) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(entries)
}
