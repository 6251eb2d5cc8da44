package check

import (
	"strings"

	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
)

// actionPassed is the action of a request that is nobody's business.
const actionPassed = "passed"

// series are the numbers of a check that every request adds to.
type series struct {
	passed  metrics.Number
	seconds metrics.Histogram
}

func (i *Instance) newSeries(c *Check) series {
	t, plugin := i.shared.Metrics, i.definition.Name
	return series{
		passed:  t.Number(metrics.Requests, plugin, c.Name, actionPassed, c.Application),
		seconds: t.Histogram(metrics.CheckSeconds, plugin, c.Name),
	}
}

// count adds an outcome of check n to the numbers. Only the series of good requests are at
// hand; the others are looked up, which costs a refusal less than a microsecond.
func (i *Instance) count(n int, o outcome) {
	t, plugin, c := i.shared.Metrics, i.definition.Name, o.check
	if o.action == "" {
		i.series[n].passed.Add(1)
	} else {
		t.Number(metrics.Requests, plugin, c.Name, o.action, c.Application).Add(1)
	}
	if o.verdict.Failed || o.verdict.Reason == reasonFailed || o.verdict.Fault != nil && o.verdict.Report == nil {
		kind, answer := "check", "deny"
		if strings.HasPrefix(o.verdict.Reason, "panic") {
			kind = "panic"
		}
		if o.action == events.ActionUnjudged {
			answer = "allow"
		}
		t.Number(metrics.Failures, plugin, kind, answer).Add(1)
	}
	i.countRules(o)
	report := o.verdict.Report
	if report == nil {
		return
	}
	if report.Truncated {
		t.Number(metrics.Truncated, plugin).Add(1)
	}
	class := ""
	switch {
	case o.action == events.ActionExcepted:
		class = report.Excepted.Class.String()
	case len(report.Attacks) > 0:
		class = report.Attacks[0].Class.String()
	}
	if class != "" {
		t.Number(metrics.Attacks, plugin, o.action, class, c.Application).Add(1)
	}
}

// reasonFailed is the reason of respond.ServerErrorVerdict.
const reasonFailed = "failed"

// record hands an event over and counts it.
func (s *Shared) record(e *events.Event) {
	s.Metrics.Number(metrics.EventsRecorded).Add(1)
	s.Events.Record(e)
}
