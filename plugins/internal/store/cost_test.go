package store

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"kongwaf/detect/ratelimit"
	"kongwaf/internal/redisclient"
	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
)

// TestBenchRedis prints what a decision costs Redis, by its own account: the time of the
// script, the bytes of command and answer, the memory of a caller. BENCH=1 runs it.
func TestBenchRedis(t *testing.T) {
	if os.Getenv("BENCH") == "" {
		t.Skip("BENCH=1 runs it")
	}
	const callers, calls = 1000, 20_000
	for _, row := range []struct {
		name   string
		rule   ratelimit.Rule
		shared bool
	}{
		{name: "fixed, one limit", rule: ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Hour: 1000}}},
		{name: "fixed, one limit, asking for a share", rule: ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Hour: 1000}}, shared: true},
		{name: "fixed, three limits", rule: ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Minute: 1000, ratelimit.Hour: 1000, ratelimit.Month: 1000}}},
		{name: "sliding, one limit", rule: ratelimit.Rule{Shape: ratelimit.Sliding, Limits: ratelimit.Limits{ratelimit.Hour: 1000}}},
		{name: "gcra, one limit", rule: ratelimit.Rule{Shape: ratelimit.GCRA, Limits: ratelimit.Limits{ratelimit.Hour: 1000}}},
		{name: "refused", rule: ratelimit.Rule{Cost: 2000, Limits: ratelimit.Limits{ratelimit.Hour: 1000}}},
	} {
		server := redistest.Start(t, testtool.Need(t, "redis-server"))
		client := server.Client()
		defer client.Close()
		s := opened(t, redisclient.Settings{Addresses: server.Address()})
		before := figures(t, client)
		for n := range calls {
			event, more := Key(strconv.Itoa(n)), uint64(0)
			if row.shared {
				more = 5
			}
			_, err := s.ask(Key("route", "service", "ip", strconv.Itoa(n%callers)), row.rule, event, more)
			require.NoError(t, err)
		}
		after := figures(t, client)
		fmt.Printf("redis, %s: %.1f us, %.0f bytes there, %.0f back\n", row.name,
			after["usec"]/after["calls"], (after["in"]-before["in"])/calls, (after["out"]-before["out"])/calls)
		size, err := client.MemoryUsage(context.Background(), "kong-waf:{"+Key("route", "service", "ip", "1")+"}").Result()
		if err == nil {
			fmt.Printf("redis, %s: %d bytes of memory for a caller\n", row.name, size)
		}
	}
}

// figures are what a server says of itself.
func figures(t *testing.T, client *redis.Client) map[string]float64 {
	t.Helper()
	info, err := client.Info(context.Background(), "all").Result()
	require.NoError(t, err)
	out := map[string]float64{}
	for name, pattern := range map[string]string{
		"calls": `cmdstat_evalsha:calls=(\d+)`, "usec": `cmdstat_evalsha:calls=\d+,usec=(\d+)`,
		"in": `total_net_input_bytes:(\d+)`, "out": `total_net_output_bytes:(\d+)`,
	} {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(info); m != nil {
			out[name], err = strconv.ParseFloat(m[1], 64)
			require.NoError(t, err)
		}
	}
	return out
}
