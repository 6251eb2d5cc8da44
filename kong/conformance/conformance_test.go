package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
)

// proxyOf serves the suite's routes without a plugin on any: a Kong that checks nothing.
func proxyOf(t *testing.T, up *gatewaytest.Upstream) *url.URL {
	t.Helper()
	config, problems := declarative.Parse(declarative.Options{}, declarative.Source{Name: "kong.yml", Data: []byte(Deck("http://"+up.Addr, false))})
	require.NotNil(t, config, "%v", problems)
	config.Plugins = nil
	rig, err := gatewaytest.NewRig(gateway.Options{Config: config})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rig.Close()) })
	return &url.URL{Scheme: "http", Host: rig.Addr}
}

// TestSuiteFails: against a proxy that checks nothing every behaviour fails that is about a
// check, and says why with the exchange.
func TestSuiteFails(t *testing.T) {
	up, err := gatewaytest.NewUpstream()
	require.NoError(t, err)
	t.Cleanup(up.Close)
	target := &Target{Proxy: proxyOf(t, up), Upstream: up}
	harmlessBehaviours := map[string]bool{
		"a route without plugins reaches the upstream": true, "off looks at nothing": true, "allow lets in": true,
		"the upstream receives the bytes that were sent": true,
	}
	seen := 0
	failed, err := Run(t.Context(), target, func(r Result) {
		switch {
		case r.Outcome == Skipped:
			require.NotEmpty(t, r.Why)
		case harmlessBehaviours[r.Name]:
			seen++
			require.Equal(t, Passed, r.Outcome, "%s: %s", r.Name, r.Why)
		default:
			require.Equal(t, Failed, r.Outcome, r.Name)
			require.NotEmpty(t, r.Why, r.Name)
			if r.Group != "load" {
				require.Contains(t, strings.Join(r.Exchanges, ""), "request:", r.Name)
			}
		}
	})
	require.NoError(t, err)
	require.Greater(t, failed, 50)
	require.Equal(t, len(harmlessBehaviours), seen)
}

// TestAwaitSaysWhichRoute: whoever forgot to load the routes is told.
func TestAwaitSaysWhichRoute(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(404)
		_, _ = w.Write([]byte(`{"message":"no Route matched with those values"}`))
	}))
	defer server.Close()
	up, err := gatewaytest.NewUpstream()
	require.NoError(t, err)
	defer up.Close()
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err = Await(ctx, &Target{Proxy: address, Upstream: up})
	require.ErrorContains(t, err, "the route plain is not known to the proxy")
}

// adminAPI is as much of Kong's Admin API as the suite uses.
type adminAPI struct {
	mu      sync.Mutex
	objects map[string]map[string]any
	order   []string
	refuse  string // a path that is answered with 400
}

func (a *adminAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Header.Get("Kong-Admin-Token") != "token" {
		w.WriteHeader(401)
		return
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/":
		_, _ = w.Write([]byte(`{"version":"3.9.1","configuration":{"database":"postgres"},"plugins":{"available_on_server":{"waf-gate":{"version":"0.1.0","priority":2400},"key-auth":true}}}`))
	case r.Method == http.MethodPut && r.URL.Path == a.refuse:
		w.WriteHeader(400)
		_, _ = w.Write([]byte(`{"message":"schema violation"}`))
	case r.Method == http.MethodPut:
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			w.WriteHeader(400)
			return
		}
		a.objects[r.URL.Path] = body
		a.order = append(a.order, r.URL.Path)
	case r.Method == http.MethodDelete && a.objects[r.URL.Path] == nil:
		w.WriteHeader(404)
	case r.Method == http.MethodDelete:
		delete(a.objects, r.URL.Path)
		w.WriteHeader(204)
	}
}

func TestAdmin(t *testing.T) {
	api := &adminAPI{objects: map[string]map[string]any{}}
	server := httptest.NewServer(api)
	defer server.Close()
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	admin := &Admin{URL: address, Token: "token"}

	node, err := admin.Node(t.Context())
	require.NoError(t, err)
	require.Equal(t, Node{Version: "3.9.1", Database: "postgres", Plugins: map[string]bool{"waf-gate": true, "key-auth": true}}, node)

	require.NoError(t, admin.Install(t.Context(), "http://127.0.0.1:9599", true))
	require.Equal(t, "http://127.0.0.1:9599", api.objects["/services/"+Consumer]["url"])
	plugins := 0
	for path, body := range api.objects {
		if strings.HasPrefix(path, "/plugins/") {
			plugins++
			route := body["route"].(map[string]any)["name"].(string)
			require.Contains(t, api.objects, "/routes/"+route, "a plugin on a route that is there")
			require.NotContains(t, body, "service", "and on nothing else: never on every route of that Kong")
		}
		require.NotEqual(t, "/config", path)
	}
	wanted := 0
	for _, r := range routes(true) {
		wanted += len(r.plugins)
	}
	require.Equal(t, wanted, plugins)
	position := func(prefix string) (first, last int) {
		first = -1
		for i, path := range api.order {
			if strings.HasPrefix(path, prefix) {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		return first, last
	}
	_, lastRoute := position("/routes/")
	firstPlugin, _ := position("/plugins/")
	require.Less(t, lastRoute, firstPlugin, "what plugins refer to comes first")

	require.NoError(t, admin.Install(t.Context(), "http://127.0.0.1:9599", true), "again: nothing is made twice")
	require.NoError(t, admin.Remove(t.Context(), "http://127.0.0.1:9599", true))
	require.Empty(t, api.objects)
	require.NoError(t, admin.Remove(t.Context(), "http://127.0.0.1:9599", true), "what is gone is no error")

	api.refuse = "/routes/" + Consumer + "-key"
	require.ErrorContains(t, admin.Install(t.Context(), "http://127.0.0.1:9599", false), "with 400: schema violation")
	admin.Token = ""
	_, err = admin.Node(t.Context())
	require.ErrorContains(t, err, "401")
}
