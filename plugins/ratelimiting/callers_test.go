package ratelimiting

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// judge asks a check about a request with these headers, as Kong has them.
func judge(t *testing.T, one *check.Check, headers map[string]string, known facts.Facts) detect.Verdict {
	t.Helper()
	kong := &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch c.Method {
		case "kong.request.get_header":
			return raw.String(headers[raw.Text(string(c.Args))])
		case "kong.client.get_forwarded_ip":
			return raw.String(known.ClientIP)
		case "kong.client.get_credential":
			return raw.String(known.Credential)
		case "kong.request.get_path":
			return raw.String(known.Path)
		}
		return nil
	}}
	f, err := facts.Read(raw.PDK(kong.PDK()), one.Need, &facts.Packed{}, 0)
	require.NoError(t, err)
	if one.Need.Kinds&facts.Consumer != 0 { // or else nobody asks
		f.Consumer = known.Consumer
	}
	return one.Judge(f)
}

// TestLimitByAll: requests are counted together that are alike in everything.
func TestLimitByAll(t *testing.T) {
	ann, bob := detect.Consumer{ID: "1"}, detect.Consumer{ID: "2"}
	type request struct {
		facts.Facts
		tenant string
	}
	for _, tc := range []struct {
		name, config  string
		first, second request
		together      bool
	}{
		{name: "a consumer from one address", config: `"limit_by_all":["consumer","ip"]`, first: request{Facts: facts.Facts{Consumer: ann, ClientIP: "192.0.2.1"}}, second: request{Facts: facts.Facts{Consumer: ann, ClientIP: "192.0.2.1"}}, together: true},
		{name: "and from another", config: `"limit_by_all":["consumer","ip"]`, first: request{Facts: facts.Facts{Consumer: ann, ClientIP: "192.0.2.1"}}, second: request{Facts: facts.Facts{Consumer: ann, ClientIP: "192.0.2.2"}}},
		{name: "somebody else from there", config: `"limit_by_all":["consumer","ip"]`, first: request{Facts: facts.Facts{Consumer: ann, ClientIP: "192.0.2.1"}}, second: request{Facts: facts.Facts{Consumer: bob, ClientIP: "192.0.2.1"}}},
		{name: "header and path", config: `"limit_by_all":["header","path"],"header_name":"x-tenant","path":"/a"`, first: request{Facts: facts.Facts{Path: "/a", ClientIP: "192.0.2.1"}, tenant: "t"}, second: request{Facts: facts.Facts{Path: "/a", ClientIP: "192.0.2.2"}, tenant: "t"}, together: true},
		{name: "another tenant", config: `"limit_by_all":["header","path"],"header_name":"x-tenant","path":"/a"`, first: request{Facts: facts.Facts{Path: "/a", ClientIP: "192.0.2.1"}, tenant: "t"}, second: request{Facts: facts.Facts{Path: "/a", ClientIP: "192.0.2.1"}, tenant: "u"}},
		{name: "a part that is not known is the address", config: `"limit_by_all":["header","path"],"header_name":"x-tenant","path":"/a"`, first: request{Facts: facts.Facts{Path: "/b", ClientIP: "192.0.2.1"}, tenant: "t"}, second: request{Facts: facts.Facts{Path: "/c", ClientIP: "192.0.2.1"}, tenant: "t"}, together: true},
		{name: "and not the path", config: `"limit_by_all":["header","path"],"header_name":"x-tenant","path":"/a"`, first: request{Facts: facts.Facts{Path: "/b", ClientIP: "192.0.2.1"}, tenant: "t"}, second: request{Facts: facts.Facts{Path: "/a", ClientIP: "192.0.2.1"}, tenant: "t"}},
		{name: "limit_by is not asked", config: `"limit_by":"ip","limit_by_all":["header"],"header_name":"x-tenant"`, first: request{Facts: facts.Facts{ClientIP: "192.0.2.1"}, tenant: "t"}, second: request{Facts: facts.Facts{ClientIP: "192.0.2.1"}, tenant: "u"}},
		{name: "one of one is the same as limit_by", config: `"limit_by_all":["ip"]`, first: request{Facts: facts.Facts{ClientIP: "192.0.2.1"}}, second: request{Facts: facts.Facts{ClientIP: "192.0.2.1"}}, together: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			one, err := compile(t, `{"minute":1,`+tc.config+`}`)
			require.NoError(t, err)
			require.False(t, judge(t, &one, map[string]string{"x-tenant": tc.first.tenant}, tc.first.Facts).Denied)
			require.Equal(t, tc.together, judge(t, &one, map[string]string{"x-tenant": tc.second.tenant}, tc.second.Facts).Denied)
		})
	}
}

