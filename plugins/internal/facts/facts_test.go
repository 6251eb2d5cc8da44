package facts

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kongwaf/detect"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// event is one recorded event of a running Kong 3.9.1.
type event struct {
	Scenario string
	Phase    string
	Calls    []struct{ Method, Args, Reply string }
}

// recorded returns the recorded access events, and a Kong that answers as that one did.
func recorded(t *testing.T) map[string]*kongtest.Kong {
	t.Helper()
	kongs := map[string]*kongtest.Kong{}
	for _, name := range []string{"kong-3.9.1.jsonl", "kong-3.9.1-h2.jsonl"} {
		file, err := os.Open(filepath.Join("..", "..", "..", "kong", "gateway", "testdata", name))
		require.NoError(t, err)
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e event
			require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
			if e.Phase != "access" {
				continue
			}
			replies := map[string][]byte{}
			for _, c := range e.Calls {
				args, _ := base64.StdEncoding.DecodeString(c.Args)
				reply, _ := base64.StdEncoding.DecodeString(c.Reply)
				replies[c.Method+" "+string(args)] = reply
			}
			kongs[e.Scenario] = &kongtest.Kong{Answer: func(c wire.Call) []byte {
				reply, ok := replies[c.Method+" "+string(c.Args)]
				if !ok {
					t.Errorf("%s: the recorded Kong was not asked %s %q", e.Scenario, c.Method, c.Args)
				}
				return reply
			}}
		}
		require.NoError(t, lines.Err())
		require.NoError(t, file.Close())
	}
	require.Greater(t, len(kongs), 12, "scenarios")
	return kongs
}

// absent knows that Kong has no packed variable, as the recorded one.
func absent() *Packed { return knows(packedAbsent) }

func knows(state uint32) *Packed {
	p := &Packed{}
	p.state.Store(state)
	return p
}

// recordedHead is what a Kong 3.9.1 got, and what its variable held.
type recordedHead struct {
	Name    string
	Answers []struct {
		Status   int
		Variable string // base64
	}
}

func recordedHeads(t *testing.T) []recordedHead {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "kong", "gateway", "testdata", "raw-head-3.9.1.jsonl"))
	require.NoError(t, err)
	defer file.Close()
	var rows []recordedHead
	for dec := json.NewDecoder(file); dec.More(); {
		var row recordedHead
		require.NoError(t, dec.Decode(&row))
		rows = append(rows, row)
	}
	require.Len(t, rows, 35)
	return rows
}

const everything = RequestLine | Headers | ClientIP | PeerIP | Consumer | Credential | Path | Service

// TestReadRecorded reads every recorded event and compares the headers with what protobuf's
// own decoder says, where it says anything.
func TestReadRecorded(t *testing.T) {
	for scenario, kong := range recorded(t) {
		if scenario == "exit" || scenario == "unknown-method" {
			continue
		}
		t.Run(scenario, func(t *testing.T) {
			f, err := Read(raw.PDK(kong.PDK()), Need{Kinds: everything}, absent(), 0)
			require.NoError(t, err)
			require.NotEmpty(t, f.Request.Method)
			require.True(t, strings.HasPrefix(f.Request.Target, "/"), f.Request.Target)
			require.True(t, strings.HasPrefix(f.Request.Proto, "HTTP/"), f.Request.Proto)
			require.True(t, f.Request.ClientIP.IsValid())
			require.NotEmpty(t, f.Path)
			require.Len(t, f.ServiceID, 36)

			reply := kong.Answer(callHeaders)
			var slow structpb.Struct
			if proto.Unmarshal(reply, &slow) == nil {
				require.Equal(t, slowHeaders(&slow), sorted(f.Request.Headers))
			}
		})
	}
}

// slowHeaders is the obvious twin of parseHeaders, for valid UTF-8 only.
func slowHeaders(s *structpb.Struct) []string {
	var lines []string
	for name, value := range s.AsMap() {
		switch v := value.(type) {
		case string:
			lines = append(lines, name+": "+v)
		case []any:
			for _, one := range v {
				if text, ok := one.(string); ok { // a header is nothing else
					lines = append(lines, name+": "+text)
				}
			}
		}
	}
	sort.Strings(lines)
	return lines
}

