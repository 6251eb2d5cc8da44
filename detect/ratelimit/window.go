package ratelimit

import "time"

// Period is a kind of calendar window. Windows begin at full seconds, minutes, ... in UTC.
type Period uint8

// The periods, shortest first. Each window lies within one window of the next period.
const (
	Second Period = iota
	Minute
	Hour
	Day
	Month
	Year
	// Periods is their number.
	Periods = 6
)

var periodNames = [Periods]string{"second", "minute", "hour", "day", "month", "year"}

// String returns the period's name in a config: "second".
func (p Period) String() string {
	if p < Periods {
		return periodNames[p]
	}
	return "no period"
}

// Limits is how many calls are allowed in a window of each period; 0 means no limit:
// Limits{Minute: 5, Hour: 100}.
type Limits [Periods]uint64

// secondsOf is the length of the periods that have a fixed one.
var secondsOf = [...]int64{Second: 1, Minute: 60, Hour: 3600, Day: 86400}

// maxBackward is how far back, in seconds, a call's time may lie behind the last one's.
const maxBackward = 300

// seconds turns a time into the table's clock: seconds since 1970, up to 2106.
func seconds(now time.Time) uint32 {
	return uint32(min(max(now.Unix(), 1), 1<<32-1))
}

func momentOf(now time.Time) moment {
	return moment{second: seconds(now), milli: uint32(now.Nanosecond() / 1e6)}
}

// notBefore returns the moment at which a call counts, after one in the second last.
func (m moment) notBefore(last uint32) moment {
	if m.second < last && last-m.second <= maxBackward {
		return moment{second: last}
	}
	return m
}

// ended returns how many periods, from Second up, have a new window at b that they did not
// have at a. Windows nest, so all longer periods still run.
func ended(a, b uint32) int {
	x, y := int64(a), int64(b)
	if x/86400 != y/86400 {
		s, t := time.Unix(x, 0).UTC(), time.Unix(y, 0).UTC()
		switch {
		case s.Year() != t.Year():
			return 6
		case s.Month() != t.Month():
			return 5
		}
		return 4
	}
	switch {
	case x/3600 != y/3600:
		return 3
	case x/60 != y/60:
		return 2
	case x != y:
		return 1
	}
	return 0
}

// end returns the second at which the window of p that holds t ends.
func end(p Period, t uint32) int64 {
	if int(p) < len(secondsOf) {
		n := secondsOf[p]
		return (int64(t)/n + 1) * n
	}
	d := time.Unix(int64(t), 0).UTC()
	if p == Month {
		return time.Date(d.Year(), d.Month()+1, 1, 0, 0, 0, 0, time.UTC).Unix()
	}
	return time.Date(d.Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
}
