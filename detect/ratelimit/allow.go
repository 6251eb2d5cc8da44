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
//
// A key belongs to one shape: counters of one mean nothing in another.
func (t *Table) Allow(now time.Time, k Key, rule Rule, e Event) (Result, error) {
	if rule.Limits == (Limits{}) {
		return Result{Allowed: true}, nil
	}
	k.bucket %= t.buckets // a Key of another table must not lead outside of this one
	m := momentOf(now)
	if e != 0 && t.wasCounted(e, m.second) {
		return t.repeated(k, &rule, m)
	}
	var own cell
	r, err := t.decide(k, &rule, e, m, &own)
	if !r.Allowed || e == 0 {
		t.release(own) // else it is remembered until Done
	}
	return r, err
}

// decide judges and counts a call that has not been counted. It begins a journal cell when
// it needs one, and leaves it in own.
func (t *Table) decide(k Key, rule *Rule, e Event, now moment, own *cell) (Result, error) {
	for range maxTries {
		s, ok := t.locate(k, now.second)
		if !ok {
			break
		}
		i, ok := t.resting(s, k)
		if !ok {
			continue
		}
		m := now.notBefore(i.payload())
		reading, over, ok := t.read(s, i, rule, m)
		if !ok {
			continue
		}
		if full(rule, &reading) {
			return result(rule, &reading, m, false), nil
		}
		if own.state == 0 {
			near := uint64(e)
			if e == 0 {
				near = k.tag
			}
			if *own, ok = t.begin(e, near, now.second); !ok {
				break
			}
		}
		atomic.StoreUint64(t.slotOf(own.c), uint64(s))
		for p := range reading {
			if rule.Limits[p] > 0 {
				atomic.StoreUint64(t.value(own.c, Period(p)), reading[p].next)
			}
		}
		atomic.StoreUint64(t.operation(own.c), uint64(newOperation(&rule.Limits, over, m.second)))
		t.reached(stepPrepared)
		next := i.next(pending, uint32(own.c))
		if !t.swapIntent(s, i, next) {
			continue
		}
		t.reached(stepDecided)
		t.help(s, next)
		return result(rule, &reading, m, true), nil
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

// readings are what a slot's counters mean at a moment; zero where there is no limit.
type readings [Periods]reading

// read reads a slot's counters, and tells how many periods have new windows since its last
// call; false if the slot has changed meanwhile.
func (t *Table) read(s int, i intent, rule *Rule, m moment) (r readings, over int, ok bool) {
	counts, ok := t.counts(s, i)
	last := i.payload()
	over = ended(last, m.second)
	for p := Period(0); p < Periods; p++ {
		if rule.Limits[p] > 0 {
			r[p] = rule.read(p, counts[p], last, int(p) < over, m)
		}
	}
	return r, over, ok
}

// full reports whether any limit is used up.
func full(rule *Rule, r *readings) bool {
	for p := range r {
		if rule.Limits[p] > 0 && r[p].full {
			return true
		}
	}
	return false
}

// repeated allows an event that has been counted before, and tells the state of its windows.
func (t *Table) repeated(k Key, rule *Rule, now moment) (Result, error) {
	var found readings
	m := now
	for range maxTries {
		s, ok, _, _ := t.search(k)
		if !ok {
			break // dropped meanwhile
		}
		i, ok := t.resting(s, k)
		if !ok {
			continue
		}
		m = now.notBefore(i.payload())
		if r, _, ok := t.read(s, i, rule, m); ok {
			found = r
			break
		}
	}
	r := describe(rule, found.values(), m, true)
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
