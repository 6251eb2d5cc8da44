//go:build linux

package supervisor

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire/kongpeer"
)

// begin starts a supervisor on a path, and waits until it serves. The function ends it.
func begin(t *testing.T, path string) (*Supervisor, func()) {
	t.Helper()
	socket, err := pluginserver.Listen(path, 0o600, "")
	require.NoError(t, err)
	s, err := New(Options{Socket: socket, WorkerArgs: []string{"-test.run=^$"},
		Plugins: []pluginserver.Plugin{toyPlugin(nil)}, SharedSize: 4096, Logger: quietLog()})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	eventually(t, "it serves", func() bool { return s.Stats().Worker != 0 })
	return s, func() {
		t.Helper()
		cancel()
		require.NoError(t, <-done)
	}
}

// kong is Kong's side of a path.
func kong(path string) *kongpeer.Peer {
	return &kongpeer.Peer{
		Dial: func() (net.Conn, error) { return net.Dial("unix", path) }, MaxRepeats: 10_000, Answer: answer,
	}
}

// TestReload: the second takes the path over, the first ends later, or, if Kong is in a
// hurry, before that.
func TestReload(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	for _, hurry := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "s")
		first, stopFirst := begin(t, path)
		r := &rig{Supervisor: first, Peer: kong(path), path: path}
		l := r.load(2000, 8)
		time.Sleep(100 * time.Millisecond)
		what := "two supervisors on one path, the old one ends"
		var second *Supervisor
		var stopSecond func()
		if hurry {
			what = "an old supervisor ends before the new one listens"
			ended := make(chan struct{})
			go func() {
				stopFirst()
				close(ended)
			}()
			time.Sleep(200 * time.Millisecond)
			second, stopSecond = begin(t, path)
			<-ended
		} else {
			second, stopSecond = begin(t, path)
			time.Sleep(100 * time.Millisecond)
			stopFirst()
		}
		time.Sleep(100 * time.Millisecond)
		_, err := os.Stat(path)
		require.NoError(t, err, "the first must leave the second's socket alone")
		require.NoError(t, second.Stats().Lost)
		r.Supervisor = second
		l.stop(t, what, r)
		r.Peer.Close()
		stopSecond()
	}
}

// TestStopEnds: a supervisor that nobody connects to ends soon, and one that everybody
// connects to ends too.
func TestStopEnds(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	r := newRig(t, Timing{Linger: 50 * time.Millisecond, Accept: 300 * time.Millisecond})
	r.version(t)
	quit, path := make(chan struct{}), r.path
	defer close(quit)
	go func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Millisecond):
			}
			if c, err := net.Dial("unix", path); err == nil {
				c.Close()
			}
		}
	}()
	start := time.Now()
	require.NoError(t, r.end())
	require.Greater(t, time.Since(start), 290*time.Millisecond)

	start = time.Now()
	r = newRig(t, Timing{Linger: 50 * time.Millisecond, Accept: time.Hour})
	require.NoError(t, r.end())
	require.Less(t, time.Since(start), time.Minute)
}

// TestLostAndTakenBack: whoever no longer has the path says so, and takes it back where
// nobody listens.
func TestLostAndTakenBack(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	r := newRig(t, Timing{})
	r.version(t)
	lost := func() bool { return r.Supervisor.Stats().Lost != nil }

	other, err := pluginserver.Listen(r.path, 0o600, "")
	require.NoError(t, err)
	eventually(t, "another one has it", lost)
	require.ErrorContains(t, r.Supervisor.Stats().Lost, "another server")
	require.Equal(t, "v1", r.version(t), "old connections live on")
	other.Close()
	eventually(t, "taken back", func() bool { return !lost() })
	r.Peer.Close()
	require.Equal(t, "v1", r.version(t))

	require.NoError(t, os.Remove(r.path))
	r.Peer.Close()
	eventually(t, "made again", func() bool {
		_, err := os.Stat(r.path)
		return err == nil && !lost()
	})
	require.Equal(t, "v1", r.version(t))
}
