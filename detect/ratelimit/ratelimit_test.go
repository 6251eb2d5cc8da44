package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var secret = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

func allow(t testing.TB, table *Table, now time.Time, who string, limits Limits) Result {
	t.Helper()
	r, err := table.Allow(now, table.Key(who), Rule{Limits: limits}, 0)
	require.NoError(t, err)
	return r
}

// TestAsKong walks through what Kong's own plugin answered (policy local, Kong 3.9.1).
func TestAsKong(t *testing.T) {
	type call struct {
		note      string
		at        string
		who       string
		limits    Limits
		allowed   bool
		decisive  Period
		remaining [Periods]uint64
		reset     int64 // of the decisive window
	}
	two := Limits{Minute: 3, Hour: 4}
	rows := []struct {
		name  string
		calls []call
	}{
		{name: "one limit", calls: []call{
			{at: "2026-11-21 10:00:03", limits: Limits{Minute: 2}, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 1}, reset: 57},
			{at: "2026-11-21 10:00:03", limits: Limits{Minute: 2}, allowed: true, decisive: Minute, reset: 57},
			{note: "used up", at: "2026-11-21 10:00:03", limits: Limits{Minute: 2}, decisive: Minute, reset: 57},
			{note: "still", at: "2026-11-21 10:00:59", limits: Limits{Minute: 2}, decisive: Minute, reset: 1},
			{note: "the next minute", at: "2026-11-21 10:01:00", limits: Limits{Minute: 2}, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 1}, reset: 60},
		}},
		{name: "two limits, the headers of the one with less remaining", calls: []call{
			{at: "2026-11-21 10:00:04", limits: two, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 2, Hour: 3}, reset: 56},
			{at: "2026-11-21 10:00:04", limits: two, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 1, Hour: 2}, reset: 56},
			{at: "2026-11-21 10:00:04", limits: two, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 0, Hour: 1}, reset: 56},
			{note: "a refusal counts nothing, in the hour neither", at: "2026-11-21 10:00:04", limits: two, decisive: Minute, remaining: [6]uint64{Hour: 1}, reset: 56},
			{at: "2026-11-21 10:00:05", limits: two, decisive: Minute, remaining: [6]uint64{Hour: 1}, reset: 55},
			{note: "another address has its own count", at: "2026-11-21 10:00:05", who: "other", limits: two, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 2, Hour: 3}, reset: 55},
			{note: "the fourth and last of the hour", at: "2026-11-21 10:01:00", limits: two, allowed: true, decisive: Hour, remaining: [6]uint64{Minute: 2}, reset: 3540},
			{note: "the hour is used up, the minute untouched", at: "2026-11-21 10:01:01", limits: two, decisive: Hour, remaining: [6]uint64{Minute: 2}, reset: 3539},
			{note: "and the minute after", at: "2026-11-21 10:02:01", limits: two, decisive: Hour, remaining: [6]uint64{Minute: 3}, reset: 3479},
		}},
		{name: "of equals the longer window", calls: []call{
			{at: "2026-11-21 10:00:00", limits: Limits{Second: 1, Day: 1}, allowed: true, decisive: Day, reset: 50400},
			{at: "2026-11-21 10:00:00", limits: Limits{Second: 1, Day: 1}, decisive: Day, reset: 50400},
			{at: "2026-11-22 00:00:00", limits: Limits{Second: 1, Day: 1}, allowed: true, decisive: Day, reset: 86400},
		}},
		{name: "months and years end where the calendar says", calls: []call{
			{at: "2028-02-28 23:59:59", limits: Limits{Month: 1}, allowed: true, decisive: Month, reset: 86401},
			{note: "29 February", at: "2028-02-29 23:59:59", limits: Limits{Month: 1}, decisive: Month, reset: 1},
			{at: "2028-03-01 00:00:00", limits: Limits{Month: 1}, allowed: true, decisive: Month, reset: 31 * 86400},
			{at: "2028-12-31 23:59:59", who: "y", limits: Limits{Year: 1}, allowed: true, decisive: Year, reset: 1},
			{at: "2029-01-01 00:00:00", who: "y", limits: Limits{Year: 1}, allowed: true, decisive: Year, reset: 365 * 86400},
			{note: "the same month of another year", at: "2029-03-01 00:00:00", limits: Limits{Month: 1}, allowed: true, decisive: Month, reset: 31 * 86400},
		}},
		{name: "a limit that is taken away and comes back keeps its count", calls: []call{
			{at: "2026-11-21 10:00:00", limits: two, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 2, Hour: 3}, reset: 60},
			{at: "2026-11-21 10:00:00", limits: Limits{Minute: 3}, allowed: true, decisive: Minute, remaining: [6]uint64{Minute: 1}, reset: 60},
			{at: "2026-11-21 10:01:00", limits: two, allowed: true, decisive: Hour, remaining: [6]uint64{Minute: 2, Hour: 2}, reset: 3540},
			{note: "a limit that was lowered below the count", at: "2026-11-21 10:01:00", limits: Limits{Hour: 1}, decisive: Hour, reset: 3540},
		}},
		{name: "clocks", calls: []call{
			{at: "2026-11-21 10:00:00", limits: Limits{Minute: 1}, allowed: true, decisive: Minute, reset: 60},
			{note: "a straggler counts in the window of the last call", at: "2026-11-21 09:59:59", limits: Limits{Minute: 1}, decisive: Minute, reset: 60},
			{note: "a clock set back begins new windows", at: "2026-11-21 08:00:00", limits: Limits{Minute: 1}, allowed: true, decisive: Minute, reset: 60},
			{at: "2026-11-21 08:00:00", limits: Limits{Minute: 1}, decisive: Minute, reset: 60},
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			table := New(100, secret)
			for i, c := range row.calls {
				r := allow(t, table, at(c.at), c.who, c.limits)
				var remaining [Periods]uint64
				for p := range remaining {
					remaining[p] = r.Windows[p].Remaining
					require.Equal(t, c.limits[p], r.Windows[p].Limit)
				}
				if r.Allowed != c.allowed || r.Decisive != c.decisive || remaining != c.remaining || r.Windows[r.Decisive].Reset != c.reset {
					t.Errorf("call %d (%s): got %+v, want %+v", i+1, c.note, r, c)
				}
			}
		})
	}
}

