package ratelimit_test

import (
	"fmt"
	"time"

	"kongwaf/detect/ratelimit"
)

func Example() {
	table := ratelimit.New(10_000, [16]byte{ /* random bytes */ })
	limits := ratelimit.Limits{ratelimit.Second: 1, ratelimit.Hour: 100}
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for range 2 {
		event := table.Event("the gateway's id of the request", "the plugin's id")
		r, err := table.Allow(now, table.Key("the route's id", "203.0.113.7"), ratelimit.Rule{Limits: limits}, event)
		if err != nil {
			fmt.Println(err)
			continue
		}
		w := r.Windows[r.Decisive]
		fmt.Printf("allowed %v; %v: %d of %d remain, reset in %d s\n", r.Allowed, r.Decisive, w.Remaining, w.Limit, w.Reset)
		table.Done(event) // when it is answered
	}
	// Output:
	// allowed true; second: 0 of 1 remain, reset in 1 s
	// allowed false; second: 0 of 1 remain, reset in 1 s
}
