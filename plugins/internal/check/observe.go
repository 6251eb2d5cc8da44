package check

import (
	"log/slog"
	"strings"
	"time"

	"kongwaf/detect"
	"kongwaf/kong/events"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/respond"
)

// maxRaw bounds the raw piece in an event, in bytes.
const maxRaw = 240

// outcome is what a check made of a request, for the event about it.
type outcome struct {
	check   *Check
	verdict *detect.Verdict
	action  string
	took    time.Duration
}

// actionOf returns the action of a verdict, "" if it is nobody's business.
func actionOf(v *detect.Verdict) string {
	switch {
	case v.Denied:
		return events.ActionBlocked
	case v.Report != nil && !v.Report.Blocked && v.Report.Excepted != nil:
		return events.ActionExcepted
	case v.Fault != nil && v.Report == nil:
		return events.ActionUnjudged
	case v.Report != nil || v.Reason != "":
		return events.ActionReported
	}
	return ""
}

// event tells what happened to a request. It asks Kong for what it lacks, so it is to be
// called before the request is answered.
func (i *Instance) event(o outcome, f *facts.Facts) *events.Event {
	story := f.Story()
	now := i.shared.Now()
	route, service := i.shared.entities.of(f, i.meta.RouteID, now)
	path, _, _ := strings.Cut(story.Target, "?")
	e := &events.Event{
		Schema: events.SchemaVersion, Name: events.Name, ID: events.NewID(now), Time: now.UTC(), Count: 1,
		Node: i.shared.Node, Plugin: i.definition.Name, PluginID: i.meta.PluginID,
		Check: o.check.Name, Action: o.action, Mode: o.check.Mode, Application: o.check.Application,
		Reason: o.verdict.Reason, List: o.verdict.List, Micros: float64(o.took.Nanoseconds()) / 1e3,
		RequestID: story.RequestID, Method: story.Method, Path: path, Host: story.Host,
		Proto: strings.TrimSuffix(strings.TrimPrefix(story.Proto, "HTTP/"), ".0"), Client: story.ClientIP, Peer: story.PeerIP,
		UserAgent: story.UserAgent,
		RouteID:   route.ID, RouteName: route.Name, ServiceID: service.ID, ServiceName: service.Name,
		ConsumerID: f.Consumer.ID, Consumer: f.Consumer.Username, Credential: f.Credential,
	}
	i.describeStanding(e, f)
	if story.Proto == "HTTP/1.0" {
		e.Proto = "1.0"
	}
	if e.Mode == "" {
		e.Mode = "block"
	}
	if o.verdict.Denied {
		e.Status = o.verdict.Status
	}
	key := o.verdict.Key
	if key == (detect.Key{}) {
		key = f.Key
	}
	e.KeyID, e.KeySource = key.ID, key.Source
	tellRules(e, o.verdict.Rules)
	e.TraceID, e.SpanID = events.ParseTraceparent(story.Traceparent)
	if report := o.verdict.Report; report != nil {
		e.Score, e.Truncated, e.Skipped = report.Score, report.Truncated || report.Skipped > 0, report.Skipped
		found := report.Attacks
		if o.action == events.ActionExcepted {
			if e.Expected = report.Excepted.Expected; e.Expected == "" {
				e.Exception = &report.Excepted.Exception
			}
			e.ExceptedBy, e.Score = report.Excepted.Entry, report.Excepted.Confidence
			found = []detect.Finding{report.Excepted.Finding}
		}
		for _, a := range found {
			e.Classes, e.Places = append(e.Classes, a.Class.String()), append(e.Places, string(a.Place))
		}
		if len(found) > 0 {
			e.Evidence, e.Decoded = found[0].Evidence, found[0].Decoded
			e.Raw = piece(&f.Request, &found[0])
			e.Raw = strings.Clone(e.Raw[:min(len(e.Raw), maxRaw)])
		}
	}
	return e
}

// shared is what kong.ctx.shared.waf holds of an outcome. All of it is text and numbers:
// Kong's bridge turns false into nil.
func shared(o *outcome) respond.Fields {
	fields := respond.Fields{Text: map[string]string{"verdict": "passed", "check": o.check.Name}, Number: map[string]float64{}}
	if o.action != "" {
		fields.Text["verdict"] = o.action
	}
	if o.verdict.Reason != "" {
		fields.Text["reason"] = o.verdict.Reason
	}
	if rule := telling(o.verdict.Rules); rule != nil {
		fields.Text["rule"] = rule.Name
	}
	if o.check.Application != "" {
		fields.Text["application"] = o.check.Application
	}
	if report := o.verdict.Report; report != nil {
		fields.Number["score"] = report.Score
		if len(report.Attacks) > 0 {
			fields.Text["class"], fields.Text["place"] = report.Attacks[0].Class.String(), string(report.Attacks[0].Place)
		}
	}
	return fields
}

// logged records events as log lines, a bounded number of them: what is left where nobody
// listens.
type logged struct {
	log   *slog.Logger
	now   func() time.Time
	lines lines
}

// Record implements events.Recorder.
func (l *logged) Record(e *events.Event) {
	n, ok := l.lines.take(l.now())
	if !ok {
		return
	}
	e.Bound()
	attrs := []any{"action", e.Action, "check", e.Check, "reason", e.Reason, "rule", e.Rule, "list", e.List, "status", e.Status,
		"client", e.Client, "method", e.Method, "path", e.Path, "request_id", e.RequestID, "route", e.RouteName,
		"classes", e.Classes, "places", e.Places, "evidence", e.Evidence, "score", e.Score}
	if e.Skipped > 0 {
		attrs = append(attrs, "skipped", e.Skipped)
	}
	l.log.Info("verdict", append(attrs, "suppressed", n)...)
}