func TestNoLimits(t *testing.T) {
	table := New(10, secret)
	r := allow(t, table, at("2026-11-21 10:00:00"), "x", Limits{})
	require.Equal(t, Result{Allowed: true}, r)
	require.Zero(t, table.Tracked())
}

// model is the slow twin: windows by name in a map, as the definition says.
type model map[string]uint64

func (m model) allow(now time.Time, who string, limits Limits) bool {
	layouts := [Periods]string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02", "2006-01", "2006"}
	name := func(p int) string {
		return fmt.Sprint(who, "|", Period(p), "|", now.UTC().Format(layouts[p]))
	}
	for p, limit := range limits {
		if limit > 0 && m[name(p)] >= limit {
			return false
		}
	}
	for p, limit := range limits {
		if limit > 0 {
			m[name(p)]++
		}
	}
	return true
}

func TestAgainstSlowTwin(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		table, twin := New(200, secret), model{}
		now := at("2027-12-31 23:50:00").Add(time.Duration(r.IntN(600)) * time.Second)
		masks := []Limits{{Second: 2}, {Minute: 5, Hour: 20}, {Second: 1, Minute: 4, Hour: 10, Day: 30, Month: 40, Year: 50}}
		for n := range 2000 {
			now = now.Add(time.Duration(r.ExpFloat64()*float64([]time.Duration{time.Second, time.Minute, time.Hour}[n%97%3])) / 4)
			who := fmt.Sprint(r.IntN(5))
			limits := masks[r.IntN(len(masks))]
			if n%3 > 0 {
				limits = masks[int(seed)%len(masks)] // mostly the same, as in life
			}
			if got, want := allow(t, table, now, who, limits).Allowed, twin.allow(now, who, limits); got != want {
				t.Fatalf("seed %d, call %d at %v: got %v, want %v", seed, n, now, got, want)
			}
		}
	}
}

