package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/reputation"
	"kongwaf/kong/admin"
	"kongwaf/kong/declarative"
	"kongwaf/kong/events"
	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/kong/lists"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// asMain makes the test binary behave as kong-waf, for tests that start processes.
const asMain = "KONG_WAF_INTERNAL_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// system is everything but the processes: an upstream that remembers, our plugin server on a
// real socket, and the stand-in gateway in front.
type system struct {
	*gatewaytest.Rig
	upstream *gatewaytest.Upstream
	logs     *gatewaytest.Log
	events   *recorded
	keeper   *lists.Keeper
}

// recorded keeps events, and logs them as a server without a better place does.
type recorded struct {
	also events.Recorder
	mu   sync.Mutex
	all  []*events.Event
}

func (r *recorded) Record(e *events.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
	r.also.Record(e)
}

// take returns the events since it was called last; an event follows the answer, so it
// waits for as many as are expected.
func (r *recorded) take(t *testing.T, n int) (all []*events.Event) {
	t.Helper()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.all) >= n
	}, 5*time.Second, time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	all, r.all = r.all, nil
	require.Len(t, all, n)
	return all
}

// requireAction waits for an event of that action, and returns the last one.
func (r *recorded) requireAction(t *testing.T, action string) (found *events.Event) {
	t.Helper()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range r.all {
			if e.Action == action {
				found = e
			}
		}
		return found != nil
	}, 5*time.Second, time.Millisecond)
	return found
}

// newSystem serves a deck file. ${upstream} in it is the upstream's URL. Plugin configs are
// completed as Kong does but not refused, so that a test can start a bad one.
func newSystem(t *testing.T, deck string) *system {
	t.Helper()
	return newSystemOf(t, gateway.Options{}, declarative.Source{Name: "kong.yml", Data: []byte(deck)})
}

// newSystemOf serves files that belong together, by a gateway with those options.
func newSystemOf(t *testing.T, options gateway.Options, sources ...declarative.Source) *system {
	t.Helper()
	s := &system{logs: &gatewaytest.Log{}}
	logger := slog.New(slog.NewTextHandler(s.logs, nil))
	shared := plugins.NewShared(logger)
	s.events = &recorded{also: shared.Events}
	shared.Reputation = reputation.New(1000, plugins.Secret())
	var set settings
	set.Reputation = reputationSettings{GreyAttacks: 3, DenyAttacks: 6, GreyFailedKeys: 3, DenyRefusals: 4, WindowSeconds: 3600,
		FirstSeconds: 600, LongestSeconds: 3600, IPv6Prefix: 64, Exempt: "private"}
	set.Events.Node = "n1"
	var err error
	s.keeper, err = set.keeper(logger, shared.Reputation, shared.Metrics, "", nil)
	require.NoError(t, err)
	shared.Events, shared.Node = s.keeper.Recorder(s.events), "n1"
	var adminAPI atomic.Pointer[http.Handler]
	kongAdmin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*adminAPI.Load()).ServeHTTP(w, r) }))
	t.Cleanup(kongAdmin.Close)
	shared.Keys.Admin = &plugins.Admin{Settings: admin.Settings{URL: kongAdmin.URL, Timeout: 10 * time.Second}, Interval: time.Hour}
	server, err := gatewaytest.NewPluginServer(t.TempDir(), pluginserver.Options{Plugins: plugins.All(shared), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(server.Close)

	s.upstream, err = gatewaytest.NewUpstream()
	require.NoError(t, err)
	t.Cleanup(s.upstream.Close)
	for i, source := range sources {
		sources[i].Data = bytes.ReplaceAll(source.Data, []byte("${upstream}"), []byte("http://"+s.upstream.Addr))
	}
	config, problems := declarative.Parse(declarative.Options{Validator: lenient{newSchemas()}}, sources...)
	require.NoError(t, problems.Err())
	options.Config, options.Socket, options.Plugins, options.Logger = config, server.Socket, gatewayPlugins(), logger
	s.Rig, err = gatewaytest.NewRig(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	handler := s.Gateway.Admin()
	adminAPI.Store(&handler)
	return s
}

// lenient completes configs and lets every one pass, as it is if it is wrong.
type lenient struct{ schemas }

func (l lenient) Validate(plugin string, config map[string]any) (map[string]any, []declarative.ConfigProblem) {
	completed, problems := l.schemas.Validate(plugin, config)
	for _, p := range problems {
		if !p.Warning {
			return config, nil
		}
	}
	return completed, nil
}

// get sends a GET with headers, given as name and value in turn.
func (s *system) get(t *testing.T, target string, headers ...string) *gatewaytest.Response {
	t.Helper()
	return s.send(t, "GET", target, "", headers...)
}

func (s *system) send(t *testing.T, method, target, body string, headers ...string) *gatewaytest.Response {
	t.Helper()
	r := gatewaytest.Request{Method: method, Target: target, Body: body, Headers: gatewaytest.Headers{{"Host", "api.example.com"}}}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Headers = append(r.Headers, [2]string{headers[i], headers[i+1]})
	}
	if body != "" {
		r.Headers = append(r.Headers, [2]string{"Content-Length", itoa(len(body))})
	}
	answer, err := s.Do(r)
	require.NoError(t, err)
	return answer
}

// http2 returns a client that speaks HTTP/2 without TLS, as gRPC does inside a network.
func http2() *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: &protocols}}
}

func readAll(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(data)
}

// raw sends bytes as they are and returns the answer's status.
func (s *system) raw(t *testing.T, request string) int {
	t.Helper()
	answer, err := gatewaytest.Send(s.Addr, "POST", []byte(request))
	require.NoError(t, err)
	return answer.Status
}
