package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
	"kongwaf/plugins"
)

const examples = "../../examples"

// TestDeckExamples: every deck file is valid on its own, and serves through the stand-in.
func TestDeckExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "deck", "*.yml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 6)
	env := func(string) (string, bool) { return "http://127.0.0.1:9080", true }
	validator := newSchemas()
	validator.now = func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) } // the exceptions of the examples end
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			text = []byte(here(t, string(text)))
			config, problems := declarative.Parse(declarative.Options{Validator: validator, Env: env}, declarative.Source{Name: file, Data: text})
			require.NoError(t, problems.Err())
			for _, w := range problems.Warnings() {
				require.Contains(t, w.String(), unasked)
			}
			require.NotEmpty(t, config.Plugins)
			deck := strings.NewReplacer("http://127.0.0.1:9080", "${upstream}", `${{ env "DECK_DEMO_URL" }}`, "${upstream}").Replace(string(text))
			s := newSystem(t, deck)
			for _, route := range config.Routes {
				answer := s.get(t, route.Paths[0])
				require.Less(t, answer.Status, 500, "%s: %s", route.Name, answer.Body)
			}
		})
	}
}

// here makes an example read what it reads from elsewhere from this machine: the lists in
// examples/lists, a blocklist, databases of countries and systems.
func here(t *testing.T, text string) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join(examples, "lists"))
	require.NoError(t, err)
	blocklist := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"cidr":"198.51.100.12/32","sblid":"SBL1","rir":"test"}`)
	}))
	t.Cleanup(blocklist.Close)
	databases := t.TempDir()
	for name, record := range map[string]mmdbtype.Map{
		"GeoLite2-Country.mmdb": {"country": mmdbtype.Map{"iso_code": mmdbtype.String("NZ")}},
		"GeoLite2-ASN.mmdb":     {"autonomous_system_number": mmdbtype.Uint32(64501)},
	} {
		tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: name, IncludeReservedNetworks: true})
		require.NoError(t, err)
		_, network, err := net.ParseCIDR("203.0.113.0/24")
		require.NoError(t, err)
		require.NoError(t, tree.Insert(network, record))
		f, err := os.Create(filepath.Join(databases, name))
		require.NoError(t, err)
		_, err = tree.WriteTo(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	return strings.NewReplacer("/etc/kong-waf", folder, "https://www.spamhaus.org/drop/drop_v4.json", blocklist.URL, "/usr/share/GeoIP", databases).Replace(text)
}

// TestListsExample: what the example of lists lets in, and what it refuses.
func TestListsExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(examples, "deck", "waf-ip-restriction-lists.yml"))
	require.NoError(t, err)
	deck := strings.ReplaceAll(here(t, string(text)), "http://127.0.0.1:9080", "${upstream}")
	s := newSystemOf(t, gateway.Options{TrustedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RealIPHeader: "X-Real-IP"}, declarative.Source{Name: "kong.yml", Data: []byte(deck)})
	for _, row := range []struct {
		path, client, list string
		status             int
	}{
		{path: "/admin", client: "203.0.113.7", status: 200},                     // office.txt
		{path: "/admin", client: "198.51.100.11", status: 200},                   // a first and a last address
		{path: "/admin", client: "198.51.100.70", status: 200},                   // partners.csv
		{path: "/admin", client: "192.0.2.200", status: 200},                     // for a time
		{path: "/admin", client: "192.0.2.1", status: 403},                       // nobody
		{path: "/admin", client: "198.51.100.12", status: 403, list: "drop"},     // of the warehouse, and in the blocklist
		{path: "/admin", client: "203.0.113.99", status: 403, list: "temporary"}, // of the office, for a time
		{path: "/shop", client: "203.0.113.7", status: 200},
		{path: "/shop", client: "10.1.2.3", status: 200},
		{path: "/shop", client: "192.0.2.1", status: 403, list: "unknown country"},
	} {
		answer := s.get(t, row.path, "X-Real-IP", row.client)
		require.Equal(t, row.status, answer.Status, "%s from %s: %s", row.path, row.client, answer.Body)
		if row.status == 403 {
			require.Contains(t, answer.Body, "IP address not allowed: "+row.client)
			require.Equal(t, row.list, s.events.take(t, 1)[0].List, row.client)
		}
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
