package ratelimiting

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

func compile(t *testing.T, config string) (check.Check, error) {
	t.Helper()
	c := &Config{}
	if err := Definition().Schema().Decode([]byte(config), c); err != nil {
		return check.Check{}, err
	}
	shared := check.NewShared(slog.New(slog.DiscardHandler))
	shared.Now = func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }
	return c.Check(check.Env{Shared: shared}, "config")
}

// TestCountedTogether: of two requests, the second is refused if both count as one caller.
func TestCountedTogether(t *testing.T) {
	ann := detect.Consumer{ID: "1"}
	for _, tc := range []struct {
		name, config  string
		first, second facts.Facts
		together      bool
	}{
		{name: "the same consumer elsewhere", config: `{"minute":1}`, first: facts.Facts{Consumer: ann, ClientIP: "192.0.2.1"}, second: facts.Facts{Consumer: ann, ClientIP: "192.0.2.2"}, together: true},
		{name: "a credential without a consumer", config: `{"minute":1}`, first: facts.Facts{Credential: "c", ClientIP: "192.0.2.1"}, second: facts.Facts{Credential: "c", ClientIP: "192.0.2.2"}, together: true},
		{name: "nobody: by address", config: `{"minute":1}`, first: facts.Facts{ClientIP: "192.0.2.1"}, second: facts.Facts{ClientIP: "192.0.2.2"}},
		{name: "nobody, the same address", config: `{"minute":1}`, first: facts.Facts{ClientIP: "192.0.2.1"}, second: facts.Facts{ClientIP: "192.0.2.1"}, together: true},
		{name: "by address, whoever it is", config: `{"minute":1,"limit_by":"ip"}`, first: facts.Facts{Consumer: ann, ClientIP: "192.0.2.1"}, second: facts.Facts{ClientIP: "192.0.2.1"}, together: true},
		{name: "one customer's IPv6 network", config: `{"minute":1}`, first: facts.Facts{ClientIP: "2001:db8:1:2:3::4"}, second: facts.Facts{ClientIP: "2001:db8:1:2:ffff::1"}, together: true},
		{name: "the next customer's", config: `{"minute":1}`, first: facts.Facts{ClientIP: "2001:db8:1:2:3::4"}, second: facts.Facts{ClientIP: "2001:db8:1:3:3::4"}},
		{name: "a wider network", config: `{"minute":1,"limit_by":"ip","ipv6_prefix":48}`, first: facts.Facts{ClientIP: "2001:db8:1:2:3::4"}, second: facts.Facts{ClientIP: "2001:db8:1:3:3::4"}, together: true},
		{name: "each IPv6 address by itself", config: `{"minute":1,"ipv6_prefix":128}`, first: facts.Facts{ClientIP: "2001:db8:1:2::4"}, second: facts.Facts{ClientIP: "2001:db8:1:2::5"}},
		{name: "IPv4 has no such networks", config: `{"minute":1,"ipv6_prefix":1}`, first: facts.Facts{ClientIP: "192.0.2.1"}, second: facts.Facts{ClientIP: "192.0.2.2"}},
		{name: "nor in IPv6 form", config: `{"minute":1,"ipv6_prefix":1}`, first: facts.Facts{ClientIP: "::ffff:192.0.2.1"}, second: facts.Facts{ClientIP: "::ffff:192.0.2.2"}},
		{name: "by service", config: `{"minute":1,"limit_by":"service"}`, first: facts.Facts{ServiceID: "s", ClientIP: "192.0.2.1"}, second: facts.Facts{ServiceID: "s", ClientIP: "192.0.2.2"}, together: true},
		{name: "by path", config: `{"minute":1,"limit_by":"path","path":"/a"}`, first: facts.Facts{Path: "/a", ClientIP: "192.0.2.1"}, second: facts.Facts{Path: "/a", ClientIP: "192.0.2.2"}, together: true},
		{name: "another path: by address", config: `{"minute":1,"limit_by":"path","path":"/a"}`, first: facts.Facts{Path: "/b", ClientIP: "192.0.2.1"}, second: facts.Facts{Path: "/b", ClientIP: "192.0.2.2"}},
		{name: "a consumer is no address of the same text", config: `{"minute":1}`, first: facts.Facts{Consumer: detect.Consumer{ID: "192.0.2.1"}, ClientIP: "192.0.2.9"}, second: facts.Facts{ClientIP: "192.0.2.1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			one, err := compile(t, tc.config)
			require.NoError(t, err)
			require.False(t, one.Judge(&tc.first).Denied)
			require.Equal(t, tc.together, one.Judge(&tc.second).Denied)
		})
	}
}

