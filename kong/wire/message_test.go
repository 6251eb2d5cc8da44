package wire

import (
	"bytes"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// calls are messages of every command, as protobuf's own encoder writes them.
func calls() map[string]*kong_plugin_protocol.RpcCall {
	return map[string]*kong_plugin_protocol.RpcCall{
		"nothing":     {},
		"no command":  {Sequence: 7},
		"names":       {Sequence: 1, Call: &kong_plugin_protocol.RpcCall_CmdGetPluginNames{CmdGetPluginNames: &kong_plugin_protocol.CmdGetPluginNames{}}},
		"info":        {Sequence: 2, Call: &kong_plugin_protocol.RpcCall_CmdGetPluginInfo{CmdGetPluginInfo: &kong_plugin_protocol.CmdGetPluginInfo{Name: "x"}}},
		"start":       {Sequence: 3, Call: &kong_plugin_protocol.RpcCall_CmdStartInstance{CmdStartInstance: &kong_plugin_protocol.CmdStartInstance{Name: "x", Config: []byte(`{"a":1}`)}}},
		"status":      {Sequence: 4, Call: &kong_plugin_protocol.RpcCall_CmdGetInstanceStatus{CmdGetInstanceStatus: &kong_plugin_protocol.CmdGetInstanceStatus{InstanceId: 9}}},
		"close":       {Sequence: -5, Call: &kong_plugin_protocol.RpcCall_CmdCloseInstance{CmdCloseInstance: &kong_plugin_protocol.CmdCloseInstance{InstanceId: -9}}},
		"event":       {Sequence: 1 << 40, Call: &kong_plugin_protocol.RpcCall_CmdHandleEvent{CmdHandleEvent: &kong_plugin_protocol.CmdHandleEvent{InstanceId: 1 << 30, EventName: "access"}}},
		"empty event": {Sequence: 6, Call: &kong_plugin_protocol.RpcCall_CmdHandleEvent{CmdHandleEvent: &kong_plugin_protocol.CmdHandleEvent{}}},
	}
}

// reference decodes with protobuf's own decoder.
func reference(frame []byte) (RPC, error) {
	var m kong_plugin_protocol.RpcCall
	if err := proto.Unmarshal(frame, &m); err != nil {
		return RPC{}, err
	}
	rpc := RPC{Sequence: m.Sequence}
	switch c := m.Call.(type) {
	case *kong_plugin_protocol.RpcCall_CmdGetPluginNames:
		rpc.Command = CmdGetPluginNames
	case *kong_plugin_protocol.RpcCall_CmdGetPluginInfo:
		rpc.Command, rpc.Name = CmdGetPluginInfo, []byte(c.CmdGetPluginInfo.Name)
	case *kong_plugin_protocol.RpcCall_CmdStartInstance:
		rpc.Command, rpc.Name, rpc.Config = CmdStartInstance, []byte(c.CmdStartInstance.Name), c.CmdStartInstance.Config
	case *kong_plugin_protocol.RpcCall_CmdGetInstanceStatus:
		rpc.Command, rpc.InstanceID = CmdGetInstanceStatus, c.CmdGetInstanceStatus.InstanceId
	case *kong_plugin_protocol.RpcCall_CmdCloseInstance:
		rpc.Command, rpc.InstanceID = CmdCloseInstance, c.CmdCloseInstance.InstanceId
	case *kong_plugin_protocol.RpcCall_CmdHandleEvent:
		rpc.Command, rpc.InstanceID, rpc.Event = CmdHandleEvent, c.CmdHandleEvent.InstanceId, []byte(c.CmdHandleEvent.EventName)
	}
	return rpc, nil
}

func sameRPC(a, b RPC) bool {
	return a.Sequence == b.Sequence && a.Command == b.Command && a.InstanceID == b.InstanceID &&
		bytes.Equal(a.Name, b.Name) && bytes.Equal(a.Config, b.Config) && bytes.Equal(a.Event, b.Event)
}

func TestParseRPCEqualsProtobuf(t *testing.T) {
	for name, call := range calls() {
		t.Run(name, func(t *testing.T) {
			frame, err := proto.Marshal(call)
			require.NoError(t, err)
			want, err := reference(frame)
			require.NoError(t, err)
			got, err := ParseRPC(frame)
			require.NoError(t, err)
			require.True(t, sameRPC(want, got), "%+v, want %+v", got, want)
			again, err := reference(AppendRPC(nil, got))
			require.NoError(t, err)
			require.True(t, sameRPC(want, again), "AppendRPC: %+v, want %+v", again, want)
		})
	}
}

func TestParseRPCAllocatesNothing(t *testing.T) {
	frame, err := proto.Marshal(calls()["event"])
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := ParseRPC(frame); err != nil {
			t.Fatal(err)
		}
	}))
}

