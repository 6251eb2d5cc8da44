package ratelimit

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func BenchmarkAllow(b *testing.B) {
	rows := []struct {
		name    string
		clients int
		limits  Limits
		event   bool
	}{
		{name: "one-client", clients: 1, limits: Limits{Minute: 1 << 39}},
		{name: "one-client-event", clients: 1, limits: Limits{Minute: 1 << 39}, event: true},
		{name: "one-client-refused", clients: 1, limits: Limits{Year: 1}},
		{name: "million-clients-six-limits-event", clients: 1 << 20, limits: Limits{1 << 39, 1 << 39, 1 << 39, 1 << 39, 1 << 39, 1 << 39}, event: true},
	}
	for _, row := range rows {
		table := New(row.clients, secret)
		keys := make([]Key, row.clients)
		for i := range keys {
			keys[i] = table.Key("plugin", "route", fmt.Sprint(i))
		}
		now := at("2026-11-21 10:00:00")
		for _, k := range keys { // the slots are there
			if _, err := table.Allow(now, k, Rule{Limits: Limits{Year: 1 << 39}}, 0); err != nil {
				b.Fatal(err)
			}
		}
		if n := table.Stats().Evicted; n > 0 {
			b.Errorf("%d clients were dropped", n)
		}
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			var workers atomic.Uint64
			b.RunParallel(func(pb *testing.PB) {
				n := workers.Add(1) << 40
				for pb.Next() {
					n++
					var e Event
					if row.event {
						e = Event(n * 0x9e3779b97f4a7c15)
					}
					if _, err := table.Allow(now, keys[n*0x9e3779b9%uint64(len(keys))], Rule{Limits: row.limits}, e); err != nil {
						b.Fatal(err)
					}
					table.Done(e)
				}
			})
		})
	}
}

// BenchmarkNewClients is the dearest case: every call is of a client never seen before, and
// the table is full of others, whose windows have ended or still run.
func BenchmarkNewClients(b *testing.B) {
	table := New(1<<20, secret)
	now := at("2026-11-21 10:00:00")
	n := 0
	call := func() {
		n++
		if _, err := table.Allow(now, table.Key("plugin", "route", fmt.Sprint(n)), Rule{Limits: Limits{Hour: 10}}, 0); err != nil {
			b.Fatal(err)
		}
	}
	for range 3 << 20 {
		call()
	}
	b.Run("running", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			call()
		}
	})
	now = now.Add(time.Hour)
	b.Run("ended", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			call()
		}
	})
}

func BenchmarkKey(b *testing.B) {
	table := New(1000, secret)
	b.ReportAllocs()
	for b.Loop() {
		table.Key("9d3ecde5-a4fc-5ac5-a00a-fb2cdad344d6", "367bdb48-b987-54a4-b618-b350391e1597", "203.0.113.7")
	}
}
