// Package sink takes events to where people keep them: a file with rotation, the standard
// output, an OpenTelemetry collector, a Redis stream. Each sink has a bounded queue and a
// goroutine of its own, so a dead one holds up neither the others nor whoever writes:
// what does not fit is dropped and counted.
package sink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kongwaf/kong/events"
)

// Sink writes batches of events somewhere. It is called by one goroutine.
type Sink interface {
	// Name is the sink's name in metrics and log lines: "file".
	Name() string
	// Write writes a batch, all of it or none. An error that errors.As finds to be a
	// *Permanent is not tried again.
	Write(ctx context.Context, batch []*events.Event) error
	// Close ends the sink.
	Close() error
}

// Permanent is an error that trying again does not mend.
type Permanent struct{ Err error }

// Error implements error.
func (p *Permanent) Error() string { return p.Err.Error() }

// Unwrap returns the error.
func (p *Permanent) Unwrap() error { return p.Err }

// Options bound what a fan holds; zero fields mean the defaults.
type Options struct {
	Queue   int           // events that wait for each sink. Default 8192
	Batch   int           // events in one write at most. Default 512
	Linger  time.Duration // how long a batch waits for more events. Default 200 ms
	Retry   time.Duration // how long a batch is tried again. Default 30 s
	Timeout time.Duration // of one write. Default 10 s
	Logger  *slog.Logger  // nil: slog.Default()
	// Count, if not nil, is told what became of events of a sink. It may be called
	// concurrently.
	Count func(sink string, written, dropped int)
}

func (o Options) withDefaults() Options {
	if o.Queue <= 0 {
		o.Queue = 8192
	}
	if o.Batch <= 0 {
		o.Batch = 512
	}
	if o.Linger <= 0 {
		o.Linger = 200 * time.Millisecond
	}
	if o.Retry <= 0 {
		o.Retry = 30 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Fan hands events to several sinks. Its methods may be called concurrently, but for Close.
type Fan struct {
	lanes []*lane
}

// lane is one sink with its queue.
type lane struct {
	sink    Sink
	opt     Options
	queue   chan *events.Event
	stop    context.Context // done when the fan gives up on what is left
	giveUp  context.CancelFunc
	done    sync.WaitGroup
	written atomic.Uint64
	dropped atomic.Uint64
}

// NewFan starts a goroutine for each sink, which the fan owns from then on.
func NewFan(opt Options, sinks ...Sink) *Fan {
	f := &Fan{}
	opt = opt.withDefaults()
	for _, s := range sinks {
		l := &lane{sink: s, opt: opt, queue: make(chan *events.Event, opt.Queue)}
		l.stop, l.giveUp = context.WithCancel(context.Background())
		l.done.Go(l.run)
		f.lanes = append(f.lanes, l)
	}
	return f
}

// Record implements events.Recorder. The event must not be changed any more.
func (f *Fan) Record(e *events.Event) {
	for _, l := range f.lanes {
		select {
		case l.queue <- e:
		default:
			l.count(0, 1)
		}
	}
}

func (l *lane) count(written, dropped int) {
	l.written.Add(uint64(written))
	l.dropped.Add(uint64(dropped))
	if l.opt.Count != nil {
		l.opt.Count(l.sink.Name(), written, dropped)
	}
}

// Stats is what became of the events of one sink. A folded event counts once.
type Stats struct {
	Sink    string
	Written uint64
	Dropped uint64
}

// Stats returns the counters of every sink.
func (f *Fan) Stats() []Stats {
	stats := make([]Stats, 0, len(f.lanes))
	for _, l := range f.lanes {
		stats = append(stats, Stats{Sink: l.sink.Name(), Written: l.written.Load(), Dropped: l.dropped.Load()})
	}
	return stats
}

// Close writes what is queued, for at most that long, and closes the sinks.
func (f *Fan) Close(patience time.Duration) error {
	for _, l := range f.lanes {
		close(l.queue)
		defer time.AfterFunc(patience, l.giveUp).Stop()
	}
	var errs []error
	for _, l := range f.lanes {
		l.done.Wait()
		l.giveUp()
		errs = append(errs, l.sink.Close())
	}
	return errors.Join(errs...)
}

func (l *lane) run() {
	batch := make([]*events.Event, 0, l.opt.Batch)
	var silent time.Time
	for first := range l.queue {
		batch = l.fill(append(batch[:0], first))
		if err := l.write(batch); err != nil {
			l.count(0, len(batch))
			if now := time.Now(); now.After(silent) { // once a minute: it may last for days
				silent = now.Add(time.Minute)
				l.opt.Logger.Error("events are lost", "sink", l.sink.Name(), "error", err, "dropped", l.dropped.Load())
			}
			continue
		}
		l.count(len(batch), 0)
	}
}

// fill adds what arrives while the batch may wait. Only a write over the network is worth
// waiting for: what waits is lost if the process is killed.
func (l *lane) fill(batch []*events.Event) []*events.Event {
	linger := l.opt.Linger
	if _, local := l.sink.(*lines); local {
		linger = 0
	}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for len(batch) < l.opt.Batch {
		select {
		case e, ok := <-l.queue:
			if !ok {
				return batch
			}
			batch = append(batch, e)
		case <-timer.C:
			return batch
		}
	}
	return batch
}

// write writes a batch, again and again while that may help.
func (l *lane) write(batch []*events.Event) error {
	retry, cancel := context.WithTimeout(l.stop, l.opt.Retry)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		ctx, cancel := context.WithTimeout(l.stop, l.opt.Timeout)
		err := l.sink.Write(ctx, batch)
		cancel()
		if err == nil {
			return nil
		}
		var permanent *Permanent
		if errors.As(err, &permanent) {
			return err
		}
		select {
		case <-retry.Done():
			return err
		case <-time.After(pause):
		}
	}
}
