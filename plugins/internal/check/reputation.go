package check

import (
	"net/http"

	"kongwaf/detect"
	"kongwaf/detect/reputation"
	"kongwaf/kong/events"
	"kongwaf/plugins/internal/facts"
)

// The values of reputation; empty is off.
const (
	reputationOff     = "off"
	reputationReport  = "report"
	reputationEnforce = "enforce"
)

// reasonListed is the reason of a verdict on a client that is on the list deny.
const reasonListed = "client_denied"

// Reputed is the field that says what a client's reputation means to a check.
type Reputed struct {
	Reputation string `json:"reputation,omitempty" kong:"oneof=off|report|enforce" doc:"What the lists of reputation (kong-waf lists) mean here. off, or not set: nothing. report: requests of clients on the list deny are reported and go on. enforce: they are refused with 403, and clients on the list allow are refused nothing but for the want of a key; what they would have been is reported. Consumers and keys count where they are known."`
}

// Reads reports whether the check asks for a client's standing.
func (r Reputed) Reads() bool { return r.Reputation != "" && r.Reputation != reputationOff }

// Known returns a check that regards reputation as the field says. Refusals have the status and
// the message, or else 403 and the usual text.
func (r Reputed) Known(c Check, status int, message string) Check {
	if !r.Reads() {
		return c
	}
	c.Reputation, c.Need.Kinds = r.Reputation, c.Need.Kinds|facts.ClientIP
	c.denial = detect.Verdict{Denied: true, Reason: reasonListed, Status: status, Message: message}
	if status == 0 {
		c.denial.Status = http.StatusForbidden
	}
	if message == "" {
		c.denial.Message = "Request blocked"
	}
	return c
}

// standing returns what is known of the request's client and, as far as they are known by now, of
// its consumer and key.
func (i *Instance) standing(c *Check, f *facts.Facts) reputation.Standing {
	if c.Reputation == "" {
		return reputation.Standing{}
	}
	now := i.shared.Now()
	s := i.shared.Reputation.Lookup(now, f.Request.ClientIP)
	if f.Credential != "" {
		s = s.Better(i.shared.Reputation.LookupName(now, reputation.Key(f.Credential)))
	}
	if f.Consumer.ID != "" {
		s = s.Better(i.shared.Reputation.LookupName(now, reputation.Consumer(f.Consumer.ID)))
		s = s.Better(i.shared.Reputation.LookupName(now, reputation.Consumer(f.Consumer.Username)))
	}
	return s
}

// denied returns the refusal of a client on the list deny; ok is false if it is on none. Where
// it is only to be reported, that is done once for a request, which is then judged like any other.
func (i *Instance) denied(n int, f *facts.Facts, told *bool) (v detect.Verdict, ok bool) {
	c := &i.checks[n]
	if f.Standing.List != reputation.Deny {
		return v, false
	}
	v = c.denial
	v.Check = c.Name
	if c.Reputation == reputationEnforce && c.Mode != ModeMonitoring {
		return v, true
	}
	if !*told {
		*told = true
		pass(&v)
		o := outcome{check: c, verdict: &v, action: events.ActionReported}
		i.count(n, o)
		i.shared.record(i.event(o, f))
	}
	return detect.Verdict{}, false
}

// identified looks again at who has just been identified: his consumer or his key may be
// on the list deny.
func (i *Instance) identified(n int, f *facts.Facts, id *detect.Identity, told *bool) (v detect.Verdict, ok bool) {
	consumer, credential := f.Consumer, f.Credential
	f.Consumer, f.Credential = id.Consumer, id.Credential
	f.Standing = i.standing(&i.checks[n], f)
	if v, ok = i.denied(n, f, told); !ok {
		f.Consumer, f.Credential = consumer, credential // until the verdict is carried out
	}
	return v, ok
}

// pardons reports whether a refusal of the check is none for this client: it is on the list
// allow. Nobody is let in without a key for that.
func (c *Check) pardons(s reputation.Standing) bool {
	return c.Reputation == reputationEnforce && !c.Guards && s.List == reputation.Allow
}

// describeStanding tells an event what was known of its client.
func (i *Instance) describeStanding(e *events.Event, f *facts.Facts) {
	if f.Standing.List == reputation.None {
		return
	}
	e.Listed = f.Standing.List.String()
	if entry, ok := i.shared.Reputation.Describe(f.Standing); ok {
		e.ListedReason = entry.Reason
	}
}
