package ratelimit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// The memory is an array of 64-bit words: a header, the journal's cells, the slots.
const (
	headerWords = 16
	cellWords   = 4 + Periods
	slotWords   = 8

	// bucketSlots is the number of slots that an identifier can be in.
	bucketSlots = 64
	// Events is the number of events that can be between Allow and Done at once.
	Events = 8192
	// MaxClients bounds the size of a table: 2 GB.
	MaxClients = 1 << 24

	layout = 0x6b77_726c_0000_0002 // "kwrl", version 2
)

// The words of the header.
const (
	wordLayout = iota
	wordSlots
	wordSecret0
	wordSecret1
	wordEvicted
	wordForgotten
	wordRepeated
)

// ErrLayout says that the memory holds something else, such as the table of another version.
var ErrLayout = errors.New("ratelimit: the memory holds no table of this version and size: start with zeroed memory")

// Size returns the number of bytes that a table for the given number of clients needs.
func Size(clients int) int {
	return 8 * (headerWords + Events*cellWords + slotsFor(clients)*slotWords)
}

// slotsFor returns a whole number of buckets that are half full with so many clients.
func slotsFor(clients int) int {
	clients = min(max(clients, 1), MaxClients)
	return (2*clients + bucketSlots - 1) / bucketSlots * bucketSlots
}

// Table is a table of counters. All methods are safe for concurrent use, also by several
// Tables and processes over the same memory. The zero value is not usable.
type Table struct {
	header  []uint64
	cells   []uint64
	slots   []uint64
	buckets uint64
	secret  [16]byte
	// step is called by tests between the steps of an operation, to die there.
	step func(step)
}

// New returns a table for the given number of clients in ordinary memory. The secret keys
// the hash of identifiers; it should be random.
func New(clients int, secret [16]byte) *Table {
	t, err := open(make([]uint64, Size(clients)/8), secret)
	if err != nil {
		panic("ratelimit: fresh memory is refused: " + err.Error())
	}
	return t
}

// Open returns the table in memory, and makes one there if the memory is all zeros. The
// memory must begin at a multiple of 8, must stay mapped as long as the table is used, and
// is best as long as Size says. Every process that shares the memory may call Open, also at
// the same time; the secret of the first is kept in the memory and used by all.
func Open(memory []byte, secret [16]byte) (*Table, error) {
	if len(memory) < Size(1) {
		return nil, fmt.Errorf("ratelimit: %d bytes are too few: a table needs at least %d", len(memory), Size(1))
	}
	start := unsafe.Pointer(unsafe.SliceData(memory))
	if uintptr(start)%8 != 0 {
		return nil, errors.New("ratelimit: the memory does not begin at a multiple of 8")
	}
	return open(unsafe.Slice((*uint64)(start), len(memory)/8), secret)
}

func open(words []uint64, secret [16]byte) (*Table, error) {
	cellsEnd := headerWords + Events*cellWords
	slots := (len(words) - cellsEnd) / slotWords / bucketSlots * bucketSlots
	t := &Table{
		header:  words[:headerWords],
		cells:   words[headerWords:cellsEnd],
		slots:   words[cellsEnd : cellsEnd+slots*slotWords],
		buckets: uint64(slots / bucketSlots),
	}
	// Each word is settled by whoever comes first; the order does not matter.
	settle := func(word int, value uint64) uint64 {
		atomic.CompareAndSwapUint64(&t.header[word], 0, value)
		return atomic.LoadUint64(&t.header[word])
	}
	if settle(wordLayout, layout) != layout || settle(wordSlots, uint64(slots)) != uint64(slots) {
		return nil, ErrLayout
	}
	for i, word := range []int{wordSecret0, wordSecret1} {
		// A zero half would look like a half that nobody has set.
		value := settle(word, max(1, binary.LittleEndian.Uint64(secret[i*8:])))
		binary.LittleEndian.PutUint64(t.secret[i*8:], value)
	}
	return t, nil
}

// Stats are counters since the memory was made.
type Stats struct {
	// Clients is the number of clients that the table was made for.
	Clients int
	// Evicted counts identifiers that were dropped while one of their windows still ran.
	Evicted uint64
	// Forgotten counts events that were dropped from the journal before Done.
	Forgotten uint64
	// Repeated counts events that were not counted again after a crash.
	Repeated uint64
}

// Stats returns the table's counters.
func (t *Table) Stats() Stats {
	return Stats{
		Clients:   len(t.slots) / slotWords / 2,
		Evicted:   atomic.LoadUint64(&t.header[wordEvicted]),
		Forgotten: atomic.LoadUint64(&t.header[wordForgotten]),
		Repeated:  atomic.LoadUint64(&t.header[wordRepeated]),
	}
}

// Tracked returns the number of identifiers that the table holds, ended windows included.
// It reads every slot: some 10 ms for a million clients.
func (t *Table) Tracked() int {
	n := 0
	for s := range len(t.slots) / slotWords {
		if atomic.LoadUint64(t.key(s)) != 0 {
			n++
		}
	}
	return n
}
