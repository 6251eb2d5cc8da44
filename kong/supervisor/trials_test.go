//go:build linux

package supervisor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// load sends events at a rate until stop is called, on as many connections as it takes,
// and counts what came of them.
type load struct {
	total, failed, byPolicy atomic.Int64
	slowest, ids            atomic.Int64
	first                   atomic.Value
	quit                    chan struct{}
	done                    sync.WaitGroup
}

func (r *rig) load(rate, workers int) *load {
	l := &load{quit: make(chan struct{})}
	for i := range workers {
		l.done.Go(func() {
			config := []byte(`{"route":` + strconv.Itoa(i%3) + `}`)
			var tick <-chan time.Time
			if rate > 0 {
				ticker := time.NewTicker(time.Duration(workers) * time.Second / time.Duration(rate))
				defer ticker.Stop()
				tick = ticker.C
			}
			for {
				select {
				case <-l.quit:
					return
				default:
				}
				if tick != nil {
					<-tick
				}
				start := time.Now()
				result, err := r.EventAnswered("toy", config, "access", request(l.ids.Add(1), "192.0.2.1"))
				l.total.Add(1)
				if took := int64(time.Since(start)); took > l.slowest.Load() {
					l.slowest.Store(took)
				}
				switch {
				case err != nil:
					l.failed.Add(1)
					l.first.CompareAndSwap(nil, err.Error())
				case header(result) == "" && (result.Exit == nil || result.Exit.Status != 403):
					l.byPolicy.Add(1)
				}
			}
		})
	}
	return l
}

// stop ends the load and prints what came of it.
func (l *load) stop(t testing.TB, fault string, r *rig) {
	t.Helper()
	close(l.quit)
	l.done.Wait()
	stats := r.Supervisor.Stats()
	fmt.Printf("%s: failed %d of %d (by policy %d, repeated %d, dials %d, workers %d, slowest %v)\n", fault,
		l.failed.Load(), l.total.Load(), l.byPolicy.Load(), r.Repeats.Load(), r.Dials.Load(),
		stats.Started, time.Duration(l.slowest.Load()).Round(time.Millisecond))
	if l.failed.Load() > 0 {
		t.Errorf("%s: failed %d of %d, the first: %v", fault, l.failed.Load(), l.total.Load(), l.first.Load())
	}
}

// scale is how many times longer the trials run: SUPERVISOR_TRIALS=full for the real ones.
func full() bool { return os.Getenv("SUPERVISOR_TRIALS") == "full" }

// trial strikes at workers again and again under load. Each has served for pause by then
// (a short one: at most), however long the machine took to start it.
func trial(t *testing.T, fault string, rate, workers, times int, pause time.Duration, strike func(r *rig, pid int)) {
	if os.Getenv(versionEnv) == "" {
		t.Setenv(versionEnv, "v1")
	}
	r := newRig(t, Timing{Frozen: time.Second, Fallback: 20 * time.Second})
	r.version(t)
	l := r.load(rate, workers)
	last := 0
	for range times {
		eventually(t, "another worker", func() bool {
			now := r.Supervisor.Stats().Worker
			return now != 0 && now != last
		})
		if pause < 100*time.Millisecond {
			time.Sleep(rand.N(pause)) // while it takes the connections over, too
		} else {
			time.Sleep(pause)
		}
		if now := r.Supervisor.Stats().Worker; now != 0 {
			last = now
			strike(r, now)
		}
	}
	time.Sleep(pause)
	l.stop(t, fault, r)
	require.Zero(t, l.byPolicy.Load(), "events answered by the failure policy")
}

func TestKill(t *testing.T) {
	pause := 300 * time.Millisecond
	if full() {
		pause = 3 * time.Second
	}
	kill := func(_ *rig, pid int) { syscall.Kill(pid, syscall.SIGKILL) }
	t.Run("at 500 requests/s", func(t *testing.T) { trial(t, "kill -9, 500/s", 500, 16, 10, pause, kill) })
	t.Run("at full load", func(t *testing.T) { trial(t, "kill -9, full load", 0, 16, 10, pause, kill) })
}

// TestKillWhileRefusing has each event end its connection: most connections are new.
func TestKillWhileRefusing(t *testing.T) {
	t.Setenv(versionEnv, "refusing")
	trial(t, "kill -9, every request refused", 0, 16, 10, 200*time.Millisecond,
		func(_ *rig, pid int) { syscall.Kill(pid, syscall.SIGKILL) })
}

// TestKillAllTheTime leaves a worker no time to be idle: most die in the middle of
// something.
func TestKillAllTheTime(t *testing.T) {
	times := 30
	if full() {
		times = 1000
	}
	trial(t, "kill -9, at once again", 0, 16, times, 20*time.Millisecond,
		func(_ *rig, pid int) { syscall.Kill(pid, syscall.SIGKILL) })
}

