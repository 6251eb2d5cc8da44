package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"kongwaf/detect/ratelimit"
	"kongwaf/detect/ratelimit/share"
	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
)

// fleet is a simulated one: nodes with the real shares, the real scripts in a real Redis, and
// a clock of the test's. Trips are made, lost and answered when the test says so.
type fleet struct {
	t      *testing.T
	client *redis.Client
	random *rand.Rand
	rule   ratelimit.Rule
	key    string
	period time.Duration

	shortest int       // limit
	now      time.Time // Redis' clock
	nodes    []*share.Holder
	skews    []time.Duration // of the nodes' clocks
	swept    [4]time.Time
	steps    []func() // of trips under way, in any order

	allow, back *redis.Script
	admitted    []admission
	refused     int
	shared      int // of the admitted, out of a share
}

type admission struct {
	at   time.Time
	cost uint64
}

func (f *fleet) at(node int) time.Time { return f.now.Add(f.skews[node]) }

// limits are the arguments of a script from its clock on.
func (f *fleet) limits() []any {
	args := []any{f.now.Unix(), f.now.Nanosecond() / 1e3}
	for p, limit := range f.rule.Limits {
		if limit > 0 {
			args = append(args, p, limit, f.rule.Spans[p])
		}
	}
	return args
}

func (f *fleet) run(script *redis.Script, keys []string, args ...any) []int64 {
	f.t.Helper()
	numbers, err := script.Run(context.Background(), f.client, keys, append(args, f.limits()...)...).Int64Slice()
	require.NoError(f.t, err)
	return numbers
}

// call lets a node decide a call. Where that takes a trip it is made later, as if by somebody
// who hates the node: it may be lost on the way there or back, and answers may come late.
func (f *fleet) call(n int, faults bool) {
	rule := f.rule
	rule.Cost = 1 + f.random.Uint64N(4)/3
	node, sent := f.nodes[n], f.at(n)
	r, decided, more := node.Ask(sent, f.key, rule)
	if decided {
		f.count(r.Allowed, rule.Cost)
		if r.Allowed {
			f.shared++
		}
		return
	}
	fate := f.random.IntN(20)
	if !faults {
		fate = 19
	}
	f.steps = append(f.steps, func() {
		if fate == 0 { // lost on the way there
			node.Failed(f.key, rule, more > 0)
			return
		}
		numbers := f.run(f.allow, []string{f.key}, 15, rule.Shape.String(), rule.Burst, rule.Cost, more)
		a, err := answered(f.rule, numbers)
		require.NoError(f.t, err)
		if fate == 1 { // lost on the way back
			node.Failed(f.key, rule, more > 0)
			return
		}
		f.count(a.Allowed, rule.Cost) // in the window in which it was decided, as without shares
		f.steps = append(f.steps, func() { node.Told(sent, f.key, rule, more > 0, a) })
	})
}

func (f *fleet) count(allowed bool, cost uint64) {
	if allowed {
		f.admitted = append(f.admitted, admission{at: f.now, cost: cost})
	} else {
		f.refused++
	}
}

// sweep lets a node give back what it should. A return may be lost, late, or made twice.
func (f *fleet) sweep(n int, faults bool) {
	f.swept[n] = f.now
	for i, r := range f.nodes[n].Sweep(f.at(n)) {
		keys := []string{f.key, fmt.Sprint(f.key, "/", n, "/", i, "/", f.now.UnixNano())}
		times := 1
		if faults {
			times = f.random.IntN(3)
		}
		for range times {
			f.steps = append(f.steps, func() {
				f.run(f.back, keys, 15, r.Rule.Shape.String(), r.Calls, r.Now.Unix(), r.Now.Nanosecond()/1e6, strconv.FormatInt(r.Born, 10))
			})
		}
	}
}

func (f *fleet) step() {
	if len(f.steps) == 0 {
		return
	}
	i := f.random.IntN(len(f.steps))
	do := f.steps[i]
	f.steps = slices.Delete(f.steps, i, i+1)
	do()
}

