package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// preface is how an HTTP/2 connection begins without TLS (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// conn serves one client connection.
type conn struct {
	g     *Gateway
	net   net.Conn
	timed *timedConn
	br    *bufio.Reader
	bw    *bufio.Writer
	peer  netip.AddrPort
	local netip.AddrPort
}

// clientTimeout is how long a client may be silent, or not read. nginx waits 60 s for a
// request's next bytes and 75 s for the next request.
const clientTimeout = 75 * time.Second

// timedConn ends reads and writes that take too long, until forever is called.
type timedConn struct {
	net.Conn
	timeout time.Duration
}

func (c *timedConn) Read(p []byte) (int, error) {
	if c.timeout > 0 {
		c.SetReadDeadline(time.Now().Add(c.timeout))
	}
	return c.Conn.Read(p)
}

func (c *timedConn) Write(p []byte) (int, error) {
	if c.timeout > 0 {
		c.SetWriteDeadline(time.Now().Add(c.timeout))
	}
	return c.Conn.Write(p)
}

// forever lifts the limits, for HTTP/2 and tunnels.
func (c *timedConn) forever() {
	c.timeout = 0
	c.SetDeadline(time.Time{})
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
}

// serve handles requests until the connection ends.
func (c *conn) serve() {
	defer c.net.Close()
	start, err := c.br.Peek(4)
	if err != nil || !c.g.setIdle(c.net, false) {
		return
	}
	if string(start) == preface[:4] {
		if all, err := c.br.Peek(len(preface)); err == nil && string(all) == preface {
			c.timed.forever()
			c.serveHTTP2()
			return
		}
	}
	for c.serveOne() {
		c.g.setIdle(c.net, true)
		if _, err := c.br.Peek(1); err != nil {
			return
		}
		if !c.g.setIdle(c.net, false) {
			return
		}
	}
}

// serveOne handles one HTTP/1 request and reports whether another may follow.
func (c *conn) serveOne() bool {
	req, err := readRequest(c.br)
	var refused *badRequest
	if err != nil && !errors.As(err, &refused) {
		return false
	}
	req.peer, req.local = c.peer, c.local
	req.body = &body{declared: -1, limit: c.g.opts.BodyBuffer, dir: c.g.opts.TempDir}
	w := &http1Writer{c: c, req: req}
	if refused != nil {
		w.close = true
		req.headers.del("Content-Length")
		c.g.refuse(req, refused, w)
		return false
	}
	req.body.src, req.body.declared = requestBody(c.br, req.headers)
	src := req.body.src
	waiting := false
	if expect, _ := req.headers.get("Expect"); src != nil && strings.EqualFold(expect, "100-continue") {
		waiting = true
		req.body.before = func() error {
			waiting = false
			c.bw.WriteString("HTTP/1.1 100 Continue\r\n\r\n")
			return c.bw.Flush()
		}
	}
	w.close = !keepAlive(req)
	c.g.serve(req, w)
	if w.close || w.failed || waiting {
		return false
	}
	if src == nil {
		return true
	}
	// nginx reads away a body that nobody wanted, within reason.
	const discard = 1 << 20
	n, err := io.Copy(io.Discard, io.LimitReader(src, discard))
	return err == nil && n < discard
}

func keepAlive(req *request) bool {
	v, _ := req.headers.get("Connection")
	v = strings.ToLower(v)
	if req.minor == 0 {
		return strings.Contains(v, "keep-alive")
	}
	return !strings.Contains(v, "close")
}

// responder writes one response to a client.
type responder interface {
	// send writes status, headers and body. length is -1 if it is not known. trailers is
	// asked after the body and may be nil. It returns how many bytes of body it wrote.
	send(r *response) (int64, error)
}

// response is what a client gets.
type response struct {
	status   int
	headers  fields // without hop-by-hop ones
	length   int64
	body     io.Reader
	trailers func() fields
	tunnel   io.ReadWriteCloser // after a 101
}

