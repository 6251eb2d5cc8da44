package gateway

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/kong/declarative"
)

// recordedEvent is a line of a recording of Kong 3.9.1.
type recordedEvent struct {
	Event    string         `json:"event"`
	Phase    string         `json:"phase"`
	Scenario string         `json:"scenario"`
	Calls    []recordedCall `json:"calls"`
}

type recordedCall struct {
	Method string  `json:"method"`
	Args   []byte  `json:"args"`
	Reply  []byte  `json:"reply"`
	Closed *string `json:"closed"` // Kong dropped the connection instead of answering
}

func (e *recordedEvent) reply(t *testing.T, method, argument string) []byte {
	t.Helper()
	for _, c := range e.Calls {
		if a, _ := textArg(c.Args); c.Method == method && (argument == "" || a == argument) {
			return c.Reply
		}
	}
	return nil
}

func (e *recordedEvent) text(t *testing.T, method, argument string) string {
	t.Helper()
	s, err := textArg(e.reply(t, method, argument))
	require.NoError(t, err)
	return s
}

func readRecording(t *testing.T, name string) []recordedEvent {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var events []recordedEvent
	for line := range bytes.Lines(data) {
		var e recordedEvent
		require.NoError(t, json.Unmarshal(line, &e))
		if e.Event == "handle_event" {
			events = append(events, e)
		}
	}
	require.NotEmpty(t, events)
	return events
}

// recordedConfig is the configuration of the Kong that was recorded.
const recordedConfig = `
_format_version: "3.0"
services:
  - name: up
    url: http://127.0.0.1:18100
    routes:
      - {name: open, paths: [/open, "~/cap/(?<id>[0-9]+)$"], tags: [t1]}
      - {name: authed, paths: [/authed]}
  - name: gup
    url: grpc://127.0.0.1:18100
    routes:
      - {name: gr, paths: [/gr], protocols: [grpc, grpcs]}
consumers:
  - {username: bob, custom_id: bob-7, tags: [gold]}
`

// TestReplay asks the gateway every call that the recorded plugin asked Kong and compares
// the replies byte for byte, but for the order of fields, which in Kong's is random.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"kong-3.9.1.jsonl", "kong-3.9.1-h2.jsonl"} {
		events := readRecording(t, file)
		for i := 0; i < len(events); i++ {
			access := events[i]
			require.Equal(t, "access", access.Phase)
			require.Equal(t, "log", events[i+1].Phase, "every access event is followed by its log event")
			i++
			log := events[i]
			t.Run(file+"/"+access.Scenario, func(t *testing.T) { replayEvents(t, file, access, log) })
		}
	}
}

func replayEvents(t *testing.T, file string, access, log recordedEvent) {
	h2 := strings.Contains(file, "h2")
	ex := rebuild(t, access, log, h2)
	defer ex.req.body.remove()
	require.Nil(t, ex.route())
	if access.Scenario == "authed" { // Kong's own key-auth ran before
		_, headers, _ := recordedHeaders(t, access)
		for _, h := range headers {
			if keyAuthHeader(h) {
				ex.req.headers.set(h.name, h.value)
			}
		}
		ex.consumer = &consumer{id: entityIDOf(ex, "bob"), username: "bob", customID: "bob-7", tags: []string{"gold"}, createdAt: ex.g.created}
		id, _ := textArg(access.reply(t, "kong.client.get_credential", ""))
		ex.credential = &struct{ id, consumerID string }{id: id}
	}
	compareCalls(t, ex, access, h2)
	a := ex.exit
	if access.Scenario == "unknown-method" {
		a = ex.kongError(500, msgUnexpected)
	}
	var up *response
	if a == nil {
		up, a = ex.forward()
	}
	ex.finish(discard{}, up, a)
	ex.phase, ex.gotBytes = "log", ex.req.body.received()
	ex.sent = append(slices.Clone(ex.sent), field{"Connection", "close"})
	compareCalls(t, ex, log, h2)
}

func keyAuthHeader(h field) bool {
	return strings.HasPrefix(h.name, "x-consumer-") || strings.HasPrefix(h.name, "x-credential-")
}

func entityIDOf(ex *exchange, username string) string {
	for _, c := range ex.g.opts.Config.Consumers {
		if c.Username == username {
			return c.ID
		}
	}
	return ""
}

// discard is a client that reads everything.
type discard struct{}

func (discard) send(r *response) (int64, error) {
	if r.body == nil {
		return 0, nil
	}
	return io.Copy(io.Discard, r.body)
}

