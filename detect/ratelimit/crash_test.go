package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// die runs f in a goroutine that ends at the n-th time the table reaches a step, as a
// process does that is killed there: nothing after it is run. It reports whether f died.
func die(table *Table, at step, n int, f func()) bool {
	table.step = func(s step) {
		if s != at {
			return
		}
		if n--; n == 0 {
			runtime.Goexit()
		}
	}
	defer func() { table.step = nil }()
	died := true
	var wg sync.WaitGroup
	wg.Go(func() {
		f()
		died = false
	})
	wg.Wait()
	return died
}

// TestDeathAtEveryStep kills an operation at each step and lets another process, with its
// own mapping of the memory, go on: by repeating the event, and by serving another one.
func TestDeathAtEveryStep(t *testing.T) {
	now := at("2026-11-21 10:01:30")
	limits := Limits{Minute: 10, Hour: 20}
	rows := []struct {
		name    string
		prepare func(t *testing.T, table *Table)
		counted [Periods]uint64 // before, in the windows of now
	}{
		{name: "a new client", prepare: func(*testing.T, *Table) {}},
		{name: "a client in mid-window", prepare: func(t *testing.T, table *Table) {
			allow(t, table, now, "who", limits)
		}, counted: [Periods]uint64{Minute: 1, Hour: 1}},
		{name: "a client whose minute has ended", prepare: func(t *testing.T, table *Table) {
			allow(t, table, now.Add(-time.Minute), "who", Limits{Second: 5, Minute: 10, Hour: 20})
		}, counted: [Periods]uint64{Hour: 1}},
		{name: "a new client and no room", prepare: func(t *testing.T, table *Table) {
			for n := range bucketSlots {
				allow(t, table, now, fmt.Sprint(n), Limits{Hour: 1})
			}
		}},
	}
	reached := map[step]bool{}
	for _, row := range rows {
		for at := stepNone + 1; at < steps; at++ {
			for n := 1; n <= 2*Periods; n++ {
				for _, repeat := range []bool{true, false} {
					first, second := twoMappings(t, Size(32))
					row.prepare(t, first)
					event := first.Event("the event")
					if !die(first, at, n, func() { _, _ = first.Allow(now, first.Key("who"), Rule{Limits: limits}, event) }) {
						continue
					}
					reached[at] = true
					name := fmt.Sprintf("%s, step %d, time %d, repeated %v", row.name, at, n, repeat)
					decided := at == stepDecided || at == stepApplying || at == stepCounter || at == stepMarked || at == stepAtRest

					next := second.Event("another event")
					if repeat {
						next = event
					}
					r, err := second.Allow(now, second.Key("who"), Rule{Limits: limits}, next)
					require.NoError(t, err, name)
					require.True(t, r.Allowed, name)
					require.Equal(t, repeat && decided, r.Repeated, name)
					want := uint64(1)
					if decided && !repeat {
						want = 2
					}
					for p, w := range r.Windows {
						if limits[p] > 0 {
							require.Equal(t, row.counted[p]+want, w.Limit-w.Remaining, "%s: %v", name, Period(p))
						}
					}
					// And again, as a second crash would have it: counted once for good.
					r, err = second.Allow(now, second.Key("who"), Rule{Limits: limits}, next)
					require.NoError(t, err, name)
					require.True(t, r.Allowed && r.Repeated, name)
					second.Done(next)
					r, err = second.Allow(now, second.Key("who"), Rule{Limits: limits}, 0)
					require.NoError(t, err, name)
					require.False(t, r.Repeated, name)
					require.Equal(t, row.counted[Hour]+want+1, 20-r.Windows[Hour].Remaining, name)
				}
			}
		}
	}
	for at := stepNone + 1; at < steps; at++ {
		if !reached[at] {
			t.Errorf("nothing died at step %d: the test does not test it", at)
		}
	}
}

// TestDeathsUnderLoad kills operations at random while others go on. Every event is repeated
// until it is answered; a limit of N must then have admitted exactly N events.
func TestDeathsUnderLoad(t *testing.T) {
	for _, rule := range []Rule{
		{Limits: Limits{Minute: 2900, Hour: 2800, Day: 2800}},
		{Limits: Limits{Minute: 2900, Hour: 2800, Day: 2800}, Shape: Sliding},
		{Limits: Limits{Minute: 2900, Hour: 5}, Shape: GCRA, Burst: 2800},
	} {
		t.Run(rule.Shape.String(), func(t *testing.T) { deathsUnderLoad(t, rule) })
	}
}

