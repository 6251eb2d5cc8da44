package supervisor

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// coroutine runs functions one after another, each in pieces: resume runs one until it
// calls yield, in the caller's place. It is used by one goroutine at a time.
type coroutine struct {
	f      func()
	over   bool // f has returned
	resume func() (struct{}, bool)
	yield  func(struct{}) bool
	stop   func()
}

// idleCoroutines is how many are kept for the next function: where every request is
// refused, every request is a connection, and a new goroutine has to grow its stack.
const idleCoroutines = 64

// start returns a coroutine that is about to run f.
func (l *loop) start(f func()) *coroutine {
	l.mu.Lock()
	var co *coroutine
	if n := len(l.idle); n > 0 {
		co, l.idle = l.idle[n-1], l.idle[:n-1]
	}
	l.mu.Unlock()
	if co == nil {
		co = new(coroutine)
		resume, stop := iter.Pull(func(yield func(struct{}) bool) {
			defer func() {
				if r := recover(); r != nil {
					panic(fmt.Sprintf("%v\n%s", r, debug.Stack())) // who resumes has another stack
				}
			}()
			co.yield = yield
			for {
				co.f()
				co.f, co.over = nil, true
				if !yield(struct{}{}) {
					return
				}
			}
		})
		co.resume, co.stop = resume, stop
	}
	co.f, co.over = f, false
	return co
}

// finish takes a coroutine back whose function is over.
func (l *loop) finish(co *coroutine) {
	l.mu.Lock()
	keep := len(l.idle) < idleCoroutines
	if keep {
		l.idle = append(l.idle, co)
	}
	l.mu.Unlock()
	if !keep {
		co.stop()
	}
}
