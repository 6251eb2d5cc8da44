//go:build linux

package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire"
	"kongwaf/kong/wire/kongpeer"
)

// The test binary is also the worker. What a worker does beside serving comes in the
// environment: it is read when it starts, so an upgrade can change it.
const (
	versionEnv = "TOY_VERSION" // sent to Kong as a response header
	faultEnv   = "TOY_FAULT"   // "start": die at once; "late": never get ready; "event": die in each event
)

func TestMain(m *testing.M) {
	if IsWorker() {
		if err := workerMain(); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func workerMain() error {
	switch os.Getenv(faultEnv) {
	case "start":
		return fmt.Errorf("told to")
	case "late":
		select {}
	}
	w, err := NewWorker()
	if err != nil {
		return err
	}
	srv, err := pluginserver.New(pluginserver.Options{
		Plugins: []pluginserver.Plugin{toyPlugin(w.Shared())}, Logger: quietLog(), Dropped: w.Dropped})
	if err != nil {
		return err
	}
	return w.Serve(context.Background(), srv)
}

func quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError + 1}))
}

// toyPlugin counts its events in shared memory and sets a header, written behind.
func toyPlugin(shared []byte) pluginserver.Plugin {
	return pluginserver.Plugin{
		Name: "toy", Version: "1.0.0", Phases: []string{"access"}, Schema: json.RawMessage(`{}`),
		New: func(config []byte) (pluginserver.Instance, error) {
			if bytes.Contains(config, []byte("die-in-start")) && starts(shared).Add(1) <= 2 {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return toy{shared}, nil
		},
		Failure: func(config []byte) pluginserver.Policy {
			if bytes.Contains(config, []byte("deny")) {
				return pluginserver.PolicyDeny
			}
			return pluginserver.PolicyAllow
		},
	}
}

type toy struct{ shared []byte }

// poison is the address of those whose requests end the process.
const poison = "203.0.113.13"

func counter(shared []byte) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&shared[0])) }

// starts counts the instances that were asked to die.
func starts(shared []byte) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&shared[8])) }

// released lets events of the version "slow" go.
func released(shared []byte) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&shared[16])) }

func slow() bool { return os.Getenv(versionEnv) == "slow" }

func (t toy) Handle(_ string, kong *pdk.PDK) {
	counter(t.shared).Add(1)
	ip, err := kong.Client.GetIp()
	if err != nil || ip == "" {
		return // the header is missing then
	}
	if strings.HasPrefix(os.Getenv(versionEnv), "panicky") && counter(t.shared).Load()%10 == 0 {
		panic("every tenth")
	}
	if strings.HasPrefix(os.Getenv(versionEnv), "hanging") && counter(t.shared).Load()%10 == 0 {
		time.Sleep(3 * t.Timeout())
	}
	if strings.HasPrefix(os.Getenv(versionEnv), "vanishing") && counter(t.shared).Load()%10 == 0 {
		runtime.Goexit()
	}
	for slow() && released(t.shared).Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if os.Getenv(faultEnv) == "event" || ip == poison {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if strings.HasPrefix(os.Getenv(versionEnv), "refusing") {
		kong.Response.ExitStatus(403)
		return
	}
	kong.Response.SetHeader("X-Version", os.Getenv(versionEnv))
	kong.Log.Notice("done")
}
func (toy) Prefetch(string) []wire.Call  { return []wire.Call{{Method: "kong.client.get_ip"}} }
func (toy) Failure() pluginserver.Policy { return pluginserver.PolicyAllow }
func (toy) Timeout() time.Duration {
	if slow() {
		return time.Minute
	}
	return time.Second
}

// rig is a running supervisor and Kong's side of it, a strict one.
type rig struct {
	*kongpeer.Peer
	*Supervisor
	path string
	end  func() error // ends the supervisor, once
}

func newRig(t testing.TB, timing Timing) *rig {
	t.Helper()
	r := &rig{path: filepath.Join(t.TempDir(), "s")}
	listener, err := pluginserver.Listen(r.path, 0o600, "")
	require.NoError(t, err)
	if timing.Linger == 0 {
		timing.Linger = time.Millisecond
	}
	// A machine that is busy with something else leaves each side waiting for the other.
	if timing.Frozen == 0 {
		timing.Frozen = 10 * time.Second
	}
	if timing.Unsure == 0 {
		timing.Unsure = time.Second
	}
	log := quietLog()
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	r.Supervisor, err = New(Options{
		Socket: listener, WorkerArgs: []string{"-test.run=^$"}, Plugins: []pluginserver.Plugin{toyPlugin(nil)},
		SharedSize: 4096, Timing: timing, Logger: log})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Supervisor.Run(ctx) }()
	r.Peer = &kongpeer.Peer{
		Dial:   func() (net.Conn, error) { return net.Dial("unix", r.path) },
		Strict: true, MaxRepeats: 10_000,
		Answer: answer,
	}
	r.end = sync.OnceValue(func() error {
		r.Peer.Close()
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return r
}

func answer(method string, _ []byte) []byte {
	if method == "kong.client.get_ip" {
		return []byte("\n\x07192.0.2")
	}
	return nil // an empty frame
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 2*time.Millisecond, what)
}

// version sends one event and returns the version of the worker that answered, "" if the
// failure policy did.
func (r *rig) version(t testing.TB) string {
	t.Helper()
	result, err := r.Event("toy", []byte(`{}`), "access")
	require.NoError(t, err)
	return header(result)
}

func header(result kongpeer.Result) string {
	for _, call := range result.Calls {
		if call.Method == "kong.response.set_header" {
			// KV{k: "X-Version", v: Value{string_value: ...}}
			if i := bytes.LastIndexByte(call.Args, 0x1a); i >= 0 {
				return string(call.Args[i+2:])
			}
		}
	}
	return ""
}

func TestServes(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	r := newRig(t, Timing{})
	for range 100 {
		require.Equal(t, "v1", r.version(t))
	}
	require.EqualValues(t, 1, r.Dials.Load())
	require.EqualValues(t, 100, counter(r.Supervisor.Shared()).Load())
	_, err := r.Command(wire.RPC{Command: wire.CmdCloseInstance, InstanceID: 5})
	require.NoError(t, err)
}

func TestUpgradeChangesTheVersionAndKeepsInstancesAndMemory(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	r := newRig(t, Timing{})
	require.Equal(t, "v1", r.version(t))
	old := r.Supervisor.Stats().Worker
	os.Setenv(versionEnv, "v2")
	r.Upgrade()
	eventually(t, "the new worker serves", func() bool { return r.Supervisor.Stats().Worker != old })
	eventually(t, "the old worker is gone", func() bool { return syscall.Kill(old, 0) != nil })
	require.Equal(t, "v2", r.version(t))
	require.EqualValues(t, 1, r.Starts.Load(), "the instance is known under its id")
	require.EqualValues(t, 1, r.Dials.Load(), "the connection lives on")
	require.Zero(t, r.Repeats.Load())
	require.EqualValues(t, 2, counter(r.Supervisor.Shared()).Load())
}

func TestUpgradeThatFailsKeepsTheOldWorker(t *testing.T) {
	for _, fault := range []string{"start", "late"} {
		t.Run(fault, func(t *testing.T) {
			t.Setenv(versionEnv, "v1")
			r := newRig(t, Timing{Start: 4 * time.Second})
			require.Equal(t, "v1", r.version(t))
			t.Setenv(faultEnv, fault)
			r.Upgrade()
			eventually(t, "the new worker has died", func() bool { return r.Supervisor.Stats().Died == 1 })
			require.Equal(t, "v1", r.version(t))
			require.EqualValues(t, 1, r.Dials.Load())
			require.Equal(t, 2, r.Supervisor.Stats().Started)
		})
	}
}

func TestDeathInsideStartInstance(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	for name, size := range map[string]int{"small config": 10, "config larger than the socket's buffer": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Timing{})
			config, err := json.Marshal(map[string]string{"die-in-start": string(bytes.Repeat([]byte("x"), size))})
			require.NoError(t, err)
			result, err := r.Event("toy", config, "access")
			require.NoError(t, err)
			require.Equal(t, "v1", header(result))
			require.EqualValues(t, 1, r.Starts.Load())
			require.Zero(t, r.Repeats.Load())
			require.EqualValues(t, 2, r.Supervisor.Stats().Died)
			require.Equal(t, 1, r.Supervisor.Stats().Instances)
		})
	}
}

