package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func itoa(n int) string { return strconv.Itoa(n) }

// deckWith returns a deck file with one route, /r, and the given plugins on it.
func deckWith(plugins string) string {
	return `
_format_version: "3.0"
consumers:
  - username: ann
    custom_id: ann-1
services:
  - name: api
    url: ${upstream}
    routes:
      - name: r
        paths: [/r]
        plugins:
` + plugins
}

const detectOnly = `
          - name: waf-detect
`

const formType = "application/x-www-form-urlencoded"

// TestDetectEverywhere sends an attack in every part of a request, and its harmless twin.
func TestDetectEverywhere(t *testing.T) {
	s := newSystem(t, deckWith(detectOnly))
	const (
		attack   = "' OR 1=1 -- "
		harmless = "Don't stop -- it's OR-some"
	)
	escape := strings.NewReplacer("'", "%27", " ", "%20", "=", "%3D").Replace
	padding := strings.Repeat("Lorem ipsum dolor sit amet. ", 600) // 16 KB: Kong hands over a file
	thousand := func() (headers []string) {
		for i := range 1000 {
			headers = append(headers, fmt.Sprintf("X-Pad-%d", i), "v")
		}
		return headers
	}
	for _, tc := range []struct {
		name string
		send func(value string) int
	}{
		{name: "query value", send: func(v string) int { return s.get(t, "/r?q="+escape(v)).Status }},
		{name: "query name", send: func(v string) int { return s.get(t, "/r?"+escape(v)+"=1").Status }},
		{name: "path segment", send: func(v string) int { return s.get(t, "/r/"+escape(v)+"/x").Status }},
		{name: "header", send: func(v string) int { return s.get(t, "/r", "X-Name", v).Status }},
		{name: "cookie", send: func(v string) int { return s.get(t, "/r", "Cookie", "a=b; name="+escape(v)).Status }},
		{name: "query of the Referer", send: func(v string) int { return s.get(t, "/r", "Referer", "https://x.example/a?q="+escape(v)).Status }},
		{name: "form", send: func(v string) int {
			return s.send(t, "POST", "/r", "a=1&b="+escape(v), "Content-Type", formType).Status
		}},
		{name: "JSON", send: func(v string) int {
			return s.send(t, "POST", "/r", `{"a":[{"b":"`+v+`"}]}`, "Content-Type", "application/json").Status
		}},
		{name: "JSON declared as a form", send: func(v string) int { return s.send(t, "POST", "/r", `{"a":"`+v+`"}`, "Content-Type", formType).Status }},
		{name: "body of a GET", send: func(v string) int { return s.send(t, "GET", "/r", "a="+escape(v), "Content-Type", formType).Status }},
		{name: "no content type", send: func(v string) int { return s.send(t, "PUT", "/r", "a="+escape(v)).Status }},
		{name: "body in a file", send: func(v string) int {
			return s.send(t, "POST", "/r", "a="+strings.ReplaceAll(padding, " ", "+")+"&b="+escape(v), "Content-Type", formType).Status
		}},
		{name: "beside a header that is not UTF-8", send: func(v string) int { return s.get(t, "/r", "X-Bin", "\xff\xfe", "X-Name", v).Status }},
		{name: "in a target that is not UTF-8", send: func(v string) int { return s.get(t, "/r?z=%ff&q="+escape(v)+"\xff").Status }},
		{name: "chunked", send: func(v string) int {
			body := "a=" + escape(v)
			raw := fmt.Sprintf("POST /r HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", formType, len(body), body)
			return s.raw(t, raw)
		}},
		{name: "HTTP/2 without a length", send: func(v string) int {
			// A reader of unknown length: no Content-Length is sent.
			request, err := http.NewRequest("POST", "http://"+s.Addr+"/r", struct{ *strings.Reader }{strings.NewReader("a=" + escape(v))})
			require.NoError(t, err)
			request.Header.Set("Content-Type", formType)
			answer, err := http2().Do(request)
			require.NoError(t, err)
			readAll(t, answer.Body)
			return answer.StatusCode
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.upstream.Take()
			require.Equal(t, 403, tc.send(attack))
			require.Empty(t, s.upstream.Take(), "the attack reached the upstream")
			require.Equal(t, 200, tc.send(harmless), "the harmless twin")
			require.Len(t, s.upstream.Take(), 1)
		})
	}
	t.Run("behind 1,000 headers", func(t *testing.T) {
		require.Equal(t, 403, s.get(t, "/r", append(thousand(), "X-Name", attack)...).Status)
		require.Equal(t, 200, s.get(t, "/r", thousand()[:400]...).Status, "200 headers are many, but not hiding any")
	})
}

func TestUpstreamReceivesWhatWasSent(t *testing.T) {
	s := newSystem(t, deckWith(detectOnly))
	body := `{"name":"Ann","note":"it's fine"}`
	s.send(t, "POST", "/r/x%20y?q=%C3%A9&r", body, "Content-Type", "application/json", "X-Bin", "\xff")
	got := s.upstream.Take()
	require.Len(t, got, 1)
	require.Equal(t, "/x%20y?q=%C3%A9&r", got[0].Target)
	require.Equal(t, body, got[0].Body)
	require.Equal(t, "\xff", got[0].Headers.Get("X-Bin"))
}

