package supervisor

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// loop waits for all connections of a worker at once, and runs a connection's code on the
// very thread that learnt of its bytes. Go's own poller would wake a goroutine for it,
// perhaps on another thread, and would look up whenever Kong has merely read something;
// together that is a third of what a good event costs.
//
// A connection's code is a coroutine, written as if it blocked: where it waits for Kong,
// its thread goes on with the loop. Where it keeps its thread, because it computes for
// long or waits for something else than Kong, another thread takes the loop over.
//
// One thread at a time waits; the others run a connection, and end when they are done.
type loop struct {
	epoll   int
	socks   [maxConns]atomic.Pointer[sock]
	opened  atomic.Int32 // connections ever, to tell one from the next in its slot
	threads atomic.Int32
	waiting atomic.Bool   // a thread is in epoll_wait, or just before or behind it
	turns   atomic.Uint64 // returns from epoll_wait

	// The timer watches over the threads, but not while nothing happens.
	timer    *time.Timer
	watching atomic.Bool
	seen     uint64 // turns, when it looked last
	busy     int    // how many times in a row nobody waited

	mu   sync.Mutex
	idle []*coroutine // guarded by mu
}

const (
	// watchEvery is how long a connection's code may keep the loop's only thread.
	watchEvery = 2 * time.Millisecond
	// overloaded is how many times in a row nobody waited where one thread is too few.
	// More of them than are needed wake each other in vain.
	overloaded = 8
)

// newLoop returns a loop that runs for as long as the process.
func newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("wait for connections: %w", os.NewSyscallError("epoll_create1", err))
	}
	l := &loop{epoll: epoll}
	l.watching.Store(true)
	l.timer = time.AfterFunc(time.Hour, l.watch)
	l.timer.Reset(watchEvery) // not before timer is set
	l.lead()
	return l, nil
}

// lead starts one more thread.
func (l *loop) lead() {
	l.threads.Add(1)
	go func() {
		over := false
		defer func() {
			l.threads.Add(-1)
			if !over { // a handler has called runtime.Goexit
				l.lead()
			}
		}()
		l.run()
		over = true
	}()
}

// run waits and serves until another thread waits.
func (l *loop) run() {
	var events [1]unix.EpollEvent // more would wait behind the first if it takes long
	for l.waiting.CompareAndSwap(false, true) {
		n, err := unix.EpollWait(l.epoll, events[:], -1)
		l.waiting.Store(false)
		l.turns.Add(1)
		if !l.watching.Load() && l.watching.CompareAndSwap(false, true) {
			l.timer.Reset(watchEvery)
		}
		switch {
		case err == syscall.EINTR:
		case err != nil:
			panic(err) // a descriptor that is none
		case n > 0:
			if s := l.socks[events[0].Fd].Load(); s != nil && s.number == events[0].Pad {
				s.wake(events[0].Events)
			}
		}
	}
}

// watch starts a thread where all that there are have got stuck, or where they have more
// to do than they can.
func (l *loop) watch() {
	turns := l.turns.Load()
	stuck, waiting := turns == l.seen, l.waiting.Load()
	if l.seen = turns; waiting {
		l.busy = 0
	} else {
		l.busy++
	}
	switch {
	case waiting && stuck: // nothing happens
		l.watching.Store(false)
		if l.turns.Load() == turns || !l.watching.CompareAndSwap(false, true) {
			return
		}
	case !waiting && stuck, l.busy >= overloaded && int(l.threads.Load()) < runtime.GOMAXPROCS(0):
		l.busy = 0
		l.lead()
	}
	l.timer.Reset(watchEvery)
}

// serve runs f with a connection, whose non-blocking descriptor it takes, and which ends
// with f. Slot is a number that no other connection has.
func (l *loop) serve(fd int, slot uint32, f func(*sock)) error {
	s := &sock{loop: l, fd: fd, slot: slot, number: l.opened.Add(1), drained: true}
	s.co.Store(l.start(func() { f(s) }))
	l.socks[slot].Store(s)
	// Somebody else may hold the connection too, so that closing our descriptor does not
	// take it out of the epoll: see end.
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, s.interest(0)); err != nil {
		l.socks[slot].Store(nil)
		syscall.Close(fd)
		return os.NewSyscallError("epoll_ctl", err)
	}
	s.resume()
	return nil
}