// rebuild makes the exchange of a recorded event: the request from what Kong said of it,
// ids and times as they were.
func rebuild(t *testing.T, e, log recordedEvent, h2 bool) *exchange {
	t.Helper()
	cfg, problems := declarative.Parse(declarative.Options{}, declarative.Source{Name: "recorded.yml", Data: []byte(recordedConfig)})
	require.NoError(t, problems.Err())
	g, err := New(Options{Config: cfg, DialUpstream: recordedUpstream(h2 && e.Scenario != "grpc-call"), TempDir: t.TempDir()})
	require.NoError(t, err)
	port, _ := intArg(e.reply(t, "kong.client.get_port", ""))
	listener, _ := intArg(e.reply(t, "kong.request.get_port", ""))
	if listener == 0 { // the event ended before it was asked
		listener = 18500
		if h2 {
			listener = 18503
		}
	}
	g.nodeID = e.text(t, "kong.node.get_id", "")
	c := &conn{g: g, peer: loopback(port), local: loopback(listener)}
	var req *request
	if h2 {
		req = c.http2Request(recordedHTTP2(t, e))
	} else {
		br := bufio.NewReader(bytes.NewReader(recordedHTTP1(t, e)))
		req, err = readRequest(br)
		require.NoError(t, err)
		req.peer, req.local = c.peer, c.local
		req.body = &body{limit: g.opts.BodyBuffer, dir: g.opts.TempDir}
		req.body.src, req.body.declared = requestBody(br, req.headers)
	}
	ex := g.newExchange(req)
	ex.nginxID = e.text(t, "kong.nginx.get_var", "request_id")
	var serialized struct {
		StartedAt int64 `json:"started_at"`
		Request   struct{ ID string }
		Route     struct {
			CreatedAt int64 `json:"created_at"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(log.text(t, "kong.log.serialize", "")), &serialized))
	ex.id, ex.start, g.created = serialized.Request.ID, time.UnixMilli(serialized.StartedAt), serialized.Route.CreatedAt
	return ex
}

func loopback(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

// recordedUpstream is down, as in most of the recording, or answers "ok".
func recordedUpstream(answers bool) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		if !answers {
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
		here, there := net.Pipe()
		go func() {
			req, err := http.ReadRequest(bufio.NewReader(there))
			if err == nil {
				io.Copy(io.Discard, req.Body)
				io.WriteString(there, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 3\r\n"+
					"Date: Sat, 21 Nov 2026 18:46:06 GMT\r\n\r\nok\n")
			}
		}()
		return here, nil
	}
}

// recordedHeaders are the request's headers and body. An event that ended early recorded
// none: then these are a plain request's.
func recordedHeaders(t *testing.T, e recordedEvent) (string, fields, []byte) {
	t.Helper()
	line := e.text(t, "kong.nginx.get_var", "request")
	if line == "" {
		line = "GET /open HTTP/1.1"
		if strings.Contains(t.Name(), "h2") {
			return "POST /gr/pkg.Svc/Call HTTP/2.0", fields{{"host", "127.0.0.1:18503"}, {"user-agent", "curl/7.88.1"}, {"accept", "*/*"},
				{"x-scenario", e.Scenario}, {"content-type", "application/grpc"}, {"content-length", "12"}}, make([]byte, 12)
		}
		return line, fields{{"Host", "127.0.0.1:18500"}, {"User-Agent", "curl/7.88.1"}, {"Accept", "*/*"}, {"X-Scenario", e.Scenario}}, nil
	}
	var headers fields
	var raw []byte
	for _, c := range e.Calls {
		if n, _ := intArg(c.Args); c.Method == "kong.request.get_headers" && n == 1000 {
			raw = c.Reply
		}
	}
	pairs, err := structArg(raw, 0)
	require.NoError(t, err)
	for _, p := range pairs {
		switch v := p.value.(type) {
		case string:
			headers.add(p.key, v)
		case []any:
			for _, e := range v {
				headers.add(p.key, e.(string))
			}
		}
	}
	// curl's order, which Kong's reply has lost: its own headers, then ours by number.
	own := []string{"host", "user-agent", "accept", "x-scenario"}
	slices.SortStableFunc(headers, func(a, b field) int {
		ia, ib := slices.Index(own, a.name), slices.Index(own, b.name)
		if ia >= 0 || ib >= 0 {
			return cmp.Compare(uint(ia), uint(ib))
		}
		return cmp.Or(len(a.name)-len(b.name), strings.Compare(a.name, b.name))
	})
	var content []byte
	require.NoError(t, eachField(e.reply(t, "kong.request.get_raw_body", ""), func(num protowire.Number, _ uint64, data []byte) error {
		if content = data; num == 2 {
			content = bytes.Repeat([]byte("x"), 20000)
		}
		return nil
	}))
	return line, headers, content
}

func recordedHTTP1(t *testing.T, e recordedEvent) []byte {
	line, headers, content := recordedHeaders(t, e)
	var b bytes.Buffer
	b.WriteString(line + "\r\n")
	for _, h := range headers {
		if keyAuthHeader(h) {
			continue
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h.name, h.value)
	}
	b.WriteString("\r\n")
	if headers.has("transfer-encoding") {
		fmt.Fprintf(&b, "%x\r\n%s\r\n0\r\n\r\n", len(content), content)
	} else {
		b.Write(content)
	}
	return b.Bytes()
}

func recordedHTTP2(t *testing.T, e recordedEvent) *http.Request {
	line, headers, content := recordedHeaders(t, e)
	parts := strings.Split(line, " ")
	host, _ := headers.get("host")
	headers.del("host")
	r := &http.Request{Method: parts[0], RequestURI: parts[1], Host: host, Header: http.Header{}, ProtoMajor: 2, ContentLength: -1, Body: http.NoBody}
	r.URL, _ = url.Parse(parts[1])
	for _, h := range headers {
		r.Header.Add(h.name, h.value)
	}
	if parts[0] == "POST" {
		r.Body = io.NopCloser(bytes.NewReader(content))
		if v, ok := headers.get("content-length"); ok {
			fmt.Sscan(v, &r.ContentLength)
		}
	}
	return r
}

func compareCalls(t *testing.T, ex *exchange, e recordedEvent, h2 bool) {
	t.Helper()
	for _, c := range e.Calls {
		argument, _ := textArg(c.Args)
		name := fmt.Sprintf("%s %s(%s)", e.Phase, c.Method, argument)
		got, err := ex.pdk(c.Method, c.Args)
		if c.Closed != nil {
			require.Error(t, err, name)
			return
		}
		require.NoError(t, err, name)
		switch {
		case c.Method == "kong.log.serialize":
			compareSerialized(t, got, c.Reply, h2)
		case c.Method == "kong.request.get_raw_body" && e.Scenario == "post-big":
			comparePath(t, got)
		case c.Method == "kong.response.get_headers":
			require.Equal(t, timeless(t, c.Reply), timeless(t, got), name)
		case h2 && argument == "request_length":
			// the size of nginx's HTTP/2 frames, which net/http does not tell
		default:
			require.Equal(t, canonical(t, c.Reply), canonical(t, got), name)
		}
	}
}

func comparePath(t *testing.T, reply []byte) {
	t.Helper()
	require.NoError(t, eachField(reply, func(num protowire.Number, _ uint64, data []byte) error {
		require.EqualValues(t, 2, num, "body_filepath")
		content, err := os.ReadFile(string(data))
		require.NoError(t, err)
		require.Len(t, content, 20000)
		return nil
	}))
}

// canonical sorts the fields of a message, which Kong writes in random order.
func canonical(t *testing.T, msg []byte) []string {
	t.Helper()
	out := []string{}
	for len(msg) > 0 {
		_, _, n := protowire.ConsumeField(msg)
		require.Positive(t, n)
		out = append(out, string(msg[:n]))
		msg = msg[n:]
	}
	slices.Sort(out)
	return out
}

// timeless is a Struct of headers without the values of those that measure time.
func timeless(t *testing.T, reply []byte) map[string]any {
	t.Helper()
	pairs, err := structArg(reply, 0)
	require.NoError(t, err)
	out := map[string]any{}
	for _, p := range pairs {
		out[p.key] = p.value
		if strings.HasSuffix(p.key, "-latency") {
			out[p.key] = "a time"
		}
	}
	return out
}

func compareSerialized(t *testing.T, got, want []byte, h2 bool) {
	t.Helper()
	read := func(reply []byte) map[string]any {
		text, err := textArg(reply)
		require.NoError(t, err)
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &m), text)
		for _, k := range []string{"latencies", "tries"} {
			require.Contains(t, m, k)
			delete(m, k)
		}
		response := m["response"].(map[string]any)
		delete(response, "size")
		for name := range response["headers"].(map[string]any) {
			if strings.HasSuffix(name, "-latency") {
				response["headers"].(map[string]any)[name] = "a time"
			}
		}
		if h2 {
			delete(m["request"].(map[string]any), "size")
		}
		return m
	}
	require.Equal(t, read(want), read(got))
}