// TestFallback: what a request gets whose caller is not known.
func TestFallback(t *testing.T) {
	for config, want := range map[string][3]int{ // statuses of two requests without the header, and one with it
		`{"minute":1,"limit_by":"header","header_name":"x-tenant"}`:                                          {0, 429, 0},
		`{"minute":1,"limit_by":"header","header_name":"x-tenant","fallback":"ip"}`:                          {0, 429, 0},
		`{"minute":1,"limit_by":"header","header_name":"x-tenant","fallback":"deny"}`:                        {403, 403, 0},
		`{"minute":1,"limit_by":"header","header_name":"x-tenant","fallback":"none"}`:                        {0, 0, 0},
		`{"minute":1,"limit_by_all":["ip","header"],"header_name":"x-tenant","fallback":"deny"}`:             {403, 403, 0},
		`{"minute":1,"limit_by_all":["ip","header"],"header_name":"x-tenant","fallback":"none"}`:             {0, 0, 0},
		`{"minute":1,"limit_by":"path","path":"/a","fallback":"none","header_name":"x-tenant"}`:              {0, 0, 0},
		`{"minute":1,"limit_by":"consumer","fallback":"deny","header_name":"x-tenant","error_code":503}`:     {403, 403, 403},
		`{"minute":1,"limit_by_all":["consumer"],"fallback":"ip","header_name":"x-tenant","error_code":503}`: {0, 503, 503},
	} {
		one, err := compile(t, config)
		require.NoError(t, err)
		for n, status := range want {
			tenant := ""
			if n == 2 {
				tenant = "t"
			}
			v := judge(t, &one, map[string]string{"x-tenant": tenant}, facts.Facts{ClientIP: "192.0.2.1", Path: "/b"})
			require.False(t, v.Failed)
			require.Equal(t, status, v.Status, "%s, request %d", config, n)
			if status == 403 {
				require.Equal(t, "The caller is not known", v.Message)
				require.Equal(t, grpcPermissionDenied, v.GRPC)
				require.Empty(t, v.Response.Set, "no limits are told")
			}
		}
	}
}

// TestOverrides: limits for some callers; the first that fits counts.
func TestOverrides(t *testing.T) {
	const config = `{"minute":1,"limit_by_all":["header","ip"],"header_name":"x-tenant","overrides":[
		{"consumer":"ann","minute":2},
		{"consumer_tag":"gold","minute":4,"hour":5},
		{"credential":"k1","minute":3},
		{"header_value":"big","minute":6},
		{"consumer":"id-of-bob","unlimited":true}]}`
	for n, tc := range []struct {
		name   string
		who    facts.Facts
		tenant string
		want   int // admitted of 10
	}{
		{name: "nobody special", want: 1},
		{name: "by username", who: facts.Facts{Consumer: detect.Consumer{ID: "1", Username: "ann"}}, want: 2},
		{name: "by id", who: facts.Facts{Consumer: detect.Consumer{ID: "id-of-bob", Username: "bob"}}, want: 10},
		{name: "by a tag", who: facts.Facts{Consumer: detect.Consumer{ID: "2", Tags: []string{"eu", "gold"}}}, want: 4},
		{name: "the first one counts", who: facts.Facts{Consumer: detect.Consumer{ID: "1", Username: "ann", Tags: []string{"gold"}}}, tenant: "big", want: 2},
		{name: "by credential", who: facts.Facts{Credential: "k1"}, want: 3},
		{name: "by a header's value", tenant: "big", want: 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			one, err := compile(t, config)
			require.NoError(t, err)
			tc.who.ClientIP = "192.0.2." + string(rune('1'+n))
			got := 0
			for range 10 {
				if v := judge(t, &one, map[string]string{"x-tenant": tc.tenant}, tc.who); !v.Denied {
					require.False(t, v.Failed, v.Reason)
					got++
				}
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// TestUnlimitedNeedNotBeKnown: whom nobody counts is not refused for what he would be counted by.
func TestUnlimitedNeedNotBeKnown(t *testing.T) {
	one, err := compile(t, `{"minute":1,"limit_by":"header","header_name":"x-tenant","fallback":"deny","overrides":[{"consumer":"ann","unlimited":true}]}`)
	require.NoError(t, err)
	require.False(t, judge(t, &one, nil, facts.Facts{Consumer: detect.Consumer{ID: "1", Username: "ann"}}).Denied)
	require.True(t, judge(t, &one, nil, facts.Facts{Consumer: detect.Consumer{ID: "2", Username: "bob"}}).Denied)
}

func TestBadCallers(t *testing.T) {
	for config, want := range map[string]string{
		`"limit_by_all":["header"]`:                                             "config.header_name",
		`"limit_by_all":["path"]`:                                               "config.path",
		`"limit_by_all":["ip","ip"]`:                                            "config.limit_by_all[1]: ip is there twice",
		`"limit_by_all":["adress"]`:                                             "config.limit_by_all",
		`"limit_by_all":"ip"`:                                                   "config.limit_by_all",
		`"fallback":"allow"`:                                                    "config.fallback",
		`"overrides":[{"minute":1}]`:                                            "config.overrides[0]: set exactly one of consumer, consumer_tag, credential, header_value",
		`"overrides":[{"consumer":"a","credential":"b","minute":1}]`:            "config.overrides[0]: set exactly one",
		`"overrides":[{"consumer":"a"}]`:                                        "config.overrides[0]: set at least one of second",
		`"overrides":[{"consumer":"a","minute":2,"hour":1}]`:                    "config.overrides[0].hour: 1 is lower than minute's 2",
		`"overrides":[{"consumer":"a","minute":0}]`:                             "config.overrides[0].minute",
		`"overrides":[{"consumer":"a","minute":2,"burst":1}]`:                   "config.overrides[0].burst: only window_type gcra",
		`"overrides":[{"consumer":"a","minute":2,"unlimited":true}]`:            "config.overrides[0].unlimited",
		`"overrides":[{"consumer":"a","minute":2},{"consumer":"a","minute":3}]`: `config.overrides[1]: "a" is in config.overrides[0] too`,
		`"overrides":[{"header_value":"a","minute":2}]`:                         "config.overrides[0].header_value: set config.header_name",
		`"cost":3,"overrides":[{"consumer":"a","minute":2}]`:                    "config.cost: 3 is more than the limit of 2 in config.overrides[0].minute",
	} {
		_, err := compile(t, `{"minute":5,`+config+`}`)
		require.ErrorContains(t, err, want, config)
	}
}
