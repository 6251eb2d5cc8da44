package reputation

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// The memory is an array of 64-bit words: a header, a tag for each slot, the slots.
const (
	headerWords = 16
	bucketSlots = 16
	slotWords   = 40

	layout = 0x6b77_7270_0000_0001 // "kwrp", version 1
	// MaxClients bounds the size of a table: 330 MB.
	MaxClients = 1 << 20
)

// The words of the header.
const (
	wordLayout = iota
	wordSlots
	wordSecret0
	wordSecret1
	wordBits  // of the lengths of IPv4 ranges in the table
	wordBits6 // and of those of IPv6, three words
	_
	_
	wordNamed // how many consumers and keys are in the table
	wordDisplaced
	wordUntracked
	wordChanges
)

// ErrLayout says that the memory holds something else, such as the table of another version.
var ErrLayout = errors.New("reputation: the memory holds no table of this version and size: start with zeroed memory")

// Size returns the number of bytes that a table for so many clients needs.
func Size(clients int) int { return 8 * (headerWords + slotsFor(clients)*(1+slotWords)) }

func slotsFor(clients int) int {
	clients = min(max(clients, bucketSlots), MaxClients)
	return (clients + bucketSlots - 1) / bucketSlots * bucketSlots
}

// Table is a table of clients. Lookup may be called concurrently with everything, the other
// methods too within one process; only one process may change a table. The zero value is not
// usable.
type Table struct {
	header, tags, slots []uint64
	secret              [2]uint64
	buckets             uint64

	mu      sync.Mutex // held by who changes the table
	lengths [2][129]int
	named   int
	manual  int
}

// New returns a table for so many clients in ordinary memory. The secret keys the hash by
// which clients are found; it should be random.
func New(clients int, secret [16]byte) *Table {
	t, err := Open(bytesOf(make([]uint64, Size(clients)/8)), secret)
	if err != nil {
		panic("reputation: fresh memory is refused: " + err.Error())
	}
	return t
}

func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}

// Open returns the table in memory for the one process that changes it, and makes one there
// if the memory is all zeros. What a writer that died left half written is cleared.
func Open(memory []byte, secret [16]byte) (*Table, error) {
	t, err := read(memory, secret)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.tags {
		if t.load(i, 0)&1 != 0 {
			t.clear(i)
			t.set(i, 0, t.load(i, 0)+1)
		} else if atomic.LoadUint64(&t.tags[i]) != 0 {
			t.count(t.keyOf(i), 1)
			if t.load(i, wordMeta)&flagManual != 0 {
				t.manual++
			}
		}
	}
	t.publish()
	return t, nil
}

// Read returns the table in memory for a process that only looks clients up.
func Read(memory []byte, secret [16]byte) (*Table, error) { return read(memory, secret) }

func read(memory []byte, secret [16]byte) (*Table, error) {
	if len(memory) < Size(1) {
		return nil, fmt.Errorf("reputation: %d bytes are too few: a table needs at least %d", len(memory), Size(1))
	}
	start := unsafe.Pointer(unsafe.SliceData(memory))
	if uintptr(start)%8 != 0 {
		return nil, errors.New("reputation: the memory does not begin at a multiple of 8")
	}
	words := unsafe.Slice((*uint64)(start), len(memory)/8)
	slots := (len(words) - headerWords) / (1 + slotWords) / bucketSlots * bucketSlots
	t := &Table{
		header:  words[:headerWords],
		tags:    words[headerWords : headerWords+slots],
		slots:   words[headerWords+slots : headerWords+slots*(1+slotWords)],
		buckets: uint64(slots / bucketSlots),
	}
	// Each word is settled by whoever comes first.
	settle := func(word int, value uint64) uint64 {
		atomic.CompareAndSwapUint64(&t.header[word], 0, value)
		return atomic.LoadUint64(&t.header[word])
	}
	if settle(wordLayout, layout) != layout || settle(wordSlots, uint64(slots)) != uint64(slots) {
		return nil, ErrLayout
	}
	for i, word := range []int{wordSecret0, wordSecret1} {
		t.secret[i] = settle(word, max(1, binary.LittleEndian.Uint64(secret[i*8:])))
	}
	return t, nil
}

