package attack

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/known"
)

// headers are the header lines of a request that are not known to be harmless.
type headers struct {
	lines []detect.Header
	shown detect.Request // the request with those lines only
}

// of returns the request as the walker is to see it: without the lines that are known.
func (h *headers) of(r *detect.Request, lines *known.Lines) *detect.Request {
	for i := range r.Headers {
		if !lines.Holds(&r.Headers[i]) {
			h.lines = append(h.lines, r.Headers[i])
		}
	}
	if len(h.lines) == len(r.Headers) {
		return r
	}
	h.shown = *r
	h.shown.Headers = h.lines
	return &h.shown
}

// remember keeps the lines of a request in which nothing was found.
func (h *headers) remember(lines *known.Lines) {
	for i := range h.lines {
		lines.Put(&h.lines[i])
	}
}

func (h *headers) reset() {
	clear(h.lines)
	h.lines, h.shown = h.lines[:0], detect.Request{}
}
