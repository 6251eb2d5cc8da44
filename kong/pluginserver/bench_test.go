package pluginserver_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/server"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/supervisor"
	"kongwaf/kong/wire"
	"kongwaf/kong/wire/kongpeer"
)

// What a child process serves; the value is the socket's path.
const (
	stockServer  = "STOCK_SERVER" // go-pdk's server, Recorded or, with BENCH set, Shape
	oursServer   = "OURS_SERVER"  // ours, one process
	keptServer   = "KEPT_SERVER"  // ours, a supervisor and its worker
	benchVar     = "BENCH"
	shapeVar     = "BENCH_SHAPE" // the plugin: one of shapes
	benchSeconds = 2
)

func TestMain(m *testing.M) {
	switch {
	case supervisor.IsWorker():
		w, err := supervisor.NewWorker()
		exitOn(err)
		srv, err := pluginserver.New(pluginserver.Options{Plugins: []pluginserver.Plugin{shapePlugin()}})
		exitOn(err)
		exitOn(w.Serve(context.Background(), srv))
		os.Exit(0)
	case os.Getenv(stockServer) != "" && os.Getenv(benchVar) != "":
		exitOn(server.StartServer(func() interface{} { return &Shape{} }, "1.0.0", 1))
	case os.Getenv(stockServer) != "":
		exitOn(server.StartServer(func() interface{} { return &pluginserver.Recorded{} }, "1.0.0", 1))
	case os.Getenv(oursServer) != "":
		listener, err := pluginserver.Listen(os.Getenv(oursServer), 0o600, "")
		exitOn(err)
		srv, err := pluginserver.New(pluginserver.Options{Plugins: []pluginserver.Plugin{shapePlugin()}})
		exitOn(err)
		exitOn(srv.Serve(listener))
	case os.Getenv(keptServer) != "":
		listener, err := pluginserver.Listen(os.Getenv(keptServer), 0o600, "")
		exitOn(err)
		exitOn(supervisor.Run(context.Background(), supervisor.Options{Listener: listener,
			Plugins: []pluginserver.Plugin{shapePlugin()}, Logger: slog.New(slog.DiscardHandler)}))
	}
	os.Exit(m.Run())
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Shape is a plugin that asks and does what one of the product's plugins asks and does,
// and computes nothing: the difference is the server's.
type Shape struct{}

// shape is what a plugin of that kind does in one event.
type shape struct {
	ahead  []wire.Call
	access func(*pdk.PDK)
}

func text(s string) []byte { return append([]byte{0x0a, byte(len(s))}, s...) }

// ask makes a call with the argument and the reply as bytes, as the product's plugins do.
func ask(kong *pdk.PDK, call wire.Call) {
	args := &emptypb.Empty{}
	args.ProtoReflect().SetUnknown(call.Args)
	kong.Request.Ask(call.Method, args, &emptypb.Empty{})
}

func asks(calls ...wire.Call) func(*pdk.PDK) {
	return func(kong *pdk.PDK) {
		for _, call := range calls {
			ask(kong, call)
		}
	}
}

var (
	forwardedIP = wire.Call{Method: "kong.client.get_forwarded_ip"}
	requestLine = wire.Call{Method: "kong.nginx.get_var", Args: text("request")}
	headers     = wire.Call{Method: "kong.request.get_headers", Args: []byte{8, 0xe8, 7}}
	consumer    = wire.Call{Method: "kong.client.get_consumer"}
	credential  = wire.Call{Method: "kong.client.get_credential"}
	// As long as three rate limit headers and two of a consumer.
	setAnswer   = wire.Call{Method: "kong.response.set_headers", Args: make([]byte, 110)}
	setUpstream = wire.Call{Method: "kong.service.request.set_headers", Args: make([]byte, 150)}
	login       = wire.Call{Method: "kong.client.authenticate", Args: make([]byte, 80)}
)

var shapes = map[string]shape{
	"ip-restriction": {ahead: []wire.Call{forwardedIP}, access: asks(forwardedIP)},
	"key-auth":       {ahead: []wire.Call{requestLine, headers}, access: asks(requestLine, headers, login, setUpstream)},
	"rate-limiting": {ahead: []wire.Call{forwardedIP, consumer, credential},
		access: asks(forwardedIP, consumer, credential, setAnswer)},
	"detect": {ahead: []wire.Call{requestLine, headers, forwardedIP}, access: asks(requestLine, headers, forwardedIP)},
	"refusal": {ahead: []wire.Call{forwardedIP}, access: func(kong *pdk.PDK) {
		ask(kong, forwardedIP)
		kong.Response.Exit(403, []byte(`{"message":"IP address not allowed"}`), nil)
	}},
	"gate": {ahead: []wire.Call{requestLine, headers, forwardedIP},
		access: asks(requestLine, headers, forwardedIP, login, setUpstream, setAnswer)},
}

// Access does what the shape does.
func (*Shape) Access(kong *pdk.PDK) { shapes[os.Getenv(shapeVar)].access(kong) }

func shapePlugin() pluginserver.Plugin {
	return pluginserver.Plugin{
		Name: "rec", Version: "1.0.0", Phases: []string{"access"}, Schema: json.RawMessage(`{}`),
		New: func([]byte) (pluginserver.Instance, error) { return shapeInstance{shapes[os.Getenv(shapeVar)]}, nil },
	}
}

type shapeInstance struct{ shape }

func (s shapeInstance) Handle(_ string, kong *pdk.PDK) { s.access(kong) }
func (s shapeInstance) Prefetch(string) []wire.Call    { return s.ahead }
func (shapeInstance) Failure() pluginserver.Policy     { return pluginserver.PolicyDeny }
func (shapeInstance) Timeout() time.Duration           { return time.Second }

// recordedHeaders is a reply to get_headers with four headers, as a Kong sent it.
var recordedHeaders = []byte("\n\x1b\n\nuser-agent\x12\r\x1a\vcurl/7.88.1\n\x19\n\nx-scenario\x12\v\x1a\tget-plain" +
	"\n\x0f\n\x06accept\x12\x05\x1a\x03*/*\n\x19\n\x04host\x12\x11\x1a\x0f127.0.0.1:18500")

// kong answers PDK calls at the price that a real Kong's one thread pays for them.
func kong(path string) *kongpeer.Peer {
	var thread sync.Mutex
	return &kongpeer.Peer{
		Dial: func() (net.Conn, error) { return net.Dial("unix", path) },
		Answer: func(method string, _ []byte) []byte {
			thread.Lock()
			defer thread.Unlock()
			for end := time.Now().Add(8 * time.Microsecond); time.Now().Before(end); {
			}
			switch method {
			case "kong.request.get_headers":
				return recordedHeaders
			case "kong.nginx.get_var":
				return text("GET /open/a%20b?q=1 HTTP/1.1")
			case "kong.client.get_forwarded_ip":
				return text("203.0.113.9")
			}
			return nil
		},
	}
}

// measured is what a run of events cost.
type measured struct {
	rate   float64       // events a second, 32 at a time
	cpu    time.Duration // of the server, per event
	median time.Duration // one at a time
	trips  int
}

func measure(t *testing.T, env string) measured {
	path, process := pluginserver.Child(t, env)
	peer := kong(path)
	defer peer.Close()
	event := func() kongpeer.Result {
		result, err := peer.Event("rec", []byte("{}"), "access")
		require.NoError(t, err)
		return result
	}
	m := measured{trips: event().Trips}
	var took []time.Duration
	for end := time.Now().Add(benchSeconds * time.Second / 2); time.Now().Before(end); {
		start := time.Now()
		event()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	m.median = took[len(took)/2]

	var done sync.WaitGroup
	var mu sync.Mutex
	total, before, start := 0, cpuTime(t, process.Pid), time.Now()
	for range 32 {
		done.Go(func() {
			n := 0
			for ; time.Since(start) < benchSeconds*time.Second; n++ {
				event()
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	done.Wait()
	m.rate = float64(total) / time.Since(start).Seconds()
	m.cpu = (cpuTime(t, process.Pid) - before) / time.Duration(total)
	return m
}

// cpuTime returns the processor time of a process and its children, by the clock of the
// scheduler.
func cpuTime(t *testing.T, pid int) time.Duration {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	require.NoError(t, err)
	var total time.Duration
	for _, task := range tasks {
		dir := fmt.Sprintf("/proc/%d/task/%s", pid, task.Name())
		if stat, err := os.ReadFile(dir + "/schedstat"); err == nil {
			ns, _ := strconv.ParseInt(strings.Fields(string(stat))[0], 10, 64)
			total += time.Duration(ns)
		}
		children, _ := os.ReadFile(dir + "/children")
		for _, child := range strings.Fields(string(children)) {
			n, _ := strconv.Atoi(child)
			total += cpuTime(t, n)
		}
	}
	return total
}

// TestBench compares ours with go-pdk's server, side by side, for the plugins' shapes:
//
//	BENCH=1 go test ./kong/pluginserver -run '^TestBench$' -v
//
// "kept" is ours under a supervisor, as `kong-waf serve` runs. Beyond 1 means ours is better.
func TestBench(t *testing.T) {
	if os.Getenv(benchVar) == "" {
		t.Skip("BENCH is not set")
	}
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	for _, name := range strings.Fields(cmp.Or(os.Getenv("BENCH_SHAPES"), "ip-restriction key-auth rate-limiting detect gate refusal")) {
		t.Setenv(shapeVar, name)
		stock, ours, kept := measure(t, stockServer), measure(t, oursServer), measure(t, keptServer)
		for _, line := range []struct {
			name string
			m    measured
		}{{"", ours}, {"-kept", kept}} {
			fmt.Printf("bench event-cpu-%s%s: ours %v, peer %v, ratio %.2f\n", name, line.name, line.m.cpu, stock.cpu, float64(stock.cpu)/float64(line.m.cpu))
			fmt.Printf("bench event-latency-%s%s: ours %v, peer %v, ratio %.2f\n", name, line.name, line.m.median, stock.median, float64(stock.median)/float64(line.m.median))
			fmt.Printf("bench event-rate-%s%s: ours %.0f/s, peer %.0f/s, ratio %.2f\n", name, line.name, line.m.rate, stock.rate, line.m.rate/stock.rate)
		}
		fmt.Printf("bench event-trips-%s: ours %d, peer %d, ratio %.2f\n", name, ours.trips, stock.trips, float64(stock.trips)/float64(ours.trips))
	}
}

// BenchmarkEvent is one event of the gate's shape on one connection, Kong's side included
// as far as it goes without computing.
func BenchmarkEvent(b *testing.B) {
	b.Setenv(shapeVar, "gate")
	srv, err := pluginserver.New(pluginserver.Options{Plugins: []pluginserver.Plugin{shapePlugin()}})
	require.NoError(b, err)
	path := b.TempDir() + "/s"
	listener, err := pluginserver.Listen(path, 0o600, "")
	require.NoError(b, err)
	go srv.Serve(listener)
	defer srv.Shutdown(context.Background())
	conn, err := net.Dial("unix", path)
	require.NoError(b, err)
	defer conn.Close()

	id := srv.Start("rec", []byte("{}"))
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
