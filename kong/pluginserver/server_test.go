package pluginserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/wire"
)

func stringReply(s string) []byte { return append([]byte{0x0a, byte(len(s))}, s...) }

// answers plays the few PDK functions that the tests use.
func answers(method string, args []byte) []byte {
	switch method {
	case "kong.client.get_ip":
		return stringReply("203.0.113.9")
	case "kong.request.get_method":
		return stringReply("GET")
	case "kong.request.get_header":
		return stringReply("header:" + string(args[2:]))
	}
	return nil
}

func TestReadAheadAnswersFromMemoryInOneTrip(t *testing.T) {
	var ip, method, header string
	toy := &toy{
		prefetch: []wire.Call{{Method: "kong.client.get_ip"}, {Method: "kong.request.get_method"}, {Method: "kong.request.get_header", Args: stringReply("a")}},
		handle: func(_ string, kong *pdk.PDK) {
			header, _ = kong.Request.GetHeader("a") // in another order than declared
			method, _ = kong.Request.GetMethod()
			ip, _ = kong.Client.GetIp()
		},
	}
	r := toyRig(t, toy)
	r.Answer = answers
	for range 3 { // on one connection
		result := r.access(t)
		require.Equal(t, []string{"203.0.113.9", "GET", "header:a"}, []string{ip, method, header})
		require.Equal(t, []string{"kong.client.get_ip", "kong.request.get_method", "kong.request.get_header"}, methods(result.Calls))
		require.Equal(t, 2, result.Trips)
	}
	require.EqualValues(t, 1, r.Dials.Load())
	require.EqualValues(t, 9, r.srv.Stats().ReadAhead)
}

func TestUndeclaredCallCostsATrip(t *testing.T) {
	var first, again, other string
	toy := &toy{
		prefetch: []wire.Call{{Method: "kong.request.get_header", Args: stringReply("a")}},
		handle: func(_ string, kong *pdk.PDK) {
			first, _ = kong.Request.GetHeader("a")
			again, _ = kong.Request.GetHeader("a") // declared once, asked twice
			other, _ = kong.Request.GetHeader("b") // other arguments than declared
		},
	}
	r := toyRig(t, toy)
	r.Answer = answers
	result := r.access(t)
	require.Equal(t, []string{"header:a", "header:a", "header:b"}, []string{first, again, other})
	require.Equal(t, 4, result.Trips)
}

func TestGroupTakesOneTrip(t *testing.T) {
	var got []string
	toy := &toy{
		prefetch: []wire.Call{{Method: "kong.client.get_ip"}},
		groups: [][]wire.Call{
			{{Method: "kong.request.get_method"}, {Method: "kong.request.get_header", Args: stringReply("a")}},
			{{Method: "kong.request.get_header", Args: stringReply("alone")}},
		},
		handle: func(_ string, kong *pdk.PDK) {
			got = nil
			kong.Log.Notice("queued")
			a, _ := kong.Request.GetHeader("a") // the second of its group
			method, _ := kong.Request.GetMethod()
			ip, _ := kong.Client.GetIp()
			again, _ := kong.Request.GetMethod() // a group goes once
			alone, _ := kong.Request.GetHeader("alone")
			got = []string{a, method, ip, again, alone}
		},
	}
	r := toyRig(t, toy)
	r.Answer = answers
	for range 2 {
		result := r.access(t)
		require.Equal(t, []string{"header:a", "GET", "203.0.113.9", "GET", "header:alone"}, got)
		require.Equal(t, 5, result.Trips)
		require.Len(t, result.Calls, 6)
	}
	toy.handle = nil
	require.Len(t, r.access(t).Calls, 1, "a group that nobody asks for is not sent")
}

func TestEmptyAnswersTravelWithTheClosingFrames(t *testing.T) {
	var errs []error
	toy := &toy{
		prefetch: []wire.Call{{Method: "kong.client.get_ip"}},
		handle: func(_ string, kong *pdk.PDK) {
			kong.Client.GetIp()
			errs = append(errs,
				kong.ServiceRequest.SetHeaders(map[string][]string{"X-A": {"1"}}),
				kong.Response.SetHeader("X-B", "2"),
				kong.Log.Notice("three"),
				kong.Ctx.SetShared("k", "v"))
		},
	}
	r := toyRig(t, toy)
	r.Answer = answers
	for range 3 { // the answers are read before the next event
		result := r.access(t)
		require.Equal(t, 2, result.Trips)
		require.Equal(t, []string{"kong.client.get_ip", "kong.service.request.set_headers",
			"kong.response.set_header", "kong.log.notice", "kong.ctx.shared.set"}, methods(result.Calls))
	}
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, r.Dials.Load())
}

func TestQueuedCallsGoBeforeAnUndeclaredOne(t *testing.T) {
	var header string
	toy := &toy{handle: func(_ string, kong *pdk.PDK) {
		kong.Log.Notice("first")
		kong.Ctx.SetShared("k", "v")
		header, _ = kong.Request.GetHeader("a")
		kong.Log.Notice("last")
	}}
	r := toyRig(t, toy)
	r.Answer = answers
	result := r.access(t)
	require.Equal(t, "header:a", header)
	require.Equal(t, []string{"kong.log.notice", "kong.ctx.shared.set", "kong.request.get_header", "kong.log.notice"}, methods(result.Calls))
	require.Equal(t, 2, result.Trips)
}

