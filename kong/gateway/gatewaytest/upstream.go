package gatewaytest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
)

// Received is a request as the upstream got it.
type Received struct {
	Method  string
	Target  string
	Headers Headers
	Body    string
}

// Upstream is an HTTP/1.1 server that answers everything with 200 and remembers it.
type Upstream struct {
	Addr string
	// Answer, if set before the first request, writes the wire form of the answer. With
	// "Connection: close" in it the connection ends after it.
	Answer func(r Received) string

	listener net.Listener
	mu       sync.Mutex
	received []Received
	conns    map[net.Conn]bool
}

// NewUpstream starts an Upstream on a free port of the loopback.
func NewUpstream() (*Upstream, error) { return NewUpstreamAt("127.0.0.1:0") }

// NewUpstreamAt starts an Upstream at an address.
func NewUpstreamAt(addr string) (*Upstream, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	u := &Upstream{Addr: l.Addr().String(), listener: l, conns: map[net.Conn]bool{}}
	go u.serve()
	return u, nil
}

// Close ends the server.
func (u *Upstream) Close() {
	u.listener.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		c.Close()
	}
}

// Take returns what was received since the last Take.
func (u *Upstream) Take() []Received {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.received
	u.received = nil
	return out
}

func (u *Upstream) serve() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.conns[c] = true
		u.mu.Unlock()
		go u.converse(c)
	}
}

func (u *Upstream) converse(c net.Conn) {
	defer func() {
		c.Close()
		u.mu.Lock()
		delete(u.conns, c)
		u.mu.Unlock()
	}()
	br := bufio.NewReader(c)
	for {
		r, err := readReceived(br)
		if err != nil {
			return
		}
		u.mu.Lock()
		u.received = append(u.received, r)
		u.mu.Unlock()
		answer := "HTTP/1.1 200 OK\r\nServer: BaseHTTP/0.6 Python/3.11.7\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"ok\": true}"
		if r.Method == "HEAD" {
			answer = strings.TrimSuffix(answer, "{\"ok\": true}")
		}
		if u.Answer != nil {
			answer = u.Answer(r)
		}
		if _, err := io.WriteString(c, answer); err != nil || strings.Contains(answer, "\r\nConnection: close\r\n") {
			return
		}
	}
}

func readReceived(br *bufio.Reader) (Received, error) {
	first, headers, err := readHead(br)
	if err != nil {
		return Received{}, err
	}
	parts := strings.SplitN(first, " ", 3)
	if len(parts) != 3 {
		return Received{}, fmt.Errorf("malformed request line %q", first)
	}
	r := Received{Method: parts[0], Target: parts[1], Headers: headers}
	var body []byte
	if strings.EqualFold(headers.Get("Transfer-Encoding"), "chunked") {
		if body, err = io.ReadAll(httputil.NewChunkedReader(br)); err == nil {
			_, err = br.ReadString('\n')
		}
	} else if v := headers.Get("Content-Length"); v != "" {
		var n int
		if n, err = strconv.Atoi(v); err == nil {
			body = make([]byte, n)
			_, err = io.ReadFull(br, body)
		}
	}
	r.Body = string(body)
	return r, err
}
