package ratelimit

import "sync/atomic"

// A journal cell is ten words: state, event, operation, slot, and for each period the value
// that its counter gets.
//
//	state      generation 30 | kind 2 | second 32
//	operation  0 | periods that ended 3 | periods to count 6 | second 32
//
// A cell that has begun belongs to one goroutine, which alone writes the other words, until
// its operation is decided or given up. Nobody ever takes a cell over in that state: a
// process that dies there loses the cell. Once it says "counted", whoever finds its event
// again knows that it was.

// The kinds of a cell's state.
const (
	vacant  = iota
	begun   // an operation is being prepared, or decided and not yet applied
	counted // the operation is decided, and its event not yet answered
)

const (
	// journalWindow is the number of cells that an event can be in.
	journalWindow = 64
	// journalLife is how many seconds an event is remembered.
	journalLife = 120
)

type state uint64

func (s state) kind() int      { return int(s>>32) & 3 }
func (s state) second() uint32 { return uint32(s) }

// as returns the state with another kind.
func (s state) as(kind int) state { return s&^(3<<32) | state(kind)<<32 }

// next returns the state that follows s, with a new generation.
func (s state) next(kind int, second uint32) state {
	return (s>>34+1)<<34 | state(kind)<<32 | state(second)
}

// remembered reports whether a counted event is still to be remembered at now.
func (s state) remembered(now uint32) bool {
	return s.kind() == counted && now <= s.second()+journalLife
}

type operation uint64

// newOperation is to count a call at second in the periods that have a limit, ended periods
// being those whose windows ended before it.
func newOperation(limits *Limits, ended int, second uint32) operation {
	op := operation(ended)<<38 | operation(second)
	for p := range limits {
		if limits[p] > 0 {
			op |= 1 << (32 + p)
		}
	}
	return op
}

func (o operation) second() uint32       { return uint32(o) }
func (o operation) counts(p Period) bool { return o>>(32+p)&1 == 1 }
func (o operation) ended() int           { return int(o>>38) & 7 }

func (t *Table) stateWord(c int) *uint64 { return &t.cells[c*cellWords] }
func (t *Table) event(c int) *uint64     { return &t.cells[c*cellWords+1] }
func (t *Table) operation(c int) *uint64 { return &t.cells[c*cellWords+2] }
func (t *Table) slotOf(c int) *uint64    { return &t.cells[c*cellWords+3] }

func (t *Table) value(c int, p Period) *uint64 {
	return &t.cells[c*cellWords+4+int(p)]
}

func (t *Table) loadState(c int) state { return state(atomic.LoadUint64(t.stateWord(c))) }

func (t *Table) swapState(c int, old, new state) bool {
	return atomic.CompareAndSwapUint64(t.stateWord(c), uint64(old), uint64(new))
}

// settle completes the operation of a cell's slot, if it is still being applied, and
// returns the cell's state after that.
func (t *Table) settle(c int) state {
	s := int(atomic.LoadUint64(t.slotOf(c)) % uint64(len(t.slots)/slotWords))
	if i := t.loadIntent(s); i.kind() == pending && int(i.payload()) == c {
		t.help(s, i)
	}
	return t.loadState(c)
}

// wasCounted reports whether the event was counted before, and not answered.
func (t *Table) wasCounted(e Event, now uint32) bool {
	for n := range journalWindow {
		c := (int(e%Events) + n) % Events
		if atomic.LoadUint64(t.event(c)) == uint64(e) && t.loadState(c).kind() != vacant && t.settle(c).remembered(now) {
			return true
		}
	}
	return false
}

// cell is a journal cell that a goroutine has begun, with the state that it gave it. The
// zero value is none.
type cell struct {
	c     int
	state state
}

// begin takes a vacant cell for an event. If there is none near, it forgets the event that
// has waited for its answer the longest. It fails if all cells near are being used at this
// very moment, or lost by processes that died in it.
func (t *Table) begin(e Event, near uint64, now uint32) (cell, bool) {
	for range journalWindow {
		oldest, oldestState := -1, state(0)
		for n := range journalWindow {
			c := (int(near%Events) + n) % Events
			s := t.loadState(c)
			switch {
			case s.kind() == vacant:
				if mine := s.next(begun, now); t.swapState(c, s, mine) {
					t.reached(stepBegun)
					atomic.StoreUint64(t.event(c), uint64(e))
					t.reached(stepEvent)
					return cell{c, mine}, true
				}
			case s.kind() == counted && (oldest < 0 || s.second() < oldestState.second()):
				oldest, oldestState = c, s
			}
		}
		if oldest < 0 {
			return cell{}, false
		}
		if t.settle(oldest) == oldestState && t.swapState(oldest, oldestState, oldestState.next(vacant, 0)) && oldestState.remembered(now) {
			atomic.AddUint64(&t.header[wordForgotten], 1)
		}
	}
	return cell{}, false
}

// release gives a cell back to the journal, whether its operation was decided or given up.
// A cell that was counted may have been taken by others already.
func (t *Table) release(own cell) {
	if own.state == 0 {
		return
	}
	next := own.state.next(vacant, 0)
	if !t.swapState(own.c, own.state, next) {
		t.swapState(own.c, own.state.as(counted), next)
	}
}

// Done says that an event that Allow has counted is answered: it need not be remembered any
// longer. It does nothing for an event that is not remembered, such as a refused one.
func (t *Table) Done(e Event) {
	if e == 0 {
		return
	}
	for n := range journalWindow {
		c := (int(e%Events) + n) % Events
		s := t.loadState(c)
		if s.kind() == vacant || atomic.LoadUint64(t.event(c)) != uint64(e) {
			continue
		}
		if s = t.settle(c); s.kind() == counted && atomic.LoadUint64(t.event(c)) == uint64(e) {
			t.swapState(c, s, s.next(vacant, 0))
			return
		}
	}
}
