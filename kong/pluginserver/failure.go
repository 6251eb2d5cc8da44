package pluginserver

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/Kong/go-pdk"

	"kongwaf/kong/wire"
)

// Why the failure policy answers.
var (
	errPanic    = errors.New("the plugin panicked")
	errTimeout  = errors.New("the plugin took longer than its timeout")
	errInvalid  = errors.New("the plugin's config was refused")
	errOverload = errors.New("too many events compute at the same time")
	errSuspect  = errors.New("the event has ended every process that handled it")
)

// refuseTime is how long a plugin's Refuse may compute.
const refuseTime = time.Second

// expired takes the connection from a handler that overran its time, answers by policy
// and goes on with it. The handler keeps running, Go cannot stop it, but its link leads
// nowhere any more.
func (c *conn) expired() {
	c.mu.Lock()
	c.fires = time.Time{}
	if left := c.until.Sub(c.srv.clock.Now()); c.cur == nil || !c.working || left > 0 {
		if c.cur != nil && c.working {
			c.arm(left)
		}
		c.mu.Unlock()
		return
	}
	c.cur, c.working = nil, false
	c.mu.Unlock()
	c.srv.n.hung.Add(1)
	c.abandon(errTimeout)
}

// abandon goes on with the connection in another goroutine than the one that a handler has
// got stuck in, or is ending.
func (c *conn) abandon(why error) {
	proceed := func() { c.proceed(why) }
	if sock, ok := c.sock.(Hosted); ok {
		sock.Go(proceed)
	} else {
		go proceed()
	}
}

// proceed answers the event by the failure policy and goes on with the connection.
func (c *conn) proceed(why error) {
	switch c.fail(why) {
	case goOn:
		c.serve()
	case ended:
		c.finish(nil)
	}
}

// fail answers an event that the plugin could not, by its failure policy.
func (c *conn) fail(why error) outcome {
	if c.ev.refusing {
		if why == errTimeout {
			c.ev.in.plugin.n.timeouts.Add(1)
		}
		return c.exitRaw()
	}
	policy, known := c.count(why)
	if !known {
		return ended // Kong is gone
	}
	if c.ev.exited {
		return c.afterExit()
	}
	if policy == PolicyAllow || !canExit[c.ev.phase.name] {
		return c.close()
	}
	c.ev.refusing, c.ev.err = true, nil
	c.ev.request, c.ev.rep = c.ev.request[:0], nil
	refuse := c.ev.in.plugin.Refuse
	if refuse == nil {
		return c.exitRaw()
	}
	c.srv.n.computing.Add(1)
	res, err := c.run(refuseTime, func(l *link) { refuse(pdk.Init(l)) })
	c.srv.n.computing.Add(-1)
	switch {
	case res != goOn:
		return res
	case c.ev.exited:
		return c.afterExit()
	case err != nil && !errors.Is(err, errPanic) && !unreadable(err):
		return ended
	default:
		return c.exitRaw()
	}
}

// count tells the counters and the log of a failure, and returns the policy. It reports
// false for errors of the connection itself.
func (c *conn) count(why error) (Policy, bool) {
	in, s := c.ev.in, c.srv
	n := &in.plugin.n
	kind := "" // few and constant: the log is limited by kind
	switch {
	case why == errPanic:
		kind = "panic"
		n.panics.Add(1)
	case why == errTimeout:
		kind = "timeout"
		n.timeouts.Add(1)
	case why == errInvalid:
		kind = "invalid_config"
		n.invalid.Add(1)
	case why == errOverload:
		kind = "overload"
		n.overload.Add(1)
	case why == errSuspect:
		kind = "suspect"
		n.suspects.Add(1)
	case errors.Is(why, errMemory):
		kind = "memory"
		s.n.overloadMemory.Add(1)
		n.overload.Add(1)
	case errors.Is(why, wire.ErrFrameTooLong):
		kind = "unread_reply"
		n.unread.Add(1)
	default:
		return 0, false
	}
	policy := in.policy
	if in.instance != nil {
		policy = in.instance.Failure()
	}
	if policy == PolicyDeny {
		n.denied.Add(1)
	} else {
		n.allowed.Add(1)
	}
	if s.failed != nil {
		s.failed(in.plugin.Name, kind, policy)
	}
	s.quiet.warn(kind, "an event was answered by the failure policy", "reason", why,
		"plugin", in.plugin.Name, "phase", c.ev.phase.name, "policy", policy.String(), "instance", in.id)
	return policy, true
}

// exitRaw refuses the request without any help of the plugin.
func (c *conn) exitRaw() outcome {
	c.out = wire.AppendExit(c.out, 500, "application/json; charset=utf-8",
		`{"message":"An unexpected error occurred"}`)
	c.ev.exited = true
	if c.write() != nil {
		return ended
	}
	return c.afterExit()
}

// panicked logs a plugin's panic with its stack.
func (s *Server) panicked(p *plugin, r any) {
	s.quiet.warn("stack", "a plugin panicked", "plugin", p.Name, "panic", panicText(r), "stack", string(debug.Stack()))
}

// panicText describes a panic's value. A text that a plugin made itself may hold
// anything, a header or a key, so only the runtime's own is shown.
func panicText(r any) string {
	if err, ok := r.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", r)
}
