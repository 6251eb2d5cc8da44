package pluginserver

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/kong/wire"
	"kongwaf/kong/wire/kongpeer"
)

// watcher keeps connections, and says how events are handled.
type watcher struct {
	way        Way
	identities []uint64
	states     []State
	handled    int
}

func (w *watcher) Mark(s State)  { w.states = append(w.states, s) }
func (w *watcher) Watches() bool { return true }
func (w *watcher) Handled()      { w.handled++ }
func (w *watcher) Begin(identity uint64) Way {
	w.identities = append(w.identities, identity)
	return w.way
}

func textMessage(field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), text)
}

// answerRequest answers what tells a request apart, and each call's name to all else.
func answerRequest(id string) func(string, []byte) []byte {
	return func(method string, _ []byte) []byte {
		replies := map[string][]byte{
			"kong.nginx.get_var":           textMessage(1, id),
			"kong.client.get_forwarded_ip": textMessage(1, "192.0.2.1"),
			"kong.request.get_method":      textMessage(1, "POST"),
			"kong.request.get_path":        textMessage(1, "/\xff/upload"),
			"kong.router.get_route":        append(textMessage(1, "route's id"), textMessage(4, "uploads")...),
		}
		return replies[method]
	}
}

// keep plays the process that keeps a connection, and its workers, until the connection ends.
func keep(srv *Server, conn *net.UnixConn, keeper *watcher) {
	defer conn.Close()
	for {
		end, event := srv.ServeKept(duplicate(conn), keeper)
		if end == EndEvent { // to another worker
			end = srv.ServeEvent(duplicate(conn), &watcher{way: WayHere}, event)
		}
		switch end {
		case EndCommand:
			frame, err := wire.ReadFrame(conn, nil, 1<<20)
			if err != nil {
				return
			}
			rpc, _ := wire.ParseRPC(frame)
			conn.Write(wire.AppendFrame(nil, srv.Answer(rpc, 0)))
		case EndClosed:
			return
		}
	}
}

func duplicate(conn *net.UnixConn) *net.UnixConn {
	file, err := conn.File()
	if err != nil {
		panic(err)
	}
	defer file.Close()
	copied, err := net.FileConn(file)
	if err != nil {
		panic(err)
	}
	return copied.(*net.UnixConn)
}

// TestSuspects: an event keeps its identity when Kong asks again, and is handled as the
// keeper says.
func TestSuspects(t *testing.T) {
	logs := new(strings.Builder)
	handled := 0
	plugin := toyPlugin("toy", &toy{policy: PolicyDeny, prefetch: []wire.Call{{Method: "kong.client.get_forwarded_ip"}},
		handle: func(_ string, kong *pdk.PDK) {
			if ip, err := kong.Client.GetForwardedIp(); err != nil || ip == "" {
				t.Errorf("address %q: %v", ip, err)
			}
			kong.Response.SetHeader("X-A", "b") // written behind
			handled++
		}})
	srv, err := New(Options{Plugins: []Plugin{plugin}, Logger: slog.New(slog.NewJSONHandler(logs, nil))})
	require.NoError(t, err)
	keeper, ended := &watcher{}, make(chan struct{})
	peer := &kongpeer.Peer{Dial: func() (net.Conn, error) {
		kong, ours := unixPair(t)
		go func() {
			keep(srv, ours, keeper)
			close(ended)
		}()
		return kong, nil
	}}
	event := func(way Way, id string) kongpeer.Result {
		t.Helper()
		*keeper, ended = watcher{way: way}, make(chan struct{})
		result, err := peer.EventAnswered("toy", []byte(`{"route_id":"r1"}`), "access", answerRequest(id))
		require.NoError(t, err)
		peer.Close()
		<-ended
		return result
	}
	calls := []string{"kong.nginx.get_var", "kong.client.get_forwarded_ip", "kong.response.set_header"}

	result := event(WayHere, "one")
	require.Equal(t, calls, methods(result.Calls))
	require.Equal(t, 1, keeper.handled)
	require.Contains(t, keeper.states, StateHandling)
	first := keeper.identities[0]

	event(WayHere, "one")
	require.Equal(t, first, keeper.identities[0])
	event(WayHere, "two")
	require.NotEqual(t, first, keeper.identities[0])
	event(WayHere, "")
	require.Empty(t, keeper.identities, "a request without an id is nobody's")
	require.Equal(t, 4, handled)

	result = event(WayElsewhere, "one")
	require.Equal(t, append(calls[:2:2], calls...), methods(result.Calls), "asked for again, by the other worker")
	require.Equal(t, 5, handled)
	require.Zero(t, keeper.handled)
	require.NotContains(t, keeper.states, StateHandling)

	require.Empty(t, logs.String())
	result = event(WayPolicy, "one")
	require.EqualValues(t, 500, result.Exit.Status)
	require.Equal(t, 5, handled)
	require.NotContains(t, keeper.states, StateHandling)
	for _, want := range []string{`"request_id":"one"`, `"method":"POST"`, `/upload"`, `"route":"uploads"`, `"route_id":"r1"`, `"plugin":"toy"`} {
		require.Contains(t, logs.String(), want)
	}
	require.EqualValues(t, 1, srv.Stats().Plugins["toy"].Suspects)
}
