package supervisor

import (
	"context"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/wire"
)

// held is one connection from Kong. Its fields are guarded by Supervisor.mu.
type held struct {
	slot uint32
	fd   int // non-blocking, not in Go's poller

	// Who has it: a worker, or, busy, a goroutine of the supervisor. Neither: it waits to
	// be placed.
	by   *worker
	busy bool

	// A command that Kong waits for, read from the connection, and the id for the
	// instance that it may start.
	command []byte
	id      int32

	// A suspect, and since when it has waited in quarantine.
	event []byte
	since time.Time
}

// hold takes a new connection.
func (s *Supervisor) hold(fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heldAt = time.Now()
	h := &held{fd: fd}
	switch n := len(s.slots); {
	case n > 0:
		h.slot = s.slots[n-1]
		s.slots = s.slots[:n-1]
	case s.nextSlot < maxConns:
		h.slot = s.nextSlot
		s.nextSlot++
	default:
		s.log.Error("too many connections from Kong", "limit", maxConns)
		syscall.Close(fd)
		return
	}
	s.held[h.slot] = h
	s.place(h)
}

// lastHeld returns when the last connection came, but not a time before start. It is called
// without s.mu.
func (s *Supervisor) lastHeld(start time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heldAt.Before(start) {
		return start
	}
	return s.heldAt
}

// end lets a connection go that is over.
func (s *Supervisor) end(h *held) {
	syscall.Close(h.fd)
	delete(s.held, h.slot)
	s.slots = append(s.slots, h.slot)
	if s.quarantine.running == h {
		s.treated(s.board.identity(h.slot).Load())
	}
	s.checkOver()
}

// sweep ends the connections that workers have let go of, now and then until quit.
func (s *Supervisor) sweep(quit chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		for _, h := range s.held {
			if h.by != nil && h != s.quarantine.running && s.board.state(h.slot) == stateOver {
				s.end(h)
			}
		}
		s.tendQuarantine(time.Now())
		s.mu.Unlock()
	}
}

// place gives an idle connection to whoever serves now. All of these functions are called
// with s.mu held, unless they say otherwise.
func (s *Supervisor) place(h *held) {
	s.board.mark(h.slot, pluginserver.StateIdle)
	h.by, h.busy = nil, false
	switch {
	case h.command != nil:
		s.ask(h)
	case s.ending:
		s.closeSoftly(h)
	case s.current != nil:
		h.by = s.current
		h.by.line.send(message{kind: msgConn, slot: h.slot, fd: h.fd})
	case s.fallback != nil:
		h.busy = true
		go s.serveFallback(h, s.fallback)
	}
}

// placeAll places the connections that wait.
func (s *Supervisor) placeAll() {
	for _, h := range s.held {
		if h.by == nil && !h.busy {
			s.place(h)
		}
	}
}

// ask has a command carried out.
func (s *Supervisor) ask(h *held) {
	switch {
	case s.current != nil:
		h.by = s.current
		h.by.line.send(message{kind: msgCommand, slot: h.slot, id: h.id, payload: h.command, fd: -1})
	case s.fallback != nil:
		h.busy = true
		fallback, command, id := s.fallback, h.command, h.id
		go func() {
			rpc, _ := wire.ParseRPC(command)
			s.answer(h, nil, fallback.Answer(rpc, id))
		}()
	case s.ending:
		s.closeSoftly(h)
	}
}

