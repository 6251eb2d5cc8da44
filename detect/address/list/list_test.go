package list

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// texts returns ranges, with what they end with behind them.
func texts(entries []Entry) string {
	var out []string
	for _, e := range entries {
		text := e.Range.String()
		if !e.Until.IsZero() {
			text += " until " + e.Until.Format(time.RFC3339)
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func TestForms(t *testing.T) {
	for _, row := range []struct {
		name, data, want string
		options          Options
	}{
		{name: "a line each", data: "203.0.113.0/24\n2001:db8::/32\n198.51.100.7\n", want: "203.0.113.0/24\n2001:db8::/32\n198.51.100.7/32"},
		{name: "Windows' line ends and no last one", data: "\xef\xbb\xbf203.0.113.0/24\r\n198.51.100.7", want: "203.0.113.0/24\n198.51.100.7/32"},
		{name: "comments, as FireHOL and Spamhaus write them", data: "# a netset\n;\n\n203.0.113.0/24 ; SBL1\n198.51.100.7 # a scanner\n", want: "203.0.113.0/24\n198.51.100.7/32"},
		{name: "first and last address", data: "203.0.113.0-203.0.113.2\n2001:db8:: - 2001:db8::ffff\n0.0.0.0-255.255.255.255", want: "203.0.113.0/31\n203.0.113.2/32\n2001:db8::/112\n0.0.0.0/0"},
		{name: "IPv4 in IPv6 form", data: "::ffff:203.0.113.0/120", want: "203.0.113.0/24"},
		{name: "an entry that ends with a day", data: "203.0.113.7 # until 2027-01-31, ticket 7\n203.0.113.8 ; until further notice\n", want: "203.0.113.7/32 until 2027-02-01T00:00:00Z\n203.0.113.8/32"},
		{name: "an entry that ends at a moment", data: "203.0.113.7 # until 2027-01-31T18:00:00+02:00", want: "203.0.113.7/32 until 2027-01-31T16:00:00Z"},
		{name: "CSV with a head", data: "name,network,until\noffice,203.0.113.0/24,\nguest,198.51.100.7,2027-01-31\n", want: "203.0.113.0/24\n198.51.100.7/32 until 2027-02-01T00:00:00Z"},
		{name: "CSV without a head", data: "203.0.113.0/24,office\n198.51.100.7,guest\n", want: "203.0.113.0/24\n198.51.100.7/32"},
		{name: "CSV, the column by name", data: "from,to\n203.0.113.0/24,198.51.100.0/24\n", options: Options{Column: "TO"}, want: "198.51.100.0/24"},
		{name: "CSV, the column by number", data: "203.0.113.0/24,198.51.100.0/24\n", options: Options{Column: "2"}, want: "198.51.100.0/24"},
		{name: "CSV with semicolons and quotes", data: "who;where\n\"me; you\";203.0.113.7\n", want: "203.0.113.7/32"},
		{name: "TSV", data: "who\twhere\nme\t203.0.113.7\n", want: "203.0.113.7/32"},
		{name: "a JSON array", data: `["203.0.113.0/24", "2001:db8::/32"]`, want: "203.0.113.0/24\n2001:db8::/32"},
		{name: "JSON objects", data: `[{"address":"203.0.113.7","until":"2027-01-31","reason":"x"},{"cidr":"198.51.100.0/24"}]`, want: "203.0.113.7/32 until 2027-02-01T00:00:00Z\n198.51.100.0/24"},
		{name: "Cloudflare's API", data: `{"result":{"ipv4_cidrs":["203.0.113.0/24"],"ipv6_cidrs":["2001:db8::/32"],"etag":"38f79d050aa027e3be3865e495dcc9bc"},"success":true,"errors":[],"messages":[]}`, want: "203.0.113.0/24\n2001:db8::/32"},
		{name: "AWS", data: aws, want: "203.0.113.0/24\n198.51.100.0/24\n2001:db8::/32"},
		{name: "AWS, one service", data: aws, options: Options{Services: []string{"cloudfront"}}, want: "198.51.100.0/24\n2001:db8::/32"},
		{name: "AWS, one service in one region", data: aws, options: Options{Services: []string{"EC2", "CLOUDFRONT"}, Regions: []string{"eu-west-1"}}, want: "203.0.113.0/24"},
		{name: "Google", data: `{"syncToken":"1","creationTime":"2026-01-01T00:00:00","prefixes":[{"ipv4Prefix":"203.0.113.0/24","service":"Google Cloud","scope":"us-east1"},{"ipv6Prefix":"2001:db8::/32","service":"Google Cloud","scope":"europe-west1"}]}`,
			options: Options{Regions: []string{"europe-west1"}}, want: "2001:db8::/32"},
		{name: "Azure", data: azure, options: Options{Services: []string{"AzureFrontDoor.Backend"}}, want: "203.0.113.0/24\n2001:db8::/32"},
		{name: "Azure, by the system's service and region", data: azure, options: Options{Services: []string{"AzureStorage"}, Regions: []string{"westeurope"}}, want: "198.51.100.0/24"},
		{name: "Fastly", data: `{"addresses":["203.0.113.0/24"],"ipv6_addresses":["2001:db8::/32"]}`, want: "203.0.113.0/24\n2001:db8::/32"},
		{name: "GitHub", data: github, options: Options{Services: []string{"hooks"}}, want: "203.0.113.0/24"},
		{name: "GitHub, all of it", data: github, want: "203.0.113.0/24\n198.51.100.0/24"},
		{name: "Spamhaus DROP in JSON lines", data: "{\"cidr\":\"203.0.113.0/24\",\"sblid\":\"SBL1\",\"rir\":\"apnic\"}\n{\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL2\",\"rir\":\"arin\"}\n{\"type\":\"metadata\",\"timestamp\":1,\"size\":2,\"records\":2}\n", want: "203.0.113.0/24\n198.51.100.0/24"},
		{name: "MISP", data: `{"response":[{"Event":{"info":"x","Attribute":[{"type":"ip-dst","value":"203.0.113.7"},{"type":"ip-src|port","value":"198.51.100.7|443"},{"type":"domain","value":"bad.example"}]}}]}`, want: "203.0.113.7/32\n198.51.100.7/32"},
		{name: "STIX 2", data: `{"type":"bundle","objects":[{"type":"indicator","pattern":"[ipv4-addr:value = '203.0.113.7' OR ipv6-addr:value = '2001:db8::7']","valid_until":"2027-01-01T00:00:00Z"},{"type":"ipv4-addr","value":"198.51.100.7"},{"type":"indicator","pattern":"[domain-name:value = 'bad.example']"},{"type":"indicator","pattern":"[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 22]"}]}`,
			want: "203.0.113.7/32 until 2027-01-01T00:00:00Z\n2001:db8::7/128 until 2027-01-01T00:00:00Z\n198.51.100.7/32"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := Parse([]byte(row.data), row.options)
			if err != nil || texts(got) != row.want {
				t.Errorf("got\n%s\n%v, want\n%s", texts(got), err, row.want)
			}
		})
	}
}

const (
	aws = `{"syncToken":"1","createDate":"2026-01-01-00-00-00",
"prefixes":[{"ip_prefix":"203.0.113.0/24","region":"eu-west-1","service":"EC2","network_border_group":"eu-west-1"},
{"ip_prefix":"198.51.100.0/24","region":"GLOBAL","service":"CLOUDFRONT","network_border_group":"GLOBAL"}],
"ipv6_prefixes":[{"ipv6_prefix":"2001:db8::/32","region":"GLOBAL","service":"CLOUDFRONT","network_border_group":"GLOBAL"}]}`
	azure = `{"changeNumber":1,"cloud":"Public","values":[
{"name":"AzureFrontDoor.Backend","id":"AzureFrontDoor.Backend","properties":{"changeNumber":1,"region":"","regionId":0,"platform":"Azure","systemService":"AzureFrontDoor","addressPrefixes":["203.0.113.0/24","2001:db8::/32"],"networkFeatures":["NSG"]}},
{"name":"Storage.WestEurope","id":"Storage.WestEurope","properties":{"region":"westeurope","systemService":"AzureStorage","addressPrefixes":["198.51.100.0/24"],"networkFeatures":["NSG"]}}]}`
	github = `{"verifiable_password_authentication":false,"ssh_key_fingerprints":{"SHA256_RSA":"abc"},"ssh_keys":["ssh-ed25519 AAAA"],"hooks":["203.0.113.0/24"],"web":["198.51.100.0/24"],"domains":{"website":["*.github.example"]}}`
)

func TestBadLists(t *testing.T) {
	for _, row := range []struct {
		name, data, want string
		options          Options
	}{
		{name: "empty", data: "", want: "holds no address"},
		{name: "comments only", data: "# nothing\n\n", want: "holds no address"},
		{name: "a page", data: "<!DOCTYPE html><html>404</html>", want: "line 1: \"<!DOCTYPE html"},
		{name: "one bad line", data: "203.0.113.0/24\n203.0.113.0/33\n", want: "line 2: \"203.0.113.0/33\" is not"},
		{name: "a bad end", data: "203.0.113.7 # until 2027-02-30", want: "line 1: \"2027-02-30\" is neither a day"},
		{name: "last before first", data: "203.0.113.9-203.0.113.1", want: "no range from a first to a last"},
		{name: "first and last of two families", data: "203.0.113.9-2001:db8::", want: "no range from a first to a last"},
		{name: "a name", data: "example.com\n", want: "line 1: \"example.com\""},
		{name: "CSV, a bad row", data: "net,x\n203.0.113.0/24,1\nnone,2\n", want: "line 3: \"none\""},
		{name: "CSV, no such column", data: "net,x\n203.0.113.0/24,1\n", options: Options{Column: "cidr"}, want: "no column \"cidr\""},
		{name: "CSV, a short row", data: "x,net\n1,203.0.113.0/24\n2\n", want: "line 3: there is no address"},
		{name: "JSON cut off", data: aws[:len(aws)-40], want: "it ends in the middle"},
		{name: "JSON cut off behind a value", data: aws[:len(aws)-1], want: "it ends in the middle"},
		{name: "JSON with one bad entry", data: `["203.0.113.0/24","x"]`, want: "\"x\" is not"},
		{name: "JSON of something else", data: `["a","b"]`, want: "\"a\" is not"},
		{name: "JSON without addresses", data: `{"message":"rate limit exceeded"}`, want: "holds no address"},
		{name: "JSON, a bad address", data: `{"prefixes":[{"ip_prefix":"x"}]}`, want: "\"x\" is not"},
		{name: "no such service", data: aws, options: Options{Services: []string{"S3"}}, want: "none of its 3 addresses belongs to S3: it has"},
		{name: "services of what has none", data: "203.0.113.0/24", options: Options{Services: []string{"S3"}}, want: "is no JSON"},
		{name: "nested deeply", data: strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000), want: "nested deeper than 32"},
		{name: "no such form", data: "x", options: Options{Form: "xml"}, want: "no form \"xml\""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := Parse([]byte(row.data), row.options)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, %v; want the error %q", got, err, row.want)
			}
		})
	}
}

