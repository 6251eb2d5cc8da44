package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"kongwaf/kong/kongconf"
)

// printConfig is the answer of kong-waf config kong.conf.
func printConfig(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	require.Zero(t, run(append([]string{"config", "kong.conf"}, args...), nil, &out, &errs), errs.String())
	require.Empty(t, errs.String())
	return out.String()
}

// TestConfigIsTheFragment: kong/conf/kong.conf is what the command prints.
func TestConfigIsTheFragment(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(conf, "kong.conf"))
	require.NoError(t, err)
	require.Equal(t, printConfig(t), string(text), "make golden writes it")
}

// TestConfigFormats: each format says the same, read back by its own rules.
func TestConfigFormats(t *testing.T) {
	for _, options := range [][]string{
		{},
		{"--plugins", "waf-gate, waf-detect", "--socket", "/srv/waf.socket", "--binary", "/opt/kong-waf", "--start-cmd", "--body-buffer", "64k", "--head", "short"},
		{"--head", "off"},
	} {
		want := map[string]string{}
		var c kongconf.Conf
		require.NoError(t, c.Read("kong.conf", strings.NewReader(printConfig(t, options...))))
		require.Empty(t, c.Overruled)
		c.Keys(func(key string, value kongconf.Value) { want[key] = value.Text })
		require.NotEmpty(t, want)

		environ := strings.Split(strings.TrimSpace(printConfig(t, append(options, "--format", "env")...)), "\n")
		require.Equal(t, want, settingsOf(environ))

		var helm struct{ Env map[string]string }
		require.NoError(t, yaml.Unmarshal([]byte(printConfig(t, append(options, "--format", "helm")...)), &helm))
		require.Equal(t, want, helm.Env)

		var compose struct{ Environment map[string]string }
		require.NoError(t, yaml.Unmarshal([]byte(printConfig(t, append(options, "--format", "compose")...)), &compose))
		environ = nil
		for name, value := range compose.Environment {
			require.NotRegexp(t, `[^$]\$[^$]`, " "+value, "compose would replace a variable")
			environ = append(environ, name+"="+strings.ReplaceAll(value, "$$", "$"))
		}
		require.Equal(t, want, settingsOf(environ))
	}
}

func settingsOf(environ []string) map[string]string {
	var c kongconf.Conf
	c.Environ(environ)
	all := map[string]string{}
	c.Keys(func(key string, value kongconf.Value) { all[key] = value.Text })
	return all
}

func TestConfigRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{name: "nothing", want: "kong.conf is missing"},
		{name: "another file", args: []string{"nginx.conf"}, want: `no "nginx.conf" to print`},
		{name: "two files", args: []string{"kong.conf", "nginx.conf"}, want: `unexpected argument "nginx.conf"`},
		{name: "a plugin of Kong's", args: []string{"kong.conf", "--plugins", "key-auth"}, want: `no plugin "key-auth"; there are waf-`},
		{name: "twice", args: []string{"kong.conf", "--plugins", "waf-gate,waf-gate"}, want: "plugins: waf-gate stands twice"},
		{name: "a blank in a path", args: []string{"kong.conf", "--socket", "/run/kong waf"}, want: `socket: "/run/kong waf" is no path`},
		{name: "a line break in a path", args: []string{"kong.conf", "--binary", "/bin/x\nplugins = off"}, want: "binary: "},
		{name: "a long path", args: []string{"kong.conf", "--socket", "/" + strings.Repeat("s", 107)}, want: "108 bytes is too long for a socket"},
		{name: "no size", args: []string{"kong.conf", "--body-buffer", "lots"}, want: `body-buffer: "lots" is no size`},
		{name: "a size for nothing", args: []string{"kong.conf", "--body-buffer", "0"}, want: "not between 1k and 1g"},
		{name: "an unknown head", args: []string{"kong.conf", "--head", "all"}, want: `head: "all" is not raw, short or off`},
		{name: "an unknown format", args: []string{"kong.conf", "--format", "json"}, want: `format: "json" is none of conf, env, helm, compose`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out, errs strings.Builder
			require.Equal(t, 2, run(append([]string{"config"}, row.args...), nil, &out, &errs))
			require.Contains(t, errs.String(), row.want)
			require.Empty(t, out.String())
		})
	}
}
