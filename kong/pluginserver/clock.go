package pluginserver

import (
	"log/slog"
	"sync"
	"time"
)

// Clock is the time that the server goes by. Its methods may be called concurrently.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own once d has passed.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is the part of *time.Timer that the server uses.
type Timer interface {
	Reset(d time.Duration) bool
	Stop() bool
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// quiet logs each kind of message at most once a second, and says how many it left out:
// what a peer can cause at will must not fill the disk.
type quiet struct {
	log   *slog.Logger
	clock Clock
	mu    sync.Mutex
	kinds map[string]*quietKind
}

type quietKind struct {
	next    time.Time
	skipped int
}

func (q *quiet) init(log *slog.Logger, clock Clock) {
	q.log, q.clock, q.kinds = log, clock, map[string]*quietKind{}
}

// warn logs unless a message of that kind, a constant, was logged less than a second ago.
func (q *quiet) warn(kind, message string, args ...any) {
	q.mu.Lock()
	k := q.kinds[kind]
	if k == nil {
		k = new(quietKind)
		q.kinds[kind] = k
	}
	now := q.clock.Now()
	if now.Before(k.next) {
		k.skipped++
		q.mu.Unlock()
		return
	}
	skipped := k.skipped
	k.next, k.skipped = now.Add(time.Second), 0
	q.mu.Unlock()
	if skipped > 0 {
		args = append(args, "left_out", skipped)
	}
	q.log.Warn(message, args...)
}
