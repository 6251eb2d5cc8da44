package pluginserver

import (
	"errors"
	"fmt"
	"time"

	"github.com/Kong/go-pdk"

	"kongwaf/kong/wire"
)

// event is what a connection knows of the event under way.
type event struct {
	sequence int64
	in       *instance
	phase    *phase
	replies  []reply         // to calls sent ahead, in groups too
	sent     [maxGroups]bool // groups
	request  []byte          // what the plugin has written of its next call
	rep      []byte          // what it has not read yet of the last reply
	err      error           // why the plugin can reach Kong no more; nil while it can
	exited   bool            // the request has been answered
	refusing bool            // the plugin's Refuse runs
}

// maxGroups is how many groups of a phase are sent together; calls of others are made one
// by one.
const maxGroups = 4

// reply is Kong's answer to a call that the plugin will ask for, or may: in[start:end],
// its header included.
type reply struct {
	call       *wire.Call
	start, end int
	used       bool
}

// dispatch carries out a command.
func (c *conn) dispatch(rpc wire.RPC) outcome {
	if rpc.Command == wire.CmdHandleEvent {
		return c.handle(rpc)
	}
	c.out = wire.AppendFrame(c.out, c.srv.Answer(rpc, 0))
	if err := c.flush(); err != nil {
		return ended
	}
	c.settle()
	return goOn
}

// Answer carries out a command other than CmdHandleEvent and returns the RpcReturn. A new
// instance gets the given id, or if that is 0 one of the server's own.
func (s *Server) Answer(rpc wire.RPC, id int32) []byte {
	switch rpc.Command {
	case wire.CmdStartInstance:
		id = s.start(id, string(rpc.Name), rpc.Config)
		return wire.AppendStatus(nil, rpc.Sequence, wire.Status{
			Name: string(rpc.Name), ID: id, StartedAt: s.clock.Now().Unix()})
	case wire.CmdGetInstanceStatus, wire.CmdCloseInstance:
		status := wire.Status{ID: rpc.InstanceID}
		if in := s.instances.get(rpc.InstanceID); in != nil {
			status.Name, status.StartedAt = in.plugin.Name, in.started.Unix()
		}
		if rpc.Command == wire.CmdCloseInstance {
			s.Stop(rpc.InstanceID)
		}
		return wire.AppendStatus(nil, rpc.Sequence, status)
	case wire.CmdGetPluginNames:
		return wire.AppendPluginNames(nil, rpc.Sequence, s.names)
	case wire.CmdGetPluginInfo:
		if p := s.plugins[string(rpc.Name)]; p != nil {
			return wire.AppendPluginInfo(nil, rpc.Sequence, wire.PluginInfo{
				Name: p.Name, Phases: p.Phases, Version: p.Version,
				Priority: int32(p.Priority), Schema: string(p.Schema)})
		}
	default:
		s.quiet.warn("command", "Kong sent a command that is not known here")
	}
	return wire.AppendReturn(nil, rpc.Sequence)
}

// handle runs one event to its end.
func (c *conn) handle(rpc wire.RPC) outcome {
	s := c.srv
	s.n.events.Add(1)
	c.owed, c.queued = 0, 0
	in := s.instances.get(rpc.InstanceID)
	c.ev = event{sequence: rpc.Sequence, in: in, replies: c.ev.replies[:0], request: c.ev.request[:0]}
	if in == nil {
		return c.unknown(rpc.InstanceID)
	}
	in.last.Store(s.clock.Now().UnixNano())
	s.ready(in.compiled)
	in.plugin.n.events.Add(1)
	ph := in.phaseOf(rpc.Event)
	if ph == nil && in.instance != nil {
		s.n.unknownEvents.Add(1)
		s.quiet.warn("event", "Kong sent an event that the plugin does not handle",
			"plugin", in.plugin.Name, "event", string(rpc.Event))
		return c.close()
	}
	if ph == nil {
		ph = &phase{name: string(rpc.Event)}
	}
	c.ev.phase = ph
	if in.instance == nil {
		return c.fail(errInvalid)
	}
	way, err := c.begin(ph)
	switch {
	case err != nil:
		return c.fail(err)
	case way == WayElsewhere:
		return c.leave(rpc)
	case way == WayPolicy:
		return c.refuseSuspect()
	}
	if s.n.computing.Add(1) > int64(s.limits.Concurrency) {
		s.n.computing.Add(-1)
		s.n.overloadCompute.Add(1)
		return c.fail(errOverload)
	}
	res, err := c.run(in.instance.Timeout(), func(l *link) {
		if in.direct != nil {
			in.direct.HandleDirect(ph.name, l)
		} else {
			in.instance.Handle(ph.name, pdk.Init(l))
		}
	})
	s.n.computing.Add(-1)
	switch {
	case res != goOn:
		return res
	case err != nil:
		return c.fail(err)
	}
	res = c.close()
	if c.keeper != nil {
		c.keeper.Handled()
	}
	return res
}

// readAhead sends the calls that the phase always makes and reads their answers.
func (c *conn) readAhead(ph *phase) error {
	if len(ph.calls) == 0 {
		return nil
	}
	c.srv.n.readAhead.Add(uint64(len(ph.calls)))
	c.srv.n.trips.Add(1)
	if _, err := c.sock.Write(ph.bytes); err != nil {
		return err
	}
	return c.keepReplies(ph.calls)
}

