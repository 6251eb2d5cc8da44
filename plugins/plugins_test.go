package plugins_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// bundled are the names that Kong 3.9 takes for itself: a plugin of ours with one of them
// would never run.
var bundled = []string{"ip-restriction", "key-auth", "rate-limiting", "bot-detection", "request-size-limiting"}

// TestSchemasAreGolden: a changed schema breaks people's configs, so it must be wanted.
// After a wanted change: make golden.
func TestSchemasAreGolden(t *testing.T) {
	for _, d := range plugins.Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			var got bytes.Buffer
			require.NoError(t, json.Indent(&got, d.Schema().JSON(), "", "  "))
			got.WriteByte('\n')
			golden := filepath.Join("testdata", "schema", d.Name+".json")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

// TestKongWouldStart: whatever Kong refuses to start on is refused here first.
func TestKongWouldStart(t *testing.T) {
	names := map[string]bool{}
	for _, d := range plugins.Definitions() {
		require.Empty(t, d.Schema().Lint(), d.Name)
		require.NotContains(t, bundled, d.Name)
		require.False(t, names[d.Name], "%s is listed twice", d.Name)
		names[d.Name] = true
		require.Regexp(t, `^\d+\.\d+\.\d+$`, plugins.Version)
	}
}

// TestInfo: what kong-waf info prints has the form that Kong reads.
func TestInfo(t *testing.T) {
	all := plugins.All(plugins.NewShared(slog.New(slog.DiscardHandler)))
	for _, p := range all {
		info, err := pluginserver.Info(all, p.Name, "/run/kong-waf.socket")
		require.NoError(t, err)
		var got struct {
			Protocol, SocketPath string
			Plugins              []struct {
				Name, Version string
				Priority      int
				Phases        []string
				Schema        struct{ Name string }
			}
		}
		require.NoError(t, json.Unmarshal(info, &got))
		require.Equal(t, "ProtoBuf:1", got.Protocol)
		require.Equal(t, "/run/kong-waf.socket", got.SocketPath)
		require.Len(t, got.Plugins, 1, "Kong 3.9 reads the first only")
		require.Equal(t, p.Name, got.Plugins[0].Name)
		require.Equal(t, p.Name, got.Plugins[0].Schema.Name)
		require.Equal(t, []string{"access"}, got.Plugins[0].Phases)
	}
	_, err := pluginserver.Info(all, "key-auth", "")
	require.ErrorContains(t, err, "waf-key-auth", "the error names what there is")
}
