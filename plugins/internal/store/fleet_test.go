package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"kongwaf/detect/ratelimit"
	"kongwaf/internal/redisclient"
	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
)

// scriptsRun returns how many scripts a server has run.
func scriptsRun(t *testing.T, client *redis.Client) int {
	t.Helper()
	stats, err := client.Info(context.Background(), "commandstats").Result()
	require.NoError(t, err)
	_, rest, found := strings.Cut(stats, "cmdstat_evalsha:calls=")
	if !found {
		return 0
	}
	calls, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(calls)
	require.NoError(t, err)
	return n
}

// TestFleetSharesAdmit: three nodes that hold shares admit no more than the limit between
// them, and all of it once what they do not use is given back, with a fraction of the
// scripts. What a node holds that dies stays counted, and no more than that.
func TestFleetSharesAdmit(t *testing.T) {
	const callers, limit = 64, 2000
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	client := server.Client()
	defer client.Close()
	for _, row := range []struct {
		rule ratelimit.Rule
		dies bool
	}{
		{rule: ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Month: limit, ratelimit.Year: limit}}},
		{rule: ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Month: limit, ratelimit.Year: limit}}, dies: true},
		{rule: ratelimit.Rule{Shape: ratelimit.Sliding, Limits: ratelimit.Limits{ratelimit.Year: limit}}},
		{rule: ratelimit.Rule{Shape: ratelimit.GCRA, Limits: ratelimit.Limits{ratelimit.Year: limit}}},
	} {
		name := fmt.Sprintf("%v, a node dies: %v", row.rule.Shape, row.dies)
		t.Run(name, func(t *testing.T) {
			const period = 100 * time.Millisecond
			periods := map[*Store]time.Duration{}
			mortal, err := open(redisclient.Settings{Addresses: server.Address(), Timeout: 10 * time.Second})
			require.NoError(t, err)
			stores := []*Store{mortal}
			for range 2 {
				stores = append(stores, opened(t, redisclient.Settings{Addresses: server.Address()}))
			}
			for _, s := range stores {
				periods[s] = period
			}
			if row.dies {
				periods[mortal] = time.Hour // it gives nothing back
			}
			before := scriptsRun(t, client)
			calls := 60
			if row.dies {
				calls = 12 // while the limit is far
			}
			var admitted, asked atomic.Int64
			call := func(n int) {
				asked.Add(1)
				s := stores[n%len(stores)]
				r, err := s.AllowShared(periods[s], Key(name), row.rule, "")
				switch {
				case err != nil:
					t.Error(err)
				case r.Allowed:
					admitted.Add(1)
				}
			}
			var wg sync.WaitGroup
			for w := range callers {
				wg.Go(func() {
					for n := range calls {
						call(w + n)
					}
				})
			}
			wg.Wait()
			scripts := scriptsRun(t, client) - before
			require.LessOrEqual(t, admitted.Load(), int64(limit))
			lost := int64(0)
			if row.dies {
				for mortal.holder(time.Hour).Held() == 0 {
					call(0)
				}
				stores = stores[1:]
				mortal.close()
				lost = int64(mortal.holder(time.Hour).Held())
			} else {
				defer mortal.close()
			}
			require.Eventually(t, func() bool { // the others get what is given back
				call(int(asked.Load()))
				return admitted.Load() == limit-lost
			}, 20*time.Second, time.Millisecond, "%d were admitted", admitted.Load())
			for range 20 {
				call(0)
			}
			require.Equal(t, limit-lost, admitted.Load(), "and not one more")
			fmt.Printf("%s: admitted %d of %d, limit %d, %d lost with a node; %d scripts for the first %d calls\n", t.Name(), admitted.Load(), asked.Load(), limit, lost, scripts, callers*calls)
			if !row.dies {
				require.Less(t, scripts, callers*calls*9/10, "however slow the machine: a refusal is believed for a period")
			}
		})
	}
}

// TestFleetGiveBackOnExit: a process that ends gives back what it holds.
func TestFleetGiveBackOnExit(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	settings := redisclient.Settings{Addresses: server.Address(), Timeout: 10 * time.Second}
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Year: 1000}}
	var r Registry
	s, err := r.Store(settings)
	require.NoError(t, err)
	for range 15 {
		_, err := s.AllowShared(time.Hour, "caller", rule, "")
		require.NoError(t, err)
	}
	require.Positive(t, s.holder(time.Hour).Held())
	r.GiveBack()
	require.Zero(t, s.holder(time.Hour).Held())
	result, err := s.Allow("caller", rule, "")
	require.NoError(t, err)
	require.EqualValues(t, 1000-16, result.Windows[ratelimit.Year].Remaining)
}

// TestFleetSharesOutlastRedis: while Redis is away a node spends what it holds, then its
// callers get errors; nothing is given back that was not taken, and no call hangs.
func TestFleetSharesOutlastRedis(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	s := opened(t, redisclient.Settings{Addresses: server.Address(), Timeout: time.Second})
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Year: 1000}}
	const period = time.Hour
	for range 15 {
		_, err := s.AllowShared(period, "caller", rule, "")
		require.NoError(t, err)
	}
	held := s.holder(period).Held()
	server.Kill()
	for range held {
		r, err := s.AllowShared(period, "caller", rule, "")
		require.NoError(t, err)
		require.True(t, r.Allowed)
	}
	_, err := s.AllowShared(period, "caller", rule, "")
	require.Error(t, err)
	server.Run()
	server.Await()
	require.Eventually(t, func() bool {
		_, err := s.AllowShared(period, "caller", rule, "")
		return err == nil
	}, 20*time.Second, 5*time.Millisecond, "it asks again")
}
