//go:build linux

package supervisor

import (
	"bytes"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// looped returns Kong's end of a connection whose other end f serves in the loop, and a
// channel that is closed when f has returned.
func looped(t *testing.T, l *loop, slot uint32, f func(*sock)) (kong *net.UnixConn, over chan struct{}) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	kong, err = connection(pair[0])
	require.NoError(t, err)
	t.Cleanup(func() { kong.Close() })
	kong.SetDeadline(time.Now().Add(20 * time.Second))
	over = make(chan struct{})
	require.NoError(t, l.serve(pair[1], slot, func(s *sock) {
		defer close(over)
		f(s)
	}))
	return kong, over
}

func testLoop(t *testing.T) *loop {
	t.Helper()
	l, err := newLoop()
	require.NoError(t, err)
	return l
}

func echo(s *sock) { io.Copy(struct{ io.Writer }{s}, struct{ io.Reader }{s}) }

// exchange sends a message and expects it back.
func exchange(t *testing.T, kong net.Conn, message string) {
	t.Helper()
	_, err := kong.Write([]byte(message))
	require.NoError(t, err)
	back := make([]byte, len(message))
	_, err = io.ReadFull(kong, back)
	require.NoError(t, err)
	require.Equal(t, message, string(back))
}

func TestLoopServesManyConnections(t *testing.T) {
	l := testLoop(t)
	var done sync.WaitGroup
	for slot := range uint32(32) {
		kong, over := looped(t, l, slot, echo)
		done.Go(func() {
			for i := range 200 {
				message := bytes.Repeat([]byte{byte(slot)}, 1+i*37)
				go func() { // in pieces
					kong.Write(message[:1+i/2])
					kong.Write(message[1+i/2:])
				}()
				back := make([]byte, len(message))
				if _, err := io.ReadFull(kong, back); err != nil || !bytes.Equal(message, back) {
					t.Errorf("connection %d, message %d: %v", slot, i, err)
					return
				}
			}
			kong.Close()
			<-over
		})
	}
	done.Wait()
	eventually(t, "the threads that are not needed end", func() bool { return l.threads.Load() == 1 })
	eventually(t, "coroutines wait for the next connections", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.idle) == 32
	})
}

func TestLoopGoesOnBesideStuckConnections(t *testing.T) {
	l := testLoop(t)
	stuck := make(chan struct{})
	var overs []chan struct{}
	for slot := range uint32(5) {
		kong, over := looped(t, l, slot, func(s *sock) {
			s.Read(make([]byte, 1))
			<-stuck
		})
		kong.Write([]byte("x"))
		overs = append(overs, over)
	}
	kong, _ := looped(t, l, 9, echo)
	exchange(t, kong, "hello")
	close(stuck)
	for _, over := range overs {
		<-over
	}
	exchange(t, kong, "hello again")
	eventually(t, "the threads that are not needed end", func() bool { return l.threads.Load() == 1 })
}

// TestLoopUsesAllProcessors: connections that compute without end, a little at a time, are
// not stuck, but one thread is too few for them.
func TestLoopUsesAllProcessors(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor")
	}
	l := testLoop(t)
	var quit, both atomic.Bool
	var computing atomic.Int32
	for slot := range uint32(4) {
		kong, over := looped(t, l, slot, func(s *sock) {
			b := make([]byte, 1)
			for {
				if _, err := s.Read(b); err != nil {
					return
				}
				if computing.Add(1) > 1 {
					both.Store(true)
				}
				for start := time.Now(); time.Since(start) < time.Millisecond/2; {
				}
				computing.Add(-1)
				s.Write(b)
			}
		})
		go func() {
			for b := []byte("x"); !quit.Load(); kong.Read(b) {
				kong.Write(b)
			}
			kong.Close()
		}()
		defer func() {
			quit.Store(true)
			<-over
		}()
	}
	eventually(t, "two of them at a time", both.Load)
}

func TestLoopWritesMoreThanFits(t *testing.T) {
	l := testLoop(t)
	big := bytes.Repeat([]byte("0123456789"), 300_000)
	kong, over := looped(t, l, 1, func(s *sock) {
		n, err := s.Write(big)
		if n != len(big) || err != nil {
			t.Errorf("%d bytes written: %v", n, err)
		}
		echo(s)
	})
	other, _ := looped(t, l, 2, echo)
	for range 20 {
		exchange(t, other, "meanwhile")
	}
	got := make([]byte, len(big))
	_, err := io.ReadFull(kong, got)
	require.NoError(t, err)
	require.True(t, bytes.Equal(big, got))
	exchange(t, kong, "behind it")
	kong.Close()
	<-over
}

