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

// Describe returns the Result of a call that was decided elsewhere at a time: for each period
// with a limit the number of calls that count, this one included if it was admitted; for GCRA
// the level, in ticks of a limit's worth. For those who keep counters of the same
// shapes in another place than a Table.
func Describe(rule Rule, values [Periods]uint64, now time.Time, allowed bool) Result {
	return describe(&rule, values, momentOf(now), allowed)
}

func (r *readings) values() (values [Periods]uint64) {
	for p := range r {
		values[p] = r[p].value
	}
	return values
}

// result describes a decision by what was read before it.
func result(rule *Rule, r *readings, m moment, allowed bool) Result {
	values := r.values()
	for p := range values {
		switch {
		case !allowed:
		case rule.Shape == GCRA:
			values[p] += rule.cost() * rule.unit(Period(p))
		default:
			values[p] += rule.cost()
		}
	}
	return describe(rule, values, m, allowed)
}

func describe(rule *Rule, values [Periods]uint64, m moment, allowed bool) Result {
	r := Result{Allowed: allowed}
	first := true
	for p := Period(0); p < Periods; p++ {
		if rule.Limits[p] == 0 {
			continue
		}
		w := rule.window(p, values[p], m, allowed)
		r.Windows[p] = w
		if first || w.Remaining <= r.Windows[r.Decisive].Remaining {
			r.Decisive, first = p, false
		}
	}
	return r
}
