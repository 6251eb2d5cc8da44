package ratelimiting

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
)

// TestIETFHeaders: the draft's own fields beside Kong's, for those who ask for them.
func TestIETFHeaders(t *testing.T) {
	for _, tc := range []struct{ name, config, policy, state string }{
		{name: "by default", config: `{"minute":5}`},
		{name: "hidden", config: `{"minute":5,"ietf_headers":true,"hide_client_headers":true}`},
		{name: "one limit", config: `{"minute":5,"ietf_headers":true}`, policy: `"minute";q=5;w=60`, state: `"minute";r=4;t=53`},
		{name: "several", config: `{"second":5,"hour":100,"year":1e15,"ietf_headers":true}`,
			policy: `"second";q=5;w=1, "hour";q=100;w=3600, "year";q=999999999999999;w=31536000`,
			state:  `"second";r=4;t=1, "hour";r=99;t=3233, "year";r=999999999999999;t=26160833`},
		{name: "gcra", config: `{"minute":60,"window_type":"gcra","burst":10,"ietf_headers":true}`, policy: `"minute";q=60;w=60;kong-waf-burst=10`, state: `"minute";r=9;t=1`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			one, err := compile(t, tc.config)
			require.NoError(t, err)
			v := one.Judge(&facts.Facts{ClientIP: "192.0.2.1"})
			require.False(t, v.Denied)
			got := map[string]string{}
			for _, h := range v.Response.Set {
				require.NotContains(t, got, h.Name)
				got[h.Name] = h.Value
			}
			require.Equal(t, tc.policy, got["RateLimit-Policy"])
			require.Equal(t, tc.state, got["RateLimit"])
		})
	}
	one, err := compile(t, `{"minute":1,"ietf_headers":true}`)
	require.NoError(t, err)
	one.Judge(&facts.Facts{ClientIP: "192.0.2.1"})
	v := one.Judge(&facts.Facts{ClientIP: "192.0.2.1"})
	require.True(t, v.Denied)
	require.Contains(t, v.Response.Set, detect.Header{Name: "RateLimit", Value: `"minute";r=0;t=53`})
}
