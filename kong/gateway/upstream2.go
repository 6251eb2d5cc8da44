package gateway

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kongwaf/kong/declarative"
)

// newHTTP2Transport makes the client for gRPC upstreams, with or without TLS.
func (g *Gateway) newHTTP2Transport(secure bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(secure)
	protocols.SetUnencryptedHTTP2(!secure)
	return &http.Transport{
		Protocols:          protocols,
		DisableCompression: true,
		DialContext:        g.opts.DialUpstream,
		TLSClientConfig:    upstreamTLS("", "h2"),
	}
}

// forwardHTTP2 passes a gRPC call on; both bodies stream.
func (ex *exchange) forwardHTTP2(s *declarative.Service) (*response, error) {
	transport := ex.g.h2plain
	if ex.scheme == "grpcs" {
		transport = ex.g.h2secure
	}
	var err error
	for try := 0; try <= s.Retries; try++ {
		var addr string
		if addr, err = ex.address(s); err != nil {
			return nil, err
		}
		var res *http.Response
		var req *http.Request
		if req, err = ex.http2Request(addr); err != nil {
			return nil, err
		}
		if res, err = transport.RoundTrip(req); err == nil {
			return http2Response(res), nil
		}
		// Only a call that never reached the upstream is tried again.
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			return nil, err
		}
	}
	return nil, err
}

func (ex *exchange) http2Request(addr string) (*http.Request, error) {
	content, err := ex.req.body.reader()
	if err != nil {
		return nil, &bodyError{err}
	}
	req := &http.Request{
		Method: ex.req.method,
		URL:    &url.URL{Scheme: "http", Host: addr, Opaque: ex.upstreamTarget()},
		Host:   ex.hostHeader(addr),
		Header: http.Header{"User-Agent": {""}}, // "": none, rather than Go's own
		Proto:  "HTTP/2.0", ProtoMajor: 2,
		ContentLength: -1,
	}
	if ex.scheme == "grpcs" {
		req.URL.Scheme = "https"
	}
	if ex.req.body.src != nil {
		req.Body = io.NopCloser(content)
		req.ContentLength = ex.req.body.length()
	} else {
		req.ContentLength = 0
	}
	for _, h := range ex.upstreamHeaders(addr) {
		switch strings.ToLower(h.name) {
		case "host", "connection", "upgrade", "content-length":
			continue
		case "user-agent":
			req.Header.Set(h.name, h.value)
			continue
		}
		req.Header.Add(h.name, h.value)
	}
	return req.WithContext(ex.g.ctx), nil
}

func http2Response(res *http.Response) *response {
	r := &response{status: res.StatusCode, length: res.ContentLength, body: res.Body}
	r.headers = sortedFields(res.Header)
	if res.ContentLength >= 0 && !r.headers.has("Content-Length") && res.StatusCode != 204 {
		r.headers.add("Content-Length", strconv.FormatInt(res.ContentLength, 10))
	}
	if res.ContentLength == 0 {
		r.headers.del("Content-Length") // a gRPC answer of trailers only
	}
	r.trailers = func() fields { return sortedFields(res.Trailer) }
	return r
}

func sortedFields(h http.Header) fields {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var out fields
	for _, name := range names {
		for _, v := range h[name] {
			out.add(name, v)
		}
	}
	return out
}
