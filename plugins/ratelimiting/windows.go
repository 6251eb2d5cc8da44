package ratelimiting

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"kongwaf/detect/ratelimit"
)

// Limit is a limit over a window of any length.
type Limit struct {
	Limit  float64 `json:"limit" kong:"required,gt=0" doc:"How many requests a caller may make in a window."`
	Window int     `json:"window" kong:"required,between=1:31536000" doc:"The length of the window in seconds. Fixed windows begin at multiples of it since 1970."`
	Name   string  `json:"name,omitempty" kong:"match=^[A-Za-z0-9-]+$" doc:"What clients are told the limit by: X-RateLimit-Limit-Name. By default the number of seconds."`
}

// windows are the limits of a config, each with the names that it goes by.
type windows struct {
	limits ratelimit.Limits
	spans  [ratelimit.Periods]uint32
	names  [ratelimit.Periods]names
	fields [ratelimit.Periods]string // of the config
}

// names are what a limit is called in the headers.
type names struct {
	name             string // "minute"
	limit, remaining string // Kong's headers
	seconds          uint64 // the length of the window: that of a month or year as if all were alike
}

func named(name string, title string, seconds uint64) names {
	return names{name: name, limit: "X-RateLimit-Limit-" + title, remaining: "X-RateLimit-Remaining-" + title, seconds: seconds}
}

// periods are the windows of Kong's fields, in their order.
var periods = [ratelimit.Periods]names{
	ratelimit.Second: named("second", "Second", 1),
	ratelimit.Minute: named("minute", "Minute", 60),
	ratelimit.Hour:   named("hour", "Hour", 3600),
	ratelimit.Day:    named("day", "Day", 86400),
	ratelimit.Month:  named("month", "Month", 30*86400),
	ratelimit.Year:   named("year", "Year", 365*86400),
}

// calendar are limits over the windows of Kong's fields.
func calendar(limits ratelimit.Limits) windows {
	w := windows{limits: limits, names: periods}
	for p := range periods {
		w.fields[p] = periods[p].name
	}
	return w
}

// windows returns the limits of the config. Those over windows of other lengths are kept with
// a longer period that has none of its own.
func (c *Config) windows(field string) (windows, error) {
	w := calendar(ratelimit.Limits{})
	values := [...]*float64{c.Second, c.Minute, c.Hour, c.Day, c.Month, c.Year}
	if len(c.Limits) == 0 || values != [len(values)]*float64{} {
		var err error
		if w.limits, err = limitsOf(field, values); err != nil {
			return w, err
		}
	}
	if len(c.Limits) > ratelimit.Periods {
		return w, fmt.Errorf("%s.limits: at most %d limits count a request, these and second to year together", field, ratelimit.Periods)
	}
	order := make([]int, len(c.Limits))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Limits[a].Window, c.Limits[b].Window) })
	for _, n := range order {
		one, where := c.Limits[n], fmt.Sprintf("%s.limits[%d]", field, n)
		p := slices.IndexFunc(periods[:], func(p names) bool { return uint64(one.Window) <= p.seconds })
		for p < ratelimit.Periods && w.limits[p] > 0 {
			p++
		}
		if p == ratelimit.Periods {
			return w, fmt.Errorf("%s: there is no room for a window of %d seconds beside the others: at most %d limits count a request, and as many of them are longer as there are longer ones of second to year", where, one.Window, ratelimit.Periods)
		}
		if tick := ratelimit.Period(p).Tick(); c.WindowType == ratelimit.GCRA.String() && uint32(one.Window)*1000%tick != 0 {
			return w, fmt.Errorf("%s.window: under gcra so long a window must be a multiple of %d seconds, not %d", where, tick/1000, one.Window)
		}
		name := cmp.Or(one.Name, strconv.Itoa(one.Window))
		if slices.ContainsFunc(w.names[:], func(other names) bool { return strings.EqualFold(other.name, name) }) {
			return w, fmt.Errorf("%s.name: another limit is called %q too", where, name)
		}
		w.limits[p], w.spans[p] = ceil(one.Limit), uint32(one.Window)
		w.names[p], w.fields[p] = named(name, name, uint64(one.Window)), fmt.Sprintf("limits[%d].limit", n)
	}
	return w, w.ordered(field)
}

// ordered reports a longer window that admits less than a shorter one: that one could never be
// used up.
func (w *windows) ordered(field string) error {
	for p, limit := range w.limits {
		for q, other := range w.limits {
			if limit > 0 && other > 0 && w.names[p].seconds < w.names[q].seconds && limit > other {
				return fmt.Errorf("%s.%s: %d is lower than the %d of %s, whose window is shorter: the limit of a longer window must not be lower", field, w.fields[q], other, limit, w.fields[p])
			}
		}
	}
	return nil
}

// ceil turns a limit into a number of requests: Kong admits one while usage is below the
// limit, so a fraction admits one more.
func ceil(limit float64) uint64 { return uint64(math.Min(math.Ceil(limit), maxLimit)) }