// requireBound asks that never more was admitted than the package share promises.
func (f *fleet) requireBound() {
	f.t.Helper()
	for p := ratelimit.Period(0); p < ratelimit.Periods; p++ {
		limit := f.rule.Limits[p]
		if limit == 0 {
			continue
		}
		switch span := spans[p]; f.rule.Shape {
		case ratelimit.Fixed:
			windows := map[string]uint64{}
			for _, a := range f.admitted {
				w := a.at.UTC().Format(layouts[p])
				windows[w] += a.cost
				require.LessOrEqual(f.t, windows[w], limit, "%v %s of %+v", p, w, f.rule)
			}
		case ratelimit.Sliding:
			windows := map[int64]uint64{}
			for _, a := range f.admitted {
				w := a.at.UnixNano() / int64(span)
				windows[w] += a.cost
				left := span - time.Duration(a.at.UnixNano()%int64(span))
				used := float64(windows[w]) + float64(windows[w-1])*float64(left)/float64(span)
				require.LessOrEqual(f.t, used, float64(limit)+1e-6, "%v at %v of %+v", p, a.at, f.rule)
			}
		default:
			burst := f.rule.Burst
			if burst == 0 {
				burst = limit
			}
			// A level that never exceeds the burst and what drains in a period is the same as: in
			// any time t at most burst + limit * (t + period of the shares).
			rate, level, last := float64(limit)/float64(span), 0.0, time.Time{}
			for _, a := range f.admitted {
				level = max(0, level-rate*float64(a.at.Sub(last))) + float64(a.cost)
				last = a.at
				const tick = 10 * time.Millisecond // of an hour
				require.LessOrEqual(f.t, level, float64(burst)+rate*float64(f.period+tick)+1e-6, "%v at %v of %+v", p, a.at, f.rule)
			}
		}
	}
}

// spans and layouts name the windows as their definition does.
var (
	spans   = [...]time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour}
	layouts = [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02", "2006-01", "2006"}
)

func newFleet(t *testing.T, client *redis.Client, seed uint64, shape ratelimit.Shape) *fleet {
	f := &fleet{t: t, client: client, random: rand.New(rand.NewPCG(seed, 7)), key: fmt.Sprint("fleet", shape, seed),
		allow: clocked(t, allow, 6), back: clocked(t, back, 7),
		rule: ratelimit.Rule{Shape: shape}, now: time.Date(2027, 12, 31, 23, 59, 40, 0, time.UTC)}
	limit := 40 + f.random.Uint64N(100)
	for p := range f.rule.Limits[:3] {
		if f.random.IntN(2) == 0 || p == int(seed%3) {
			f.rule.Limits[p] = limit
			limit += f.random.Uint64N(60)
		}
	}
	f.shortest = slices.IndexFunc(f.rule.Limits[:], func(n uint64) bool { return n > 0 })
	f.period = time.Duration(float64(spans[f.shortest]) * []float64{0.1, 0.5, 3}[seed/2%3])
	if shape == ratelimit.GCRA && seed%2 == 0 {
		f.rule.Burst = 10 + f.random.Uint64N(60)
	}
	for range f.swept {
		f.nodes = append(f.nodes, share.New(f.period))
		f.skews = append(f.skews, time.Duration(f.random.Int64N(int64(time.Hour))))
	}
	return f
}

// TestFleetSharesHoldTheirBound: whatever is lost, late or twice, and whoever dies, all nodes
// together admit no more than a limit: over fixed and sliding windows not one call more, with
// GCRA what drains in a period of the shares. SHARES_SEEDS=1000 tries more schedules.
func TestFleetSharesHoldTheirBound(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	client := server.Client()
	defer client.Close()
	seeds := uint64(12)
	if text := os.Getenv("SHARES_SEEDS"); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		require.NoError(t, err)
		seeds = n
	}
	for shape := ratelimit.Fixed; shape <= ratelimit.GCRA; shape++ {
		admitted, shared, refused := 0, 0, 0
		for seed := range seeds {
			f := newFleet(t, client, seed, shape)
			pace := int64(spans[f.shortest]) / int64(f.rule.Limits[f.shortest]) // calls come at about the limit
			n := 0
			for i := range 1200 {
				f.now = f.now.Add(time.Duration(f.random.Int64N(pace)))
				if i%40 == 0 { // now here, now there
					n = f.random.IntN(len(f.nodes))
				}
				if f.random.IntN(4) == 0 {
					n = f.random.IntN(len(f.nodes))
				}
				if n > 0 && f.now.Sub(f.swept[n]) > // node 0 is too busy for that
					time.Duration(f.random.Int64N(int64(2*f.period))) {
					f.sweep(n, true)
				}
				for len(f.steps) > f.random.IntN(8) {
					f.step()
				}
				switch f.random.IntN(40) {
				case 0:
					f.nodes[n] = share.New(f.period) // it dies, and starts again
				case 1:
					f.now = f.now.Add(time.Duration(f.random.Int64N(30 * pace)))
				default:
					f.call(n, true)
				}
			}
			f.requireBound()
			admitted, shared, refused = admitted+len(f.admitted), shared+f.shared, refused+f.refused
		}
		t.Logf("%v: %d admitted, %d of them out of shares, %d refused", shape, admitted, shared, refused)
		require.Greater(t, shared, 20*int(seeds), "hardly anything is tested")
		require.Greater(t, refused, 100*int(seeds), "no limit is reached")
	}
}

