package events

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// Recorder takes events. Record never blocks and may be called concurrently; the event is
// the recorder's from then on.
type Recorder interface{ Record(e *Event) }

// Sender records events by sending them, one message each, to the process that has the
// sinks. A goroutine writes; while the other side does not read, events wait in a bounded
// queue, and beyond that they are dropped and counted.
type Sender struct {
	queue   chan *Event
	drop    func()
	done    chan struct{}
	mu      sync.RWMutex
	closed  bool
	dropped atomic.Uint64
}

// QueueLength is how many events wait in a Sender at most.
const QueueLength = 4096

// NewSender returns a sender that writes to w; each write is one event, a line of JSON,
// and may block. Dropped, if not nil, is called for each event that did not fit.
func NewSender(w io.Writer, dropped func()) *Sender {
	s := &Sender{queue: make(chan *Event, QueueLength), drop: dropped, done: make(chan struct{})}
	go s.run(w)
	return s
}

// Record implements Recorder.
func (s *Sender) Record(e *Event) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		select {
		case s.queue <- e:
			return
		default:
		}
	}
	s.lost()
}

// Dropped returns how many events were dropped.
func (s *Sender) Dropped() uint64 { return s.dropped.Load() }

// Close sends what is queued and ends the sender.
func (s *Sender) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.queue)
	}
	s.mu.Unlock()
	<-s.done
}

func (s *Sender) lost() {
	s.dropped.Add(1)
	if s.drop != nil {
		s.drop()
	}
}

func (s *Sender) run(w io.Writer) {
	defer close(s.done)
	var line []byte
	broken := false
	for e := range s.queue {
		if broken {
			s.lost()
			continue
		}
		e.Bound()
		line = e.Append(line[:0])
		if _, err := w.Write(line); err != nil {
			broken = true // the other end is gone for good: the supervisor holds it
			s.lost()
		}
	}
}

// maxMessage is how long a message is read, in bytes. Bound keeps events far below.
const maxMessage = 64 << 10

// Receive calls record for every event that arrives on r, a message each, until r ends.
// What is no event is passed over: a worker can die in the middle of a write.
func Receive(r io.Reader, record func(*Event)) error {
	buf := make([]byte, maxMessage)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if e, parseErr := Parse(buf[:n]); parseErr == nil {
				record(e)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case n == 0:
			return nil // SOCK_SEQPACKET: every sender has closed
		}
	}
}
