package geo

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/stretchr/testify/require"

	"kongwaf/plugins/internal/source"
)

// database makes a database with a record for each network.
func database(t testing.TB, records map[string]mmdbtype.DataType) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", IncludeReservedNetworks: true})
	require.NoError(t, err)
	for network, record := range records {
		_, ipnet, err := net.ParseCIDR(network)
		require.NoError(t, err)
		require.NoError(t, tree.Insert(ipnet, record))
	}
	var b bytes.Buffer
	_, err = tree.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

type m = mmdbtype.Map

func iso(code string) m { return m{"iso_code": mmdbtype.String(code)} }

func TestLookup(t *testing.T) {
	for _, row := range []struct {
		name    string
		records map[string]mmdbtype.DataType
		addr    string
		want    Place
	}{
		{name: "MaxMind's country", records: map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": iso("NZ"), "registered_country": iso("AU")}}, addr: "203.0.113.9", want: Place{Country: Country{'N', 'Z'}}},
		{name: "only where it is registered", records: map[string]mmdbtype.DataType{"203.0.113.0/24": m{"registered_country": iso("AU")}}, addr: "203.0.113.9", want: Place{Country: Country{'A', 'U'}}},
		{name: "MaxMind's ASN", records: map[string]mmdbtype.DataType{"203.0.113.0/24": m{"autonomous_system_number": mmdbtype.Uint32(64500)}}, addr: "203.0.113.9", want: Place{ASN: 64500}},
		{name: "flat, as IPinfo has it", records: map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": mmdbtype.String("New Zealand"), "country_code": mmdbtype.String("NZ"), "asn": mmdbtype.String("AS64501")}}, addr: "203.0.113.9", want: Place{Country: Country{'N', 'Z'}, ASN: 64501}},
		{name: "the country as a word of two letters", records: map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": mmdbtype.String("nz")}}, addr: "203.0.113.9", want: Place{Country: Country{'N', 'Z'}}},
		{name: "IPv6", records: map[string]mmdbtype.DataType{"2001:db8::/32": m{"country": iso("FR")}}, addr: "2001:db8::1", want: Place{Country: Country{'F', 'R'}}},
		{name: "IPv4 in IPv6 form", records: map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": iso("NZ")}}, addr: "::ffff:203.0.113.9", want: Place{Country: Country{'N', 'Z'}}},
		{name: "with a zone", records: map[string]mmdbtype.DataType{"fe80::/10": m{"country": iso("FR")}}, addr: "fe80::1%eth0", want: Place{Country: Country{'F', 'R'}}},
		{name: "nothing of this one", records: map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": iso("NZ")}}, addr: "198.51.100.1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d, err := Parse(database(t, row.records))
			require.NoError(t, err)
			if got := d.Lookup(netip.MustParseAddr(row.addr)); got != row.want {
				t.Errorf("%s is in %v, want %v", row.addr, got, row.want)
			}
		})
	}
	d, err := Parse(database(t, map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": iso("NZ")}}))
	require.NoError(t, err)
	if got := d.Lookup(netip.Addr{}); got != (Place{}) {
		t.Errorf("no address is in %v", got)
	}
}

func TestBadDatabases(t *testing.T) {
	good := database(t, map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": iso("NZ")}})
	for name, data := range map[string][]byte{
		"empty":           nil,
		"text":            []byte("203.0.113.0/24\n"),
		"cut":             good[:len(good)/2],
		"other knowledge": database(t, map[string]mmdbtype.DataType{"203.0.113.0/24": m{"connection_type": mmdbtype.String("Cable")}}),
		"no networks":     database(t, nil),
	} {
		if _, err := Parse(data); err == nil {
			t.Errorf("%s: taken", name)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: a long error: %v", name, err)
		}
	}
}

// FuzzParse: whatever the bytes are, nothing panics and nothing goes on for ever.
func FuzzParse(f *testing.F) {
	good := database(f, map[string]mmdbtype.DataType{
		"203.0.113.0/24": m{"country": iso("NZ")}, "198.51.100.0/24": m{"autonomous_system_number": mmdbtype.Uint32(64500)},
	})
	f.Add(good)
	for i := 0; i < len(good); i += 7 {
		bad := bytes.Clone(good)
		bad[i] ^= 0xff
		f.Add(bad)
		f.Add(good[:i])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		for _, addr := range []string{"203.0.113.1", "2001:db8::1", "0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
			d.Lookup(netip.MustParseAddr(addr))
		}
	})
}

func TestDatabasesCompleteEachOther(t *testing.T) {
	folder := t.TempDir()
	var files []string
	for name, record := range map[string]m{"country": {"country": iso("NZ")}, "asn": {"autonomous_system_number": mmdbtype.Uint32(64500)}} {
		file := filepath.Join(folder, name+".mmdb")
		require.NoError(t, os.WriteFile(file, database(t, map[string]mmdbtype.DataType{"203.0.113.0/24": record}), 0o600))
		files = append(files, file)
	}
	d, err := Open(&source.Registry{}, files)
	require.NoError(t, err)
	countries, systems, all := d.Has()
	require.True(t, countries && systems && all)
	addr := netip.MustParseAddr("203.0.113.1")
	if got, want := d.Lookup(addr), (Place{Country: Country{'N', 'Z'}, ASN: 64500}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	// A URL's secrets stand in no name.
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	remote, err := Open(&source.Registry{}, []string{server.URL + "/download?license_key=secret", strings.Replace(server.URL, "http://", "http://user:secret@", 1)})
	require.NoError(t, err)
	for _, s := range remote {
		if status := s.Status(); strings.Contains(fmt.Sprint(status.Name, status.Location, status.Err), "secret") {
			t.Errorf("a secret is shown: %+v", status)
		}
	}
	_, err = Open(&source.Registry{}, []string{files[0], folder + "/missing.mmdb"})
	require.ErrorContains(t, err, "[1]: "+folder+"/missing.mmdb: no such file")
}

func TestParseCountryAndASN(t *testing.T) {
	for text, want := range map[string]string{"de": "DE", "NZ": "NZ", "xk": "XK"} {
		if got, err := ParseCountry(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "D", "DEU", "UK", "ZZ", "E ", " D", "D E", "Germany", "1A"} {
		if c, err := ParseCountry(text); err == nil {
			t.Errorf("%q is taken for %v", text, c)
		}
	}
	if _, err := ParseCountry("UK"); !strings.Contains(err.Error(), "write GB") {
		t.Errorf("UK: %v", err)
	}
	for text, want := range map[string]uint32{"64500": 64500, "AS64500": 64500, "as1": 1, "4294967295": 4294967295} {
		if got, err := ParseASN(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "AS", "-1", "4294967296", "ASN1", "1.2"} {
		if n, err := ParseASN(text); err == nil {
			t.Errorf("%q is taken for %v", text, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	d, err := Parse(database(b, map[string]mmdbtype.DataType{"203.0.113.0/24": m{"country": iso("NZ"), "registered_country": iso("AU")}}))
	require.NoError(b, err)
	addr := netip.MustParseAddr("203.0.113.1")
	b.ReportAllocs()
	for b.Loop() {
		d.Lookup(addr)
	}
}