// keepReplies reads the replies to calls and keeps them for the plugin. One that cannot be
// read fails all, but the conversation stays in step.
func (c *conn) keepReplies(calls []wire.Call) error {
	var failed error
	for i := range calls {
		start, end, err := c.readFrame(c.srv.limits.FrameBytes)
		if unreadable(err) {
			failed = err
			err = c.skipFrame()
		}
		if err != nil {
			return err
		}
		c.base = c.head
		c.ev.replies = append(c.ev.replies, reply{call: &calls[i], start: start - wire.HeaderSize, end: end})
	}
	return failed
}

// unreadable reports whether err leaves a frame behind that can be skipped.
func unreadable(err error) bool {
	return errors.Is(err, wire.ErrFrameTooLong) || errors.Is(err, errMemory)
}

// run calls f with a way to Kong of its own and a limit on its computing. The error says that f
// panicked, or that its talk with Kong failed in a way that leaves the event open.
func (c *conn) run(limit time.Duration, f func(*link)) (res outcome, err error) {
	l, plugin := &link{c: c}, c.ev.in.plugin
	c.give(l, limit)
	finished := false
	defer func() {
		if finished {
			return
		}
		if r := recover(); r != nil {
			c.srv.panicked(plugin, r)
			err = errPanic
			if !c.retire(l) {
				res = c.returned()
			}
			return
		}
		// runtime.Goexit: this goroutine is lost, the connection is not.
		if c.retire(l) {
			c.srv.n.computing.Add(-1)
			c.abandon(errPanic)
		} else {
			c.returned()
			c.srv.n.computing.Add(-1)
		}
	}()
	f(l)
	finished = true
	if !c.retire(l) {
		return c.returned(), nil
	}
	return goOn, c.ev.err
}

// give makes l the way to Kong and starts the handler's time.
func (c *conn) give(l *link, limit time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cur, c.left = l, limit
	c.resume()
}

// retire cuts l off. It reports false if that had been done before: then the connection
// is no longer the caller's.
func (c *conn) retire(l *link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cur != l {
		return false
	}
	c.cur, c.working = nil, false
	return true
}

// returned accounts for a handler that came back after its connection had gone on.
func (c *conn) returned() outcome {
	c.srv.n.hung.Add(-1)
	return lost
}

// resume starts the handler's time; c.mu is held.
func (c *conn) resume() {
	c.working = c.left > 0
	if !c.working {
		return
	}
	c.until = c.srv.clock.Now().Add(c.left)
	if c.fires.IsZero() || c.until.Before(c.fires) {
		c.arm(c.left)
	}
}

// arm makes the timer look after d; c.mu is held. It is not stopped when a handler is done
// in time: it looks once and again, much less often than there are events.
func (c *conn) arm(d time.Duration) {
	c.fires = c.until
	if c.timer == nil {
		c.timer = c.srv.clock.AfterFunc(d, c.expired)
	} else {
		c.timer.Reset(d)
	}
}

// pause stops the handler's time: it waits for Kong. c.mu is held.
func (c *conn) pause() {
	if !c.working {
		return
	}
	c.working = false
	c.left = max(c.until.Sub(c.srv.clock.Now()), 1) // 0 would mean no limit
}

// close ends the event: an empty frame, the RpcReturn, and before them what was queued.
func (c *conn) close() outcome {
	if c.ev.exited {
		return c.afterExit()
	}
	c.out = append(c.out, 0, 0, 0, 0)
	c.out = wire.AppendFrame(c.out, wire.AppendReturn(make([]byte, 0, 16), c.ev.sequence))
	if c.srv.retiring.Load() || c.keeper == nil && c.srv.draining.Load() {
		c.out = append(c.out, Unpooled)
	}
	if c.write() != nil {
		return ended
	}
	c.settle()
	return goOn
}

// unknown makes Kong start the instance again and repeat the event. There is no error
// answer in the protocol; but Kong raises the name of a method that it does not know as
// an error, and this text is the one that it recognises. Closing frames would let the
// request pass unjudged.
func (c *conn) unknown(id int32) outcome {
	c.srv.n.unknownInstances.Add(1)
	c.out = wire.AppendCall(c.out, wire.Call{Method: fmt.Sprintf("no plugin instance %d", id)})
	if c.write() != nil {
		return ended
	}
	return c.afterExit()
}

// afterExit goes on behind a call that Kong does not answer: it drops the connection.
func (c *conn) afterExit() outcome {
	c.settle()
	return goOn
}

// answered takes note of an empty frame between events: the answer to a call that was
// sent with an event's last bytes. If none is due, Kong has, against its habit, answered
// kong.response.exit, and waits for the event to be closed.
func (c *conn) answered() {
	switch {
	case c.owed > 0:
		c.owed--
	case c.ev.exited:
		c.ev.exited = false
		c.out = append(c.out, 0, 0, 0, 0)
		c.out = wire.AppendFrame(c.out, wire.AppendReturn(nil, c.ev.sequence))
		c.flush()
	}
}
