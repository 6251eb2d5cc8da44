package ratelimit

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// twin is the slow twin of the shapes: fractions, and a map of what each caller did.
type twin struct {
	tat   map[string]*big.Rat // GCRA: when the caller would be even again, in milliseconds
	count map[string]int64    // Sliding: calls by caller and window
}

func (w *twin) allow(now int64, who string, rule *Rule) bool {
	tats, cost := [Periods]*big.Rat{}, int64(rule.Cost)
	for p, limit := range rule.Limits {
		if limit == 0 {
			continue
		}
		length := int64(spans[p]) * 1000
		key := fmt.Sprint(who, "|", p)
		if rule.Shape == Sliding {
			n, into := now/length, now%length
			// before * left / length + current <= limit - cost
			sum := big.NewRat(w.count[fmt.Sprint(key, "|", n-1)]*(length-into), length)
			sum.Add(sum, big.NewRat(w.count[fmt.Sprint(key, "|", n)], 1))
			if sum.Cmp(big.NewRat(int64(limit)-cost, 1)) > 0 {
				return false
			}
			continue
		}
		each := big.NewRat(length, int64(limit))
		tat := big.NewRat(now, 1)
		if last := w.tat[key]; last != nil && last.Cmp(tat) > 0 {
			tat.Set(last)
		}
		tat.Add(tat, new(big.Rat).Mul(each, big.NewRat(cost, 1)))
		ahead := new(big.Rat).Sub(tat, big.NewRat(now, 1))
		if ahead.Cmp(new(big.Rat).Mul(each, big.NewRat(int64(rule.burst(Period(p))), 1))) > 0 {
			return false
		}
		tats[p] = tat
	}
	for p, limit := range rule.Limits {
		key := fmt.Sprint(who, "|", p)
		switch {
		case limit == 0:
		case rule.Shape == Sliding:
			w.count[fmt.Sprint(key, "|", now/(int64(spans[p])*1000))] += cost
		default:
			w.tat[key] = tats[p]
		}
	}
	return true
}

// TestShapesAgainstSlowTwin: not one call is decided otherwise than by fractions. The times
// are multiples of all ticks, so that the twin needs none.
func TestShapesAgainstSlowTwin(t *testing.T) {
	steps := []time.Duration{time.Millisecond, 70 * time.Millisecond, time.Second, time.Minute, time.Hour}
	admitted, refused := 0, 0
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 3))
		rule := Rule{Shape: Sliding + Shape(seed%2)}
		if rule.Shape == GCRA && seed%3 > 0 {
			rule.Burst = 1 + random.Uint64N(6)
		}
		// The longest period with a limit decides how fine times may be.
		longest := Period(random.IntN(Periods))
		rule.Limits[longest] = 1 + random.Uint64N(9)
		for p := range longest {
			if random.IntN(2) == 0 {
				rule.Limits[p] = 1 + random.Uint64N(9)
			}
		}
		grain := time.Duration(ticks[longest]) * time.Millisecond
		table, slow := New(200, secret), twin{tat: map[string]*big.Rat{}, count: map[string]int64{}}
		now := at("2027-12-31 23:50:00")
		for n := range 1500 {
			step := max(steps[random.IntN(len(steps))], grain)
			if n%3 > 0 {
				now = now.Add(time.Duration(random.Int64N(int64(2 * step))).Truncate(grain))
			}
			who := fmt.Sprint(random.IntN(2))
			rule.Cost = 1
			if seed%5 == 0 {
				rule.Cost = 1 + random.Uint64N(4)
			}
			r, err := table.Allow(now, table.Key(who), rule, 0)
			require.NoError(t, err)
			require.Equal(t, slow.allow(now.UnixMilli(), who, &rule), r.Allowed, "seed %d, call %d of %+v at %v", seed, n, rule, now)
			if r.Allowed {
				admitted++
			} else {
				refused++
			}
		}
	}
	require.Greater(t, min(admitted, refused), 10_000)
}

// TestGCRA: a burst at once, then evenly; and what the caller is told is what comes.
func TestGCRA(t *testing.T) {
	rule := Rule{Shape: GCRA, Limits: Limits{Minute: 30}, Burst: 3}
	table := New(10, secret)
	now := at("2026-11-21 10:00:00").Add(250 * time.Millisecond)
	ask := func() Result {
		r, err := table.Allow(now, table.Key("k"), rule, 0)
		require.NoError(t, err)
		return r
	}
	for left := uint64(2); ; left-- {
		r := ask()
		require.True(t, r.Allowed)
		require.Equal(t, Window{Limit: 30, Remaining: left, Reset: int64(2 * (3 - left))}, r.Windows[Minute])
		if left == 0 {
			break
		}
	}
	r := ask()
	require.False(t, r.Allowed)
	require.EqualValues(t, 2, r.Windows[Minute].Reset, "one call every two seconds")
	now = now.Add(1999 * time.Millisecond)
	require.False(t, ask().Allowed)
	now = now.Add(time.Millisecond)
	require.True(t, ask().Allowed)
	require.False(t, ask().Allowed)
	now = now.Add(time.Hour)
	for range 3 {
		require.True(t, ask().Allowed, "no more than the burst is saved up")
	}
	require.False(t, ask().Allowed)
}

// TestSlidingHasNoEdge: where fixed windows admit twice the limit around the turn of a
// minute, sliding ones do not.
func TestSlidingHasNoEdge(t *testing.T) {
	for shape, want := range map[Shape]int{Fixed: 20, Sliding: 10} {
		table, admitted := New(10, secret), 0
		for _, now := range []time.Time{at("2026-11-21 10:00:59"), at("2026-11-21 10:01:00")} {
			for range 15 {
				r, err := table.Allow(now, table.Key("k"), Rule{Shape: shape, Limits: Limits{Minute: 10}}, 0)
				require.NoError(t, err)
				if r.Allowed {
					admitted++
				}
			}
		}
		require.Equal(t, want, admitted, shape)
	}
}

// TestShapedLimitsFitTheCounters: the highest limits are counted exactly, and the burst of
// the longest period does not run over.
func TestShapedLimitsFitTheCounters(t *testing.T) {
	for p := Period(0); p < Periods; p++ {
		rule := Rule{Shape: GCRA, Burst: MaxShaped}
		rule.Limits[p] = MaxShaped
		m := moment{second: 1<<32 - 1, milli: 999}
		full := (MaxShaped - 1) * (&Rule{}).unit(p) // room for one more
		r := rule.read(p, full+rule.Limits[p]*(m.tick(p)-moment{second: m.second}.tick(p)), m.second, false, m)
		require.False(t, r.full)
		require.LessOrEqual(t, r.next, uint64(maxCount), "%v", p)
		require.True(t, rule.read(p, r.next, m.second, false, m).full)
	}
}
