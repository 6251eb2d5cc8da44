package gateway

import (
	"bufio"
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, in, want string }{
		{name: "Kong's own example", in: "/t/Abc%20123%C3%B8%2f/parent/..//test/./", want: "/t/Abc 123ø%2F/test/"},
		{name: "reserved stays encoded, in capitals", in: "/%2f%3f%25", want: "/%2F%3F%25"},
		{name: "encoded dots count as dots", in: "/a/%2e%2e/b", want: "/b"},
		{name: "slashes merge", in: "//a///b", want: "/a/b"},
		{name: "broken escapes stay", in: "/%zz%4", want: "/%zz%4"},
		{name: "dots in names stay", in: "/a.b/..c", want: "/a.b/..c"},
		{name: "above the root", in: "/../a", want: "/a"},
		{name: "raw bytes stay", in: "/\xff%ff", want: "/\xff\xff"},
		{name: "last dots", in: "/a/b/..", want: "/a/"},
		{name: "nothing", in: "", want: ""},
	} {
		t.Run(row.name, func(t *testing.T) { require.Equal(t, row.want, normalize(row.in)) })
	}
	require.Equal(t, "/a%20b%FF/%2F?", escape("/a b\xff/%2F?"))
}

func TestArguments(t *testing.T) {
	t.Parallel()
	got := arguments("q=1&q=2&e=&f&&=x&a+b=%41+c&z=%zz", 7)
	require.Equal(t, []argument{
		{name: "q", value: "1"}, {name: "q", value: "2"}, {name: "e"}, {name: "f", bare: true},
		{name: "a b", value: "A c"}, {name: "z", value: "%zz"},
	}, got)
	require.Len(t, arguments(strings.Repeat("a=1&", 200), 100), 100)
}

func TestErrorType(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ accept, want string }{ // as recorded
		{accept: "application/json", want: typeJSON},
		{accept: "text/html", want: typeHTML},
		{accept: "application/xml", want: typeXML},
		{accept: "text/xml", want: typeJSON},
		{accept: "text/plain", want: typePlain},
		{accept: "image/png", want: typeJSON},
		{accept: "*/*", want: typeJSON},
		{accept: "text/html;q=0.5,application/json", want: typeJSON},
		{accept: "application/vnd.api+json", want: typeJSON},
		{accept: "text/*", want: typePlain},
		{accept: "garbage", want: typeJSON},
		{accept: "", want: typeJSON},
		{accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", want: typeHTML},
	} {
		t.Run(row.accept, func(t *testing.T) { require.Equal(t, row.want, errorType(row.accept)) })
	}
}

func TestRealIP(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, row := range []struct {
		name, peer, header string
		lines              []string
		recursive          bool
		want               string
	}{
		{name: "a stranger's header is not believed", peer: "192.0.2.1:99", header: "X-Forwarded-For", lines: []string{"203.0.113.9"}, want: "192.0.2.1:99"},
		{name: "a trusted one's is; the port is unknown", peer: "10.0.0.1:99", header: "X-Forwarded-For", lines: []string{"203.0.113.9"}, want: "203.0.113.9:0"},
		{name: "the last address counts, a forged first does not", peer: "10.0.0.1:99", header: "X-Forwarded-For", lines: []string{"1.1.1.1, 203.0.113.9"}, want: "203.0.113.9:0"},
		{name: "over several lines", peer: "10.0.0.1:99", header: "X-Forwarded-For", lines: []string{"1.1.1.1", "203.0.113.9"}, want: "203.0.113.9:0"},
		{name: "recursive skips trusted ones", peer: "10.0.0.1:99", header: "X-Forwarded-For", lines: []string{"1.1.1.1, 203.0.113.9, 10.2.3.4,10.9.9.9"}, recursive: true, want: "203.0.113.9:0"},
		{name: "all trusted: the first", peer: "10.0.0.1:99", header: "X-Forwarded-For", lines: []string{"10.2.3.4,10.9.9.9"}, recursive: true, want: "10.2.3.4:0"},
		{name: "rubbish stops the search", peer: "10.0.0.1:99", header: "X-Forwarded-For", lines: []string{"203.0.113.9, rubbish, 10.2.3.4"}, recursive: true, want: "10.2.3.4:0"},
		{name: "rubbish alone is nobody", peer: "10.0.0.1:99", header: "X-Forwarded-For", lines: []string{"rubbish"}, want: "10.0.0.1:99"},
		{name: "with a port", peer: "10.0.0.1:99", header: "X-Real-IP", lines: []string{"203.0.113.9:4711"}, want: "203.0.113.9:4711"},
		{name: "IPv6", peer: "[2001:db8::1]:99", header: "CF-Connecting-IP", lines: []string{"2001:DB9::5"}, want: "[2001:db9::5]:0"},
		{name: "4-in-6 stays, as in nginx", peer: "10.0.0.1:99", header: "X-Real-IP", lines: []string{"::ffff:198.51.100.7"}, want: "[::ffff:198.51.100.7]:0"},
		{name: "no header", peer: "10.0.0.1:99", header: "X-Real-IP", want: "10.0.0.1:99"},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := &Gateway{opts: Options{TrustedIPs: trusted, RealIPHeader: row.header, RealIPRecursive: row.recursive}}
			req := &request{peer: netip.MustParseAddrPort(row.peer)}
			for _, l := range row.lines {
				req.headers.add(row.header, l)
			}
			addr, port := g.realIP(req)
			require.Equal(t, row.want, netip.AddrPortFrom(addr, port).String())
		})
	}
}