const gateOnly = `
          - name: waf-gate
            config:
              checks: [rate-limiting, key-auth, detect, ip-restriction]
              ip_restriction: {deny: [198.51.100.0/24], address_source: both}
              key_auth: {hide_credentials: true, credentials: [{key: k, consumer: ann}]}
              rate_limiting: {year: 2}
`

// TestGate: all four checks in one event, in their fixed order whatever the config says.
func TestGate(t *testing.T) {
	s := newSystem(t, deckWith(gateOnly))
	ok := s.get(t, "/r?apikey=k&a=1", "X-Consumer-Username", "root", "X-Anonymous-Consumer", "true")
	require.Equal(t, 200, ok.Status)
	require.Equal(t, "1", ok.Headers.Get("X-RateLimit-Remaining-Year"))
	got := s.upstream.Take()[0]
	require.Equal(t, "/?a=1", got.Target, "the key is hidden")
	require.Equal(t, []string{"ann"}, got.Headers.Values("X-Consumer-Username"))
	require.Empty(t, got.Headers.Values("X-Anonymous-Consumer"))

	attack := s.get(t, "/r?apikey=k&a=%27+or+1%3D1--+")
	require.Equal(t, 403, attack.Status)
	require.Empty(t, attack.Headers.Get("X-RateLimit-Remaining-Year"), "an attack is not counted")
	keyless := s.get(t, "/r")
	require.Equal(t, 401, keyless.Status)
	require.Equal(t, "Key", keyless.Headers.Get("WWW-Authenticate"))
	require.Equal(t, 200, s.get(t, "/r", "apikey", "k").Status)
	require.Equal(t, 429, s.get(t, "/r", "apikey", "k").Status)
}

// TestGRPCRefusals: a gRPC client understands only a gRPC status.
func TestGRPCRefusals(t *testing.T) {
	s := newSystem(t, deckWith(gateOnly))
	call := func(key, message string) *http.Response {
		frame := append([]byte{0, 0, 0, 0, byte(len(message) + 2), 0x0a, byte(len(message))}, message...)
		request, err := http.NewRequest("POST", "http://"+s.Addr+"/r/pkg.Service/Method", strings.NewReader(string(frame)))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("TE", "trailers")
		if key != "" {
			request.Header.Set("apikey", key)
		}
		answer, err := http2().Do(request)
		require.NoError(t, err)
		readAll(t, answer.Body)
		return answer
	}
	for _, tc := range []struct {
		name, key, message, status, text string
	}{
		{name: "no key", message: "hello", status: "16", text: "No API key found in request"},
		{name: "attack", key: "k", message: "' OR 1=1 -- ", status: "7", text: "Request blocked"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer := call(tc.key, tc.message)
			require.Equal(t, 200, answer.StatusCode)
			require.Equal(t, "application/grpc", answer.Header.Get("Content-Type"))
			require.Equal(t, tc.status, answer.Header.Get("grpc-status"))
			require.Equal(t, tc.text, answer.Header.Get("grpc-message"))
		})
	}
	require.Empty(t, s.upstream.Take())
}

// TestLimitIsExact: with 64 callers at once, a limit of 50 admits 50. Kong's own lets more
// through, because it counts after it has looked.
func TestLimitIsExact(t *testing.T) {
	s := newSystem(t, deckWith(`
          - name: waf-rate-limiting
            config: {year: 50, limit_by: header, header_name: x-tenant}
`))
	var admitted, refused atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 5 {
				switch s.get(t, "/r", "X-Tenant", "a").Status {
				case 200:
					admitted.Add(1)
				case 429:
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 50, admitted.Load())
	require.EqualValues(t, 64*5-50, refused.Load())
	require.Equal(t, 200, s.get(t, "/r", "X-Tenant", "b").Status, "another tenant has its own count")
}

// TestBadConfigIsAnsweredByThePolicy: Kong cannot be told that a config is wrong, so the
// instance starts and its policy answers. The log says what to write.
func TestBadConfigIsAnsweredByThePolicy(t *testing.T) {
	for _, tc := range []struct {
		name, config string
		want         int
		log          string
	}{
		{name: "limits fail open", config: "waf-rate-limiting\n            config: {minute: 5, hour: 1}", want: 200, log: "config.hour"},
		{name: "unless told otherwise", config: "waf-rate-limiting\n            config: {minute: 5, hour: 1, on_error: deny}", want: 500, log: "config.hour"},
		{name: "addresses fail closed", config: "waf-ip-restriction\n            config: {allow: [10.0.0.0/33]}", want: 500, log: `config.allow[0]`},
		{name: "the gate fails as its strictest check", config: "waf-gate\n            config: {checks: [detect, ip-restriction], ip_restriction: {allow: [10.0.0.0/33]}}", want: 500, log: "config.ip_restriction.allow[0]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSystem(t, deckWith("          - name: "+tc.config+"\n"))
			for range 3 {
				answer := s.get(t, "/r")
				require.Equal(t, tc.want, answer.Status)
				if tc.want == 500 {
					require.Contains(t, answer.Body, "An unexpected error occurred")
				}
			}
			require.Contains(t, s.logs.String(), tc.log)
			require.Equal(t, 1, strings.Count(s.logs.String(), "10.0.0.0/33")+strings.Count(s.logs.String(), "must not be lower"), "said once")
		})
	}
}
