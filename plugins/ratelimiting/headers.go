package ratelimiting

import (
	"strconv"

	"kongwaf/detect"
	"kongwaf/detect/ratelimit"
)

// headers tell the client its limits: those of the decisive window by the names of the
// IETF's first draft (draft-polli-ratelimit-headers), those of each by Kong's own.
func headers(r *ratelimit.Result, names *[ratelimit.Periods]names) []detect.Header {
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
				detect.Header{Name: names[p].limit, Value: strconv.FormatUint(w.Limit, 10)},
				detect.Header{Name: names[p].remaining, Value: strconv.FormatUint(w.Remaining, 10)})
		}
	}
	return set
}

// ietfHeaders tell the same as lists of structured fields (RFC 9651), each item a limit under
// its name (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4):
//
//	RateLimit-Policy: "minute";q=100;w=60, "hour";q=1000;w=3600
//	RateLimit: "minute";r=99;t=42, "hour";r=999;t=3042
func ietfHeaders(r *ratelimit.Result, burst uint64, names *[ratelimit.Periods]names) []detect.Header {
	var policy, state []byte
	for p, w := range r.Windows {
		if w.Limit == 0 {
			continue
		}
		if policy != nil {
			policy, state = append(policy, ", "...), append(state, ", "...)
		}
		policy = parameter(parameter(strconv.AppendQuote(policy, names[p].name), "q", w.Limit), "w", names[p].seconds)
		if burst > 0 {
			policy = parameter(policy, "kong-waf-burst", burst)
		}
		state = parameter(parameter(strconv.AppendQuote(state, names[p].name), "r", w.Remaining), "t", uint64(w.Reset))
	}
	return []detect.Header{{Name: "RateLimit-Policy", Value: string(policy)}, {Name: "RateLimit", Value: string(state)}}
}

// maxInteger is the largest one of a structured field.
const maxInteger = 999_999_999_999_999

func parameter(item []byte, name string, value uint64) []byte {
	item = append(append(append(item, ';'), name...), '=')
	return strconv.AppendUint(item, min(value, maxInteger), 10)
}
