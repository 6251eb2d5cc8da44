package inside

import (
	"net/netip"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/words"
)

// kinds of header names.
const (
	internal   uint32 = 1 << iota // a framework sets it for itself
	otherPath                     // the path that a proxy was asked for
	claimed                       // the caller's address, by a name that no proxy uses by itself
	forwarded                     // the caller's address, as proxies set it
	hopByHop                      // what the Connection header may name
	endToEnd                      // what must not get lost on the way
	connection                    // the Connection header
	expect                        // the Expect header
	proxy                         // the Proxy header, which CGI takes for HTTP_PROXY
)

// Names by their kind.
const (
	internalNames  = "x-middleware-subrequest x-middleware-subrequest-id x-beresource x-anonresource-backend x-invoke-path x-invoke-query x-invoke-status x-invoke-error x-invoke-output"
	otherPathNames = "x-original-url x-rewrite-url x-override-url"
	claimedNames   = "x-custom-ip-authorization x-originating-ip x-remote-ip x-remote-addr x-client-ip x-proxyuser-ip x-http-client-ip"
	forwardedNames = "x-forwarded-for x-real-ip true-client-ip client-ip cf-connecting-ip x-cluster-client-ip forwarded"
)

var headerNames = words.New(
	words.Group{Kind: internal, Words: internalNames},
	words.Group{Kind: otherPath, Words: otherPathNames},
	words.Group{Kind: claimed, Words: claimedNames},
	words.Group{Kind: forwarded, Words: forwardedNames},
	words.Group{Kind: hopByHop, Words: "close keep-alive upgrade te trailer trailers transfer-encoding http2-settings proxy-authenticate proxy-authorization proxy-connection connection"},
	words.Group{Kind: endToEnd, Words: "authorization cookie host content-length content-type forwarded"},
	words.Group{Kind: connection, Words: "connection"},
	words.Group{Kind: expect, Words: "expect"},
	words.Group{Kind: proxy, Words: "proxy"},
)

// routing is how the names of headers begin by which Spring Cloud Function is told what to run.
const routing = "spring.cloud.function."

// lengths has, for each first letter of a name that means something at the head of a line, the
// lengths of such names as bits: most headers of most requests end here.
var lengths = func() (t [256]uint64) {
	for name := range strings.FieldsSeq(internalNames + " " + otherPathNames + " " + claimedNames + " " + forwardedNames + " connection expect proxy") {
		t[name[0]] |= 1 << len(name)
		t[name[0]-'a'+'A'] |= 1 << len(name)
	}
	return t
}()

func headers(r *detect.Request, see report) {
	for i := range r.Headers {
		h := &r.Headers[i]
		if len(h.Name) > len(routing) && words.HasPrefix(h.Name, routing) {
			see.header(h, detect.ClassRCE, attack)
		}
		if h.Name == "" || lengths[h.Name[0]]>>len(h.Name)&1 == 0 {
			continue
		}
		if len(h.Name) == len("connection") && detect.EqualFold(h.Value, "keep-alive") {
			continue // as most requests have it
		}
		kind := headerNames.Of(h.Name)
		value := strings.Trim(h.Value, " \t")
		switch {
		case kind&internal != 0:
			see.header(h, detect.ClassProtocol, certain)
		case kind&otherPath != 0 && isOtherPath(r, value):
			see.header(h, detect.ClassProtocol, attack)
		case kind&claimed != 0 && isLoopback(value):
			see.header(h, detect.ClassProtocol, attack)
		case kind&forwarded != 0 && isLoopback(strings.TrimPrefix(strings.ToLower(value), "for=")):
			see.header(h, detect.ClassProtocol, suspicious)
		case kind&connection != 0 && dropsHeaders(value):
			see.header(h, detect.ClassProtocol, attack)
		case kind&expect != 0 && !detect.EqualFold(value, "100-continue"):
			see.header(h, detect.ClassProtocol, attack)
		case kind&proxy != 0 && strings.Contains(value, "://"):
			see.header(h, detect.ClassSSRF, attack)
		}
	}
}

func (r report) header(h *detect.Header, class detect.Class, confidence float64) {
	r.add(class, confidence, detect.Place("header."+strings.ToLower(h.Name)), h.Name+": "+h.Value)
}

// isOtherPath reports whether a path that was asked for, as a proxy says, is another one than
// the request's. A proxy may give a whole URL and may cut the query or a prefix off.
func isOtherPath(r *detect.Request, path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	path, _, _ = strings.Cut(path, "?")
	target, _, _ := strings.Cut(r.Target, "?")
	return !strings.HasSuffix(path, target) || target == "/" && path != "/"
}

// isLoopback reports whether an address is the machine's own.
func isLoopback(s string) bool {
	s, _, _ = strings.Cut(s, ";")
	s = strings.Trim(s, "\"[] ")
	if detect.EqualFold(s, "localhost") {
		return true
	}
	if host, _, ok := strings.Cut(s, "]:"); ok {
		s = host
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		p, err := netip.ParseAddrPort(s)
		if err != nil {
			return false
		}
		a = p.Addr()
	}
	return a.IsLoopback()
}

// dropsHeaders reports whether a Connection header names headers that the application relies
// upon: a proxy on the way removes whatever is named (RFC 9110 section 7.6.1).
func dropsHeaders(value string) bool {
	for value != "" {
		var name string
		name, value, _ = strings.Cut(value, ",")
		name = strings.Trim(name, " \t")
		if kind := headerNames.Of(name); kind&hopByHop == 0 && (kind != 0 || words.HasPrefix(name, "x-")) {
			return true
		}
	}
	return false
}
