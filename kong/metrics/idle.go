package metrics

import "time"

// IdleSince is the number that ExceptionIdle has for a time of use, or for the time at which
// something unused was first configured. Both are seconds, odd ones for a use, even ones else: a
// second more or less means nothing to whoever waits for days.
func IdleSince(at time.Time, used bool) uint64 {
	seconds := uint64(max(at.Unix(), 2)) &^ 1
	if used {
		seconds |= 1
	}
	return seconds
}

// ReadIdle reads such a number.
func ReadIdle(number uint64) (since time.Time, used bool) {
	return time.Unix(int64(number), 0).UTC(), number&1 == 1
}
