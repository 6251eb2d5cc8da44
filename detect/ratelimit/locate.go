package ratelimit

import "sync/atomic"

// How an identifier gets its slot, and keeps it the only one. Whoever wants to add one
// claims a free slot by its key word; the slot is then a candidate. Before it is confirmed,
// the whole bucket is read once more: a confirmed slot of the same identifier wins, of two
// candidates the one in front. As each claim comes before its reading, two candidates
// cannot both miss each other, and a candidate that was removed cannot be confirmed, because
// its intent has changed. A candidate whose process has died is confirmed by the next caller
// of the same identifier, or removed to make room.

// maxTries bounds how often a call starts over because others were faster. Each time others
// made progress, so the bound is reached only if the memory is damaged.
const maxTries = 1000

// locate returns the slot of an identifier, and makes one if there is none.
func (t *Table) locate(k Key, now uint32) (s int, ok bool) {
	for range maxTries {
		s, found, vacancy, candidate := t.search(k)
		t.reached(stepChosen)
		switch {
		case found:
			return s, true
		case candidate >= 0:
			if t.confirm(candidate, k, now) {
				return candidate, true
			}
		case vacancy >= 0:
			i := t.loadIntent(vacancy)
			if i.kind() == free && atomic.CompareAndSwapUint64(t.key(vacancy), 0, k.tag<<16|i.sequence()&0xffff) {
				t.reached(stepClaimed)
				if t.confirm(vacancy, k, now) {
					return vacancy, true
				}
			}
		default:
			t.evict(k, now)
		}
	}
	return 0, false
}

// place returns the n-th slot in which to look for an identifier: its bucket from a place
// of its own on, so that it is mostly found at once.
func (k Key) place(n int) int {
	return int(k.bucket)*bucketSlots + int(k.tag+uint64(n))%bucketSlots
}

// search reads a bucket: the confirmed slot of an identifier, else the first free slot and
// the foremost candidate, -1 if there is none.
func (t *Table) search(k Key) (s int, found bool, vacancy, candidate int) {
	vacancy, candidate = -1, -1
	for n := range bucketSlots {
		s := k.place(n)
		word := atomic.LoadUint64(t.key(s))
		if word != 0 && word>>16 != k.tag {
			continue
		}
		i := t.loadIntent(s)
		switch {
		case i.kind() == dead:
			t.bury(s, i)
		case word == 0:
			if vacancy < 0 && i.kind() == free {
				vacancy = s
			}
		case i.kind() == free:
			if candidate < 0 || s < candidate {
				candidate = s
			}
		default:
			return s, true, -1, -1
		}
	}
	return 0, false, vacancy, candidate
}

// confirm makes a candidate the slot of an identifier. It fails if another slot is, or if
// the candidate was removed.
func (t *Table) confirm(s int, k Key, now uint32) bool {
	i := t.loadIntent(s)
	if i.kind() != free || atomic.LoadUint64(t.key(s))>>16 != k.tag {
		return false
	}
	for n := range bucketSlots {
		other := k.place(n)
		if other == s || atomic.LoadUint64(t.key(other))>>16 != k.tag {
			continue
		}
		switch o := t.loadIntent(other); o.kind() {
		case atRest, pending:
			t.remove(s, i)
			return false
		case free:
			if other < s {
				t.remove(s, i)
				return false
			}
			t.remove(other, o)
		}
	}
	t.reached(stepSearched)
	return t.swapIntent(s, i, i.next(atRest, now))
}

// remove takes the slot from its identifier, if its intent is still i, free or at rest.
func (t *Table) remove(s int, i intent) bool {
	next := i.next(dead, 0)
	if !t.swapIntent(s, i, next) {
		return false
	}
	t.reached(stepRemoved)
	t.bury(s, next)
	return true
}

// evict makes room in a full bucket: an identifier whose windows have all ended, else the
// one whose longest window ends soonest.
func (t *Table) evict(k Key, now uint32) {
	var victim int
	var victimIntent intent
	soonest := int64(-1)
	for n := range bucketSlots {
		s := k.place(n)
		i := t.loadIntent(s)
		if i.kind() == pending {
			t.help(s, i)
			i = t.loadIntent(s)
		}
		var ends int64
		switch i.kind() {
		case dead:
			t.bury(s, i)
			return
		case atRest:
			counts, ok := t.counts(s, i)
			if !ok {
				continue
			}
			ends = end(Second, i.payload()) // just confirmed, about to be counted in
			for p := Period(0); p < Periods; p++ {
				if counts[p] > 0 {
					ends = end(p, i.payload())
				}
			}
		case free:
			if atomic.LoadUint64(t.key(s)) == 0 {
				return // somebody has made room
			}
			ends = int64(now) // a candidate: somebody is just adding it, or died doing so
		default:
			continue
		}
		if soonest < 0 || ends < soonest {
			victim, victimIntent, soonest = s, i, ends
		}
		if soonest <= int64(now) {
			break
		}
	}
	if soonest >= 0 && t.remove(victim, victimIntent) && soonest > int64(now) {
		atomic.AddUint64(&t.header[wordEvicted], 1)
	}
}
