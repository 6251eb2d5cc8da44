package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
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

// opened returns a store that ends with the test.
func opened(t *testing.T, s redisclient.Settings) *Store {
	t.Helper()
	if s.Timeout == 0 {
		s.Timeout = 10 * time.Second // of a busy machine
	}
	store, err := open(s)
	require.NoError(t, err)
	t.Cleanup(store.close)
	return store
}

func TestAllow(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	s := opened(t, redisclient.Settings{Addresses: server.Address()})
	limits := ratelimit.Limits{ratelimit.Hour: 3, ratelimit.Year: 2}
	for n, row := range []struct {
		event             string
		allowed, repeated bool
		hour, year        uint64 // remaining
		because           string
	}{
		{event: "a", allowed: true, hour: 2, year: 1, because: "the first"},
		{event: "a", allowed: true, repeated: true, hour: 2, year: 1, because: "an event that comes again is not counted again"},
		{event: "", allowed: true, hour: 1, year: 0, because: "the second"},
		{event: "b", hour: 1, year: 0, because: "one limit is used up: nothing is counted"},
		{event: "b", hour: 1, year: 0, because: "a refused event is not remembered"},
		{event: "a", allowed: true, repeated: true, hour: 1, year: 0, because: "what was admitted stays admitted"},
	} {
		r, err := s.Allow("caller", ratelimit.Rule{Limits: limits}, row.event)
		require.NoError(t, err)
		require.Equal(t, row.allowed, r.Allowed, "%d: %s", n, row.because)
		require.Equal(t, row.repeated, r.Repeated, "%d: %s", n, row.because)
		require.Equal(t, row.hour, r.Windows[ratelimit.Hour].Remaining, "%d: %s", n, row.because)
		require.Equal(t, row.year, r.Windows[ratelimit.Year].Remaining, "%d: %s", n, row.because)
		require.Equal(t, ratelimit.Year, r.Decisive, "%d: %s", n, row.because)
		require.Zero(t, r.Windows[ratelimit.Day])
		require.InDelta(t, 1800, r.Windows[ratelimit.Hour].Reset, 1800)
	}
	r, err := s.Allow("another", ratelimit.Rule{Limits: limits}, "a")
	require.NoError(t, err)
	require.False(t, r.Repeated, "an event belongs to its caller")

	client := server.Client()
	defer client.Close()
	keys, err := client.Keys(context.Background(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 4)
	for _, key := range keys {
		left, err := client.TTL(context.Background(), key).Result()
		require.NoError(t, err)
		require.Positive(t, left, "%s never expires", key)
	}
	require.NoError(t, client.ScriptFlush(context.Background()).Err())
	_, err = s.Allow("caller", ratelimit.Rule{Limits: limits}, "")
	require.NoError(t, err, "a Redis that has lost the script is sent it")
}

// TestShapesAreTheTables: the script decides and describes calls as detect/ratelimit's table
// does, over turns of months and years, in all shapes. It runs with a clock of ours.
func TestShapesAreTheTables(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	client := server.Client()
	defer client.Close()
	shifted := clocked(t, allow, 6)
	random := rand.New(rand.NewPCG(1, 2))
	refused := map[ratelimit.Shape]int{}
	for n := range 300 {
		rule := ratelimit.Rule{Shape: ratelimit.Shape(n % 3)}
		for p := range rule.Limits {
			if random.IntN(2) == 0 {
				rule.Limits[p] = 1 + random.Uint64N(6)
			}
		}
		if rule.Shape == ratelimit.GCRA {
			rule.Burst = random.Uint64N(5)
		}
		rule.Limits[n%6] = 3
		for p, longest := range []int{1, 60, 3600, 86400, 30 * 86400, 365 * 86400} {
			if n%2 == 0 && random.IntN(3) == 0 { // windows of other lengths
				rule.Spans[p] = uint32(1+random.IntN(longest/60+1)) * 60
				if p < 2 {
					rule.Spans[p] = uint32(1 + random.IntN(longest))
				}
				rule.Spans[p] = min(rule.Spans[p], uint32(longest))
			}
		}
		now := time.Date(2024+n/12, time.Month(1+n%12), 1, 0, 0, 0, 0, time.UTC).Add(-time.Second) // a month ends
		table := ratelimit.New(1, [16]byte{1})
		for call := range 12 {
			rule.Cost = 1 + random.Uint64N(3)/2
			args := []any{15, rule.Shape.String(), rule.Burst, rule.Cost, 0, now.Unix(), now.Nanosecond() / 1e3}
			for p, limit := range rule.Limits {
				if limit > 0 {
					args = append(args, p, limit, rule.Spans[p])
				}
			}
			numbers, err := shifted.Run(context.Background(), client, []string{"k" + strconv.Itoa(n)}, args...).Int64Slice()
			require.NoError(t, err)
			a, err := answered(rule, numbers)
			require.NoError(t, err)
			got := ratelimit.Describe(rule, a.Values, a.Now, a.Allowed)
			want, err := table.Allow(now, table.Key("k"), rule, 0)
			require.NoError(t, err)
			require.Equal(t, want, got, "%v, call %d of %+v at %v", rule.Shape, call, rule, now)
			if !got.Allowed {
				refused[rule.Shape]++
			}
			steps := []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, time.Minute, time.Hour, 25 * time.Hour, 32 * 24 * time.Hour}
			if call%4 != 0 {
				now = now.Add(time.Duration(random.Int64N(int64(steps[random.IntN(len(steps))]))))
			}
			if call == 7 {
				now = now.Add(-2 * time.Second)
			}
		}
	}
	for shape := ratelimit.Fixed; shape <= ratelimit.GCRA; shape++ {
		require.Greater(t, refused[shape], 100, "%v is hardly tested", shape)
	}
}

