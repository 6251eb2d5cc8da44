package facts

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

const (
	prefix = "77aa 198.51.100.7 127.0.0.1 "
	get    = "GET /a?b=c HTTP/1.1\r\n"
)

// packing returns a Kong whose variable holds a value, and whose own answers are told from it.
func packing(value string, kongs ...detect.Header) *kongtest.Kong {
	return &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch {
		case string(c.Args) == string(callPacked.Args):
			return raw.String(value)
		case c.Method == callRequestLine.Method:
			return raw.String("GET /asked HTTP/1.1")
		case c.Method == callHeaders.Method:
			var reply []byte
			for _, h := range kongs {
				reply = raw.AppendBytes(reply, 1, string(raw.AppendBytes(raw.AppendBytes(nil, 1, h.Name), 2, string(raw.AppendBytes(nil, 3, h.Value)))))
			}
			return reply
		case c.Method == callClientIP.Method, c.Method == callPeerIP.Method:
			return raw.String("192.0.2.1")
		case c.Method == "kong.request.get_header":
			return raw.String("header asked")
		}
		return nil
	}}
}

// all is what the longest form of the variable holds.
const all = RequestLine | ClientIP | PeerIP | Headers

// TestPackedForms: whatever the variable holds, the facts are those of the request, and
// every form that leaves a doubt has Kong asked.
func TestPackedForms(t *testing.T) {
	asked := []detect.Header{{Name: "x-kong", Value: "1"}}
	for _, tc := range []struct {
		name, value, target string
		headers             []detect.Header
		calls               int
	}{
		{name: "a regular head", value: prefix + get + "Host: x\r\nA: 1\r\na: \xff\r\n\r\n", target: "/a?b=c", calls: 1,
			headers: []detect.Header{{Name: "Host", Value: "x"}, {Name: "A", Value: "1"}, {Name: "a", Value: "\xff"}}},
		{name: "IPv6 and a Unix socket", value: "77aa 2001:db8::1 unix: " + get + "\r\n", target: "/a?b=c", calls: 1, headers: []detect.Header{}},
		{name: "absolute form", value: prefix + "GET http://x/y HTTP/1.1\r\n\r\n", target: "/y", calls: 1, headers: []detect.Header{}},
		{name: "a blank behind a value", value: prefix + get + "A: 1\n\r\nB: <b>\r\n\r\n", target: "/a?b=c", calls: 2,
			headers: []detect.Header{asked[0], {Name: "A", Value: "1"}, {Name: "B", Value: "<b>"}}},
		{name: "a line without a colon", value: prefix + get + "A\r\nB\n <b>\r\n\r\n", target: "/a?b=c", calls: 2,
			headers: []detect.Header{asked[0], {Value: "A"}, {Value: "B"}, {Value: "<b>"}}},
		{name: "LF alone", value: prefix + "GET /a?b=c HTTP/1.1\nA: 1\n\n", target: "/a?b=c", calls: 2,
			headers: []detect.Header{asked[0], {Name: "A", Value: "1"}}},
		{name: "cut off at an empty line", value: prefix + get + "A: 1\n\r\n", target: "/a?b=c", calls: 2,
			headers: []detect.Header{asked[0], {Name: "A", Value: "1"}}},
		{name: "a control byte", value: prefix + get + "A: 1\x012\r\n\r\n", target: "/a?b=c", calls: 2,
			headers: []detect.Header{asked[0], {Name: "A", Value: "1\x012"}}},
		{name: "NUL", value: prefix + get + "A: 1\x002\r\n\r\n", target: "/a?b=c", calls: 2,
			headers: []detect.Header{asked[0], {Name: "A", Value: "1\x002"}}},
		{name: "what Kong has too counts once", value: prefix + get + "X-KONG: 1\nB: 2\r\n\r\n", target: "/a?b=c", calls: 2,
			headers: []detect.Header{asked[0], {Name: "B", Value: "2"}}},
		{name: "several blanks in the request line", value: prefix + "GET  /x   HTTP/1.1\r\n\r\n", target: "/x", calls: 2, headers: asked},
		{name: "the short form", value: prefix + "GET /a b?c=\xff HTTP/1.1", target: "/a b?c=\xff", calls: 2, headers: asked},
		{name: "HTTP/2", value: prefix + "GET /2 HTTP/2.0", target: "/2", calls: 2, headers: asked},
		{name: "none", value: "", target: "/asked", calls: 5, headers: asked},
		{name: "too short", value: "77aa 198.51.100.7", target: "/asked", calls: 5, headers: asked},
		{name: "no head", value: prefix, target: "/asked", calls: 5, headers: asked},
		{name: "somebody else's, which begins with the client's bytes", value: "GET /77aa HTTP/1.1 198.51.100.7 127.0.0.1", target: "/asked", calls: 5, headers: asked},
		{name: "the id is none", value: "7-7 198.51.100.7 127.0.0.1 " + get + "\r\n", target: "/asked", calls: 5, headers: asked},
		{name: "the address is none", value: "77aa 198.51.100.7,10.0.0.1 127.0.0.1 " + get + "\r\n", target: "/asked", calls: 5, headers: asked},
		{name: "the peer is none", value: "77aa 198.51.100.7  127.0.0.1 " + get + "\r\n", target: "/asked", calls: 5, headers: asked},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, state := range []uint32{packedUnknown, packedShort, packedLong} {
				kong := packing(tc.value, asked...)
				f, err := Read(raw.PDK(kong.PDK()), Need{Kinds: all}, knows(state), 0)
				require.NoError(t, err)
				require.Equal(t, tc.target, f.Request.Target)
				require.Equal(t, tc.headers, f.Request.Headers)
				require.Len(t, kong.Calls, tc.calls, "%v", kong.Calls)
				current, err := f.Current()
				require.NoError(t, err)
				require.Equal(t, asked, current, "an earlier plugin may have changed what was sent")
			}
		})
	}
}

