package reputation

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// The words of a slot. The sequence is odd while the slot is written.
const (
	wordSequence = iota
	wordMeta     // kind 8 | bits 8 | list 8 | level 8 | flags 8 | lengths of name, reason, node 8 each
	wordHigh
	wordLow
	wordSince
	wordUntil // 0: never
	wordChanged
	wordWindow // number of the window that the counters are of
	wordCounters
	wordName   = wordCounters + int(kinds)
	wordReason = wordName + MaxName/8
	wordNode   = wordReason + MaxReason/8
	slotUsed   = wordNode + MaxNode/8
)

var _ [slotWords - slotUsed]struct{} // a slot has room for all of it

const (
	flagManual = 1 << 32
	flagV4     = 1 << 33
)

// key is a client as a slot has it.
type key struct {
	kind      kind
	bits      uint8
	v4        bool
	high, low uint64
	name      string
}

func (c Client) key() key {
	if c.kind != kindRange {
		return key{kind: c.kind, name: c.name}
	}
	k := key{kind: kindRange, bits: uint8(c.prefix.Bits()), v4: c.prefix.Addr().Is4()}
	k.high, k.low = addrWords(c.prefix.Addr())
	return k
}

func (k *key) client() Client {
	if k.kind != kindRange {
		return Client{kind: k.kind, name: k.name}
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.high)
	binary.BigEndian.PutUint64(b[8:], k.low)
	addr := netip.AddrFrom16(b)
	if k.v4 {
		addr = addr.Unmap()
	}
	return Range(netip.PrefixFrom(addr, int(k.bits)))
}

func (k *key) meta() uint64 {
	m := uint64(k.kind) | uint64(k.bits)<<8
	if k.v4 {
		m |= flagV4
	}
	return m
}

// keyMask are the bits of the meta word that belong to the key.
const keyMask = 0xffff | flagV4

// tag returns a key's hash with the table's secret; never 0.
func (t *Table) tag(k *key) uint64 {
	h := mix(k.meta()^t.secret[0], t.secret[1])
	if k.kind == kindRange {
		h = mix(h^k.high, k.low^t.secret[1])
	}
	for i := 0; i < len(k.name); i += 8 {
		h = mix(h^word(k.name, i), t.secret[1]^uint64(len(k.name)))
	}
	return mix(h, t.secret[0]) | 1
}

// mix folds the product of two words, as wyhash does. What comes out tells nobody the secret who
// does not see it.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd6e8feb86659fd93)
	return high ^ low
}

// word returns eight bytes of a text, zeros behind its end.
func word(s string, at int) (w uint64) {
	for j := range min(8, len(s)-at) {
		w |= uint64(s[at+j]) << (8 * j)
	}
	return w
}

func (t *Table) load(slot, word int) uint64 { return atomic.LoadUint64(&t.slots[slot*slotWords+word]) }

func (t *Table) set(slot, word int, value uint64) {
	atomic.StoreUint64(&t.slots[slot*slotWords+word], value)
}

// tries is how often a slot is read that is being written.
const tries = 64

// peek returns the list that a slot's client is on, if it is the key's.
func (t *Table) peek(i int, k *key, now int64) (list List, ok bool) {
	for range tries {
		sequence := t.load(i, wordSequence)
		if sequence&1 != 0 {
			continue
		}
		meta := t.load(i, wordMeta)
		same := meta&keyMask == k.meta() && t.load(i, wordHigh) == k.high && t.load(i, wordLow) == k.low && t.nameIs(i, meta, k.name)
		until := int64(t.load(i, wordUntil))
		if t.load(i, wordSequence) != sequence {
			continue
		}
		if !same || until != 0 && until <= now {
			return None, false
		}
		return List(meta >> 16 & 0xff), true
	}
	return None, false
}

func (t *Table) nameIs(i int, meta uint64, name string) bool {
	if int(meta>>40&0xff) != len(name) {
		return false
	}
	for at := 0; at < len(name); at += 8 {
		if t.load(i, wordName+at/8) != word(name, at) {
			return false
		}
	}
	return true
}

// entry reads a slot; ok is false if it is empty, or being written all the time.
func (t *Table) entry(i int) (e Entry, ok bool) {
	for range tries {
		sequence := t.load(i, wordSequence)
		if sequence&1 != 0 {
			continue
		}
		meta := t.load(i, wordMeta)
		k := t.keyOf(i)
		e = Entry{
			Client: k.client(), List: List(min(meta>>16&0xff, uint64(lists-1))), Level: int(meta >> 24 & 0xff), Manual: meta&flagManual != 0,
			Reason: t.text(i, wordReason, min(int(meta>>48&0xff), MaxReason)), Node: t.text(i, wordNode, min(int(meta>>56&0xff), MaxNode)),
			Since: fromMilli(t.load(i, wordSince)), Until: fromMilli(t.load(i, wordUntil)), Changed: fromMilli(t.load(i, wordChanged)),
		}
		if t.load(i, wordSequence) == sequence {
			return e, k.kind != kindNone
		}
	}
	return Entry{}, false
}

func (t *Table) keyOf(i int) key {
	meta := t.load(i, wordMeta)
	k := key{kind: kind(meta & 0xff), bits: uint8(meta >> 8), v4: meta&flagV4 != 0, high: t.load(i, wordHigh), low: t.load(i, wordLow)}
	if k.kind != kindRange {
		k.name = t.text(i, wordName, min(int(meta>>40&0xff), MaxName))
	}
	return k
}

func fromMilli(ms uint64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

func toMilli(at time.Time) uint64 {
	if at.IsZero() {
		return 0
	}
	return uint64(at.UnixMilli())
}

func (t *Table) text(i, from, length int) string {
	if length == 0 {
		return ""
	}
	b := make([]byte, 0, length+8)
	for at := 0; at < length; at += 8 {
		b = binary.LittleEndian.AppendUint64(b, t.load(i, from+at/8))
	}
	return string(b[:length])
}

func (t *Table) setText(i, from int, s string) {
	for at := 0; at < len(s); at += 8 {
		t.set(i, from+at/8, word(s, at))
	}
}

// write writes an entry over a slot, which is the client's or nobody's. The counters stay
// with the client. t.mu is held.
func (t *Table) write(i int, e *Entry) {
	k := e.Client.key()
	node := strings.ToValidUTF8(e.Node[:min(len(e.Node), MaxNode)], "")
	sequence := t.load(i, wordSequence)
	t.set(i, wordSequence, sequence+1)
	t.set(i, wordHigh, k.high)
	t.set(i, wordLow, k.low)
	t.set(i, wordSince, toMilli(e.Since))
	t.set(i, wordUntil, toMilli(e.Until))
	t.set(i, wordChanged, toMilli(e.Changed))
	t.setText(i, wordName, k.name)
	t.setText(i, wordReason, e.Reason)
	t.setText(i, wordNode, node)
	meta := k.meta() | uint64(e.List)<<16 | uint64(min(e.Level, 255))<<24 |
		uint64(len(k.name))<<40 | uint64(len(e.Reason))<<48 | uint64(len(node))<<56
	if e.Manual {
		meta |= flagManual
	}
	t.set(i, wordMeta, meta)
	atomic.StoreUint64(&t.tags[i], t.tag(&k))
	t.set(i, wordSequence, sequence+2)
}

// clear empties a slot, within a change of it or while it is nobody's. t.mu is held.
func (t *Table) clear(i int) {
	atomic.StoreUint64(&t.tags[i], 0)
	for w := wordMeta; w < slotUsed; w++ {
		t.set(i, w, 0)
	}
}
