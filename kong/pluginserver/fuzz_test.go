package pluginserver

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/Kong/go-pdk"

	"kongwaf/kong/wire"
)

// FuzzServeConn sends a server any bytes. It must end the connection, without a panic,
// and give back what it took.
func FuzzServeConn(f *testing.F) {
	const id = 7
	event := func(name string) []byte {
		return wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Sequence: 1, Command: wire.CmdHandleEvent, InstanceID: id, Event: []byte(name)}))
	}
	start := wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Command: wire.CmdStartInstance, Name: []byte("toy"), Config: []byte(`{"a":1}`)}))
	f.Add(append(event("access"), 2, 0, 0, 0, 10, 0)) // an event and the first reply to it
	f.Add(append(start, event("log")...))
	f.Add(append(event("access"), 0xff, 0xff, 0xff, 0x7f, 1, 2, 3))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1})
	toy := &toy{
		prefetch: []wire.Call{{Method: "kong.client.get_ip"}},
		handle: func(_ string, kong *pdk.PDK) {
			kong.Client.GetIp()
			kong.Request.GetHeaders(10)
			kong.Log.Notice("x")
			if _, err := kong.Request.GetRawBody(); err != nil {
				kong.Response.ExitStatus(403)
			}
		},
		timeout: time.Second,
	}
	srv, err := New(Options{Plugins: []Plugin{toyPlugin("toy", toy)}, Limits: Limits{FrameBytes: 1 << 16},
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	srv.Restore(id, "toy", []byte(`{}`))
	f.Fuzz(func(t *testing.T, stream []byte) {
		ours, theirs := net.Pipe()
		done := make(chan bool)
		go func() { srv.ServeConn(ours); close(done) }()
		go func() { theirs.Write(stream); theirs.Close() }()
		io.Copy(io.Discard, theirs)
		<-done
		if n := srv.Stats().BodyMemory; n != 0 {
			t.Fatalf("%d bytes of body memory are not given back", n)
		}
	})
}