// answer writes the answer to a command to Kong, and notes what the command changed
// before Kong can know. It is called without s.mu; h is busy.
func (s *Supervisor) answer(h *held, by *worker, reply []byte) {
	s.mu.Lock()
	if rpc, err := wire.ParseRPC(h.command); err == nil {
		switch rpc.Command {
		case wire.CmdStartInstance:
			s.known[h.id] = h.command
			for w := range s.workers {
				if w != by {
					w.line.send(message{kind: msgInstance, id: h.id, payload: h.command, fd: -1})
				}
			}
		case wire.CmdCloseInstance:
			delete(s.known, rpc.InstanceID)
		}
	}
	stopping := s.stopping
	s.mu.Unlock()
	err := s.withConn(h, func(conn *net.UnixConn) error {
		conn.SetWriteDeadline(time.Now().Add(patience))
		frame := wire.AppendFrame(nil, reply)
		if stopping {
			frame = append(frame, pluginserver.Unpooled)
		}
		_, err := conn.Write(frame)
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	h.command = nil
	switch {
	case err != nil:
		s.end(h)
	case stopping:
		s.closeSoftly(h)
	default:
		s.place(h)
	}
}

// patience is how long Kong may take to read an answer or to close its side of a
// connection; it does both at once.
const patience = 5 * time.Second

// withConn calls f with a connection over a copy of h's descriptor, without s.mu.
func (s *Supervisor) withConn(h *held, f func(*net.UnixConn) error) error {
	fd, err := unix.FcntlInt(uintptr(h.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	conn, err := connection(fd)
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn)
}

// readCommand reads the command that waits in a connection, and has it carried out.
func (s *Supervisor) readCommand(h *held) {
	h.by, h.busy = nil, true
	go func() {
		limit := s.opt.Limits.FrameBytes
		if limit <= 0 {
			limit = wire.DefaultMaxFrame
		}
		var frame []byte
		err := s.withConn(h, func(conn *net.UnixConn) (err error) {
			frame, err = wire.ReadFrame(conn, nil, limit)
			return err
		})
		rpc, parseErr := wire.ParseRPC(frame)
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			s.end(h)
		case err != nil || parseErr != nil:
			if now := time.Now(); now.After(s.quietTo) { // anybody who may connect can cause it at will
				s.quietTo = now.Add(time.Second)
				s.log.Warn("closing a connection after a frame that cannot be read", "error", err, "message", parseErr)
			}
			s.refuse(h, 0)
		case rpc.Command == wire.CmdHandleEvent:
			// So long a name can be no phase.
			s.refuse(h, rpc.Sequence)
		default:
			h.command = frame
			if rpc.Command == wire.CmdStartInstance {
				h.id = s.newID()
			}
			s.place(h)
		}
	}()
}

// newID returns an instance id that was not given before.
func (s *Supervisor) newID() int32 {
	s.lastID++
	if s.lastID <= 0 {
		s.lastID = 1
	}
	return s.lastID
}

// refuse ends a connection with the two frames that end an event.
func (s *Supervisor) refuse(h *held, sequence int64) {
	h.busy = true
	go func() {
		s.withConn(h, func(conn *net.UnixConn) error {
			conn.SetWriteDeadline(time.Now().Add(patience))
			_, err := conn.Write(wire.AppendFrame(make([]byte, wire.HeaderSize), wire.AppendReturn(nil, sequence)))
			return err
		})
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closeSoftly(h)
	}()
}

// closeSoftly ends a connection such that Kong reads its end: nothing else makes it ask
// again. A connection closed with bytes unread would be "reset" to Kong.
func (s *Supervisor) closeSoftly(h *held) {
	h.by, h.busy = nil, true
	go func() {
		s.withConn(h, func(conn *net.UnixConn) error {
			conn.SetReadDeadline(time.Now().Add(patience))
			if err := conn.CloseWrite(); err != nil {
				return err
			}
			_, err := io.Copy(io.Discard, conn)
			return err
		})
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(h)
	}()
}

// adopt goes on with a connection whose worker has died; alone says that the worker had
// nothing else to do but its event.
func (s *Supervisor) adopt(h *held, alone bool) {
	if h.command != nil {
		s.place(h)
		return
	}
	switch state := s.board.state(h.slot); state {
	case stateOver:
		s.end(h)
	case pluginserver.StateIdle:
		s.place(h)
	case pluginserver.StateEvent, pluginserver.StateHandling:
		s.stats.Repeated++
		switch identity := s.board.identity(h.slot).Load(); {
		case alone:
			s.suspect(identity, 1)
		case state == pluginserver.StateHandling:
			s.suspect(identity, 0)
		}
		s.closeSoftly(h)
	case pluginserver.StateClosing:
		s.unsure(h)
	}
}

// unsure finds out whether Kong got the answer during which the worker died: then it will
// send something, the replies to calls in it or its next event, or drop the connection.
// If Kong stays silent, it waits for the answer, or the connection is idle in its pool;
// the soft close is right for the first and does no harm to the second by then.
func (s *Supervisor) unsure(h *held) {
	h.by, h.busy = nil, true
	go func() {
		fds := []unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(s.timing.Unsure.Milliseconds()))
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil && n > 0 {
			s.place(h)
			return
		}
		s.stats.Repeated++
		s.closeSoftly(h)
	}()
}

// startFallback makes the failure policy answer.
func (s *Supervisor) startFallback() {
	if s.fallback != nil || s.current != nil || s.ending {
		return
	}
	fallback, err := pluginserver.New(pluginserver.Options{
		Plugins: s.opt.Plugins, Logger: s.log, Limits: s.opt.Limits, Failed: s.opt.Failed, PolicyOnly: true})
	if err != nil {
		s.log.Error("no failure policy", "error", err)
		return
	}
	for id, command := range s.known {
		if rpc, err := wire.ParseRPC(command); err == nil {
			fallback.Restore(id, string(rpc.Name), rpc.Config)
		}
	}
	s.log.Error("no worker: every event is answered by its plugin's failure policy")
	s.fallback = fallback
	if s.stopping {
		fallback.Retire()
	}
	s.placeAll()
}

// endFallback gives its connections back, to be placed again.
func (s *Supervisor) endFallback() {
	if s.fallback == nil {
		return
	}
	go s.fallback.Shutdown(context.Background())
	s.fallback = nil
}

// serveFallback serves a connection by policy, without s.mu.
func (s *Supervisor) serveFallback(h *held, fallback *pluginserver.Server) {
	end := pluginserver.EndClosed
	s.withConn(h, func(conn *net.UnixConn) error {
		end, _ = fallback.ServeKept(conn, unwatched{})
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch end {
	case pluginserver.EndReleased:
		s.place(h)
	case pluginserver.EndCommand:
		s.readCommand(h)
	default:
		s.end(h)
	}
}

// unwatched keeps a connection that the supervisor serves itself: both end together.
type unwatched struct{}

func (unwatched) Mark(pluginserver.State)       {}
func (unwatched) Watches() bool                 { return false }
func (unwatched) Begin(uint64) pluginserver.Way { return pluginserver.WayHere }
func (unwatched) Handled()                      {}
