package ratelimiting

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/ratelimit"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// TestAnyNumberOfClients: clients beyond those that the table is made for are counted, and take
// no more memory. CLIENTS=10000000 is the real trial.
func TestAnyNumberOfClients(t *testing.T) {
	const room = 4_000
	clients := 20_000
	if text := os.Getenv("CLIENTS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		clients = n
	}
	shared := check.NewShared(slog.New(slog.DiscardHandler))
	shared.Limits = ratelimit.New(room, check.Secret())
	shared.Now = func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(`{"minute":1000,"hour":1000,"limit_by":"ip"}`), c))
	one, err := c.Check(check.Env{Shared: shared}, "config")
	require.NoError(t, err)
	admitted := func(ip string, id int) bool {
		v := one.Judge(&facts.Facts{ClientIP: ip, RequestID: strconv.Itoa(id)})
		require.False(t, v.Failed, v.Reason)
		return !v.Denied
	}
	for n := range 2000 { // what is remembered of events is as much as it will be
		admitted(client(n), n)
	}
	before := heap()
	start := time.Now()
	for n := range clients {
		require.True(t, admitted(client(n), n), "client %d", n)
	}
	took, grown := time.Since(start), heap()-before
	stats := shared.Limits.Stats()
	fmt.Printf("%d clients, room for %d: %d tracked, %d dropped; memory: %d bytes for the table, %d grown; %v for each\n",
		clients, room, shared.Limits.Tracked(), stats.Evicted, ratelimit.Size(room), grown, took/time.Duration(clients))
	require.Less(t, grown, int64(1<<20))
	require.LessOrEqual(t, shared.Limits.Tracked(), 2*room+64)
	require.Positive(t, stats.Evicted)
}

// client is an address of its own for each number.
func client(n int) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24|uint32(n))
	return netip.AddrFrom4(b).String()
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
