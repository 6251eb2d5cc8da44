package gateway_test

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
)

// access wraps a plugin that only cares for the access phase.
func access(f func(*toyEvent)) func(*toyEvent) {
	return func(e *toyEvent) {
		if e.phase == "access" {
			f(e)
		}
	}
}

func TestPluginsRunInOrderAndShare(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck+"plugins: [{name: third}, {name: first}, {name: second}]\n", map[string]func(*toyEvent){
		"first": access(func(e *toyEvent) {
			e.ask("kong.ctx.shared.set", &kong_plugin_protocol.KV{K: "seen", V: structpb.NewStringValue("first")}, nil)
			e.setHeader("kong.service.request.set_header", "X-Order", "1")
		}),
		"second": access(func(e *toyEvent) {
			v := &structpb.Value{}
			e.ask("kong.ctx.shared.get", &kong_plugin_protocol.String{V: "seen"}, v)
			e.setHeader("kong.service.request.set_header", "X-Shared", v.GetStringValue())
			e.setHeader("kong.service.request.add_header", "X-Order", "2")
		}),
		"third": access(func(e *toyEvent) {
			e.setHeader("kong.response.set_header", "X-Order-Seen", e.text("kong.request.get_header", "x-order"))
			e.setHeaders("kong.response.set_headers", map[string]any{"X-List": []any{"a", "b"}, "Server": "mine"})
		}),
	}, nil)
	r := f.get(t, "/a")
	got := f.one(t)
	require.Equal(t, "first", got.Headers.Get("X-Shared"))
	require.Equal(t, []string{"1", "2"}, got.Headers.Values("X-Order"))
	require.Equal(t, "1", r.Headers.Get("X-Order-Seen"), "the first of a repeated header")
	require.Equal(t, []string{"a", "b"}, r.Headers.Values("X-List"))
	require.Equal(t, []string{"mine", "BaseHTTP/0.6 Python/3.11.7"}, r.Headers.Values("Server"), "beside the upstream's own")
}

func TestExit(t *testing.T) {
	t.Parallel()
	ran := atomic.Int64{}
	f := newFixture(t, plainDeck+"plugins: [{name: first}, {name: second}]\n", map[string]func(*toyEvent){
		"first": access(func(e *toyEvent) {
			e.setHeader("kong.response.set_header", "X-Before", "kept")
			e.setHeader("kong.response.set_header", "X-Both", "lost")
			e.exit(403, `{"message":"no"}`, map[string]any{"Content-Type": []any{"application/json"}, "X-Both": []any{"won"}})
		}),
		"second": access(func(*toyEvent) { ran.Add(1) }),
	}, nil)
	for range 2 {
		r := f.get(t, "/a")
		require.Equal(t, 403, r.Status)
		require.Equal(t, `{"message":"no"}`, r.Body)
		require.Equal(t, "kept", r.Headers.Get("X-Before"))
		require.Equal(t, []string{"won"}, r.Headers.Values("X-Both"))
		require.Equal(t, "application/json", r.Headers.Get("Content-Type"))
		require.Equal(t, "16", r.Headers.Get("Content-Length"))
		require.NotEmpty(t, r.Headers.Get("X-Kong-Response-Latency"))
		require.Empty(t, r.Headers.Get("Via"))
	}
	require.Zero(t, ran.Load(), "no plugin runs after an exit")
	require.Empty(t, f.up.Take())
}

func TestStartInstanceConfig(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `
services:
  - {name: up, url: "http://UPSTREAM", routes: [{name: open, paths: [/a], plugins: [{name: first, instance_name: one, config: {limit: 5, list: [a], none: null, deep: {x: null, y: true}}}]}]}
`, map[string]func(*toyEvent){"first": func(*toyEvent) {}}, nil)
	f.get(t, "/a")
	f.get(t, "/a")
	configs := f.toy.started("first")
	require.Len(t, configs, 1, "one instance for a worker")
	const route = "367bdb48-b987-54a4-b618-b350391e1597" // the recorded Kong's id of a route "open"
	id := configs[0]["__plugin_id"]
	require.Len(t, id, 36)
	require.Equal(t, map[string]any{
		"limit": 5.0, "list": []any{"a"}, "deep": map[string]any{"y": true},
		"route_id": route, "plugin_instance_name": "one", "__plugin_id": id, "__seq__": 1.0,
		"__ws_id": "0dc6f45b-8f8d-40d2-a504-473544ee190b",
		"__key__": "plugins:first:" + route + "::::0dc6f45b-8f8d-40d2-a504-473544ee190b",
	}, configs[0])
	f.toy.mu.Lock()
	defer f.toy.mu.Unlock()
	require.EqualValues(t, 2, f.toy.frames[0].Sequence, "as Kong counts")
	require.EqualValues(t, 3, f.toy.frames[1].Sequence)
}

