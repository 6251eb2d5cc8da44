package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
)

// fixture is a gateway, an upstream and a toy plugin server.
type fixture struct {
	*gatewaytest.Rig
	up  *gatewaytest.Upstream
	toy *toyServer
}

// newFixture serves a deck file in which UPSTREAM stands for the upstream's address.
func newFixture(t *testing.T, deck string, plugins map[string]func(*toyEvent), change func(*gateway.Options)) *fixture {
	t.Helper()
	up, err := gatewaytest.NewUpstream()
	require.NoError(t, err)
	t.Cleanup(up.Close)
	deck = "_format_version: \"3.0\"\n" + strings.ReplaceAll(deck, "UPSTREAM", up.Addr)
	cfg, problems := declarative.Parse(declarative.Options{}, declarative.Source{Name: "test.yml", Data: []byte(deck)})
	require.NoError(t, problems.Err())
	f := &fixture{up: up, toy: newToyServer(t, plugins)}
	opts := gateway.Options{Config: cfg, Socket: f.toy.socket, Retries: 5, TempDir: t.TempDir(), EventTimeout: 10 * time.Second}
	priority := map[string]int{"first": 2000, "second": 1000, "third": 10}
	for name := range plugins {
		opts.Plugins = append(opts.Plugins, gateway.PluginInfo{Name: name, Priority: priority[name], Phases: []string{"access", "log"}})
	}
	if change != nil {
		change(&opts)
	}
	f.Rig, err = gatewaytest.NewRig(opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// dial returns a connection to the gateway, and a reader of it.
func (f *fixture) dial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", f.Addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

func (f *fixture) get(t *testing.T, target string, headers ...[2]string) *gatewaytest.Response {
	t.Helper()
	r, err := f.Do(gatewaytest.Request{Method: "GET", Target: target, Headers: append(gatewaytest.Headers{{"Host", "api.test"}}, headers...)})
	require.NoError(t, err)
	return r
}

func (f *fixture) one(t *testing.T) gatewaytest.Received {
	t.Helper()
	got := f.up.Take()
	require.Len(t, got, 1, "requests at the upstream")
	return got[0]
}

const plainDeck = `
services:
  - {name: up, url: "http://UPSTREAM", routes: [{name: a, paths: [/a]}]}
`

func TestUpstreamRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck, nil, func(o *gateway.Options) {
		o.TrustedIPs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.RealIPHeader = "X-Forwarded-For"
	})
	_, port, _ := net.SplitHostPort(f.Addr)
	r := f.get(t, "/a/x%20y?q=1&q=%ff", [2]string{"User-Agent", "test"}, [2]string{"X-Forwarded-For", "203.0.113.20"},
		[2]string{"X-Bin", "\xff\x01\x80"}, [2]string{"x-dup", "1"}, [2]string{"X-DUP", "2"}, [2]string{"Connection", "X-Hop"}, [2]string{"X-Hop", "1"})
	require.Equal(t, 200, r.Status)
	id := r.Headers.Get("X-Kong-Request-Id")
	require.Len(t, id, 32)
	got := f.one(t)
	require.Equal(t, "/x%20y?q=1&q=%ff", got.Target)
	// The order and the values that the recorded Kong sent.
	require.Equal(t, gatewaytest.Headers{
		{"Via", "1.1 kong/3.9.1"}, {"Host", f.up.Addr}, {"Connection", "keep-alive"},
		{"X-Forwarded-For", "203.0.113.20, 127.0.0.1"}, {"X-Forwarded-Proto", "http"}, {"X-Forwarded-Host", "api.test"},
		{"X-Forwarded-Port", port}, {"X-Forwarded-Path", "/a/x%20y"}, {"X-Forwarded-Prefix", "/a"},
		{"X-Real-IP", "203.0.113.20"}, {"X-Kong-Request-Id", id},
		{"User-Agent", "test"}, {"X-Bin", "\xff\x01\x80"}, {"x-dup", "1"}, {"X-DUP", "2"},
	}, got.Headers)
	names := []string{}
	for _, h := range r.Headers {
		names = append(names, h[0])
	}
	require.Equal(t, []string{"Date", "Content-Type", "Content-Length", "Connection", "Server", "X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency", "Via", "X-Kong-Request-Id"}, names)
	require.Equal(t, "BaseHTTP/0.6 Python/3.11.7", r.Headers.Get("Server"))
}

