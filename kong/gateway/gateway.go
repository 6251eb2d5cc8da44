package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Gateway serves one configuration. Its methods may be called concurrently.
type Gateway struct {
	opts       Options
	log        *slog.Logger
	stdlog     *log.Logger
	ctx        context.Context // ends with Shutdown
	cancel     context.CancelFunc
	created    int64 // Unix time, the created_at of every entity
	nodeID     string
	router     *router
	chain      chain
	rpc        *rpc
	instances  *instances
	h2plain    *http.Transport
	h2secure   *http.Transport
	http2      *http.Server
	handoff    *handoff
	startHTTP2 sync.Once
	turn       atomic.Int64 // for the targets of upstreams

	work sync.WaitGroup // requests and log events under way

	mu        sync.Mutex
	closing   bool
	listeners map[net.Listener]bool
	conns     map[net.Conn]bool // true: idle
	upstreams map[string][]*upstreamConn
}

// New checks the options and prepares a Gateway. It does not connect to anything.
func New(opts Options) (*Gateway, error) {
	if opts.Config == nil {
		return nil, errors.New("gateway: no configuration")
	}
	opts = withDefaults(opts)
	g := &Gateway{
		opts: opts, log: opts.Logger, created: opts.Now().Unix(), nodeID: randomUUID(),
		stdlog:    slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
		rpc:       newRPC(opts.Socket, opts.EventTimeout),
		listeners: map[net.Listener]bool{}, conns: map[net.Conn]bool{}, upstreams: map[string][]*upstreamConn{},
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.instances = &instances{rpc: g.rpc, running: map[string]*instance{}}
	g.h2plain, g.h2secure = g.newHTTP2Transport(false), g.newHTTP2Transport(true)
	g.http2, g.handoff = g.newHTTP2Server(), &handoff{conns: make(chan net.Conn), ended: make(chan struct{})}
	var err error
	if g.router, err = newRouter(opts.Config.Routes); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	var skipped []string
	if g.chain, skipped, err = newChain(opts.Config, opts.Plugins); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	for _, s := range skipped {
		g.log.Warn("the stand-in does not run Kong's own plugins: this one has no effect", "plugin", s)
	}
	return g, nil
}

func withDefaults(o Options) Options {
	if o.RealIPHeader == "" {
		o.RealIPHeader = "X-Real-IP"
	}
	if o.BodyBuffer == 0 {
		o.BodyBuffer = 8 << 10
	}
	if o.TempDir == "" {
		o.TempDir = os.TempDir()
	}
	if o.DialUpstream == nil {
		o.DialUpstream = (&net.Dialer{}).DialContext
	}
	if o.EventTimeout == 0 {
		o.EventTimeout = time.Minute
	}
	if o.Retries == 0 {
		o.Retries = 100
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func randomUUID() string {
	s := randomID()
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:]
}

// Serve accepts connections until Shutdown, then returns nil. It prints the banner and,
// once it accepts, "ready http://ADDR" to Options.Output.
func (g *Gateway) Serve(l net.Listener) error {
	g.mu.Lock()
	if g.closing {
		g.mu.Unlock()
		l.Close()
		return nil
	}
	g.listeners[l] = true
	g.mu.Unlock()
	g.startHTTP2.Do(func() { go g.http2.Serve(g.handoff) })
	if g.opts.Output != nil {
		fmt.Fprintf(g.opts.Output, "ready http://%s\n", l.Addr())
	}
	for {
		c, err := l.Accept()
		if err != nil {
			if g.ended() {
				return nil
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				continue
			}
			return fmt.Errorf("gateway: %w", err)
		}
		go g.handle(c)
	}
}

func (g *Gateway) ended() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closing
}

func (g *Gateway) handle(c net.Conn) {
	g.mu.Lock()
	if g.closing {
		g.mu.Unlock()
		c.Close()
		return
	}
	g.conns[c] = true // until its first bytes
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		delete(g.conns, c)
		g.mu.Unlock()
	}()
	timed := &timedConn{Conn: c, timeout: clientTimeout}
	(&conn{
		g: g, net: c, timed: timed, br: bufio.NewReaderSize(timed, 16<<10), bw: bufio.NewWriterSize(timed, 16<<10),
		peer: addrPort(c.RemoteAddr()), local: addrPort(c.LocalAddr()),
	}).serve()
}

