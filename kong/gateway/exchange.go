package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"kongwaf/kong/declarative"
)

// consumer is the consumer that a plugin authenticated, as it described it.
type consumer struct {
	id, username, customID string
	tags                   []string
	createdAt              int64
}

// exchange is one request on its way through the gateway: what plugins know of it and what
// they changed. It is used by one goroutine at a time.
type exchange struct {
	g       *Gateway
	req     *request
	id      string // kong_request_id, which clients see
	nginxID string // nginx's own $request_id, made when asked for
	start   time.Time
	phase   string // "access", "response" or "log"
	running string // the plugin whose event is handled

	// client is the address after real-ip, realPort its port or 0.
	client   netip.Addr
	realPort uint16
	trusted  bool // the peer is one of trusted_ips

	match     *match
	forwarded forwarded

	// What goes to the upstream.
	scheme   string
	upPath   string // escaped
	upHost   string // Host header; "" for the upstream's own
	upTarget string // host:port set by a plugin; "" for the service's

	consumer   *consumer
	credential *struct{ id, consumerID string }
	shared     map[string]any
	ctx        map[string]any
	serialized map[string]any // kong.log.set_serialize_value

	// respHeaders are what plugins set for the answer, whoever makes it.
	respHeaders []headerEdit
	exit        *answer

	// The answer, once it is known.
	status       int
	sent         fields
	sentBytes    int
	gotBytes     int64 // of the request's body, when the log phase begins
	source       string
	upstreamTook time.Duration
	kongTook     time.Duration
	upStatus     string
	proxied      bool
	upstreamBody []byte // kept for the response phase only
}

// forwarded are the X-Forwarded-* values for the upstream.
type forwarded struct{ proto, host, port, path, prefix string }

func (g *Gateway) newExchange(req *request) *exchange {
	ex := &exchange{
		g: g, req: req, id: randomID(), start: g.opts.Now(), phase: "access",
		shared: map[string]any{}, ctx: map[string]any{}, source: "error",
	}
	ex.client, ex.realPort = g.realIP(req)
	ex.trusted = g.isTrusted(req.peer.Addr())
	return ex
}

// randomID is 32 hexadecimal digits, as nginx's $request_id.
func randomID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// route finds the route and prepares what the upstream gets. It returns the answer if the
// request goes no further.
func (ex *exchange) route() *answer {
	req := ex.req
	host, _ := req.headers.get("Host")
	m := ex.g.router.find(req.method, normalize(req.path()), host, req.headers)
	if m == nil {
		return ex.kongError(404, msgNoRoute)
	}
	ex.match = m
	ex.setForwarded()
	if a := ex.checkProtocol(); a != nil {
		return a
	}
	ex.upPath = escape(m.path)
	if m.service != nil {
		ex.scheme = m.service.Protocol
	}
	if m.route.PreserveHost {
		ex.upHost = host
	}
	return nil
}

// setForwarded decides X-Forwarded-*: a trusted peer's are kept.
func (ex *exchange) setForwarded() {
	req, f := ex.req, &ex.forwarded
	f.proto, f.host, f.port = "http", req.host, strconv.Itoa(int(req.local.Port()))
	if ex.trusted {
		for name, into := range map[string]*string{
			"X-Forwarded-Proto": &f.proto, "X-Forwarded-Host": &f.host, "X-Forwarded-Port": &f.port,
			"X-Forwarded-Path": &f.path, "X-Forwarded-Prefix": &f.prefix,
		} {
			if v, ok := req.headers.get(name); ok {
				*into = v
			}
		}
	}
	if f.path == "" {
		f.path = req.path()
	}
	if f.prefix == "" && ex.match.prefix != "/" {
		f.prefix = ex.match.prefix
	}
}

// checkProtocol refuses what the route's protocols do not take.
func (ex *exchange) checkProtocol() *answer {
	var plain, tls, grpc, grpcs bool
	for _, p := range ex.match.route.Protocols {
		switch p {
		case "http":
			plain = true
		case "https":
			tls = true
		case "grpc":
			grpc = true
		case "grpcs":
			grpcs = true
		}
	}
	if tls && !plain && ex.forwarded.proto != "https" {
		status := ex.match.route.HTTPSRedirectStatusCode
		if status == 426 {
			a := ex.kongError(426, "Please use HTTPS protocol")
			a.headers = append(a.headers, field{"Connection", "Upgrade"}, field{"Upgrade", "TLS/1.2, HTTP/1.1"})
			return a
		}
		return &answer{status: status, source: "exit", headers: fields{{"Location", "https://" + ex.forwarded.host + ex.req.target}}}
	}
	if !grpc && !grpcs {
		return nil
	}
	kind, _ := ex.req.headers.get("Content-Type")
	switch {
	case !strings.HasPrefix(kind, "application/grpc"):
		return ex.kongError(415, "Non-gRPC request matched gRPC route")
	case ex.req.major != 2:
		a := ex.kongError(426, "Please use HTTP2 protocol")
		a.headers = append(a.headers, field{"connection", "Upgrade"}, field{"upgrade", "HTTP/2"})
		return a
	case !grpc && ex.forwarded.proto != "https":
		return &answer{status: 200, source: "exit", headers: fields{
			{"content-type", "application/grpc"}, {"grpc-status", "1"}, {"grpc-message", "gRPC request matched gRPCs route"}}}
	}
	return nil
}

func (ex *exchange) service() *declarative.Service {
	if ex.match == nil {
		return nil
	}
	return ex.match.service
}

// upstreamTarget is the request target for the upstream. A "?" that ended the client's
// target stays, as in Kong.
func (ex *exchange) upstreamTarget() string {
	if ex.req.isQuery && ex.req.query != "" || strings.HasSuffix(ex.req.target, "?") {
		return ex.upPath + "?" + ex.req.query
	}
	return ex.upPath
}
