package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"os"
	"strconv"
	"strings"
	"time"

	"kongwaf/kong/declarative"
)

const msgNoService = "no Service found with those values"

// forward sends the request to its service. Either the upstream's response or Kong's own
// answer is nil.
func (ex *exchange) forward() (*response, *answer) {
	s := ex.service()
	if s == nil {
		return nil, ex.kongError(503, msgNoService)
	}
	h2 := ex.scheme == "grpc" || ex.scheme == "grpcs"
	if !h2 && ex.match.route.RequestBuffering {
		if err := ex.req.body.load(); err != nil {
			return nil, ex.nginxError(400, msgBadRequest)
		}
	}
	ex.proxied = true
	asked := ex.g.opts.Now()
	ex.kongTook = asked.Sub(ex.start)
	var r *response
	var err error
	if h2 {
		r, err = ex.forwardHTTP2(s)
	} else {
		r, err = ex.forwardHTTP1(s)
	}
	ex.upstreamTook = ex.g.opts.Now().Sub(asked)
	if err == nil {
		ex.source, ex.upStatus = "service", strconv.Itoa(r.status)
		return r, nil
	}
	if ex.upStatus == "" {
		ex.upStatus = "502"
	}
	ex.g.log.Error("upstream: "+err.Error(), "service", s.Name, "request_id", ex.id)
	var cut *bodyError
	switch {
	case errors.As(err, &cut):
		return nil, ex.nginxError(400, msgBadRequest)
	case errors.Is(err, errNoTarget):
		return nil, ex.nginxError(503, msgUnavailable)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return nil, ex.nginxError(504, msgTimeout)
	}
	return nil, ex.nginxError(502, msgBadGateway)
}

var errNoTarget = errors.New("no target with a weight above 0")

// address is where the next try goes: a plugin's choice, a target of an upstream in turn,
// or the service's host.
func (ex *exchange) address(s *declarative.Service) (string, error) {
	host, port := s.Host, s.Port
	if ex.upTarget != "" {
		if _, _, err := net.SplitHostPort(ex.upTarget); err == nil {
			return ex.upTarget, nil
		}
		host = ex.upTarget
	}
	for _, u := range ex.g.opts.Config.Upstreams {
		if u.Name == host {
			return ex.g.target(u)
		}
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port)), nil
}

// target takes an upstream's targets in turn.
func (g *Gateway) target(u *declarative.Upstream) (string, error) {
	var usable []string
	for _, t := range u.Targets {
		if t.Weight > 0 {
			usable = append(usable, t.Address)
		}
	}
	if len(usable) == 0 {
		return "", fmt.Errorf("upstream %s: %w", u.Name, errNoTarget)
	}
	addr := usable[int(g.turn.Add(1)-1)%len(usable)]
	if _, hasPort, _ := splitPort(addr); !hasPort {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), "8000")
	}
	return addr, nil
}

