package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// When a URL is asked again after a failure: soon, then after twice the time, up to the
// interval.
const firstRetry = 15 * time.Second

// watcher is what a source's goroutine knows of it.
type watcher[T any] struct {
	registry *Registry
	settings Settings
	format   Format[T]
	value    atomic.Pointer[held[T]]
	status   atomic.Pointer[Status]

	start    sync.Once
	startErr error // of start
	pointer  any   // of the registry's
	closed   chan struct{}

	mu      sync.Mutex // of what follows, and of looking for a version
	client  *Client
	file    watched
	seen    Version // the newest version, taken or refused
	sum     string  // of its bytes
	refused error   // why seen was refused, nil if it was taken
	due     time.Time
	retry   time.Duration
}

type held[T any] struct{ value T }

func newWatcher[T any](r *Registry, s Settings, f Format[T]) *watcher[T] {
	if s.Interval <= 0 {
		s.Interval = DefaultInterval
	}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	if s.MaxBytes <= 0 {
		s.MaxBytes = DefaultMaxBytes
	}
	w := &watcher[T]{registry: r, settings: s, format: f, closed: make(chan struct{})}
	w.status.Store(&Status{Name: s.Name, Location: Shown(s.Location)})
	return w
}

// begin brings the first version and starts the watcher.
func (w *watcher[T]) begin() error {
	w.restore()
	if !w.settings.remote() {
		w.mu.Lock()
		w.refresh()
		w.mu.Unlock()
		if w.value.Load() == nil {
			return w.status.Load().Err
		}
		go w.watch(nil)
		return nil
	}
	client, err := NewClient(w.settings)
	if err != nil {
		return err
	}
	w.client = client
	first := make(chan struct{})
	go w.watch(first)
	if w.value.Load() != nil {
		return nil // it is refreshed behind our back
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-first:
	case <-timer.C:
	}
	return nil
}

// watch polls until nobody holds the source. It closes first, if it is given one, behind
// the first time.
func (w *watcher[T]) watch(first chan struct{}) {
	for {
		timer := time.NewTimer(w.poll())
		if first != nil {
			close(first)
			first = nil
		}
		select {
		case <-timer.C:
		case <-w.closed:
			timer.Stop()
			w.mu.Lock()
			if w.client != nil {
				w.client.close()
			}
			w.mu.Unlock()
			return
		}
	}
}

// poll does what is due, and returns when to ask again.
func (w *watcher[T]) poll() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.settings.remote() {
		if w.file.changed(w.settings.Location) {
			w.refresh()
		}
		return filePoll
	}
	now := w.registry.now()
	if now.Before(w.due) {
		return w.due.Sub(now)
	}
	w.refresh()
	wait := w.settings.Interval
	if w.status.Load().Problem == Away {
		w.retry = min(max(firstRetry, 2*w.retry), wait)
		wait = w.retry
	} else {
		w.retry = 0
	}
	wait += time.Duration((rand.Float64() - 0.5) / 5 * float64(wait))
	w.due = w.registry.now().Add(wait)
	return wait
}

// refresh looks for a new version and says what came of it. The lock is held.
func (w *watcher[T]) refresh() {
	before := w.status.Load()
	err := w.read()
	status := *w.status.Load()
	var bad *refusal
	switch {
	case err == nil:
		status.Problem, status.Err = None, nil
		status.Checked = w.registry.now()
	case errors.As(err, &bad):
		status.Problem, status.Err = Refused, err
	default:
		status.Problem, status.Err = Away, err
	}
	w.status.Store(&status)
	w.tell(before, &status)
	w.registry.report(status)
}

// tell writes a line when a problem begins, becomes another, or ends.
func (w *watcher[T]) tell(before, now *Status) {
	args := []any{"source", now.Name, "location", now.Location}
	inForce := "none"
	if !now.Loaded.IsZero() {
		inForce = "the last good one, of " + now.Loaded.UTC().Format(time.RFC3339)
	}
	switch {
	case now.Problem == before.Problem:
	case now.Problem == Refused:
		w.registry.log(slog.LevelError, "a new version was refused", append(args, "error", now.Err, "in_force", inForce)...)
	case now.Problem == Away:
		w.registry.log(slog.LevelError, "no new version can be had", append(args, "error", now.Err, "in_force", inForce)...)
	default:
		w.registry.log(slog.LevelInfo, "well again", append(args, "entries", now.Entries, "version", now.Version)...)
	}
	if (now.CopyErr == nil) != (before.CopyErr == nil) && now.CopyErr != nil {
		w.registry.log(slog.LevelError, "the copy for a start without the source was not written", append(args, "error", now.CopyErr)...)
	}
}

// refusal is the error of a version that was had and not taken.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// read gets the newest version and puts it into force. The lock is held, or nobody else
// knows the watcher yet. A panic of the format's functions is a refusal.
func (w *watcher[T]) read() (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.refused = &refusal{fmt.Errorf("%s: cannot be read: panic: %v", Shown(w.settings.Location), p)}
			err = w.refused
		}
	}()
	data, version, err := w.fetch()
	switch {
	case errors.Is(err, ErrUnchanged):
		return w.refused
	case err != nil:
		return fmt.Errorf("%s: %w", Shown(w.settings.Location), err)
	}
	w.seen = version
	sum := checksum(data)
	if sum == w.sum && w.status.Load().CopyErr == nil {
		return w.refused // the same bytes, from a server that does not compare or by a touched file
	}
	w.sum, w.refused = sum, nil
	value, err := w.take(data)
	if err != nil {
		w.refused = &refusal{fmt.Errorf("%s: %w", Shown(w.settings.Location), err)}
		return w.refused
	}
	status := *w.status.Load()
	status.Loaded, status.Version, status.Bytes, status.Copied = w.registry.now(), version.String(), int64(len(data)), false
	status.Entries = w.count(value)
	status.CopyErr = w.save(data, value, version, status.Loaded)
	w.value.Store(&held[T]{value})
	w.status.Store(&status)
	return nil
}

// fetch gets the bytes of a version that is newer than the one seen.
func (w *watcher[T]) fetch() ([]byte, Version, error) {
	if !w.settings.remote() {
		data, err := w.file.read(w.settings.Location, w.settings.MaxBytes)
		return data, Version{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.settings.Timeout)
	defer cancel()
	since := w.seen
	if w.status.Load().CopyErr != nil {
		since = Version{} // the bytes are needed once more
	}
	if w.format.Fetch != nil {
		return w.format.Fetch(ctx, w.client, since)
	}
	return w.client.Get(ctx, w.settings.Location, since)
}

// take parses a version and compares it with the one in force.
func (w *watcher[T]) take(data []byte) (T, error) {
	value, err := w.format.Parse(data)
	if err != nil {
		return value, err
	}
	if old := w.value.Load(); old != nil && w.format.Refuse != nil {
		return value, w.format.Refuse(old.value, value)
	}
	return value, nil
}

func (w *watcher[T]) count(value T) int {
	if w.format.Count == nil {
		return 0
	}
	return w.format.Count(value)
}
