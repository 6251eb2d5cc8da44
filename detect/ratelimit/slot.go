package ratelimit

import "sync/atomic"

// A slot is eight words: key, intent, and a counter for each period.
//
//	key      tag 48 | generation 16      0: nobody's
//	intent   kind 2 | sequence 30 | payload 32
//	counter  count 40 | mark 24
//
// The sequence grows with every change of the intent, and the mark of a counter is that of
// the operation that wrote it last. An operation rewrites every counter that it changes or
// that is not zero; so its mark tells helpers what has been applied, and no word of a slot
// ever returns to an old value that a late helper could mistake for the present one.

// The kinds of an intent. The payload of atRest is the second of the last call, that of
// pending the number of a journal cell.
const (
	free    = iota // no identifier, or one that is not confirmed yet; all counts are zero
	atRest         // an identifier at rest
	pending        // an operation is decided and being applied
	dead           // the identifier is being removed
)

type intent uint64

func newIntent(kind int, sequence uint64, payload uint32) intent {
	return intent(uint64(kind)<<62 | sequence&(1<<30-1)<<32 | uint64(payload))
}

func (i intent) kind() int        { return int(i >> 62) }
func (i intent) sequence() uint64 { return uint64(i>>32) & (1<<30 - 1) }
func (i intent) payload() uint32  { return uint32(i) }
func (i intent) mark() uint64     { return 1 + i.sequence()%(1<<24-1) }

// next returns the intent that follows i.
func (i intent) next(kind int, payload uint32) intent {
	return newIntent(kind, i.sequence()+1, payload)
}

const (
	markBits = 24
	markMask = 1<<markBits - 1
	maxCount = 1<<40 - 1
)

func (t *Table) key(s int) *uint64               { return &t.slots[s*slotWords] }
func (t *Table) intent(s int) *uint64            { return &t.slots[s*slotWords+1] }
func (t *Table) counter(s int, p Period) *uint64 { return &t.slots[s*slotWords+2+int(p)] }

func (t *Table) loadIntent(s int) intent { return intent(atomic.LoadUint64(t.intent(s))) }

func (t *Table) swapIntent(s int, old, new intent) bool {
	return atomic.CompareAndSwapUint64(t.intent(s), uint64(old), uint64(new))
}

// counts reads the counters of a slot as they were while its intent was i; false if the
// intent has changed.
func (t *Table) counts(s int, i intent) (counts [Periods]uint64, ok bool) {
	for p := Period(0); p < Periods; p++ {
		counts[p] = atomic.LoadUint64(t.counter(s, p)) >> markBits
		t.reached(stepRead)
	}
	return counts, t.loadIntent(s) == i
}

// help completes the operation of a slot whose intent is i, pending. Any number of callers
// may do so at once.
func (t *Table) help(s int, i intent) {
	c := int(i.payload()) % Events
	state := t.loadState(c)
	op := operation(atomic.LoadUint64(t.operation(c)))
	// If the cell belonged to another operation by now, apply would find the intent changed.
	for p := Period(0); p < Periods; p++ {
		if !t.apply(s, i, op, p) {
			return
		}
		t.reached(stepCounter)
	}
	// The cell must say "counted" before the slot forgets it.
	if state.kind() == begun {
		t.swapState(c, state, state.as(counted))
	}
	t.reached(stepMarked)
	t.swapIntent(s, i, newIntent(atRest, i.sequence(), op.second()))
	t.reached(stepAtRest)
}

// apply brings one counter to its new value. It reports false once the operation is known
// to be completed.
func (t *Table) apply(s int, i intent, op operation, p Period) bool {
	word := t.counter(s, p)
	value := atomic.LoadUint64(t.value(int(i.payload())%Events, p)) // that of i, if i still is the intent below
	for {
		old := atomic.LoadUint64(word)
		t.reached(stepApplying)
		if t.loadIntent(s) != i {
			return false
		}
		// Until the intent changes, old is either from before this operation or its work.
		count := old >> markBits
		switch over := int(p) < op.ended(); {
		case count == 0 && !op.counts(p), count > 0 && old&markMask == i.mark():
			return true
		case over:
			count = 0
		}
		if op.counts(p) {
			count = value & maxCount
		}
		if atomic.CompareAndSwapUint64(word, old, count<<markBits|i.mark()) {
			return true
		}
	}
}

// bury empties a slot whose intent is i, dead, and makes it free. Any number of callers may
// do so at once.
func (t *Table) bury(s int, i intent) {
	for p := Period(0); p < Periods; p++ {
		if !t.clear(s, i, t.counter(s, p), markBits, i.mark()) {
			return
		}
	}
	if t.clear(s, i, t.key(s), 0, 0) {
		t.reached(stepBuried)
		t.swapIntent(s, i, i.next(free, 0))
	}
}

// clear sets one word of a dead slot to zero, unless its value without the low bits is
// zero already; it reports false once the slot is known to be free.
func (t *Table) clear(s int, i intent, word *uint64, low int, zero uint64) bool {
	for {
		old := atomic.LoadUint64(word)
		switch {
		case t.loadIntent(s) != i:
			return false
		case old>>low == 0 || atomic.CompareAndSwapUint64(word, old, zero):
			return true
		}
	}
}
