package pluginserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"kongwaf/kong/wire"
)

// conn is one connection from Kong. It belongs to one goroutine at a time: the one that
// serves it, or, after a handler has overrun its deadline, the timer's (see expired).
type conn struct {
	srv    *Server
	sock   net.Conn
	keeper *keeper       // nil outside of a supervisor's worker
	done   chan struct{} // closed by whoever ends the connection

	// Bytes from Kong. in[:base] are replies kept for the running event, in[head:] has
	// not been looked at yet; what lies between is used up.
	in         []byte
	base, head int
	reserved   int64 // body memory that in has taken
	seen       int   // bytes in the socket that a keeper has peeked at, and nobody has read yet

	// Bytes for Kong, not yet written, with calls among them that Kong will answer with
	// an empty frame.
	out    []byte
	queued int
	owed   int // such answers that are still to come

	ev event // the event under way

	idleMu sync.Mutex
	idle   bool // waits for a command; guarded by idleMu

	mu      sync.Mutex // held while the handler waits for Kong, so never for long by others
	cur     *link      // what the running handler talks to; guarded by mu
	working bool       // the handler computes; guarded by mu
	until   time.Time
	left    time.Duration // of the handler's time while it waits for Kong
	timer   Timer
	fires   time.Time // when the timer looks at the latest; zero if it does not
}

func newConn(s *Server, sock net.Conn) *conn {
	return &conn{srv: s, sock: sock, done: make(chan struct{}), in: *buffers.Get().(*[]byte)}
}

// buffers are connections' first ones: a refused request ends its connection.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 4096)
	return &b
}}

// outcome says who goes on with a connection.
type outcome uint8

const (
	goOn  outcome = iota // the caller, with the next command
	ended                // nobody: the connection is finished
	lost                 // another goroutine: hands off
)

var (
	errDraining = errors.New("draining")
	errRetiring = errors.New("retiring")
	errMemory   = errors.New("no body memory left")
)

// serve handles commands until the connection ends or is no longer the caller's.
func (c *conn) serve() {
	for {
		rpc, err := c.next()
		if err != nil {
			c.finish(err)
			return
		}
		switch c.dispatch(rpc) {
		case ended:
			c.finish(nil)
			return
		case lost:
			return
		}
		if c.srv.retiring.Load() {
			c.finish(errRetiring)
			return
		}
	}
}

// next waits for a command.
func (c *conn) next() (wire.RPC, error) {
	for {
		frame, err := c.nextFrame()
		if err != nil {
			return wire.RPC{}, err
		}
		if len(frame) > 0 {
			rpc, err := wire.ParseRPC(frame)
			if err != nil {
				c.srv.badFrame(err)
				return wire.RPC{}, errBadFrame
			}
			return rpc, nil
		}
		// The answer to a call that travelled with the closing frames. A command is never
		// empty.
		c.answered()
	}
}

var errBadFrame = errors.New("bad frame")

func (s *Server) badFrame(err error) {
	s.n.badFrames.Add(1)
	s.quiet.warn("frame", "closing a connection after a frame that cannot be read", "error", err)
}

// nextFrame reads a frame between events.
func (c *conn) nextFrame() ([]byte, error) {
	if c.keeper != nil && c.head == len(c.in) {
		return c.nextKept()
	}
	if c.head < len(c.in) {
		// Already there, in part at least.
	} else if err := c.await(func() error { return c.fill() }); err != nil {
		return nil, err
	}
	start, end, err := c.readFrame(c.srv.limits.FrameBytes)
	if unreadable(err) {
		c.srv.badFrame(err)
		return nil, errBadFrame
	}
	return c.in[start:end], err
}

// await calls wait, which blocks until Kong sends something, such that Shutdown can
// interrupt it.
func (c *conn) await(wait func() error) error {
	c.idleMu.Lock()
	c.idle = true
	c.idleMu.Unlock()
	if c.srv.draining.Load() {
		return errDraining
	}
	err := wait()
	c.idleMu.Lock()
	c.idle = false
	c.idleMu.Unlock()
	if c.srv.draining.Load() {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errDraining
		}
		c.sock.SetReadDeadline(time.Time{})
	}
	return err
}

// wake makes an idle connection look up: the server is draining.
func (c *conn) wake() {
	c.idleMu.Lock()
	defer c.idleMu.Unlock()
	if c.idle {
		c.sock.SetReadDeadline(time.Unix(1, 0))
	}
}

// finish ends the connection.
func (c *conn) finish(err error) {
	switch {
	case errors.Is(err, errBadFrame):
		// If it was Kong, it waits for these two frames; closing without them would make
		// it ask again for ever. The sequence number is wrong, so it answers 500.
		c.out = append(c.out[:0], 0, 0, 0, 0, 0, 0, 0, 0)
		c.flush()
		c.closeSoftly()
	case c.keeper != nil && errors.Is(err, errDraining):
		c.keeper.end = EndReleased
	case errors.Is(err, errCommand):
		c.keeper.end = EndCommand
	case errors.Is(err, errDraining), errors.Is(err, errRetiring):
		c.closeSoftly()
	}
	c.mu.Lock()
	if c.timer != nil {
		c.timer.Stop() // it would keep the connection's memory
	}
	if cap(c.in) == 4096 {
		in := c.in[:0]
		buffers.Put(&in)
	}
	c.in, c.ev.rep = nil, nil
	c.mu.Unlock()
	c.sock.Close()
	c.srv.n.bodyMemory.Add(-c.reserved)
	c.reserved = 0
	c.srv.remove(c)
	close(c.done)
}

