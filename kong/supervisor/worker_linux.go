package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire"
)

// workerEnv tells a worker that it is one, and which heartbeat is its own.
const workerEnv = "KONG_WAF_INTERNAL_WORKER"

// The descriptors that a worker inherits.
const (
	lineFD = 3 + iota
	boardFD
	sharedFD
	messagesFD // only if messagesEnv says so
)

// beat is how often a worker counts its heartbeat up.
const beat = 100 * time.Millisecond

// garbage is how much a worker may leave for the collector, in percent of what it holds,
// unless GOGC says otherwise. It holds little, and each event leaves some.
const garbage = 400

// Worker is the worker's end of a supervisor.
type Worker struct {
	line   *line
	aside  net.Conn
	board  board
	shared []byte
	index  int
}

// IsWorker reports whether this process was started by a supervisor.
func IsWorker() bool { return os.Getenv(workerEnv) != "" }

// NewWorker takes up the connection to the supervisor that started this process. It may
// be called once.
func NewWorker() (*Worker, error) {
	index, err := strconv.Atoi(os.Getenv(workerEnv))
	if err != nil {
		return nil, errors.New("this process was not started by a supervisor")
	}
	os.Unsetenv(workerEnv)
	w := &Worker{index: index}
	w.board.file = os.NewFile(boardFD, "board")
	if w.board.memory, err = mapShared(w.board.file); err != nil {
		return nil, err
	}
	if len(w.board.memory) != boardSize {
		return nil, fmt.Errorf("the supervisor is of another version (shared memory of %d bytes, not %d): restart it", len(w.board.memory), boardSize)
	}
	if w.shared, err = mapShared(os.NewFile(sharedFD, "shared")); err != nil {
		return nil, err
	}
	if w.aside, err = openMessages(); err != nil {
		return nil, err
	}
	w.line, err = newLine(os.NewFile(lineFD, "line"))
	return w, err
}

// Shared returns memory that outlives this worker: the next one finds it as this one, or
// several at a time, left it. It starts as zeros, and may be used with atomic access only;
// a worker can die between any two of its instructions.
func (w *Worker) Shared() []byte { return w.shared }

// Aside returns where messages to the aside are written, one a Write; nil if there is no
// aside. A Write waits while the aside is dead or slow.
func (w *Worker) Aside() net.Conn { return w.aside }

// Dropped tells the supervisor that an instance was dropped; it is for
// pluginserver.Options.Dropped.
func (w *Worker) Dropped(id int32) { w.line.send(message{kind: msgDropped, id: id, fd: -1}) }

// Serve serves the connections that the supervisor passes on, until the supervisor wants
// the worker to drain, or is gone, or ctx is done. The process should exit then.
func (w *Worker) Serve(ctx context.Context, srv *pluginserver.Server) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	loop, err := newLoop()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go w.beat(ctx)
	go func() {
		<-ctx.Done()
		w.line.conn.SetReadDeadline(time.Unix(1, 0))
	}()
	w.line.send(message{kind: msgOnline, fd: -1})
	drained := make(chan struct{})
	var drain, warm sync.Once
	var busy sync.WaitGroup
	for {
		m, err := w.line.receive()
		if err != nil {
			select {
			case <-drained:
				return nil
			default:
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("the supervisor is gone: %w", err)
		}
		if m.kind != msgInstance {
			warm.Do(func() { go srv.Warm() })
		}
		switch m.kind {
		case msgConn, msgEvent:
			busy.Add(1)
			serve := w.serve
			if m.kind == msgEvent {
				serve = w.serveEvent
			}
			err := loop.serve(m.fd, m.slot, func(conn *sock) {
				defer busy.Done()
				serve(srv, m, conn)
			})
			if err != nil {
				w.board.mark(m.slot, stateOver)
				busy.Done()
			}
		case msgCommand:
			busy.Go(func() { w.command(srv, m) })
		case msgInstance:
			if rpc, err := wire.ParseRPC(m.payload); err == nil {
				srv.Restore(m.id, string(rpc.Name), rpc.Config)
			}
		case msgRetire:
			srv.Retire()
		case msgDrain:
			drain.Do(func() {
				go func() {
					srv.Shutdown(ctx)
					busy.Wait()
					close(drained)
					w.line.close()
				}()
			})
		}
	}
}

// beat shows the supervisor that this process still runs.
func (w *Worker) beat(ctx context.Context) {
	heartbeat := w.board.heartbeat(w.index)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		heartbeat.Add(1)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// serve serves one connection.
func (w *Worker) serve(srv *pluginserver.Server, m message, conn *sock) {
	switch end, event := srv.ServeKept(conn, &place{w: w, slot: m.slot}); end {
	case pluginserver.EndReleased:
		w.line.send(message{kind: msgReleased, slot: m.slot, fd: -1})
	case pluginserver.EndCommand:
		w.line.send(message{kind: msgWaits, slot: m.slot, fd: -1})
	case pluginserver.EndEvent:
		w.line.send(message{kind: msgLeft, slot: m.slot, payload: event, fd: -1})
	default:
		// No message: the supervisor looks now and then. Every refused request ends its
		// connection, and waking another process costs more than the rest.
		w.board.mark(m.slot, stateOver)
	}
}

// serveEvent handles a suspect, while the supervisor waits for what comes of it.
func (w *Worker) serveEvent(srv *pluginserver.Server, m message, conn *sock) {
	end := srv.ServeEvent(conn, &place{w: w, slot: m.slot, alone: true}, m.payload)
	over := message{kind: msgOver, slot: m.slot, fd: -1}
	if end == pluginserver.EndReleased {
		over.kind = msgReleased
	}
	w.line.send(over)
}

// place is a connection's place on the board.
type place struct {
	w     *Worker
	slot  uint32
	alone bool // suspects are handled here
}

// Mark implements pluginserver.Keeper.
func (p *place) Mark(state pluginserver.State) { p.w.board.mark(p.slot, state) }

// Watches implements pluginserver.Keeper.
func (p *place) Watches() bool { return p.alone || p.w.board.alarm().Load() != 0 }

// Begin implements pluginserver.Keeper.
func (p *place) Begin(identity uint64) pluginserver.Way {
	identity |= 2 // 0 is none
	p.w.board.identity(p.slot).Store(identity)
	if p.alone {
		return pluginserver.WayHere
	}
	return p.w.board.suspicion(identity)
}

// Handled implements pluginserver.Keeper.
func (p *place) Handled() {
	if handled := p.w.board.handled(p.w.index); handled.Load() == 0 {
		handled.Store(1)
	}
}

// command answers one command.
func (w *Worker) command(srv *pluginserver.Server, m message) {
	rpc, err := wire.ParseRPC(m.payload)
	if err != nil {
		return // the supervisor has parsed it before
	}
	w.line.send(message{kind: msgAnswer, slot: m.slot, payload: srv.Answer(rpc, m.id), fd: -1})
}

// connection turns a descriptor, which it takes, into a connection.
func connection(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "kong")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("connection is a %T", conn)
	}
	return unixConn, nil
}
