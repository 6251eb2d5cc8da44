package plugins_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire/kongpeer"
	"kongwaf/plugins"
	"kongwaf/plugins/internal/raw"
)

// TestBench measures every plugin, on good requests and on ones that it refuses, on our
// server and on go-pdk's, in turns in the same run:
//
//	BENCH=1 go test ./plugins -run '^TestBench$' -v
//
// "served" is `kong-waf serve`, a supervisor and its worker; "plain" is the same server in
// one process, without what keeps requests alive when it dies. The peer is the same plugin
// under go-pdk's own server. A ratio beyond 1 means that ours is better.
//
// The lines that begin with "head" set ours with the whole request head in one variable
// against ours without it.
func TestBench(t *testing.T) {
	if os.Getenv("BENCH") == "" {
		t.Skip("BENCH is not set")
	}
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	served, plain, headed := startServed(t), startPlain(t), startServed(t)
	headed.head = true
	stock := map[string]*benchServer{}
	for _, c := range benchCases {
		if !strings.Contains(c.name, os.Getenv("BENCH_CASE")) {
			continue
		}
		if stock[c.plugin] == nil {
			stock[c.plugin] = startBenchStock(t, c.plugin)
		}
		var theirs, ours, alone, head cost
		for range benchRounds { // in turns: the machine is not equally fast all the time
			theirs.add(c.measure(t, stock[c.plugin]))
			ours.add(c.measure(t, served))
			alone.add(c.measure(t, plain))
			head.add(c.measure(t, headed))
		}
		fmt.Printf("bench event-cpu-%s: ours %v, peer %v, ratio %.2f\n", c.name, ours.cpu(), theirs.cpu(), float64(theirs.cpu())/float64(ours.cpu()))
		fmt.Printf("bench event-cpu-%s-plain: ours %v, peer %v, ratio %.2f\n", c.name, alone.cpu(), theirs.cpu(), float64(theirs.cpu())/float64(alone.cpu()))
		fmt.Printf("bench event-latency-%s: ours %v, peer %v, ratio %.2f\n", c.name, ours.median(), theirs.median(), float64(theirs.median())/float64(ours.median()))
		fmt.Printf("bench event-trips-%s: ours %d, peer %d, ratio %.2f\n", c.name, ours.trips, theirs.trips, float64(theirs.trips)/float64(ours.trips))
		fmt.Printf("bench event-calls-%s: ours %d, peer %d, ratio %.2f\n", c.name, ours.calls, theirs.calls, float64(theirs.calls)/float64(ours.calls))
		fmt.Printf("bench event-bytes-%s: ours %d, peer %d, ratio %.2f\n", c.name, ours.bytes, theirs.bytes, float64(theirs.bytes)/float64(ours.bytes))
		fmt.Printf("bench head-cpu-%s: ours %v, peer %v, ratio %.2f\n", c.name, head.cpu(), ours.cpu(), float64(ours.cpu())/float64(head.cpu()))
		fmt.Printf("bench head-latency-%s: ours %v, peer %v, ratio %.2f\n", c.name, head.median(), ours.median(), float64(ours.median())/float64(head.median()))
		fmt.Printf("bench head-trips-%s: ours %d, peer %d, ratio %.2f\n", c.name, head.trips, ours.trips, float64(ours.trips)/float64(head.trips))
		fmt.Printf("bench head-calls-%s: ours %d, peer %d, ratio %.2f\n", c.name, head.calls, ours.calls, float64(ours.calls)/float64(head.calls))
		fmt.Printf("bench head-bytes-%s: ours %d, peer %d, ratio %.2f\n", c.name, head.bytes, ours.bytes, float64(ours.bytes)/float64(head.bytes))
		a, b := c.throughput(t, served), c.throughput(t, stock[c.plugin])
		fmt.Printf("bench gateway-rate-%s: ours %.0f/s, peer %.0f/s, ratio %.2f\n", c.name, a, b, a/b)
	}
}

const (
	benchRounds  = 5
	benchSlice   = 300 * time.Millisecond // of load, in each round
	benchClients = 32                     // requests at a time
)

// benchCase is a plugin with a config, and a request: an address, a target and a key.
type benchCase struct {
	name, plugin, config, ip, target, key string
}

const (
	benchKeys = `"credentials":[{"key":"secret","consumer":"bob"}]`
	benchGate = `{"checks":["ip-restriction","detect","key-auth","rate-limiting"],"ip_restriction":{"deny":["198.51.100.0/24"]},"key_auth":{` + benchKeys + `},"rate_limiting":{"minute":100000000}}`
	benchGood = "/api/v1/orders?customer=4711&status=open&sort=-created&page=2"
	benchBad  = "/api/v1/orders?customer=4711%27%20OR%201%3D1%20--%20"
)