// Standing is what is known of a client at a moment. The zero value is: nothing.
type Standing struct {
	List List
	slot int
}

// Lookup returns the standing of an address. It costs a probe for each length of range that
// is in the table, and next to nothing while the table is empty.
func (t *Table) Lookup(now time.Time, addr netip.Addr) (s Standing) {
	if t == nil || !addr.IsValid() {
		return s
	}
	if addr.Is4() {
		if lengths := atomic.LoadUint64(&t.header[wordBits]); lengths != 0 {
			t.probe(now.UnixMilli(), addr, 0, lengths, &s)
		}
		return s
	}
	for i := 2; i >= 0; i-- {
		if lengths := atomic.LoadUint64(&t.header[wordBits6+i]); lengths != 0 {
			t.probe(now.UnixMilli(), addr, 64*i, lengths, &s)
		}
	}
	return s
}

// LookupName returns the standing of a consumer (by id or username) or a key.
func (t *Table) LookupName(now time.Time, c Client) (s Standing) {
	if t == nil || c.name == "" || atomic.LoadUint64(&t.header[wordNamed]) == 0 {
		return s
	}
	k := key{kind: c.kind, name: c.name}
	t.find(now.UnixMilli(), &k, &s)
	return s
}

// Better returns the standing that decides, of two for the same request.
func (s Standing) Better(other Standing) Standing {
	if other.List > s.List {
		return other
	}
	return s
}

// probe looks for the address under each length of a word of lengths.
func (t *Table) probe(now int64, addr netip.Addr, base int, lengths uint64, s *Standing) {
	k := key{kind: kindRange, v4: addr.Is4()}
	high, low := addrWords(addr)
	for lengths != 0 {
		n := bits.Len64(lengths) - 1
		lengths &^= 1 << n
		k.bits = uint8(base + n)
		mask := base + n
		if k.v4 {
			mask += 96
		}
		k.high, k.low = high&ones(mask), low&ones(mask-64)
		t.find(now, &k, s)
	}
}

// ones returns a word whose first n bits are set.
func ones(n int) uint64 {
	if n <= 0 {
		return 0
	}
	return ^uint64(0) << (64 - min(n, 64))
}

func addrWords(addr netip.Addr) (high, low uint64) {
	b := addr.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// find improves a standing by what is known of a key.
func (t *Table) find(now int64, k *key, s *Standing) {
	tag := t.tag(k)
	first := int(tag%t.buckets) * bucketSlots
	for i := first; i < first+bucketSlots; i++ {
		if atomic.LoadUint64(&t.tags[i]) != tag {
			continue
		}
		if list, ok := t.peek(i, k, now); ok && list > s.List {
			*s = Standing{List: list, slot: i}
		}
	}
}

// Describe returns the entry behind a standing; ok is false if it has changed meanwhile.
func (t *Table) Describe(s Standing) (e Entry, ok bool) {
	if t == nil || s.List == None {
		return Entry{}, false
	}
	e, ok = t.entry(s.slot)
	return e, ok && e.List == s.List
}

// Entries returns what holds at a time, in no order.
func (t *Table) Entries(now time.Time) []Entry {
	var all []Entry
	for i := range t.tags {
		if atomic.LoadUint64(&t.tags[i]) == 0 {
			continue
		}
		if e, ok := t.entry(i); ok && e.holds(now) {
			all = append(all, e)
		}
	}
	return all
}

// Stats are counters since the memory was made.
type Stats struct {
	// Clients is how many clients the table has room for, Tracked how many it holds.
	Clients, Tracked int
	// Displaced counts automatic entries that had to go before their time.
	Displaced uint64
	// Untracked counts strikes that were not counted, because a bucket was full of entries.
	Untracked uint64
}

// Stats returns the table's counters. It reads every tag.
func (t *Table) Stats() Stats {
	s := Stats{Clients: len(t.tags), Displaced: atomic.LoadUint64(&t.header[wordDisplaced]), Untracked: atomic.LoadUint64(&t.header[wordUntracked])}
	for i := range t.tags {
		if atomic.LoadUint64(&t.tags[i]) != 0 {
			s.Tracked++
		}
	}
	return s
}

// Changes counts up with every change of an entry.
func (t *Table) Changes() uint64 { return atomic.LoadUint64(&t.header[wordChanges]) }