func TestFieldsSet(t *testing.T) {
	t.Parallel()
	h := fields{{"A", "1"}, {"X-User", "root"}, {"B", "2"}, {"x-user", "admin"}}
	h.set("X-USER", "bob")
	require.Equal(t, fields{{"A", "1"}, {"X-USER", "bob"}, {"B", "2"}}, h, "in the first one's place, the others gone")
	h.set("C", "3", "4")
	h.set("A")
	require.Equal(t, fields{{"X-USER", "bob"}, {"B", "2"}, {"C", "3"}, {"C", "4"}}, h)
}

// FuzzReadRequest shows that no bytes make the reader panic, and that what it accepts has
// one reading: a target, at most one length, no control characters where they could split
// a message.
func FuzzReadRequest(f *testing.F) {
	f.Add([]byte("GET /a?b=%ff HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n"))                                   // raw bytes
	f.Add([]byte("POST http://h/ HTTP/1.0\nContent-Length: 2\n\nab"))                                      // absolute form, bare line feeds
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n")) // chunks
	f.Add([]byte("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"))   // smuggling
	f.Fuzz(func(t *testing.T, data []byte) {
		br := bufio.NewReader(bytes.NewReader(data))
		req, err := readRequest(br)
		if err != nil {
			return
		}
		if !strings.HasPrefix(req.target, "/") || strings.ContainsAny(req.target, " \r\n\x00") {
			t.Errorf("target %q", req.target)
		}
		if len(req.headers.values("Content-Length"))+len(req.headers.values("Transfer-Encoding")) > 1 {
			t.Error("two ways to tell the body's length")
		}
		for _, h := range req.headers {
			if strings.ContainsAny(h.name+h.value, "\r\n\x00") {
				t.Errorf("header %q: %q", h.name, h.value)
			}
		}
		b := &body{limit: 1 << 20, dir: t.TempDir()}
		b.src, b.declared = requestBody(br, req.headers)
		if b.load() == nil && b.size > int64(len(data)) {
			t.Errorf("%d bytes of body out of %d", b.size, len(data))
		}
		normalize(req.path())
	})
}

// FuzzNormalize shows that the normal form has no dot segments left to climb with.
func FuzzNormalize(f *testing.F) {
	f.Add("/a/%2e%2e/../b//c") // encoded and plain
	f.Fuzz(func(t *testing.T, path string) {
		got := "/" + strings.TrimPrefix(normalize("/"+path), "/")
		if strings.Contains(got+"/", "/../") || strings.Contains(got, "//") {
			t.Errorf("%q became %q", path, got)
		}
		if bytes.ContainsAny([]byte(escape(got)), " \r\n\x00") {
			t.Errorf("%q escapes to %q", got, escape(got))
		}
	})
}
