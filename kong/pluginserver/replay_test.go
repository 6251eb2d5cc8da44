package pluginserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"

	"kongwaf/kong/wire"
	"kongwaf/kong/wire/kongpeer"
)

// exchange is one recorded event: what the plugin asked of a real Kong, and its answers.
// testdata/kong-3.9.1.jsonl was recorded on Kong 3.9.1 through go-pdk.
type exchange struct {
	Event    string
	Scenario string
	Phase    string
	Frame    []byte // the RpcCall
	Name     string
	Calls    []struct {
		Method string
		Args   []byte
		Reply  []byte
		Closed string // Kong raised an error, or ended the request
	}
}

func readTrace(t testing.TB) []exchange {
	file, err := os.Open("testdata/kong-3.9.1.jsonl")
	require.NoError(t, err)
	defer file.Close()
	var trace []exchange
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exchange
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		trace = append(trace, e)
	}
	require.NoError(t, lines.Err())
	require.NotEmpty(t, trace)
	return trace
}

func TestRecordedFramesParse(t *testing.T) {
	for _, e := range readTrace(t) {
		rpc, err := wire.ParseRPC(e.Frame)
		require.NoError(t, err)
		switch e.Event {
		case "start_instance":
			require.Equal(t, wire.CmdStartInstance, rpc.Command)
			require.Equal(t, e.Name, string(rpc.Name))
			require.True(t, json.Valid(rpc.Config))
		case "handle_event":
			require.Equal(t, wire.CmdHandleEvent, rpc.Command)
			require.Equal(t, e.Phase, string(rpc.Event))
			require.Positive(t, rpc.InstanceID)
		default:
			t.Fatalf("unknown event %q", e.Event)
		}
	}
}

// Recorded is a go-pdk plugin, usable under both servers: it makes the calls whose
// methods and arguments its config holds, and reports each reply through a log call.
type Recorded struct {
	Calls []struct {
		Method string `json:"method"`
		Args   []byte `json:"args"`
	} `json:"calls"`
}

// Access makes the calls.
func (r *Recorded) Access(kong *pdk.PDK) {
	for _, call := range r.Calls {
		args, reply := new(emptypb.Empty), new(emptypb.Empty)
		args.ProtoReflect().SetUnknown(call.Args)
		if err := kong.Request.Ask(call.Method, args, reply); err != nil {
			return
		}
		kong.Log.Notice(call.Method, fmt.Sprintf("%x", []byte(reply.ProtoReflect().GetUnknown())))
	}
}

// Log makes the calls too.
func (r *Recorded) Log(kong *pdk.PDK) { r.Access(kong) }

// recordedPlugin serves Recorded under our server; ahead lists the calls to send ahead.
func recordedPlugin(ahead bool) Plugin {
	plugin := toyPlugin("rec", &toy{})
	plugin.New = func(config []byte) (Instance, error) {
		r := new(Recorded)
		if err := json.Unmarshal(config, r); err != nil {
			return nil, err
		}
		in := &toy{handle: func(phase string, kong *pdk.PDK) { r.Access(kong) }}
		for _, call := range r.Calls {
			// What the plugin changes itself must not be asked before; what raises an
			// error would end the event before the plugin has begun.
			if call.Method == "kong.ctx.shared.set" || call.Method == "kong.no.such_call" || call.Method == wire.MethodExit {
				break
			}
			if ahead && !behind[call.Method] {
				in.prefetch = append(in.prefetch, wire.Call{Method: call.Method, Args: call.Args})
			}
		}
		return in, nil
	}
	return plugin
}

// TestReplay runs the recorded events under go-pdk's own server and under ours, without
// and with read-ahead: the plugin sees the same replies, and Kong the same outcome.
func TestReplay(t *testing.T) {
	stock, _ := Child(t, "STOCK_SERVER")
	plain := newRig(t, Options{Plugins: []Plugin{recordedPlugin(false)}})
	ahead := newRig(t, Options{Plugins: []Plugin{recordedPlugin(true)}})
	for _, e := range readTrace(t) {
		if e.Event != "handle_event" {
			continue
		}
		t.Run(e.Scenario+" "+e.Phase, func(t *testing.T) {
			want, wantTrips := replay(t, stock, e)
			got, trips := replay(t, plain.path, e)
			require.Equal(t, want, got, "ours")
			require.Less(t, trips, wantTrips)
			got, aheadTrips := replay(t, ahead.path, e)
			require.Equal(t, want.logged, got.logged, "ours, read ahead: what the plugin saw")
			require.Equal(t, want.err, got.err)
			require.Equal(t, want.exit, got.exit)
			require.ElementsMatch(t, want.calls, got.calls, "ours, read ahead: what Kong was asked")
			require.LessOrEqual(t, aheadTrips, trips)
			t.Logf("%d calls: %d trips with go-pdk's server, %d with ours, %d read ahead", len(want.calls), wantTrips, trips, aheadTrips)
		})
	}
}

// outcome of a replay.
type replayed struct {
	logged []string // replies, as the plugin saw them
	calls  []string // methods and arguments, the plugin's log calls left out
	exit   int
	err    string
}

var errRaised = errors.New("raised")

// replay plays one recorded event against the server at path, and counts Kong's waits.
func replay(t *testing.T, path string, e exchange) (out replayed, trips int) {
	t.Helper()
	used := make([]bool, len(e.Calls))
	peer := &kongpeer.Peer{
		Dial: func() (net.Conn, error) { return net.DialTimeout("unix", path, 5*time.Second) },
		Answer: func(method string, args []byte) []byte {
			for i, call := range e.Calls {
				if !used[i] && call.Method == method && string(call.Args) == string(args) {
					used[i] = true
					return call.Reply
				}
			}
			return nil // the plugin's log
		},
		Raise: func(method string) error {
			for _, call := range e.Calls {
				if call.Method == method && call.Closed != "" {
					return errRaised
				}
			}
			return nil
		},
	}
	defer peer.Close()
	var r Recorded
	for _, call := range e.Calls {
		r.Calls = append(r.Calls, struct {
			Method string `json:"method"`
			Args   []byte `json:"args"`
		}{call.Method, call.Args})
	}
	config, err := json.Marshal(r)
	require.NoError(t, err)

	result, err := peer.Event("rec", config, e.Phase)
	if err != nil {
		out.err = err.Error()
	}
	if result.Exit != nil {
		out.exit = int(result.Exit.Status)
	}
	recorded := map[string]bool{}
	for _, call := range e.Calls {
		recorded[fmt.Sprintf("%s %x", call.Method, call.Args)] = true
	}
	for _, call := range result.Calls {
		if key := fmt.Sprintf("%s %x", call.Method, call.Args); recorded[key] {
			out.calls = append(out.calls, key)
		} else {
			require.Equal(t, "kong.log.notice", call.Method)
			out.logged = append(out.logged, key)
		}
	}
	return out, result.Trips
}
