package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/demo"
)

// newDemo starts the demo API.
func newDemo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := demo.Server()
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// h2client speaks HTTP/2 without TLS.
func h2client() *http.Client {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: p}}
}

const grpcDeck = `
services:
  - {name: g, url: "grpc://DEMO", routes: [{name: g, paths: [/pkg.Svc], protocols: [grpc, grpcs]}]}
  - {name: h, url: "http://DEMO", routes: [{name: h, paths: [/h]}]}
plugins: [{name: first}]
`

func TestGRPC(t *testing.T) {
	t.Parallel()
	f := newFixture(t, strings.ReplaceAll(grpcDeck, "DEMO", newDemo(t)), map[string]func(*toyEvent){"first": access(func(e *toyEvent) {
		switch e.text("kong.request.get_header", "x-do") {
		case "refuse":
			e.exit(200, "", map[string]any{"Content-Type": []any{"application/grpc"}, "grpc-status": []any{"7"}, "grpc-message": []any{"no"}})
		case "fail":
			e.ask("kong.no.such_call", &emptypb.Empty{}, nil)
		case "body":
			body := &kong_plugin_protocol.RawBodyResult{}
			e.ask("kong.request.get_raw_body", &emptypb.Empty{}, body)
			e.setHeader("kong.response.set_header", "X-Body", strings.ToUpper(string(body.GetContent()[5:])))
		}
	})}, nil)
	const message = "\x00\x00\x00\x00\x05hello"
	for _, row := range []struct {
		name, do     string
		status       int
		body         string
		grpc, header string
	}{
		{name: "passes with its trailers", status: 200, body: message, grpc: "0"},
		{name: "passes after a plugin has read the message", do: "body", status: 200, body: message, grpc: "0", header: "HELLO"},
		{name: "refused as the gRPC specification wants it", do: "refuse", status: 200, grpc: "7"},
		{name: "Kong's own error", do: "fail", status: 500, grpc: "13"},
	} {
		t.Run(row.name, func(t *testing.T) {
			req, err := http.NewRequest("POST", "http://"+f.Addr+"/pkg.Svc/Call", strings.NewReader(message))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/grpc")
			req.Header.Set("TE", "trailers")
			req.Header.Set("X-Do", row.do)
			res, err := h2client().Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, row.status, res.StatusCode)
			require.Equal(t, row.body, string(body))
			require.Equal(t, row.header, res.Header.Get("X-Body"))
			require.Equal(t, "application/grpc", res.Header.Get("Content-Type"))
			status := res.Trailer.Get("Grpc-Status")
			if status == "" {
				status = res.Header.Get("Grpc-Status")
			}
			require.Equal(t, row.grpc, status)
			if row.do == "" {
				require.Equal(t, "2 kong/3.9.1", res.Header.Get("Via"))
			}
		})
	}
}

func TestGRPCStreams(t *testing.T) {
	t.Parallel()
	// The upstream answers each chunk as it comes: nothing between may wait for the end.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	s := &http.Server{Protocols: p, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.(http.Flusher).Flush()
		buf := make([]byte, 16)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				w.Write(bytes.ToUpper(buf[:n]))
				w.(http.Flusher).Flush()
			}
			if err != nil {
				return
			}
		}
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	f := newFixture(t, strings.ReplaceAll(strings.ReplaceAll(grpcDeck, "DEMO", l.Addr().String()), "plugins: [{name: first}]", ""), nil, nil)
	pr, pw := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+f.Addr+"/pkg.Svc/Talk", pr)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/grpc")
	res, err := h2client().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	for _, word := range []string{"one", "two"} {
		io.WriteString(pw, word)
		got := make([]byte, 3)
		_, err := io.ReadFull(res.Body, got)
		require.NoError(t, err)
		require.Equal(t, strings.ToUpper(word), string(got))
	}
	pw.Close()
	_, err = io.ReadAll(res.Body)
	require.NoError(t, err)
}

func TestHTTP2ToHTTP1(t *testing.T) {
	t.Parallel()
	var lines, bodies []string
	f := newFixture(t, strings.ReplaceAll(grpcDeck, "DEMO", newDemo(t)), map[string]func(*toyEvent){"first": access(func(e *toyEvent) {
		lines = append(lines, e.text("kong.nginx.get_var", "request"))
		body := &kong_plugin_protocol.RawBodyResult{}
		e.ask("kong.request.get_raw_body", &emptypb.Empty{}, body)
		bodies = append(bodies, string(body.GetContent()))
	})}, func(o *gateway.Options) { o.Plugins[0].Phases = []string{"access"} })
	req, err := http.NewRequest("POST", "http://"+f.Addr+"/h/x?z=%ff", io.NopCloser(strings.NewReader("no length")))
	require.NoError(t, err)
	res, err := h2client().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 2, res.ProtoMajor)
	var got demo.Echo
	require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
	require.Equal(t, "/x?z=%ff", got.Target)
	require.Equal(t, "no length", got.Body)
	require.Equal(t, "HTTP/1.1", got.Proto)
	require.Equal(t, "2 kong/3.9.1", got.Headers.Get("Via"))
	require.Equal(t, []string{"POST /h/x?z=%ff HTTP/2.0"}, lines)
	require.Equal(t, []string{"no length"}, bodies, "a body without a length is normal in HTTP/2")
}