// FuzzWindows: the calendar arithmetic agrees with package time.
func FuzzWindows(f *testing.F) {
	f.Add(uint32(0), uint32(1))                   // the beginning
	f.Add(uint32(1709164799), uint32(1709251199)) // around 29 February 2024
	f.Add(uint32(1<<32-1), uint32(1<<32-86400))   // the end
	f.Add(uint32(4107542399), uint32(4107542400)) // 2100 is no leap year
	layouts := [Periods]string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02", "2006-01", "2006"}
	f.Fuzz(func(t *testing.T, a, b uint32) {
		x, y := time.Unix(int64(a), 0).UTC(), time.Unix(int64(b), 0).UTC()
		over := ended(a, b)
		for p, layout := range layouts {
			if differ := x.Format(layout) != y.Format(layout); differ != (p < over) {
				t.Errorf("%v, %v: %d periods ended, but %v differs: %v", x, y, over, Period(p), differ)
			}
			last := time.Unix(end(Period(p), a)-1, 0).UTC()
			next := time.Unix(end(Period(p), a), 0).UTC()
			if last.Format(layout) != x.Format(layout) || next.Format(layout) == x.Format(layout) {
				t.Errorf("%v: the %v does not end at %v", x, Period(p), next)
			}
		}
	})
}

// TestExactUnderConcurrency: a limit of N admits exactly N, whoever asks.
func TestExactUnderConcurrency(t *testing.T) {
	rows := []struct {
		name    string
		limits  Limits
		workers int
		clients int
		want    int64
	}{
		{name: "one client, one limit", limits: Limits{Minute: 1000}, workers: 64, clients: 1, want: 1000},
		{name: "one client, all limits", limits: Limits{3000, 2000, 1000, 900, 800, 700}, workers: 32, clients: 1, want: 700},
		{name: "many clients", limits: Limits{Minute: 7, Hour: 5}, workers: 32, clients: 50, want: 250},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			memory := make([]byte, Size(100))
			var admitted atomic.Int64
			var wg sync.WaitGroup
			for w := range row.workers {
				wg.Go(func() {
					table, err := Open(memory, secret) // each its own, as processes have
					if err != nil {
						t.Error(err)
						return
					}
					now := at("2026-11-21 10:00:00")
					for n := range 3000 {
						who := fmt.Sprint((n + w) % row.clients)
						var e Event
						if n%2 == 0 {
							e = table.Event("event", fmt.Sprint(w, "/", n))
						}
						r, err := table.Allow(now, table.Key(who), Rule{Limits: row.limits}, e)
						if err != nil {
							t.Error(err)
							return
						}
						if r.Allowed {
							admitted.Add(1)
							table.Done(e)
						}
					}
				})
			}
			wg.Wait()
			require.Equal(t, row.want, admitted.Load())
			table, err := Open(memory, secret)
			require.NoError(t, err)
			require.Equal(t, row.clients, table.Tracked())
			require.Zero(t, table.Stats().Evicted)
			requireTidy(t, table)
		})
	}
}

// requireTidy asks that nothing is left half done, or taken.
func requireTidy(t *testing.T, table *Table) {
	t.Helper()
	for c := range Events {
		if k := table.loadState(c).kind(); k != vacant {
			t.Fatalf("cell %d is left in state %d", c, k)
		}
	}
	for s := range len(table.slots) / slotWords {
		if k := table.loadIntent(s).kind(); k != free && k != atRest {
			t.Fatalf("slot %d is left with intent %d", s, k)
		}
	}
}

