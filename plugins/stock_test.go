package plugins_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/Kong/go-pdk/server"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/plugins"
)

// stockPlugin names, in a child process, the plugin that go-pdk's own server is to serve.
const stockPlugin = "KONG_WAF_TEST_STOCK_PLUGIN"

// TestMain runs the tests, or, in a child process, go-pdk's own server: that one takes its
// name from the executable, parses the global flags and never returns.
func TestMain(m *testing.M) {
	if socket := os.Getenv(plainServer); socket != "" {
		fmt.Fprintln(os.Stderr, servePlain(socket))
		os.Exit(1)
	}
	name := os.Getenv(stockPlugin)
	if name == "" {
		os.Exit(m.Run())
	}
	for _, d := range plugins.Definitions() {
		if d.Name == name {
			shared := plugins.NewShared(slog.New(slog.DiscardHandler))
			fmt.Fprintln(os.Stderr, server.StartServer(d.Constructor(shared), plugins.Version, d.Priority))
		}
	}
	os.Exit(1)
}

// TestStockServer runs each plugin under go-pdk's own server: they are ordinary go-pdk
// plugins, and ours is only a better server.
func TestStockServer(t *testing.T) {
	key := []any{map[string]any{"key": "secret", "consumer": "bob"}}
	good := gatewaytest.Request{Method: "GET", Target: "/r?q=hello", Headers: gatewaytest.Headers{{"Host", "x"}, {"apikey", "secret"}}}
	attack := good
	attack.Target = "/r?q=%27+OR+1=1+--+"
	keyless := good
	keyless.Headers = good.Headers[:1]
	for _, tc := range []struct {
		plugin   string
		config   map[string]any
		requests []gatewaytest.Request
		want     []int
	}{
		{plugin: "waf-ip-restriction", config: map[string]any{"deny": []any{"127.0.0.1"}}, requests: []gatewaytest.Request{good}, want: []int{403}},
		{plugin: "waf-detect", config: map[string]any{}, requests: []gatewaytest.Request{good, attack}, want: []int{200, 403}},
		{plugin: "waf-key-auth", config: map[string]any{"credentials": key}, requests: []gatewaytest.Request{good, keyless}, want: []int{200, 401}},
		{plugin: "waf-rate-limiting", config: map[string]any{"year": 1.0}, requests: []gatewaytest.Request{good, good}, want: []int{200, 429}},
		{plugin: "waf-gate", config: map[string]any{
			"checks": []any{"detect", "key-auth", "rate-limiting"}, "key_auth": map[string]any{"credentials": key}, "rate_limiting": map[string]any{"year": 1.0},
		}, requests: []gatewaytest.Request{good, attack, keyless, good}, want: []int{200, 403, 401, 429}},
	} {
		t.Run(tc.plugin, func(t *testing.T) {
			socket, _ := startStock(t, tc.plugin)
			exchange := gatewaytest.Exchange{Route: "r", Plugins: []gatewaytest.PluginConfig{{Name: tc.plugin[len("waf-"):], Config: tc.config}}}
			stage, err := gatewaytest.NewStage([]gatewaytest.Exchange{exchange}, gateway.Options{
				Socket: socket, Plugins: []gateway.PluginInfo{{Name: tc.plugin, Priority: 1000, Phases: []string{"access"}}},
			}, ours)
			require.NoError(t, err)
			defer stage.Close()
			for i, request := range tc.requests {
				got, err := stage.Rig.Do(request)
				require.NoError(t, err)
				require.Equal(t, tc.want[i], got.Status, "request %d: %s", i, got.Body)
			}
		})
	}
}

// startStock starts a child that serves one plugin with go-pdk's own server.
func startStock(t *testing.T, plugin string) (socket string, process *os.Process) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, plugin)
	copyFile(t, binary)
	cmd := exec.Command(binary, "-kong-prefix", dir)
	cmd.Env = append(os.Environ(), stockPlugin+"="+plugin)
	socket = binary + ".socket"
	return socket, startChild(t, cmd, socket)
}

// startChild starts a plugin server and waits until it listens.
func startChild(t *testing.T, cmd *exec.Cmd, socket string) *os.Process {
	t.Helper()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 20*time.Second, 20*time.Millisecond, "the plugin server does not listen")
	return cmd.Process
}

func copyFile(t *testing.T, to string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	in, err := os.Open(self)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}
