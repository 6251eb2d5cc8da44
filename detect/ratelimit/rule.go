package ratelimit

import "time"

// Shape is how calls are counted.
type Shape uint8

// The shapes.
const (
	// Fixed counts in calendar windows. Around the turn of a window twice the limit may come
	// within a short time.
	Fixed Shape = iota
	// Sliding counts in the window that ends now, estimated: what of the previous window still
	// lies in it is taken to have come evenly. A month is 30 days, a year 365.
	Sliding
	// GCRA lets calls come evenly, at limit per period, and a burst of them at once. Over any
	// time of a period's length it admits at most limit and burst together.
	GCRA
)

var shapeNames = [...]string{Fixed: "fixed", Sliding: "sliding", GCRA: "gcra"}

// String returns the shape's name in a config: "fixed".
func (s Shape) String() string {
	if int(s) < len(shapeNames) {
		return shapeNames[s]
	}
	return "no shape"
}

// MaxShaped is the highest limit, and burst, of the shapes other than Fixed.
const MaxShaped = 1<<20 - 1

// Rule is what is asked of a caller: limits, counted in a shape.
type Rule struct {
	Limits Limits
	Shape  Shape
	// Burst is how many calls may come at once under GCRA. 0 means as many as each limit.
	Burst uint64
	// Cost is how many calls this one counts for. 0 means 1. What costs more than a limit
	// is never admitted.
	Cost uint64
	// Spans are windows of another length than the period's, in seconds, at most that of the
	// period; 0 is the period's own. Fixed ones begin at multiples of their length since 1970.
	// Under GCRA the length in milliseconds must be a multiple of the period's Tick.
	Spans [Periods]uint32
}

// spans are the lengths of the windows of the shapes other than Fixed, in seconds.
var spans = [Periods]uint64{1, 60, 3600, 86400, 30 * 86400, 365 * 86400}

// ticks are the units of time of GCRA in milliseconds: a period has less than 2^20 of them,
// so that levels are whole numbers of 40 bits and nothing is rounded.
var ticks = [Periods]uint64{1, 1, 10, 1000, 10_000, 60_000}

// Tick returns the unit of time in which levels of a period are kept under GCRA, in
// milliseconds.
func (p Period) Tick() uint32 { return uint32(ticks[p]) }

// span returns the length of a period's window in seconds; for those of the calendar about.
func (r *Rule) span(p Period) uint64 {
	if r.Spans[p] > 0 {
		return uint64(r.Spans[p])
	}
	return spans[p]
}

// unit is what one call adds to a level: a limit's worth of it drains in each tick.
func (r *Rule) unit(p Period) uint64 { return r.span(p) * 1000 / ticks[p] }

// moment is a time as a table takes it.
type moment struct {
	second uint32
	milli  uint32 // 0 to 999
}

func (m moment) tick(p Period) uint64 {
	return (uint64(m.second)*1000 + uint64(m.milli)) / ticks[p]
}

func (r *Rule) cost() uint64 { return max(1, r.Cost) }

func (r *Rule) burst(p Period) uint64 {
	if r.Burst > 0 {
		return r.Burst
	}
	return r.Limits[p]
}

// reading is a period's counter, as it reads at a moment.
type reading struct {
	// value is how many calls are counted; the level, for GCRA.
	value uint64
	// full says that no call is admitted.
	full bool
	// next is what the counter holds if a call is admitted.
	next uint64
}