func TestManyQueuedCallsDoNotBlockBothSides(t *testing.T) {
	toy := &toy{handle: func(_ string, kong *pdk.PDK) {
		for i := range 5000 {
			kong.Log.Notice(fmt.Sprint(i))
		}
	}}
	r := toyRig(t, toy)
	result := r.access(t)
	require.Len(t, result.Calls, 5000)
}

func TestExitTakesTheQueueAlongAndKongDropsTheConnection(t *testing.T) {
	late := make(chan error, 1)
	toy := &toy{
		prefetch: []wire.Call{{Method: "kong.client.get_ip"}},
		handle: func(_ string, kong *pdk.PDK) {
			kong.Client.GetIp()
			kong.Response.SetHeader("X-A", "1")
			kong.Response.Exit(403, []byte("no"), map[string][]string{"X-B": {"2"}})
			late <- kong.Log.Notice("after the exit")
		},
	}
	r := toyRig(t, toy)
	r.Answer = answers
	for range 3 {
		result := r.access(t)
		require.EqualValues(t, 403, result.Exit.Status)
		require.Equal(t, "no", string(result.Exit.Body))
		require.Equal(t, 2, result.Trips)
		require.Equal(t, []string{"kong.client.get_ip", "kong.response.set_header", "kong.response.exit"}, methods(result.Calls))
		require.Error(t, <-late)
	}
	require.EqualValues(t, 3, r.Dials.Load(), "one an exit; the first also started the instance")
}

func TestInstances(t *testing.T) {
	compiled := 0
	plugin := toyPlugin("toy", &toy{})
	plugin.New = func([]byte) (Instance, error) { compiled++; return &toy{}, nil }
	r := newRig(t, Options{Plugins: []Plugin{plugin, toyPlugin("other", &toy{})}})

	start := func(name, config string) int32 {
		ret, err := r.Command(wire.RPC{Command: wire.CmdStartInstance, Name: []byte(name), Config: []byte(config)})
		require.NoError(t, err)
		return ret.GetInstanceStatus().GetInstanceId()
	}
	a := start("toy", `{"__seq__":1,"x":{"a":1,"b":2}}`)
	b := start("toy", `{"x":{"b":2,"a":1},"__seq__":2}`)
	c := start("toy", `{"__seq__":1,"x":{"a":1,"b":3}}`)
	require.Positive(t, a)
	require.NotEqual(t, a, b, "two nginx workers have an instance each")
	require.Equal(t, 2, compiled, "equal but for __seq__ and the order of fields: compiled once")

	status, err := r.Command(wire.RPC{Command: wire.CmdGetInstanceStatus, InstanceID: c})
	require.NoError(t, err)
	require.Equal(t, "toy", status.GetInstanceStatus().GetName())
	require.Nil(t, status.GetInstanceStatus().GetConfig(), "a config may hold secrets")

	_, err = r.Command(wire.RPC{Command: wire.CmdCloseInstance, InstanceID: a})
	require.NoError(t, err)
	require.Nil(t, r.srv.instances.get(a))
	require.NotNil(t, r.srv.instances.get(b))
	require.NotEqual(t, a, start("toy", `{"__seq__":3}`), "ids are never reused")

	names, err := r.Command(wire.RPC{Command: wire.CmdGetPluginNames})
	require.NoError(t, err)
	require.Equal(t, []string{"toy", "other"}, names.GetPluginNames().GetNames())
	info, err := r.Command(wire.RPC{Command: wire.CmdGetPluginInfo, Name: []byte("toy")})
	require.NoError(t, err)
	require.Equal(t, "1.2.3", info.GetPluginInfo().GetVersion())
	require.EqualValues(t, 7, info.GetPluginInfo().GetPriority())
	require.Equal(t, []string{"access", "log"}, info.GetPluginInfo().GetPhases())
	unknown, err := r.Command(wire.RPC{Command: wire.CmdGetPluginInfo, Name: []byte("nobody")})
	require.NoError(t, err)
	require.Nil(t, unknown.GetReturn())
}

func TestIdleInstancesAreDropped(t *testing.T) {
	clock := newManualClock()
	r := newRig(t, Options{Plugins: []Plugin{toyPlugin("toy", &toy{})}, Clock: clock})
	used := r.srv.Start("toy", []byte(`{"used":1}`))
	idle := r.srv.Start("toy", []byte(`{"idle":1}`))
	clock.advance(r.srv.limits.IdleInstance / 2)
	r.srv.instances.get(used).last.Store(clock.Now().UnixNano())
	clock.advance(r.srv.limits.IdleInstance/2 + 1)
	r.srv.Start("toy", []byte(`{"third":1}`))
	require.Nil(t, r.srv.instances.get(idle))
	require.NotNil(t, r.srv.instances.get(used))
}

