package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	good := filepath.Join(examples, "deck", "waf-gate.yml")
	bad := file("kong.yml", `_format_version: "3.0"
services:
  - name: a
    url: http://example.com
    routes:
      - name: a
        paths: [/a]
        plugins:
          - name: waf-detect
            config:
              mode: blocking
          - name: waf-rate-limiting
            config:
              minute: 5
              hour: 1
`)
	manifest := file("plugin.yaml", `apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: p}
plugin: waf-detect
config: {senstivity: high}
`)
	for _, tc := range []struct {
		name  string
		files []string
		code  int
		want  []string
	}{
		{name: "good", files: []string{good}, want: []string{"1 files: 0 errors, 0 warnings"}},
		{name: "deck files are apart", files: []string{good, filepath.Join(examples, "deck", "waf-key-auth.yml")}, want: []string{"2 files: 0 errors"}},
		{name: "bad", files: []string{bad}, code: 1, want: []string{"kong.yml:11: services[0].routes[0].plugins[0].config.mode:", "must not be lower"}},
		{name: "misspelt", files: []string{manifest}, code: 1, want: []string{"plugin.yaml:5:", "senstivity", "sensitivity"}},
		{name: "missing file", files: []string{"/nowhere.yml"}, code: 1, want: []string{"/nowhere.yml", "no such file"}},
		{name: "no file", code: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			require.Equal(t, tc.code, runValidate(tc.files, nil, &stdout, &stderr), stdout.String())
			for _, want := range tc.want {
				require.Contains(t, stdout.String(), want)
			}
		})
	}
}
