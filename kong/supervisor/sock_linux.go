package supervisor

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"kongwaf/kong/pluginserver"
)

// sock is a connection in a loop. What waits may be called by the connection's coroutine
// only; Close and SetReadDeadline by anybody.
type sock struct {
	loop   *loop
	fd     int
	slot   uint32
	number int32
	co     atomic.Pointer[coroutine] // which runs the connection
	state  atomic.Uint32

	drained bool        // there is nothing to read until the loop says so
	hungUp  atomic.Bool // the other side has closed
	closed  atomic.Bool

	mu    sync.Mutex
	late  atomic.Bool // the read deadline has passed; written with mu held
	timer *time.Timer // guarded by mu
}

var _ pluginserver.Hosted = (*sock)(nil)

// The states of a sock.
const (
	sockParked uint32 = iota
	sockRuns          // its coroutine runs
	sockRunsOn        // and has to look again before it parks
	sockIsOver        // its function has returned
)

// interest returns what the loop listens to: bytes that come, each time that some do, and
// other events.
func (s *sock) interest(other uint32) *unix.EpollEvent {
	return &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET | other, Fd: int32(s.slot), Pad: s.number}
}

// wake goes on with the connection because of events.
func (s *sock) wake(events uint32) {
	if events&(unix.EPOLLHUP|unix.EPOLLRDHUP|unix.EPOLLERR) != 0 {
		s.hungUp.Store(true)
	}
	s.resume()
}

// resume runs the connection's coroutine until it waits, unless somebody else does so
// already: then that one looks again.
func (s *sock) resume() {
	for {
		switch s.state.Load() {
		case sockParked:
			if s.state.CompareAndSwap(sockParked, sockRuns) {
				s.run()
				return
			}
		case sockRuns:
			if s.state.CompareAndSwap(sockRuns, sockRunsOn) {
				return
			}
		default:
			return
		}
	}
}

// run runs the coroutine; the state is sockRuns, or sockRunsOn.
func (s *sock) run() {
	for {
		co := s.co.Load()
		co.resume()
		mine := s.co.Load() == co // else another one runs the connection meanwhile
		if co.over {
			if mine {
				s.end()
			}
			s.loop.finish(co)
			return
		}
		if !mine || s.state.CompareAndSwap(sockRuns, sockParked) {
			return
		}
		s.state.Store(sockRuns)
	}
}

// Drained implements pluginserver.Hosted.
func (s *sock) Drained() { s.drained = !s.hungUp.Load() }

// Go implements pluginserver.Hosted: another coroutine takes the place of the one that a
// handler has got stuck in, or is ending.
func (s *sock) Go(f func()) {
	s.co.Store(s.loop.start(f))
	go s.run()
}

// look makes the coroutine look up.
func (s *sock) look() {
	if !s.state.CompareAndSwap(sockRuns, sockRunsOn) {
		go s.resume()
	}
}

// end ends the connection, whose coroutine is over.
func (s *sock) end() {
	s.state.Store(sockIsOver)
	s.SetReadDeadline(time.Time{})
	unix.EpollCtl(s.loop.epoll, unix.EPOLL_CTL_DEL, s.fd, nil)
	s.loop.socks[s.slot].CompareAndSwap(s, nil)
	syscall.Close(s.fd)
}

// wait lets the thread go until there is something new.
func (s *sock) wait() {
	s.co.Load().yield(struct{}{})
	s.drained = false
}

// broken reports why the connection cannot be used.
func (s *sock) broken() error {
	switch {
	case s.closed.Load():
		return net.ErrClosed
	case s.late.Load():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

// Read implements net.Conn.
func (s *sock) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		if err := s.broken(); err != nil {
			return 0, err
		}
		if s.drained {
			s.wait()
			continue
		}
		n, err := transfer(syscall.SYS_RECVFROM, s.fd, b)
		switch {
		case err == syscall.EAGAIN:
			s.drained = true
		case err == syscall.EINTR:
		case err != 0:
			return 0, os.NewSyscallError("recvfrom", err)
		case n == 0:
			return 0, io.EOF
		default:
			// The kernel joins what it has: less than was asked for is all there is.
			s.drained = n < len(b) && !s.hungUp.Load()
			return n, nil
		}
	}
}

// Write implements net.Conn.
func (s *sock) Write(b []byte) (done int, err error) {
	listens := false
	for done < len(b) {
		if s.closed.Load() {
			return done, net.ErrClosed
		}
		n, errno := transfer(syscall.SYS_SENDTO, s.fd, b[done:])
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			if !listens {
				listens = true
				unix.EpollCtl(s.loop.epoll, unix.EPOLL_CTL_MOD, s.fd, s.interest(unix.EPOLLOUT))
			}
			s.wait()
		case errno != 0:
			return done, os.NewSyscallError("sendto", errno)
		default:
			done += n
		}
	}
	if listens {
		unix.EpollCtl(s.loop.epoll, unix.EPOLL_CTL_MOD, s.fd, s.interest(0))
	}
	return done, nil
}

// transfer sends or receives what can be at once. It does not tell Go's scheduler, which
// need not know of a call that never blocks.
func transfer(call uintptr, fd int, b []byte) (int, syscall.Errno) {
	n, _, err := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	return int(n), err
}

// Close makes all further use fail. The descriptor itself is closed when the coroutine is
// over: nobody else may close what it perhaps uses.
func (s *sock) Close() error {
	if !s.closed.Swap(true) {
		s.look()
	}
	return nil
}

// CloseWrite ends our half of the connection.
func (s *sock) CloseWrite() error {
	return os.NewSyscallError("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR))
}

// SetReadDeadline implements net.Conn.
func (s *sock) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	left := time.Until(t)
	s.late.Store(!t.IsZero() && left <= 0)
	switch {
	case t.IsZero():
	case left <= 0:
		s.look()
	default:
		var timer *time.Timer
		timer = time.AfterFunc(left, func() {
			s.mu.Lock()
			mine := s.timer == timer
			if mine {
				s.late.Store(true)
			}
			s.mu.Unlock()
			if mine {
				s.resume()
			}
		})
		s.timer = timer
	}
	return nil
}

// SetWriteDeadline and SetDeadline are not needed by the plugin server.
func (s *sock) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
func (s *sock) SetDeadline(time.Time) error      { return os.ErrNoDeadline }

var unnamed = &net.UnixAddr{Net: "unix"}

func (s *sock) LocalAddr() net.Addr  { return unnamed }
func (s *sock) RemoteAddr() net.Addr { return unnamed }

// SyscallConn implements syscall.Conn.
func (s *sock) SyscallConn() (syscall.RawConn, error) { return rawSock{s}, nil }

type rawSock struct{ *sock }

// Read implements syscall.RawConn. It takes f's discontent for a sign that f has seen all
// that has come.
func (r rawSock) Read(f func(fd uintptr) bool) error {
	for {
		if err := r.broken(); err != nil {
			return err
		}
		if !r.drained {
			hungUp := r.hungUp.Load()
			switch {
			case f(uintptr(r.fd)):
				return nil
			case hungUp:
				return io.ErrUnexpectedEOF
			}
		}
		r.wait()
	}
}

// Control implements syscall.RawConn.
func (r rawSock) Control(f func(fd uintptr)) error {
	f(uintptr(r.fd))
	return nil
}

// Write implements syscall.RawConn; nobody needs it.
func (r rawSock) Write(func(fd uintptr) bool) error { return syscall.ENOSYS }
