package lists

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxSpan is how long an entry may be written for that ends.
const maxSpan = 10 * 365 * 24 * time.Hour

// ParseSpan reads how long an entry is to hold: a duration as Go writes it, or days (7d). Empty
// is for ever, and then the time is zero.
func ParseSpan(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	var span time.Duration
	var err error
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		span = time.Duration(min(max(n, 0), 100_000)) * 24 * time.Hour
	} else {
		span, err = time.ParseDuration(text)
	}
	if err != nil || span < time.Second || span > maxSpan {
		return 0, fmt.Errorf("for: %q is no time such as 30m, 24h or 7d, from a second to ten years; leave it out for ever", text[:min(len(text), 40)])
	}
	return span, nil
}
