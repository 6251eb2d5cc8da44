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
	ranges := file("ranges.yml", `_format_version: "3.0"
plugins:
  - name: waf-ip-restriction
    config:
      deny:
        - 10.0.0.0/33
        - localhost
        - 192.0.2.1
        - 10.0.0.0/255.0.0.0
        - 10.0.0.256
        - fe80::1%eth0
  - name: waf-rate-limiting
    config: {second: 10, minute: 5, hour: 4, limit_by: header}
  - name: waf-rate-limiting
    instance_name: periods
    config: {second: 10, minute: 5, hour: 4}
`)
	ended := file("ended.yml", `_format_version: "3.0"
plugins:
  - name: waf-detect
    config:
      exceptions:
        - {place: query.a, until: 2999-01-01}
        - {place: query.b, until: 2024-02-29}
  - name: waf-gate
    config:
      checks: [detect]
      detect:
        exceptions:
          - {place: query.b, until: 2024-02-29}
  - name: waf-gate
    instance_name: keys
    config:
      checks: [key-auth]
      detect:
        exceptions:
          - {place: query.b, until: 2024-02-29}
`)
	manifest := file("plugin.yaml", `apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: p}
plugin: waf-detect
config: {senstivity: high}
`)
	listFile := file("list.txt", "192.0.2.1\n192.0.2.0/33\n")
	lists := file("lists.yml", `_format_version: "3.0"
plugins:
  - name: waf-ip-restriction
    config:
      deny_from:
        - {name: feed, source: "https://user:pass@lists.example.com/feed?token=secret"}
        - {name: absent, source: /etc/kong-waf/absent.txt}
        - {name: broken, source: "`+listFile+`"}
`)
	manifests, err := filepath.Glob(filepath.Join(examples, "azure-apim", "*.yaml"))
	require.NoError(t, err)
	for _, tc := range []struct {
		name  string
		files []string
		code  int
		want  []string
	}{
		{name: "good", files: []string{good}, want: []string{"1 file: 0 errors, 0 warnings"}},
		{name: "deck files are apart", files: []string{good, filepath.Join(examples, "deck", "waf-key-auth.yml")}, want: []string{"2 files: 0 errors"}},
		{name: "bad", files: []string{bad}, code: 1, want: []string{"kong.yml:11: services[0].routes[0].plugins[0].config.mode:", "must not be lower"}},
		{name: "five bad ranges", files: []string{ranges}, code: 1, want: []string{
			`ranges.yml:6: plugins[0].config.deny[0]: "10.0.0.0/33" is not an address or CIDR range`,
			`ranges.yml:7: plugins[0].config.deny[1]: "localhost" is not an address or CIDR range`,
			`ranges.yml:9: plugins[0].config.deny[3]: "10.0.0.0/255.0.0.0" is not an address or CIDR range: write the mask as a number of bits`,
			`ranges.yml:10: plugins[0].config.deny[4]: "10.0.0.256" is not`,
			`ranges.yml:11: plugins[0].config.deny[5]: "fe80::1%eth0" is not an address or CIDR range: a zone`,
			`plugins[1].config: limit_by header needs 'config.header_name'`,
			`ranges.yml:16: plugins[2].config.minute: 5 is lower than second's 10`,
			`ranges.yml:16: plugins[2].config.hour: 4 is lower than minute's 5`,
		}},
		{name: "lists", files: []string{lists}, code: 1, want: []string{
			"lists.yml:5: plugins[0].config: warning: https://lists.example.com/feed: a URL, which is not asked here",
			"warning: /etc/kong-waf/absent.txt: not on this machine",
			"plugins[0].config.deny_from[2].source: " + listFile + `: line 2: "192.0.2.0/33" is not an address or CIDR range`,
			"1 file: 1 error, 2 warnings",
		}},
		{name: "exceptions that have ended", files: []string{ended}, code: 1, want: []string{
			"ended.yml:7: plugins[0].config.exceptions[1].until: warning: 2024-02-29 is past",
			"ended.yml:13: plugins[1].config.detect.exceptions[0].until: warning: 2024-02-29 is past",
			"1 error, 3 warnings", // that there are two gates, and that they do the same
		}},
		{name: "misspelt", files: []string{manifest}, code: 1, want: []string{"plugin.yaml:5:", "senstivity", "sensitivity"}},
		{name: "missing file", files: []string{"/nowhere.yml"}, code: 1, want: []string{"/nowhere.yml: no such file"}},
		{name: "not YAML", files: []string{file("tab.yml", "\tservices: []\n")}, code: 1, want: []string{"tab.yml:1: not YAML: indent with spaces, not with tabs"}},
		{name: "off is false to Kong", files: []string{file("off.yml", "_format_version: \"3.0\"\nplugins:\n- name: waf-detect\n  config: {mode: off}\n")}, code: 1,
			want: []string{"off.yml:4: plugins[0].config.mode: is a boolean, expected a string: put it in quotes"}},
		{name: "Norway", files: []string{file("no.yml", "_format_version: \"3.0\"\nplugins:\n- name: waf-ip-restriction\n  config: {geo: {databases: [/a], deny_countries: [SE, NO]}}\n")}, code: 1,
			want: []string{"deny_countries[1]: is a boolean, expected a string"}},
		{name: "yes is true to Kong", files: []string{file("yes.yml", "_format_version: \"3.0\"\nplugins:\n- name: waf-key-auth\n  config: {hide_credentials: yes}\n")}, want: []string{"1 file: 0 errors"}},
		{name: "a tab further down", files: []string{file("tabs.yml", "_format_version: \"3.0\"\nservices:\n\t- name: a\n")}, code: 1, want: []string{"tabs.yml:3: not YAML: indent with spaces, not with tabs"}},
		{name: "a text that needs quotes", files: []string{file("at.yml", "_format_version: \"3.0\"\na: @b\n")}, code: 1, want: []string{"at.yml:2: not YAML", "needs quotes"}},
		{name: "empty", files: []string{file("empty.yml", "# nothing yet\n")}, want: []string{"warning: there is nothing in this file", "1 file: 0 errors, 1 warning"}},
		{name: "Helm's values", files: []string{file("values-production.yaml", "gateway: {}\n")}, want: []string{":1: warning: not checked", "0 errors, 1 warning"}},
		{name: "no values", files: []string{file("valuesets.yaml", "gateway: {}\n")}, code: 1, want: []string{"neither a deck file"}},
		{name: "a folder of manifests with Helm's values", files: manifests, want: []string{"4 files: 0 errors, 1 warning"}},
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
