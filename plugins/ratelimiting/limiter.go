package ratelimiting

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/ratelimit"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/respond"
	"kongwaf/plugins/internal/store"
)

// periods are the windows in the order of the config's fields, with their headers.
var periods = [ratelimit.Periods]struct{ field, limit, remaining string }{
	ratelimit.Second: {field: "second", limit: "X-RateLimit-Limit-Second", remaining: "X-RateLimit-Remaining-Second"},
	ratelimit.Minute: {field: "minute", limit: "X-RateLimit-Limit-Minute", remaining: "X-RateLimit-Remaining-Minute"},
	ratelimit.Hour:   {field: "hour", limit: "X-RateLimit-Limit-Hour", remaining: "X-RateLimit-Remaining-Hour"},
	ratelimit.Day:    {field: "day", limit: "X-RateLimit-Limit-Day", remaining: "X-RateLimit-Remaining-Day"},
	ratelimit.Month:  {field: "month", limit: "X-RateLimit-Limit-Month", remaining: "X-RateLimit-Remaining-Month"},
	ratelimit.Year:   {field: "year", limit: "X-RateLimit-Limit-Year", remaining: "X-RateLimit-Remaining-Year"},
}

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
	by             string
	header, path   string
	prefix         int    // of IPv6 addresses
	costHeader     string // "" for none
	route, service string
	callers        facts.Callers
	hide           bool
	status         int
	message        string
}

func newLimiter(c *Config, rule ratelimit.Rule, env check.Env) *limiter {
	return &limiter{
		table:      env.Limits,
		tolerant:   c.FaultTolerant,
		counted:    &env.Counted,
		plugin:     env.PluginID,
		now:        env.Now,
		rule:       rule,
		by:         c.LimitBy,
		header:     c.HeaderName,
		path:       c.Path,
		prefix:     c.IPv6Prefix,
		costHeader: c.CostHeader,
		route:      env.RouteID,
		service:    env.ServiceID,
		hide:       c.HideClientHeaders,
		status:     c.ErrorCode,
		message:    c.ErrorMessage,
	}
}

func (l *limiter) need() facts.Need {
	n := facts.Need{Kinds: facts.ClientIP}
	switch l.by {
	case byConsumer:
		n.Kinds |= facts.Consumer | facts.Credential
		n.Callers = &l.callers
	case byCredential:
		n.Kinds |= facts.Credential
	case byService:
		n.Kinds |= facts.Service
	case byHeader:
		n.Header = l.header
	case byPath:
		n.Kinds |= facts.Path
	}
	if n.Header == "" {
		n.Header = l.costHeader
	}
	return n
}

// identifier returns what the request is counted under, and of which kind that is. What
// limit_by asks for may be unknown; the client's address is counted then.
func (l *limiter) identifier(f *facts.Facts) (kind, id string) {
	switch l.by {
	case byConsumer:
		if id = f.Consumer.ID; id == "" {
			id = f.Credential
		}
	case byCredential:
		id = f.Credential
	case byService:
		id = f.ServiceID
	case byHeader:
		id = f.Header(l.header)
	case byPath:
		if f.Path == l.path {
			id = l.path
		}
	}
	if id == "" {
		return byIP, l.network(f.ClientIP)
	}
	return l.by, id
}

// network returns the network that an IPv6 address is counted with, and other text as it is.
func (l *limiter) network(text string) string {
	if l.prefix == 0 || l.prefix == 128 || !strings.Contains(text, ":") {
		return text
	}
	addr := facts.ParseIP(text)
	if !addr.Is6() || addr.Is4In6() {
		return text
	}
	network, err := addr.WithZone("").Prefix(l.prefix)
	if err != nil {
		return text // no prefix of 1 to 128 bits fails
	}
	return network.String()
}

// price returns for how many requests one counts. A header beside the one of limit_by is
// asked for by itself.
func (l *limiter) price(f *facts.Facts) (uint64, error) {
	value := ""
	switch {
	case l.costHeader == "":
	case l.by == byHeader:
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
	return l.rule.Cost, nil
}

func (l *limiter) judge(f *facts.Facts) detect.Verdict {
	kind, id := l.identifier(f)
	if id == "" {
		return detect.Verdict{Failed: true, Reason: "Kong knows no address of the client"}
	}
	rule := l.rule
	var err error
	if rule.Cost, err = l.price(f); err != nil {
		return detect.Verdict{Failed: true, Reason: err.Error()}
	}
	result, err := l.count(kind, id, f.RequestID, rule)
	switch {
	case err != nil && l.store != nil:
		return l.away(err)
	case err != nil:
		return detect.Verdict{Failed: true, Reason: fmt.Sprintf("counting: %v", err)}
	}
	var v detect.Verdict
	if !l.hide {
		v.Response.Set = headers(&result)
	}
	if !result.Allowed {
		v.Denied, v.Reason, v.Status, v.Message = true, "rate_limited", l.status, l.message
		v.GRPC = grpcResourceExhausted
	}
	return v
}

// count decides a request of a caller. The request's id, where it is known, tells it from
// others if Kong repeats it.
func (l *limiter) count(kind, id, request string, rule ratelimit.Rule) (ratelimit.Result, error) {
	if l.store != nil {
		event := ""
		if request != "" {
			event = store.Key(l.plugin, request)
		}
		key := store.Key(l.route, l.service, kind, id)
		if l.sync > 0 {
			return l.store.AllowShared(l.sync, key, rule, event)
		}
		return l.store.Allow(key, rule, event)
	}
	var event ratelimit.Event
	if request != "" {
		event = l.table.Event(l.plugin, request)
	}
	parts := []string{l.route, l.service, kind, id, rule.Shape.String()}
	if rule.Shape == ratelimit.Fixed {
		parts = parts[:4] // as it was before there were shapes: counters outlive an upgrade
	}
	result, err := l.table.Allow(l.now(), l.table.Key(parts...), rule, event)
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

// grpcResourceExhausted is what a gRPC caller gets, whatever error_code is.
const grpcResourceExhausted = 8

// headers tell the client its limits: those of the decisive window by the names of the
// IETF's draft (draft-polli-ratelimit-headers), those of each by Kong's own.
func headers(r *ratelimit.Result) []detect.Header {
	decisive := r.Windows[r.Decisive]
	set := append(make([]detect.Header, 0, 6), // enough for one window
		detect.Header{Name: "RateLimit-Limit", Value: strconv.FormatUint(decisive.Limit, 10)},
		detect.Header{Name: "RateLimit-Remaining", Value: strconv.FormatUint(decisive.Remaining, 10)},
		detect.Header{Name: "RateLimit-Reset", Value: strconv.FormatInt(decisive.Reset, 10)})
	if !r.Allowed {
		set = append(set, detect.Header{Name: "Retry-After", Value: strconv.FormatInt(decisive.Reset, 10)})
	}
	for p, w := range r.Windows {
		if w.Limit > 0 {
			set = append(set,
				detect.Header{Name: periods[p].limit, Value: strconv.FormatUint(w.Limit, 10)},
				detect.Header{Name: periods[p].remaining, Value: strconv.FormatUint(w.Remaining, 10)})
		}
	}
	return set
}
