package detect

import (
	"io"
	"net/netip"
)

// Request is one HTTP request as bytes on the wire, before any decoding. Its strings may
// hold any byte, also invalid UTF-8. The zero value is an empty request. A Request is
// only read by checks; it may be shared between them.
type Request struct {
	Method string
	// Target is the raw request target: path and query exactly as sent ("/a%20b?c=d").
	Target string
	// Proto is the protocol version as in the request line: "HTTP/1.1", "HTTP/2.0".
	Proto string
	// Headers hold one entry for each header line. Names may have any case; the order is
	// the wire's where it is known.
	Headers []Header
	// Body is the raw body, still compressed and encoded, as far as it is held in memory.
	Body []byte
	// BodyTruncated says that the body is longer than Body.
	BodyTruncated bool
	// Rest is what follows Body, where that can still be read: a body that is too large to
	// be held lies in a file. It is read from its beginning whenever it is needed.
	Rest *io.SectionReader
	// HeadersTruncated says that there were more headers than could be read: padding
	// with headers is an old way to hide one.
	HeadersTruncated bool
	// Late, if not nil, reports whether the caller's deadline for judging the request has
	// passed. A check asks it now and then, and comes to its verdict by what it knows.
	Late func() bool
	// Takes, if not nil, reports whether the request takes the gateway's route of an id or a
	// name. It is asked only where the answer decides.
	Takes func(route string) bool
	// ClientIP is the address that the request is attributed to; the zero Addr if unknown.
	ClientIP netip.Addr
}

// Header is one header line.
type Header struct {
	Name  string
	Value string
}

// Header returns the first value of the named header, ignoring case, and whether there is one.
func (r *Request) Header(name string) (string, bool) {
	for i := range r.Headers {
		if EqualFold(r.Headers[i].Name, name) {
			return r.Headers[i].Value, true
		}
	}
	return "", false
}

// EqualFold reports whether two header names are equal, ignoring ASCII case
// (RFC 9110 section 5.1). Other than strings.EqualFold it folds nothing but A to Z.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
