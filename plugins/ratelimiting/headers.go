package ratelimiting

import (
	"strconv"

	"kongwaf/detect"
	"kongwaf/detect/ratelimit"
)

// periods are the windows in the order of the config's fields, with Kong's headers for them
// and their length in seconds: that of a month or year as if all were alike.
var periods = [ratelimit.Periods]struct {
	field, limit, remaining string
	seconds                 uint64
}{
	ratelimit.Second: {field: "second", limit: "X-RateLimit-Limit-Second", remaining: "X-RateLimit-Remaining-Second", seconds: 1},
	ratelimit.Minute: {field: "minute", limit: "X-RateLimit-Limit-Minute", remaining: "X-RateLimit-Remaining-Minute", seconds: 60},
	ratelimit.Hour:   {field: "hour", limit: "X-RateLimit-Limit-Hour", remaining: "X-RateLimit-Remaining-Hour", seconds: 3600},
	ratelimit.Day:    {field: "day", limit: "X-RateLimit-Limit-Day", remaining: "X-RateLimit-Remaining-Day", seconds: 86400},
	ratelimit.Month:  {field: "month", limit: "X-RateLimit-Limit-Month", remaining: "X-RateLimit-Remaining-Month", seconds: 30 * 86400},
	ratelimit.Year:   {field: "year", limit: "X-RateLimit-Limit-Year", remaining: "X-RateLimit-Remaining-Year", seconds: 365 * 86400},
}

// headers tell the client its limits: those of the decisive window by the names of the
// IETF's first draft (draft-polli-ratelimit-headers), those of each by Kong's own.
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

// ietfHeaders tell the same as lists of structured fields (RFC 9651), each item a limit under
// the name of its period (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4):
//
//	RateLimit-Policy: "minute";q=100;w=60, "hour";q=1000;w=3600
//	RateLimit: "minute";r=99;t=42, "hour";r=999;t=3042
func ietfHeaders(rule *ratelimit.Rule, r *ratelimit.Result) []detect.Header {
	var policy, state []byte
	for p, w := range r.Windows {
		if w.Limit == 0 {
			continue
		}
		if policy != nil {
			policy, state = append(policy, ", "...), append(state, ", "...)
		}
		policy = parameter(parameter(strconv.AppendQuote(policy, periods[p].field), "q", w.Limit), "w", periods[p].seconds)
		if rule.Burst > 0 {
			policy = parameter(policy, "kong-waf-burst", rule.Burst)
		}
		state = parameter(parameter(strconv.AppendQuote(state, periods[p].field), "r", w.Remaining), "t", uint64(w.Reset))
	}
	return []detect.Header{{Name: "RateLimit-Policy", Value: string(policy)}, {Name: "RateLimit", Value: string(state)}}
}

// maxInteger is the largest one of a structured field.
const maxInteger = 999_999_999_999_999

func parameter(item []byte, name string, value uint64) []byte {
	item = append(append(append(item, ';'), name...), '=')
	return strconv.AppendUint(item, min(value, maxInteger), 10)
}