// TestWindowTypes: each way of counting counts, and callers of one are not those of another.
func TestWindowTypes(t *testing.T) {
	shared := check.NewShared(slog.New(slog.DiscardHandler))
	now := time.Date(2026, 3, 4, 5, 6, 59, 0, time.UTC)
	shared.Now = func() time.Time { return now }
	for _, tc := range []struct {
		config string
		want   [2]int // admitted at once, and two seconds later, in the next minute
		retry  string
	}{
		{config: `{"minute":30}`, want: [2]int{30, 30}, retry: "59"},
		{config: `{"minute":30,"window_type":"sliding"}`, want: [2]int{30, 0}, retry: "59"},
		{config: `{"minute":30,"window_type":"gcra"}`, want: [2]int{30, 1}, retry: "2"},
		{config: `{"minute":30,"window_type":"gcra","burst":4}`, want: [2]int{4, 1}, retry: "2"},
	} {
		now = time.Date(2026, 3, 4, 5, 6, 59, 0, time.UTC)
		c := &Config{}
		require.NoError(t, Definition().Schema().Decode([]byte(tc.config), c))
		one, err := c.Check(check.Env{Shared: shared, Meta: check.Meta{RouteID: tc.config}}, "config")
		require.NoError(t, err)
		var got [2]int
		for i := range got {
			for range 40 {
				v := one.Judge(&facts.Facts{ClientIP: "192.0.2.1"})
				if !v.Denied {
					got[i]++
				} else if i == 1 {
					require.Contains(t, v.Response.Set, detect.Header{Name: "Retry-After", Value: tc.retry}, tc.config)
				}
			}
			now = now.Add(2 * time.Second)
		}
		require.Equal(t, tc.want, got, tc.config)
	}
}

