package pluginserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"kongwaf/kong/wire"
)

// Options says what a server serves and within which limits.
type Options struct {
	Plugins []Plugin     // required, each name once
	Logger  *slog.Logger // nil: slog.Default()
	Limits  Limits       // zero fields: the defaults
	Clock   Clock        // nil: the system's
	// Dropped, if not nil, is told of each instance that was dropped as idle. It must not
	// call the server.
	Dropped func(id int32)
	// Failed, if not nil, is told of each event that the failure policy answers: why is
	// panic, timeout, overload, memory, invalid_config or unread_reply.
	Failed func(plugin, why string, policy Policy)
	// Compiled, if not nil, is told what came of the newest config of a plugin's entity in
	// Kong; err is nil too once a refused config is in use no more.
	Compiled func(plugin, entity string, err error)
	// PolicyOnly answers every event by the failure policy, without compiling a config
	// or calling a plugin: what is left to do while the plugins themselves keep crashing.
	PolicyOnly bool
}

// Limits bounds what peers and plugins may use.
type Limits struct {
	// FrameBytes is the longest frame that is read, in bytes. Default wire.DefaultMaxFrame.
	FrameBytes int
	// BodyMemory is how many bytes of Kong's replies all events together may hold, those
	// under 64 KiB an event left out. Default 512 MiB.
	BodyMemory int64
	// Concurrency is how many events may compute at the same time; events that wait for
	// Kong (for a slow upload, say) do not count. Default 512 per processor: beyond that
	// the last in line would wait longer than most timeouts.
	Concurrency int
	// IdleInstance is after how long without an event an instance is dropped. Kong starts
	// it again when it needs it. Default one hour.
	IdleInstance time.Duration
}

const smallBuffer = 64 << 10 // what an event may hold without asking for memory, in bytes

func (l Limits) withDefaults() Limits {
	if l.FrameBytes <= 0 {
		l.FrameBytes = wire.DefaultMaxFrame
	}
	if l.BodyMemory <= 0 {
		l.BodyMemory = 512 << 20
	}
	if l.Concurrency <= 0 {
		l.Concurrency = 512 * runtime.GOMAXPROCS(0)
	}
	if l.IdleInstance <= 0 {
		l.IdleInstance = time.Hour
	}
	return l
}

// Server serves plugins to Kong. Make one with New; its methods may be called
// concurrently.
type Server struct {
	plugins    map[string]*plugin
	names      []string // in the order of Options.Plugins
	log        *slog.Logger
	quiet      quiet
	limits     Limits
	clock      Clock
	policyOnly bool
	dropped    func(id int32)
	failed     func(plugin, why string, policy Policy)
	refusals   refusals
	instances  table
	n          counters

	mu        sync.Mutex
	conns     map[*conn]struct{}
	listeners map[net.Listener]struct{}
	draining  atomic.Bool // set with mu held
	retiring  atomic.Bool
	empty     chan struct{} // closed when draining and no connection is left
}

// plugin is a Plugin with what the server adds.
type plugin struct {
	Plugin
	n pluginCounters
}

// New returns a server of the plugins, or an error if two have the same name.
func New(opt Options) (*Server, error) {
	s := &Server{
		plugins:    make(map[string]*plugin, len(opt.Plugins)),
		log:        opt.Logger,
		limits:     opt.Limits.withDefaults(),
		clock:      opt.Clock,
		policyOnly: opt.PolicyOnly,
		dropped:    opt.Dropped,
		failed:     opt.Failed,
		refusals:   refusals{tell: opt.Compiled, newest: map[string]int32{}},
		conns:      map[*conn]struct{}{},
		listeners:  map[net.Listener]struct{}{},
		empty:      make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.clock == nil {
		s.clock = systemClock{}
	}
	s.quiet.init(s.log, s.clock)
	for _, p := range opt.Plugins {
		if s.plugins[p.Name] != nil {
			return nil, fmt.Errorf("plugin %q is listed twice", p.Name)
		}
		s.plugins[p.Name] = &plugin{Plugin: p}
		s.names = append(s.names, p.Name)
	}
	s.instances.init()
	return s, nil
}

// ErrServerClosed is returned by Serve after Shutdown.
var ErrServerClosed = errors.New("plugin server is shut down")

// Serve accepts connections and serves each in a goroutine of its own, until Shutdown
// or until the listener is closed by somebody else.
func (s *Server) Serve(listener net.Listener) error {
	s.mu.Lock()
	if s.draining.Load() {
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.listeners[listener] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, listener)
		s.mu.Unlock()
	}()
	pause := 5 * time.Millisecond
	for {
		sock, err := listener.Accept()
		if err == nil {
			pause = 5 * time.Millisecond
			go s.ServeConn(sock)
			continue
		}
		if s.draining.Load() {
			return ErrServerClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		// Out of file descriptors, most likely: those in use come back.
		s.quiet.warn("accept", "cannot accept a connection", "error", err)
		wait := make(chan struct{})
		s.clock.AfterFunc(pause, func() { close(wait) })
		<-wait
		pause = min(2*pause, time.Second)
	}
}

// ServeConn serves one connection until it ends, and closes it.
func (s *Server) ServeConn(sock net.Conn) {
	c := newConn(s, sock)
	if !s.add(c) {
		sock.Close()
		return
	}
	c.serve()
	<-c.done
}

// Unpooled is a byte behind the last frame on a connection. nginx does not put a
// connection with unread bytes back into its pool, so Kong cannot begin an event on it
// just when it is closed.
const Unpooled = 0

// Retire makes each connection end, softly, right behind the answer to its next event. It
// is what a server does first that will be shut down while another one already serves new
// connections: Kong notices nothing.
func (s *Server) Retire() { s.retiring.Store(true) }

// Shutdown stops accepting, lets running events end, and closes each connection when it
// is idle, softly: Kong reads the end of the stream and, if it had just sent an event,
// asks again elsewhere. When ctx is done first, what is left is closed at once and its
// error is returned. The plugins' handlers are not interrupted.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining.Swap(true) {
		if len(s.conns) == 0 {
			close(s.empty)
		}
	}
	for l := range s.listeners {
		l.Close()
	}
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.wake()
	}
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.conns {
		c.sock.Close()
	}
	s.mu.Unlock()
	return ctx.Err()
}

// add registers a connection; it reports false when the server is shutting down.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	s.n.connections.Add(1)
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.n.connections.Add(-1)
	if s.draining.Load() && len(s.conns) == 0 {
		close(s.empty)
	}
}

// reserve asks for n bytes of body memory, and reports false when there are not so many.
func (s *Server) reserve(n int64) bool {
	if s.n.bodyMemory.Add(n) > s.limits.BodyMemory {
		s.n.bodyMemory.Add(-n)
		return false
	}
	return true
}
