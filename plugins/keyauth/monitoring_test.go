package keyauth

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// TestMonitoringKeepsIdentitiesTrue: a request that goes on without a key is nobody's. What
// it says of itself does not reach the upstream; what another authentication said stays.
func TestMonitoringKeepsIdentitiesTrue(t *testing.T) {
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(`{"mode":"monitoring","credentials":[{"key":"k","consumer":"ann"}]}`), c))
	one, err := c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
	require.NoError(t, err)
	require.NotZero(t, one.Need.Kinds&facts.Credential)
	const head = "X-Consumer-Username: forged\r\nX_Consumer_ID: forged\r\napikey: wrong\r\n"
	kongs := map[string][]string{"apikey": {"wrong"}}

	f, _ := sent(t, head, kongs)
	v := one.Judge(f)
	require.True(t, v.Denied, "check turns it into a report")
	require.Equal(t, "unknown_key", v.Reason)
	require.Contains(t, v.Upstream.Clear, headerConsumerUsername)
	require.Contains(t, v.Upstream.Clear, "X_Consumer_ID")

	f, _ = sent(t, head, kongs)
	f.Credential = "of Kong's own jwt"
	v = one.Judge(f)
	require.NotContains(t, v.Upstream.Clear, headerConsumerUsername)
	require.Contains(t, v.Upstream.Clear, "X_Consumer_ID")
}