func deathsUnderLoad(t *testing.T, rule Rule) {
	const workers, events = 8, 500
	first, second := twoMappings(t, Size(1000))
	now := at("2026-11-21 10:00:00")
	var admitted, deaths, repeated atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 2))
			for n := range events {
				mapping := first
				if n%2 == 0 {
					mapping = second
				}
				for done := false; !done; {
					process := *mapping // a process of its own over the same memory
					e := process.Event(fmt.Sprint(w, "/", n))
					if die(&process, step(1+random.IntN(int(steps)-1)), 1+random.IntN(4), func() {
						r, err := process.Allow(now, process.Key("who"), rule, e)
						if err != nil {
							t.Error(err)
						}
						if r.Allowed {
							admitted.Add(1)
						}
						if r.Repeated {
							repeated.Add(1)
						}
						process.step = nil
						process.Done(e)
						done = true
					}) {
						deaths.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(2800), admitted.Load())
	require.Greater(t, deaths.Load(), int64(500), "too few deaths to show anything")
	require.Greater(t, repeated.Load(), int64(100))
	require.Equal(t, repeated.Load(), int64(first.Stats().Repeated))
	r, err := first.Allow(now, first.Key("who"), rule, 0)
	require.NoError(t, err)
	require.False(t, r.Allowed)
	if rule.Shape != GCRA {
		require.Equal(t, uint64(100), r.Windows[Minute].Remaining)
	}
	t.Logf("%d deaths, %d events found counted", deaths.Load(), repeated.Load())
}

func TestEventIsForgottenInTheEnd(t *testing.T) {
	table := New(100, secret)
	now := at("2026-11-21 10:00:00")
	e := table.Event("e")
	for i, row := range []struct {
		after    time.Duration
		repeated bool
	}{{0, false}, {time.Second, true}, {2 * time.Minute, true}, {2*time.Minute + time.Second, false}} {
		r, err := table.Allow(now.Add(row.after), table.Key("k"), Rule{Limits: Limits{Hour: 10}}, e)
		require.NoError(t, err)
		require.Equal(t, row.repeated, r.Repeated, "call %d", i)
	}
}

func TestJournalOverflow(t *testing.T) {
	table := New(100, secret)
	now := at("2026-11-21 10:00:00")
	// 65 events that all belong to the same 64 cells, none answered.
	for n := range journalWindow + 1 {
		r, err := table.Allow(now.Add(time.Duration(n)*time.Millisecond), table.Key("k"), Rule{Limits: Limits{Hour: 1000}}, Event(1+n*Events))
		require.NoError(t, err)
		require.True(t, r.Allowed)
	}
	require.Equal(t, uint64(1), table.Stats().Forgotten)
	r, err := table.Allow(now, table.Key("k"), Rule{Limits: Limits{Hour: 1000}}, Event(1+journalWindow*Events))
	require.NoError(t, err)
	require.True(t, r.Repeated, "the newest is remembered")
	require.Equal(t, uint64(1000-journalWindow-1), r.Windows[Hour].Remaining)
}

func TestOpenRefuses(t *testing.T) {
	_, err := Open(make([]byte, 100), secret)
	require.ErrorContains(t, err, "100 bytes are too few")

	memory := make([]byte, Size(100)+8)
	start := int(8-uintptr(unsafe.Pointer(&memory[0]))%8) % 8
	_, err = Open(memory[start+1:], secret)
	require.ErrorContains(t, err, "does not begin at a multiple of 8")

	memory = make([]byte, Size(100))
	memory[3] = 7
	_, err = Open(memory, secret)
	require.ErrorIs(t, err, ErrLayout)

	memory = make([]byte, Size(1000))
	_, err = Open(memory, secret)
	require.NoError(t, err)
	_, err = Open(memory[:Size(100)], secret)
	require.ErrorIs(t, err, ErrLayout, "the same memory with another size")
}

func TestOpenKeepsTheFirstSecret(t *testing.T) {
	memory := make([]byte, Size(100))
	first, err := Open(memory, secret)
	require.NoError(t, err)
	second, err := Open(memory, [16]byte{42})
	require.NoError(t, err)
	require.Equal(t, first.Key("x"), second.Key("x"))
	zero, err := Open(make([]byte, Size(100)), [16]byte{})
	require.NoError(t, err)
	require.NotPanics(t, func() { zero.Key("x") })
}

// FuzzDamagedMemory: whatever the memory holds, Allow returns.
func FuzzDamagedMemory(f *testing.F) {
	f.Add(uint64(1), uint16(2000)) // a little damage
	f.Add(uint64(2), uint16(60000))
	f.Fuzz(func(t *testing.T, seed uint64, damage uint16) {
		table := New(32, secret)
		random := rand.New(rand.NewPCG(seed, 3))
		now := at("2026-11-21 10:00:00")
		keys := []Key{table.Key("a"), table.Key("b"), table.Key("c")}
		for range int(damage) / 50 {
			words := table.cells
			if random.IntN(3) > 0 {
				words = table.slots
			}
			word := &words[random.IntN(len(words))]
			switch random.IntN(4) {
			case 0:
				*word = random.Uint64()
			case 1:
				*word ^= 1 << random.IntN(64)
			case 2:
				*word = uint64(newIntent(random.IntN(4), random.Uint64(), random.Uint32()%Events))
			case 3:
				*word = keys[random.IntN(3)].tag<<16 | random.Uint64()&0xffff
			}
			k := keys[random.IntN(3)]
			e := Event(random.Uint64() % 3)
			if r, err := table.Allow(now, k, Rule{Limits: Limits{Minute: 5, Year: 100}}, e); err != nil && r.Allowed {
				t.Error("an error that allows")
			}
			table.Done(e)
		}
	})
}
