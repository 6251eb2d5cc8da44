package ratelimiting

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// TestWindowsOfAnyLength: limits over other windows count beside Kong's, all or nothing, and
// clients are told them by name.
func TestWindowsOfAnyLength(t *testing.T) {
	shared := check.NewShared(slog.New(slog.DiscardHandler))
	now := time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)
	shared.Now = func() time.Time { return now }
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(`{"minute":8,"ietf_headers":true,"limits":[{"limit":10,"window":90,"name":"Sprint"},{"limit":3,"window":10}]}`), c))
	one, err := c.Check(check.Env{Shared: shared}, "config")
	require.NoError(t, err)
	calls := func(n int) (admitted int, last detect.Verdict) {
		for range n {
			if last = one.Judge(&facts.Facts{ClientIP: "192.0.2.1"}); !last.Denied {
				require.False(t, last.Failed, last.Reason)
				admitted++
			}
		}
		return admitted, last
	}
	step := func(want int, because string) detect.Verdict {
		t.Helper()
		got, last := calls(9)
		require.Equal(t, want, got, because)
		now = now.Add(10 * time.Second)
		return last
	}
	v := step(3, "ten seconds admit 3")
	require.Contains(t, v.Response.Set, detect.Header{Name: "X-RateLimit-Remaining-10", Value: "0"})
	require.Contains(t, v.Response.Set, detect.Header{Name: "X-RateLimit-Limit-Sprint", Value: "10"})
	require.Contains(t, v.Response.Set, detect.Header{Name: "X-RateLimit-Remaining-Minute", Value: "5"})
	require.Contains(t, v.Response.Set, detect.Header{Name: "Retry-After", Value: "10"})
	require.Contains(t, v.Response.Set, detect.Header{Name: "RateLimit-Policy", Value: `"minute";q=8;w=60, "10";q=3;w=10, "Sprint";q=10;w=90`})
	require.Contains(t, v.Response.Set, detect.Header{Name: "RateLimit", Value: `"minute";r=5;t=60, "10";r=0;t=10, "Sprint";r=7;t=90`})
	step(3, "the next ten")
	step(2, "the minute is used up")
	step(0, "still")
	now = now.Add(20 * time.Second)
	step(2, "the next minute, and what is left of the 90 seconds, which began with the one before")
	step(0, "they are used up")
	step(0, "still")
	step(3, "the next 90 seconds")
	step(3, "the next ten")
	step(0, "the minute is used up")
}

// TestBadLimits names the entry and what is wrong with it.
func TestBadLimits(t *testing.T) {
	for config, want := range map[string]string{
		`{"limits":[]}`:                                                                                 "at least one of",
		`{"limits":[{"limit":5}]}`:                                                                      "config.limits[0].window",
		`{"limits":[{"window":5}]}`:                                                                     "config.limits[0].limit",
		`{"limits":[{"limit":0,"window":5}]}`:                                                           "config.limits[0].limit",
		`{"limits":[{"limit":5,"window":0}]}`:                                                           "config.limits[0].window",
		`{"limits":[{"limit":5,"window":31536001}]}`:                                                    "config.limits[0].window",
		`{"limits":[{"limit":5,"window":5,"name":"a b"}]}`:                                              "config.limits[0].name",
		`{"limits":[{"limit":5,"window":5,"name":"a\r\nb"}]}`:                                           "config.limits[0].name",
		`{"minute":5,"limits":[{"limit":6,"window":90,"name":"MINUTE"}]}`:                               `config.limits[0].name: another limit is called "MINUTE" too`,
		`{"limits":[{"limit":6,"window":90},{"limit":6,"window":90}]}`:                                  `config.limits[1].name: another limit is called "90" too`,
		`{"minute":5,"limits":[{"limit":4,"window":90}]}`:                                               "config.limits[0].limit: 4 is lower than the 5 of minute",
		`{"hour":5,"limits":[{"limit":6,"window":90}]}`:                                                 "config.hour: 5 is lower than the 6 of limits[0].limit",
		`{"year":5,"limits":[{"limit":4,"window":20000000}]}`:                                           "config.limits[0]: there is no room",
		`{"limits":[{"limit":4,"window":3000001}],"window_type":"gcra"}`:                                "config.limits[0].window: under gcra so long a window must be a multiple of 60 seconds",
		`{"limits":[{"limit":2000000,"window":90}],"window_type":"sliding"}`:                            "config.limits[0].limit: window_type sliding counts to 1048575 at most",
		`{"limits":[{"limit":2,"window":90}],"cost":3}`:                                                 "config.cost: 3 is more than the limit of 2 in config.limits[0].limit",
		`{"second":1,"minute":1,"hour":1,"day":1,"month":1,"year":1,"limits":[{"limit":1,"window":5}]}`: "config.limits[0]: there is no room",
		`{"limits":[{"limit":1,"window":1},{"limit":1,"window":2},{"limit":1,"window":3},{"limit":1,"window":4},{"limit":1,"window":5},{"limit":1,"window":6},{"limit":1,"window":7}]}`: "config.limits: at most 6 limits",
	} {
		_, err := compile(t, config)
		require.ErrorContains(t, err, want, config)
	}
	for _, config := range []string{
		`{"limits":[{"limit":1,"window":1},{"limit":1,"window":2},{"limit":1,"window":3},{"limit":1,"window":4},{"limit":1,"window":5},{"limit":1,"window":6}]}`,
		`{"second":1,"year":5,"limits":[{"limit":5,"window":2592000},{"limit":2,"window":90}],"window_type":"gcra"}`,
	} {
		_, err := compile(t, config)
		require.NoError(t, err, config)
	}
}

// TestOverridesOfWindows: limits of an override replace those over other windows too.
func TestOverridesOfWindows(t *testing.T) {
	one, err := compile(t, `{"limits":[{"limit":2,"window":30}],"overrides":[{"consumer":"1","minute":4}]}`)
	require.NoError(t, err)
	f := &facts.Facts{ClientIP: "192.0.2.1", Consumer: detect.Consumer{ID: "1"}}
	for range 4 {
		v := one.Judge(f)
		require.False(t, v.Denied)
		require.Contains(t, v.Response.Set, detect.Header{Name: "X-RateLimit-Limit-Minute", Value: "4"})
	}
	require.True(t, one.Judge(f).Denied)
}
