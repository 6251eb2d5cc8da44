package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/ratelimit"
	"kongwaf/internal/redisclient"
	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
)

func TestBreaker(t *testing.T) {
	var b breaker
	now := time.Unix(1000, 0)
	away := errors.New("away")
	fail := func(n int) {
		for range n {
			require.NoError(t, b.ask(now))
			b.answered(now, away)
		}
	}
	fail(failuresToOpen - 1)
	require.NoError(t, b.ask(now))
	b.answered(now, nil) // one success: counting begins anew
	fail(failuresToOpen)
	require.ErrorIs(t, b.ask(now), away, "open")
	now = now.Add(pause)
	require.NoError(t, b.ask(now), "half open: one may try")
	require.ErrorIs(t, b.ask(now), away, "and no other one")
	b.answered(now, away)
	require.ErrorIs(t, b.ask(now), away, "it failed: open again")
	now = now.Add(pause)
	require.NoError(t, b.ask(now))
	b.answered(now, nil)
	fail(failuresToOpen - 1)
	require.NoError(t, b.ask(now), "closed")
}

// TestFleetRedisAway: Redis is killed, paused, restarted empty while callers ask. None waits
// much longer than the timeout; while Redis is away each gets an error, most of them at
// once; when it is back, answers come again and the limit holds.
func TestFleetRedisAway(t *testing.T) {
	const timeout = 500 * time.Millisecond
	// What a machine with more to do than it can may take to run a goroutine whose time has
	// come. A hang is endless, or many timeouts long.
	const slack = 3 * time.Second
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	stores := []*Store{}
	for range 3 {
		stores = append(stores, opened(t, redisclient.Settings{Addresses: server.Address(), Timeout: timeout}))
	}
	var allowed, refused, failed, longest atomic.Int64
	done := make(chan struct{})
	var wg sync.WaitGroup
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Year: 100}}
	for w := range 24 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(2 * time.Millisecond):
				}
				start := time.Now()
				r, err := stores[w%3].Allow("caller", rule, "")
				took := int64(time.Since(start))
				for old := longest.Load(); took > old && !longest.CompareAndSwap(old, took); old = longest.Load() {
				}
				switch {
				case err != nil:
					failed.Add(1)
				case r.Allowed:
					allowed.Add(1)
				default:
					refused.Add(1)
				}
			}
		})
	}
	more := func(what string, n *atomic.Int64, by int64) {
		t.Helper()
		before := n.Load()
		require.Eventually(t, func() bool { return n.Load() >= before+by }, 30*time.Second, 5*time.Millisecond, what)
	}
	more("the limit is used up, and holds", &refused, 100)
	require.LessOrEqual(t, allowed.Load(), int64(100))

	server.Kill()
	more("killed: every call gets an error", &failed, 500)
	server.Run()
	server.Await()
	more("restarted empty: callers start afresh", &allowed, 90)
	more("and the limit holds", &refused, 100)
	require.LessOrEqual(t, allowed.Load(), int64(200)) // an answer that came too late is counted, and not admitted

	server.Pause()
	more("paused: every call gets an error", &failed, 500)
	server.Resume()
	more("it goes on", &refused, 100)
	require.LessOrEqual(t, allowed.Load(), int64(200), "it has forgotten nothing")

	close(done)
	wg.Wait()
	t.Logf("%d refused, %d failed, the longest took %v", refused.Load(), failed.Load(), time.Duration(longest.Load()))
	require.Less(t, time.Duration(longest.Load()), timeout+slack)
}
