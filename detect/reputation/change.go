package reputation

import (
	"errors"
	"sync/atomic"
	"time"
)

// maxManual bounds what people write, as a share of the table: the rest is for what happens.
const maxManual = 4

// ErrFull says that no more entries of people fit in.
var ErrFull = errors.New("reputation: no room for more entries of people: remove some, merge ranges, or make room for more clients")

// Put writes an entry over whatever there is of its client: the history of its strikes stays.
// What a person has written gives way only to a person.
func (t *Table) Put(now time.Time, e Entry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k := e.Client.key()
	i, found := t.locate(&k)
	if found {
		old, _ := t.entry(i)
		if old.Manual && old.holds(now) && !e.Manual {
			return nil
		}
		e.Level = max(e.Level, old.Level)
	}
	wasManual := found && t.load(i, wordMeta)&flagManual != 0
	if e.Manual && !wasManual && t.manual >= len(t.tags)/maxManual {
		return ErrFull
	}
	if !found {
		if i = t.room(&k, now, true); i < 0 {
			return ErrFull
		}
		t.empty(i)
		wasManual = false
	}
	t.enter(i, &e, found)
	if e.Manual && !wasManual {
		t.manual++
	} else if !e.Manual && wasManual {
		t.manual--
	}
	return nil
}

// Remove takes a client off its list and forgets its strikes. It reports whether there was an entry.
func (t *Table) Remove(now time.Time, c Client) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := c.key()
	i, found := t.locate(&k)
	if !found {
		return false
	}
	e, _ := t.entry(i)
	t.empty(i)
	t.publish()
	return e.holds(now)
}

// Get returns the entry of exactly this client that holds at a time.
func (t *Table) Get(now time.Time, c Client) (Entry, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := c.key()
	i, found := t.locate(&k)
	if !found {
		return Entry{}, false
	}
	e, ok := t.entry(i)
	return e, ok && e.holds(now)
}

// locate returns the slot of a client. t.mu is held.
func (t *Table) locate(k *key) (slot int, found bool) {
	tag := t.tag(k)
	first := int(tag%t.buckets) * bucketSlots
	for i := first; i < first+bucketSlots; i++ {
		if atomic.LoadUint64(&t.tags[i]) == tag && t.keyOf(i) == *k {
			return i, true
		}
	}
	return -1, false
}

// room returns the slot of a bucket whose client matters least, -1 if all matter more than
// one that is (or is not) to be listed. t.mu is held.
func (t *Table) room(k *key, now time.Time, listed bool) int {
	first := int(t.tag(k)%t.buckets) * bucketSlots
	best, bestRank, bestAge := -1, 0, uint64(0)
	for i := first; i < first+bucketSlots; i++ {
		if atomic.LoadUint64(&t.tags[i]) == 0 {
			return i
		}
		meta, until := t.load(i, wordMeta), t.load(i, wordUntil)
		list := meta >> 16 & 0xff
		holds := list != uint64(None) && (until == 0 || now.UnixMilli() < int64(until))
		rank, age := 0, t.load(i, wordChanged)
		switch {
		case holds && (meta&flagManual != 0 || !listed):
			continue
		case holds:
			rank, age = 1+int(list), until
		case meta>>24&0xff > 0: // it has been on a list
			rank = 1
		}
		if best < 0 || rank < bestRank || rank == bestRank && age < bestAge {
			best, bestRank, bestAge = i, rank, age
		}
	}
	if bestRank > 1 {
		atomic.AddUint64(&t.header[wordDisplaced], 1)
	}
	return best
}

// enter writes an entry into a slot and counts it. t.mu is held.
func (t *Table) enter(i int, e *Entry, known bool) {
	t.write(i, e)
	if !known {
		k := e.Client.key()
		t.count(k, 1)
		t.publish()
	}
	atomic.AddUint64(&t.header[wordChanges], 1)
}

// empty takes whoever is in a slot out of it. t.mu is held.
func (t *Table) empty(i int) {
	if atomic.LoadUint64(&t.tags[i]) == 0 {
		return
	}
	t.count(t.keyOf(i), -1)
	if t.load(i, wordMeta)&flagManual != 0 {
		t.manual--
	}
	sequence := t.load(i, wordSequence)
	t.set(i, wordSequence, sequence+1)
	t.clear(i)
	t.set(i, wordSequence, sequence+2)
	atomic.AddUint64(&t.header[wordChanges], 1)
}

// count counts what readers have to look for. t.mu is held.
func (t *Table) count(k key, by int) {
	if k.kind != kindRange {
		t.named += by
		return
	}
	family := 0
	if !k.v4 {
		family = 1
	}
	t.lengths[family][min(k.bits, 128)] += by
}

// publish tells readers what to look for. t.mu is held.
func (t *Table) publish() {
	var words [4]uint64
	for n, count := range t.lengths[0][:33] {
		if count > 0 {
			words[0] |= 1 << n
		}
	}
	for n, count := range t.lengths[1] {
		if count > 0 {
			words[1+n/64] |= 1 << (n % 64)
		}
	}
	for i, w := range words {
		atomic.StoreUint64(&t.header[wordBits+i], w)
	}
	atomic.StoreUint64(&t.header[wordNamed], uint64(max(t.named, 0)))
}
