package gateway_test

import (
	"encoding/json"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kongwaf/kong/wire"
)

// toyServer is a plugin server whose plugins are functions of the test.
type toyServer struct {
	t        *testing.T
	socket   string
	listener net.Listener
	plugins  map[string]func(*toyEvent)

	mu        sync.Mutex
	instances []toyInstance // by id, from 1
	frames    []*kong_plugin_protocol.RpcCall
	conns     int
}

type toyInstance struct {
	name   string
	config map[string]any
}

// toyEvent is one event; the plugin may ask Kong, and the event is closed when it returns
// unless it says otherwise.
type toyEvent struct {
	s        *toyServer
	conn     net.Conn
	phase    string
	instance toyInstance
	id       int
	hangUp   bool // drop the connection instead of ending the event
	dead     bool // Kong has dropped it
}

func newToyServer(t *testing.T, plugins map[string]func(*toyEvent)) *toyServer {
	t.Helper()
	s := &toyServer{t: t, socket: filepath.Join(t.TempDir(), "toy.sock"), plugins: plugins, instances: make([]toyInstance, 1)}
	l, err := net.Listen("unix", s.socket)
	require.NoError(t, err)
	s.listener = l
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			go s.converse(c)
		}
	}()
	return s
}

func (s *toyServer) converse(c net.Conn) {
	defer c.Close()
	for {
		frame, err := wire.ReadFrame(c, nil, wire.DefaultMaxFrame)
		if err != nil {
			return
		}
		call := &kong_plugin_protocol.RpcCall{}
		if err := proto.Unmarshal(frame, call); err != nil {
			return
		}
		s.mu.Lock()
		s.frames = append(s.frames, call)
		s.mu.Unlock()
		ret := &kong_plugin_protocol.RpcReturn{Sequence: call.Sequence}
		if start := call.GetCmdStartInstance(); start != nil {
			id := s.start(start)
			ret.Return = &kong_plugin_protocol.RpcReturn_InstanceStatus{InstanceStatus: &kong_plugin_protocol.InstanceStatus{Name: start.Name, InstanceId: int32(id)}}
			s.end(c, ret, false)
			continue
		}
		e := s.event(c, call.GetCmdHandleEvent())
		s.plugins[e.instance.name](e)
		if e.hangUp || e.dead {
			return
		}
		s.end(c, ret, true)
	}
}

func (s *toyServer) start(start *kong_plugin_protocol.CmdStartInstance) int {
	var config map[string]any
	if json.Unmarshal(start.Config, &config) != nil {
		config = map[string]any{"not JSON": string(start.Config)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instances = append(s.instances, toyInstance{name: start.Name, config: config})
	return len(s.instances) - 1
}

func (s *toyServer) event(c net.Conn, ev *kong_plugin_protocol.CmdHandleEvent) *toyEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &toyEvent{s: s, conn: c, phase: ev.EventName, id: int(ev.InstanceId), instance: s.instances[ev.InstanceId]}
}

func (s *toyServer) end(c net.Conn, ret *kong_plugin_protocol.RpcReturn, event bool) {
	data, err := proto.Marshal(ret)
	if err != nil {
		panic(err)
	}
	var out []byte
	if event {
		out = wire.AppendFrame(out, nil)
	}
	c.Write(wire.AppendFrame(out, data))
}

// started returns the configs of the instances of a plugin.
func (s *toyServer) started(name string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []map[string]any
	for _, i := range s.instances {
		if i.name == name {
			out = append(out, i.config)
		}
	}
	return out
}

// ask makes a PDK call; ok is false if Kong dropped the connection.
func (e *toyEvent) ask(method string, args, reply proto.Message) (ok bool) {
	data, err := proto.Marshal(args)
	if err != nil {
		panic(err)
	}
	raw, ok := e.askRaw(method, data)
	if ok && reply != nil {
		if err := proto.Unmarshal(raw, reply); err != nil {
			panic(err)
		}
	}
	return ok
}

func (e *toyEvent) askRaw(method string, args []byte) ([]byte, bool) {
	if e.dead {
		return nil, false
	}
	if _, err := e.conn.Write(wire.AppendCall(nil, wire.Call{Method: method, Args: args})); err != nil {
		e.dead = true
		return nil, false
	}
	raw, err := wire.ReadFrame(e.conn, nil, wire.DefaultMaxFrame)
	if err != nil {
		e.dead = true
		return nil, false
	}
	return raw, true
}

func (e *toyEvent) text(method, argument string) string {
	out := &kong_plugin_protocol.String{}
	e.ask(method, &kong_plugin_protocol.String{V: argument}, out)
	return out.V
}

func (e *toyEvent) setHeader(method, name string, v any) bool {
	value, err := structpb.NewValue(v)
	if err != nil {
		panic(err)
	}
	return e.ask(method, &kong_plugin_protocol.KV{K: name, V: value}, nil)
}

func (e *toyEvent) setHeaders(method string, headers map[string]any) bool {
	st, err := structpb.NewStruct(headers)
	if err != nil {
		panic(err)
	}
	return e.ask(method, st, nil)
}

func (e *toyEvent) exit(status int32, body string, headers map[string]any) {
	st, err := structpb.NewStruct(headers)
	if err != nil {
		panic(err)
	}
	e.ask("kong.response.exit", &kong_plugin_protocol.ExitArgs{Status: status, Body: []byte(body), Headers: st}, nil)
}
