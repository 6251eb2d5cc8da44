package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"

	"kongwaf/kong/declarative"
)

// upstreamConn is a connection to an upstream with the service's timeouts.
type upstreamConn struct {
	net.Conn
	br          *bufio.Reader
	key         string
	read, write time.Duration
}

func (c *upstreamConn) Read(p []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(c.read))
	return c.Conn.Read(p)
}

func (c *upstreamConn) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.write))
	return c.Conn.Write(p)
}

// dial returns an idle connection that is still open, or a new one.
func (g *Gateway) dial(s *declarative.Service, scheme, addr string) (c *upstreamConn, reused bool, err error) {
	key := scheme + "://" + addr
	for {
		g.mu.Lock()
		list := g.upstreams[key]
		if len(list) == 0 {
			g.mu.Unlock()
			break
		}
		c := list[len(list)-1]
		g.upstreams[key] = list[:len(list)-1]
		g.mu.Unlock()
		if scheme == "https" || alive(c.Conn) {
			return c, true, nil
		}
		c.Close()
	}
	ctx, cancel := context.WithTimeout(g.ctx, milliseconds(s.ConnectTimeout))
	defer cancel()
	plain, err := g.opts.DialUpstream(ctx, "tcp", addr)
	if err != nil {
		return nil, false, err
	}
	if scheme == "https" {
		plain = tls.Client(plain, upstreamTLS(addr, "http/1.1"))
	}
	c = &upstreamConn{Conn: plain, key: key, read: milliseconds(s.ReadTimeout), write: milliseconds(s.WriteTimeout)}
	c.br = bufio.NewReaderSize(c, 16<<10)
	return c, false, nil
}

// upstreamTLS does not check certificates, as Kong does not unless it is told to.
func upstreamTLS(addr, proto string) *tls.Config {
	host, _, _ := net.SplitHostPort(addr)
	return &tls.Config{ServerName: host, InsecureSkipVerify: true, NextProtos: []string{proto}}
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func (g *Gateway) keepUpstream(c *upstreamConn) {
	const most = 64
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing || len(g.upstreams[c.key]) >= most {
		c.Close()
		return
	}
	g.upstreams[c.key] = append(g.upstreams[c.key], c)
}

// finalReader tells when its reader has ended, and whether it ended well.
type finalReader struct {
	r    io.Reader
	done func(ok bool)
}

func (f *finalReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && f.done != nil {
		f.done(err == io.EOF)
		f.done = nil
	}
	return n, err
}

// Close gives the connection up if the body was not read to its end.
func (f *finalReader) Close() error {
	if f.done != nil {
		f.done(false)
		f.done = nil
	}
	return nil
}

type tunnelConn struct{ *upstreamConn }

func (t tunnelConn) Read(p []byte) (int, error) { return t.br.Read(p) }
