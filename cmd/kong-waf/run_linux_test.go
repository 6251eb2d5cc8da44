package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/gateway/gatewaytest"
)

// running is a `kong-waf run` with a shell script as its command.
type running struct {
	*exec.Cmd
	t      *testing.T
	output *gatewaytest.Log
	socket string
}

func startRun(t *testing.T, script string, options ...string) *running {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "run")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &running{t: t, output: new(gatewaytest.Log), socket: filepath.Join(dir, "s")}
	args := append([]string{"run", "--socket", r.socket}, options...)
	r.Cmd = exec.Command(self, append(args, "--", "sh", "-c", script)...)
	r.Env = append(os.Environ(), asMain+"=1", "SOCKET="+r.socket)
	r.Stdout, r.Stderr = r.output, r.output
	r.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return r
}

func (r *running) start() *running {
	r.t.Helper()
	require.NoError(r.t, r.Start())
	return r
}

// says waits for a text in the output.
func (r *running) says(text string, times int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return strings.Count(r.output.String(), text) >= times },
		20*time.Second, 5*time.Millisecond, "%q in the output", text)
}

// status waits for the end.
func (r *running) status() int {
	r.t.Helper()
	var exit *exec.ExitError
	if err := r.Wait(); err != nil && !errors.As(err, &exit) {
		require.NoError(r.t, err)
	}
	return r.ProcessState.ExitCode()
}

// server is the process id of the plugin server, which is started first.
func (r *running) server() int {
	r.t.Helper()
	_, rest, ok := strings.Cut(r.output.String(), `"process":"plugin server","pid":`)
	require.True(r.t, ok)
	pid := 0
	for _, c := range []byte(rest) {
		if c < '0' || c > '9' {
			break
		}
		pid = 10*pid + int(c-'0')
	}
	return pid
}

// forever ends a script that runs until the trap of a signal ends it.
const forever = `; echo up; while :; do sleep 0.02; done`

func TestRunPassesTheStatusOn(t *testing.T) {
	for script, want := range map[string]int{
		`test -S "$SOCKET" && exit 7`: 7,
		`exit 0`:                      0,
		`kill -9 $$`:                  128 + 9,
	} {
		r := startRun(t, script).start()
		require.Equal(t, want, r.status(), script)
		require.False(t, alive(r.server()))
	}
}

func TestRunPassesSignalsOn(t *testing.T) {
	r := startRun(t, `trap "echo reload" HUP; trap "echo user" USR1; trap "sleep 0.1; exit 3" TERM`+forever).start()
	r.says("up\n", 1)
	require.NoError(t, r.Process.Signal(syscall.SIGUSR1))
	r.says("user\n", 1)
	require.NoError(t, r.Process.Signal(syscall.SIGHUP))
	r.says("reload\n", 1)
	r.says(`"worker ready"`, 2)
	require.NoError(t, r.Process.Signal(syscall.SIGTERM))
	require.Equal(t, 3, r.status())
	log := r.output.String()
	require.Less(t, strings.Index(log, `"ended","process":"command"`), strings.Index(log, `"ended","process":"plugin server"`), "Kong first")
}

func TestRunEndsWithItsServer(t *testing.T) {
	for trap, want := range map[string]int{
		`trap "echo drained; exit 0" QUIT`: 1, // it is no success all the same
		`trap "" QUIT`:                     128 + 9,
	} {
		r := startRun(t, trap+forever, "--grace", "300ms").start()
		r.says("up\n", 1)
		require.NoError(t, syscall.Kill(r.server(), syscall.SIGKILL))
		require.Equal(t, want, r.status(), trap)
		require.Contains(t, r.output.String(), "the plugin server has ended with status 137")
	}
}

func TestRunSaysWhyItDoesNotStart(t *testing.T) {
	for name, tc := range map[string]struct {
		options []string
		want    []string
	}{
		"the server fails":   {options: []string{"--socket", "/proc/s"}, want: []string{"in folder /proc (owner root:root", "ended before it answered"}},
		"it takes too long":  {options: []string{"--wait", "1ns"}, want: []string{"the plugin server does not answer on "}},
		"an unknown setting": {options: []string{"--console", "nowhere"}, want: []string{"console.listen", "ended before it answered"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRun(t, "echo up", tc.options...).start()
			require.Equal(t, 1, r.status())
			for _, want := range tc.want {
				require.Contains(t, r.output.String(), want)
			}
			require.NotContains(t, r.output.String(), "up\n")
		})
	}
	var stderr strings.Builder
	require.Equal(t, 2, run([]string{"run", "--socket", "s"}, nil, os.Stdout, &stderr))
	require.Contains(t, stderr.String(), "COMMAND is missing")
	stderr.Reset()
	require.Equal(t, 127, run([]string{"run", "--", "no-such-command-here"}, nil, os.Stdout, &stderr))
	require.Contains(t, stderr.String(), "no-such-command-here")
}

func TestRunStoppedWhileItWaits(t *testing.T) {
	r := startRun(t, "echo up").start()
	r.says("started", 1)
	require.NoError(t, r.Process.Signal(syscall.SIGTERM))
	status := r.status()
	if !strings.Contains(r.output.String(), "up\n") { // it may have been faster
		require.Equal(t, 128+int(syscall.SIGTERM), status)
	}
	require.False(t, alive(r.server()))
}

// TestRunReapsOrphans runs it as the first process of a namespace, as in a container.
func TestRunReapsOrphans(t *testing.T) {
	r := startRun(t, `(sleep 0.3 & echo orphan >&2); trap "exit 0" TERM`+forever)
	r.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID
	if err := r.Start(); errors.Is(err, syscall.EPERM) {
		t.Skip("making a process namespace is not allowed here")
	} else {
		require.NoError(t, err)
	}
	r.says("up\n", 1)
	ours := func() (n int) {
		for _, pid := range childrenOf(t, r.Process.Pid) {
			if parentOf(pid) == r.Process.Pid {
				n++
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return ours() == 3 }, 10*time.Second, 5*time.Millisecond, "the orphan is ours")
	require.Eventually(t, func() bool { return ours() == 2 }, 10*time.Second, 5*time.Millisecond, "and is reaped")
	require.NoError(t, r.Process.Signal(syscall.SIGTERM))
	require.Zero(t, r.status())
}