func sorted(headers []detect.Header) []string {
	var lines []string
	for _, h := range headers {
		lines = append(lines, h.Name+": "+h.Value)
	}
	sort.Strings(lines)
	return lines
}

// TestOneBadByteHidesNothing: go-pdk's own getter loses every header of this request.
func TestOneBadByteHidesNothing(t *testing.T) {
	kong := recorded(t)["raw-bytes"]
	_, err := kong.PDK().Request.GetHeaders(1000)
	require.Error(t, err, "go-pdk reads this now: raw may go")

	f, err := Read(raw.PDK(kong.PDK()), Need{Kinds: Headers | RequestLine}, absent(), 0)
	require.NoError(t, err)
	bin, ok := f.Request.Header("x-bin")
	require.True(t, ok)
	require.Equal(t, "\xff\xfe", bin)
	host, _ := f.Request.Header("host")
	require.Equal(t, "x", host)
}

func TestSplitRequestLine(t *testing.T) {
	for _, tc := range []struct {
		name, line, method, target, proto string
	}{
		{name: "plain", line: "GET /a?b=c HTTP/1.1", method: "GET", target: "/a?b=c", proto: "HTTP/1.1"},
		{name: "HTTP/2", line: "POST /b/x?z=%ff HTTP/2.0", method: "POST", target: "/b/x?z=%ff", proto: "HTTP/2.0"},
		{name: "absolute form", line: "GET http://host:80/a?b HTTP/1.1", method: "GET", target: "/a?b", proto: "HTTP/1.1"},
		{name: "absolute form without path", line: "GET http://host?b=' HTTP/1.1", method: "GET", target: "/?b='", proto: "HTTP/1.1"},
		{name: "a URL in the query is no absolute form", line: "GET /r?u=http://x/y HTTP/1.1", method: "GET", target: "/r?u=http://x/y", proto: "HTTP/1.1"},
		{name: "space in the target", line: "GET /a b?c=d e HTTP/1.1", method: "GET", target: "/a b?c=d e", proto: "HTTP/1.1"},
		{name: "raw bytes", line: "GET /\xff\xfe HTTP/1.1", method: "GET", target: "/\xff\xfe", proto: "HTTP/1.1"},
		{name: "no version", line: "GET /a", method: "GET", target: "/a"},
		{name: "asterisk form", line: "OPTIONS * HTTP/1.1", method: "OPTIONS", target: "*", proto: "HTTP/1.1"},
		{name: "several blanks", line: "GET   /a?b   HTTP/1.1 ", method: "GET", target: "/a?b", proto: "HTTP/1.1"},
		{name: "empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			method, target, proto := splitRequestLine(tc.line)
			require.Equal(t, []string{tc.method, tc.target, tc.proto}, []string{method, target, proto})
		})
	}
}

// TestPaddingIsReported: Kong returns at most 1,000 headers, so an attacker sends 1,000 and
// hides the next. The request says so.
func TestPaddingIsReported(t *testing.T) {
	for _, tc := range []struct {
		headers   int
		truncated bool
	}{{headers: 999}, {headers: 1000, truncated: true}} {
		var reply []byte
		for i := range tc.headers {
			reply = raw.AppendBytes(reply, 1, string(raw.AppendBytes(
				raw.AppendBytes(nil, 1, fmt.Sprintf("x-%d", i)), 2, string(raw.AppendBytes(nil, 3, "v")))))
		}
		kong := &kongtest.Kong{Answer: func(wire.Call) []byte { return reply }}
		f, err := Read(raw.PDK(kong.PDK()), Need{Kinds: Headers}, absent(), 0)
		require.NoError(t, err)
		require.Len(t, f.Request.Headers, tc.headers)
		require.Equal(t, tc.truncated, f.Request.HeadersTruncated)
	}
}

// request returns a Kong with a request of the given line, headers and body reply.
func request(line string, headers map[string]string, body []byte) *kongtest.Kong {
	return &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch c.Method {
		case callRequestLine.Method:
			return raw.String(line)
		case callHeaders.Method:
			var reply []byte
			for name, value := range headers {
				reply = raw.AppendBytes(reply, 1, string(raw.AppendBytes(
					raw.AppendBytes(nil, 1, name), 2, string(raw.AppendBytes(nil, 3, value)))))
			}
			return reply
		case callBody.Method:
			return body
		}
		return nil
	}}
}

