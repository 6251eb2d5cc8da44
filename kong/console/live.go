package console

import (
	"sync"

	"kongwaf/kong/events"
)

// Live hands new events to those who watch. The zero value is ready; its methods may be
// called concurrently.
type Live struct {
	mu       sync.Mutex
	watchers map[chan *events.Event]struct{}
}

const (
	maxWatchers = 32
	liveQueue   = 64 // events that wait for one watcher; a slow one misses some
)

// Publish hands a batch to every watcher and waits for none.
func (l *Live) Publish(batch []*events.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.watchers {
		for _, e := range batch {
			select {
			case w <- e:
			default:
			}
		}
	}
}

// watch returns a channel of new events until stop is called; ok is false if too many
// watch already.
func (l *Live) watch() (w chan *events.Event, stop func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.watchers) >= maxWatchers {
		return nil, nil, false
	}
	if l.watchers == nil {
		l.watchers = map[chan *events.Event]struct{}{}
	}
	w = make(chan *events.Event, liveQueue)
	l.watchers[w] = struct{}{}
	return w, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, w)
	}, true
}
