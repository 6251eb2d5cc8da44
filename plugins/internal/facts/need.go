package facts

import (
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/raw"
)

// Kind is a set of facts that Kong can be asked for. Each costs Kong 8 to 10 us of its own
// CPU, so a check asks for what it needs under its config and no more.
type Kind uint16

// The facts.
const (
	RequestLine Kind = 1 << iota // method, raw target and protocol version
	Headers                      // all request headers
	Body                         // the raw body, unless the request can have none
	ClientIP                     // the client's address, after trusted_ips and real_ip_header
	PeerIP                       // the address of the TCP peer
	Consumer                     // the consumer that an earlier plugin authenticated
	Credential                   // the credential that an earlier plugin authenticated
	Path                         // the path as Kong routes it: decoded and normalised
	Service                      // the id of the service that the route leads to
)

// Need says which facts an event needs.
type Need struct {
	Kinds Kind
	// Header is one request header to ask for, where Headers are not needed anyway.
	Header string
	// Callers, if set, makes Credential wanted only of requests without a consumer.
	Callers *Callers
}

// With returns the union of both needs.
func (n Need) With(other Need) Need {
	switch {
	case n.Kinds&Credential == 0:
		n.Callers = other.Callers
	case other.Kinds&Credential != 0 && other.Callers == nil:
		n.Callers = nil
	}
	n.Kinds |= other.Kinds
	if n.Header == "" {
		n.Header = other.Header
	} else if other.Header != "" && other.Header != n.Header {
		n.Kinds |= Headers
	}
	return n
}

// maxHeaders is the highest number of headers that Kong's get_headers returns.
const maxHeaders = 1000

// The calls behind the facts.
var (
	callRequestLine = wire.Call{Method: "kong.nginx.get_var", Args: raw.String("request")}
	callHeaders     = wire.Call{Method: "kong.request.get_headers", Args: raw.Int(maxHeaders)}
	callBody        = wire.Call{Method: "kong.request.get_raw_body"}
	callClientIP    = wire.Call{Method: "kong.client.get_forwarded_ip"}
	callPeerIP      = wire.Call{Method: "kong.client.get_ip"}
	callConsumer    = wire.Call{Method: "kong.client.get_consumer"}
	callCredential  = wire.Call{Method: "kong.client.get_credential"}
	callPath        = wire.Call{Method: "kong.request.get_path"}
	callService     = wire.Call{Method: "kong.router.get_service"}
	callRequestID   = wire.Call{Method: "kong.nginx.get_var", Args: raw.String("kong_request_id")}
	callAccept      = wire.Call{Method: "kong.request.get_header", Args: raw.String("accept")}
	callContentType = wire.Call{Method: "kong.request.get_header", Args: raw.String("content-type")}
)

func callHeader(name string) wire.Call {
	return wire.Call{Method: "kong.request.get_header", Args: raw.String(name)}
}

// Calls returns the calls that an event with this need always makes. The body is not among
// them: whether a request has one shows in the other facts.
func (n Need) Calls(packed *Packed) []wire.Call {
	var calls []wire.Call
	kinds := n.closed().Kinds
	holds := packed.expect()
	if kinds&packable != 0 && holds.asked {
		calls = append(calls, callPacked)
		kinds &^= holds.kinds
	}
	if n.Callers != nil && n.Callers.Generation() == callersKnown {
		kinds &^= Credential
	}
	for _, c := range []struct {
		kind Kind
		call wire.Call
	}{
		{RequestLine, callRequestLine}, {Headers, callHeaders}, {ClientIP, callClientIP},
		{PeerIP, callPeerIP}, {Consumer, callConsumer}, {Credential, callCredential},
		{Path, callPath}, {Service, callService},
	} {
		if kinds&c.kind != 0 {
			calls = append(calls, c.call)
		}
	}
	if n.Header != "" && kinds&Headers == 0 {
		calls = append(calls, callHeader(n.Header))
	}
	return calls
}

// RefusalCalls returns what a refusal asks for beyond the facts that are there: the
// request's id, and whatever tells in which form the client wants its answer.
func (n Need) RefusalCalls(packed *Packed) []wire.Call {
	n = n.closed()
	var calls []wire.Call
	if holds := packed.expect(); n.Kinds&packable != 0 && holds.kinds != 0 {
		n.Kinds |= holds.kinds
	} else {
		calls = append(calls, callRequestID)
	}
	if n.Kinds&RequestLine == 0 {
		calls = append(calls, callRequestLine)
	}
	if n.Kinds&Headers == 0 {
		calls = append(calls, callAccept, callContentType)
	}
	return calls
}

// closed adds the facts that other facts cannot do without: whether there is a body shows
// in the request line and the headers.
func (n Need) closed() Need {
	if n.Kinds&Body != 0 {
		n.Kinds |= RequestLine | Headers
	}
	return n
}