func TestEviction(t *testing.T) {
	table := New(32, secret) // one bucket of 64 slots
	now := at("2026-11-21 10:00:30")
	for n := range 64 {
		limits := Limits{Hour: 5}
		if n < 3 {
			limits = Limits{Minute: 5}
		}
		require.True(t, allow(t, table, now, fmt.Sprint(n), limits).Allowed)
	}
	require.Equal(t, 64, table.Tracked())
	require.Zero(t, table.Stats().Evicted)

	t.Run("the windows that end soonest go first", func(t *testing.T) {
		require.True(t, allow(t, table, now, "new", Limits{Hour: 5}).Allowed)
		require.Equal(t, uint64(1), table.Stats().Evicted)
		for n := 3; n < 64; n++ {
			r := allow(t, table, now, fmt.Sprint(n), Limits{Hour: 5})
			require.Equal(t, uint64(3), r.Windows[Hour].Remaining, "client %d was dropped", n)
		}
	})
	t.Run("windows that have ended are dropped before any other, and not counted", func(t *testing.T) {
		later := now.Add(time.Minute)
		for n := range 2 {
			require.True(t, allow(t, table, later, fmt.Sprint("later", n), Limits{Hour: 5}).Allowed)
		}
		require.Equal(t, uint64(1), table.Stats().Evicted)
		require.Equal(t, uint64(3), allow(t, table, later, "new", Limits{Hour: 5}).Windows[Hour].Remaining, "its count was kept")
	})
	t.Run("a flood of clients drops others, and the table stays whole", func(t *testing.T) {
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for n := range 500 {
					if _, err := table.Allow(now, table.Key("flood", fmt.Sprint(w, n)), Rule{Limits: Limits{Hour: 1}}, 0); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.LessOrEqual(t, table.Tracked(), 64)
		require.Greater(t, table.Stats().Evicted, uint64(3900))
		requireTidy(t, table)
	})
}

// TestOneSlotForEachClient: while a flood turns a full bucket over and over, clients that are
// new to it get one slot each, or else two of them would admit twice the limit.
func TestOneSlotForEachClient(t *testing.T) {
	const workers, calls, limit = 8, 8, 20
	now := at("2026-11-21 10:00:00")
	for round := range 200 {
		table := New(32, secret)
		for n := range bucketSlots {
			allow(t, table, now, fmt.Sprint("before", n), Limits{Second: 1})
		}
		var admitted atomic.Int64
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for n := range calls {
					if _, err := table.Allow(now, table.Key("flood", fmt.Sprint(w, n)), Rule{Limits: Limits{Second: 1}}, 0); err != nil {
						t.Error(err)
					}
					if r, err := table.Allow(now, table.Key("client"), Rule{Limits: Limits{Hour: limit}}, 0); err != nil {
						t.Error(err)
					} else if r.Allowed {
						admitted.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if admitted.Load() != limit {
			t.Fatalf("round %d: %d of %d calls were admitted", round, admitted.Load(), limit)
		}
		requireTidy(t, table)
	}
}

// TestHoldsItsClients shows that a table holds the clients that it was made for, and how
// much memory a million of them takes.
func TestHoldsItsClients(t *testing.T) {
	if size := Size(1_000_000); size > 130<<20 {
		t.Errorf("a million clients take %d bytes", size)
	}
	const clients = 200_000
	table := New(clients, secret)
	now := at("2026-11-21 10:00:00")
	for n := range clients {
		if r, err := table.Allow(now, table.Key(fmt.Sprint(n)), Rule{Limits: Limits{Hour: 1}}, 0); err != nil || !r.Allowed {
			t.Fatal(n, r, err)
		}
	}
	require.Equal(t, clients, table.Tracked())
	require.Zero(t, table.Stats().Evicted)
	require.Equal(t, clients, table.Stats().Clients)
}

func TestKeys(t *testing.T) {
	table := New(1000, secret)
	require.NotEqual(t, table.Key("a", "bc"), table.Key("ab", "c"))
	require.NotEqual(t, table.Event("a", "bc"), table.Event("ab", "c"))
	require.Equal(t, table.Key("a"), table.Key("a"))
	require.NotEqual(t, table.Key("a"), New(1000, [16]byte{9}).Key("a"))
	other := New(100_000, secret).Key("a")
	_, err := table.Allow(at("2026-11-21 10:00:00"), other, Rule{Limits: Limits{Day: 1}}, 0)
	require.NoError(t, err, "a key of another table is wrong, but harmless")
}

func TestAllowDoesNotAllocate(t *testing.T) {
	table := New(1000, secret)
	now, n := at("2026-11-21 10:00:00"), 0
	if allocs := testing.AllocsPerRun(1000, func() {
		n++
		e := table.Event("request", "0123456789abcdef0123456789abcdef")
		if _, err := table.Allow(now.Add(time.Duration(n)*time.Millisecond), table.Key("plugin", "route", "203.0.113.7"), Rule{Limits: Limits{Second: 100, Month: 100000}}, e); err != nil {
			t.Fatal(err)
		}
		table.Done(e)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