var benchCases = []benchCase{
	{name: "ip-restriction", plugin: "waf-ip-restriction", config: `{"deny":["198.51.100.0/24"]}`, ip: "203.0.113.9", target: benchGood},
	{name: "ip-restriction-refusal", plugin: "waf-ip-restriction", config: `{"deny":["198.51.100.0/24"]}`, ip: "198.51.100.9", target: benchGood},
	{name: "rate-limiting", plugin: "waf-rate-limiting", config: `{"minute":100000000}`, ip: "203.0.113.9", target: benchGood},
	{name: "rate-limiting-refusal", plugin: "waf-rate-limiting", config: `{"year":1}`, ip: "203.0.113.10", target: benchGood},
	{name: "key-auth", plugin: "waf-key-auth", config: `{` + benchKeys + `}`, ip: "203.0.113.9", target: benchGood, key: "secret"},
	{name: "key-auth-refusal", plugin: "waf-key-auth", config: `{` + benchKeys + `}`, ip: "203.0.113.9", target: benchGood, key: "wrong"},
	{name: "detect", plugin: "waf-detect", config: `{}`, ip: "203.0.113.9", target: benchGood},
	{name: "detect-refusal", plugin: "waf-detect", config: `{}`, ip: "203.0.113.9", target: benchBad},
	{name: "gate", plugin: "waf-gate", config: benchGate, ip: "203.0.113.9", target: benchGood, key: "secret"},
	{name: "gate-refusal", plugin: "waf-gate", config: benchGate, ip: "203.0.113.9", target: benchBad, key: "secret"},
}

// headers are those of a browser's request.
func (c benchCase) headers() gatewaytest.Headers {
	h := gatewaytest.Headers{
		{"host", "shop.example.com"},
		{"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
		{"accept", "application/json, text/plain, */*"},
		{"accept-language", "en-US,en;q=0.5"},
		{"accept-encoding", "gzip, deflate, br"},
		{"referer", "https://shop.example.com/account/orders"},
		{"cookie", "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"},
		{"sec-fetch-mode", "cors"},
		{"x-forwarded-for", c.ip},
	}
	if c.key != "" {
		h = append(h, [2]string{"apikey", c.key})
	}
	return h
}

// peer is a Kong that gets such requests. All calls pass through its one thread, at the
// price that a real Kong 3.9 pays for each; the hop itself the peer's own sockets cost.
func (c benchCase) peer(s *benchServer) *kongpeer.Peer {
	var headers []byte
	for _, h := range c.headers() {
		headers = append(headers, header(h[0], h[1])...)
	}
	replies := map[string][]byte{
		"kong.request.get_headers":     headers,
		"kong.client.get_forwarded_ip": raw.String(c.ip),
		"kong.client.load_consumer": raw.AppendBytes(raw.AppendBytes(raw.AppendBytes(nil,
			1, "def4f7d3-9863-5ad2-8fa9-c949bf26f55e"), 3, "bob"), 4, "bob-7"),
	}
	variable := func(name string) []byte {
		id := fmt.Sprintf("%032x", requestIDs.Add(1)) // the limiter counts no request twice
		switch {
		case name == "request":
			return raw.String("GET " + c.target + " HTTP/1.1")
		case name == "kong_request_id":
			return raw.String(id)
		case name == "kong_waf" && s.head:
			head := gatewaytest.Request{Method: "GET", Target: c.target, Headers: c.headers()}.Bytes()
			return raw.String(id + " " + c.ip + " 127.0.0.1 " + string(head))
		}
		return nil
	}
	var thread sync.Mutex
	return &kongpeer.Peer{
		Dial: func() (net.Conn, error) {
			conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: s.socket, Net: "unix"})
			return countedConn{conn, &s.bytes}, err
		},
		Answer: func(method string, args []byte) []byte {
			thread.Lock()
			defer thread.Unlock()
			for end := time.Now().Add(9 * time.Microsecond); time.Now().Before(end); {
			}
			if method == "kong.nginx.get_var" {
				return variable(raw.Text(string(args)))
			}
			return replies[method]
		},
	}
}

