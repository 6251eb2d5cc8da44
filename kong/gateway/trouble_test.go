package gateway_test

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"

	"kongwaf/kong/gateway"
)

func TestLuaErrors(t *testing.T) {
	t.Parallel()
	str := func(s string) *kong_plugin_protocol.String { return &kong_plugin_protocol.String{V: s} }
	for _, row := range []struct {
		name string
		call func(e *toyEvent)
	}{
		{name: "more headers than Kong gives", call: func(e *toyEvent) {
			e.ask("kong.request.get_headers", &kong_plugin_protocol.Int{V: 1001}, nil)
		}},
		{name: "no headers at all", call: func(e *toyEvent) { e.ask("kong.request.get_headers", &kong_plugin_protocol.Int{V: 0}, nil) }},
		{name: "a path without a slash", call: func(e *toyEvent) { e.ask("kong.service.request.set_path", str("x"), nil) }},
		{name: "an unknown HTTP method", call: func(e *toyEvent) { e.ask("kong.service.request.set_method", str("get"), nil) }},
		{name: "nobody to authenticate", call: func(e *toyEvent) { e.ask("kong.client.authenticate", &kong_plugin_protocol.AuthenticateArgs{}, nil) }},
		{name: "an id that is none", call: func(e *toyEvent) {
			e.ask("kong.client.load_consumer", &kong_plugin_protocol.ConsumerSpec{Id: "bob"}, nil)
		}},
		{name: "a header of a number list", call: func(e *toyEvent) {
			e.setHeaders("kong.service.request.set_headers", map[string]any{"X": []any{1}})
		}},
		{name: "an argument without a value as a string", call: func(e *toyEvent) { e.text("kong.request.get_query_arg", "bare") }},
		{name: "a call of another phase", call: func(e *toyEvent) { e.ask("kong.response.get_status", &emptypb.Empty{}, nil) }},
		{name: "no message at all", call: func(e *toyEvent) { e.askRaw("kong.request.get_header", []byte{0xff}) }},
		{name: "a status that is none", call: func(e *toyEvent) { e.exit(99, "", nil) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){"first": access(func(e *toyEvent) {
				row.call(e)
				if !e.dead {
					panic("Kong answered")
				}
			})}, nil)
			r := f.get(t, "/a?bare")
			require.Equal(t, 500, r.Status)
			require.Contains(t, r.Body, "An unexpected error occurred")
			require.Equal(t, "application/json; charset=utf-8", r.Headers.Get("Content-Type"))
			require.Empty(t, f.up.Take())
		})
	}
}

func TestPluginServerTrouble(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		plugin func(n int64, e *toyEvent) // n counts the access events
		change func(*gateway.Options)
		status int
		events int64 // access events in all
		starts int
	}{
		{
			name:   "unknown method: 500, the next request is served",
			plugin: func(_ int64, e *toyEvent) { e.ask("kong.no.such_call", &emptypb.Empty{}, nil) },
			status: 500, events: 1, starts: 1,
		},
		{
			name: "unknown instance: started again, the client notices nothing",
			plugin: func(n int64, e *toyEvent) {
				if n == 1 {
					e.ask(fmt.Sprintf("no plugin instance %d", e.id), &emptypb.Empty{}, nil)
				}
			},
			status: 200, events: 2, starts: 2,
		},
		{
			name:   "closed in mid-event: asked again",
			plugin: func(n int64, e *toyEvent) { e.hangUp = n == 1 },
			status: 200, events: 2, starts: 2,
		},
		{
			name:   "closed in mid-event for ever: bounded here, for ever in Kong",
			plugin: func(_ int64, e *toyEvent) { e.hangUp = true },
			status: 500, events: 6, starts: 6,
		},
		{
			name:   "nobody listens",
			plugin: func(int64, *toyEvent) {},
			change: func(o *gateway.Options) { o.Socket += ".none" },
			status: 500,
		},
		{
			name: "hung: 500 after the timeout",
			plugin: func(_ int64, e *toyEvent) {
				var b [1]byte
				e.conn.Read(b[:]) // until Kong gives up
				e.dead = true
			},
			change: func(o *gateway.Options) { o.EventTimeout = 50 * time.Millisecond },
			status: 500, events: 1, starts: 1,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){
				"first": access(func(e *toyEvent) { row.plugin(n.Add(1), e) }),
			}, row.change)
			r := f.get(t, "/a")
			require.Equal(t, row.status, r.Status)
			if row.status == 500 {
				require.Contains(t, r.Body, "An unexpected error occurred")
			}
			require.Equal(t, row.events, n.Load())
			require.Len(t, f.toy.started("first"), row.starts)
		})
	}
}

func TestClosedIdleConnectionsAreNotUsed(t *testing.T) {
	t.Parallel()
	var conn atomic.Pointer[net.Conn]
	f := newFixture(t, plainDeck+"plugins: [{name: first}]\n", map[string]func(*toyEvent){
		"first": access(func(e *toyEvent) { conn.Store(&e.conn) }),
	}, func(o *gateway.Options) { o.Plugins[0].Phases = []string{"access"} })
	require.Equal(t, 200, f.get(t, "/a").Status)
	(*conn.Load()).Close() // the server restarts: its side of an idle connection goes
	require.Equal(t, 200, f.get(t, "/a").Status)
	require.Len(t, f.toy.started("first"), 1)
}
