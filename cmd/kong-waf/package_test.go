package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const packageDir = "../../kong/conf/package"

// TestPackagedSettings: the file that packages install is valid as it is, and with every
// line that it shows taken in.
func TestPackagedSettings(t *testing.T) {
	file := filepath.Join(packageDir, "kong-waf.yaml")
	_, err := loadSettings(file, nil)
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var all strings.Builder
	for line := range strings.Lines(string(text)) {
		// "# " is a remark, "#key" and "#  key" are settings.
		if bare, ok := strings.CutPrefix(line, "#"); ok && (strings.HasPrefix(bare, "  ") || !strings.HasPrefix(bare, " ")) {
			line = bare
		}
		all.WriteString(line)
	}
	shown := filepath.Join(t.TempDir(), "kong-waf.yaml")
	require.NoError(t, os.WriteFile(shown, []byte(all.String()), 0o600))
	set, err := loadSettings(shown, nil)
	require.NoError(t, err, all.String())
	require.Equal(t, "gateway-1", set.Events.Node, "the lines are taken in")
}

// TestPackageHasItsFiles: what the package lists is in the repository, and what it runs is a shell script.
func TestPackageHasItsFiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(packageDir, "nfpm.yaml"))
	require.NoError(t, err)
	var list struct {
		Contents []struct{ Src, Dst string }
		Scripts  map[string]string
	}
	require.NoError(t, yaml.Unmarshal(text, &list))
	require.NotEmpty(t, list.Contents)
	for _, c := range list.Contents {
		if strings.HasPrefix(c.Src, "${") {
			continue // built
		}
		found, err := filepath.Glob(filepath.Join("../..", c.Src))
		require.NoError(t, err)
		require.NotEmpty(t, found, c.Src)
	}
	require.Len(t, list.Scripts, 3)
	for _, script := range list.Scripts {
		text, err := os.ReadFile(filepath.Join("../..", script))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "#!/bin/sh\n"), script)
	}
	unit, err := os.ReadFile("../../kong/conf/kong-waf.service")
	require.NoError(t, err)
	require.Contains(t, string(unit), "ExecStart=/usr/local/bin/kong-waf serve ", "what .ci/dist rewrites for packages")
}
