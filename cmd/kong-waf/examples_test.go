package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/plugins"
)

const examples = "../../examples"

// TestDeckExamples: every deck file is valid on its own, and serves through the stand-in.
func TestDeckExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "deck", "*.yml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 6)
	env := func(string) (string, bool) { return "http://127.0.0.1:9080", true }
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			config, problems := declarative.Load(declarative.Options{Validator: newSchemas(), Env: env}, file)
			require.NoError(t, problems.Err())
			require.Empty(t, problems.Warnings())
			require.NotEmpty(t, config.Plugins)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			deck := strings.NewReplacer("http://127.0.0.1:9080", "${upstream}", `${{ env "DECK_DEMO_URL" }}`, "${upstream}").Replace(string(text))
			s := newSystem(t, deck)
			for _, route := range config.Routes {
				answer := s.get(t, route.Paths[0])
				require.Less(t, answer.Status, 500, "%s: %s", route.Name, answer.Body)
			}
		})
	}
}

func TestEveryPluginHasADeckExample(t *testing.T) {
	for _, d := range plugins.Definitions() {
		config, problems := declarative.Load(declarative.Options{Validator: newSchemas()}, filepath.Join(examples, "deck", d.Name+".yml"))
		require.NoError(t, problems.Err())
		require.Len(t, config.Plugins, 1)
		require.Equal(t, d.Name, config.Plugins[0].Name)
	}
}

// TestCommaSeparatedStringIsExplained: the mistake that people make with address lists.
func TestCommaSeparatedStringIsExplained(t *testing.T) {
	_, problems := declarative.Parse(declarative.Options{Validator: newSchemas()}, declarative.Source{Name: "plugin.yaml", Data: []byte(`
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: whitelist}
plugin: waf-ip-restriction
config:
  whitelist: 173.245.48.0/20,103.21.244.0/22
`)})
	err := problems.Err()
	require.ErrorContains(t, err, "plugin.yaml:7")
	require.ErrorContains(t, err, "config.whitelist")
	require.ErrorContains(t, err, `["173.245.48.0/20", "103.21.244.0/22"]`)
	warned := false
	for _, w := range problems.Warnings() {
		warned = warned || strings.Contains(w.String(), "write config.allow")
	}
	require.True(t, warned, "the old name is a warning: %v", problems)
}
