package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
	"kongwaf/kong/gateway/gatewaytest"
)

// TestFleetGateways: three gateways over one Redis admit what one would.
func TestFleetGateways(t *testing.T) {
	const callers, calls, limit = 64, 6, 200
	redis := redistest.Start(t, testtool.Need(t, "redis-server"))
	var fleet []*system
	for range 3 {
		fleet = append(fleet, newSystem(t, deckWith(fmt.Sprintf(`
          - name: waf-rate-limiting
            config:
              month: %d
              year: %d
              policy: redis
              fault_tolerant: false
              redis: {host: 127.0.0.1, port: %d, timeout: 20000}
`, limit, limit, redis.Port))))
	}
	var admitted, refused atomic.Int64
	var wg sync.WaitGroup
	for w := range callers {
		wg.Go(func() {
			for n := range calls {
				answer, err := fleet[(w+n)%3].Do(gatewaytest.Request{Method: "GET", Target: "/r", Headers: gatewaytest.Headers{{"Host", "api.example.com"}}})
				switch {
				case err != nil:
					t.Error(err)
				case answer.Status == 200:
					admitted.Add(1)
				case answer.Status == 429:
					refused.Add(1)
				default:
					t.Errorf("%d: %s", answer.Status, answer.Body)
				}
			}
		})
	}
	wg.Wait()
	fmt.Printf("three gateways, policy redis: admitted %d of %d, limit %d\n", admitted.Load(), callers*calls, limit)
	if admitted.Load() != limit || refused.Load() != callers*calls-limit {
		t.Errorf("admitted %d, refused %d", admitted.Load(), refused.Load())
	}
}