// TestCost: a request counts for as many as the config or a header says.
func TestCost(t *testing.T) {
	for _, tc := range []struct {
		name, config string
		headers      [][2]string // as an earlier plugin has left them
		want         int         // admitted
	}{
		{name: "constant", config: `{"minute":10,"cost":4}`, want: 2},
		{name: "header", config: `{"minute":10,"cost":4,"cost_header":"x-cost"}`, headers: [][2]string{{"x-cost", "5"}}, want: 2},
		{name: "no such header", config: `{"minute":10,"cost":4,"cost_header":"x-cost"}`, want: 2},
		{name: "not a number", config: `{"minute":10,"cost_header":"x-cost"}`, headers: [][2]string{{"x-cost", "-5"}}, want: 10},
		{name: "nothing is for nothing", config: `{"minute":10,"cost_header":"x-cost"}`, headers: [][2]string{{"x-cost", "0"}}, want: 10},
		{name: "more than the limit", config: `{"minute":10,"cost_header":"x-cost"}`, headers: [][2]string{{"x-cost", "11"}}},
		{name: "more than a counter holds", config: `{"minute":10,"cost_header":"x-cost","window_type":"gcra"}`, headers: [][2]string{{"x-cost", "18446744073709551615"}}},
		{name: "header, by another header", config: `{"minute":10,"cost_header":"x-cost","limit_by":"header","header_name":"x-tenant"}`, headers: [][2]string{{"x-cost", "3"}, {"x-tenant", "a"}}, want: 3},
		{name: "gcra", config: `{"minute":10,"cost":5,"window_type":"gcra"}`, want: 2},
		{name: "gcra, more than the burst", config: `{"minute":10,"cost_header":"x-cost","window_type":"gcra","burst":4}`, headers: [][2]string{{"x-cost", "5"}}},
		{name: "sliding", config: `{"minute":10,"cost":3,"window_type":"sliding"}`, want: 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			one, err := compile(t, tc.config)
			require.NoError(t, err)
			kong := &kongtest.Kong{Answer: func(c wire.Call) []byte {
				reply := ""
				for _, h := range tc.headers {
					if c.Method == "kong.request.get_header" && raw.Text(string(c.Args)) == h[0] {
						return raw.String(h[1])
					}
					reply += string(raw.Headers(map[string][]string{h[0]: {h[1]}}))
				}
				switch c.Method {
				case "kong.request.get_headers":
					return []byte(reply)
				case "kong.client.get_forwarded_ip":
					return raw.String("192.0.2.1")
				}
				return nil
			}}
			got := 0
			for range 12 {
				f, err := facts.Read(raw.PDK(kong.PDK()), one.Need, &facts.Packed{}, 0)
				require.NoError(t, err)
				if v := one.Judge(f); !v.Denied {
					require.False(t, v.Failed, v.Reason)
					got++
				}
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestRefusal(t *testing.T) {
	one, err := compile(t, `{"minute":1,"error_code":503,"error_message":"slow down"}`)
	require.NoError(t, err)
	f := &facts.Facts{ClientIP: "192.0.2.1"}
	one.Judge(f)
	v := one.Judge(f)
	require.True(t, v.Denied)
	require.Equal(t, 503, v.Status)
	require.Equal(t, "slow down", v.Message)
	require.Equal(t, grpcResourceExhausted, v.GRPC, "a gRPC caller is told why, whatever the status")
	require.Contains(t, v.Response.Set, detect.Header{Name: "Retry-After", Value: "53"})
}

func TestFractionAdmitsOneMore(t *testing.T) {
	one, err := compile(t, `{"minute":1.5}`)
	require.NoError(t, err)
	f := &facts.Facts{ClientIP: "192.0.2.1"}
	require.False(t, one.Judge(f).Denied)
	require.False(t, one.Judge(f).Denied, "Kong admits while usage is below the limit")
	require.True(t, one.Judge(f).Denied)
}

func TestNobodyKnownIsAFailure(t *testing.T) {
	one, err := compile(t, `{"minute":1}`)
	require.NoError(t, err)
	require.True(t, one.Judge(&facts.Facts{}).Failed)
}

func TestBadConfig(t *testing.T) {
	for config, want := range map[string]string{
		`{}`:                                                   "at least one of",
		`{"minute":5,"hour":4}`:                                "config.hour: 4 is lower than minute's 5",
		`{"minute":0}`:                                         "config.minute",
		`{"minute":5,"limit_by":"header"}`:                     "header_name",
		`{"minute":5,"limit_by":"path"}`:                       "path",
		`{"minute":5,"policy":"cluster"}`:                      "Kong's database",
		`{"minute":5,"policy":"redis"}`:                        "where Redis is",
		`{"minute":5,"limit_by":"consumers"}`:                  "config.limit_by",
		`{"minute":5,"cost":6}`:                                "config.cost: 6 is more than the limit of 5 in config.minute",
		`{"minute":5,"cost":3,"burst":2,"window_type":"gcra"}`: "config.burst: 2 is less than the cost of 3",
		`{"minute":5,"ipv6_prefix":0}`:                         "config.ipv6_prefix",
		`{"minute":5,"sync_rate":-0.5}`:                        "config.sync_rate: -0.5 is neither -1 (every request is decided in Redis) nor a number of seconds from 0.01",
		`{"minute":5,"sync_rate":1e300}`:                       "config.sync_rate",
		`{"minute":5,"window_type":"leaky"}`:                   "config.window_type",
		`{"minute":5,"burst":2}`:                               "config.burst: only window_type gcra has a burst, not fixed",
		`{"minute":5,"window_type":"gcra","burst":0}`:          "config.burst",
		`{"minute":5,"hour":1048576,"window_type":"sliding"}`:  "config.hour: window_type sliding counts to 1048575 at most, not 1048576",
	} {
		_, err := compile(t, config)
		require.ErrorContains(t, err, want, config)
	}
}

// TestRepeatedEventIsCountedOnce: Kong repeats an event in which the process died.
func TestRepeatedEventIsCountedOnce(t *testing.T) {
	one, err := compile(t, `{"minute":2}`)
	require.NoError(t, err)
	request := func(id string) *facts.Facts { return &facts.Facts{ClientIP: "192.0.2.1", RequestID: id} }
	for range 3 {
		require.False(t, one.Judge(request("a")).Denied)
	}
	require.False(t, one.Judge(request("b")).Denied, "a was counted once")
	require.True(t, one.Judge(request("c")).Denied)
	require.False(t, one.Judge(request("a")).Denied, "what was admitted stays admitted")
}
