// Package check is what every plugin is made of: a check says which facts about a request
// it needs and turns them into a verdict. A single plugin runs one check, waf-gate several
// in the same event; both walk the one way from Kong to verdict and back that is here.
package check

import (
	"fmt"
	"runtime/debug"
	"slices"

	"kongwaf/detect"
	"kongwaf/kong/events"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/raw"
	"kongwaf/plugins/internal/respond"
)

// Check is one compiled check. It is a value: copying it is fine, and its functions may be
// called concurrently.
type Check struct {
	// Name is the check's name in verdicts, logs and config.checks: "ip-restriction".
	Name string
	// Need is what the check must know.
	Need facts.Need
	// MaxBody bounds how much of the body is held in memory, in bytes; 0 means
	// facts.DefaultMaxBody.
	MaxBody int
	// Judge turns the facts into a verdict. It sets Failed if it cannot.
	Judge func(*facts.Facts) detect.Verdict
	// Failure answers a request that the check could not judge.
	Failure pluginserver.Policy
	// Mode is "" for block, or ModeMonitoring: a refusal is reported, and the request goes on.
	Mode string
	// Reputation says what the client's standing means: "", or a value of Reputed.
	Reputation string
	// Guards says that the check lets in only who proves something, whatever his standing.
	Guards bool
	// Application is the config's label for the application, for events.
	Application string
	// Answer says in which forms beyond Kong's own the check's refusals go out.
	Answer *respond.Answer
	// Share puts the verdict into kong.ctx.shared.waf, for Kong's log plugins.
	Share bool

	denial detect.Verdict // of a client on the list deny
}

// access runs the checks in order on one request. The first refusal ends it; the effects
// of the checks before it are dropped but for their headers to the client.
func (i *Instance) access(kong raw.Kong) {
	f, err := facts.Read(kong, i.need, &i.shared.Packed, i.maxBody)
	if err != nil {
		i.fail(kong, f, err.Error())
		return
	}
	defer f.Close()
	f.Extend(i.timeout)
	var effects detect.Effects
	told := false // of a client that is on the list deny
	for n := range i.checks {
		c := &i.checks[n]
		started := i.shared.Now()
		f.Standing = i.standing(c, f)
		v, listed := i.denied(n, f, &told)
		if !listed {
			v = i.judge(c, f)
		}
		v.Check = c.Name
		if v.Identity != nil && c.Reputation != "" && !v.Failed {
			if refusal, listed := i.identified(n, f, v.Identity, &told); listed {
				v = refusal
			}
		}
		if v.Fault != nil {
			i.shared.faulted(i.describe(c.Name), &v)
		}
		o := outcome{check: c, verdict: &v, took: i.shared.Now().Sub(started)}
		i.series[n].seconds.Observe(o.took)
		if v.Failed {
			i.shared.failed(i.describe(c.Name), c.Failure, v.Reason)
			if c.Failure == pluginserver.PolicyAllow {
				o.action = events.ActionUnjudged
				i.count(n, o)
				i.shared.record(i.event(o, f))
				continue
			}
			v = respond.ServerErrorVerdict()
			v.Check = c.Name
		}
		if v.Denied && (c.Mode == ModeMonitoring || v.Reason != reasonFailed && c.pardons(f.Standing)) {
			pass(&v)
		}
		o.action = actionOf(&v)
		i.count(n, o)
		if c.Share {
			// A setter: whether it worked shows in Kong's own log only.
			_ = respond.Share(kong, shared(&o))
		}
		if v.Denied {
			v.Response.Set = append(effects.Response.Set, v.Response.Set...)
			e := i.event(o, f)
			respond.Refuse(kong, &v, f.Client(), c.Answer)
			i.shared.record(e)
			return
		}
		if o.action != "" {
			i.shared.record(i.event(o, f))
		}
		merge(&effects, &v.Effects)
		if v.Identity != nil {
			f.Consumer, f.Credential, f.Key = v.Identity.Consumer, v.Identity.Credential, v.Key
		}
	}
	if err := respond.Allow(kong, &effects); err != nil {
		i.shared.failed(i.describe(i.checks[0].Name), i.failure, err.Error())
	}
}

// judge runs one check. A panic in it is that check's failure and no one else's.
func (i *Instance) judge(c *Check, f *facts.Facts) (v detect.Verdict) {
	defer func() {
		if p := recover(); p != nil {
			i.shared.panicked(i.describe(c.Name), p, debug.Stack())
			v = detect.Verdict{Failed: true, Reason: fmt.Sprintf("panic: %v", p)}
		}
	}()
	return c.Judge(f)
}

// fail answers a request of which a fact is missing.
func (i *Instance) fail(kong raw.Kong, f *facts.Facts, reason string) {
	c := &i.checks[0]
	i.shared.failed(i.describe(c.Name), i.failure, reason)
	v := detect.Verdict{Failed: true, Reason: reason}
	o := outcome{check: c, verdict: &v, action: events.ActionUnjudged}
	if i.failure == pluginserver.PolicyDeny {
		v, o.action = respond.ServerErrorVerdict(), events.ActionBlocked
	}
	i.count(0, o)
	e := i.event(o, f)
	if v.Denied {
		respond.Refuse(kong, &v, f.Client(), c.Answer)
	}
	i.shared.record(e)
}

// merge adds the effects of a later check to those of the earlier ones.
func merge(into, from *detect.Effects) {
	if from.Identity != nil {
		into.Identity = from.Identity
	}
	if from.Query != nil {
		into.Query = from.Query
	}
	if from.UpstreamBody != nil {
		into.UpstreamBody = from.UpstreamBody
	}
	into.Upstream.Set = join(into.Upstream.Set, from.Upstream.Set)
	into.Upstream.Clear = join(into.Upstream.Clear, from.Upstream.Clear)
	into.Response.Set = join(into.Response.Set, from.Response.Set)
	into.Response.Clear = join(into.Response.Clear, from.Response.Clear)
}

// join appends b to a, and copies neither if the other one is empty.
func join[T any](a, b []T) []T {
	if len(a) == 0 {
		return slices.Clip(b)
	}
	return append(a, b...)
}
