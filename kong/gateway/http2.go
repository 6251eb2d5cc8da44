package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// newHTTP2Server makes the server for HTTP/2 connections. It gets them from handoff, where
// they come once their preface has been seen.
func (g *Gateway) newHTTP2Server() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Protocols:      protocols,
		MaxHeaderBytes: 4 * maxHead,
		ErrorLog:       g.stdlog,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(*replay).conn)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Context().Value(connKey{}).(*conn).serveStream(w, r)
		}),
	}
}

type connKey struct{}

// handoff is the net.Listener of the HTTP/2 server.
type handoff struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ended:
		return nil, net.ErrClosed
	}
}

func (h *handoff) Close() error {
	h.once.Do(func() { close(h.ended) })
	return nil
}

func (h *handoff) Addr() net.Addr { return &net.TCPAddr{} }

// serveHTTP2 serves the connection as HTTP/2 with prior knowledge, as gRPC clients have it.
func (c *conn) serveHTTP2() {
	r := &replay{Conn: c.net, conn: c, closed: make(chan struct{})}
	select {
	case c.g.handoff.conns <- r:
		<-r.closed
	case <-c.g.handoff.ended:
	}
}

// replay is the client's connection, read through the buffer that has seen its start.
type replay struct {
	net.Conn
	conn   *conn
	closed chan struct{}
	once   sync.Once
}

func (r *replay) Read(p []byte) (int, error) { return r.conn.br.Read(p) }

func (r *replay) Close() error {
	r.once.Do(func() { close(r.closed) })
	return r.Conn.Close()
}

func (c *conn) serveStream(w http.ResponseWriter, r *http.Request) {
	if !c.g.beginStream() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer c.g.endStream()
	req := c.http2Request(r)
	out := &http2Writer{w: w, method: r.Method}
	if !strings.HasPrefix(req.target, "/") || badPath(req.path()) {
		c.g.refuse(req, &badRequest{400, msgBadRequest, "invalid path"}, out)
		return
	}
	c.g.serve(req, out)
	if out.cut {
		panic(http.ErrAbortHandler) // net/http's way to reset the stream
	}
}

// http2Request takes over what net/http has read. Its order of headers is lost, so they are
// sorted by name; their bytes are as they were.
func (c *conn) http2Request(r *http.Request) *request {
	req := &request{
		method: r.Method, major: 2, peer: c.peer, local: c.local,
		line: fmt.Sprintf("%s %s HTTP/2.0", r.Method, r.RequestURI),
	}
	req.setTarget(r.RequestURI)
	req.host, _, _ = splitPort(strings.ToLower(r.Host))
	req.headers = fields{{"host", r.Host}}
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	req.length = len(req.line) + len(r.Host)
	for _, name := range names {
		for _, v := range r.Header[name] {
			req.headers.add(strings.ToLower(name), v)
			req.length += len(name) + len(v)
		}
	}
	if len(r.Trailer) > 0 && !req.headers.has("trailer") {
		for name := range r.Trailer {
			req.headers.add("trailer", strings.ToLower(name))
		}
	}
	req.body = &body{declared: r.ContentLength, limit: c.g.opts.BodyBuffer, dir: c.g.opts.TempDir}
	if r.Body != nil && r.Body != http.NoBody {
		req.body.src = r.Body
	} else {
		req.body.declared = -1
		if req.headers.has("content-length") {
			req.body.declared = 0
		}
	}
	return req
}

type http2Writer struct {
	w      http.ResponseWriter
	method string
	cut    bool // the upstream's answer ended early
}

func (w *http2Writer) send(r *response) (int64, error) {
	for _, h := range r.headers {
		switch strings.ToLower(h.name) {
		case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
			continue
		}
		w.w.Header().Add(h.name, h.value)
	}
	w.w.WriteHeader(r.status)
	var n int64
	// Without a body the headers end the stream: gRPC's "Trailers-Only" answer.
	if hasBody(w.method, r.status) && r.body != nil && w.w.Header().Get("Content-Length") != "0" {
		flusher, _ := w.w.(http.Flusher)
		flusher.Flush() // a stream's client waits for the headers
		buf := make([]byte, 16<<10)
		for {
			m, err := r.body.Read(buf)
			if m > 0 {
				n += int64(m)
				if _, err := w.w.Write(buf[:m]); err != nil {
					return n, err
				}
				flusher.Flush()
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				w.cut = true
				return n, err
			}
		}
	}
	if r.trailers != nil {
		for _, h := range r.trailers() {
			w.w.Header().Add(http.TrailerPrefix+h.name, h.value)
		}
	}
	return n, nil
}
