package ratelimit

import "time"

// Result is what a call was told.
type Result struct {
	// Allowed says that the call may go on; it has been counted in every window.
	Allowed bool
	// Repeated says that the call is an event that had been counted before a crash.
	Repeated bool
	// Decisive is the period with the least remaining calls, the longest of several; after
	// a refusal it is one whose limit is used up. RateLimit-* headers tell of it.
	Decisive Period
	// Windows holds one entry for each period; those without a limit are zero.
	Windows [Periods]Window
}

// Window is the state of one limit after the call.
type Window struct {
	Limit uint64
	// Remaining is how many more calls the window admits.
	Remaining uint64
	// Reset is the number of seconds until the window ends, at least 1.
	Reset int64
}

// Describe returns the Result of a call that was counted elsewhere: used is how many calls,
// this one included if it was allowed, the windows at that time hold. For those who keep
// counters of the same windows in another place than a Table.
func Describe(limits Limits, used [Periods]uint64, now time.Time, allowed bool) Result {
	return result(&limits, &used, seconds(now), allowed)
}

// result describes a slot's windows at second t; used counts those of this call.
func result(limits *Limits, used *[Periods]uint64, t uint32, allowed bool) Result {
	r := Result{Allowed: allowed}
	first := true
	for p := Period(0); p < Periods; p++ {
		if limits[p] == 0 {
			continue
		}
		w := Window{Limit: limits[p], Reset: end(p, t) - int64(t)}
		if used[p] < w.Limit {
			w.Remaining = w.Limit - used[p]
		}
		r.Windows[p] = w
		if first || w.Remaining <= r.Windows[r.Decisive].Remaining {
			r.Decisive, first = p, false
		}
	}
	return r
}
