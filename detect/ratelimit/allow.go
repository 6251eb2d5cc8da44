package ratelimit

import (
	"errors"
	"sync/atomic"
	"time"
)

// ErrContended says that a call found no end among others that were always faster, or no
// journal cell. It means damaged memory, or thousands of calls in the same microsecond.
var ErrContended = errors.New("ratelimit: the table could not be changed")

// Allow decides a call of the identifier k at a time, and counts it in the windows of all
// limits if it is allowed. A call that is refused counts nothing. With no limit at all
// every call is allowed and nothing is counted.
//
// An event other than zero is remembered until Done; if Allow finds it remembered, the call
// is allowed without being counted again. See the package documentation for what that
// guarantees. On an error the call was not counted, and the Result says nothing.
func (t *Table) Allow(now time.Time, k Key, limits Limits, e Event) (Result, error) {
	if limits == (Limits{}) {
		return Result{Allowed: true}, nil
	}
	k.bucket %= t.buckets // a Key of another table must not lead outside of this one
	second := seconds(now)
	if e != 0 && t.wasCounted(e, second) {
		return t.repeated(k, &limits, second)
	}
	var own cell
	r, err := t.decide(k, &limits, e, second, &own)
	if !r.Allowed || e == 0 {
		t.release(own) // else it is remembered until Done
	}
	return r, err
}

// decide judges and counts a call that has not been counted. It begins a journal cell when
// it needs one, and leaves it in own.
func (t *Table) decide(k Key, limits *Limits, e Event, second uint32, own *cell) (Result, error) {
	for range maxTries {
		s, ok := t.locate(k, second)
		if !ok {
			break
		}
		i, ok := t.resting(s, k)
		if !ok {
			continue
		}
		at := forward(second, i.payload())
		used, over, ok := t.used(s, i, at)
		if !ok {
			continue
		}
		if exceeds(limits, &used) {
			return result(limits, &used, at, false), nil
		}
		if own.state == 0 {
			near := uint64(e)
			if e == 0 {
				near = k.tag
			}
			if *own, ok = t.begin(e, near, second); !ok {
				break
			}
		}
		atomic.StoreUint64(t.slotOf(own.c), uint64(s))
		atomic.StoreUint64(t.operation(own.c), uint64(newOperation(limits, over, at)))
		t.reached(stepPrepared)
		next := i.next(pending, uint32(own.c))
		if !t.swapIntent(s, i, next) {
			continue
		}
		t.reached(stepDecided)
		t.help(s, next)
		for p := range limits {
			if limits[p] > 0 {
				used[p]++
			}
		}
		return result(limits, &used, at, true), nil
	}
	return Result{}, ErrContended
}

// resting returns the intent of a slot at rest that belongs to an identifier, after
// completing what was pending; false if the slot is not, or no longer, like that.
func (t *Table) resting(s int, k Key) (intent, bool) {
	i := t.loadIntent(s)
	if i.kind() == pending {
		t.help(s, i)
		i = t.loadIntent(s)
	}
	return i, i.kind() == atRest && atomic.LoadUint64(t.key(s))>>16 == k.tag
}

// used returns the calls in the windows that hold second at, and how many periods have new
// windows since the slot's last call; false if the slot has changed meanwhile.
func (t *Table) used(s int, i intent, at uint32) (used [Periods]uint64, over int, ok bool) {
	used, ok = t.counts(s, i)
	over = ended(i.payload(), at)
	clear(used[:over])
	return used, over, ok
}

// exceeds reports whether any limit is used up.
func exceeds(limits *Limits, used *[Periods]uint64) bool {
	for p := range limits {
		if limits[p] > 0 && (used[p] >= limits[p] || used[p] >= maxCount) {
			return true
		}
	}
	return false
}

// repeated allows an event that has been counted before, and tells the state of its windows.
func (t *Table) repeated(k Key, limits *Limits, second uint32) (Result, error) {
	var used [Periods]uint64
	at := second
	for range maxTries {
		s, found, _, _ := t.search(k)
		if !found {
			break // dropped meanwhile
		}
		i, ok := t.resting(s, k)
		if !ok {
			continue
		}
		at = forward(second, i.payload())
		if u, _, ok := t.used(s, i, at); ok {
			used = u
			break
		}
	}
	r := result(limits, &used, at, true)
	r.Repeated = true
	atomic.AddUint64(&t.header[wordRepeated], 1)
	return r, nil
}

// step names the places at which tests let a process die, or another one come in between.
type step uint8

const (
	stepNone     step = iota
	stepChosen        // a bucket is searched
	stepClaimed       // a slot has a key, and is not confirmed
	stepSearched      // about to be confirmed
	stepRead          // one more counter is read
	stepBegun         // a journal cell is taken
	stepEvent         // it knows its event
	stepPrepared      // it knows its operation
	stepDecided       // the operation is decided
	stepApplying      // a counter is about to be brought up to date
	stepCounter       // one more counter is brought up to date
	stepMarked        // the journal cell says "counted"
	stepAtRest        // the slot is at rest again
	stepRemoved       // a slot is dead
	stepBuried        // a dead slot is empty
	steps
)

func (t *Table) reached(s step) {
	if t.step != nil {
		t.step(s)
	}
}
