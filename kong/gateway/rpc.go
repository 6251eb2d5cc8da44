package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kongwaf/kong/wire"
)

// rpc is Kong's side of the conversation with a plugin server: calls over pooled
// connections, one call at a time on each. It is for concurrent use.
type rpc struct {
	socket  string
	timeout time.Duration // for each frame

	mu       sync.Mutex
	idle     []net.Conn
	sequence map[string]int64 // by plugin, as every plugin of Kong counts for itself
}

// maxIdle is how many connections are kept, as many as Kong's lua_socket_pool_size.
const maxIdle = 256

// The errors that Kong's sockets give, by their names there. Kong acts on the name.
var (
	errClosed  = errors.New("closed")
	errTimeout = errors.New("timeout")
)

// sendError is a failed write: Kong's code asserts that it works, so it is a Lua error.
type sendError struct{ error }

func newRPC(socket string, timeout time.Duration) *rpc {
	return &rpc{socket: socket, timeout: timeout, sequence: map[string]int64{}}
}

// connect takes an idle connection that its peer has not closed, or makes one.
func (r *rpc) connect() (net.Conn, error) {
	for {
		r.mu.Lock()
		n := len(r.idle)
		if n == 0 {
			r.mu.Unlock()
			break
		}
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		if alive(c) {
			return c, nil
		}
		c.Close()
	}
	c, err := net.DialTimeout("unix", r.socket, r.timeout)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, errors.New("connection refused")
	}
	if errors.Is(err, syscall.ENOENT) {
		return nil, errors.New("no such file or directory")
	}
	return c, err
}

// alive reports whether an idle connection is still open and silent, as nginx watches its
// pooled connections.
func alive(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && open
}

func (r *rpc) release(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.idle) >= maxIdle {
		c.Close()
		return
	}
	r.idle = append(r.idle, c)
}

func (r *rpc) closeIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.idle {
		c.Close()
	}
	r.idle = nil
}

// next returns the sequence number of a plugin's next call. Kong's first is 2.
func (r *rpc) next(plugin string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sequence[plugin]++
	return r.sequence[plugin] + 1
}

// call sends a call and returns the answer. While an event is handled, answer is asked for
// every PDK call; an error of it drops the connection and is returned as it is.
func (r *rpc) call(plugin string, msg *kong_plugin_protocol.RpcCall, answer func(method string, args []byte) ([]byte, error)) (*kong_plugin_protocol.RpcReturn, error) {
	msg.Sequence = r.next(plugin)
	data, err := proto.Marshal(msg)
	if err != nil {
		return nil, err
	}
	c, err := r.connect()
	if err != nil {
		return nil, err
	}
	ret, err := r.converse(c, data, answer)
	if err == nil && ret.Sequence != msg.Sequence {
		err = luaErrorf("assertion failed! (sequence %d, expected %d)", ret.Sequence, msg.Sequence)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	r.release(c)
	return ret, nil
}

func (r *rpc) converse(c net.Conn, data []byte, answer func(string, []byte) ([]byte, error)) (*kong_plugin_protocol.RpcReturn, error) {
	if err := r.write(c, data); err != nil {
		return nil, err
	}
	for answer != nil {
		method, err := r.read(c)
		if err != nil {
			return nil, err
		}
		if len(method) == 0 {
			break
		}
		args, err := r.read(c)
		if err != nil {
			return nil, err
		}
		reply, err := answer(string(method), args)
		if err != nil {
			return nil, err
		}
		if err := r.write(c, reply); err != nil {
			return nil, err
		}
	}
	data, err := r.read(c)
	if err != nil {
		return nil, err
	}
	ret := &kong_plugin_protocol.RpcReturn{}
	if err := proto.Unmarshal(data, ret); err != nil {
		return nil, luaErrorf("decoding RpcReturn: %v", err)
	}
	return ret, nil
}

func (r *rpc) write(c net.Conn, payload []byte) error {
	c.SetWriteDeadline(time.Now().Add(r.timeout))
	if _, err := c.Write(wire.AppendFrame(nil, payload)); err != nil {
		return sendError{socketError(err)}
	}
	return nil
}

func (r *rpc) read(c net.Conn) ([]byte, error) {
	c.SetReadDeadline(time.Now().Add(r.timeout))
	frame, err := wire.ReadFrame(c, nil, wire.DefaultMaxFrame)
	if err != nil {
		return nil, socketError(err)
	}
	return frame, nil
}

// socketError gives an error its name in Kong's sockets.
func socketError(err error) error {
	var ne net.Error
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return errClosed
	case errors.As(err, &ne) && ne.Timeout():
		return errTimeout
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("connection reset by peer")
	case errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("broken pipe")
	}
	return err
}
