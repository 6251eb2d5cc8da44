package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
)

const redisChaosDeck = `
_format_version: "3.0"
services:
  - name: api
    url: http://%[1]s
    routes:
      - name: open
        paths: [/open]
        plugins:
          - {name: waf-rate-limiting, config: {year: 1000000000, policy: redis, redis: {host: 127.0.0.1, port: %[2]d, timeout: 300}}}
      - name: closed
        paths: [/closed]
        plugins:
          - {name: waf-rate-limiting, config: {year: 1000000000, policy: redis, fault_tolerant: false, redis: {host: 127.0.0.1, port: %[2]d, timeout: 300}}}
      - name: shared
        paths: [/shared]
        plugins:
          - {name: waf-rate-limiting, config: {year: 1000000000, policy: redis, sync_rate: 0.1, redis: {host: 127.0.0.1, port: %[2]d, timeout: 300}}}
`

// redisLoad are callers of the three routes, and what became of their requests.
type redisLoad struct {
	*chaos
	passed, refused atomic.Int64 // of /closed: 200 and 500
	longest         atomic.Int64
}

// run sends requests until stop.
func (s *redisLoad) run() {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: time.Minute}
	for n := range 12 {
		path := []string{"/open", "/closed", "/shared"}[n%3]
		s.done.Go(func() {
			for {
				select {
				case <-s.quit:
					return
				case <-time.After(2 * time.Millisecond):
				}
				start := time.Now()
				got := s.send(client, path, "")
				took := int64(time.Since(start))
				for old := s.longest.Load(); took > old && !s.longest.CompareAndSwap(old, took); old = s.longest.Load() {
				}
				s.total.Add(1)
				switch {
				case path == "/closed" && got == http.StatusInternalServerError:
					s.refused.Add(1)
				case path == "/closed" && got == http.StatusOK:
					s.passed.Add(1)
				case got != http.StatusOK:
					s.failed.Add(1)
					s.first.CompareAndSwap(nil, fmt.Sprintf("%s: %d", path, got))
				}
			}
		})
	}
}

// more waits for so many more.
func (s *redisLoad) more(what string, n *atomic.Int64) {
	s.t.Helper()
	before := n.Load()
	require.Eventually(s.t, func() bool { return n.Load() >= before+25 }, time.Minute, 2*time.Millisecond, what)
}

// TestChaosRedis does to Redis what happens to one, under the whole product: requests go on
// as fault_tolerant says, none hangs, and all is well when it is back.
func TestChaosRedis(t *testing.T) {
	// A request may wait for Redis and be asked for again on a machine that is busy. A hang is
	// endless, or many timeouts long.
	const slack = 5 * time.Second
	redis := redistest.Start(t, testtool.Need(t, "redis-server"))
	s := &redisLoad{chaos: startChaosOf(t, chaosTime(t), redisChaosDeck, redis.Port)}
	s.run()
	s.more("it works", &s.passed)
	for _, fault := range []struct {
		name       string
		begin, end func()
	}{
		{name: "redis gone", begin: redis.Kill, end: func() { redis.Run(); redis.Await() }},
		{name: "redis paused", begin: redis.Pause, end: redis.Resume},
		{name: "redis restarted empty", begin: func() { redis.Kill(); redis.Run(); redis.Await() }},
	} {
		total, refused := s.total.Load(), s.refused.Load()
		for until := time.Now().Add(s.length); ; {
			fault.begin()
			if fault.end != nil {
				s.more("refused by policy", &s.refused)
				fault.end()
			}
			s.more("it works again", &s.passed)
			if os.Getenv("CHAOS") == "" || time.Now().After(until) {
				break
			}
		}
		longest := time.Duration(s.longest.Swap(0))
		fmt.Printf("%s: failed %d of %d; %d answered 500 by policy, the longest took %v\n", fault.name, s.failed.Load(),
			s.total.Load()-total, s.refused.Load()-refused, longest.Round(time.Millisecond))
		require.Less(t, longest, 300*time.Millisecond+slack)
	}
	s.stop(t, "redis gone, paused, restarted empty")
}

// TestFleetUpgradeGivesBack: a node that is upgraded, or ends, gives back what it holds of the
// fleet's limits.
func TestFleetUpgradeGivesBack(t *testing.T) {
	redis := redistest.Start(t, testtool.Need(t, "redis-server"))
	s := startChaosOf(t, time.Second, `
_format_version: "3.0"
services:
  - name: api
    url: http://%[1]s
    routes:
      - name: r
        paths: [/r]
        plugins:
          - {name: waf-rate-limiting, config: {year: 1000000, policy: redis, sync_rate: 3600, redis: {host: 127.0.0.1, port: %[2]d, timeout: 10000}}}
`, redis.Port)
	client := redis.Client()
	defer client.Close()
	counted := func() string {
		ctx := context.Background()
		keys, err := client.Keys(ctx, "kong-waf:{*}").Result()
		require.NoError(t, err)
		require.Len(t, keys, 1)
		_, count, _ := strings.Cut(client.HGet(ctx, keys[0], "5").Val(), ":")
		return count
	}
	send := func() {
		for range 15 {
			require.Equal(t, http.StatusOK, s.send(http.DefaultClient, "/r", ""))
		}
	}
	send()
	require.Equal(t, "20", counted(), "15, and a share of which five are left")
	s.signal(s.supervisor(), syscall.SIGHUP)
	require.Eventually(t, func() bool { return counted() == "15" }, 30*time.Second, 5*time.Millisecond, "given back by the old process")
	send()
	require.Equal(t, "35", counted())
	s.signal(s.supervisor(), syscall.SIGTERM)
	require.Eventually(t, func() bool { return counted() == "30" }, 30*time.Second, 5*time.Millisecond, "given back at the end")
}