func TestRawBytesPass(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck, nil, nil)
	var headers [][2]string
	for i := range 1000 {
		headers = append(headers, [2]string{fmt.Sprintf("X-P%d", i), "1"})
	}
	headers = append(headers, [2]string{"X-Last", "\xfe'"})
	for _, row := range []struct{ name, target, want string }{
		{name: "a byte that is no UTF-8, escaped, in the query", target: "/a?q=%ff'", want: "/?q=%ff'"},
		{name: "raw bytes above 0x7f in the query", target: "/a?q=\xff\xc3\xa9", want: "/?q=\xff\xc3\xa9"},
		{name: "raw bytes in the path are escaped by Kong", target: "/a/\xc3\xa9", want: "/%C3%A9"},
		{name: "a broken escape in the query is nobody's business", target: "/a?q=%zz", want: "/?q=%zz"},
		{name: "an empty query stays", target: "/a?", want: "/?"},
		{name: "an absolute target", target: "http://other.test/a/b?c", want: "/b?c"},
		{name: "an encoded slash stays encoded", target: "/a/%2f%2E", want: "/%2F."},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.Equal(t, 200, f.get(t, row.target, headers...).Status)
			got := f.one(t)
			require.Equal(t, row.want, got.Target)
			require.Equal(t, "\xfe'", got.Headers.Get("X-Last"))
			require.Equal(t, "1", got.Headers.Get("X-P999"))
		})
	}
}

func TestRefusedLikeNginx(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck, nil, nil)
	for _, row := range []struct {
		name, raw string
		status    int
	}{
		{name: "no Host", raw: "GET /a HTTP/1.1\r\n\r\n", status: 400},
		{name: "two Hosts", raw: "GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", status: 400},
		{name: "length and chunks at once, the start of smuggling", raw: "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 400},
		{name: "two lengths", raw: "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", status: 400},
		{name: "length that is no number", raw: "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", status: 400},
		{name: "unknown coding", raw: "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", status: 501},
		{name: "space before the colon", raw: "GET /a HTTP/1.1\r\nHost : a\r\n\r\n", status: 400},
		{name: "folded header", raw: "GET /a HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", status: 400},
		{name: "zero byte in a value", raw: "GET /a HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", status: 400},
		{name: "lower-case method", raw: "get /a HTTP/1.1\r\nHost: a\r\n\r\n", status: 400},
		{name: "TRACE", raw: "TRACE /a HTTP/1.1\r\nHost: a\r\n\r\n", status: 405},
		{name: "path above the root", raw: "GET /a/../../x HTTP/1.1\r\nHost: a\r\n\r\n", status: 400},
		{name: "broken escape in the path", raw: "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", status: 400},
		{name: "escaped zero in the path", raw: "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", status: 400},
		{name: "control character in the target", raw: "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", status: 400},
		{name: "long line", raw: "GET /a HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n", status: 400},
		{name: "long target", raw: "GET /a" + strings.Repeat("x", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", status: 414},
		{name: "too many headers in all", raw: "GET /a HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: 12345678901234567890\r\n", 2000) + "\r\n", status: 400},
		{name: "HTTP/3 over TCP", raw: "GET /a HTTP/3.0\r\nHost: a\r\n\r\n", status: 505},
		{name: "a name with a dot is dropped, the request goes on", raw: "GET /a HTTP/1.1\r\nHost: a\r\nX.Y: 1\r\n\r\n", status: 200},
		{name: "bare line feeds are fine", raw: "GET /a HTTP/1.1\nHost: a\n\n", status: 200},
		{name: "HTTP/1.0 without Host", raw: "GET /a HTTP/1.0\r\n\r\n", status: 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := gatewaytest.Send(f.Addr, "GET", []byte(row.raw))
			require.NoError(t, err)
			require.Equal(t, row.status, r.Status)
			if row.status != 200 {
				require.Contains(t, r.Body, r.Headers.Get("X-Kong-Request-Id"))
				require.Empty(t, f.up.Take(), "nothing may reach the upstream")
				return
			}
			require.Empty(t, f.one(t).Headers.Get("X.Y"))
		})
	}
}

func TestKongsOwnAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `
services:
  - {name: down, url: "http://127.0.0.1:1", routes: [{name: down, paths: [/down]}]}
routes:
  - {name: bare, paths: [/bare]}
  - {name: tls, paths: [/tls], protocols: [https]}
  - {name: moved, paths: [/moved], protocols: [https], https_redirect_status_code: 301}
  - {name: grpc, paths: [/grpc], protocols: [grpc]}
`, nil, nil)
	for _, row := range []struct {
		name, target, accept string
		status               int
		body                 string // with ID for the request's id
		latency              string
	}{
		{name: "no route", target: "/nothing", accept: "*/*", status: 404, body: "{\n  \"message\":\"no Route matched with those values\",\n  \"request_id\":\"ID\"\n}", latency: "X-Kong-Response-Latency"},
		{name: "no route, for a browser", target: "/nothing", accept: "text/html", status: 404, body: "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Error</title>\n  </head>\n  <body>\n    <h1>Error</h1>\n    <p>no Route matched with those values.</p>\n    <p>request_id: ID</p>\n  </body>\n</html>\n", latency: "X-Kong-Response-Latency"},
		{name: "upstream down", target: "/down", accept: "*/*", status: 502, body: "{\n  \"message\":\"An invalid response was received from the upstream server\",\n  \"request_id\":\"ID\"\n}", latency: "X-Kong-Upstream-Latency"},
		{name: "upstream down, without Accept", target: "/down", status: 502, body: "An invalid response was received from the upstream server\nrequest_id: ID\n", latency: "X-Kong-Upstream-Latency"},
		{name: "route without a service", target: "/bare", status: 503, body: "{\n  \"message\":\"no Service found with those values\",\n  \"request_id\":\"ID\"\n}", latency: "X-Kong-Response-Latency"},
		{name: "route for https only", target: "/tls", status: 426, body: "{\n  \"message\":\"Please use HTTPS protocol\",\n  \"request_id\":\"ID\"\n}", latency: "X-Kong-Response-Latency"},
		{name: "route that redirects", target: "/moved", status: 301, latency: "X-Kong-Response-Latency"},
		{name: "no gRPC on a gRPC route", target: "/grpc", status: 415, body: "{\n  \"message\":\"Non-gRPC request matched gRPC route\",\n  \"request_id\":\"ID\"\n}", latency: "X-Kong-Response-Latency"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var headers [][2]string
			if row.accept != "" {
				headers = append(headers, [2]string{"Accept", row.accept})
			}
			r := f.get(t, row.target, headers...)
			require.Equal(t, row.status, r.Status)
			require.Equal(t, strings.ReplaceAll(row.body, "ID", r.Headers.Get("X-Kong-Request-Id")), r.Body)
			require.NotEmpty(t, r.Headers.Get(row.latency))
			require.Equal(t, "kong/3.9.1", r.Headers.Get("Server"))
		})
	}
}

func TestKeepAliveAndBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck, nil, nil)
	c, br := f.dial(t)
	for _, row := range []struct{ name, raw, body, length string }{
		{name: "length", raw: "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", body: "abc", length: "3"},
		{name: "chunks become a length, as Kong buffers", raw: "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;ext\r\nab\r\n1\r\nc\r\n0\r\nX-Trailer: 1\r\n\r\n", body: "abc", length: "3"},
		{name: "empty", raw: "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", length: "0"},
		{name: "long", raw: "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("y", 100000), body: strings.Repeat("y", 100000), length: "100000"},
		{name: "none", raw: "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"},
		{name: "unwanted body of a request that is refused is read away", raw: "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", length: "-"},
		{name: "after it", raw: "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"},
	} {
		_, err := io.WriteString(c, row.raw)
		require.NoError(t, err, row.name)
		r, err := gatewaytest.ReadResponse(br, "GET")
		require.NoError(t, err, row.name)
		require.Equal(t, "keep-alive", r.Headers.Get("Connection"), row.name)
		if row.length == "-" {
			require.Equal(t, 404, r.Status)
			continue
		}
		got := f.one(t)
		require.Equal(t, row.body, got.Body, row.name)
		require.Equal(t, row.length, got.Headers.Get("Content-Length"), row.name)
	}
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck, nil, nil)
	c, br := f.dial(t)
	io.WriteString(c, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	line, err := br.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
	br.ReadString('\n')
	io.WriteString(c, "abc")
	r, err := gatewaytest.ReadResponse(br, "POST")
	require.NoError(t, err)
	require.Equal(t, 200, r.Status)
	require.Equal(t, "abc", f.one(t).Body)
}

func TestUpstreamAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, answer, method string
		status               int
		body                 string
	}{
		{name: "chunks", answer: "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", status: 201, body: "abc"},
		{name: "until the end", answer: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", status: 200, body: "abc"},
		{name: "no body", answer: "HTTP/1.1 204 No Content\r\n\r\n", status: 204},
		{name: "interim answers are left out", answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", status: 200, body: "x"},
		{name: "HEAD", method: "HEAD", answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", status: 200},
		{name: "no HTTP", answer: "hello\r\n\r\n", status: 502, body: "An invalid response was received from the upstream server"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, plainDeck, nil, nil)
			f.up.Answer = func(gatewaytest.Received) string { return row.answer }
			if row.method == "" {
				row.method = "GET"
			}
			r, err := f.Do(gatewaytest.Request{Method: row.method, Target: "/a", Headers: gatewaytest.Headers{{"Host", "a"}}})
			require.NoError(t, err)
			require.Equal(t, row.status, r.Status)
			require.Contains(t, r.Body, row.body)
			if row.body == "" {
				require.Empty(t, r.Body)
			}
		})
	}
}

func TestTargetsInTurn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `
upstreams:
  - {name: pool, targets: [{target: "127.0.0.1:1"}, {target: "UPSTREAM"}, {target: "127.0.0.1:2", weight: 0}]}
services:
  - {name: up, host: pool, routes: [{name: a, paths: [/a], preserve_host: true}]}
`, nil, nil)
	for range 4 {
		require.Equal(t, 200, f.get(t, "/a").Status, "a target that is down is passed by")
		require.Equal(t, "api.test", f.one(t).Headers.Get("Host"), "preserve_host")
	}
}

func TestServePrints(t *testing.T) {
	t.Parallel()
	var out gatewaytest.Log
	f := newFixture(t, plainDeck, nil, func(o *gateway.Options) { o.Output = &out })
	require.Equal(t, 200, f.get(t, "/a").Status)
	require.Equal(t, "ready http://"+f.Addr+"\n", out.String())
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Options{})
	require.Error(t, err)
	cfg := &declarative.Config{Plugins: []*declarative.Plugin{{Name: "waf-detct", Enabled: true, At: declarative.Position{File: "k.yml", Line: 3}}}}
	_, err = gateway.New(gateway.Options{Config: cfg})
	require.ErrorContains(t, err, `k.yml:3: plugin "waf-detct"`)
	cfg.Plugins[0].Name = "cors"
	_, err = gateway.New(gateway.Options{Config: cfg})
	require.NoError(t, err, "Kong's own plugins are left out with a warning")
}