func TestCrashLoopIsAnsweredByPolicyAndEnds(t *testing.T) {
	for _, fault := range []string{"start", "late", "event"} {
		t.Run(fault, func(t *testing.T) {
			t.Setenv(versionEnv, "v1")
			t.Setenv(faultEnv, fault)
			r := newRig(t, Timing{Start: 3 * time.Second, Fallback: 50 * time.Millisecond, Backoff: 300 * time.Millisecond})
			allowed, err := r.Event("toy", []byte(`{"on_error":"allow"}`), "access")
			require.NoError(t, err)
			require.Nil(t, allowed.Exit)
			require.Empty(t, header(allowed))
			denied, err := r.Event("toy", []byte(`{"on_error":"deny"}`), "access")
			require.NoError(t, err)
			require.EqualValues(t, 500, denied.Exit.Status)

			os.Unsetenv(faultEnv)
			eventually(t, "a worker serves again", func() bool {
				return r.Supervisor.Stats().Worker != 0 && !r.Supervisor.Stats().Fallback
			})
			eventually(t, "and gets the connections", func() bool { return r.version(t) == "v1" })
		})
	}
}

// TestWorkerDoesNotOutliveItsSupervisor kills a supervisor, which is another process.
func TestWorkerDoesNotOutliveItsSupervisor(t *testing.T) {
	if path := os.Getenv("TOY_SUPERVISE"); path != "" {
		listener, err := pluginserver.Listen(path, 0o600, "")
		require.NoError(t, err)
		os.Unsetenv("TOY_SUPERVISE")
		Run(context.Background(), Options{Socket: listener, WorkerArgs: []string{"-test.run=^$"},
			Plugins: []pluginserver.Plugin{toyPlugin(nil)}, SharedSize: 4096})
		return
	}
	path := filepath.Join(t.TempDir(), "s")
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^TestWorkerDoesNotOutliveItsSupervisor$")
	cmd.Env = append(os.Environ(), "TOY_SUPERVISE="+path)
	require.NoError(t, cmd.Start())
	var workers []int
	eventually(t, "a worker", func() bool {
		workers = children(t, cmd.Process.Pid)
		return len(workers) == 1
	})
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	eventually(t, "the worker is gone", func() bool { return syscall.Kill(workers[0], 0) != nil })
}

// children returns the process ids of a process's children.
func children(t *testing.T, pid int) []int {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	var pids []int
	for _, file := range files {
		content, _ := os.ReadFile(file)
		for _, field := range bytes.Fields(content) {
			child, _ := strconv.Atoi(string(field))
			pids = append(pids, child)
		}
	}
	return pids
}
