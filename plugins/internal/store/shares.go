package store

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"sync"
	"time"

	"kongwaf/detect/ratelimit"
	"kongwaf/detect/ratelimit/share"
)

// shares are what a process has been granted, by period. The zero value is none.
type shares struct {
	mu      sync.Mutex
	holders map[time.Duration]*share.Holder
}

// AllowShared is Allow out of a share where there is one. Remaining is what Redis had left
// when it was asked last, and what is left of the share. An event is only remembered if it
// took a trip.
func (s *Store) AllowShared(period time.Duration, key string, rule ratelimit.Rule, event string) (ratelimit.Result, error) {
	h := s.holder(period)
	now := time.Now()
	r, decided, more := h.Ask(now, key, rule)
	if decided {
		return r, nil
	}
	a, err := s.ask(key, rule, event, more)
	if err != nil {
		h.Failed(key, rule, more > 0)
		return ratelimit.Result{}, err
	}
	return h.Told(now, key, rule, more > 0, a), nil
}

// holder returns the shares of a period, and sees to it that they are given back.
func (s *shared) holder(period time.Duration) *share.Holder {
	s.shares.mu.Lock()
	defer s.shares.mu.Unlock()
	h := s.shares.holders[period]
	if h == nil {
		h = share.New(period)
		if s.shares.holders == nil {
			s.shares.holders = map[time.Duration]*share.Holder{}
		}
		s.shares.holders[period] = h
		go s.sweep(h, period)
	}
	return h
}

// leastSweep is the least time between two sweeps, each of which looks at every caller.
const leastSweep = 100 * time.Millisecond

// sweep gives back what is not spent, until the store is closed.
func (s *shared) sweep(h *share.Holder, period time.Duration) {
	ticker := time.NewTicker(max(period, leastSweep))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.giveBack(h.Sweep(time.Now()))
		case <-s.closed:
			return
		}
	}
}

// settle gives back everything.
func (s *shared) settle() {
	s.shares.mu.Lock()
	holders := s.shares.holders
	s.shares.mu.Unlock()
	for _, h := range holders {
		s.giveBack(h.Close())
	}
}

// giveBack makes as few trips as it can. What cannot be given back at once is not given back
// at all: it stays counted until its windows end.
func (s *shared) giveBack(returns []share.Return) {
	for len(returns) > 0 {
		now := time.Now()
		if s.breaker.ask(now) != nil {
			return
		}
		batch := make([]*call, 0, batchSize)
		for _, r := range returns[:min(len(returns), batchSize)] {
			c := newCall(backScript, r.Key, r.Rule, int(EventTTL/time.Second), r.Rule.Shape.String(), r.Calls,
				r.Now.Unix(), r.Now.Nanosecond()/1e6, strconv.FormatInt(r.Born, 10))
			c.keys = append(c.keys, c.keys[0]+":"+unique())
			c.until = now.Add(s.timeout)
			batch = append(batch, c)
		}
		returns = returns[len(batch):]
		s.trip(batch)
		var err error
		for _, c := range batch {
			if a := <-c.answer; a.err != nil {
				err = a.err
			}
		}
		s.breaker.answered(time.Now(), err)
	}
}

// unique names a return, so that Redis takes it once even if it is sent twice: a cluster's
// client may try again.
func unique() string {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(id[:])
}
