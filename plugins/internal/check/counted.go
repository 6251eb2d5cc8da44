package check

import (
	"sync/atomic"

	"kongwaf/detect/ratelimit"
)

// counted is how many of the last counted events a process keeps in the table's journal: as
// many as can be under way at once, with room to spare, and well below ratelimit.Events.
const counted = 1024

// Counted keeps the last counted events remembered, so that an event which Kong repeats
// because the process died in the middle of it is not counted twice. It is safe for
// concurrent use; the zero value is ready.
type Counted struct {
	next   atomic.Uint64
	events [counted]atomic.Uint64
}

// Remember keeps an event, and lets go of the one that is that many events older.
func (c *Counted) Remember(table *ratelimit.Table, e ratelimit.Event) {
	slot := &c.events[c.next.Add(1)%counted]
	if old := slot.Swap(uint64(e)); old != 0 {
		table.Done(ratelimit.Event(old))
	}
}
