package pluginserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/server"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire"
)

// stockServer names, in a child process, the socket at which go-pdk's server serves Recorded.
const stockServer = "STOCK_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(stockServer) != "" {
		fmt.Fprintln(os.Stderr, server.StartServer(func() interface{} { return &pluginserver.Recorded{} }, "1.0.0", 1))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func text(s string) []byte { return append([]byte{0x0a, byte(len(s))}, s...) }

// gate makes the calls of the plugin waf-gate and computes nothing: the time is the
// server's. The real plugins are measured beside go-pdk's server in package plugins.
type gate struct{}

var (
	gateAhead = []wire.Call{
		{Method: "kong.nginx.get_var", Args: text("request")},
		{Method: "kong.request.get_headers", Args: []byte{8, 0xe8, 7}},
		{Method: "kong.client.get_forwarded_ip"},
	}
	gateBehind = []wire.Call{
		{Method: "kong.client.authenticate", Args: make([]byte, 80)},
		{Method: "kong.service.request.set_headers", Args: make([]byte, 150)},
		{Method: "kong.response.set_headers", Args: make([]byte, 110)},
	}
)

func (gate) Handle(string, *pdk.PDK) {}

func (gate) HandleDirect(_ string, kong pluginserver.Kong) {
	for _, call := range gateAhead {
		kong.Ask(call.Method, call.Args)
	}
	for _, call := range gateBehind {
		kong.Ask(call.Method, call.Args)
	}
}

func (gate) Prefetch(string) []wire.Call  { return gateAhead }
func (gate) Failure() pluginserver.Policy { return pluginserver.PolicyDeny }
func (gate) Timeout() time.Duration       { return time.Second }

// recordedHeaders is a reply to get_headers with four headers, as a Kong sent it.
var recordedHeaders = []byte("\n\x1b\n\nuser-agent\x12\r\x1a\vcurl/7.88.1\n\x19\n\nx-scenario\x12\v\x1a\tget-plain" +
	"\n\x0f\n\x06accept\x12\x05\x1a\x03*/*\n\x19\n\x04host\x12\x11\x1a\x0f127.0.0.1:18500")

// BenchmarkEvent is one event of the gate's shape on one connection, Kong's side included
// as far as it goes without computing.
func BenchmarkEvent(b *testing.B) {
	srv, err := pluginserver.New(pluginserver.Options{Plugins: []pluginserver.Plugin{{
		Name: "gate", Version: "1.0.0", Phases: []string{"access"}, Schema: json.RawMessage(`{}`),
		New: func([]byte) (pluginserver.Instance, error) { return gate{}, nil },
	}}})
	require.NoError(b, err)
	path := b.TempDir() + "/s"
	listener, err := pluginserver.Listen(path, 0o600, "")
	require.NoError(b, err)
	go srv.Serve(listener)
	defer srv.Shutdown(context.Background())
	conn, err := net.Dial("unix", path)
	require.NoError(b, err)
	defer conn.Close()

	id := srv.Start("gate", []byte("{}"))
	event := wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Sequence: 1, Command: wire.CmdHandleEvent, InstanceID: id, Event: []byte("access")}))
	var replies []byte
	for _, reply := range [][]byte{text("GET /open/a%20b?q=1 HTTP/1.1"), recordedHeaders, text("203.0.113.9")} {
		replies = wire.AppendFrame(replies, reply)
	}
	ended := wire.AppendFrame(make([]byte, 4), wire.AppendReturn(nil, 1))
	answers := make([]byte, 3*4)
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		conn.Write(event)
		if _, err := conn.Read(buf); err != nil { // the read-ahead
			b.Fatal(err)
		}
		conn.Write(replies)
		n := 0
		for n < len(ended) || string(buf[n-len(ended):n]) != string(ended) {
			m, err := conn.Read(buf[n:])
			if err != nil {
				b.Fatal(err)
			}
			n += m
		}
		conn.Write(answers)
	}
}
