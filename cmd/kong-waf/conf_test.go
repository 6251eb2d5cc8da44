package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"kongwaf/kong/kongconf"
	"kongwaf/plugins"
)

const conf = "../../kong/conf"

// TestKongConf: the fragment names every plugin, each with its own query_cmd and the one
// socket, which is outside Kong's prefix: kong start removes the sockets in there. There is
// one start_cmd, commented out.
func TestKongConf(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(conf, "kong.conf"))
	require.NoError(t, err)
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, " = ")
		require.True(t, ok, line)
		require.NotContains(t, values, key)
		values[key] = value
	}
	names := strings.Split(values["pluginserver_names"], ",")
	for _, d := range plugins.Definitions() {
		require.Contains(t, names, d.Name)
		require.Contains(t, strings.Split(values["plugins"], ","), d.Name)
		prefix := "pluginserver_" + strings.ReplaceAll(d.Name, "-", "_") + "_"
		require.Equal(t, defaultSocket, values[prefix+"socket"])
		query := strings.Fields(values[prefix+"query_cmd"])
		require.Equal(t, []string{"/usr/local/bin/kong-waf", "info", d.Name}, query)
		var out strings.Builder
		require.Zero(t, run(query[1:], nil, &out, os.Stderr), "the query_cmd works")
		require.Empty(t, values[prefix+"start_cmd"], "decK does not work with one")
	}
	require.Len(t, names, len(plugins.Definitions()))
	require.Equal(t, 1, strings.Count(string(text), "\n# "+kongconf.PluginKey(names[0], "start_cmd")+" = /usr/local/bin/kong-waf serve --socket "+defaultSocket+"\n"))
	require.False(t, strings.HasPrefix(defaultSocket, "/usr/local/kong/"))
	require.True(t, strings.HasPrefix(values["plugins"], "bundled,"))
	// The line as it was tried on a real Kong; plugins/internal/facts reads what it gives.
	require.Equal(t, `$kong_waf "local v = ngx.var local head = v.kong_request_id .. [[ ]] .. v.remote_addr .. [[ ]] .. v.realip_remote_addr .. [[ ]] `+
		`if ngx.req.http_version() < 2 then return head .. ngx.req.raw_header() end return head .. v.request"`, values["nginx_proxy_set_by_lua"])
}

// TestUnit: the service serves at the socket that kong.conf names, in a folder that systemd
// makes, before Kong and as Kong's user, and counts as started once the socket is there.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(conf, "kong-waf.service"))
	require.NoError(t, err)
	folder, _ := filepath.Split(defaultSocket)
	require.Equal(t, "/run/kong-waf/", folder)
	for _, line := range []string{
		"Before=kong.service", "WantedBy=multi-user.target kong.service", "User=kong", "Group=kong",
		"RuntimeDirectory=kong-waf", "ExecStart=/usr/local/bin/kong-waf serve --socket " + defaultSocket,
		"NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "MemoryDenyWriteExecute=yes",
		"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "SystemCallFilter=@system-service",
	} {
		require.Contains(t, string(text), "\n"+line+"\n")
	}
	require.Contains(t, string(text), "until test -S "+defaultSocket)
	var environ []string
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment="); ok {
			environ = append(environ, strings.Fields(list)...)
		}
	}
	_, err = loadSettings("", environ)
	require.NoError(t, err)
}

// TestUnitIsTight: where systemd's tools are at hand, they find no fault with the unit, and call
// what it may still do little: 1.6 of 10 when this was written.
func TestUnitIsTight(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return // nothing that a test needs
	}
	text, err := os.ReadFile(filepath.Join(conf, "kong-waf.service"))
	require.NoError(t, err)
	unit := filepath.Join(t.TempDir(), "kong-waf.service")
	require.NoError(t, os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/kong-waf", "/bin/true")), 0o600))
	out, err := exec.Command(program, "verify", unit).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NotContains(t, string(out), "kong-waf.service:")
	if help, err := exec.Command(program, "--help").Output(); err != nil || !strings.Contains(string(help), "--offline") {
		return // an older one
	}
	out, err = exec.Command(program, "security", "--offline=true", "--threshold=20", unit).CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestDockerfile: the image has the folder of the socket that kong.conf names.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(conf, "Dockerfile"))
	require.NoError(t, err)
	require.Contains(t, string(text), "install -d -o kong -g kong "+filepath.Dir(defaultSocket))
}

// TestCompose: kong-waf starts with the settings in the compose file, and Kong serves its deck
// file.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(conf, "compose", "compose.yaml"))
	require.NoError(t, err)
	var file struct {
		Services map[string]struct {
			Environment map[string]string
			Entrypoint  []string
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	var environ []string
	for name, value := range file.Services["kong"].Environment {
		environ = append(environ, name+"="+value)
	}
	set, err := loadSettings("", environ)
	require.NoError(t, err)
	require.NoError(t, set.Console.validate())
	require.Equal(t, "redis:6379", set.Redis.Address)
	require.Equal(t, "kong-waf", set.Events.RedisStream)

	var out strings.Builder
	require.Zero(t, runValidate([]string{filepath.Join(conf, "compose", "kong.yml")}, nil, &out, &out), out.String())
	require.Contains(t, out.String(), "0 errors, 0 warnings")

	demo := file.Services["demo"].Entrypoint
	require.Equal(t, "kong-waf", demo[0])
	require.Equal(t, 1, run(append(demo[1:], "--upstream", "127.0.0.1:99999"), nil, &out, &out), "called rightly, with a port that is none")
	require.Contains(t, out.String(), "99999")
}

func TestInfoOfAnUnknownPlugin(t *testing.T) {
	var stderr strings.Builder
	require.Equal(t, 1, run([]string{"info", "key-auth"}, nil, os.Stdout, &stderr))
	require.Contains(t, stderr.String(), "waf-key-auth")
	stderr.Reset()
	require.Equal(t, 2, run([]string{"serv"}, nil, os.Stdout, &stderr))
	require.Contains(t, stderr.String(), "kong-waf help")
}