func TestBodyIsAskedForOnlyWhereItCanBe(t *testing.T) {
	body := raw.AppendBytes(nil, 1, "hello")
	for _, tc := range []struct {
		name, line string
		headers    map[string]string
		asked      bool
	}{
		{name: "HTTP/1.1 without either header", line: "GET / HTTP/1.1"},
		{name: "HTTP/1.1 of length 0", line: "POST / HTTP/1.1", headers: map[string]string{"content-length": "0"}},
		{name: "HTTP/1.1 with a length", line: "GET / HTTP/1.1", headers: map[string]string{"content-length": "5"}, asked: true},
		{name: "HTTP/1.1 chunked", line: "POST / HTTP/1.1", headers: map[string]string{"transfer-encoding": "chunked"}, asked: true},
		{name: "HTTP/2 needs no header", line: "POST / HTTP/2.0", asked: true},
		{name: "unknown version", line: "POST /", asked: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kong := request(tc.line, tc.headers, body)
			f, err := Read(raw.PDK(kong.PDK()), Need{Kinds: Body}, absent(), 0)
			require.NoError(t, err)
			require.Equal(t, tc.asked, kong.Called(callBody.Method))
			if tc.asked {
				require.Equal(t, "hello", string(f.Request.Body))
			}
		})
	}
}

func TestBodyFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0000000001")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("a", 10000)), 0o600))
	headers := map[string]string{"content-length": "10000"}
	for _, tc := range []struct {
		name      string
		path      string
		max, want int
		truncated bool
		fails     bool
	}{
		{name: "whole", path: path, max: 20000, want: 10000},
		{name: "just fits", path: path, max: 10000, want: 10000},
		{name: "cut off", path: path, max: 9999, want: 9999, truncated: true},
		{name: "in another container", path: path + "x", max: 10000, fails: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kong := request("POST / HTTP/1.1", headers, raw.AppendBytes(nil, 2, tc.path))
			f, err := Read(raw.PDK(kong.PDK()), Need{Kinds: Body}, absent(), tc.max)
			require.NoError(t, err)
			require.Len(t, f.Request.Body, tc.want)
			require.Equal(t, tc.truncated, f.Request.BodyTruncated)
			require.Equal(t, tc.fails, f.BodyErr != nil, "%v", f.BodyErr)
		})
	}
}

// TestMalformedReplyIsAnError: a reply that cannot be read must not look like no headers.
func TestMalformedReplyIsAnError(t *testing.T) {
	kong := &kongtest.Kong{Answer: func(wire.Call) []byte { return []byte{0x0a, 0x02, 0x0a, 0x7f} }}
	_, err := Read(raw.PDK(kong.PDK()), Need{Kinds: Headers}, absent(), 0)
	require.ErrorContains(t, err, "malformed")
}

func TestNeedUnion(t *testing.T) {
	a := Need{Header: "x-a"}
	require.Equal(t, Need{Header: "x-a"}, a.With(Need{}))
	require.Equal(t, Need{Header: "x-a"}, a.With(Need{Header: "x-a"}))
	require.Equal(t, Need{Header: "x-a", Kinds: Headers}, a.With(Need{Header: "x-b"}), "two headers: ask for all")
	require.Len(t, Need{Header: "x-a", Kinds: Headers}.Calls(absent()), 1)
	require.Len(t, Need{Kinds: Body}.Calls(absent()), 2, "a body needs the request line and the headers")
}

func FuzzParseHeaders(f *testing.F) {
	f.Add(raw.Headers(map[string][]string{"a": {"b"}, "c": {"d", "e"}}))
	f.Add([]byte{0x0a, 0x02, 0x0a, 0x7f})
	f.Add([]byte("\n\f2\x010\x12\a2\x05\n\x03B\x010")) // a list with something else than a string
	f.Fuzz(func(t *testing.T, reply []byte) {
		headers, _, ok := parseHeaders(string(reply))
		var slow structpb.Struct
		if proto.Unmarshal(reply, &slow) != nil || !ok {
			return
		}
		seen := map[string]bool{}
		for _, h := range headers {
			seen[h.Name+": "+h.Value] = true
		}
		for _, line := range slowHeaders(&slow) {
			if !seen[line] {
				t.Errorf("protobuf's own decoder sees %q, parseHeaders does not", line)
			}
		}
	})
}
