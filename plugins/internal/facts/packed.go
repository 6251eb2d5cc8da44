package facts

import (
	"net/netip"
	"strings"

	"kongwaf/detect"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/head"
	"kongwaf/plugins/internal/raw"
)

// packedVariable is an nginx variable that a line in kong.conf fills with what most checks
// ask for, so that one call fetches it: the request's id, the client's address, the peer's,
// and the head of the request as it was sent. See kong/conf/kong.conf.
//
// The three words before the head are Kong's and nginx's own, and hold no blank: a client has
// no say in them, and its bytes begin with the request's method. A value of another form is
// somebody else's variable, or none, and Kong is asked as if it were not there.
//
// The old form of the line ends with $request: then the headers are asked for.
const packedVariable = "kong_waf"

var callPacked = wire.Call{Method: "kong.nginx.get_var", Args: raw.String(packedVariable)}

// What the variable holds, beside the request's id: the short form of it, the long one, and
// what is worth a call for it.
const (
	shortForm = RequestLine | ClientIP | PeerIP
	longForm  = shortForm | Headers
	packable  = longForm
)

// Packed knows what Kong's variable holds. Nobody says so beforehand: the first events ask
// for the variable beside the facts, and what comes of it is remembered. It may change at
// any time, with a reload of Kong, and from request to request: HTTP/2 requests have the
// short form, or nothing. What was foreseen wrongly costs a call or a trip more, and nothing
// is missed. The zero value does not know yet; it is safe for concurrent use.
type Packed struct{ guess }

// The forms.
const (
	packedUnknown uint32 = iota
	packedAbsent
	packedShort
	packedLong
)

// retried is how many events without the variable pass until it is asked for again.
const retried = 4096

// expectation is what an event may count on.
type expectation struct {
	asked bool // the variable is worth a call
	kinds Kind // what it will hold
}

func (p *Packed) expect() expectation {
	switch p.state.Load() {
	case packedAbsent:
		return expectation{}
	case packedShort:
		return expectation{asked: true, kinds: shortForm}
	case packedLong:
		return expectation{asked: true, kinds: longForm}
	}
	return expectation{asked: true}
}

// without counts an event that did not ask for the variable.
func (p *Packed) without() {
	if p.streak.Add(1) >= retried {
		p.streak.Store(0)
		p.state.Store(packedUnknown)
	}
}

// readPacked reads the variable, if it is worth asking for, and returns the kinds that are
// still to be read, and the lines of a head that is not regular.
func (f *Facts) readPacked(kinds Kind) (left Kind, lines []detect.Header, err error) {
	if kinds&packable == 0 {
		return kinds, nil, nil
	}
	if !f.packed.expect().asked {
		f.packed.without()
		return kinds, nil, nil
	}
	reply, err := f.ask(callPacked)
	if err != nil {
		return kinds, nil, err
	}
	id, client, peer, sent, ok := unpack(raw.Text(reply))
	if !ok {
		f.packed.learn(packedAbsent)
		return kinds, nil, nil
	}
	f.RequestID, f.ClientIP, f.PeerIP, f.sent = id, client, peer, sent
	if strings.Contains(sent, "\n") {
		f.packed.learn(packedLong)
	} else {
		f.packed.learn(packedShort)
	}
	f.need.Kinds |= ClientIP | PeerIP
	if kinds&(RequestLine|Headers) != 0 {
		lines = f.readSent()
	}
	kinds &^= shortForm
	if f.asSent {
		kinds &^= Headers
	}
	return kinds, lines, nil
}

// readSent reads the head that came in the variable, and returns its lines if it is not
// regular: then they are no substitute for Kong's headers, but no less a part of the request.
func (f *Facts) readSent() (lines []detect.Header) {
	sent := f.sent
	f.sent = ""
	f.need.Kinds |= RequestLine
	if h, regular := head.Parse(sent); regular {
		f.Request.Method, f.Request.Target, f.Request.Proto = h.Method, originForm(h.Target), h.Proto
		f.Request.Headers, f.asSent = h.Headers, true
		f.need.Kinds |= Headers
		return nil
	}
	line, _, _ := strings.Cut(sent, "\n")
	f.Request.Method, f.Request.Target, f.Request.Proto = splitRequestLine(strings.TrimSuffix(line, "\r"))
	return head.Lines(sent)
}

// unpack takes the variable apart.
func unpack(value string) (id, client, peer, sent string, ok bool) {
	id, rest, _ := strings.Cut(value, " ")
	client, rest, _ = strings.Cut(rest, " ")
	peer, sent, ok = strings.Cut(rest, " ")
	return id, client, peer, sent, ok && isID(id) && isAddress(client) && isAddress(peer) && sent != ""
}

// isID reports whether s can be the id of a request: nginx's and Kong's are 32 hexadecimal
// digits.
func isID(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return s != ""
}

// isAddress reports whether s is an address as nginx writes it; of a Unix socket it writes
// no address.
func isAddress(s string) bool {
	if s == "unix:" {
		return true
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// union returns Kong's headers and, behind them, those of the lines that are not among them.
func union(headers, lines []detect.Header) []detect.Header {
	if len(lines) == 0 {
		return headers
	}
	type line struct{ name, value string }
	known := make(map[line]bool, len(headers))
	for _, h := range headers {
		known[line{strings.ToLower(h.Name), h.Value}] = true
	}
	for _, h := range lines {
		if l := (line{strings.ToLower(h.Name), h.Value}); !known[l] {
			known[l] = true
			headers = append(headers, h)
		}
	}
	return headers
}
