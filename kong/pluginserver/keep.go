package pluginserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"kongwaf/kong/wire"
)

// State is what a supervisor must know of a connection should its worker die now.
type State uint32

// The states of a connection.
const (
	// StateIdle: no event is under way; another worker can go on with the connection.
	StateIdle State = iota
	// StateEvent: an event may have been read and has not been answered. Kong must be told.
	StateEvent
	// StateClosing: the event's last bytes are being written, in one piece. Kong has all
	// of them, or none.
	StateClosing
)

// End is why ServeKept returned.
type End uint8

const (
	// EndClosed: the connection is over.
	EndClosed End = iota
	// EndReleased: the server shuts down and the connection is idle. It is left as it
	// is, for another process to serve; so is a command that came meanwhile.
	EndReleased
	// EndCommand: a command that is no event waits in the socket, unread. Whoever keeps
	// the connection reads it, has it carried out by Answer, and writes the answer.
	EndCommand
)

// KeptConn is a connection as ServeKept needs it: a *net.UnixConn, or something lighter.
type KeptConn interface {
	net.Conn
	syscall.Conn
}

// keeper is what the server does for the one who keeps a connection.
type keeper struct {
	mark func(State)
	raw  syscall.RawConn
	end  End

	// Of the peek under way.
	buf  [maxEvent]byte
	n    int
	err  error
	owed int                   // empty frames that Kong still has to send before its next command
	look func(fd uintptr) bool // c.look, bound once
	take func(fd uintptr) bool
	size int
}

// maxEvent is the longest frame that can be an event, in bytes, its header included: two
// numbers and the name of a phase. It must fit into the socket as a whole, to be peeked at.
const maxEvent = 256

// ServeKept serves a connection whose keeper, another process, can go on with it if this
// one dies. An event's frame is taken from the socket only after mark(StateEvent); mark
// is called by one goroutine at a time, and must be fast. The socket is closed on return,
// which ends the connection only if nobody else holds it.
func (s *Server) ServeKept(sock KeptConn, mark func(State)) End {
	c := newConn(s, sock)
	raw, err := sock.SyscallConn()
	if err != nil {
		sock.Close()
		return EndClosed
	}
	c.keeper = &keeper{mark: mark, raw: raw}
	c.keeper.look, c.keeper.take = c.keeper.peek, c.keeper.consume
	if !s.add(c) {
		sock.Close()
		return EndReleased
	}
	c.serve()
	<-c.done
	return c.keeper.end
}

// nextKept waits for the next event and takes its frame from the socket.
func (c *conn) nextKept() ([]byte, error) {
	k := c.keeper
	k.owed, c.owed = c.owed, 0
	if err := c.await(k.wait); err != nil {
		if err == errBadFrame {
			c.srv.badFrame(errors.New("the answer to a call that has none"))
		}
		return nil, err
	}
	size := wire.HeaderSize + int64(binary.LittleEndian.Uint32(k.buf[:]))
	if size > wire.HeaderSize+int64(c.srv.limits.FrameBytes) {
		c.srv.badFrame(fmt.Errorf("%w: %d bytes", wire.ErrFrameTooLong, size))
		return nil, errBadFrame
	}
	if size == wire.HeaderSize {
		k.size = wire.HeaderSize
		if err := k.raw.Read(k.take); err != nil {
			return nil, err
		}
		return nil, k.err
	}
	if size > maxEvent {
		return nil, errCommand
	}
	rpc, err := wire.ParseRPC(k.buf[wire.HeaderSize:size])
	if err == nil && rpc.Command != wire.CmdHandleEvent {
		return nil, errCommand
	}
	k.mark(StateEvent)
	k.size = int(size)
	if err := k.raw.Read(k.take); err != nil {
		return nil, err
	}
	return k.buf[wire.HeaderSize:size], k.err
}

var errCommand = fmt.Errorf("a command waits")

// wait peeks until a whole frame is there, or as much of it as tells that it is no event.
func (k *keeper) wait() error {
	k.n, k.err = 0, nil
	if err := k.raw.Read(k.look); err != nil {
		return err
	}
	return k.err
}

func (k *keeper) peek(fd uintptr) bool {
	for k.owed > 0 {
		// No other worker wants these, so they need not be left where they are first.
		k.size = min(wire.HeaderSize*k.owed, maxEvent)
		got, err := k.receive(fd)
		if err == syscall.EAGAIN {
			return false
		}
		if k.owed -= got / wire.HeaderSize; err == nil && (got%wire.HeaderSize != 0 || !allZero(k.buf[:got])) {
			err = errBadFrame
		}
		if k.err = err; err != nil {
			return true
		}
	}
	for {
		n, _, err := syscall.Recvfrom(int(fd), k.buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return false
		case err != nil:
			k.err = err
			return true
		case n == 0:
			k.err = io.EOF
			return true
		}
		k.n = n
		if n >= wire.HeaderSize && int64(n) >= min(wire.HeaderSize+int64(binary.LittleEndian.Uint32(k.buf[:])), maxEvent) {
			return true
		}
		// What is missing wakes us when it arrives. The end of the stream does too, but
		// does not show behind bytes that stay where they are.
		if k.err = hungUp(fd); k.err != nil {
			return true
		}
		return false
	}
}

// receive takes at most size bytes, as many as are there.
func (k *keeper) receive(fd uintptr) (int, error) {
	for {
		n, _, err := syscall.Recvfrom(int(fd), k.buf[:k.size], syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
			continue
		case err == nil && n == 0:
			err = io.EOF
		}
		return max(n, 0), err
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// hungUp returns an error if the other side has closed its socket.
func hungUp(fd uintptr) error {
	fds := [1]unix.PollFd{{Fd: int32(fd)}}
	if n, err := unix.Poll(fds[:], 0); err == nil && n > 0 && fds[0].Revents&unix.POLLHUP != 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// consume takes the frame that has been peeked at; it is there as a whole.
func (k *keeper) consume(fd uintptr) bool {
	for got := 0; got < k.size; {
		n, _, err := syscall.Recvfrom(int(fd), k.buf[got:k.size], syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			k.err = err
			return true
		case n == 0:
			k.err = io.ErrUnexpectedEOF
			return true
		default:
			got += n
		}
	}
	return true
}

// atomicWrite is how many bytes the kernel puts into a Unix socket as a whole or not at
// all; it is 32 KiB or more.
const atomicWrite = 4096

// write flushes the last bytes of an event.
func (c *conn) write() error {
	k := c.keeper
	if k == nil {
		return c.flush()
	}
	for len(c.out) > atomicWrite {
		n, err := c.sock.Write(c.out[:len(c.out)-atomicWrite])
		if err != nil {
			return err
		}
		c.out = append(c.out[:0], c.out[n:]...)
	}
	k.mark(StateClosing)
	err := c.flush()
	if err == nil {
		k.mark(StateIdle)
	}
	return err
}