// closeSoftly tells Kong that nothing more will come and waits until Kong has closed too.
// Closing at once, with bytes of Kong's unread, would be a reset connection to Kong, a
// failed request, where the end of the stream makes it ask again.
func (c *conn) closeSoftly() {
	half, ok := c.sock.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.sock.SetReadDeadline(time.Now().Add(softClose))
	var waste [4096]byte
	for {
		if _, err := c.sock.Read(waste[:]); err != nil {
			return
		}
	}
}

// softClose is how long Kong has to close its side; it does so at once.
const softClose = 5 * time.Second

// fill reads more bytes into in, and makes room for them first.
func (c *conn) fill() error {
	if c.head == len(c.in) {
		c.in, c.head = c.in[:c.base], c.base
	}
	if len(c.in) == cap(c.in) {
		if c.head > c.base {
			n := copy(c.in[c.base:], c.in[c.head:])
			c.in, c.head = c.in[:c.base+n], c.base
		} else if err := c.grow(); err != nil {
			return err
		}
	}
	n, err := c.sock.Read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	if skip := min(n, c.seen); skip > 0 {
		c.head += skip // in was empty
		c.seen -= skip
	}
	if n > 0 {
		return nil
	}
	return err
}

// grow doubles in. It never takes on trust what a peer announces.
func (c *conn) grow() error {
	size := 2 * cap(c.in)
	if size > smallBuffer {
		more := int64(size) - c.reserved
		if !c.srv.reserve(more) {
			return errMemory
		}
		c.reserved += more
	}
	c.in = append(make([]byte, 0, size), c.in...)
	return nil
}

// settle ends the use of in for an event: kept replies go, and so does a large buffer.
func (c *conn) settle() {
	rest := c.in[c.head:]
	if c.reserved > 0 {
		c.in = append(make([]byte, 0, max(4096, len(rest))), rest...)
		c.srv.n.bodyMemory.Add(-c.reserved)
		c.reserved = 0
	} else {
		c.in = c.in[:copy(c.in, rest)]
	}
	c.base, c.head = 0, 0
}

// readFrame reads one frame and returns where its payload lies in in. A frame that is
// longer than limit, or for which there is no memory, stays unread: skipFrame.
func (c *conn) readFrame(limit int) (start, end int, err error) {
	for {
		if have := c.in[c.head:]; len(have) >= wire.HeaderSize {
			n := int64(binary.LittleEndian.Uint32(have))
			if n > int64(limit) {
				return 0, 0, fmt.Errorf("%w: %d bytes announced, %d allowed", wire.ErrFrameTooLong, n, limit)
			}
			if int64(len(have)) >= wire.HeaderSize+n {
				start = c.head + wire.HeaderSize
				c.head = start + int(n)
				return start, c.head, nil
			}
		}
		if err := c.fill(); err != nil {
			if err == io.EOF && c.head < len(c.in) {
				err = io.ErrUnexpectedEOF
			}
			return 0, 0, err
		}
	}
}

// skipFrame reads the frame at in[head:] and throws it away, so that the conversation
// can go on behind it.
func (c *conn) skipFrame() error {
	for len(c.in)-c.head < wire.HeaderSize {
		if err := c.fill(); err != nil {
			return err
		}
	}
	rest := wire.HeaderSize + int64(binary.LittleEndian.Uint32(c.in[c.head:]))
	for {
		have := int64(len(c.in) - c.head)
		if have >= rest {
			c.head += int(rest)
			return nil
		}
		rest -= have
		c.in, c.head = c.in[:c.base], c.base
		if cap(c.in)-len(c.in) == 0 {
			if err := c.grow(); err != nil {
				c.base, c.head, c.in = 0, 0, c.in[:0] // the kept replies have no reader any more
				continue
			}
		}
		n, err := c.sock.Read(c.in[len(c.in):min(int64(cap(c.in)), int64(len(c.in))+rest)])
		c.in = c.in[:len(c.in)+n]
		if err != nil && n == 0 {
			return err
		}
	}
}

// flush writes what is queued.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.sock.Write(c.out)
	c.owed += c.queued
	c.queued = 0
	if cap(c.out) > smallBuffer {
		c.out = nil
	}
	c.out = c.out[:0]
	return err
}

// collect reads the empty answers that Kong still owes.
func (c *conn) collect() error {
	for ; c.owed > 0; c.owed-- {
		if _, _, err := c.readFrame(c.srv.limits.FrameBytes); err != nil {
			return err
		}
	}
	return nil
}
