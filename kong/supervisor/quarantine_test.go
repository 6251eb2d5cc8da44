//go:build linux

package supervisor

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire/kongpeer"
)

// request is Kong's answers about one request, the same ones whenever it asks again.
func request(id int64, ip string) func(string, []byte) []byte {
	text := func(s string) []byte { return append([]byte{'\n', byte(len(s))}, s...) }
	return func(method string, _ []byte) []byte {
		switch method {
		case "kong.client.get_ip":
			return text(ip)
		case "kong.nginx.get_var":
			return text(strconv.FormatInt(id, 10))
		}
		return nil
	}
}

// length is how long a trial lasts.
func length() time.Duration {
	if full() {
		return 30 * time.Second
	}
	return 2 * time.Second
}

// patient is a timing for machines that are busy with something else.
func patient() Timing {
	if full() {
		return Timing{}
	}
	return Timing{Fallback: 20 * time.Second}
}

// TestKillRhythm kills every process that there is, at a rhythm and under full load,
// however long a new one has been there.
func TestKillRhythm(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	rhythms := []time.Duration{200, 900}
	if full() {
		rhythms = []time.Duration{200, 500, 900, 1000, 1100}
	}
	for _, rhythm := range rhythms {
		rhythm *= time.Millisecond
		t.Run(rhythm.String(), func(t *testing.T) {
			r := newRig(t, patient())
			r.version(t)
			l := r.load(0, 16)
			for end := time.Now().Add(length()); time.Now().Before(end); {
				time.Sleep(rhythm)
				for _, pid := range r.pids() {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			l.stop(t, "kill -9 every "+rhythm.String()+", full load", r)
			require.Zero(t, l.byPolicy.Load(), "events answered by the failure policy")
			require.Zero(t, r.Supervisor.Stats().Guilty)
		})
	}
}

// pids are the process ids of all workers.
func (r *rig) pids() (pids []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for w := range r.workers {
		if w.process != nil {
			pids = append(pids, w.process.Pid)
		}
	}
	return pids
}

// TestPoison sends requests that end the process which handles them, among good ones: it
// is them that the failure policy answers, and nobody else.
func TestPoison(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	for name, tc := range map[string]struct{ good, poison int }{
		"ten among 500 good ones a second": {good: 500, poison: 10},
		"at full load":                     {poison: 2},
	} {
		t.Run(name, func(t *testing.T) {
			timing := patient()
			timing.Unsure = 100 * time.Millisecond
			r := newRig(t, timing)
			r.version(t)
			l := r.load(tc.good, 16)
			var done sync.WaitGroup
			var poisoned, failed, passed atomic.Int64
			tick := time.NewTicker(time.Second / time.Duration(tc.poison))
			defer tick.Stop()
			for end := time.Now().Add(length()); time.Now().Before(end); {
				<-tick.C
				id := -1 - poisoned.Add(1)
				done.Go(func() {
					result, err := r.EventAnswered("toy", []byte(`{"route":1}`), "access", request(id, poison))
					switch {
					case err != nil:
						failed.Add(1)
					case header(result) != "":
						passed.Add(1)
					}
				})
			}
			done.Wait()
			l.stop(t, "poison, "+name, r)
			stats := r.Supervisor.Stats()
			fmt.Printf("poison, %s: failed %d of %d poison requests, %d deaths, %d tried alone, %d guilty\n", name,
				failed.Load(), poisoned.Load(), stats.Died, stats.Suspects, stats.Guilty)
			require.Zero(t, l.byPolicy.Load(), "good events answered by the failure policy")
			require.Zero(t, failed.Load())
			require.Zero(t, passed.Load(), "a poison request was handled")
			require.EqualValues(t, poisoned.Load(), stats.Guilty)
		})
	}
}

// TestInnocentSuspects: what was under way at a death is handled, in quarantine, and the
// quarantine ends when nobody needs it.
func TestInnocentSuspects(t *testing.T) {
	t.Setenv(versionEnv, "slow")
	r := newRig(t, Timing{Suspect: time.Hour, Fallback: 20 * time.Second})
	release := func() { released(r.Supervisor.Shared()).Store(1) }
	t.Cleanup(release)
	kill := func() {
		var worker int
		eventually(t, "a worker", func() bool {
			worker = r.Supervisor.Stats().Worker
			return worker != 0
		})
		require.NoError(t, syscall.Kill(worker, syscall.SIGKILL))
		eventually(t, "another worker", func() bool {
			now := r.Supervisor.Stats().Worker
			return now != 0 && now != worker
		})
	}
	kill() // from now on they look
	results := make(chan kongpeer.Result, 4)
	for id := range cap(results) {
		go func() {
			result, err := r.EventAnswered("toy", []byte(`{}`), "access", request(int64(id), "192.0.2.1"))
			if err != nil {
				t.Errorf("event %d: %v", id, err)
			}
			results <- result
		}()
	}
	eventually(t, "all are under way", func() bool { return r.board.underWay() == cap(results) })
	kill()
	release()
	for range cap(results) {
		require.Equal(t, "slow", header(<-results))
	}
	stats := r.Supervisor.Stats()
	require.EqualValues(t, cap(results), stats.Suspects)
	require.Zero(t, stats.Guilty)
	require.EqualValues(t, cap(results), r.Repeats.Load())
	r.mu.Lock()
	r.timing.Suspect = time.Millisecond
	r.mu.Unlock()
	eventually(t, "the quarantine ends", func() bool { return len(r.pids()) == 1 && r.board.alarm().Load() == 0 })
	require.Equal(t, "slow", r.version(t))
}

// underWay counts the events that plugins handle.
func (b *board) underWay() (n int) {
	for slot := range uint32(64) {
		if b.state(slot) == pluginserver.StateHandling {
			n++
		}
	}
	return n
}

func TestPause(t *testing.T) {
	timing := Timing{}.withDefaults()
	var pauses []time.Duration
	for failed := range 6 {
		pauses = append(pauses, timing.pause(failed))
	}
	require.Equal(t, []time.Duration{0, 0, 0, 25e6, 50e6, 100e6}, pauses)
	require.Equal(t, timing.Backoff, timing.pause(1000))
}

// TestIdleDeaths: workers that die with nothing to do have failed nobody, so the next event
// waits for a worker.
func TestIdleDeaths(t *testing.T) {
	t.Setenv(versionEnv, "v1")
	r := newRig(t, Timing{Stable: time.Hour})
	for range 5 {
		eventually(t, "a worker", func() bool { return r.Supervisor.Stats().Worker != 0 })
		time.Sleep(450 * time.Millisecond)
		for _, pid := range r.pids() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		eventually(t, "it is noticed", func() bool { return r.Supervisor.Stats().Worker == 0 })
	}
	require.Equal(t, "v1", r.version(t))
}
