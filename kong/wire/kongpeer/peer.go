// Package kongpeer plays Kong's side of the plugin-server protocol in tests and
// benchmarks. It behaves as Kong 3.9 does where a plugin server can tell: it pools
// connections, starts an instance before its first event and again after "closed",
// repeats an event only after "closed" or "no plugin instance", fails the request on any
// other error, drops the connection after kong.response.exit, and sends a frame's length
// and payload apart. It has no HTTP side, and is no part of the product.
package kongpeer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"google.golang.org/protobuf/proto"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kongwaf/kong/wire"
)

// Peer is one nginx worker of a Kong. Set its fields before the first event; its methods
// may be called concurrently.
type Peer struct {
	// Dial connects to the plugin server.
	Dial func() (net.Conn, error)
	// Answer replies to a PDK call other than kong.response.exit. Nil: with empty frames.
	Answer func(method string, args []byte) []byte
	// Raise, if it returns an error, is a Lua error in a PDK call: Kong answers 500.
	Raise func(method string) error
	// Strict takes pooled connections without looking whether the server has closed them
	// meanwhile. nginx looks, a moment later: this is its worst case at every event.
	Strict bool
	// MaxRepeats fails an event that was repeated so often; Kong itself never gives up.
	MaxRepeats int

	mu        sync.Mutex
	pool      []*conn
	instances map[string]*started
	sequence  atomic.Int64

	Dials   atomic.Int64 // connections opened
	Repeats atomic.Int64 // events sent again
	Starts  atomic.Int64 // instances started
}

// started is an instance of a config, or the wait for one: Kong starts one at a time.
type started struct {
	mu sync.Mutex
	id int32
}

// Result is what came of an event.
type Result struct {
	Calls []wire.Call                    // PDK calls in their order, exit included
	Exit  *kong_plugin_protocol.ExitArgs // nil: the request goes on
	Trips int                            // times that Kong waited for the server
}

// ErrNotFound is what Kong raises on a method that it does not know.
var ErrNotFound = errors.New("method not found")

// Event sends one event to the instance of a plugin config, as Kong would for a request.
// An error is what Kong answers with the status 500.
func (p *Peer) Event(plugin string, config []byte, phase string) (Result, error) {
	return p.EventAnswered(plugin, config, phase, p.Answer)
}

// EventAnswered is Event for a request that has answers of its own, see Peer.Answer.
func (p *Peer) EventAnswered(plugin string, config []byte, phase string, answer func(method string, args []byte) []byte) (Result, error) {
	limit := p.MaxRepeats
	if limit == 0 {
		limit = 100
	}
	for try := 0; ; try++ {
		id, err := p.instance(plugin, config)
		if err != nil {
			return Result{}, fmt.Errorf("starting instance: %w", err)
		}
		result, err := p.handle(id, phase, answer)
		if err == nil {
			return result, nil
		}
		if !isClosed(err) && !strings.Contains(err.Error(), "no plugin instance") {
			return result, err
		}
		if try == limit {
			return result, fmt.Errorf("repeated %d times: %w", try, err)
		}
		p.Repeats.Add(1)
		p.Forget()
	}
}

// Forget makes Kong forget its instances, as after "closed" or a reload.
func (p *Peer) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instances = nil
}

// isClosed reports whether Kong would call err "closed". A reset connection or a broken
// pipe is something else, and fails the request.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (p *Peer) instance(plugin string, config []byte) (int32, error) {
	key := plugin + "\x00" + string(config)
	p.mu.Lock()
	if p.instances == nil {
		p.instances = map[string]*started{}
	}
	in := p.instances[key]
	if in == nil {
		in = new(started)
		p.instances[key] = in
	}
	p.mu.Unlock()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.id != 0 {
		return in.id, nil
	}
	ret, err := p.Command(wire.RPC{Command: wire.CmdStartInstance, Name: []byte(plugin), Config: config})
	if err != nil {
		p.mu.Lock()
		if p.instances[key] == in {
			delete(p.instances, key)
		}
		p.mu.Unlock()
		return 0, err
	}
	p.Starts.Add(1)
	id := ret.GetInstanceStatus().GetInstanceId()
	if id == 0 {
		return 0, errors.New("no instance id in the answer")
	}
	in.id = id
	return id, nil
}