// A list that would need all memory is refused before it has it.
func TestListIsBounded(t *testing.T) {
	defer func(most int) { maxEntries = most }(maxEntries)
	maxEntries = 1000
	const all = "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" // 254 ranges
	for name, data := range map[string]string{
		"text": strings.Repeat(all+"\n", 10),
		"CSV":  strings.Repeat(all+",x\n", 10),
		"JSON": "[" + strings.Repeat("\""+all+"\",", 9) + "\"" + all + "\"]",
	} {
		if _, err := Parse([]byte(data), Options{}); err == nil || !strings.Contains(err.Error(), "more than 1000 ranges") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

// A range from a first to a last address is the addresses between them, and no others.
func TestFirstToLast(t *testing.T) {
	base := netip.MustParseAddr("203.0.113.0").As4()
	at := func(n int) netip.Addr { a := base; a[3] = byte(n); return netip.AddrFrom4(a) }
	for first := 0; first < 64; first += 3 {
		for last := first; last < 64; last++ {
			entries, err := Parse(fmt.Appendf(nil, "%s-%s", at(first), at(last)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for n := range 70 {
				inside := slices.ContainsFunc(entries, func(e Entry) bool { return e.Range.Contains(at(n)) })
				if inside != (first <= n && n <= last) {
					t.Fatalf("%s to %s: %s inside %v", at(first), at(last), at(n), inside)
				}
			}
		}
	}
}

// FuzzParse: nothing panics, and what is read is ranges with their host bits cleared.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{aws, azure, github, "203.0.113.0/24 ; x\n", "a,b\n1,203.0.113.7", "203.0.113.0-203.0.113.9", "[::1]:80", `[{"type":"indicator","pattern":"-addr:value '"}]`} {
		f.Add([]byte(seed), "", "x")
		f.Add([]byte(seed), "1", "")
	}
	f.Fuzz(func(t *testing.T, data []byte, column, service string) {
		o := Options{Column: column}
		if service != "" {
			o.Services = []string{service}
		}
		entries, err := Parse(data, o)
		if err == nil && len(entries) == 0 {
			t.Error("a list without an entry is taken")
		}
		for _, e := range entries {
			if err == nil && (!e.Range.IsValid() || e.Range.Masked() != e.Range) {
				t.Errorf("read %v", e.Range)
			}
		}
	})
}
