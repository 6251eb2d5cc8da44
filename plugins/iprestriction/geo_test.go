package iprestriction

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/stretchr/testify/require"
)

// databases writes a database of countries and one of autonomous systems.
func databases(t *testing.T) (countries, systems string) {
	t.Helper()
	write := func(name string, records map[string]mmdbtype.Map) string {
		tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: name, IncludeReservedNetworks: true})
		require.NoError(t, err)
		for network, record := range records {
			_, ipnet, err := net.ParseCIDR(network)
			require.NoError(t, err)
			require.NoError(t, tree.Insert(ipnet, record))
		}
		var b bytes.Buffer
		_, err = tree.WriteTo(&b)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), name+".mmdb")
		require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
		return file
	}
	country := func(code string) mmdbtype.Map {
		return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}
	}
	countries = write("Country", map[string]mmdbtype.Map{"203.0.113.0/24": country("NZ"), "198.51.100.0/24": country("FR")})
	systems = write("ASN", map[string]mmdbtype.Map{"203.0.113.128/25": {"autonomous_system_number": mmdbtype.Uint32(64500)}})
	return countries, systems
}

func TestGeo(t *testing.T) {
	const (
		nz, nz64500, fr, private = "203.0.113.1", "203.0.113.200", "198.51.100.1", "10.0.0.1"
	)
	countries, systems := databases(t)
	both := fmt.Sprintf(`"databases":[%q,%q]`, countries, systems)
	for _, row := range []struct{ config, client, want string }{
		{config: `{"geo":{"allow_countries":["nz"],DB}}`, client: nz, want: "in"},
		{config: `{"geo":{"allow_countries":["nz"],DB}}`, client: fr, want: "address_not_allowed country FR"},
		{config: `{"geo":{"allow_countries":["nz"],DB}}`, client: private, want: "address_not_allowed unknown country"},
		{config: `{"geo":{"allow_countries":["nz"],"unknown":"allow",DB}}`, client: private, want: "in"},
		{config: `{"geo":{"allow_countries":["nz"],"unknown":"allow",DB}}`, client: fr, want: "address_not_allowed country FR"},
		{config: `{"geo":{"deny_countries":["FR"],DB}}`, client: fr, want: "address_denied country FR"},
		{config: `{"geo":{"deny_countries":["FR"],DB}}`, client: private, want: "in"},
		{config: `{"geo":{"deny_countries":["FR"],"unknown":"deny",DB}}`, client: private, want: "address_not_allowed unknown country"},
		{config: `{"allow":["10.0.0.0/8"],"geo":{"deny_countries":["FR"],"unknown":"deny",DB}}`, client: private, want: "in"},
		{config: `{"geo":{"deny_asns":["AS64500"],DB}}`, client: nz64500, want: "address_denied AS64500"},
		{config: `{"geo":{"deny_asns":["AS64500"],DB}}`, client: nz, want: "in"},
		{config: `{"geo":{"allow_asns":["64500"],DB}}`, client: nz64500, want: "in"},
		{config: `{"geo":{"allow_asns":["64500"],DB}}`, client: nz, want: "address_not_allowed country NZ"},
		{config: `{"allow":["198.51.100.1"],"geo":{"allow_countries":["NZ"],DB}}`, client: fr, want: "in"},
		{config: `{"allow":["198.51.100.1"],"geo":{"deny_countries":["FR"],DB}}`, client: fr, want: "address_denied country FR"},
	} {
		one, err := at(t, quiet(), strings.Replace(row.config, "DB", both, 1))
		require.NoError(t, err, row.config)
		if got := outcome(one, row.client); got != row.want {
			t.Errorf("%s, %s: %s, want %s", row.config, row.client, got, row.want)
		}
	}
	for config, want := range map[string]string{
		`{"geo":{"deny_asns":["AS64500"],"databases":["` + countries + `"]}}`:   "config.geo.databases: none of them knows autonomous systems",
		`{"geo":{"deny_countries":["FR"],"databases":["` + systems + `"]}}`:     "config.geo.databases: none of them knows countries",
		`{"geo":{"deny_countries":["FR"],"databases":["` + systems + `.bak"]}}`: "config.geo.databases[0]: " + systems + ".bak: no such file",
	} {
		if _, err := at(t, quiet(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// A database that has never been read leaves to on_error whom it could have decided on.
func TestGeoThatWasNeverRead(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, row := range []struct{ config, want string }{
		{config: `{"geo":{"deny_countries":["FR"],DB}}`, want: "failed: the list geo.databases has not been read so far"},
		{config: `{"geo":{"allow_countries":["FR"],"unknown":"allow",DB}}`, want: "failed: the list geo.databases has not been read so far"},
		{config: `{"deny":["192.0.2.1"],"geo":{"deny_countries":["FR"],DB}}`, want: "address_denied deny"},
		{config: `{"allow":["192.0.2.1"],"geo":{"allow_countries":["FR"],DB}}`, want: "in"},
	} {
		one, err := at(t, quiet(), strings.Replace(row.config, "DB", fmt.Sprintf(`"databases":[%q]`, server.URL), 1))
		require.NoError(t, err)
		if got := outcome(one, "192.0.2.1"); got != row.want {
			t.Errorf("%s: %s, want %s", row.config, got, row.want)
		}
	}
}
