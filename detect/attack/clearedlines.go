package attack

import (
	"kongwaf/detect"
)

// clearedLines remembers whole header lines of requests in which nothing was found at
// all: a browser sends the same two kilobytes of headers with every request, and nothing
// in them needs to be judged twice. Like cleared it is exact and bounded: a fixed table
// over a ring of bytes, in which new lines overwrite old ones.
//
// Only headers that mean nothing to the rest of the request are remembered. Whatever
// frames or describes the body (Host, Content-Type, Transfer-Encoding, ...) and whatever
// the application defines goes to the walker every time.
type clearedLines struct {
	rows [lineRows]lineRow
	ring [ringBytes]byte
	next int // where the next line goes
}

const (
	lineRows  = 512
	ringBytes = 256 << 10
	maxLine   = 8 << 10
)

type lineRow struct {
	hash        uint64
	at          uint32 // in the ring
	name, value uint16 // lengths
}

func (c *clearedLines) hash(h *detect.Header) uint64 {
	return quickHash(h.Value) + uint64(len(h.Name))
}

// holds reports whether the line is known. The ring may have been overwritten since: the
// comparison of all bytes is what counts.
func (c *clearedLines) holds(h *detect.Header) bool {
	hash := c.hash(h)
	r := &c.rows[hash%lineRows]
	if r.hash != hash || int(r.name) != len(h.Name) || int(r.value) != len(h.Value) {
		return false
	}
	at := c.ring[r.at:]
	return string(at[:r.name]) == h.Name && string(at[r.name:int(r.name)+int(r.value)]) == h.Value
}

func (c *clearedLines) put(h *detect.Header) {
	n := len(h.Name) + len(h.Value)
	if n == 0 || n > maxLine || !standsAlone(h.Name) {
		return
	}
	if c.next+n > ringBytes {
		c.next = 0
	}
	hash := c.hash(h)
	c.rows[hash%lineRows] = lineRow{hash: hash, at: uint32(c.next), name: uint16(len(h.Name)), value: uint16(len(h.Value))}
	copy(c.ring[c.next+copy(c.ring[c.next:], h.Name):], h.Value)
	c.next += n
}

// standsAlone reports whether a header says nothing about the rest of the request.
func standsAlone(name string) bool {
	if len(name) > 4 && detect.EqualFold(name[:4], "sec-") || len(name) > 7 && detect.EqualFold(name[:7], "accept-") {
		return true
	}
	for _, own := range aloneHeaders {
		if detect.EqualFold(name, own) {
			return true
		}
	}
	return false
}

var aloneHeaders = [...]string{
	"user-agent", "accept", "cookie", "referer", "origin", "dnt", "if-none-match", "if-modified-since",
	"cache-control", "pragma", "priority", "x-requested-with", "upgrade-insecure-requests",
}

// unknownHeaders returns the request as the walker is to see it: without the lines that
// are known to be harmless.
func (s *session) unknownHeaders(r *detect.Request) *detect.Request {
	s.headers = s.headers[:0]
	for i := range r.Headers {
		if !s.lines.holds(&r.Headers[i]) {
			s.headers = append(s.headers, r.Headers[i])
		}
	}
	if len(s.headers) == len(r.Headers) {
		return r
	}
	s.shown = *r
	s.shown.Headers = s.headers
	return &s.shown
}

// rememberHeaders keeps the lines of a request in which nothing was found.
func (s *session) rememberHeaders() {
	if s.seen > 0 || s.cut || len(s.walker.Anomalies()) > 0 {
		return
	}
	for i := range s.headers {
		s.lines.put(&s.headers[i])
	}
}
