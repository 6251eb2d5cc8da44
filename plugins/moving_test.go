package plugins_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"go.yaml.in/yaml/v3"

	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/plugins"
)

// movedDeck is what the test reads of a deck file in the page.
type movedDeck struct {
	Services []struct {
		Routes []struct {
			Name    string                     `yaml:"name"`
			Plugins []gatewaytest.PluginConfig `yaml:"plugins"`
		} `yaml:"routes"`
	} `yaml:"services"`
}

// TestMovingFromRateLimiting: the two deck files of the page differ in names only, Kong answered
// under the first as recorded, and ours answers the same under the second: status, headers,
// body, and what the upstream gets.
func TestMovingFromRateLimiting(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "moving-from-rate-limiting.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, 2)
	var before, after movedDeck
	require.NoError(t, yaml.Unmarshal([]byte(blocks[0][1]), &before))
	require.NoError(t, yaml.Unmarshal([]byte(blocks[1][1]), &after))

	moved := map[string]gatewaytest.PluginConfig{} // by the config before
	require.Len(t, after.Services, len(before.Services))
	for s, service := range before.Services {
		require.Len(t, after.Services[s].Routes, len(service.Routes))
		for r, route := range service.Routes {
			was, is := route.Plugins[0], after.Services[s].Routes[r].Plugins[0]
			require.Equal(t, "rate-limiting", was.Name)
			require.Equal(t, "waf-rate-limiting", is.Name)
			require.Equal(t, was.Config, is.Config, route.Name)
			moved[text(t, was.Config)] = is
		}
	}
	recorded, err := gatewaytest.ReadExchanges(filepath.Join("testdata", "bundled-3.9.1.jsonl"))
	require.NoError(t, err)
	var exchanges []gatewaytest.Exchange
	seen := map[string]int{}
	for _, x := range recorded {
		if _, ok := moved[text(t, x.Plugins[0].Config)]; len(x.Plugins) == 1 && x.Plugins[0].Name == "rate-limiting" && ok {
			exchanges = append(exchanges, x)
			seen[text(t, x.Plugins[0].Config)] += x.Answer.Status / 100
		}
	}
	for config := range moved {
		require.Greater(t, seen[config], 5, "no recorded exchange, or none that was refused: %s", config)
	}

	clock := newRecordedClock()
	shared := plugins.NewShared(slog.New(slog.DiscardHandler))
	shared.Now = clock.now
	stage, err := gatewaytest.NewStage(exchanges, serve(t, shared), func(p gatewaytest.PluginConfig) (gatewaytest.PluginConfig, error) {
		return ours(gatewaytest.PluginConfig{Name: p.Name, Config: moved[text(t, p.Config)].Config})
	})
	require.NoError(t, err)
	defer stage.Close()
	for i, x := range exchanges {
		t.Run(fmt.Sprintf("%02d %s", i, x.Case), func(t *testing.T) {
			clock.set(t, x.Answer.Headers.Get("RateLimit-Reset"))
			got, err := stage.Run(x)
			require.NoError(t, err)
			compare(t, x, got)
		})
	}
}

// text is a config in a form that can be compared, whatever it was read from.
func text(t *testing.T, config map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(config)
	require.NoError(t, err)
	return string(raw)
}
