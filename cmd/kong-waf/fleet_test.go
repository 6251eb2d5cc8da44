package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
	"kongwaf/kong/gateway/gatewaytest"
)

// TestFleetGateways: a limit admits what it says, whoever asks, under each policy and type of
// window: at one gateway with policy local, at three over one Redis otherwise.
func TestFleetGateways(t *testing.T) {
	const callers, calls, limit = 64, 4, 200
	redis := redistest.Start(t, testtool.Need(t, "redis-server"))
	fields := map[string]string{
		"local":                        "",
		"redis":                        fmt.Sprintf("policy: redis, fault_tolerant: false, redis: {host: 127.0.0.1, port: %d, timeout: 20000},", redis.Port),
		"redis with sync_rate of 50ms": fmt.Sprintf("policy: redis, sync_rate: 0.05, fault_tolerant: false, redis: {host: 127.0.0.1, port: %d, timeout: 20000},", redis.Port),
	}
	windows := map[string]string{
		"fixed":   fmt.Sprintf("month: %d, year: %d", limit, limit),
		"sliding": fmt.Sprintf("window_type: sliding, month: %d, year: %d", limit, limit),
		"gcra":    fmt.Sprintf("window_type: gcra, year: %d, burst: %d", limit, limit),
	}
	path := func(policy, window string) string {
		return "/" + strings.Fields(policy)[0] + fmt.Sprint(len(policy)) + window
	}
	deck := `
_format_version: "3.0"
services:
  - name: api
    url: ${upstream}
    routes:
`
	for policy, fields := range fields {
		for window, limits := range windows {
			deck += fmt.Sprintf("      - {name: %[1]q, paths: [%[2]q], plugins: [{name: waf-rate-limiting, config: {%[3]s %[4]s}}]}\n",
				policy+", "+window, path(policy, window), fields, limits)
		}
	}
	var fleet []*system
	for range 3 {
		fleet = append(fleet, newSystem(t, deck))
	}
	for policy := range fields {
		for window := range windows {
			t.Run(policy+", "+window, func(t *testing.T) {
				gateways := fleet
				if policy == "local" {
					gateways = fleet[:1]
				}
				var admitted, asked atomic.Int64
				call := func(n int) {
					asked.Add(1)
					answer, err := gateways[n%len(gateways)].Do(gatewaytest.Request{Method: "GET", Target: path(policy, window), Headers: gatewaytest.Headers{{"Host", "api.example.com"}}})
					switch {
					case err != nil:
						t.Error(err)
					case answer.Status == 200:
						admitted.Add(1)
					case answer.Status != 429:
						t.Errorf("%d: %s", answer.Status, answer.Body)
					}
				}
				var wg sync.WaitGroup
				for w := range callers {
					wg.Go(func() {
						for n := range calls {
							call(w + n)
						}
					})
				}
				wg.Wait()
				first := admitted.Load()
				if strings.Contains(policy, "sync_rate") { // what a node held is given back, and used up
					require.Eventually(t, func() bool {
						call(int(asked.Load()))
						return admitted.Load() == limit
					}, 20*time.Second, time.Millisecond, "%d were admitted", admitted.Load())
					for n := range 6 {
						call(n)
					}
				}
				fmt.Printf("%d gateways, policy %s, %s: admitted %d of %d, limit %d; %d by the first %d\n", len(gateways), policy, window, admitted.Load(), asked.Load(), limit, first, callers*calls)
				require.EqualValues(t, limit, admitted.Load())
			})
		}
	}
}
