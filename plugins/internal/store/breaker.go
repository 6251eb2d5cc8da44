package store

import (
	"sync"
	"time"
)

// When a store asks no more, and for how long.
const (
	failuresToOpen = 3
	pause          = time.Second
)

// breaker says whether Redis may be asked. Open after failuresToOpen failures in a row, it
// lets nobody through for a pause and then, half open, one call whose answer decides. The
// zero value is closed; it is safe for concurrent use.
type breaker struct {
	mu       sync.Mutex
	failures int
	last     error
	until    time.Time // while open: when it is half open
	probing  bool
}

// ask returns nil if Redis may be asked, and then wants to be told what came of it; or else
// the last failure.
func (b *breaker) ask(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < failuresToOpen {
		return nil
	}
	if b.probing || now.Before(b.until) {
		return b.last
	}
	b.probing = true
	return nil
}

// answered tells the outcome of a call that ask let through.
func (b *breaker) answered(now time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.failures, b.last, b.probing = 0, nil, false
		return
	}
	b.failures = min(b.failures+1, failuresToOpen)
	b.last = err
	if b.failures == failuresToOpen {
		b.until, b.probing = now.Add(pause), false
	}
}
