package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/doctor"
)

// TestDoctor: a good configuration, with a server of ours that answers, and the same one with
// something wrong in it: the exit status, the lines, and the JSON say so.
func TestDoctor(t *testing.T) {
	socket := servePlugins(t)
	self, err := os.Executable()
	require.NoError(t, err)
	write := func(change ...string) string {
		text := strings.NewReplacer(append(change, defaultSocket, socket, "/usr/local/bin/kong-waf", self)...).Replace(printConfig(t))
		file := filepath.Join(t.TempDir(), "kong.conf")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	examine := func(want int, args ...string) string {
		var out, errs strings.Builder
		args = append([]string{"doctor", "--console", "off", "--deck", filepath.Join(examples, "deck", "waf-gate.yml")}, args...)
		require.Equal(t, want, run(args, nil, &out, &errs), out.String()+errs.String())
		require.Empty(t, errs.String())
		return out.String()
	}

	good := write()
	out := examine(0, "--kong-conf", good)
	require.Contains(t, out, "ok    server         process ")
	require.Regexp(t, `\n\d+ ok, \d+ not looked at, 0 warnings, 0 failures\n$`, out)

	warned := write("nginx_proxy_set_by_lua", "# nginx_proxy_set_by_lua")
	out = examine(1, "--kong-conf", warned)
	require.Contains(t, out, "warn  head           $kong_waf is not set\n                     why: ")
	require.Contains(t, out, "\n                     change: nginx_proxy_set_by_lua = $kong_waf ")

	failing := write("plugins = bundled,", "plugins = ", socket, socket, "waf-gate_socket", "", "info waf-gate", "info waf-detect")
	out = examine(2, "--kong-conf", failing, "--format", "json")
	var report struct {
		Worst    doctor.Status
		Findings []doctor.Finding
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Equal(t, doctor.Failure, report.Worst)
	statuses := map[string]doctor.Status{}
	for _, f := range report.Findings {
		statuses[f.Check] = f.Status
	}
	require.Equal(t, doctor.Warning, statuses["plugins"])
	require.Equal(t, doctor.Failure, statuses["query-cmd"])
	require.Equal(t, doctor.OK, statuses["server"])

	require.Contains(t, examine(2, "--kong-conf", good+"2"), "fail  kong-conf")
	t.Setenv("KONG_PLUGINS", "bundled")
	require.Contains(t, examine(2, "--kong-conf", good), "KONG_PLUGINS=bundled,waf-")
}

// TestDoctorOffline: the files in the repository, for a Kong that is elsewhere.
func TestDoctorOffline(t *testing.T) {
	var out, errs strings.Builder
	args := []string{"doctor", "--offline", "--kong-conf", filepath.Join(conf, "kong.conf"), "--deck", filepath.Join(examples, "deck", "waf-gate.yml")}
	require.Zero(t, run(args, nil, &out, &errs), out.String())
	require.NotContains(t, out.String(), "change:")
}

// TestDoctorAsksTheAdminAPI: of this machine, whose certificate is Kong's own; and what is in
// it does not reach the terminal as it is.
func TestDoctorAsksTheAdminAPI(t *testing.T) {
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, `{"version":"3.9.1"}`)
		case "/plugins":
			fmt.Fprint(w, `{"data":[{"id":"33333333-3333-4333-8333-333333333333","name":"waf-ip-restriction","enabled":true,"config":{"allow":["10.0.0.0/99\u001b[2J"]}}]}`)
		default:
			fmt.Fprint(w, `{"data":[]}`)
		}
	}))
	defer api.Close()
	var out, errs strings.Builder
	run([]string{"doctor", "--admin", api.URL, "--kong-conf", filepath.Join(conf, "kong.conf"), "--console", "off"}, nil, &out, &errs)
	require.Contains(t, out.String(), "ok    kong-version   Kong 3.9.1 ("+api.URL+")")
	require.Contains(t, out.String(), "fail  configuration  Admin API:1: ")
	require.Contains(t, out.String(), "config.allow[0]")
	require.NotContains(t, out.String(), "\x1b")
}

func TestDoctorIsCalledWrongly(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
	}{
		{args: []string{"--format", "yaml"}, want: `--format: "yaml" is not text or json`},
		{args: []string{"--deck", "kong.yml", "--admin", "http://127.0.0.1:1"}, want: "give one of them"},
		{args: []string{"--offline", "--admin", "http://127.0.0.1:1"}, want: "give one of them"},
		{args: []string{"kong.conf"}, want: `unexpected argument "kong.conf"`},
	} {
		var out, errs strings.Builder
		require.Equal(t, 2, run(append([]string{"doctor"}, row.args...), nil, &out, &errs))
		require.Contains(t, errs.String(), row.want)
		require.Empty(t, out.String())
	}
}

// TestSettingsFiles: doctor looks into every file that a setting names.
func TestSettingsFiles(t *testing.T) {
	var set settings
	set.Console.TokenFile, set.Console.TLSKey, set.Redis.PasswordFile = "/a", "/b", "/c"
	require.Equal(t, map[string]string{"console.token_file": "/a", "console.tls_key": "/b", "redis.password_file": "/c"}, set.files())
}