// read tells what a counter means at a moment. It was written in the second last; over says
// that its calendar window has ended since.
func (r *Rule) read(p Period, counter uint64, last uint32, over bool, m moment) reading {
	limit := r.Limits[p]
	switch r.Shape {
	case Sliding:
		const bits = 20
		then, now := uint64(last)/r.span(p), uint64(m.second)/r.span(p)
		before, current := counter>>bits, counter&(1<<bits-1)
		switch now {
		case then:
		case then + 1:
			before, current = current, 0
		default:
			before, current = 0, 0
		}
		used := slid(r.span(p), before, current, m)
		return reading{value: used, full: exceeds(used, r.cost(), limit), next: before<<bits | (current + r.cost())}
	case GCRA:
		// The level is that of the beginning of the second last.
		elapsed := m.tick(p) - moment{second: last}.tick(p)
		level := counter - min(counter, drained(elapsed, limit))
		offset := limit * (m.tick(p) - moment{second: m.second}.tick(p))
		room := r.burst(p) * r.unit(p)
		if r.cost() > r.burst(p) {
			return reading{value: level, full: true}
		}
		more := level + r.cost()*r.unit(p)
		return reading{value: level, full: more > room, next: more + offset}
	}
	if r.Spans[p] > 0 {
		over = uint64(last)/r.span(p) != uint64(m.second)/r.span(p)
	}
	if over {
		counter = 0
	}
	return reading{value: counter, full: exceeds(counter, r.cost(), min(limit, maxCount)), next: counter + r.cost()}
}

// exceeds reports whether used and cost together are more than the limit.
func exceeds(used, cost, limit uint64) bool { return used >= limit || cost > limit-used }

// slid returns the calls in the window of so many seconds that ends at a moment.
func slid(span, before, current uint64, m moment) uint64 {
	length := span * 1000
	left := length - (uint64(m.second)%span*1000 + uint64(m.milli))
	return current + (before*left+length-1)/length
}

// drained returns by how much a level sinks, at most what a counter can hold.
func drained(elapsed, limit uint64) uint64 {
	if elapsed > maxCount/limit {
		return maxCount
	}
	return elapsed * limit
}

// window describes a period's state after a call. The value is as in reading, with the call
// counted if it was admitted.
func (r *Rule) window(p Period, value uint64, m moment, allowed bool) Window {
	w := Window{Limit: r.Limits[p]}
	switch r.Shape {
	case GCRA:
		room := r.burst(p) * r.unit(p)
		wait := value // until nothing is left of it
		if value < room {
			w.Remaining = (room - value) / r.unit(p)
		}
		if more := value + min(r.cost(), r.burst(p))*r.unit(p); !allowed && more > room {
			wait = more - room // until this call is admitted
		}
		perSecond := w.Limit * 1000
		w.Reset = max(1, int64((wait*ticks[p]+perSecond-1)/perSecond))
		return w
	default:
		if r.Shape == Fixed && r.Spans[p] == 0 {
			w.Reset = end(p, m.second) - int64(m.second)
		} else {
			w.Reset = int64(r.span(p) - uint64(m.second)%r.span(p))
		}
	}
	if value < w.Limit {
		w.Remaining = w.Limit - value
	}
	return w
}

// Later returns what values, as in Describe, come to some time later, where some of the calls
// that they count are still to be made. Counts of calendar and sliding windows are taken to
// stay as they are: it is for times within a window.
func (r *Rule) Later(values [Periods]uint64, elapsed time.Duration, unmade uint64) [Periods]uint64 {
	for p := range values {
		worth := uint64(1)
		if r.Shape == GCRA {
			worth = r.unit(Period(p))
			ticks := uint64(max(0, elapsed.Milliseconds())) / ticks[p]
			if limit := r.Limits[p]; limit > 0 {
				values[p] -= min(values[p], drained(ticks, limit))
			}
		}
		values[p] -= min(values[p], unmade*worth)
	}
	return values
}

// Stands returns for how long a decision stands if nobody calls: until the first of the
// windows ends, or until GCRA has room for the call.
func (r *Rule) Stands(values [Periods]uint64, now time.Time) time.Duration {
	var stands time.Duration
	for p := Period(0); p < Periods; p++ {
		limit := r.Limits[p]
		if limit == 0 {
			continue
		}
		var d time.Duration
		if r.Shape == GCRA {
			if more, room := values[p]+r.cost()*r.unit(p), r.burst(p)*r.unit(p); more > room {
				d = time.Duration((more-room+limit-1)/limit*ticks[p]) * time.Millisecond
			}
			stands = max(stands, d)
			continue
		}
		w := r.window(p, values[p], momentOf(now), true)
		d = time.Duration(w.Reset)*time.Second - time.Duration(now.Nanosecond())
		if stands == 0 || d < stands {
			stands = d
		}
	}
	return stands
}