// Command sends a command that is no event and returns its answer.
func (p *Peer) Command(rpc wire.RPC) (*kong_plugin_protocol.RpcReturn, error) {
	c, err := p.take()
	if err != nil {
		return nil, err
	}
	rpc.Sequence = p.sequence.Add(1)
	if err := c.writeFrame(wire.AppendRPC(nil, rpc)); err != nil {
		c.Close()
		return nil, err
	}
	return p.finish(c, rpc.Sequence)
}

// finish reads an RpcReturn and puts the connection back into the pool.
func (p *Peer) finish(c *conn, sequence int64) (*kong_plugin_protocol.RpcReturn, error) {
	frame, err := wire.ReadFrame(c.r, nil, 1<<30)
	if err != nil {
		c.Close()
		return nil, err
	}
	ret := new(kong_plugin_protocol.RpcReturn)
	if err := proto.Unmarshal(frame, ret); err != nil {
		c.Close()
		return nil, err
	}
	if ret.Sequence != sequence {
		c.Close()
		return nil, fmt.Errorf("assertion failed: sequence %d, sent %d", ret.Sequence, sequence)
	}
	if c.r.Buffered() > 0 {
		c.Close() // nginx: "unread data in buffer"
	} else {
		p.put(c)
	}
	return ret, nil
}

// handle runs one event on one connection.
func (p *Peer) handle(id int32, phase string, answer func(method string, args []byte) []byte) (Result, error) {
	var result Result
	c, err := p.take()
	if err != nil {
		return result, err
	}
	sequence := p.sequence.Add(1)
	rpc := wire.RPC{Sequence: sequence, Command: wire.CmdHandleEvent, InstanceID: id, Event: []byte(phase)}
	if err := c.writeFrame(wire.AppendRPC(nil, rpc)); err != nil {
		c.Close()
		return result, err
	}
	for {
		if c.r.Buffered() == 0 {
			result.Trips++
		}
		method, err := wire.ReadFrame(c.r, nil, 1<<20)
		if err != nil {
			c.Close()
			return result, err
		}
		if len(method) == 0 {
			break
		}
		args, err := wire.ReadFrame(c.r, nil, 1<<30)
		if err != nil {
			c.Close()
			return result, err
		}
		result.Calls = append(result.Calls, wire.Call{Method: string(method), Args: args})
		switch {
		case string(method) == wire.MethodExit:
			c.Close()
			result.Exit = new(kong_plugin_protocol.ExitArgs)
			return result, proto.Unmarshal(args, result.Exit)
		case !strings.HasPrefix(string(method), "kong."):
			c.Close()
			return result, fmt.Errorf("method %q: %w", method, ErrNotFound)
		}
		if p.Raise != nil {
			if err := p.Raise(string(method)); err != nil {
				c.Close()
				return result, err
			}
		}
		var reply []byte
		if answer != nil {
			reply = answer(string(method), args)
		}
		if err := c.writeFrame(reply); err != nil {
			c.Close()
			return result, err
		}
	}
	_, err = p.finish(c, sequence)
	return result, err
}

// conn is a connection to the plugin server.
type conn struct {
	net.Conn
	r *bufio.Reader
}

// writeFrame sends length and payload in two writes, as Kong does.
func (c *conn) writeFrame(payload []byte) error {
	var head [wire.HeaderSize]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(payload)))
	if _, err := c.Write(head[:]); err != nil {
		return err
	}
	if len(payload) == 0 {
		return nil
	}
	_, err := c.Write(payload)
	return err
}

// take returns the pooled connection that was used last, or a new one.
func (p *Peer) take() (*conn, error) {
	for {
		p.mu.Lock()
		n := len(p.pool)
		if n == 0 {
			p.mu.Unlock()
			break
		}
		c := p.pool[n-1]
		p.pool = p.pool[:n-1]
		p.mu.Unlock()
		if p.Strict || c.quiet() {
			return c, nil
		}
		c.Close()
	}
	sock, err := p.Dial()
	if err != nil {
		return nil, err
	}
	p.Dials.Add(1)
	return &conn{Conn: sock, r: bufio.NewReaderSize(sock, 4096)}, nil
}

func (p *Peer) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pool = append(p.pool, c)
}

// Close closes the pooled connections.
func (p *Peer) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.pool {
		c.Close()
	}
	p.pool = nil
}

// quiet reports whether nothing, and no end, waits on a pooled connection: nginx closes
// it otherwise.
func (c *conn) quiet() bool {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok || c.r.Buffered() > 0 {
		return ok
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	rc.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN
	})
	return quiet
}
