package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
)

// headKeeper is a plugin that keeps what $kong_waf holds.
type headKeeper struct {
	mu    sync.Mutex
	heads []string
}

func (k *headKeeper) plugins() map[string]func(*toyEvent) {
	return map[string]func(*toyEvent){"first": access(func(e *toyEvent) {
		reply, ok := e.askRaw("kong.nginx.get_var", protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "kong_waf"))
		if !ok {
			return
		}
		head := ""
		if len(reply) > 0 {
			value, _ := protowire.ConsumeBytes(reply[1:])
			head = string(value)
		}
		k.mu.Lock()
		k.heads = append(k.heads, head)
		k.mu.Unlock()
		e.exit(200, "", nil)
	})}
}

func (k *headKeeper) take() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	heads := k.heads
	k.heads = nil
	return heads
}

const headDeck = "services:\n  - {name: up, url: \"http://UPSTREAM\", routes: [{name: a, paths: [/]}]}\nplugins: [{name: first}]\n"

// TestRecordedHeads sends the stand-in the requests that a recorded Kong got, and finds in
// $kong_waf what that one found, byte for byte but for the request's id.
func TestRecordedHeads(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/raw-head-3.9.1.jsonl")
	require.NoError(t, err)
	keeper := &headKeeper{}
	f := newFixture(t, headDeck, keeper.plugins(), func(o *gateway.Options) {
		o.TrustedIPs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.RealIPHeader = "X-Forwarded-For"
	})
	rows := 0
	for line := range bytes.Lines(data) {
		var row struct {
			Name    string
			Request []byte
			Answers []struct {
				Status   int
				Variable []byte
			}
		}
		require.NoError(t, json.Unmarshal(line, &row))
		rows++
		if row.Request == nil {
			continue // HTTP/2: see TestHeadVariable
		}
		t.Run(row.Name, func(t *testing.T) {
			c, in := f.dial(t)
			_, err := c.Write(row.Request)
			require.NoError(t, err)
			var want []string
			for _, a := range row.Answers {
				got, err := gatewaytest.ReadResponse(in, "GET")
				require.NoError(t, err)
				require.Equal(t, a.Status, got.Status)
				if a.Status == 200 {
					_, rest, _ := strings.Cut(string(a.Variable), " ")
					want = append(want, got.Headers.Get("X-Kong-Request-Id")+" "+rest)
				}
			}
			require.Equal(t, want, keeper.take())
		})
	}
	require.Equal(t, 35, rows)
}

// TestHeadVariable: over HTTP/2 the variable ends with the request line, or is empty; a
// setting takes it away, and a line of the old form in its place stays as it is.
func TestHeadVariable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*gateway.Options)
		http2  bool
		method string
		want   string // behind the request's id
	}{
		{name: "HTTP/1", method: "GET", want: " 127.0.0.1 127.0.0.1 GET /a HTTP/1.1\r\nHost: api.test\r\n\r\n"},
		{name: "HTTP/2", method: "GET", http2: true, want: " 127.0.0.1 127.0.0.1 GET /a HTTP/2.0"},
		{name: "HTTP/2 with a body", method: "POST", http2: true},
		{name: "turned off", method: "GET", change: func(o *gateway.Options) { o.NoHead = true }},
		{name: "the old form", method: "GET", want: "- GET /a HTTP/1.1",
			change: func(o *gateway.Options) { o.Variables = map[string]string{"kong_waf": "- $request"} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			keeper := &headKeeper{}
			f := newFixture(t, headDeck, keeper.plugins(), tc.change)
			if tc.http2 {
				var body *strings.Reader
				if tc.method == "POST" {
					body = strings.NewReader("a=1")
				}
				sendHTTP2(t, f.Addr, tc.method, body)
			} else {
				f.get(t, "/a")
			}
			got := keeper.take()
			require.Len(t, got, 1)
			if strings.HasPrefix(tc.want, " ") {
				require.Greater(t, len(got[0]), 32)
				got[0] = got[0][32:]
			}
			require.Equal(t, tc.want, got[0])
		})
	}
}

func sendHTTP2(t *testing.T, addr, method string, body *strings.Reader) {
	t.Helper()
	var reader io.Reader
	if body != nil {
		reader = body
	}
	request, err := http.NewRequest(method, "http://"+addr+"/a", reader)
	require.NoError(t, err)
	answer, err := h2client().Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
}