// setIdle notes whether a connection waits for a request; it returns false if the
// connection must end.
func (g *Gateway) setIdle(c net.Conn, idle bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[c] = idle
	if g.closing && idle {
		c.Close()
	}
	return !g.closing
}

// beginStream counts a request; it returns false once the gateway is closing.
func (g *Gateway) beginStream() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return false
	}
	g.work.Add(1)
	return true
}

func (g *Gateway) endStream() { g.work.Done() }

// Shutdown stops accepting, waits for requests and log events under way until ctx ends,
// then closes every connection.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.closing = true
	for l := range g.listeners {
		l.Close()
	}
	for c, idle := range g.conns {
		if idle {
			c.Close()
		}
	}
	g.mu.Unlock()
	done := make(chan struct{})
	go func() {
		g.work.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.cancel()
	g.mu.Lock()
	for c := range g.conns {
		c.Close()
	}
	for _, list := range g.upstreams {
		for _, c := range list {
			c.Close()
		}
	}
	clear(g.upstreams)
	g.mu.Unlock()
	g.http2.Close()
	g.handoff.Close()
	g.h2plain.CloseIdleConnections()
	g.h2secure.CloseIdleConnections()
	g.rpc.closeIdle()
	return err
}

// serve handles one request from routing to the log phase.
func (g *Gateway) serve(req *request, w responder) {
	if h1, ok := w.(*http1Writer); ok {
		if !g.beginStream() {
			h1.close = true
			return
		}
		defer g.endStream()
	}
	ex := g.newExchange(req)
	defer req.body.remove()
	a := ex.route()
	var plugins []*boundPlugin
	if a != nil {
		plugins = g.chain.global()
	} else {
		plugins = g.chain.run(ex)
		a = ex.exit
	}
	var up *response
	if a == nil {
		up, a = ex.forward()
	}
	if up != nil {
		if closer, ok := up.body.(io.Closer); ok {
			defer closer.Close()
		}
		if ex.responsePhase(plugins, up) {
			up, a = nil, ex.exit
		}
	}
	ex.finish(w, up, a)
	g.logPhase(ex, plugins)
}

// refuse answers a request that nginx would not even route.
func (g *Gateway) refuse(req *request, why *badRequest, w responder) {
	ex := g.newExchange(req)
	g.log.Info("refused: "+why.reason, "client", req.peer.String(), "request_id", ex.id)
	a := ex.nginxError(why.status, why.message)
	ex.finish(w, nil, a)
}

// responsePhase reads the whole response for plugins that want to see it, and reports
// whether one of them answered instead.
func (ex *exchange) responsePhase(plugins []*boundPlugin, up *response) bool {
	wants := func(b *boundPlugin) bool { return slices.Contains(b.info.Phases, "response") }
	if !slices.ContainsFunc(plugins, wants) || up.tunnel != nil {
		return false
	}
	if up.body != nil {
		content, err := io.ReadAll(up.body)
		if err != nil {
			ex.exit = ex.nginxError(502, msgBadGateway)
			return true
		}
		ex.upstreamBody = content
		up.body, up.length = bytes.NewReader(content), int64(len(content))
		up.headers.set("Content-Length", strconv.Itoa(len(content)))
	}
	ex.phase, ex.status, ex.sent = "response", up.status, up.headers
	for _, b := range plugins {
		if wants(b) && ex.exit == nil {
			ex.event(b)
		}
	}
	return ex.exit != nil
}

// logPhase sends the log events when the client has its answer.
func (g *Gateway) logPhase(ex *exchange, plugins []*boundPlugin) {
	plugins = slices.DeleteFunc(slices.Clone(plugins), func(b *boundPlugin) bool { return !slices.Contains(b.info.Phases, "log") })
	if len(plugins) == 0 {
		return
	}
	ex.phase = "log"
	ex.gotBytes = ex.req.body.received() // the connection may go on reading
	ex.req.body.mem = nil
	ex.sent = append(slices.Clone(ex.sent), field{"Connection", "close"})
	g.work.Add(1)
	go func() {
		defer g.work.Done()
		for _, b := range plugins {
			ex.event(b)
		}
	}()
}
