// Package kongtest is Kong's side of one event, in memory, for tests of plugins: it answers
// PDK calls and keeps them. For whole requests see kong/gateway.
package kongtest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"github.com/Kong/go-pdk"

	"kongwaf/kong/wire"
)

// Kong answers the calls of one event. It is not safe for concurrent use, as an event is not.
type Kong struct {
	// Answer returns the reply to a call in protobuf's wire form. Nil answers all with
	// empty replies.
	Answer func(call wire.Call) []byte
	// Calls are the calls so far.
	Calls []wire.Call
	// Closed says that the plugin closed the event, as it does after an exit.
	Closed bool

	method  []byte
	have    bool
	pending []byte // written by the plugin, not a whole frame yet
	replies []byte // not read by the plugin yet
}

// PDK returns the development kit of the event.
func (k *Kong) PDK() *pdk.PDK { return pdk.Init((*conn)(k)) }

// Called reports whether a method was called.
func (k *Kong) Called(method string) bool {
	_, ok := k.Args(method)
	return ok
}

// Args returns the argument of the last call of a method.
func (k *Kong) Args(method string) (args []byte, ok bool) {
	for _, c := range k.Calls {
		if c.Method == method {
			args, ok = c.Args, true
		}
	}
	return args, ok
}

// conn is the plugin's end: a write that completes a call queues its reply.
type conn Kong

var errClosed = errors.New("Kong has closed the event")

func (c *conn) Write(p []byte) (int, error) {
	if c.Closed {
		return 0, errClosed
	}
	c.pending = append(c.pending, p...)
	for len(c.pending) >= wire.HeaderSize {
		n := wire.HeaderSize + int(binary.LittleEndian.Uint32(c.pending))
		if len(c.pending) < n {
			break
		}
		c.frame(append([]byte(nil), c.pending[wire.HeaderSize:n]...))
		c.pending = c.pending[n:]
	}
	return len(p), nil
}

func (c *conn) frame(payload []byte) {
	if !c.have {
		c.method, c.have = payload, true
		return
	}
	c.have = false
	call := wire.Call{Method: string(c.method), Args: payload}
	c.Calls = append(c.Calls, call)
	if call.Method == "kong.response.exit" {
		c.Closed = true // Kong never answers it
		return
	}
	var reply []byte
	if c.Answer != nil {
		reply = c.Answer(call)
	}
	c.replies = wire.AppendFrame(c.replies, reply)
}

func (c *conn) Read(p []byte) (int, error) {
	if len(c.replies) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.replies)
	c.replies = c.replies[n:]
	return n, nil
}

func (c *conn) Close() error                     { c.Closed = true; return nil }
func (c *conn) LocalAddr() net.Addr              { return nil }
func (c *conn) RemoteAddr() net.Addr             { return nil }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
