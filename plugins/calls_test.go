package plugins_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/wire"
	"kongwaf/plugins"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// goodRequest answers as Kong does for a good request with a key, with or without a body.
func goodRequest(body bool) *kongtest.Kong {
	return &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch c.Method {
		case "kong.nginx.get_var":
			return raw.String("POST /a?b=c HTTP/1.1")
		case "kong.request.get_headers":
			headers := header("host", "x") + header("apikey", "secret")
			if body {
				headers += header("content-length", "3") + header("content-type", "application/x-www-form-urlencoded")
			}
			return []byte(headers)
		case "kong.request.get_raw_body":
			return raw.AppendBytes(nil, 1, "a=b")
		case "kong.client.get_forwarded_ip", "kong.client.get_ip":
			return raw.String("203.0.113.9")
		case "kong.client.load_consumer":
			return raw.AppendBytes(raw.AppendBytes(nil, 1, "def4f7d3-9863-5ad2-8fa9-c949bf26f55e"), 3, "ann")
		}
		return nil
	}}
}

// header is one header as get_headers answers it: a string value, not a list.
func header(name, value string) string {
	return string(raw.AppendBytes(nil, 1, string(raw.AppendBytes(
		raw.AppendBytes(nil, 1, name), 2, string(raw.AppendBytes(nil, 3, value))))))
}

// TestCallsPerEvent: Kong pays for every call, so each plugin makes as few as it can.
func TestCallsPerEvent(t *testing.T) {
	const keys = `"credentials":[{"key":"secret","consumer":"ann"}]`
	for _, tc := range []struct {
		name, plugin, config string
		body                 bool
		calls                int
	}{
		{name: "an address", plugin: "waf-ip-restriction", config: `{"deny":["198.51.100.1"]}`, calls: 1},
		{name: "limits by consumer", plugin: "waf-rate-limiting", config: `{"minute":100}`, calls: 4},
		{name: "limits by address", plugin: "waf-rate-limiting", config: `{"minute":100,"limit_by":"ip"}`, calls: 2},
		{name: "a key", plugin: "waf-key-auth", config: `{` + keys + `}`, calls: 4},
		{name: "attacks", plugin: "waf-detect", config: `{}`, calls: 3},
		{name: "attacks, with a body", plugin: "waf-detect", config: `{}`, body: true, calls: 4},
		{name: "the gate, all four", plugin: "waf-gate", calls: 6,
			config: `{"checks":["ip-restriction","detect","key-auth","rate-limiting"],"ip_restriction":{"deny":["198.51.100.1"]},"key_auth":{` + keys + `},"rate_limiting":{"minute":100}}`},
		{name: "the gate, all four, with a body", plugin: "waf-gate", body: true, calls: 7,
			config: `{"checks":["ip-restriction","detect","key-auth","rate-limiting"],"ip_restriction":{"deny":["198.51.100.1"]},"key_auth":{` + keys + `},"rate_limiting":{"minute":100}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, p := range plugins.All(plugins.NewShared(slog.New(slog.DiscardHandler))) {
				if p.Name != tc.plugin {
					continue
				}
				require.True(t, json.Valid([]byte(tc.config)))
				instance, err := p.New([]byte(tc.config))
				require.NoError(t, err)
				instance.Handle("access", goodRequest(tc.body).PDK()) // loads the consumer
				kong := goodRequest(tc.body)
				instance.Handle("access", kong.PDK())
				require.False(t, kong.Closed, "refused: %v", kong.Calls)
				require.Len(t, kong.Calls, tc.calls, "%v", kong.Calls)
				ahead := len(instance.Prefetch("access"))
				require.LessOrEqual(t, ahead, tc.calls)
				return
			}
			t.Fatal("no such plugin")
		})
	}
}
