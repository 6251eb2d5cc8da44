package store

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/ratelimit"
	"kongwaf/internal/redisclient"
	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
)

// TestFleetSentinel: when the server dies, the store goes on with the replica that the
// Sentinels put in its place, and what was copied by then is still counted.
func TestFleetSentinel(t *testing.T) {
	program := testtool.Need(t, "redis-server")
	master := redistest.Start(t, program)
	redistest.StartReplica(t, program, master)
	sentinel := redistest.StartSentinel(t, program, master)
	s := opened(t, redisclient.Settings{Addresses: sentinel.Address(), Master: "master", Timeout: 2 * time.Second})
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Year: 3}}
	var r ratelimit.Result
	for _, event := range []string{Key("one"), Key("two")} { // an event: a try that failed may have counted
		require.Eventually(t, func() (ok bool) { // the first one finds its way
			var err error
			r, err = s.Allow("caller", rule, event)
			return err == nil
		}, 30*time.Second, 10*time.Millisecond)
	}
	require.EqualValues(t, 1, r.Windows[ratelimit.Year].Remaining)
	client := master.Client()
	defer client.Close()
	require.EqualValues(t, 1, client.Wait(context.Background(), 1, 20*time.Second).Val(), "the replica has it")

	master.Kill()
	require.Eventually(t, func() bool {
		var err error
		r, err = s.Allow("caller", rule, "")
		return err == nil
	}, 60*time.Second, 20*time.Millisecond, "nobody takes over")
	require.True(t, r.Allowed)
	require.Zero(t, r.Windows[ratelimit.Year].Remaining, "the two before are known")
	r, err := s.Allow("caller", rule, "")
	require.NoError(t, err)
	require.False(t, r.Allowed)
}