// TestSpoofedPrefix: a client has its say behind the third blank only. What it sends there,
// in the method's place too, stays there.
func TestSpoofedPrefix(t *testing.T) {
	for _, sent := range []string{
		"ffff 203.0.113.1 203.0.113.1 GET / HTTP/1.1\r\n\r\n",
		"GET /x HTTP/1.1\r\nA: ffff 203.0.113.1 203.0.113.1 GET / HTTP/1.1\r\n\r\n",
		"\r\nffff 203.0.113.1 203.0.113.1 GET / HTTP/1.1\r\n\r\n",
	} {
		f, err := Read(raw.PDK(packing(prefix+sent).PDK()), Need{Kinds: all}, knows(packedLong), 0)
		require.NoError(t, err)
		require.Equal(t, []string{"77aa", "198.51.100.7", "127.0.0.1"}, []string{f.RequestID, f.ClientIP, f.PeerIP})
	}
}

// TestManyHeaders: the head has no cap, so of 1,200 headers the last is seen, and nothing
// says that one may be hidden. Asked for, they are capped, and the request says so.
func TestManyHeaders(t *testing.T) {
	var lines strings.Builder
	var kongs []detect.Header
	for i := range 1200 {
		fmt.Fprintf(&lines, "X-%d: v\r\n", i)
		if i < maxHeaders {
			kongs = append(kongs, detect.Header{Name: fmt.Sprintf("x-%d", i), Value: "v"})
		}
	}
	for _, tc := range []struct {
		name, value string
		truncated   bool
		headers     int
	}{
		{name: "regular", value: prefix + get + lines.String() + "Evil: <b>\r\n\r\n", headers: 1201},
		{name: "irregular", value: prefix + get + lines.String() + "Evil: <b>\n\r\n\r\n", headers: 1201, truncated: true},
		{name: "without the variable", headers: 1000, truncated: true},
	} {
		f, err := Read(raw.PDK(packing(tc.value, kongs...).PDK()), Need{Kinds: all}, knows(packedLong), 0)
		require.NoError(t, err)
		require.Len(t, f.Request.Headers, tc.headers, tc.name)
		require.Equal(t, tc.truncated, f.Request.HeadersTruncated, tc.name)
		if tc.headers > 1000 {
			require.Equal(t, "<b>", f.Request.Headers[1200].Value, tc.name)
		}
	}
}