type http1Writer struct {
	c      *conn
	req    *request
	close  bool
	failed bool
}

func (w *http1Writer) send(r *response) (n int64, err error) {
	defer func() { w.failed = err != nil }()
	bw := w.c.bw
	head := w.head(r)
	if _, err := bw.Write(head); err != nil {
		return 0, err
	}
	if r.tunnel != nil {
		w.close = true
		return 0, w.tunnel(r.tunnel)
	}
	if !hasBody(w.req.method, r.status) || r.body == nil {
		return 0, bw.Flush()
	}
	if r.length >= 0 {
		if n, err = io.Copy(bw, r.body); err != nil {
			return n, err
		}
		return n, bw.Flush()
	}
	n, err = w.stream(r.body)
	return n, err
}

// stream writes a body of unknown length, chunk by chunk as it comes.
func (w *http1Writer) stream(body io.Reader) (n int64, err error) {
	bw := w.c.bw
	buf := make([]byte, 16<<10)
	chunked := w.req.minor == 1
	for {
		m, err := body.Read(buf)
		if m > 0 {
			n += int64(m)
			if chunked {
				fmt.Fprintf(bw, "%x\r\n", m)
			}
			bw.Write(buf[:m])
			if chunked {
				bw.WriteString("\r\n")
			}
			if err := bw.Flush(); err != nil {
				return n, err
			}
		}
		if err == io.EOF {
			if chunked {
				bw.WriteString("0\r\n\r\n")
			}
			return n, bw.Flush()
		}
		if err != nil {
			return n, err
		}
	}
}

func (w *http1Writer) head(r *response) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.status, http.StatusText(r.status))
	line := func(name, value string) {
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(oneLine(value))
		b.WriteString("\r\n")
	}
	if !r.headers.has("Date") {
		line("Date", w.c.g.opts.Now().UTC().Format(http.TimeFormat))
	}
	first := 0 // nginx writes the headers it knows first
	for first < len(r.headers) && (strings.EqualFold(r.headers[first].name, "Content-Type") || strings.EqualFold(r.headers[first].name, "Content-Length")) {
		line(r.headers[first].name, r.headers[first].value)
		first++
	}
	switch {
	case r.tunnel != nil:
		line("Connection", "upgrade")
	case r.length < 0 && hasBody(w.req.method, r.status) && w.req.minor == 1:
		line("Transfer-Encoding", "chunked")
		fallthrough
	default:
		if r.length < 0 && w.req.minor == 0 {
			w.close = true
		}
		if w.close {
			line("Connection", "close")
		} else {
			line("Connection", "keep-alive")
		}
	}
	for _, h := range r.headers[first:] {
		if r.tunnel == nil && strings.EqualFold(h.name, "Connection") {
			continue
		}
		line(h.name, h.value)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// oneLine escapes what would end a header line, as OpenResty does with values that plugins
// set.
func oneLine(v string) string {
	if !strings.ContainsAny(v, "\r\n\x00") {
		return v
	}
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", "\x00", "%00").Replace(v)
}

// tunnel copies both ways until one side ends, as after a WebSocket handshake.
func (w *http1Writer) tunnel(up io.ReadWriteCloser) error {
	if err := w.c.bw.Flush(); err != nil {
		return err
	}
	w.c.timed.forever()
	done := make(chan struct{})
	go func() {
		io.Copy(up, w.c.br)
		up.Close()
		close(done)
	}()
	_, err := io.Copy(w.c.net, up)
	w.c.net.Close()
	<-done
	return err
}

func hasBody(method string, status int) bool {
	return method != "HEAD" && status >= 200 && status != 204 && status != 304
}

// lengthOf is the Content-Length of an answer, -1 if it has none.
func lengthOf(headers fields) int64 {
	v, ok := headers.get("Content-Length")
	if !ok {
		return -1
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
