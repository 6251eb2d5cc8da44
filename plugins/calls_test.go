package plugins_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire"
	"kongwaf/plugins"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// callRequest is a request as Kong knows it when the event comes.
type callRequest struct {
	line     string
	headers  [][2]string // as the client sent them
	put      [][2]string // what an earlier plugin has put beside them
	body     string
	consumer bool // an earlier plugin has authenticated the caller
}

// The variable's forms: not there, the old line, the whole head.
const (
	formNone = iota
	formShort
	formLong
	forms
)

// requestIDs counts requests: the limiter counts none twice.
var requestIDs atomic.Uint64

// kong answers as Kong does for the request, with the variable in one of its forms.
func (r callRequest) kong(form int) *kongtest.Kong {
	prefix := fmt.Sprintf("%032x 203.0.113.9 203.0.113.9 ", requestIDs.Add(1))
	return &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch c.Method {
		case "kong.nginx.get_var":
			switch name := raw.Text(string(c.Args)); {
			case name == "request":
				return raw.String(r.line)
			case name == "kong_waf" && form == formShort:
				return raw.String(prefix + r.line)
			case name == "kong_waf" && form == formLong:
				head := r.line + "\r\n"
				for _, h := range r.headers {
					head += h[0] + ": " + h[1] + "\r\n"
				}
				return raw.String(prefix + head + "\r\n")
			}
			return nil
		case "kong.request.get_headers":
			reply := ""
			for _, h := range append(r.headers[:len(r.headers):len(r.headers)], r.put...) {
				reply += header(strings.ToLower(h[0]), h[1])
			}
			return []byte(reply)
		case "kong.request.get_raw_body":
			return raw.AppendBytes(nil, 1, r.body)
		case "kong.client.get_forwarded_ip", "kong.client.get_ip":
			return raw.String("203.0.113.9")
		case "kong.client.get_consumer":
			if !r.consumer {
				return nil
			}
			fallthrough
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

var (
	keyed    = callRequest{line: "POST /a?b=c HTTP/1.1", headers: [][2]string{{"Host", "x"}, {"apikey", "secret"}}}
	keyless  = callRequest{line: "GET /a HTTP/1.1", headers: [][2]string{{"Host", "x"}}}
	known    = callRequest{line: keyless.line, headers: keyless.headers, consumer: true}
	attacked = callRequest{line: "GET /a?b=%27%20OR%201%3D1%20--%20 HTTP/1.1", headers: keyed.headers}
	forger   = callRequest{line: keyed.line, headers: append([][2]string{{"X_Consumer_ID", "evil"}}, keyed.headers...)}
	placed   = callRequest{line: keyless.line, headers: keyless.headers, put: [][2]string{{"apikey", "secret"}}}
	posted   = callRequest{line: keyed.line, body: "a=b", headers: append([][2]string{
		{"Content-Length", "3"}, {"Content-Type", "application/x-www-form-urlencoded"}}, keyed.headers...)}
)

// TestCallsPerEvent: Kong pays for every call, so each plugin makes as few as it can, in
// every outcome.
func TestCallsPerEvent(t *testing.T) {
	const (
		keys = `"credentials":[{"key":"secret","consumer":"ann"}]`
		four = `"checks":["ip-restriction","detect","key-auth","rate-limiting"],"ip_restriction":{"deny":["198.51.100.1"]},"key_auth":{` + keys + `}`
		gate = `{` + four + `,"rate_limiting":{"minute":100}}`
	)
	for _, tc := range []struct {
		name, plugin, config string
		request              callRequest
		refused              bool
		calls                [forms]int // without the variable, with its old form, with the head
	}{
		{name: "an address", plugin: "waf-ip-restriction", config: `{"deny":["198.51.100.1"]}`, request: keyless, calls: [forms]int{1, 1, 1}},
		{name: "both addresses", plugin: "waf-ip-restriction", config: `{"deny":["198.51.100.1"],"address_source":"both"}`, request: keyless, calls: [forms]int{2, 1, 1}},
		{name: "an address, refused", plugin: "waf-ip-restriction", config: `{"deny":["203.0.113.9"]}`, request: keyless, refused: true, calls: [forms]int{8, 6, 3}},

		{name: "limits by consumer", plugin: "waf-rate-limiting", config: `{"minute":100}`, request: known, calls: [forms]int{3, 3, 3}},
		{name: "limits by consumer, without one", plugin: "waf-rate-limiting", config: `{"minute":100}`, request: keyless, calls: [forms]int{4, 4, 4}},
		{name: "limits by address", plugin: "waf-rate-limiting", config: `{"minute":100,"limit_by":"ip"}`, request: keyless, calls: [forms]int{2, 2, 2}},
		{name: "limits by header", plugin: "waf-rate-limiting", config: `{"minute":100,"limit_by":"header","header_name":"x-t"}`, request: keyless, calls: [forms]int{3, 3, 3}},
		{name: "limits, not told", plugin: "waf-rate-limiting", config: `{"minute":100,"limit_by":"ip","hide_client_headers":true}`, request: keyless, calls: [forms]int{1, 1, 1}},
		{name: "limits, refused", plugin: "waf-rate-limiting", config: `{"year":1,"limit_by":"ip"}`, request: keyless, refused: true, calls: [forms]int{8, 6, 3}},

		{name: "a key", plugin: "waf-key-auth", config: `{` + keys + `}`, request: keyed, calls: [forms]int{4, 4, 3}},
		{name: "a key, beside a forged header", plugin: "waf-key-auth", config: `{` + keys + `}`, request: forger, calls: [forms]int{4, 4, 3}},
		{name: "a key from an earlier plugin", plugin: "waf-key-auth", config: `{` + keys + `}`, request: placed, calls: [forms]int{4, 4, 4}},
		{name: "no key", plugin: "waf-key-auth", config: `{` + keys + `}`, request: keyless, refused: true, calls: [forms]int{6, 4, 4}},
		{name: "no key, let in as anonymous", plugin: "waf-key-auth", config: `{` + keys + `,"anonymous":"ann"}`, request: keyless, calls: [forms]int{5, 5, 5}},

		{name: "no attack", plugin: "waf-detect", config: `{}`, request: keyed, calls: [forms]int{3, 2, 1}},
		{name: "no attack in a body", plugin: "waf-detect", config: `{}`, request: posted, calls: [forms]int{4, 3, 2}},
		{name: "an attack, refused", plugin: "waf-detect", config: `{}`, request: attacked, refused: true, calls: [forms]int{6, 4, 3}},
		{name: "an attack, reported", plugin: "waf-detect", config: `{"mode":"monitoring"}`, request: attacked, calls: [forms]int{5, 3, 2}},

		{name: "the gate, all four", plugin: "waf-gate", config: gate, request: keyed, calls: [forms]int{6, 5, 4}},
		{name: "the gate, all four, with a body", plugin: "waf-gate", config: gate, request: posted, calls: [forms]int{7, 6, 5}},
		{name: "the gate, an attack", plugin: "waf-gate", config: gate, request: attacked, refused: true, calls: [forms]int{6, 4, 3}},
		{name: "the gate, no key", plugin: "waf-gate", config: gate, request: keyless, refused: true, calls: [forms]int{6, 4, 4}},
		{name: "the gate, too many", plugin: "waf-gate", config: `{` + four + `,"rate_limiting":{"year":1}}`, request: keyed, refused: true, calls: [forms]int{6, 4, 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for form := range forms {
				instance := compile(t, tc.plugin, tc.config)
				instance.Handle("access", tc.request.kong(form).PDK()) // loads the consumer, learns the variable, counts
				ahead := len(instance.Prefetch("access"))
				kong := tc.request.kong(form)
				instance.Handle("access", kong.PDK())
				require.Equal(t, tc.refused, kong.Closed, "refused: %v", kong.Calls)
				require.Len(t, kong.Calls, tc.calls[form], "form %d: %v", form, kong.Calls)
				require.LessOrEqual(t, ahead, tc.calls[form])
			}
		})
	}
}

// compile starts an instance of a plugin.
func compile(t *testing.T, plugin, config string) pluginserver.Instance {
	t.Helper()
	require.True(t, json.Valid([]byte(config)))
	for _, p := range plugins.All(plugins.NewShared(slog.New(slog.DiscardHandler))) {
		if p.Name == plugin {
			instance, err := p.New([]byte(config))
			require.NoError(t, err)
			return instance
		}
	}
	t.Fatal("no such plugin")
	return nil
}

// TestEarlierPluginsCount: what plugins before ours have made of the headers is what keys
// and limits go by, whoever tells us what the client sent.
func TestEarlierPluginsCount(t *testing.T) {
	const keys = `{"credentials":[{"key":"secret","consumer":"ann"}]}`
	for _, tc := range []struct {
		name    string
		request callRequest
		refused bool
	}{
		{name: "put there", request: placed},
		{name: "put in the place of another", request: callRequest{line: keyless.line, headers: [][2]string{{"apikey", "old"}}, put: nil}, refused: true},
		{name: "nobody's", request: callRequest{line: keyless.line, headers: keyless.headers, put: [][2]string{{"apikey", "wrong"}}}, refused: true},
	} {
		for form := range forms {
			kong := tc.request.kong(form)
			compile(t, "waf-key-auth", keys).Handle("access", kong.PDK())
			require.Equal(t, tc.refused, kong.Closed, "%s, form %d: %v", tc.name, form, kong.Calls)
		}
	}
	replaced := callRequest{line: keyless.line, headers: [][2]string{{"apikey", "old"}}}
	kong := replaced.kong(formLong)
	answer := kong.Answer
	kong.Answer = func(c wire.Call) []byte {
		if c.Method == "kong.request.get_headers" {
			return []byte(header("apikey", "secret"))
		}
		return answer(c)
	}
	compile(t, "waf-key-auth", keys).Handle("access", kong.PDK())
	require.False(t, kong.Closed, "an old key that an earlier plugin has exchanged")

	// By its own X-Tenant a client could be a new one with every request.
	limit := compile(t, "waf-rate-limiting", `{"year":1,"limit_by":"header","header_name":"x-tenant"}`)
	for i, forged := range []string{"a", "b"} {
		kong := callRequest{line: keyless.line, headers: [][2]string{{"X-Tenant", forged}}}.kong(formLong)
		answer := kong.Answer
		kong.Answer = func(c wire.Call) []byte {
			if c.Method == "kong.request.get_header" {
				return raw.String("true tenant")
			}
			return answer(c)
		}
		limit.Handle("access", kong.PDK())
		require.Equal(t, i == 1, kong.Closed, "%v", kong.Calls)
	}
}
