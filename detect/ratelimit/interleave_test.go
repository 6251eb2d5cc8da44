package ratelimit

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// between runs an operation of table, and another one at the n-th time that it reaches a
// step. It reports whether that step was reached.
func between(table *Table, at step, n int, other, operation func()) bool {
	reached := false
	table.step = func(s step) {
		if s != at || reached {
			return
		}
		if n--; n == 0 {
			reached = true
			other()
		}
	}
	operation()
	table.step = nil
	return reached
}

// slotsOf returns the slots that have an identifier's tag.
func slotsOf(table *Table, k Key) (found []int) {
	for s := range len(table.slots) / slotWords {
		if atomic.LoadUint64(table.key(s))>>16 == k.tag {
			found = append(found, s)
		}
	}
	return found
}

// TestAnotherComesBetween lets whole operations of another process happen at every step of
// an operation: the windows must hold exactly the calls that were admitted.
func TestAnotherComesBetween(t *testing.T) {
	now := at("2026-11-21 10:00:59")
	limits := Limits{Minute: 4, Hour: 5}
	others := []struct {
		name string
		run  func(table *Table) (calls []Result)
	}{
		{name: "the same client", run: func(table *Table) []Result {
			return []Result{allow(t, table, now, "who", limits), allow(t, table, now, "who", limits)}
		}},
		{name: "the same client in the next minute", run: func(table *Table) []Result {
			return []Result{allow(t, table, now.Add(time.Second), "who", limits)}
		}},
		{name: "the same client, until it is refused", run: func(table *Table) (calls []Result) {
			for range 6 {
				calls = append(calls, allow(t, table, now, "who", limits))
			}
			return calls
		}},
		{name: "a hundred other clients", run: func(table *Table) []Result {
			for n := range 100 {
				allow(t, table, now, fmt.Sprint(n), Limits{Second: 1})
			}
			return nil
		}},
	}
	for _, other := range others {
		for _, known := range []bool{false, true} {
			reached := 0
			for at := stepNone + 1; at < steps; at++ {
				for n := 1; n <= 2*Periods; n++ {
					first, second := twoMappings(t, Size(32))
					var calls []Result
					if known {
						calls = append(calls, allow(t, first, now, "who", limits))
					}
					if !between(first, at, n, func() { calls = append(calls, other.run(second)...) }, func() {
						r, err := first.Allow(now, first.Key("who"), Rule{Limits: limits}, first.Event("e"))
						require.NoError(t, err)
						first.Done(first.Event("e"))
						calls = append(calls, r)
					}) {
						continue
					}
					reached++
					admitted := uint64(0)
					for _, r := range calls {
						if r.Allowed {
							admitted++
						}
					}
					name := fmt.Sprintf("%s, known %v, step %d, time %d", other.name, known, at, n)
					last := allow(t, second, now, "who", Limits{Hour: 1 << 30})
					require.Equal(t, admitted+1, 1<<30-last.Windows[Hour].Remaining, name)
					require.LessOrEqual(t, admitted, limits[Hour], name)
					require.Len(t, slotsOf(second, second.Key("who")), 1, name)
					requireTidy(t, second)
				}
			}
			require.Greater(t, reached, 10)
		}
	}
}

// TestTwoCandidates makes two processes choose different slots for one new client: one has
// searched the bucket, then a slot in front becomes free, and the other takes that.
func TestTwoCandidates(t *testing.T) {
	now := at("2026-11-21 10:00:00")
	limits := Limits{Hour: 5}
	inFront, ran := 0, 0
	order := make([]int, bucketSlots)
	for n := range order {
		order[n] = n
	}
	for round := range 40 {
		who := fmt.Sprint("who", round)
		for _, dies := range []bool{false, true} {
			first, second := twoMappings(t, Size(32))
			k := first.Key(who)
			for n := 0; n < bucketSlots-1; n++ {
				allow(t, first, now, fmt.Sprint(n), Limits{Hour: 9}) // all places but one are taken
			}
			vacant := slices.IndexFunc(order, func(n int) bool { return slotAt(first, k, n) == 0 })
			if vacant <= 2 {
				continue
			}
			ran++
			freed := k.place(2)
			var calls []Result
			require.True(t, between(first, stepChosen, 1, func() {
				require.True(t, second.remove(freed, second.loadIntent(freed)))
				if dies {
					require.True(t, die(second, stepClaimed, 1, func() { _, _ = second.Allow(now, k, Rule{Limits: limits}, 0) }))
				} else {
					calls = append(calls, allow(t, second, now, who, limits))
				}
				require.Equal(t, []int{freed}, slotsOf(second, k))
			}, func() { calls = append(calls, allow(t, first, now, who, limits)) }))
			found := slotsOf(second, k)
			require.Len(t, found, 1, "round %d, dies %v", round, dies)
			if found[0] == freed {
				inFront++
			}
			r := allow(t, second, now, who, limits)
			require.Equal(t, uint64(len(calls)+1), r.Windows[Hour].Limit-r.Windows[Hour].Remaining)
			requireTidy(t, second)
		}
	}
	require.Greater(t, inFront, ran/2, "a dead candidate in front never won")
	require.Less(t, inFront, ran, "a dead candidate behind always won")
}

// slotAt returns the key word of the n-th place of an identifier.
func slotAt(table *Table, k Key, n int) uint64 { return atomic.LoadUint64(table.key(k.place(n))) }

// TestSlotChangesHands gives a slot to another client while it is being used.
func TestSlotChangesHands(t *testing.T) {
	now := at("2026-11-21 10:00:00")
	limits := Limits{Hour: 3}
	full := func(t *testing.T) (first, second *Table) {
		first, second = twoMappings(t, Size(32))
		for c := range bucketSlots - 1 {
			allow(t, first, now, fmt.Sprint(c), Limits{Hour: 9})
		}
		allow(t, first, now, "who", limits)
		return first, second
	}
	rows := []struct {
		name string
		at   step
		n    int
	}{
		{name: "when it has been found", at: stepChosen, n: 1},
		{name: "when one counter has been read", at: stepRead, n: 1},
		{name: "when the counters before the hour's have been read", at: stepRead, n: 2},
		{name: "when all counters have been read", at: stepRead, n: 6},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			first, second := full(t)
			require.True(t, between(first, row.at, row.n, func() {
				s := slotsOf(second, second.Key("who"))[0]
				require.True(t, second.remove(s, second.loadIntent(s)))
				for range 3 {
					require.True(t, allow(t, second, now, "another", limits).Allowed)
				}
				require.Equal(t, []int{s}, slotsOf(second, second.Key("another")))
			}, func() {
				r := allow(t, first, now, "who", limits)
				require.True(t, r.Allowed, "judged by another client's calls")
				require.Equal(t, uint64(2), r.Windows[Hour].Remaining)
			}))
		})
	}
	t.Run("while it is being emptied", func(t *testing.T) {
		first, second := full(t)
		s := slotsOf(first, first.Key("who"))[0]
		require.True(t, between(first, stepRemoved, 1, func() {
			second.bury(s, second.loadIntent(s))
			require.True(t, allow(t, second, now, "another", limits).Allowed)
			require.Equal(t, []int{s}, slotsOf(second, second.Key("another")))
		}, func() { first.remove(s, first.loadIntent(s)) }))
		require.Equal(t, uint64(1), allow(t, second, now, "another", limits).Windows[Hour].Remaining)
	})
}
