package share

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/ratelimit"
)

// center is the simplest there can be: one limit a minute, and a clock that is set.
type center struct {
	now     time.Time
	counted uint64
	limit   uint64
	trips   int
}

func (c *center) ask(cost, more uint64) Answer {
	c.trips++
	a := Answer{Now: c.now, Born: 1}
	if c.counted+cost <= c.limit {
		a.Allowed, a.More = true, min(more, (c.limit-c.counted-cost)/8)
		c.counted += cost + a.More
	}
	a.Values[ratelimit.Minute] = c.counted
	return a
}

// call lets a node decide a call.
func (c *center) call(h *Holder, now time.Time, rule ratelimit.Rule) ratelimit.Result {
	r, decided, more := h.Ask(now, "who", rule)
	if !decided {
		r = h.Told(now, "who", rule, more > 0, c.ask(max(1, rule.Cost), more))
	}
	return r
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// TestBusyCallerTakesFewTrips: trips grow with the logarithm of the calls at first, and later
// there is about one for each period.
func TestBusyCallerTakesFewTrips(t *testing.T) {
	c := &center{now: noon, limit: 1_000_000}
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Minute: c.limit}}
	h, node := New(time.Second), time.Unix(0, 0) // which thinks that it is 1970
	second := func() (trips int) {
		before := c.trips
		for range 1000 {
			require.True(t, c.call(h, node, rule).Allowed)
			c.now, node = c.now.Add(time.Millisecond), node.Add(time.Millisecond)
		}
		h.Sweep(node)
		return c.trips - before
	}
	require.LessOrEqual(t, second(), 12)
	for range 10 {
		require.LessOrEqual(t, second(), 3)
	}
	t.Logf("11 seconds of 1000 calls took %d trips", c.trips)
}

// TestRemaining: what callers are told is what the center had left and what is left here.
func TestRemaining(t *testing.T) {
	c := &center{now: noon.Add(17 * time.Second), limit: 100}
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Minute: c.limit}}
	h, node := New(time.Minute), time.Unix(0, 0)
	for n := range uint64(100) {
		r := c.call(h, node, rule)
		require.True(t, r.Allowed)
		require.Equal(t, 99-n, r.Windows[ratelimit.Minute].Remaining)
		require.Equal(t, 43-int64(n/10), r.Windows[ratelimit.Minute].Reset)
		if n%10 == 9 {
			c.now, node = c.now.Add(time.Second), node.Add(time.Second)
		}
	}
	r := c.call(h, node, rule)
	require.False(t, r.Allowed)
	require.Zero(t, r.Windows[ratelimit.Minute].Remaining)
	trips := c.trips
	node = node.Add(3 * time.Second)
	r = c.call(h, node, rule)
	require.False(t, r.Allowed)
	require.EqualValues(t, 30, r.Windows[ratelimit.Minute].Reset, "a refusal that is believed counts down")
	require.Equal(t, trips, c.trips)
}

// TestUnspentIsGivenBack: at the next sweep what is more than the last period took; what
// belongs to a window that has ended, at once; and everything at the end.
func TestUnspentIsGivenBack(t *testing.T) {
	c := &center{now: noon, limit: 1000}
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Minute: c.limit}}
	h, node := New(time.Second), time.Unix(0, 0)
	for range 15 {
		c.call(h, node, rule)
	}
	held := h.Held()
	require.Equal(t, c.counted-15, held)
	require.Positive(t, held)
	require.Empty(t, h.Sweep(node), "15 were spent since")
	back := h.Sweep(node.Add(time.Second))
	require.Len(t, back, 1)
	require.Equal(t, held, back[0].Calls)
	require.Equal(t, noon, back[0].Now)
	require.Empty(t, h.Sweep(node.Add(2*time.Second)), "each is given back once")
	require.Empty(t, h.callers, "idle callers are forgotten")

	for range 15 {
		c.call(h, node, rule)
	}
	require.Len(t, h.Close(), 1)
	require.Zero(t, h.Held())
	require.Empty(t, h.Close())
}

// TestShareEndsWithItsWindow, by the clock of the center, and counted from before the trip.
func TestShareEndsWithItsWindow(t *testing.T) {
	for _, row := range []struct {
		shape ratelimit.Shape
		after time.Duration
		here  bool
	}{
		{shape: ratelimit.Fixed, after: 1400 * time.Millisecond, here: true},
		{shape: ratelimit.Fixed, after: 1500 * time.Millisecond},
		{shape: ratelimit.Sliding, after: 1400 * time.Millisecond, here: true},
		{shape: ratelimit.Sliding, after: 1500 * time.Millisecond},
		{shape: ratelimit.GCRA, after: 9900 * time.Millisecond, here: true},
		{shape: ratelimit.GCRA, after: 10 * time.Second},
	} {
		h, node := New(10*time.Second), time.Unix(0, 0)
		rule := ratelimit.Rule{Shape: row.shape, Limits: ratelimit.Limits{ratelimit.Minute: 1000}}
		h.Ask(node, "who", rule)
		h.Told(node, "who", rule, true, Answer{Allowed: true, More: 5, Born: 1, Now: noon.Add(58*time.Second + 500*time.Millisecond)})
		_, decided, _ := h.Ask(node.Add(row.after), "who", rule)
		require.Equal(t, row.here, decided, "%v after %v", row.shape, row.after)
	}
}

// TestForgetfulCenter: what a center has counted and forgotten is not spent.
func TestForgetfulCenter(t *testing.T) {
	h, node := New(time.Second), time.Unix(0, 0)
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Minute: 1000}}
	told := func(born int64, more uint64) {
		h.Told(node, "who", rule, more > 0, Answer{Allowed: true, More: more, Born: born, Now: noon})
	}
	h.Ask(node, "who", rule)
	told(1, 5)
	require.EqualValues(t, 5, h.Held())
	told(2, 3)
	require.EqualValues(t, 3, h.Held(), "those of the second birth")
	told(1, 5)
	require.EqualValues(t, 3, h.Held(), "a late answer of the first")
}

// TestMemoryIsBounded: callers beyond MaxCallers are left to the center.
func TestMemoryIsBounded(t *testing.T) {
	h := New(time.Second)
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Minute: 1000}}
	for n := range MaxCallers + 10 {
		key := string([]byte{byte(n), byte(n >> 8), byte(n >> 16)})
		_, decided, more := h.Ask(noon, key, rule)
		require.False(t, decided)
		h.Told(noon, key, rule, more > 0, Answer{Allowed: true, Now: noon, Born: 1})
	}
	require.Len(t, h.callers, MaxCallers)
	h.Sweep(noon)
	h.Sweep(noon.Add(time.Second))
	require.Empty(t, h.callers)
}
