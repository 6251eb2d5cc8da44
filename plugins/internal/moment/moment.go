// Package moment reads the days and times at which something in a config begins or ends.
package moment

import (
	"fmt"
	"time"

	"kongwaf/kong/schema"
)

// Begin reads when something begins: a day in UTC, at whose beginning it does, or a time.
func Begin(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.60q is neither a day such as 2027-03-31 nor a moment such as 2027-03-31T18:00:00Z", text)
	}
	return at.UTC(), nil
}

// End reads when something ends: a day in UTC, at whose end it does, or a time.
func End(text string) (time.Time, error) {
	at, err := Begin(text)
	if err == nil && len(text) == len(time.DateOnly) {
		at = at.AddDate(0, 0, 1)
	}
	return at, err
}

// Format is their form in a config.
func Format() schema.Format {
	const day = `^%d%d%d%d%-%d%d%-%d%d`
	return schema.Format{
		Name:     "moment",
		Patterns: []string{day + "$", day + `T%d%d:%d%d:%d%d.*$`},
		Err:      "must be a day such as 2027-03-31, or a moment such as 2027-03-31T18:00:00Z",
		Check: func(text string) error {
			_, err := Begin(text)
			return err
		},
	}
}
