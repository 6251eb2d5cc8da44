// Package share lets a node admit calls by itself, out of a share of a caller's limits that
// whoever keeps the counters, the center, has granted to the node and counted beforehand. So
// a busy caller costs the center a few trips in each period instead of one for each call.
//
// # What is exact
//
// A call is admitted out of calls that the center has counted for it, and only in the window
// in which they were counted, by the center's clock: a limit of N never admits more than N,
// however many nodes there are and whatever is lost or late. With GCRA shares are spent up
// to a period later than they were counted: over any time t all nodes together admit at most
// burst + limit * (t + period of the shares), limit being that of a unit of time.
//
// # What is not
//
// Fewer may be admitted while a node holds calls that it does not spend. A node is granted at
// most as many as it has just needed, and no more than the center lets one have of what is
// left; what was not spent within a period is given back ([Holder.Sweep]). What a node holds
// when it dies, or gives back in vain, stays counted until its windows end. A refusal is
// believed for a period, or until the first window ends.
//
// Clocks: only intervals of the node's clock are used, taken from before the center was
// asked. They should run evenly, and may show anything.
package share

import (
	"sync"
	"time"

	"kongwaf/detect/ratelimit"
)

// MaxCallers is of how many callers a Holder knows at once; calls of others are left to the
// center, as those of somebody who comes seldom.
const MaxCallers = 1 << 16

// Holder holds the shares of a node. It is safe for concurrent use. See New.
type Holder struct {
	period time.Duration

	mu      sync.Mutex
	callers map[caller]*state
	ended   []Return
}

// caller is who has a share. The Cost of the rule is that of no call: 0.
type caller struct {
	key  string
	rule ratelimit.Rule
}

// state is what is known of a caller.
type state struct {
	units  uint64    // calls that may be admitted here
	until  time.Time // when they may no longer be
	answer Answer    // the last one
	at     time.Time // when the center was asked for it
	since  Answer    // the one that the oldest unit was granted by

	refusedCost  uint64    // 0: no refusal is known
	refusedUntil time.Time // when to ask again

	asking  bool      // for more
	granted uint64    // the last time
	began   time.Time // when that was asked for
	spent   uint64    // since then
	recent  uint64    // spent since the last sweep
}

// Answer is what the center has decided.
type Answer struct {
	Allowed bool
	// Repeated says that the call had been counted before.
	Repeated bool
	// Values are as in ratelimit.Describe, all that was counted included.
	Values [ratelimit.Periods]uint64
	// Now is the center's clock.
	Now time.Time
	// More is how many more calls are counted, and granted.
	More uint64
	// Born tells counters from others under the same name that came after the center had
	// forgotten the first ones.
	Born int64
}

// Return is a share that is given back: Calls of those that were counted at a time.
type Return struct {
	Key   string
	Rule  ratelimit.Rule
	Calls uint64
	Now   time.Time
	Born  int64
}

// New returns a Holder that gives back what was not spent within a period.
func New(period time.Duration) *Holder {
	return &Holder{period: period, callers: map[caller]*state{}}
}

func callerOf(key string, rule ratelimit.Rule) (caller, uint64) {
	cost := max(1, rule.Cost)
	rule.Cost = 0
	return caller{key: key, rule: rule}, cost
}

// Ask decides a call, if that can be done here. If not, the center is to be asked for it and
// for more calls, and Told or Failed with what came of it.
func (h *Holder) Ask(now time.Time, key string, rule ratelimit.Rule) (r ratelimit.Result, decided bool, more uint64) {
	c, cost := callerOf(key, rule)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.callers[c]
	if s == nil {
		if len(h.callers) < MaxCallers {
			h.callers[c] = &state{began: now}
		}
		return ratelimit.Result{}, false, 0
	}
	h.expire(c, s, now)
	switch {
	case s.units >= cost:
		s.units -= cost
		s.spend(cost)
		return s.describe(rule, now, true), true, 0
	case s.refusedCost > 0 && cost >= s.refusedCost && now.Before(s.refusedUntil):
		return s.describe(rule, now, false), true, 0
	case s.asking:
		return ratelimit.Result{}, false, 0
	}
	more = s.demand(now, h.period)
	s.asking = more > 0
	return ratelimit.Result{}, false, more
}

// demand is how many calls will be needed in the next period: as many as in the last one,
// twice as many as were granted if those have not lasted for one.
func (s *state) demand(now time.Time, period time.Duration) uint64 {
	elapsed := now.Sub(s.began)
	if elapsed <= period {
		return max(s.spent, 2*s.granted)
	}
	return uint64(float64(s.spent) * float64(period) / float64(elapsed))
}