func TestFreeze(t *testing.T) {
	trial(t, "SIGSTOP", 500, 16, 2, 500*time.Millisecond, func(r *rig, pid int) {
		syscall.Kill(pid, syscall.SIGSTOP)
		eventually(t, "the frozen worker is replaced", func() bool {
			now := r.Supervisor.Stats().Worker
			return now != 0 && now != pid
		})
		require.NotZero(t, r.Supervisor.Stats().Frozen)
	})
}

func TestUpgrade(t *testing.T) {
	trial(t, "SIGHUP", 0, 16, 5, 200*time.Millisecond, func(r *rig, pid int) {
		r.Upgrade()
		eventually(t, "the new worker serves", func() bool {
			now := r.Supervisor.Stats().Worker
			return now != 0 && now != pid
		})
	})
}

func TestBadHandlers(t *testing.T) {
	for version, what := range map[string]string{
		"panicky": "a panic in every tenth event", "hanging": "every tenth handler hangs", "vanishing": "every tenth handler ends its goroutine",
	} {
		t.Run(version, func(t *testing.T) {
			t.Setenv(versionEnv, version)
			r := newRig(t, Timing{})
			l := r.load(2000, 16)
			time.Sleep(time.Second)
			l.stop(t, what, r)
			require.NotZero(t, l.byPolicy.Load())
			require.Equal(t, 1, r.Supervisor.Stats().Started, "the process lives")
		})
	}
}

func TestGarbage(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	r := newRig(t, Timing{})
	r.version(t)
	l := r.load(2000, 16)
	// A steady trickle: a flood without end fills the socket's queue, and that is full for
	// everybody, whoever listens.
	for i := range 1000 {
		time.Sleep(time.Millisecond)
		c, err := net.Dial("unix", r.path)
		require.NoError(t, err)
		switch i % 4 {
		case 0:
			c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		case 1:
			c.Write([]byte{0xff, 0xff, 0xff, 0x7f, 1, 2, 3})
		case 2:
			c.Write([]byte{9, 0, 0, 0, 1})
		case 3:
			c.Write(append([]byte{0, 4, 0, 0}, make([]byte, 1024)...))
		}
		if i%8 < 4 || i > 500 {
			c.Close()
		} else {
			defer c.Close() // silent from now on
		}
	}
	l.stop(t, "garbage from another peer", r)
	require.Equal(t, 1, r.Supervisor.Stats().Started, "the process lives")
}

// TestNothingIsLeftBehind opens many connections and counts the files of both processes.
func TestNothingIsLeftBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 connections")
	}
	r := newRig(t, Timing{})
	r.version(t)
	worker := r.Supervisor.Stats().Worker
	count := func() (ours, workers int) {
		return files(t, os.Getpid()), files(t, worker)
	}
	ours, workers := count()
	for i := range 10_000 {
		c, err := net.Dial("unix", r.path)
		if errors.Is(err, syscall.EAGAIN) {
			continue // the queue of the socket is full
		}
		require.NoError(t, err)
		if i%2 == 0 {
			c.Write([]byte{20, 0, 0, 0, 1})
		}
		c.Close()
	}
	eventually(t, "no file more than before", func() bool {
		a, b := count()
		return a <= ours && b <= workers && r.Supervisor.Stats().Connections == 1
	})
	require.Equal(t, worker, r.Supervisor.Stats().Worker)
}

// TestSoak runs for as long as SOAK says ("10m") with upgrades and deaths, and looks at
// the memory of supervisor and worker.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		t.Skip("SOAK is not set to a duration")
	}
	t.Setenv(versionEnv, "v1")
	r := newRig(t, Timing{})
	r.version(t)
	l := r.load(3000, 16)
	worker := func() int {
		eventually(t, "a worker", func() bool { return r.Supervisor.Stats().Worker != 0 })
		return r.Supervisor.Stats().Worker
	}
	time.Sleep(length / 10)
	first, firstFiles := memory(t, worker()), files(t, os.Getpid())
	for i := range 8 {
		if time.Sleep(length / 10); i%4 == 1 {
			r.Upgrade()
		} else if i%4 == 3 {
			syscall.Kill(worker(), syscall.SIGKILL)
		}
	}
	time.Sleep(length / 10)
	last, lastFiles := memory(t, worker()), files(t, os.Getpid())
	l.stop(t, "soak", r)
	fmt.Printf("soak: worker %d KiB after a tenth, %d KiB at the end; supervisor's files %d, then %d\n", first, last, firstFiles, lastFiles)
	require.Less(t, last, first+first/2+4096, "the worker's memory grows")
	require.Less(t, lastFiles, firstFiles+20, "the supervisor's files grow")
}

// memory returns a process's resident memory in KiB.
func memory(t *testing.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	return n
}

// files counts a process's open files. The test's own are the supervisor's and the peer's.
func files(t *testing.T, pid int) int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	require.NoError(t, err)
	return len(entries)
}