func TestScopes(t *testing.T) {
	t.Parallel()
	who := func(e *toyEvent) { e.setHeader("kong.service.request.set_header", "X-Who", e.instance.config["who"]) }
	f := newFixture(t, `
services:
  - name: up
    url: http://UPSTREAM
    routes:
      - {name: a, paths: [/a]}
      - {name: b, paths: [/b]}
      - {name: c, paths: [/c]}
  - {name: other, url: "http://UPSTREAM", routes: [{name: d, paths: [/d]}]}
consumers:
  - {username: bob, custom_id: b7}
  - {username: amy}
plugins:
  - {name: first}
  - {name: second, config: {who: global}}
  - {name: second, service: up, config: {who: service}}
  - {name: second, route: a, config: {who: route}}
  - {name: second, consumer: bob, config: {who: consumer}}
  - {name: second, consumer: bob, route: b, config: {who: consumer+route}}
  - {name: second, consumer: amy, enabled: false, config: {who: off}}
`, map[string]func(*toyEvent){
		"first": access(func(e *toyEvent) {
			c := &kong_plugin_protocol.Consumer{}
			if name := e.text("kong.request.get_header", "x-user"); name != "" {
				e.ask("kong.client.load_consumer", &kong_plugin_protocol.ConsumerSpec{Id: name, ByUsername: true}, c)
				e.ask("kong.client.authenticate", &kong_plugin_protocol.AuthenticateArgs{Consumer: c, Credential: &kong_plugin_protocol.AuthenticatedCredential{Id: "cred"}}, nil)
			}
		}),
		"second": access(func(e *toyEvent) {
			who(e)
			c, cred := &kong_plugin_protocol.Consumer{}, &kong_plugin_protocol.AuthenticatedCredential{}
			e.ask("kong.client.get_consumer", &emptypb.Empty{}, c)
			e.ask("kong.client.get_credential", &emptypb.Empty{}, cred)
			e.setHeader("kong.service.request.set_header", "X-Seen", c.Username+"/"+c.CustomId+"/"+cred.Id)
		}),
	}, nil)
	for _, row := range []struct{ name, target, user, want, seen string }{
		{name: "route before service before global", target: "/a", want: "route", seen: "//"},
		{name: "service before global", target: "/b", want: "service", seen: "//"},
		{name: "global", target: "/d", want: "global", seen: "//"},
		{name: "consumer before route", target: "/a", user: "bob", want: "consumer", seen: "bob/b7/cred"},
		{name: "consumer and route together first", target: "/b", user: "bob", want: "consumer+route", seen: "bob/b7/cred"},
		{name: "a config that is switched off is not there", target: "/a", user: "amy", want: "route", seen: "amy//cred"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var headers [][2]string
			if row.user != "" {
				headers = append(headers, [2]string{"X-User", row.user})
			}
			require.Equal(t, 200, f.get(t, row.target, headers...).Status)
			got := f.one(t)
			require.Equal(t, row.want, got.Headers.Get("X-Who"))
			require.Equal(t, row.seen, got.Headers.Get("X-Seen"))
		})
	}
}