func (s *state) spend(cost uint64) {
	s.spent += cost
	s.recent += cost
}

// Told is for the center's answer to a call that Ask has not decided, and that was asked at
// a time, for more calls or not. It returns what to tell the caller.
func (h *Holder) Told(sent time.Time, key string, rule ratelimit.Rule, more bool, a Answer) ratelimit.Result {
	c, cost := callerOf(key, rule)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.callers[c]
	if s == nil { // there was no room, or the sweep took it for idle
		if a.More > 0 {
			h.ended = append(h.ended, Return{Key: key, Rule: c.rule, Calls: a.More, Now: a.Now, Born: a.Born})
		}
		s = &state{answer: a, at: sent}
		return s.result(rule, a.Now, a.Allowed, a.Repeated)
	}
	if a.Allowed {
		s.spend(cost)
		s.refusedCost = 0
	}
	if more {
		s.asking = false
	}
	stands := rule.Stands(a.Values, a.Now)
	if more && a.Allowed {
		s.granted, s.began, s.spent = a.More, sent, cost
	}
	h.expire(c, s, sent)
	switch {
	case s.units == 0:
	case a.Born > s.since.Born:
		s.units = 0 // the center has forgotten them
	case a.Born < s.since.Born:
		a.More = 0 // this is the late one
	}
	if a.More > 0 {
		if s.units == 0 {
			s.since, s.until = a, sent.Add(stands)
			if rule.Shape == ratelimit.GCRA {
				s.until = sent.Add(h.period)
			}
		}
		s.units += a.More
	}
	if !sent.Before(s.at) { // answers may overtake each other
		s.answer, s.at = a, sent
	}
	if !a.Allowed {
		s.refusedCost, s.refusedUntil = cost, sent.Add(min(h.period, stands))
	}
	return s.result(rule, a.Now, a.Allowed, a.Repeated)
}

// Failed is for a call that Ask has not decided, and of which nobody knows whether the
// center has.
func (h *Holder) Failed(key string, rule ratelimit.Rule, more bool) {
	c, _ := callerOf(key, rule)
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.callers[c]; s != nil && more {
		s.asking = false
	}
}

// expire takes away units whose time is over.
func (h *Holder) expire(c caller, s *state, now time.Time) {
	if s.units > 0 && !now.Before(s.until) {
		h.giveBack(c, s, s.units)
	}
}

func (h *Holder) giveBack(c caller, s *state, calls uint64) {
	s.units -= calls
	h.ended = append(h.ended, Return{Key: c.key, Rule: c.rule, Calls: calls, Now: s.since.Now, Born: s.since.Born})
}

// Sweep is to be called once in a period. It returns what is to be given back: shares whose
// time is over, and what is more than was spent since the last Sweep. Each is returned once.
func (h *Holder) Sweep(now time.Time) []Return {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, s := range h.callers {
		h.expire(c, s, now)
		if s.units > s.recent {
			h.giveBack(c, s, s.units-s.recent)
		}
		if s.recent == 0 && !s.asking && !now.Before(s.refusedUntil) && now.Sub(s.began) >= h.period {
			delete(h.callers, c)
		}
		s.recent = 0
	}
	return h.take()
}

// Close returns all shares, to be given back. Those that are granted later are with the next
// Sweep.
func (h *Holder) Close() []Return {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, s := range h.callers {
		if s.units > 0 {
			h.giveBack(c, s, s.units)
		}
	}
	return h.take()
}

func (h *Holder) take() []Return {
	ended := h.ended
	h.ended = nil
	return ended
}

// Held returns how many calls the node may admit without asking.
func (h *Holder) Held() (calls uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.callers {
		calls += s.units
	}
	return calls
}

// describe tells a caller its limits: what the center had left when it was asked last, and
// what is left here.
func (s *state) describe(rule ratelimit.Rule, now time.Time, allowed bool) ratelimit.Result {
	return s.result(rule, s.answer.Now.Add(now.Sub(s.at)), allowed, false)
}

func (s *state) result(rule ratelimit.Rule, now time.Time, allowed, repeated bool) ratelimit.Result {
	values := rule.Later(s.answer.Values, now.Sub(s.answer.Now), s.units)
	r := ratelimit.Describe(rule, values, now, allowed)
	r.Repeated = repeated
	return r
}