// TestNeededHeader: a header that is counted by is the one that plugins before have left,
// not the one that the client sent.
func TestNeededHeader(t *testing.T) {
	for _, kinds := range []Kind{0, ClientIP, all} {
		f, err := Read(raw.PDK(packing(prefix+get+"X-Tenant: forged\r\n\r\n").PDK()), Need{Kinds: kinds, Header: "x-tenant"}, knows(packedLong), 0)
		require.NoError(t, err)
		require.Equal(t, "header asked", f.Header("x-tenant"))
	}
}

// TestRefusalKnowsItsClient: with the variable there, a refusal asks for nothing.
func TestRefusalKnowsItsClient(t *testing.T) {
	need := Need{Kinds: ClientIP}
	packed := knows(packedLong)
	kong := packing(prefix + get + "Accept: text/html\r\n\r\n")
	f, err := Read(raw.PDK(kong.PDK()), need, packed, 0)
	require.NoError(t, err)
	require.Empty(t, f.Request.Headers, "not read before it is needed")
	require.Equal(t, Client{RequestID: "77aa", Accept: "text/html", Proto: "HTTP/1.1", Target: "/a?b=c",
		Headers: []detect.Header{{Name: "Accept", Value: "text/html"}}}, f.Client())
	require.Len(t, kong.Calls, 1)
	require.Len(t, need.Calls(packed), 1)
	require.Empty(t, need.RefusalCalls(packed))
}

// TestPackedLearns: what is foreseen follows what comes, but not at the first exception, and
// a variable that was not there is looked for again.
func TestPackedLearns(t *testing.T) {
	need := Need{Kinds: all}
	packed := &Packed{}
	event := func(value string) {
		_, err := Read(raw.PDK(packing(value).PDK()), need, packed, 0)
		require.NoError(t, err)
	}
	const long, short = prefix + get + "\r\n", prefix + "GET / HTTP/2.0"
	require.Len(t, need.Calls(packed), 5, "not known: the variable and all the rest")
	event("")
	require.Len(t, need.Calls(packed), 4, "it is not there")
	for range retried {
		event(long)
	}
	require.Len(t, need.Calls(packed), 5, "is it there by now?")
	event(long)
	require.Len(t, need.Calls(packed), 1)
	for range 3 * settled { // one HTTP/2 request among others
		event(short)
		event("")
		event(long)
	}
	require.Len(t, need.Calls(packed), 1)
	for range settled {
		event(short)
	}
	require.Len(t, need.Calls(packed), 2, "HTTP/2 only: headers go with it")
	for range settled {
		event("")
	}
	require.Len(t, need.Calls(packed), 4, "Kong was reloaded without the line")
}

// TestRecordedHeads reads the variable as a Kong 3.9.1 filled it for 35 requests.
func TestRecordedHeads(t *testing.T) {
	irregular := 0
	for _, row := range recordedHeads(t) {
		for _, a := range row.Answers {
			value, err := base64.StdEncoding.DecodeString(a.Variable)
			require.NoError(t, err)
			if a.Status != 200 || len(value) == 0 {
				continue
			}
			kong := packing(string(value), detect.Header{Name: "x-evil", Value: "<script>"})
			f, err := Read(raw.PDK(kong.PDK()), Need{Kinds: all}, knows(packedLong), 0)
			require.NoError(t, err)
			require.Len(t, f.RequestID, 32, row.Name)
			require.True(t, f.Request.ClientIP.IsValid(), row.Name)
			require.True(t, strings.HasPrefix(f.Request.Target, "/"), row.Name)
			if !f.AsSent() {
				irregular++
				require.True(t, kong.Called(callHeaders.Method), row.Name)
			}
			if strings.Contains(string(value), "X-Evil") {
				evil, _ := f.Request.Header("x-evil")
				require.Equal(t, "<script>", evil, row.Name)
			}
		}
	}
	require.Equal(t, 10, irregular)
}
