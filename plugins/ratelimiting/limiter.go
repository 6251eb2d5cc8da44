package ratelimiting

import (
	"fmt"
	"strconv"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/ratelimit"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/respond"
	"kongwaf/plugins/internal/store"
)

// limiter is the compiled config. Its counters are in a table or a store that outlives it.
type limiter struct {
	table          *ratelimit.Table
	store          *store.Store  // instead of the table, for the policy redis
	sync           time.Duration // for how long the store may be asked for a share; 0: for none
	tolerant       bool          // whether requests pass while the store is away
	counted        *check.Counted
	plugin         string // the id of the plugin's config
	now            func() time.Time
	rule           ratelimit.Rule
	names          *[ratelimit.Periods]names // of its limits
	callers        callers
	overrides      overrides
	spans          string // of the rule, where they are not the calendar's: other windows, other counters
	costHeader     string // "" for none
	route, service string
	known          facts.Callers
	hide, ietf     bool
	status         int
	message        string
}

func newLimiter(c *Config, rule ratelimit.Rule, names *[ratelimit.Periods]names, env check.Env) *limiter {
	return &limiter{
		table:      env.Limits,
		tolerant:   c.FaultTolerant,
		counted:    &env.Counted,
		plugin:     env.PluginID,
		now:        env.Now,
		rule:       rule,
		names:      names,
		spans:      fmt.Sprint(rule.Spans),
		callers:    c.callers(),
		costHeader: c.CostHeader,
		route:      env.RouteID,
		service:    env.ServiceID,
		hide:       c.HideClientHeaders,
		ietf:       c.IETFHeaders,
		status:     c.ErrorCode,
		message:    c.ErrorMessage,
	}
}

func (l *limiter) need() facts.Need {
	n := l.callers.need()
	n.Kinds |= l.overrides.need()
	switch {
	case l.overrides.credentials != nil || l.callers.counts(byCredential):
	case n.Kinds&facts.Credential != 0: // in place of a consumer
		n.Callers = &l.known
	}
	if l.asksHeader() {
		n.Header = l.callers.header
	} else {
		n.Header = l.costHeader
	}
	return n
}

// asksHeader reports whether header_name is the one header that Kong is asked for.
func (l *limiter) asksHeader() bool {
	return l.callers.counts(byHeader) || l.overrides.values != nil
}

// price returns for how many requests one counts. A header beside header_name is asked
// for by itself.
func (l *limiter) price(f *facts.Facts, usual uint64) (uint64, error) {
	value := ""
	switch {
	case l.costHeader == "":
	case l.asksHeader():
		headers, err := f.Current()
		if err != nil {
			return 0, err
		}
		r := detect.Request{Headers: headers}
		value, _ = r.Header(l.costHeader)
	default:
		value = f.Header(l.costHeader)
	}
	if n, err := strconv.ParseUint(value, 10, 64); err == nil && n > 0 {
		return min(n, ratelimit.MaxShaped), nil
	}
	return usual, nil
}

func (l *limiter) judge(f *facts.Facts) detect.Verdict {
	rule, unlimited := l.overrides.of(f, l.rule)
	if unlimited {
		return detect.Verdict{}
	}
	var room [2 + 2*maxParts]string
	who, missing := l.callers.of(f, append(room[:0], l.route, l.service))
	switch missing {
	case missingAddress:
		return detect.Verdict{Failed: true, Reason: "Kong knows no address of the client"}
	case missingDenied:
		return detect.Verdict{Denied: true, Reason: "caller_unknown", Status: 403, Message: "The caller is not known", GRPC: grpcPermissionDenied}
	case missingUncounted:
		return detect.Verdict{}
	}
	var err error
	if rule.Cost, err = l.price(f, rule.Cost); err != nil {
		return detect.Verdict{Failed: true, Reason: err.Error()}
	}
	result, err := l.count(who, f.RequestID, rule)
	switch {
	case err != nil && l.store != nil:
		return l.away(err)
	case err != nil:
		return detect.Verdict{Failed: true, Reason: fmt.Sprintf("counting: %v", err)}
	}
	names := &periods
	if rule.Spans != calendarSpans {
		names = l.names
	}
	var v detect.Verdict
	if !l.hide {
		v.Response.Set = headers(&result, names)
		if l.ietf {
			v.Response.Set = append(v.Response.Set, ietfHeaders(&result, rule.Burst, names)...)
		}
	}
	if !result.Allowed {
		v.Denied, v.Reason, v.Status, v.Message = true, "rate_limited", l.status, l.message
		v.GRPC = grpcResourceExhausted
	}
	return v
}

// count decides a request of a caller. The request's id, where it is known, tells it from
// others if Kong repeats it.
func (l *limiter) count(who []string, request string, rule ratelimit.Rule) (ratelimit.Result, error) {
	if l.store != nil {
		event := ""
		if request != "" {
			event = store.Key(l.plugin, request)
		}
		key := store.Key(who...)
		if l.sync > 0 {
			return l.store.AllowShared(l.sync, key, rule, event)
		}
		return l.store.Allow(key, rule, event)
	}
	var event ratelimit.Event
	if request != "" {
		event = l.table.Event(l.plugin, request)
	}
	if rule.Shape != ratelimit.Fixed { // which was before there were others: counters outlive an upgrade
		who = append(who, rule.Shape.String())
	}
	if rule.Spans != calendarSpans {
		who = append(who, l.spans)
	}
	result, err := l.table.Allow(l.now(), l.table.Key(who...), rule, event)
	if err == nil && event != 0 && result.Allowed {
		l.counted.Remember(l.table, event)
	}
	return result, err
}

// away is the verdict where the store does not answer, as fault_tolerant wants it. The error
// goes to the log only: it differs from one request to the next.
func (l *limiter) away(err error) detect.Verdict {
	if l.tolerant {
		return detect.Verdict{Reason: "Redis is away, the request was not counted", Fault: err}
	}
	v := respond.ServerErrorVerdict()
	v.Reason, v.Fault = "store_away", err
	return v
}

// calendarSpans are those of a rule with Kong's windows alone, as those of overrides.
var calendarSpans [ratelimit.Periods]uint32

// What a gRPC caller gets, whatever error_code is.
const (
	grpcResourceExhausted = 8
	grpcPermissionDenied  = 7
)