func TestReturnsEqualProtobuf(t *testing.T) {
	unmarshal := func(frame []byte) *kong_plugin_protocol.RpcReturn {
		ret := new(kong_plugin_protocol.RpcReturn)
		require.NoError(t, proto.Unmarshal(frame, ret))
		return ret
	}
	require.EqualValues(t, 77, unmarshal(AppendReturn(nil, 77)).Sequence)
	require.Zero(t, unmarshal(AppendReturn(nil, 0)).Sequence)

	ret := unmarshal(AppendStatus(nil, 5, Status{Name: "x", ID: 9, StartedAt: 1 << 33}))
	require.EqualValues(t, 5, ret.Sequence)
	require.Equal(t, "x", ret.GetInstanceStatus().Name)
	require.EqualValues(t, 9, ret.GetInstanceStatus().InstanceId)
	require.EqualValues(t, 1<<33, ret.GetInstanceStatus().StartedAt)

	require.Equal(t, []string{"a", "b"}, unmarshal(AppendPluginNames(nil, 1, []string{"a", "b"})).GetPluginNames().Names)

	info := unmarshal(AppendPluginInfo(nil, 1, PluginInfo{Name: "n", Phases: []string{"access"}, Version: "1.0.0", Priority: -1, Schema: "{}"})).GetPluginInfo()
	require.Equal(t, []any{"n", []string{"access"}, "1.0.0", int32(-1), "{}"}, []any{info.Name, info.Phases, info.Version, info.Priority, info.Schema})
}

func TestExitEqualsProtobuf(t *testing.T) {
	r := bytes.NewReader(AppendExit(nil, 500, "text/plain", "no"))
	method, err := ReadFrame(r, nil, 100)
	require.NoError(t, err)
	require.Equal(t, "kong.response.exit", string(method))
	args, err := ReadFrame(r, nil, 100)
	require.NoError(t, err)
	var got kong_plugin_protocol.ExitArgs
	require.NoError(t, proto.Unmarshal(args, &got))
	headers, err := structpb.NewStruct(map[string]any{"Content-Type": "text/plain"})
	require.NoError(t, err)
	require.True(t, proto.Equal(&kong_plugin_protocol.ExitArgs{Status: 500, Body: []byte("no"), Headers: headers}, &got))
	require.Zero(t, r.Len())
}

// FuzzParseRPC holds ParseRPC against protobuf's decoder: what that one accepts, ours
// reads the same way; what only ours accepts has a name that is not UTF-8.
func FuzzParseRPC(f *testing.F) {
	for _, call := range calls() {
		frame, err := proto.Marshal(call)
		require.NoError(f, err)
		f.Add(frame)
	}
	f.Add([]byte{0xa2, 0x02, 0x02, 0x12, 0x00, 0xa2, 0x02, 0x02, 0x08, 0x01}) // an event in two parts
	f.Fuzz(func(t *testing.T, frame []byte) {
		want, wantErr := reference(frame)
		got, err := ParseRPC(frame)
		switch {
		case wantErr == nil && err != nil:
			t.Fatalf("refused: %v", err)
		case wantErr == nil && !sameRPC(want, got):
			t.Fatalf("%+v, want %+v", got, want)
		case wantErr != nil && err == nil && utf8.Valid(frame) && !looseProtobuf(frame):
			t.Fatalf("accepted what protobuf refuses: %v", wantErr)
		}
	})
}

// looseProtobuf reports whether the only fault that protobuf finds may be UTF-8 in a part
// of the frame: a slice of valid UTF-8 can begin or end inside a character.
func looseProtobuf(frame []byte) bool {
	for _, b := range frame {
		if b >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// FuzzReadFrame asserts that reading terminates, holds the limit and loses nothing.
func FuzzReadFrame(f *testing.F) {
	f.Add(AppendFrame(nil, []byte("abc")), 10)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1}, 1<<20)
	f.Add([]byte{2, 0, 0}, 10)
	f.Fuzz(func(t *testing.T, stream []byte, max int) {
		if max < 0 || max > 1<<24 {
			return
		}
		r := bytes.NewReader(stream)
		var again []byte
		for {
			frame, err := ReadFrame(r, nil, max)
			if err == io.EOF {
				if !bytes.Equal(again, stream) {
					t.Fatal("frames differ from the stream that they came in")
				}
				return
			}
			if err != nil {
				return
			}
			if len(frame) > max {
				t.Fatalf("%d bytes, limit %d", len(frame), max)
			}
			again = AppendFrame(again, frame)
		}
	})
}

func BenchmarkParseRPC(b *testing.B) {
	frame, err := proto.Marshal(calls()["event"])
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRPC(frame); err != nil {
			b.Fatal(err)
		}
	}
}
