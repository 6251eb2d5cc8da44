package events

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder takes events. Record never blocks and may be called concurrently; the event is
// the recorder's from then on.
type Recorder interface{ Record(e *Event) }

// Sender records events by sending them to the process that has the sinks. A goroutine writes; while the other side does not read, events wait in a bounded
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

// NewSender returns a sender that writes to w; each write is a message of whole lines, an
// event each, and may block. Dropped, if not nil, is called for each event that did not fit.
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

// gather is how long the first event of a message waits for more: under load one message,
// which wakes another process, then carries many. A worker that is killed loses so much.
const gather = 5 * time.Millisecond

// fullMessage is the length in bytes from which on a message is sent.
const fullMessage = 24 << 10

func (s *Sender) run(w io.Writer) {
	defer close(s.done)
	var message []byte
	broken := false
	for e := range s.queue {
		if !broken {
			time.Sleep(gather)
		}
		count := 0
		message = message[:0]
		for e != nil {
			e.Bound()
			message = e.Append(message)
			count++
			if e = nil; len(message) < fullMessage {
				select {
				case e = <-s.queue: // nil at the end
				default:
				}
			}
		}
		if !broken {
			_, err := w.Write(message)
			broken = err != nil // the other end is gone for good: the supervisor holds it
		}
		if broken {
			for range count {
				s.lost()
			}
		}
	}
}

// maxMessage is how long a message is read, in bytes. Bound keeps events far below.
const maxMessage = 64 << 10

// Receive calls record for every event that arrives on r, a message a Read, until r ends.
// What is no event is passed over: a worker can die in the middle of a write.
func Receive(r io.Reader, record func(*Event)) error {
	buf := make([]byte, maxMessage)
	for {
		n, err := r.Read(buf)
		for line := range bytes.Lines(buf[:n]) {
			if e, parseErr := parsed(line); parseErr == nil {
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