func TestRequestEdits(t *testing.T) {
	t.Parallel()
	str := func(s string) *kong_plugin_protocol.String { return &kong_plugin_protocol.String{V: s} }
	for _, row := range []struct {
		name    string
		headers [][2]string
		edit    func(e *toyEvent)
		want    func(t *testing.T, got gatewaytest.Received)
	}{
		{
			name:    "an empty list removes every copy of a forged header",
			headers: [][2]string{{"X-Consumer-Username", "root"}, {"x-consumer-username", "admin"}, {"Z", "1"}},
			edit: func(e *toyEvent) {
				e.setHeaders("kong.service.request.set_headers", map[string]any{"X-Consumer-Username": []any{}, "Z": []any{"2", "3"}})
			},
			want: func(t *testing.T, got gatewaytest.Received) {
				require.Empty(t, got.Headers.Values("X-Consumer-Username"))
				require.Equal(t, []string{"2", "3"}, got.Headers.Values("Z"))
			},
		},
		{
			name:    "null and false remove nothing",
			headers: [][2]string{{"X-A", "1"}, {"X-B", "1"}},
			edit: func(e *toyEvent) {
				e.setHeaders("kong.service.request.set_headers", map[string]any{"X-A": nil, "X-B": false})
			},
			want: func(t *testing.T, got gatewaytest.Received) {
				require.Equal(t, "1", got.Headers.Get("X-A"))
				require.Equal(t, "1", got.Headers.Get("X-B"))
			},
		},
		{
			name: "a line break cannot start another header",
			edit: func(e *toyEvent) {
				e.setHeader("kong.service.request.set_header", "X-A", "1\r\nX-Forged: 1")
				e.setHeader("kong.response.set_header", "X-A", "1\r\nX-Forged: 1")
			},
			want: func(t *testing.T, got gatewaytest.Received) {
				require.Equal(t, "1%0D%0AX-Forged: 1", got.Headers.Get("X-A"))
				require.Empty(t, got.Headers.Get("X-Forged"))
			},
		},
		{
			name: "raw query: bytes stay",
			edit: func(e *toyEvent) { e.ask("kong.service.request.set_raw_query", str("a=%27&b"), nil) },
			want: func(t *testing.T, got gatewaytest.Received) { require.Equal(t, "/?a=%27&b", got.Target) },
		},
		{
			name: "no query, no question mark",
			edit: func(e *toyEvent) { e.ask("kong.service.request.set_raw_query", str(""), nil) },
			want: func(t *testing.T, got gatewaytest.Received) { require.Equal(t, "/", got.Target) },
		},
		{
			name: "query by arguments, in the order of their names",
			edit: func(e *toyEvent) {
				e.setHeaders("kong.service.request.set_query", map[string]any{"z": true, "a": []any{"x y", "2"}})
			},
			want: func(t *testing.T, got gatewaytest.Received) { require.Equal(t, "/?a=x%20y&a=2&z", got.Target) },
		},
		{
			name: "path and method",
			edit: func(e *toyEvent) {
				e.ask("kong.service.request.set_path", str("/new päth"), nil)
				e.ask("kong.service.request.set_method", str("PUT"), nil)
			},
			want: func(t *testing.T, got gatewaytest.Received) {
				require.Equal(t, "/new%20p%C3%A4th?q=1", got.Target)
				require.Equal(t, "PUT", got.Method)
			},
		},
		{
			name: "body",
			edit: func(e *toyEvent) {
				e.ask("kong.service.request.set_raw_body", &kong_plugin_protocol.ByteString{V: []byte("new")}, nil)
			},
			want: func(t *testing.T, got gatewaytest.Received) {
				require.Equal(t, "new", got.Body)
				require.Equal(t, "3", got.Headers.Get("Content-Length"))
			},
		},
		{
			name: "host",
			edit: func(e *toyEvent) { e.setHeader("kong.service.request.set_header", "Host", "set.test") },
			want: func(t *testing.T, got gatewaytest.Received) {
				require.Equal(t, []string{"set.test"}, got.Headers.Values("Host"))
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": access(row.edit)}, nil)
			require.Equal(t, 200, f.get(t, "/a?q=1", row.headers...).Status)
			row.want(t, f.one(t))
		})
	}
}

func TestBodyFile(t *testing.T) {
	t.Parallel()
	var path atomic.Value
	f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": access(func(e *toyEvent) {
		body := &kong_plugin_protocol.RawBodyResult{}
		e.ask("kong.request.get_raw_body", &emptypb.Empty{}, body)
		path.Store(body.GetBodyFilepath())
		content := string(body.GetContent())
		if p := body.GetBodyFilepath(); p != "" {
			data, _ := os.ReadFile(p)
			content = "file:" + string(data)
		}
		e.setHeader("kong.response.set_header", "X-Body", fmt.Sprint(len(content))+content[:min(5, len(content))])
	})}, nil)
	for _, row := range []struct {
		name string
		size int
		want string
	}{
		{name: "none", size: 0, want: "0"},
		{name: "at the buffer's size it is in memory", size: 8192, want: "8192xxxxx"},
		{name: "above it is in a file", size: 8193, want: "8198file:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			body := strings.Repeat("x", row.size)
			r, err := f.Do(gatewaytest.Request{Method: "POST", Target: "/a", Body: body, Headers: gatewaytest.Headers{{"Host", "a"}, {"Content-Length", fmt.Sprint(row.size)}}})
			require.NoError(t, err)
			require.Equal(t, 200, r.Status)
			require.Equal(t, row.want, r.Headers.Get("X-Body"))
			require.Equal(t, body, f.one(t).Body)
			if p := path.Load().(string); p != "" {
				require.Eventually(t, func() bool { _, err := os.Stat(p); return os.IsNotExist(err) }, 5*time.Second, time.Millisecond, "the file goes with the request")
			}
		})
	}
}

