package wafdetect

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/address"
	"kongwaf/detect/attack"
	"kongwaf/detect/reputation"
	"kongwaf/detect/rule"
	"kongwaf/plugins/internal/facts"
)

// inspector is the compiled config.
type inspector struct {
	engine  *attack.Engine
	rules   ruleSet
	usage   *usage
	mode    string
	grey    *address.Set // whose attacks are refused in safe_blocking
	status  int
	message string
	// inspect tells which parts are judged; whole says that all are.
	path, query, headers, cookies, body, whole bool
	denyOversize, tellUpstream                 bool
	api                                        *api // nil if there is no description
	// routes says that an exception asks which route a request takes.
	routes bool
	// Judging ends, with what it has found, after a time.
	now     func() time.Time
	timeout time.Duration
}

func newInspector(c *Config, engine *attack.Engine, grey *address.Set, now func() time.Time) *inspector {
	i := &inspector{
		engine:       engine,
		mode:         c.Mode,
		grey:         grey,
		status:       c.BlockStatus,
		message:      c.BlockMessage,
		denyOversize: c.OnOversize == oversizeDeny,
		now:          now,
		timeout:      c.Deadline() * 9 / 10, // the rest is for the answer, before the server gives up
		tellUpstream: c.UpstreamVerdict,
		routes:       slices.ContainsFunc(c.Exceptions, func(x Exception) bool { return x.Route != "" }),
	}
	for _, part := range c.Inspect {
		switch part {
		case "path":
			i.path = true
		case "query":
			i.query = true
		case "headers":
			i.headers = true
		case "cookies":
			i.cookies = true
		case "body":
			i.body = true
		}
	}
	i.whole = i.path && i.query && i.headers && i.cookies && i.body
	return i
}

// need asks for the headers whatever is inspected: the body cannot be read without them.
func (i *inspector) need() facts.Need {
	kinds := facts.RequestLine | facts.ClientIP
	if i.headers || i.cookies || i.body || i.api != nil {
		kinds |= facts.Headers
	}
	if i.body {
		kinds |= facts.Body
	}
	return facts.Need{Kinds: kinds}.With(i.rules.need())
}

// judge judges what there is, and tells the upstream if it is to.
func (i *inspector) judge(f *facts.Facts) detect.Verdict {
	v, word := i.verdict(f)
	if i.tellUpstream && !v.Denied && !v.Failed {
		score := 0.0
		if v.Report != nil {
			score = v.Report.Score
		}
		v.Upstream.Set = []detect.Header{
			{Name: "X-WAF-Verdict", Value: word},
			{Name: "X-WAF-Score", Value: strconv.FormatFloat(score, 'f', 2, 64)},
		}
	}
	return v
}

// verdict returns the verdict and, where the request goes on, the word for it: that of the rule
// that decides, or else of what is found in the request.
func (i *inspector) verdict(f *facts.Facts) (v detect.Verdict, word string) {
	r := &f.Request
	now := i.now()
	i.usage.look(now)
	if i.timeout > 0 {
		until := now.Add(f.Time(i.timeout))
		r.Late = func() bool { return i.now().After(until) }
	}
	result, held := i.rules.judge(r)
	if result.Decided != rule.None {
		v, word = i.decided(f, &i.rules.rules[result.Decided])
	} else {
		v, word = i.inspected(f, &result)
	}
	if v.Rules = held; len(result.Reported) > 0 && v.Reason == "" {
		v.Reason, word = reasonRule, "reported"
	}
	return v, word
}

// inspected returns the verdict of the engine. What was found decides; where nothing was found,
// what could not be read or judged leaves the request to the failure policy. Rules is what the
// rules say that do not decide.
func (i *inspector) inspected(f *facts.Facts, rules *rule.Result) (v detect.Verdict, word string) {
	if i.body && i.denyOversize && f.Request.BodyTruncated {
		return i.refuse(f, http.StatusRequestEntityTooLarge, "body_oversize", "Request body too large"), "reported"
	}
	r := &f.Request
	if !i.whole {
		r = i.part(r)
	}
	if i.routes {
		r.Takes = func(name string) bool {
			route, _ := f.Route() // a question costs Kong, so it is put only where the answer decides
			return route.ID == name || route.Name == name
		}
	}
	report := i.engine.Inspect(r)
	if i.api != nil && !report.Blocked && report.Failure == nil && (!i.body || f.BodyErr == nil) {
		if v, word, ok := i.described(f, r); ok {
			return v, word
		}
	}
	if x := report.Excepted; x != nil {
		x.Entry = i.usage.name(x.Exception, x.Expectation)
	}
	report.Skipped = max(report.Skipped, rules.Skipped)
	report.Truncated = report.Truncated || rules.Unseen
	fault := cmp.Or(report.Failure, rules.Failure)
	if (i.body || i.rules.set.Body()) && fault == nil {
		fault = f.BodyErr
	}
	switch {
	case report.Blocked:
		v = detect.Verdict{Reason: "attack_seen"}
		if i.refuses(f) {
			v = i.refuse(f, i.status, "attack", i.message)
		}
		v.Report = &report
		if !errors.Is(fault, attack.ErrSpent) { // that is what was found
			v.Fault = fault
		}
		return v, "reported"
	case errors.Is(fault, rule.ErrSpent):
		v = i.refuse(f, i.status, "rules_spent", i.message)
		v.Fault = fault
		return v, "reported"
	case fault != nil:
		return detect.Verdict{Failed: true, Fault: fault, Reason: fault.Error()}, ""
	case report.Excepted != nil && report.Excepted.Expected != "":
		return detect.Verdict{Reason: "content_expected", Report: &report}, "expected"
	case report.Excepted != nil:
		return detect.Verdict{Reason: "attack_excepted", Report: &report}, "excepted"
	}
	if report.Skipped > 0 {
		return detect.Verdict{Reason: "body_oversize", Report: &report}, "reported"
	}
	return detect.Verdict{}, "passed"
}

// refuses reports whether attacks of the request's client are refused.
func (i *inspector) refuses(f *facts.Facts) bool {
	return i.mode == modeBlock || i.mode == modeSafe && (i.grey.Contains(f.Request.ClientIP) || suspect(f.Standing.List))
}

// suspect reports whether a list is one of clients whose attacks are refused.
func suspect(list reputation.List) bool { return list == reputation.Grey || list == reputation.Deny }

// refuse denies the request where the mode refuses its client's attacks, and else only says so.
func (i *inspector) refuse(f *facts.Facts, status int, reason, message string) detect.Verdict {
	if !i.refuses(f) {
		return detect.Verdict{Reason: reason}
	}
	return detect.Verdict{Denied: true, Reason: reason, Status: status, Message: message}
}

// part returns the parts of a request that are inspected. The headers that say what a body
// is stay with the body.
func (i *inspector) part(whole *detect.Request) *detect.Request {
	r := *whole
	path, query, hasQuery := strings.Cut(whole.Target, "?")
	r.Target = "/"
	if i.path {
		r.Target = path
	}
	if i.query && hasQuery {
		r.Target += "?" + query
	}
	r.Headers = nil
	for _, h := range whole.Headers {
		cookie := detect.EqualFold(h.Name, "cookie")
		describes := detect.EqualFold(h.Name, "content-type") || detect.EqualFold(h.Name, "content-encoding")
		if cookie && i.cookies || !cookie && i.headers || i.body && describes {
			r.Headers = append(r.Headers, h)
		}
	}
	if !i.body {
		r.Body, r.Rest, r.BodyTruncated = nil, nil, false
	}
	return &r
}