func TestInfo(t *testing.T) {
	plugins := []Plugin{toyPlugin("a", &toy{}), toyPlugin("b", &toy{})}
	out, err := Info(plugins, "b", "/run/s")
	require.NoError(t, err)
	require.JSONEq(t, `{"Protocol":"ProtoBuf:1","SocketPath":"/run/s","Plugins":[
		{"Name":"b","Version":"1.2.3","Priority":7,"Phases":["access","log"],"Schema":{"name":"b","fields":[]}}]}`, string(out))
	require.True(t, json.Valid(out))
	_, err = Info(plugins, "c", "/run/s")
	require.EqualError(t, err, `no plugin "c"; there are a, b`)
}

func TestListenTakesASocketOver(t *testing.T) {
	path := t.TempDir() + "/s"
	first, err := Listen(path, 0o600, "")
	require.NoError(t, err)
	second, err := Listen(path, 0o666, "")
	require.NoError(t, err)
	require.NoError(t, first.Close())
	info, err := os.Stat(path)
	require.NoError(t, err, "closing the first must leave the second's path alone")
	require.Equal(t, os.FileMode(0o666), info.Mode().Perm())
	go func() { c, _ := net.Dial("unix", path); c.Close() }()
	c, err := second.Accept()
	require.NoError(t, err)
	c.Close()
	require.NoError(t, second.Close())

	third, err := Listen(path, 0o600, fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()))
	require.NoError(t, err, "a socket left behind is taken over")
	third.Close()
}

// TestListenSaysWhatIsWrong: without the name of a file that nobody has asked for.
func TestListenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, tc := range map[string]struct{ path, owner, want string }{
		"something else is there": {path: file, want: file + " exists and is no socket"},
		"too long":                {path: "/tmp/" + strings.Repeat("x", 120), want: "too long"},
		"unknown owner":           {path: dir + "/s", owner: "no-such-user-here", want: "no-such-user-here"},
		"no folder":               {path: dir + "/none/s", want: "there is no folder " + dir + "/none: make it, writable for "},
		"in a file":               {path: file + "/s", want: file + " is no folder"},
		"not allowed":             {path: "/proc/s", want: "in folder /proc (owner root:root, mode 0555): "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Listen(tc.path, 0o600, tc.owner)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "."+strconv.Itoa(os.Getpid()), "the temporary name")
		})
	}
}

func TestSocketKnowsWhetherThePathIsIts(t *testing.T) {
	path := t.TempDir() + "/s"
	first, err := Listen(path, 0o600, "")
	require.NoError(t, err)
	defer first.Close()
	require.NoError(t, first.Lost())
	require.Equal(t, path, first.Path())

	second, err := Listen(path, 0o600, "")
	require.NoError(t, err)
	require.ErrorContains(t, first.Lost(), "another server has taken the socket "+path)
	require.NoError(t, second.Lost())
	rival, err := first.Rival()
	require.NoError(t, err)
	require.NotNil(t, rival)
	rival.Close()
	second.Close() // and leaves its socket behind
	require.ErrorContains(t, first.Lost(), "another server")
	rival, err = first.Rival()
	require.NoError(t, err)
	require.Nil(t, rival)
	again, err := first.Again()
	require.NoError(t, err)
	require.NoError(t, again.Lost())

	require.NoError(t, os.Remove(path))
	require.ErrorContains(t, again.Lost(), "removed")
	rival, err = again.Rival()
	require.NoError(t, err)
	require.Nil(t, rival)
	third, err := again.Again()
	require.NoError(t, err)
	require.NoError(t, third.Lost())

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.ErrorContains(t, third.Lost(), "something that is none")
	_, err = third.Again()
	require.ErrorContains(t, err, "is no socket", "what is not ours is not touched")
}

func TestShutdownEndsEventsAndClosesIdleConnectionsSoftly(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	toy := &toy{handle: func(string, *pdk.PDK) { entered <- true; <-leave }}
	plugin := toyPlugin("toy", toy)
	srv, err := New(Options{Plugins: []Plugin{plugin}})
	require.NoError(t, err)
	r := toyRig(t, toy) // for its peer only
	path := t.TempDir() + "/s"
	listener, err := Listen(path, 0o600, "")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	r.Dial = func() (net.Conn, error) { return net.Dial("unix", path) }

	idle, err := net.Dial("unix", path)
	require.NoError(t, err)
	event := make(chan error, 1)
	go func() { _, err := r.Event("toy", []byte("{}"), "access"); event <- err }()
	<-entered
	down := make(chan error, 1)
	go func() { down <- srv.Shutdown(context.Background()) }()
	require.ErrorIs(t, <-served, ErrServerClosed)
	n, err := idle.Read(make([]byte, 1))
	require.Zero(t, n)
	require.ErrorContains(t, err, "EOF", "an idle connection ends, it is not reset")
	idle.Close()
	close(leave)
	require.NoError(t, <-event, "a running event is answered")
	r.Peer.Close()
	require.NoError(t, <-down)
}

func TestTwoPluginsOfOneName(t *testing.T) {
	_, err := New(Options{Plugins: []Plugin{toyPlugin("a", &toy{}), toyPlugin("a", &toy{})}})
	require.ErrorContains(t, err, "twice")
}
