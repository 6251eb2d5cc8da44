package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// TestHealth: well only if the console says so, and says what is wrong if it is not.
func TestHealth(t *testing.T) {
	console := func(status int, text string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/healthz" {
				status = http.StatusTeapot
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		}))
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	dead := filepath.Join(t.TempDir(), "dead.socket")
	listener, err := net.Listen("unix", dead)
	require.NoError(t, err)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())
	serving := servePlugins(t)

	for _, row := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{name: "well", args: []string{"--console", console(200, "ok\n")}, want: "ok\n"},
		{name: "not well", args: []string{"--console", console(503, "no worker serves yet\n")}, code: 1, want: "no worker serves yet"},
		{name: "another server", args: []string{"--console", console(200, "<html>")}, code: 1, want: "is no console of kong-waf: it answered 200 OK"},
		{name: "nobody", args: []string{"--console", gone.Addr().String()}, code: 1, want: "nobody listens on " + gone.Addr().String()},
		{name: "silent", args: []string{"--console", silent.Addr().String(), "--timeout", "20ms"}, code: 1, want: "deadline"},
		{name: "off", args: []string{"--console", "off"}, code: 1, want: "dial unix " + defaultSocket},
		{name: "off, and the plugin server", args: []string{"--console", "off", "--socket", serving}, want: "ok\n"},
		{name: "no address", args: []string{"--console", "9542"}, code: 1, want: "is no address"},
		{name: "the plugin server", args: []string{"--socket", serving}, want: "ok\n"},
		{name: "a dead one", args: []string{"--socket", dead}, code: 1, want: "refused"},
		{name: "none", args: []string{"--socket", dead + "2"}, code: 1, want: "no such file"},
		{name: "called wrongly", args: []string{"--port", "1"}, code: 2, want: "there is no option --port"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			require.Equal(t, row.code, run(append([]string{"health"}, row.args...), nil, &out, &out), out.String())
			require.Contains(t, out.String(), row.want)
		})
	}
}

// servePlugins serves all plugins, and returns the socket.
func servePlugins(t *testing.T) string {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	server, err := gatewaytest.NewPluginServer(t.TempDir(), pluginserver.Options{Plugins: plugins.All(plugins.NewShared(logger)), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server.Socket
}
