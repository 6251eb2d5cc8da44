// Package work counts what judging one request costs, in bytes read: every decoder, walker
// and language that reads a stretch of text spends its length. What may be spent is linear
// in what was sent, so that no request costs more than its size allows, however it is made.
//
// A count is the same on every machine and under every load, which no deadline is. The
// deadline is asked for too, whenever another mebibyte has been spent: for machines that
// are overloaded, not for requests that are dear.
//
// What is not worth counting: passes that processors make at dozens of bytes a cycle, such
// as a search for one byte, and whatever is bounded by a small constant. A pass that costs
// many times what others do spends a multiple of its length.
package work

// A request may cost Floor + Factor * (bytes sent). The floor is for small requests that
// unpack to large ones; a unit costs about a nanosecond. Requests of browsers and API
// clients cost ten for each byte sent, and a few percent of their budget; a text of a megabyte
// in which every language and decoder finds something to look at costs a hundred and seventy
// ("kong-waf eval --work" prints the most that any request of a file did).
const (
	Floor  = 16 << 20
	Factor = 256
)

// What is packed inside a body may unpack to UnpackFloor + UnpackFactor * (bytes sent), all of
// a request's packed texts together, however deep. More of it is what bombs are made of. The
// body as a whole, if it was sent packed, is bounded by what it is packed to (package extract).
const (
	UnpackFloor  = 8 << 20
	UnpackFactor = 4
)

// Of what is packed densely, to less than 1/DenseRatio, no more than DenseFree bytes of a request
// are read at the price of others: each byte past them costs what a byte sent may cost in all,
// so that a few such texts use a budget up that dozens could be read for. Logs and telemetry
// are packed to a tenth or a twentieth.
const (
	DenseRatio = 32
	DenseFree  = 512 << 10
)

// Leaf is what a value costs beside its bytes.
const Leaf = 64

// A request that did not end in time is dear, not late, if it has spent dearFloor + dearFactor *
// (bytes sent): more than nearly all harmless ones take in all.
const (
	dearFloor  = 2 << 20
	dearFactor = 16
)

// stretch is how much is spent between two questions whether it is late.
const stretch = 1 << 20

// End says why nothing more may be spent.
type End uint8

// The ends. Only the first is none.
const (
	EndNone End = iota
	// EndSpent is the end of the budget, or of the time of a dear request.
	EndSpent
	// EndLate is the caller's deadline.
	EndLate
)

// Meter counts the work on one request. A nil Meter counts nothing and never ends; the zero
// value has nothing to spend. It is not safe for concurrent use.
type Meter struct {
	left   int // to be spent before the next look at the rest
	rest   int // beside left
	budget int
	unpack int // bytes that may still be unpacked
	dense  int // of those packed densely, bytes that cost no more than others
	dear   int // what only dear requests spend
	late   func() bool
	end    End
}

// Begin starts a request of so many bytes. late, if not nil, is asked now and then whether
// the caller's deadline has passed.
func (m *Meter) Begin(sent int, late func() bool) {
	*m = Meter{budget: Floor + Factor*sent, unpack: UnpackFloor + UnpackFactor*sent, dense: DenseFree, dear: dearFloor + dearFactor*sent, late: late}
	m.rest = m.budget
	m.more()
}

// Spend counts n bytes that are about to be read, and reports whether they may be. Once it
// has said no it does so for ever: whoever asked stops and keeps what has been found.
func (m *Meter) Spend(n int) bool {
	if m == nil {
		return true
	}
	m.left -= n
	return m.left >= 0 || m.more()
}

// Unpack counts n bytes that came out of something packed inside a body, dense of them past
// DenseRatio times what they were packed to, and reports whether the work may go on.
func (m *Meter) Unpack(n, dense int) bool {
	if m == nil {
		return true
	}
	if m.dense -= dense; m.dense < 0 {
		over := m.dense
		m.dense = 0
		m.Spend(-over * Factor)
	}
	if m.unpack -= n; m.unpack < 0 {
		m.Exhaust()
	}
	return m.Spend(2 * n)
}

// more moves another stretch from the rest, and reports whether there was enough.
func (m *Meter) more() bool {
	switch {
	case m.end != EndNone:
		return false
	case m.rest+m.left < 0:
		m.end = EndSpent
		return false
	case m.late != nil && m.late():
		m.end = EndLate
		// Whoever keeps a machine busy with dear requests must not have them pass for late.
		if m.Spent() >= m.dear {
			m.end = EndSpent
		}
		return false
	}
	n := min(m.rest, stretch-min(m.left, 0))
	m.left, m.rest = m.left+n, m.rest-n
	return true
}

// Exhaust ends the work as if the budget had been spent: what else is bounded, such as
// memory, has run out.
func (m *Meter) Exhaust() {
	if m != nil && m.end == EndNone {
		m.end = EndSpent
		m.left, m.rest = -1, 0
	}
}

// End returns why nothing more may be spent, EndNone if something may.
func (m *Meter) End() End { return m.end }

// Spent returns the bytes counted since Begin.
func (m *Meter) Spent() int { return m.budget - m.rest - m.left }

// Share returns the part of the budget that was spent: 1 or more if it did not suffice.
func (m *Meter) Share() float64 { return float64(m.Spent()) / float64(max(m.budget, 1)) }