func TestLoopDeadlines(t *testing.T) {
	l := testLoop(t)
	for name, tc := range map[string]struct {
		left    time.Duration
		fromOut bool // set by another goroutine, while the connection waits
	}{
		"past":                              {left: -time.Hour},
		"future":                            {left: 20 * time.Millisecond},
		"past, from another goroutine":      {left: -time.Hour, fromOut: true},
		"in future, from another goroutine": {left: 20 * time.Millisecond, fromOut: true},
	} {
		t.Run(name, func(t *testing.T) {
			socks, errs := make(chan *sock, 1), make(chan error, 1)
			kong, _ := looped(t, l, 1, func(s *sock) {
				s.SetReadDeadline(time.Now().Add(time.Millisecond))
				s.SetReadDeadline(time.Time{}) // takes it back
				if !tc.fromOut {
					s.SetReadDeadline(time.Now().Add(tc.left))
				}
				socks <- s
				_, err := s.Read(make([]byte, 1))
				errs <- err
				s.SetReadDeadline(time.Time{})
				echo(s)
			})
			s := <-socks
			if tc.fromOut {
				time.Sleep(5 * time.Millisecond)
				require.Empty(t, errs)
				s.SetReadDeadline(time.Now().Add(tc.left))
			}
			require.ErrorIs(t, <-errs, os.ErrDeadlineExceeded)
			exchange(t, kong, "it still works")
		})
	}
}

func TestLoopNoticesTheEnd(t *testing.T) {
	l := testLoop(t)
	peekFour := func(s *sock) error { // as a frame that stays incomplete
		raw, _ := s.SyscallConn()
		return raw.Read(func(fd uintptr) bool {
			n, _, err := syscall.Recvfrom(int(fd), make([]byte, 4), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			return n == 0 || n == 4 || err != nil && err != syscall.EAGAIN
		})
	}
	read := func(s *sock) error {
		_, err := s.Read(make([]byte, 4))
		return err
	}
	for name, tc := range map[string]struct {
		sent string
		wait func(*sock) error
		want error
	}{
		"read":                          {wait: read, want: io.EOF},
		"peek":                          {wait: peekFour},
		"peek at part of what it wants": {sent: "ab", wait: peekFour, want: io.ErrUnexpectedEOF},
		"peek at all that it wants":     {sent: "abcd", wait: peekFour},
	} {
		t.Run(name, func(t *testing.T) {
			errs := make(chan error, 1)
			kong, _ := looped(t, l, 1, func(s *sock) { errs <- tc.wait(s) })
			kong.Write([]byte(tc.sent))
			kong.Close()
			require.Equal(t, tc.want, <-errs)
		})
	}
	t.Run("closed here", func(t *testing.T) {
		socks, errs := make(chan *sock, 1), make(chan error, 1)
		kong, _ := looped(t, l, 1, func(s *sock) {
			socks <- s
			errs <- read(s)
		})
		(<-socks).Close()
		require.ErrorIs(t, <-errs, net.ErrClosed)
		_, err := kong.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	})
}

// TestLoopReplacesACoroutine: what is stuck, or ends its goroutine, does not take its
// connection along.
func TestLoopReplacesACoroutine(t *testing.T) {
	l := testLoop(t)
	for name, leave := range map[string]func(stuck chan struct{}){
		"stuck":  func(stuck chan struct{}) { <-stuck },
		"goexit": func(chan struct{}) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			stuck, next := make(chan struct{}), make(chan struct{})
			kong, over := looped(t, l, 1, func(s *sock) {
				s.Read(make([]byte, 1))
				go s.Go(func() {
					defer close(next)
					echo(s)
				})
				leave(stuck)
			})
			kong.Write([]byte("x"))
			exchange(t, kong, "hello")
			close(stuck)
			<-over
			exchange(t, kong, "hello again")
			kong.Close()
			<-next
			other, _ := looped(t, l, 1, echo)
			exchange(t, other, "in the same place")
		})
	}
}
