package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const monitoringOnly = `
          - name: waf-gate
            config:
              checks: [ip-restriction, key-auth, rate-limiting]
              ip_restriction: {deny: [127.0.0.0/8], mode: monitoring}
              key_auth: {credentials: [{key: k, consumer: ann}], mode: monitoring}
              rate_limiting: {year: 1, mode: monitoring}
`

// TestMonitoring: each check reports what it would have refused, and the request reaches the
// upstream; the client is told nothing but its limits.
func TestMonitoring(t *testing.T) {
	s := newSystem(t, deckWith(monitoringOnly))
	for n, reasons := range [][]string{
		{"address_denied", "no_key"},
		{"address_denied", "no_key", "rate_limited"},
	} {
		answer := s.get(t, "/r", "X-Consumer-Username", "root")
		require.Equal(t, 200, answer.Status)
		require.Empty(t, answer.Headers.Get("Retry-After"))
		require.Empty(t, answer.Headers.Get("WWW-Authenticate"))
		require.Empty(t, s.upstream.Take()[0].Headers.Values("X-Consumer-Username"), "nobody is who he says without a key")
		for i, e := range s.events.take(t, len(reasons)) {
			require.Equal(t, reasons[i], e.Reason, "request %d", n)
			require.Equal(t, "reported", e.Action)
			require.Equal(t, "monitoring", e.Mode)
			require.Zero(t, e.Status)
		}
	}
	require.Equal(t, 200, s.get(t, "/r?apikey=k").Status)
	require.Equal(t, "ann", s.upstream.Take()[0].Headers.Get("X-Consumer-Username"), "a valid key is taken as ever")
}