func TestShutdownWaitsForRequests(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan bool), make(chan bool)
	f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": func(e *toyEvent) {
		if e.phase == "access" {
			entered <- true
			<-leave
		}
	}}, nil)
	got := make(chan int)
	go func() {
		r, err := f.Do(gatewaytest.Request{Method: "GET", Target: "/a", Headers: gatewaytest.Headers{{"Host", "a"}}})
		if err != nil {
			got <- 0
			return
		}
		got <- r.Status
	}()
	<-entered
	done := make(chan error)
	go func() { done <- f.Gateway.Shutdown(context.Background()) }()
	leave <- true
	require.Equal(t, 200, <-got)
	require.NoError(t, <-done)
	require.NoError(t, f.Gateway.Shutdown(context.Background()), "twice is fine")
}

func TestWebSocketTunnel(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck, nil, nil)
	f.up.Answer = func(r gatewaytest.Received) string {
		if r.Headers.Get("Upgrade") != "websocket" || r.Headers.Get("Connection") != "keep-alive, Upgrade" {
			return "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
		}
		return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nframe"
	}
	c, br := f.dial(t)
	io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	r, err := gatewaytest.ReadResponse(br, "GET")
	require.NoError(t, err)
	require.Equal(t, 101, r.Status)
	require.Equal(t, "websocket", r.Headers.Get("Upgrade"))
	got := make([]byte, 5)
	_, err = io.ReadFull(br, got)
	require.NoError(t, err)
	require.Equal(t, "frame", string(got))
}

func TestUnbufferedRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `
services:
  - {name: up, url: "http://UPSTREAM", routes: [{name: a, paths: [/a], request_buffering: false}]}
`, nil, nil)
	r, err := f.Do(gatewaytest.Request{Method: "POST", Target: "/a", Headers: gatewaytest.Headers{{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, Body: "3\r\nabc\r\n0\r\n\r\n"})
	require.NoError(t, err)
	require.Equal(t, 200, r.Status)
	got := f.one(t)
	require.Equal(t, "abc", got.Body)
	require.Equal(t, "chunked", got.Headers.Get("Transfer-Encoding"), "the length was not known when the request went on")
}

func TestVaultReferences(t *testing.T) {
	t.Setenv("GATEWAY_TEST_SECRET", `{"user":"u"}`)
	config := func(ref string) *declarative.Config {
		return &declarative.Config{Plugins: []*declarative.Plugin{{
			ID: "1", Name: "first", Enabled: true, At: declarative.Position{File: "k.yml", Line: 3},
			Config: map[string]any{"redis": map[string]any{"password": ref}},
		}}}
	}
	for _, row := range []struct{ name, ref, want, err string }{
		{name: "a variable", ref: "{vault://env/gateway-test-secret}", want: `{"user":"u"}`},
		{name: "a field of it", ref: "{vault://env/gateway-test-secret/user}", want: "u"},
		{name: "no reference", ref: "plain", want: "plain"},
		{name: "not set", ref: "{vault://env/gateway-test-none}", err: "k.yml:3: plugin first: config: redis: password: the environment variable GATEWAY_TEST_NONE"},
		{name: "no such field", ref: "{vault://env/gateway-test-secret/none}", err: "no JSON object with a field"},
		{name: "another vault", ref: "{vault://aws/x}", err: `no vault "aws"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newToyServer(t, map[string]func(*toyEvent){"first": func(*toyEvent) {}})
			cfg := config(row.ref)
			cfg.Routes = []*declarative.Route{{ID: "r", Paths: []string{"/"}, Protocols: []string{"http"}}}
			rig, err := gatewaytest.NewRig(gateway.Options{Config: cfg, Socket: f.socket, Plugins: []gateway.PluginInfo{{Name: "first", Phases: []string{"access"}}}})
			if row.err != "" {
				require.ErrorContains(t, err, row.err)
				require.NotContains(t, err.Error(), `"user"`)
				return
			}
			require.NoError(t, err)
			defer rig.Close()
			_, err = rig.Do(gatewaytest.Request{Method: "GET", Target: "/", Headers: gatewaytest.Headers{{"Host", "a"}}})
			require.NoError(t, err)
			require.Equal(t, map[string]any{"password": row.want}, f.started("first")[0]["redis"])
		})
	}
}