// TestFleetSharesLoseNothing: where nothing is lost, and nobody dies, what was not spent is
// counted no longer: what is admitted is what is counted, and a limit is used up to its end.
func TestFleetSharesLoseNothing(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	client := server.Client()
	defer client.Close()
	for seed := range uint64(6) {
		f := newFleet(t, client, seed, ratelimit.Fixed)
		f.rule.Limits = ratelimit.Limits{ratelimit.Day: 200, ratelimit.Year: 300}
		f.nodes, f.period = nil, time.Second
		for range f.swept {
			f.nodes = append(f.nodes, share.New(f.period))
		}
		f.now = time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)
		settle := func() {
			for range 3 { // nobody calls: each node gives all back
				for n := range f.nodes {
					f.sweep(n, false)
				}
				for len(f.steps) > 0 {
					f.step()
				}
				f.now = f.now.Add(2 * f.period)
			}
		}
		total := func() (n uint64) {
			for _, a := range f.admitted {
				n += a.cost
			}
			return n
		}
		counted := func() uint64 {
			rule := f.rule
			rule.Cost = 1000 // is never admitted, and tells what is counted
			a, err := answered(rule, f.run(f.allow, []string{f.key}, 15, "fixed", 0, rule.Cost, 0))
			require.NoError(t, err)
			return a.Values[ratelimit.Day]
		}
		for range 120 {
			f.call(f.random.IntN(len(f.nodes)), false)
			f.step()
			if f.random.IntN(10) == 0 {
				f.now = f.now.Add(f.period / 2)
				f.sweep(f.random.IntN(len(f.nodes)), false)
			}
		}
		settle()
		require.Equal(t, total(), counted(), "seed %d", seed)
		for total() < 200 && len(f.admitted) < 1000 {
			f.call(f.random.IntN(len(f.nodes)), false)
			settle()
		}
		require.GreaterOrEqual(t, total(), uint64(199), "a call that counts for two may find room for one") // cost 1 or 2
		require.LessOrEqual(t, total(), uint64(200))
	}
}

// TestFleetReturnOfALevel: what has drained since it was counted is not taken back.
func TestFleetReturnOfALevel(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	client := server.Client()
	defer client.Close()
	for _, row := range []struct {
		after time.Duration
		want  uint64 // calls in the level, after 30 others came and 10 were given back
	}{
		{after: 0, want: 31},                 // all ten, and neither the one nor the others
		{after: 4 * time.Second, want: 31},   // four of the 11 have drained, and of the ten six are left
		{after: 300 * time.Second, want: 30}, // all have drained: the others stay
	} {
		f := newFleet(t, client, uint64(row.after), ratelimit.GCRA)
		f.rule = ratelimit.Rule{Shape: ratelimit.GCRA, Limits: ratelimit.Limits{ratelimit.Minute: 60}, Burst: 100}
		ask := func(cost, more int) share.Answer {
			rule := f.rule
			rule.Cost = uint64(cost)
			a, err := answered(rule, f.run(f.allow, []string{f.key}, 15, "gcra", rule.Burst, cost, more))
			require.NoError(t, err)
			return a
		}
		a := ask(1, 10)
		require.EqualValues(t, 10, a.More)
		f.now = f.now.Add(row.after)
		require.True(t, ask(30, 0).Allowed)
		f.run(f.back, []string{f.key, f.key + "/r"}, 15, "gcra", 10, a.Now.Unix(), a.Now.Nanosecond()/1e6, strconv.FormatInt(a.Born, 10))
		a = ask(1000, 0)
		require.Equal(t, row.want, a.Values[ratelimit.Minute]/60_000, "after %v", row.after)
	}
}
