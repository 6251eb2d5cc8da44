package pluginserver

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"kongwaf/kong/wire"
)

// link is the net.Conn that go-pdk talks to during one event. It understands the frames:
// a call of the read-ahead is answered from memory, a call that has an empty answer is
// queued and answered from memory, any other is sent, with all that is queued, and waited
// for. Once the event is over, or has been taken from a hung handler, it leads nowhere:
// a plugin that keeps its PDK cannot reach another request with it.
type link struct {
	c      *conn
	closed bool // guarded by c.mu, as is all that the methods touch
}

var emptyFrame = make([]byte, wire.HeaderSize)

// maxQueued is how many calls are sent behind at a time. Kong answers each, and we read
// the answers later; more of them than a socket holds, and both sides would wait for ever.
const maxQueued = 64

// Ask implements Kong.
func (l *link) Ask(method string, args []byte) (string, error) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	err := l.usable()
	if err != nil {
		return "", err
	}
	if err = c.call(method, args); err != nil {
		c.ev.err = err
		return "", err
	}
	if c.ev.exited {
		return "", io.EOF
	}
	reply := string(c.ev.rep[wire.HeaderSize:])
	c.ev.rep = nil
	return reply, nil
}

// Write takes a call's bytes; the last of them carries it out.
func (l *link) Write(p []byte) (int, error) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := l.usable(); err != nil {
		return 0, err
	}
	ev := &c.ev
	ev.request = append(ev.request, p...)
	method, args, size := splitCall(ev.request)
	if size == 0 {
		return len(p), nil
	}
	err := c.call(string(method), args)
	ev.request = append(ev.request[:0], ev.request[size:]...)
	if err != nil {
		ev.err = err
	}
	return len(p), err
}

// Read returns bytes of the last call's reply.
func (l *link) Read(p []byte) (int, error) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := l.usable(); err != nil {
		return 0, err
	}
	if len(c.ev.rep) == 0 {
		return 0, io.EOF // more than was asked for
	}
	n := copy(p, c.ev.rep)
	c.ev.rep = c.ev.rep[n:]
	return n, nil
}

// usable reports why the link cannot be used; c.mu is held.
func (l *link) usable() error {
	switch {
	case l.closed || l.c.cur != l:
		return net.ErrClosed
	case l.c.ev.exited:
		return io.EOF // what go-pdk sees where Kong drops the connection
	default:
		return l.c.ev.err
	}
}

// Close ends the plugin's talk with Kong, as go-pdk does after kong.response.exit. The
// connection itself stays open: Kong closes it, or expects its closing frames.
func (l *link) Close() error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.closed = true
	return nil
}

// Reserve implements Kong.
func (l *link) Reserve(n int64) bool {
	if !l.c.srv.reserve(n) {
		l.c.srv.n.overloadMemory.Add(1)
		return false
	}
	return true
}

// Release implements Kong.
func (l *link) Release(n int64) { l.c.srv.n.bodyMemory.Add(-n) }

// Extend implements Kong.
func (l *link) Extend(d time.Duration) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cur == l && c.working {
		c.until = c.until.Add(d)
	}
}

func (l *link) LocalAddr() net.Addr  { return l.c.sock.LocalAddr() }
func (l *link) RemoteAddr() net.Addr { return l.c.sock.RemoteAddr() }

var errDeadline = errors.New("a plugin's connection to Kong has no deadlines")

func (l *link) SetDeadline(time.Time) error      { return errDeadline }
func (l *link) SetReadDeadline(time.Time) error  { return errDeadline }
func (l *link) SetWriteDeadline(time.Time) error { return errDeadline }

// splitCall returns the call at the start of b and its size in bytes, 0 if it is not
// complete yet.
func splitCall(b []byte) (method, args []byte, size int) {
	if len(b) < 2*wire.HeaderSize {
		return nil, nil, 0
	}
	m := uint64(binary.LittleEndian.Uint32(b))
	if uint64(len(b)) < 2*wire.HeaderSize+m {
		return nil, nil, 0
	}
	method = b[wire.HeaderSize:][:m]
	b = b[wire.HeaderSize+m:]
	n := uint64(binary.LittleEndian.Uint32(b))
	if uint64(len(b)) < wire.HeaderSize+n {
		return nil, nil, 0
	}
	return method, b[wire.HeaderSize:][:n], int(2*wire.HeaderSize + m + n)
}

// call carries out one PDK call and puts its reply, with its header, into ev.rep; c.mu is held.
func (c *conn) call(method string, args []byte) error {
	ev := &c.ev
	ev.rep = nil
	if c.kept(method, args) {
		return nil
	}
	if method == wire.MethodExit {
		c.out = wire.AppendCall(c.out, wire.Call{Method: method, Args: args})
		ev.exited = true
		return c.write()
	}
	if group := ev.group(method, args); group != nil {
		for _, call := range group {
			c.out = wire.AppendCall(c.out, call)
		}
		err := c.trip(group)
		c.kept(method, args)
		return err
	}
	c.out = wire.AppendCall(c.out, wire.Call{Method: method, Args: args})
	if !behind[method] {
		return c.trip(oneCall)
	}
	c.srv.n.behind.Add(1)
	c.queued++
	ev.rep = emptyFrame
	if c.queued >= maxQueued || len(c.out) >= smallBuffer {
		return c.trip(nil)
	}
	return nil
}

// kept answers a call from a reply that is there already, and reports whether there was one.
func (c *conn) kept(method string, args []byte) bool {
	for i := range c.ev.replies {
		r := &c.ev.replies[i]
		if !r.used && same(r.call, method, args) {
			r.used = true
			c.ev.rep = c.in[r.start:r.end]
			return true
		}
	}
	return false
}

// group returns the calls that go together with this one, nil if there are none, or if
// they have been sent before.
func (ev *event) group(method string, args []byte) []wire.Call {
	for i, group := range ev.phase.groups {
		if i < len(ev.sent) && !ev.sent[i] && len(group) > 1 {
			for j := range group {
				if same(&group[j], method, args) {
					ev.sent[i] = true
					return group
				}
			}
		}
	}
	return nil
}

func same(call *wire.Call, method string, args []byte) bool {
	return call.Method == method && string(call.Args) == string(args)
}

// oneCall stands for the call that has just been queued.
var oneCall = make([]wire.Call, 1)

// trip sends what is queued, and reads what Kong answers, to the last calls too: a group,
// or oneCall, or nothing. The handler's time stands still meanwhile; c.mu is held.
func (c *conn) trip(last []wire.Call) error {
	s := c.srv
	s.n.trips.Add(1)
	c.pause()
	s.n.computing.Add(-1)
	defer func() {
		s.n.computing.Add(1)
		c.resume()
	}()
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.collect(); err != nil {
		return err
	}
	switch len(last) {
	case 0:
		return nil
	case 1:
	default:
		return c.keepReplies(last)
	}
	start, end, err := c.readFrame(s.limits.FrameBytes)
	if unreadable(err) {
		if skipErr := c.skipFrame(); skipErr != nil {
			return skipErr
		}
		return err
	}
	if err == nil {
		c.ev.rep = c.in[start-wire.HeaderSize : end]
	}
	return err
}
