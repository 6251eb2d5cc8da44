package main

import (
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/admin"
	"kongwaf/plugins"
)

func TestSettings(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "kong-waf.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	set, err := loadSettings("", nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:9542", set.Console.Listen)
	require.EqualValues(t, 0o660, set.socketMode())

	set, err = loadSettings(write("limits: {concurrency: 7, body_memory: 1000}\nsocket: {mode: \"0666\"}\n"),
		[]string{"KONG_WAF_LIMITS_CONCURRENCY=9", "KONG_WAF_SOCKET_OWNER=kong", "KONG_WAF_INTERNAL_X=1", "PATH=/bin",
			"KONG_WAF_SERVICE_HOST=10.0.0.1", "KONG_WAF_SERVICE_PORT_HTTP=80", "KONG_WAF_PORT=tcp://10.0.0.1:80", "KONG_WAF_PORT_80_TCP_ADDR=10.0.0.1"})
	require.NoError(t, err)
	require.Equal(t, 9, set.serverLimits().Concurrency, "the environment comes last")
	require.EqualValues(t, 1000, set.serverLimits().BodyMemory)
	require.EqualValues(t, 0o666, set.socketMode())
	require.Equal(t, "kong", set.Socket.Owner)

	set, err = loadSettings("", []string{"KONG_WAF_ADMIN_API_URL=http://127.0.0.1:8001", "KONG_WAF_ADMIN_API_TOKEN_FILE=/t", "KONG_WAF_ADMIN_API_VERIFY=false", "KONG_WAF_ADMIN_API_INTERVAL_SECONDS=7"})
	require.NoError(t, err, "a section's name may have an underscore")
	shared := plugins.NewShared(slog.New(slog.DiscardHandler))
	require.NoError(t, set.Admin.apply(shared))
	require.Equal(t, &plugins.Admin{
		Settings: admin.Settings{URL: "http://127.0.0.1:8001", TokenFile: "/t", NoVerify: true, Timeout: 30 * time.Second}, Interval: 7 * time.Second,
	}, shared.Keys.Admin)
	set.Admin.URL = "kong:8001"
	require.ErrorContains(t, set.Admin.apply(shared), "admin_api.url: ")

	for _, tc := range []struct{ name, file, env, want string }{
		{name: "unknown key", file: "limits: {concurency: 7}", want: "limits.concurency"},
		{name: "wrong type", file: "limits: {concurrency: many}", want: "limits.concurrency"},
		{name: "no mode", file: "socket: {mode: rw}", want: "socket.mode"},
		{name: "unknown variable", env: "KONG_WAF_LIMITS_X=1", want: "limits.x"},
		{name: "no setting", env: "KONG_WAF_X=1", want: "KONG_WAF_X"},
		{name: "not YAML", file: "limits: [", want: "kong-waf.yaml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := ""
			if tc.file != "" {
				file = write(tc.file)
			}
			_, err := loadSettings(file, []string{tc.env})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// TestServeShowsItsHealth starts the real processes, and ends them as Kong does.
func TestServeShowsItsHealth(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "serve")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	serve := func(options ...string) *exec.Cmd {
		cmd := exec.Command(self, append([]string{"serve", "--socket", filepath.Join(dir, "s")}, options...)...)
		cmd.Env = append(os.Environ(), asMain+"=1", "KONG_WAF_EVENTS_FILE=off")
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		return cmd
	}
	address := freeAddress(t)
	answers := func(status int, text string) {
		t.Helper()
		require.Eventually(t, func() bool {
			answer, err := http.Get("http://" + address + "/def-healthz")
			return err == nil && strings.Contains(readAll(t, answer.Body), text) && answer.StatusCode == status
		}, 10*time.Second, 10*time.Millisecond)
	}
	cmd := serve("--console", address)
	answers(http.StatusOK, "ok")
	children := childrenOf(t, cmd.Process.Pid)
	require.Len(t, children, 2, "the worker, and the console")

	other := serve("--console", "off")
	answers(http.StatusServiceUnavailable, "another server has taken the socket "+filepath.Join(dir, "s"))
	require.NoError(t, other.Process.Signal(syscall.SIGTERM))
	require.NoError(t, other.Wait())
	answers(http.StatusOK, "ok")

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait())
	for _, pid := range children {
		require.False(t, alive(pid))
	}
}
