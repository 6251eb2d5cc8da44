package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/kong/pluginserver"
)

// TestServeAlone: what serve does on systems without a supervisor judges requests all the same,
// and ends when it is told to.
func TestServeAlone(t *testing.T) {
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	set, err := loadSettings("", nil)
	require.NoError(t, err)
	socket, err := pluginserver.Listen(filepath.Join(t.TempDir(), "s"), 0o600, "")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serveAlone(ctx, logger, &set, socket) }()

	config, problems := declarative.Parse(declarative.Options{Validator: newSchemas()}, declarative.Source{Name: "kong.yml", Data: []byte(`
_format_version: "3.0"
routes:
  - name: r
    paths: [/]
    plugins: [{name: waf-ip-restriction, config: {deny: [127.0.0.1]}}]
`)})
	require.NoError(t, problems.Err())
	rig, err := gatewaytest.NewRig(gateway.Options{Config: config, Socket: socket.Path(), Plugins: gatewayPlugins(), Logger: logger})
	require.NoError(t, err)
	answer, err := rig.Do(gatewaytest.Request{Method: "GET", Target: "/", Headers: gatewaytest.Headers{{"Host", "x"}}})
	require.NoError(t, err)
	requireAnswer(t, 403, "IP address not allowed: 127.0.0.1", answer)
	require.NoError(t, rig.Close())

	stop()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("it did not end")
	}
}
