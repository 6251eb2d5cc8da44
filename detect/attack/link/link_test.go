package link

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

var language = languagetest.Language{Class: detect.ClassSSRF, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

// FuzzOrdinaryHost holds that no host is passed over of which host knows something.
func FuzzOrdinaryHost(f *testing.F) {
	for _, s := range []string{"www.example.com/a", "localhost", "a.localhost", "LOCALHOST.", "a.svc", "a.svc.cluster.local", "metadata", "metadata.google.internal?", "127.0.0.1.nip.io", "cafe.0x7f", "abc", "a.1u.ms/", "0x7f.1"} {
		f.Add(s)
	}
	for _, r := range rows {
		for _, text := range []string{r.Attack, r.Twin} {
			if _, after, ok := strings.Cut(text, "//"); ok {
				f.Add(after)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := ordinaryHost(text, 0)
		if end == 0 {
			return
		}
		if r, disguised := host(text[:end]); r != outside || disguised {
			t.Errorf("%q is not ordinary: %v, %v", text[:end], r, disguised)
		}
	})
}

// FuzzInclude compares the extensions that include looks up with trying one after the other.
func FuzzInclude(f *testing.F) {
	for _, s := range []string{"http://a/x.txt?", "http://a/x.phtml?", ".php?", "x.gif?", "http://a/x.jpg", "http://a/x.PHP", "x.cmd\x00?", "a.php.b", "php"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		base, q := text, strings.IndexByte(text, '?')
		if q >= 0 {
			base = text[:q]
		}
		base = strings.TrimRight(base, "\x00")
		for _, name := range []string{"q", "page"} {
			want := false
			for _, ext := range []string{".txt", ".php", ".inc", ".gif", ".jpg", ".phtml", ".cmd", ".dat"} {
				if len(base) > len(ext) && words.HasPrefix(base[len(base)-len(ext):], ext) {
					want = name == "page" && (ext != ".gif" && ext != ".jpg" || q == len(text)-1) || ext != ".gif" && ext != ".jpg" && q == len(text)-1
				}
			}
			v := value.Of(text, detect.SourceQuery, name)
			if got := include(&v); got != want {
				t.Errorf("%q in %q: %v, want %v", text, name, got, want)
			}
		}
	})
}

// Own is of the request's own host only, and never of what nobody but an attacker calls his own.
func TestOwn(t *testing.T) {
	for _, row := range []struct {
		text, host string
		want       bool
	}{
		{text: "http://10.0.0.5/admin/users", host: "10.0.0.5", want: true},
		{text: "http://localhost:3000/a", host: "localhost:3000", want: true},
		{text: "http://localhost:3000/a", host: "LOCALHOST:8000", want: true},
		{text: "http://shop.default.svc/a", host: "shop.default.svc", want: true},
		{text: "http://a.127.0.0.1.nip.io/", host: "a.127.0.0.1.nip.io", want: true},
		{text: "http://[::1]:8080/a", host: "[::1]:8080", want: true},
		{text: "http://localhost:3000/a", host: "example.com"},
		{text: "http://localhost:3000/a", host: ""},
		{text: "http://localhost/admin", host: "localhost"},
		{text: "http://localhost:6379/", host: "localhost:6379"},
		{text: "http://2130706433/", host: "2130706433"},
		{text: "http://169.254.169.254/latest", host: "169.254.169.254"},
		{text: "http://[fd00:ec2::254]/", host: "[fd00:ec2::254]"},
		{text: "http://metadata.google.internal/", host: "metadata.google.internal"},
		{text: "http://169.254.169.254.nip.io/", host: "169.254.169.254.nip.io"},
		{text: "gopher://localhost/a", host: "localhost"},
		{text: "http://a.example@localhost/", host: "localhost"},
	} {
		m := language.Match(row.text)
		if m.Confidence == 0 {
			t.Errorf("%q: nothing is seen", row.text)
		}
		if got := Own(row.text, m, row.host); got != row.want {
			t.Errorf("%q with Host %q: %v, want %v (%+v)", row.text, row.host, got, row.want, m)
		}
	}
}

// FuzzIPv6 compares with the standard library what its addresses are.
func FuzzIPv6(f *testing.F) {
	for _, s := range []string{"::1", "::", "1::8", "1:2:3:4:5:6:7:8", "::ffff:127.0.0.1", "1:2:3:4:5:6:1.2.3.4", "64:ff9b::a9fe:a9fe", "fe80::1", "1::2::3", "12345::", ":1", "1:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ip, err := netip.ParseAddr(s)
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return // leniency is no harm
		}
		b := ip.As16()
		high, low, ok := groups(s)
		if !ok || high != binary.BigEndian.Uint64(b[:8]) || low != binary.BigEndian.Uint64(b[8:]) {
			t.Errorf("%q: %x %x %v, want %x", s, high, low, ok, b)
		}
	})
}

