package gateway

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// finish builds the headers of the answer and sends it.
func (ex *exchange) finish(w responder, up *response, a *answer) {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	if a != nil {
		up = &response{status: a.status, length: int64(len(a.body)), body: strings.NewReader(a.body)}
		up.headers = ex.answerHeaders(a)
		ex.source = a.source
	} else {
		up.headers = ex.proxiedHeaders(up.headers)
	}
	h := &up.headers
	if ex.proxied {
		h.add("X-Kong-Upstream-Latency", ms(ex.upstreamTook))
		h.add("X-Kong-Proxy-Latency", ms(ex.kongTook))
		via := "1.1 " + serverToken
		if ex.scheme == "grpc" || ex.scheme == "grpcs" {
			via = "2 " + serverToken
		}
		if v, ok := h.get("Via"); ok {
			via = v + ", " + via
		}
		h.set("Via", via)
	} else {
		h.add("X-Kong-Response-Latency", ms(ex.g.opts.Now().Sub(ex.start)))
	}
	if !h.has("Server") {
		h.add("Server", serverToken)
	}
	h.set("X-Kong-Request-Id", ex.id)
	ex.status, ex.sent = up.status, up.headers
	n, err := w.send(up)
	ex.sentBytes = int(n)
	if err != nil {
		ex.g.log.Debug("sending the answer: "+err.Error(), "request_id", ex.id)
	}
}

// answerHeaders are those of an answer of Kong's own: what plugins set before, replaced by
// what comes with the answer.
func (ex *exchange) answerHeaders(a *answer) fields {
	var out fields
	if v, ok := a.headers.get("Content-Type"); ok {
		out.add("Content-Type", v)
	}
	for _, e := range ex.respHeaders {
		if n := strings.ToLower(e.name); n == "content-type" && out.has(n) || n == "content-length" {
			continue
		}
		out.set(e.name, e.values...)
	}
	own := map[string][]string{}
	for _, h := range a.headers {
		own[strings.ToLower(h.name)] = append(own[strings.ToLower(h.name)], h.value)
	}
	for _, h := range a.headers {
		name := strings.ToLower(h.name)
		if values, ok := own[name]; ok && name != "content-length" {
			out.set(h.name, values...)
			delete(own, name)
		}
	}
	out.add("Content-Length", strconv.Itoa(len(a.body)))
	return out
}

// proxiedHeaders puts what plugins set beside the upstream's headers.
func (ex *exchange) proxiedHeaders(upstream fields) fields {
	var out, rest fields
	for _, h := range upstream {
		switch strings.ToLower(h.name) {
		case "content-type", "content-length":
			out = append(out, h)
		default:
			rest = append(rest, h)
		}
	}
	if len(out) > 1 && strings.EqualFold(out[0].name, "Content-Length") {
		slices.Reverse(out) // nginx's order
	}
	for _, e := range ex.respHeaders {
		if n := strings.ToLower(e.name); n == "content-length" || n == "content-type" && out.has(n) {
			continue
		}
		for _, v := range e.values {
			out.add(e.name, v)
		}
	}
	return append(out, rest...)
}
