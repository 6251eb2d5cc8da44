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
	// StateHandling: the same, and a plugin handles it that Keeper.Begin was asked about.
	StateHandling
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
	// EndEvent: the event that ServeKept returns has been read, and no plugin has seen it
	// yet. Whoever keeps the connection has it handled by ServeEvent.
	EndEvent
)

// Keeper is how the process that serves a kept connection tells the one that keeps it
// what it does. Its methods are called by one goroutine at a time, and must be fast.
type Keeper interface {
	// Mark notes the connection's state.
	Mark(State)
	// Watches reports whether Begin is to be asked about the next event. It costs Kong a
	// call: the request's id.
	Watches() bool
	// Begin is asked before a plugin handles an event, and says how it is handled. The
	// identity is the same when Kong asks again, and no other event has it.
	Begin(identity uint64) Way
	// Handled says that a plugin has handled an event to its end.
	Handled()
}

// Way is how an event is handled.
type Way uint8

// The ways.
const (
	WayHere      Way = iota // by the plugin, now
	WayElsewhere            // by another process: EndEvent
	WayPolicy               // by the failure policy, without the plugin
)

// KeptConn is a connection as ServeKept needs it: a *net.UnixConn, or a Hosted one.
type KeptConn interface {
	net.Conn
	syscall.Conn
}

// Hosted is a connection whose owner waits for it, and many others, on few threads. Where
// its RawConn waits, and the other side hangs up, the wait ends with an error.
type Hosted interface {
	KeptConn
	// Drained says that all that has come has been looked at: a read need not try before
	// it waits.
	Drained()
	// Go goes on with the connection in f, in another goroutine. The one that has served
	// it must not read or write any more.
	Go(f func())
}

// keeper is what the server does for the one who keeps a connection.
type keeper struct {
	Keeper
	raw    syscall.RawConn
	hosted Hosted // nil if it is not
	end    End
	event  []byte // with EndEvent the event that is left; before that, the one to begin with
	once   bool   // the connection is given back behind that one

	// Of the peek under way.
	buf  [2 * maxEvent]byte
	n    int
	err  error
	owed int                   // bytes of empty frames that Kong sends before its next command
	look func(fd uintptr) bool // c.peek, bound once
	take func(fd uintptr)
	size int
}

// maxEvent is the longest frame that can be an event, in bytes, its header included: two
// numbers and the name of a phase. It must fit into the socket as a whole, to be peeked at.
const maxEvent = 256

// ServeKept serves a connection whose keeper, another process, can go on with it if this
// one dies. An event's frame is taken from the socket only after Mark(StateEvent). The
// socket is closed on return, which ends the connection only if nobody else holds it. With
// EndEvent the event is returned too.
func (s *Server) ServeKept(sock KeptConn, k Keeper) (End, []byte) {
	return s.serveKept(sock, &keeper{Keeper: k})
}

// ServeEvent handles an event that ServeKept in another process has left, and returns
// behind it.
func (s *Server) ServeEvent(sock KeptConn, k Keeper, event []byte) End {
	end, _ := s.serveKept(sock, &keeper{Keeper: k, event: event, once: true})
	return end
}

func (s *Server) serveKept(sock KeptConn, k *keeper) (End, []byte) {
	c := newConn(s, sock)
	raw, err := sock.SyscallConn()
	if err != nil {
		sock.Close()
		return EndClosed, nil
	}
	c.keeper, k.raw = k, raw
	k.hosted, _ = sock.(Hosted)
	k.look, k.take = k.peek, k.takeNow
	if !s.add(c) {
		sock.Close()
		return EndReleased, nil
	}
	c.serve()
	<-c.done
	return k.end, k.event
}

// nextKept waits for the next event. Its frame stays in the socket for now: it is taken
// out together with the first replies, see fill, or when the event ends without any.
func (c *conn) nextKept() ([]byte, error) {
	k := c.keeper
	if k.once {
		event := k.event
		if k.event = nil; event == nil {
			return nil, errDraining
		}
		k.Mark(StateEvent)
		return event, nil
	}
	k.owed, c.owed = wire.HeaderSize*c.owed, 0
	if err := c.await(k.wait); err != nil {
		if err == errBadFrame {
			c.srv.badFrame(errors.New("the answer to a call that has none"))
		}
		return nil, err
	}
	frame := k.buf[k.owed:k.n]
	size := wire.HeaderSize + int64(binary.LittleEndian.Uint32(frame))
	if size > wire.HeaderSize+int64(c.srv.limits.FrameBytes) {
		c.srv.badFrame(fmt.Errorf("%w: %d bytes", wire.ErrFrameTooLong, size))
		return nil, errBadFrame
	}
	if size == wire.HeaderSize {
		return nil, k.consume(k.owed + wire.HeaderSize)
	}
	if size > maxEvent {
		return nil, errors.Join(errCommand, k.consume(k.owed))
	}
	rpc, err := wire.ParseRPC(frame[wire.HeaderSize:size])
	if err == nil && rpc.Command != wire.CmdHandleEvent {
		return nil, errors.Join(errCommand, k.consume(k.owed))
	}
	k.Mark(StateEvent)
	c.seen = k.owed + int(size)
	if k.hosted != nil && c.seen == k.n {
		k.hosted.Drained()
	}
	return frame[wire.HeaderSize:size], nil
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
	for {
		n, _, err := syscall.Recvfrom(int(fd), k.buf[:k.owed+maxEvent], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
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
		case !allZero(k.buf[:min(n, k.owed)]):
			k.err = errBadFrame
			return true
		}
		k.n = n
		if frame := k.buf[min(n, k.owed):n]; len(frame) >= wire.HeaderSize &&
			int64(len(frame)) >= min(wire.HeaderSize+int64(binary.LittleEndian.Uint32(frame)), maxEvent) {
			return true
		}
		// What is missing wakes us when it arrives. The end of the stream does too, but
		// does not show behind bytes that stay where they are.
		if k.hosted == nil {
			k.err = hungUp(fd)
		}
		return k.err != nil
	}
}

// consume takes bytes that have been peeked at.
func (k *keeper) consume(size int) error {
	k.size, k.err = size, nil
	if err := k.raw.Control(k.take); err != nil {
		return err
	}
	return k.err
}

func (k *keeper) takeNow(fd uintptr) {
	for k.size > 0 {
		n, _, err := syscall.Recvfrom(int(fd), k.buf[:min(k.size, len(k.buf))], syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			k.err = err
			return
		case n == 0:
			k.err = io.ErrUnexpectedEOF
			return
		default:
			k.size -= n
		}
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

// atomicWrite is how many bytes the kernel puts into a Unix socket as a whole or not at
// all; it is 32 KiB or more.
const atomicWrite = 4096

// write flushes the last bytes of an event.
func (c *conn) write() error {
	k := c.keeper
	if k == nil {
		return c.flush()
	}
	if c.seen > 0 { // there were no replies
		err := k.consume(c.seen)
		if c.seen = 0; err != nil {
			return err
		}
	}
	for len(c.out) > atomicWrite {
		n, err := c.sock.Write(c.out[:len(c.out)-atomicWrite])
		if err != nil {
			return err
		}
		c.out = append(c.out[:0], c.out[n:]...)
	}
	k.Mark(StateClosing)
	err := c.flush()
	if err == nil {
		k.Mark(StateIdle)
	}
	return err
}