// clocked returns a script that goes by a clock of the test's: second and microsecond, which
// are its arguments from a place on. Nothing in it expires.
func clocked(t *testing.T, source string, from int) *redis.Script {
	t.Helper()
	const clock, expire = "redis.call('TIME')", "redis.call('EXPIRE', KEYS[1], ttl)"
	require.Equal(t, 1, strings.Count(source, clock))
	return redis.NewScript(periods + strings.NewReplacer(
		clock, fmt.Sprintf("{table.remove(ARGV, %d), table.remove(ARGV, %d)}", from, from),
		expire, "redis.call('PERSIST', KEYS[1])").Replace(source))
}

// TestFleetAdmitsExactly: a limit of N admits N, whoever asks whichever store.
func TestFleetAdmitsExactly(t *testing.T) {
	program := testtool.Need(t, "redis-server")
	server := redistest.Start(t, program)
	for _, tc := range []struct {
		name   string
		where  redisclient.Settings
		limits ratelimit.Limits
		shape  ratelimit.Shape
		burst  uint64
	}{
		{name: "one limit", where: redisclient.Settings{Addresses: server.Address()}, limits: ratelimit.Limits{ratelimit.Year: 1000}},
		{name: "several limits", where: redisclient.Settings{Addresses: server.Address()}, limits: ratelimit.Limits{ratelimit.Day: 1001, ratelimit.Month: 1000, ratelimit.Year: 1000}},
		{name: "sliding", where: redisclient.Settings{Addresses: server.Address()}, limits: ratelimit.Limits{ratelimit.Month: 1000}, shape: ratelimit.Sliding},
		{name: "gcra", where: redisclient.Settings{Addresses: server.Address()}, limits: ratelimit.Limits{ratelimit.Year: 2000}, shape: ratelimit.GCRA, burst: 1000},
		{name: "cluster", where: cluster(t, program), limits: ratelimit.Limits{ratelimit.Month: 1000, ratelimit.Year: 1000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const callers, calls = 64, 40
			var stores []*Store
			for range 3 {
				stores = append(stores, opened(t, tc.where))
			}
			var admitted, asked atomic.Int64
			var wg sync.WaitGroup
			for w := range callers {
				wg.Go(func() {
					for n := range calls {
						asked.Add(1)
						r, err := stores[(w+n)%3].Allow(tc.name, ratelimit.Rule{Limits: tc.limits, Shape: tc.shape, Burst: tc.burst}, Key(fmt.Sprint(w, "/", n)))
						switch {
						case err != nil:
							t.Error(err)
						case r.Allowed:
							admitted.Add(1)
						}
					}
				})
			}
			wg.Wait()
			fmt.Printf("%s: admitted %d of %d, limit %d\n", t.Name(), admitted.Load(), asked.Load(), 1000)
			require.EqualValues(t, 1000, admitted.Load())
		})
	}
}

// cluster starts a Redis Cluster of three nodes.
func cluster(t *testing.T, program string) redisclient.Settings {
	t.Helper()
	var nodes []*redistest.Server
	var addresses []string
	for i := range 3 {
		bus := strconv.Itoa(redistest.FreePort(t))
		n := redistest.Start(t, program, "--cluster-enabled", "yes", "--cluster-port", bus)
		nodes, addresses = append(nodes, n), append(addresses, n.Address())
		client := n.Client()
		defer client.Close()
		ctx := context.Background()
		require.NoError(t, client.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", i*16384/3, (i+1)*16384/3-1).Err())
		require.NoError(t, client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		if i > 0 {
			first := nodes[0].Client()
			defer first.Close()
			require.NoError(t, first.Do(ctx, "CLUSTER", "MEET", n.Host, n.Port, bus).Err())
		}
	}
	for _, n := range nodes {
		client := n.Client()
		defer client.Close()
		require.Eventually(t, func() bool {
			info, _ := client.ClusterInfo(context.Background()).Result()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		}, 60*time.Second, 50*time.Millisecond, "the cluster does not come together")
	}
	return redisclient.Settings{Addresses: strings.Join(addresses, ","), Cluster: true}
}

func TestKeysOfACallerShareASlot(t *testing.T) {
	require.Len(t, Key("a"), 22)
	require.NotEqual(t, Key("a", "bc"), Key("ab", "c"))
	require.NotContains(t, Key("192.0.2.1"), "192")
}

// TestRegistry: the same settings share a store, and one that nobody holds is closed.
func TestRegistry(t *testing.T) {
	var r Registry
	settings := redisclient.Settings{Addresses: "127.0.0.1:1", Timeout: time.Second}
	one, err := r.Store(settings)
	require.NoError(t, err)
	two, err := r.Store(settings)
	require.NoError(t, err)
	require.Same(t, one, two)
	settings.Database = 1
	other, err := r.Store(settings)
	require.NoError(t, err)
	require.NotSame(t, one, other)
	closed := one.closed
	runtime.KeepAlive(two)
	one, two = nil, nil
	require.Eventually(t, func() bool {
		runtime.GC()
		select {
		case <-closed:
			return true
		default:
			return false
		}
	}, 20*time.Second, 10*time.Millisecond, "nobody holds it, and it is not closed")
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.stores) == 1
	}, 20*time.Second, 10*time.Millisecond)
	runtime.KeepAlive(other)
}
