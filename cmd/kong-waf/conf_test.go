package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
// makes, and counts as started once the socket is there.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(conf, "kong-waf.service"))
	require.NoError(t, err)
	folder, _ := filepath.Split(defaultSocket)
	require.Equal(t, "/run/kong-waf/", folder)
	require.Contains(t, string(text), "\nBefore=kong.service\n")
	require.Contains(t, string(text), "\nRuntimeDirectory=kong-waf\n")
	require.Contains(t, string(text), "\nExecStart=/usr/local/bin/kong-waf serve --socket "+defaultSocket+"\n")
	require.Contains(t, string(text), "until test -S "+defaultSocket)
}

// TestDockerfile: it copies what there is.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(conf, "Dockerfile"))
	require.NoError(t, err)
	require.Contains(t, string(text), "\nFROM kong:3.9.1\n")
	require.Contains(t, string(text), `CMD ["kong-waf", "health"]`)
	require.Contains(t, string(text), `ENTRYPOINT ["kong-waf", "run", `)
	require.Contains(t, string(text), "install -d -o kong -g kong "+filepath.Dir(defaultSocket), "the socket's folder")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "COPY" || strings.HasPrefix(fields[1], "--from") {
			continue
		}
		for _, source := range fields[1 : len(fields)-1] {
			_, err := os.Stat(filepath.Join("..", "..", source))
			require.NoError(t, err, line)
		}
	}
}

func TestInfoOfAnUnknownPlugin(t *testing.T) {
	var stderr strings.Builder
	require.Equal(t, 1, run([]string{"info", "key-auth"}, nil, os.Stdout, &stderr))
	require.Contains(t, stderr.String(), "waf-key-auth")
	stderr.Reset()
	require.Equal(t, 2, run([]string{"serv"}, nil, os.Stdout, &stderr))
	require.Contains(t, stderr.String(), "kong-waf help")
}