var rows = []languagetest.Row{
	{Shows: "the own machine as the whole value", Attack: "http://127.0.0.1:8080/x", Twin: "https://www.example.com:8080/x"},
	{Shows: "a program's own address to come back to", Name: "redirect_uri", Attack: "http://127.0.0.1:6379/", Twin: "http://127.0.0.1:49152/callback", Suspicious: true},
	{Shows: "a name of a cluster", Attack: "http://kubernetes.default.svc/api", Twin: "http://kubernetes.example/api"},
	{Shows: "a host cut by NUL", Attack: "http://127.0.0.1%00.example.com/", Twin: "http://example.com/%00"},
	{Shows: "no scheme", Attack: "//169.254.169.254/latest", Twin: "//192.0.2.7/latest"},
	{Shows: "no scheme, the own machine", Attack: "//127.0.0.1:6379/", Twin: "//localhost/start"},
	{Shows: "no slashes", Attack: "http:169.254.169.254/latest", Twin: "http:80 and https:443"},
	{Shows: "two user parts", Attack: "http://a@127.0.0.1:80@host.example/", Twin: "http://me@example.com:secret@host.example/", Suspicious: true},
	{Shows: "metadata translated to IPv6", Attack: "http://[64:ff9b::a9fe:a9fe]/", Twin: "http://[2001:db8::a9fe:a9fe]/"},
	{Shows: "all groups written out", Attack: "http://[0000:0000:0000:0000:0000:0000:0000:0001]:22/", Twin: "http://[2001:0db8:0000:0000:0000:0000:0000:0001]:22/"},
	{Shows: "nothing fetches a sentence", Attack: "url=http://169.254.169.254/", Twin: "Our servers ask http://169.254.169.254 for their names", Suspicious: true},
	{Shows: "nor what begins with an address", Attack: "http://169.254.169.254/ x", Twin: "http://169.254.169.254/ is where they ask", Suspicious: true},
	{Shows: "a page's connection in a report", Attack: "ws://169.254.169.254/", Twin: "wss://127.0.0.1:5901", Suspicious: true},
	{Shows: "an issuer in development", Name: "issuer", Attack: "http://127.0.0.1:6379/", Twin: "http://localhost:9000/realms/a", Suspicious: true},
	{Shows: "where to call back in development", Name: "callback", Attack: "http://[::1]:25/", Twin: "http://localhost:8001/done", Suspicious: true},
	{Shows: "an image with an empty query", Attack: "http://x.example/a.gif?", Twin: "http://x.example/a.gif", Name: "page"},
	{Shows: "a pixel", Attack: "http://x.example/a.txt?", Twin: "http://x.example/a.gif?", Name: "cb"},
	{Shows: "metadata service", Attack: "http://169.254.169.254/latest/meta-data/", Twin: "http://198.51.100.4/latest/"},
	{Shows: "metadata by number", Attack: "http://2852039166/", Twin: "http://example.com/2852039166"},
	{Shows: "metadata in hexadecimal", Attack: "http://0xa9fea9fe/", Twin: "http://example.com/0xa9fea9fe"},
	{Shows: "metadata mapped into IPv6", Attack: "http://[::ffff:169.254.169.254]/", Twin: "http://[2001:db8::1]/"},
	{Shows: "metadata by name", Attack: "http://metadata.google.internal/computeMetadata/v1/", Twin: "https://metadata.example.com/v1/"},
	{Shows: "another cloud's metadata", Attack: "http://100.100.100.200/latest/", Twin: "http://100.99.100.200/x", Suspicious: true},
	{Shows: "loopback by number", Attack: "http://2130706433/", Twin: "2130706433"},
	{Shows: "loopback in octal", Attack: "http://0177.0.0.1/", Twin: "0177.0.0.1"},
	{Shows: "loopback in hexadecimal", Attack: "http://0x7f000001/", Twin: "0x7f000001"},
	{Shows: "loopback cut short", Attack: "http://127.1/", Twin: "version: 127.1"},
	{Shows: "zero", Attack: "http://0/", Twin: "a:0"},
	{Shows: "IPv6 loopback at a service", Attack: "http://[::1]:22/", Twin: "[::1]"},
	{Shows: "loopback at a service's port", Attack: "http://127.0.0.1:6379/", Twin: "http://localhost:3000/callback", Name: "redirect_uri", Suspicious: true},
	{Shows: "loopback's administration", Attack: "http://localhost/admin", Twin: "http://localhost:8080", Suspicious: true},
	{Shows: "origin in development", Attack: "http://169.254.169.254", Twin: "http://localhost:9000", Source: detect.SourceHeader, Name: "Origin", Suspicious: true},
	{Shows: "name that embeds an address", Attack: "http://127.0.0.1.nip.io/", Twin: "http://www.nip.example/"},
	{Shows: "user part that looks like a host", Attack: "http://good.example@evil.example/", Twin: "http://user:secret@host.example/"},
	{Shows: "two hosts by a blank", Attack: "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/", Twin: "http://1.1.1.1 & me@example.com"},
	{Shows: "two hosts by a backslash", Attack: "http://good.example\\@evil.example/", Twin: "http://good.example/a@b"},
	{Shows: "gopher", Attack: "gopher://127.0.0.1:6379/_INFO", Twin: "the gopher: an animal"},
	{Shows: "dict", Attack: "dict://127.0.0.1:11211/stats", Twin: "dict: a dictionary"},
	{Shows: "nested scheme", Attack: "jar:http://x.example!/a", Twin: "jar: of jam"},
	{Shows: "directory service", Attack: "ldap://192.0.2.1/a", Twin: "ldap: what is it"},
	{Shows: "netdoc", Attack: "netdoc:///etc/passwd", Twin: "netdoc"},
	{Shows: "remote script to include", Attack: "http://x.example/shell.txt?", Twin: "http://x.example/readme.txt", Name: "page", Suspicious: true},
	{Shows: "redirect by three slashes", Attack: "///evil.example/%2f..", Twin: "//cdn.example.com/lib.js"},
	{Shows: "redirect by a backslash", Attack: "/\\evil.example", Twin: "/evil.example"},
	{Shows: "redirect by mixed slashes", Attack: "\\/\\/evil.example/", Twin: "and\\/or"},
	{Shows: "referring page", Attack: "http://169.254.169.254/", Twin: "https://www.example.com/search?q=http://localhost", Source: detect.SourceHeader, Name: "Referer", Suspicious: true},
	{Shows: "tracking", Attack: "http://[::]:80/", Twin: "https://t.example/p?u=https%3A%2F%2Fwww.example.com%2F&r=https://a.example/b?c=d"},
	{Shows: "address in a log line", Attack: "http://169.254.169.254", Twin: "GET / from 10.0.0.5 took 12 ms, next hop 192.168.0.1:443"},
}
