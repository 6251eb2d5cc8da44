package known

import "kongwaf/detect"

// Lines remembers whole header lines of requests in which nothing was found at
// all: a browser sends the same two kilobytes of headers with every request, and nothing
// in them needs to be judged twice. The table stands over a ring of bytes, in which new lines
// overwrite old ones.
//
// Only headers that mean nothing to the rest of the request are remembered. Whatever
// frames or describes the body (Host, Content-Type, Transfer-Encoding, ...) and whatever
// the application defines goes to the walker every time.
type Lines struct {
	rows [lineRows]lineRow
	ring [ringBytes]byte
	next uint64 // where the next line goes, counted through all rounds of the ring
}

const (
	lineRows  = 512
	ringBytes = 256 << 10
	maxLine   = 8 << 10
)

type lineRow struct {
	hash        uint64
	at          uint64 // as Lines.next
	name, value uint16 // lengths
}

func lineHash(h *detect.Header) uint64 {
	return hash(h.Value) + uint64(len(h.Name))
}

// Holds reports whether the line is known. A line that the ring has written over since is
// not: what stands there now are pieces of other lines, which somebody may have chosen.
func (m *Lines) Holds(h *detect.Header) bool {
	sum := lineHash(h)
	r := &m.rows[sum%lineRows]
	if r.hash != sum || m.next-r.at > ringBytes || int(r.name) != len(h.Name) || int(r.value) != len(h.Value) {
		return false
	}
	at := m.ring[r.at%ringBytes:]
	return string(at[:r.name]) == h.Name && string(at[r.name:int(r.name)+int(r.value)]) == h.Value
}

// Put remembers the line, if it is one that says nothing about the rest of the request.
func (m *Lines) Put(h *detect.Header) {
	n := len(h.Name) + len(h.Value)
	if n == 0 || n > maxLine || !standsAlone(h.Name) {
		return
	}
	if end := m.next%ringBytes + uint64(n); end > ringBytes {
		m.next += ringBytes - m.next%ringBytes
	}
	at := m.ring[m.next%ringBytes:]
	copy(at[copy(at, h.Name):], h.Value)
	sum := lineHash(h)
	m.rows[sum%lineRows] = lineRow{hash: sum, at: m.next, name: uint16(len(h.Name)), value: uint16(len(h.Value))}
	m.next += uint64(n)
}

// standsAlone reports whether a header says nothing about the rest of the request.
func standsAlone(name string) bool {
	if len(name) > 4 && detect.EqualFold(name[:4], "sec-") || len(name) > 7 && detect.EqualFold(name[:7], "accept-") {
		return true
	}
	if name == "" || aloneLengths[name[0]]>>len(name)&1 == 0 {
		return false
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

// aloneLengths has, for each first letter of aloneHeaders, the lengths of such names as bits.
var aloneLengths = func() (t [256]uint64) {
	for _, name := range aloneHeaders {
		t[name[0]] |= 1 << len(name)
		t[name[0]-'a'+'A'] |= 1 << len(name)
	}
	return t
}()
