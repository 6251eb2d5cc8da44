package metrics

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// The memory: a header, slots of single numbers, slots of histograms. Each slot begins
// with the hash of its key, a flag, and the key. It is part of what an upgrade hands from
// one version to the next: who changes it changes layoutVersion.
const (
	layoutVersion = 1
	headerWords   = 8

	keyWords    = 22 // 176 bytes, the first of which is the length
	slotHead    = 2 + keyWords
	numberWords = slotHead + 1
	numbers     = 2048

	histogramWords = slotHead + 2 + len(classicBounds) + nativeBuckets
	histograms     = 128

	words = headerWords + numbers*numberWords + histograms*histogramWords
)

// Size is how much memory a table needs, in bytes.
const Size = 8 * words

// Table is a table of numbers. Its methods may be called concurrently, also by several
// processes over the same memory; a process may die between any two instructions.
type Table struct {
	header, numbers, histograms []uint64
}

// New returns a table in memory of its own.
func New() *Table {
	t, _ := open(make([]uint64, words)) // zeros are a table
	return t
}

// Open returns the table in memory of Size bytes: zeros, or what another Table left there.
func Open(memory []byte) (*Table, error) {
	if len(memory) != Size {
		return nil, fmt.Errorf("metrics: memory of %d bytes, not %d", len(memory), Size)
	}
	start := unsafe.Pointer(unsafe.SliceData(memory))
	if uintptr(start)%8 != 0 {
		return nil, errors.New("metrics: the memory does not begin at a multiple of 8")
	}
	return open(unsafe.Slice((*uint64)(start), words))
}

func open(memory []uint64) (*Table, error) {
	t := &Table{header: memory[:headerWords]}
	memory = memory[headerWords:]
	t.numbers, t.histograms = memory[:numbers*numberWords], memory[numbers*numberWords:]
	atomic.CompareAndSwapUint64(&t.header[0], 0, layoutVersion)
	if v := atomic.LoadUint64(&t.header[0]); v != layoutVersion {
		return nil, fmt.Errorf("metrics: the memory is of layout %d, this program's is %d: restart the supervisor", v, layoutVersion)
	}
	return t, nil
}

// Number is one number of a table. Copies are the same number.
type Number struct{ word *uint64 }

// Add adds to a counter.
func (n Number) Add(delta uint64) { atomic.AddUint64(n.word, delta) }

// Set sets a gauge.
func (n Number) Set(value uint64) { atomic.StoreUint64(n.word, value) }

// CompareAndSwap sets a gauge if it is what the caller has seen.
func (n Number) CompareAndSwap(seen, value uint64) bool {
	return atomic.CompareAndSwapUint64(n.word, seen, value)
}

// Get returns the number.
func (n Number) Get() uint64 { return atomic.LoadUint64(n.word) }

// Number returns the number of a metric with the given label values, in the order of its
// Labels. It costs a search: keep what is needed often. When the table is full, the number
// returned is nobody's, and Lost says so.
func (t *Table) Number(m *Metric, labels ...string) Number {
	slot := t.slot(t.numbers, numberWords, m, labels)
	return Number{&slot[slotHead]}
}

// Histogram is one histogram of a table. Copies are the same histogram.
type Histogram struct{ slot []uint64 }

// Histogram returns the histogram of a metric with the given label values, as Number does.
func (t *Table) Histogram(m *Metric, labels ...string) Histogram {
	return Histogram{t.slot(t.histograms, histogramWords, m, labels)[slotHead:]}
}

// Lost returns how many times a label's value found the table full.
func (t *Table) Lost() uint64 { return atomic.LoadUint64(&t.header[1]) }

// slot finds or makes the slot of a key.
func (t *Table) slot(area []uint64, size int, m *Metric, labels []string) []uint64 {
	key := m.key(labels)
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(key))
	hash := sum.Sum64() | 1 // never 0, which is a free slot
	count := len(area) / size
	for i := range count {
		at := (int(hash%uint64(count)) + i) % count * size
		slot := area[at : at+size]
		held := atomic.LoadUint64(&slot[0])
		if held == 0 && !atomic.CompareAndSwapUint64(&slot[0], 0, hash) {
			held = atomic.LoadUint64(&slot[0]) // somebody was faster
		}
		if held != 0 && held != hash {
			continue
		}
		if atomic.LoadUint64(&slot[1]) == 0 {
			// Ours, or of one who died here or is writing the same just now.
			writeKey(slot[2:slotHead], key)
			atomic.StoreUint64(&slot[1], 1)
		}
		return slot
	}
	atomic.AddUint64(&t.header[1], 1)
	return make([]uint64, size)
}

// writeKey writes a key that Metric.key has made short enough.
func writeKey(words []uint64, key string) {
	for i := range words {
		var w uint64
		for j := range 8 {
			b := byte(len(key))
			if at := 8*i + j - 1; at >= 0 {
				b = 0
				if at < len(key) {
					b = key[at]
				}
			}
			w |= uint64(b) << (8 * j)
		}
		atomic.StoreUint64(&words[i], w)
	}
}

func readKey(words []uint64) string {
	b := make([]byte, 0, 8*len(words))
	for i := range words {
		w := atomic.LoadUint64(&words[i])
		for j := range 8 {
			b = append(b, byte(w>>(8*j)))
		}
	}
	return string(b[1 : 1+min(int(b[0]), len(b)-1)])
}

// Each calls number and histogram for every series of the table, with the metric's name
// and the label values.
func (t *Table) Each(number func(name string, labels []string, n Number), histogram func(name string, labels []string, h Histogram)) {
	each(t.numbers, numberWords, func(name string, labels []string, rest []uint64) { number(name, labels, Number{&rest[0]}) })
	each(t.histograms, histogramWords, func(name string, labels []string, rest []uint64) { histogram(name, labels, Histogram{rest}) })
}

func each(area []uint64, size int, visit func(name string, labels []string, rest []uint64)) {
	for at := 0; at < len(area); at += size {
		if slot := area[at : at+size]; atomic.LoadUint64(&slot[1]) == 1 {
			parts := strings.Split(readKey(slot[2:slotHead]), "\x00")
			visit(parts[0], parts[1:], slot[slotHead:])
		}
	}
}

// Observe adds a duration.
func (h Histogram) Observe(d time.Duration) {
	if d < 0 {
		d = 0
	}
	seconds := d.Seconds()
	atomic.AddUint64(&h.slot[0], uint64(d))
	for i, bound := range classicBounds {
		if seconds <= bound {
			atomic.AddUint64(&h.slot[2+i], 1)
			break
		}
	}
	atomic.AddUint64(&h.slot[2+len(classicBounds)+nativeBucket(seconds)], 1)
}