// hostHeader is what the upstream gets as Host.
func (ex *exchange) hostHeader(address string) string {
	if ex.upHost != "" {
		return ex.upHost
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil && (port == "80" && (ex.scheme == "http" || ex.scheme == "grpc") || port == "443" && (ex.scheme == "https" || ex.scheme == "grpcs")) {
		return host
	}
	return address
}

func (ex *exchange) forwardHTTP1(s *declarative.Service) (*response, error) {
	var statuses []string
	defer func() {
		if len(statuses) > 0 {
			ex.upStatus = strings.Join(statuses, ", ")
		}
	}()
	for try := 0; ; try++ {
		addr, err := ex.address(s)
		if err != nil {
			return nil, err
		}
		c, reused, err := ex.g.dial(s, ex.scheme, addr)
		if err == nil {
			var r *response
			if r, err = ex.converse(c, s, addr); err == nil {
				return r, nil
			}
			c.Close()
			if reused && !errors.Is(err, os.ErrDeadlineExceeded) && ex.req.body.loaded {
				try-- // the upstream had closed the idle connection: does not count
				continue
			}
			return nil, err
		}
		statuses = append(statuses, "502")
		if try >= s.Retries {
			return nil, err
		}
	}
}

// converse sends the request and reads the head of the response. The connection goes back
// to the pool when the body has been read.
func (ex *exchange) converse(c *upstreamConn, s *declarative.Service, addr string) (*response, error) {
	content, err := ex.req.body.reader()
	if err != nil {
		return nil, &bodyError{err}
	}
	head, chunked := ex.upstreamHead(addr)
	if _, err := c.Write(head); err != nil {
		return nil, err
	}
	if err := sendBody(c, content, chunked); err != nil {
		return nil, err
	}
	for {
		status, headers, err := readResponse(c.br)
		if err != nil {
			return nil, err
		}
		if status >= 200 || status == 101 {
			return ex.upstreamResponse(c, status, headers), nil
		}
	}
}

// sendBody copies the body. An error of the client's is a *bodyError.
func sendBody(w io.Writer, content io.Reader, chunked bool) error {
	out := w
	var end io.Closer
	if chunked {
		cw := httputil.NewChunkedWriter(w)
		out, end = cw, cw
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := content.Read(buf)
		if n > 0 {
			if _, err := out.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return &bodyError{err}
		}
	}
	if end == nil {
		return nil
	}
	end.Close()
	_, err := io.WriteString(w, "\r\n")
	return err
}

// replaced are the request headers that Kong writes itself, or that end at Kong.
var replaced = map[string]bool{
	"via": true, "te": true, "host": true, "upgrade": true, "connection": true, "x-forwarded-for": true,
	"x-forwarded-proto": true, "x-forwarded-host": true, "x-forwarded-port": true, "x-forwarded-path": true,
	"x-forwarded-prefix": true, "x-real-ip": true, "x-kong-request-id": true, "content-length": true,
	"transfer-encoding": true, "keep-alive": true, "expect": true, "proxy": true, "proxy-connection": true,
}

// upstreamHeaders are the headers for the upstream in Kong's order: its own first, then
// the client's as they came.
func (ex *exchange) upstreamHeaders(addr string) fields {
	req := ex.req
	var out fields
	add := func(name, value string) {
		if value != "" {
			out.add(name, value)
		}
	}
	if te, _ := req.headers.get("TE"); strings.Contains(strings.ToLower(te), "trailers") {
		add("TE", "trailers")
	}
	via := luaNumber(req.version()) + " " + serverToken
	if v, ok := ex.headerVariable("via"); ok {
		via = v + ", " + via
	}
	add("Via", via)
	add("Host", ex.hostHeader(addr))
	connection := "keep-alive"
	if v, _ := req.headers.get("Upgrade"); strings.EqualFold(v, "websocket") {
		add("Upgrade", "websocket")
		connection = "keep-alive, Upgrade"
	}
	add("Connection", connection)
	add("X-Forwarded-For", ex.forwardedFor())
	add("X-Forwarded-Proto", ex.forwarded.proto)
	add("X-Forwarded-Host", ex.forwarded.host)
	add("X-Forwarded-Port", ex.forwarded.port)
	add("X-Forwarded-Path", ex.forwarded.path)
	add("X-Forwarded-Prefix", ex.forwarded.prefix)
	add("X-Real-IP", ex.client.String())
	add("X-Kong-Request-Id", ex.id)
	if n := req.body.length(); n >= 0 {
		if n > 0 || req.headers.has("Content-Length") {
			add("Content-Length", strconv.FormatInt(n, 10))
		}
	}
	hop := map[string]bool{}
	for _, v := range req.headers.values("Connection") {
		for name := range strings.SplitSeq(v, ",") {
			hop[strings.ToLower(strings.TrimSpace(name))] = true
		}
	}
	for _, h := range req.headers {
		if name := strings.ToLower(h.name); !replaced[name] && !hop[name] {
			out = append(out, h)
		}
	}
	return out
}

func (ex *exchange) upstreamHead(addr string) (head []byte, chunked bool) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", ex.req.method, ex.upstreamTarget())
	for _, h := range ex.upstreamHeaders(addr) {
		b.WriteString(oneLine(h.name) + ": " + oneLine(h.value) + "\r\n")
	}
	if chunked = ex.req.body.length() < 0 && ex.req.body.src != nil; chunked {
		b.WriteString("Transfer-Encoding: chunked\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes(), chunked
}

func readResponse(br *bufio.Reader) (status int, headers fields, err error) {
	left := maxField
	line, err := readLine(br, maxField, &left)
	if err != nil {
		return 0, nil, err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err = strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(version, "HTTP/1.") || status < 100 || status > 999 {
		return 0, nil, errors.New("malformed status line")
	}
	if version == "HTTP/1.0" {
		headers.add("\x00version", "1.0")
	}
	for {
		line, err := readLine(br, maxField, &left)
		if err != nil {
			return 0, nil, err
		}
		if line == "" {
			return status, headers, nil
		}
		h, ok, err := parseField(line)
		if err != nil {
			return 0, nil, errors.New("malformed header")
		}
		if ok {
			headers = append(headers, h)
		}
	}
}

// upstreamResponse takes the hop-by-hop headers away and finds the body.
func (ex *exchange) upstreamResponse(c *upstreamConn, status int, headers fields) *response {
	r := &response{status: status, length: lengthOf(headers)}
	connection, _ := headers.get("Connection")
	reuse := !strings.Contains(strings.ToLower(connection), "close") && !headers.has("\x00version")
	chunked := headers.has("Transfer-Encoding")
	for _, h := range headers {
		switch strings.ToLower(h.name) {
		case "\x00version", "connection", "keep-alive", "transfer-encoding", "proxy-connection", "trailer":
		case "upgrade":
			if status == 101 {
				r.headers = append(r.headers, h)
			}
		default:
			r.headers = append(r.headers, h)
		}
	}
	if status == 101 {
		c.read, c.write = time.Hour, time.Hour
		r.tunnel = tunnelConn{c}
		return r
	}
	done := func(ok bool) {
		if ok && reuse && c.br.Buffered() == 0 {
			ex.g.keepUpstream(c)
		} else {
			c.Close()
		}
	}
	switch {
	case !hasBody(ex.req.method, status):
		done(true)
	case chunked:
		r.length = -1
		r.headers.del("Content-Length")
		r.body = &finalReader{r: &chunkedReader{br: c.br}, done: done}
	case r.length >= 0:
		r.body = &finalReader{r: &exactReader{r: c.br, left: r.length}, done: done}
	default:
		reuse = false
		r.body = &finalReader{r: c.br, done: done}
	}
	return r
}
