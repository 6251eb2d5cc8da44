package wafdetect

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/stretchr/testify/require"
)

// countries writes a database in which 203.0.113.0/24 is New Zealand's and 198.51.100.0/24 is
// France's.
func countries(t *testing.T) (file string) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Country", IncludeReservedNetworks: true})
	require.NoError(t, err)
	for network, code := range map[string]string{"203.0.113.0/24": "NZ", "198.51.100.0/24": "FR"} {
		_, ipnet, err := net.ParseCIDR(network)
		require.NoError(t, err)
		require.NoError(t, tree.Insert(ipnet, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}))
	}
	var b bytes.Buffer
	_, err = tree.WriteTo(&b)
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "countries.mmdb")
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	return file
}

func TestRulesByCountry(t *testing.T) {
	const nz, fr, private = "203.0.113.1", "198.51.100.1", "10.0.0.1"
	file := countries(t)
	for _, row := range []struct {
		rule         string
		holds, twins []string
	}{
		{rule: `"countries":["nz"]`, holds: []string{nz}, twins: []string{fr, private, ""}},
		{rule: `"except_countries":["NZ"]`, holds: []string{fr, private, ""}, twins: []string{nz}},
		{rule: `"countries":["NZ","FR"],"except_countries":["FR"]`, holds: []string{nz}, twins: []string{fr, private}},
		{rule: `"countries":["NZ","FR"],"clients":["203.0.113.0/24"]`, holds: []string{nz}, twins: []string{fr, private}},
	} {
		for _, action := range []string{"block", "allow"} {
			one := compile(t, fmt.Sprintf(`{"geo_databases":[%q],"rules":[{"name":"a","action":%q,%s},{"name":"rest","path":"/x"}]}`, file, action, row.rule))
			judged := func(client string) string {
				f := asked("/x")
				f.Request.ClientIP, _ = netip.ParseAddr(client)
				return one.Judge(f).Rules[0].Name
			}
			for _, client := range row.holds {
				want := "a"
				if action == "allow" && (client == private || client == "") {
					want = "rest" // where nobody knows, nobody is allowed
				}
				require.Equal(t, want, judged(client), "%s %s %s", action, row.rule, client)
			}
			for _, client := range row.twins {
				require.Equal(t, "rest", judged(client), "%s %s %s", action, row.rule, client)
			}
		}
	}

	// A database that has never been read leaves the request to on_error, if nothing else decides.
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	one := compile(t, fmt.Sprintf(`{"geo_databases":[%q],"rules":[{"name":"a","countries":["FR"],"path":"/x"},{"name":"b","path":"/x/y"}]}`, server.URL))
	require.True(t, one.Judge(asked("/x")).Failed)
	require.True(t, one.Judge(asked("/x?b=%27+OR+1=1+--+")).Denied)
	require.Equal(t, []string{""}, []string{one.Judge(asked("/z")).Reason}, "which the rule does not concern")

	for config, want := range map[string]string{
		`"geo_databases":["/a.mmdb"]`:                                                              "config.geo_databases: are for nothing",
		`"rules":[{"name":"a","countries":["FR"]}]`:                                                "config.geo_databases: missing",
		`"geo_databases":["a.mmdb"],"rules":[{"name":"a","countries":["FR"]}]`:                     "config.geo_databases[0]",
		`"geo_databases":["/no.mmdb"],"rules":[{"name":"a","countries":["FR"]}]`:                   "config.geo_databases[0]: /no.mmdb: no such file",
		fmt.Sprintf(`"geo_databases":[%q],"rules":[{"name":"a","except_countries":["UK"]}]`, file): `config.rules[0].except_countries[0]: "UK" is no country's code in ISO 3166: write GB`,
	} {
		require.ErrorContains(t, badConfig(t, "{"+config+"}"), want)
	}
}