// countedConn counts what goes over a connection, both ways. It stays a syscall.Conn, which
// the peer needs to see that a pooled connection is still good.
type countedConn struct {
	*net.UnixConn
	bytes *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.UnixConn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.UnixConn.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

// cost is what some slices of load took.
type cost struct {
	events       int
	busy         time.Duration   // processor time of the server, less what it takes idle
	latencies    []time.Duration // one event at a time
	trips, calls int             // of one event
	bytes        int             // of one event, over the socket, both ways
}

func (c *cost) add(o cost) {
	c.events += o.events
	c.busy += o.busy
	c.latencies = append(c.latencies, o.latencies...)
	c.trips, c.calls, c.bytes = o.trips, o.calls, o.bytes
}

func (c *cost) cpu() time.Duration {
	return (c.busy / time.Duration(c.events)).Round(10 * time.Nanosecond)
}

func (c *cost) median() time.Duration {
	slices.Sort(c.latencies)
	return c.latencies[len(c.latencies)/2].Round(100 * time.Nanosecond)
}

func (c benchCase) measure(t *testing.T, s *benchServer) cost {
	peer := c.peer(s)
	defer peer.Close()
	event := func() kongpeer.Result {
		result, err := peer.Event(c.plugin, []byte(c.config), "access")
		require.NoError(t, err)
		return result
	}
	for range 50 { // warm, consumers loaded
		event()
	}
	before := s.bytes.Load()
	result := event()
	m := cost{trips: result.Trips, calls: len(result.Calls), bytes: int(s.bytes.Load() - before)}
	wanted := strings.HasSuffix(c.name, "refusal")
	require.Equal(t, wanted, result.Exit != nil, "refused: %v", result.Calls)
	for end := time.Now().Add(benchSlice / 2); time.Now().Before(end); {
		start := time.Now()
		event()
		m.latencies = append(m.latencies, time.Since(start))
	}
	var clients sync.WaitGroup
	var events atomic.Int64
	busy, start := cpuTime(t, s.pid), time.Now()
	for range benchClients {
		clients.Go(func() {
			for time.Since(start) < benchSlice {
				event()
				events.Add(1)
			}
		})
	}
	clients.Wait()
	m.busy = cpuTime(t, s.pid) - busy - time.Duration(s.idle*float64(time.Since(start)))
	m.events = int(events.Load())
	return m
}

// throughput returns how many requests a second pass through the stand-in gateway, whose
// upstream is in this process too.
func (c benchCase) throughput(t *testing.T, s *benchServer) float64 {
	var config map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.config), &config))
	exchange := gatewaytest.Exchange{Route: "api", Plugins: []gatewaytest.PluginConfig{{Name: c.plugin[len("waf-"):], Config: config}}}
	stage, err := gatewaytest.NewStage([]gatewaytest.Exchange{exchange}, gateway.Options{
		Socket: s.socket, Plugins: []gateway.PluginInfo{{Name: c.plugin, Priority: 1000, Phases: []string{"access"}}},
		NoHead: true,
	}, ours)
	require.NoError(t, err)
	defer stage.Close()
	request := gatewaytest.Request{Method: "GET", Target: c.target, Headers: c.headers()}.Bytes()
	var clients sync.WaitGroup
	var answers atomic.Int64
	start := time.Now()
	for range benchClients {
		clients.Go(func() {
			conn, err := net.Dial("tcp", stage.Rig.Addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for time.Since(start) < 2*benchSlice {
				if _, err = conn.Write(request); err == nil {
					var answer *http.Response
					if answer, err = http.ReadResponse(in, nil); err == nil {
						_, err = in.Discard(int(max(answer.ContentLength, 0)))
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
				answers.Add(1)
			}
		})
	}
	clients.Wait()
	return float64(answers.Load()) / time.Since(start).Seconds()
}

// benchServer is a server in a process of its own, or two.
type benchServer struct {
	socket string
	pid    int
	idle   float64 // processors that it takes when it does nothing
	head   bool    // Kong hands over the whole head to it
	bytes  atomic.Int64
}

func (s *benchServer) rest(t *testing.T) *benchServer {
	time.Sleep(200 * time.Millisecond)
	before, start := cpuTime(t, s.pid), time.Now()
	time.Sleep(300 * time.Millisecond)
	s.idle = float64(cpuTime(t, s.pid)-before) / float64(time.Since(start))
	return s
}

func startBenchStock(t *testing.T, plugin string) *benchServer {
	socket, process := startStock(t, plugin)
	return (&benchServer{socket: socket, pid: process.Pid}).rest(t)
}

// startServed starts the product's binary.
func startServed(t *testing.T) *benchServer {
	dir := t.TempDir()
	binary, socket := filepath.Join(dir, "kong-waf"), filepath.Join(dir, "s")
	out, err := exec.Command("go", "build", "-o", binary, "kongwaf/cmd/kong-waf").CombinedOutput()
	require.NoError(t, err, "%s", out)
	process := startChild(t, exec.Command(binary, "serve", "--socket", socket, "--console", "off"), socket)
	return (&benchServer{socket: socket, pid: process.Pid}).rest(t)
}

// plainServer names, in a child process, the socket at which our server serves alone.
const plainServer = "KONG_WAF_TEST_PLAIN"

func startPlain(t *testing.T) *benchServer {
	socket := filepath.Join(t.TempDir(), "s")
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), plainServer+"="+socket)
	process := startChild(t, cmd, socket)
	return (&benchServer{socket: socket, pid: process.Pid}).rest(t)
}

func servePlain(socket string) error {
	listener, err := pluginserver.Listen(socket, 0o600, "")
	if err != nil {
		return err
	}
	logger := slog.New(slog.DiscardHandler)
	srv, err := pluginserver.New(pluginserver.Options{Plugins: plugins.All(plugins.NewShared(logger)), Logger: logger})
	if err != nil {
		return err
	}
	defer srv.Shutdown(context.Background())
	return srv.Serve(listener)
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