// TestBytesReachThePlugin shows that no header hides behind one that is no UTF-8, and how
// Kong's bound cuts.
func TestBytesReachThePlugin(t *testing.T) {
	t.Parallel()
	replies := make(chan []byte, 4)
	f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": access(func(e *toyEvent) {
		all, _ := e.askRaw("kong.request.get_headers", protowire.AppendVarint([]byte{8}, 1000))
		replies <- all
		line, _ := e.askRaw("kong.nginx.get_var", append([]byte{10, 7}, "request"...))
		replies <- line
	})}, nil)
	f.get(t, "/a/\xff?q=%ff\xfe", [2]string{"X-Bin", "\xff"}, [2]string{"X-Attack", "' or 1=1"})
	all := string(<-replies)
	require.Contains(t, all, "\x1a\x01\xff")
	require.Contains(t, all, "' or 1=1")
	require.Contains(t, string(<-replies), "GET /a/\xff?q=%ff\xfe HTTP/1.1")
	var padding [][2]string
	for i := range 1000 {
		padding = append(padding, [2]string{fmt.Sprintf("X-%d", i), "1"})
	}
	f.get(t, "/a", append(padding, [2]string{"X-Attack", "' or 1=1"})...)
	require.NotContains(t, string(<-replies), "' or 1=1", "1000 headers are what Kong gives")
	<-replies
}

func TestLogPhase(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 4)
	f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": func(e *toyEvent) {
		if e.phase == "access" {
			e.ask("kong.ctx.shared.set", &kong_plugin_protocol.KV{K: "k", V: structpb.NewStringValue("v")}, nil)
			return
		}
		status, v := &kong_plugin_protocol.Int{}, &structpb.Value{}
		e.ask("kong.response.get_status", &emptypb.Empty{}, status)
		e.ask("kong.ctx.shared.get", &kong_plugin_protocol.String{V: "k"}, v)
		seen <- fmt.Sprint(status.V, " ", v.GetStringValue(), " ", e.text("kong.response.get_source", ""), " ", e.text("kong.request.get_header", "x-a"))
		_, ok := e.askRaw("kong.client.get_ip", nil)
		seen <- fmt.Sprint(ok)
	}}, nil)
	require.Equal(t, 200, f.get(t, "/a", [2]string{"X-A", "1"}).Status)
	require.Equal(t, "200 v service 1", <-seen)
	require.Equal(t, "false", <-seen, "there is no request any more")
	require.Equal(t, 404, f.get(t, "/none", [2]string{"X-A", "2"}).Status)
	require.Equal(t, "404  exit 2", <-seen, "global plugins hear of requests without a route")
}

func TestResponsePhase(t *testing.T) {
	t.Parallel()
	f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": func(e *toyEvent) {
		body := &kong_plugin_protocol.ByteString{}
		e.ask("kong.service.response.get_raw_body", &emptypb.Empty{}, body)
		if strings.Contains(string(body.V), "secret") {
			e.exit(502, "withheld", nil)
			return
		}
		e.setHeader("kong.response.set_header", "X-Size", fmt.Sprint(len(body.V)))
	}}, func(o *gateway.Options) { o.Plugins[0].Phases = []string{"response"} })
	f.up.Answer = func(r gatewaytest.Received) string {
		if r.Target == "/leak" {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecret\r\n0\r\n\r\n"
		}
		return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
	}
	r := f.get(t, "/a")
	require.Equal(t, "4", r.Headers.Get("X-Size"))
	require.Equal(t, "fine", r.Body)
	r = f.get(t, "/a/leak")
	require.Equal(t, 502, r.Status)
	require.Equal(t, "withheld", r.Body)
}

func TestVariables(t *testing.T) {
	t.Parallel()
	vars := []string{"request", "request_method", "request_uri", "uri", "args", "is_args", "remote_addr", "realip_remote_addr", "host",
		"http_x_a", "content_length", "content_type", "arg_q", "cookie_sid", "scheme", "server_protocol", "x", "no_such", "upstream_uri"}
	f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": access(func(e *toyEvent) {
		for _, name := range vars {
			e.setHeader("kong.response.set_header", "V-"+strings.ReplaceAll(name, "_", "-"), "["+e.text("kong.nginx.get_var", name)+"]")
		}
	})}, func(o *gateway.Options) {
		o.TrustedIPs = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		o.RealIPHeader = "CF-Connecting-IP"
		o.Variables = map[string]string{"x": "$request_method|${request_uri}|$http_x_a"}
	})
	r := f.get(t, "/a/b%20c?q=1", [2]string{"X-A", "1"}, [2]string{"X-A", "2"}, [2]string{"Cookie", "a=1; sid=s"},
		[2]string{"CF-Connecting-IP", "2001:DB8::1"}, [2]string{"Content-Type", "t"})
	want := []string{"GET /a/b%20c?q=1 HTTP/1.1", "GET", "/a/b%20c?q=1", "/a/b c", "q=1", "?", "2001:db8::1", "127.0.0.1", "api.test",
		"1, 2", "", "t", "1", "s", "http", "HTTP/1.1", "GET|/a/b%20c?q=1|1, 2", "", "/b%20c?q=1"}
	for i, name := range vars {
		require.Equal(t, "["+want[i]+"]", r.Headers.Get("V-"+strings.ReplaceAll(name, "_", "-")), name)
	}
	require.True(t, slices.Contains(vars, "x"))
}
