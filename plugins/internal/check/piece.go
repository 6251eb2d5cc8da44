package check

import (
	"net/url"
	"strings"

	"kongwaf/detect"
)

// around is how much is shown on each side of evidence that stands in a body, in bytes.
const around = 60

// piece returns the part of the request, as it was sent, in which a finding was made: the
// parameter, the header, the cookie, or the surroundings in the body. It is empty where
// the place is secret, and where the part cannot be told.
func piece(r *detect.Request, f *detect.Finding) string {
	if f.Evidence == "(masked)" || f.Class == detect.ClassSchema { // that is about no piece, and masks none
		return ""
	}
	_, name, _ := strings.Cut(string(f.Place), ".")
	path, query, _ := strings.Cut(r.Target, "?")
	switch f.Place.Source() {
	case detect.SourcePath:
		return path
	case detect.SourceQuery:
		return parameter(query, "&", name, f.Evidence)
	case detect.SourceHeader:
		header, _, _ := strings.Cut(name, "[")
		for _, h := range r.Headers {
			if detect.EqualFold(h.Name, header) {
				return h.Value
			}
		}
	case detect.SourceCookie:
		for _, h := range r.Headers {
			if detect.EqualFold(h.Name, "cookie") {
				if found := parameter(h.Value, ";", name, f.Evidence); found != "" {
					return found
				}
			}
		}
	case detect.SourceBody:
		body := string(r.Body[:min(len(r.Body), 1<<20)])
		if at := strings.Index(body, f.Evidence); at >= 0 && f.Evidence != "" {
			return surroundings(body, at, at+len(f.Evidence))
		}
		if _, field, ok := strings.Cut(name, "form."); ok {
			return parameter(body, "&", field, f.Evidence)
		}
	}
	return ""
}

// parameter returns the name=value of a list whose decoded name is the one looked for, or
// else which holds the evidence.
func parameter(list, separator, name, evidence string) string {
	name, _, _ = strings.Cut(name, "[")
	fallback := ""
	for pair := range strings.SplitSeq(list, separator) {
		pair = strings.TrimSpace(pair)
		key, _, _ := strings.Cut(pair, "=")
		decoded, err := url.QueryUnescape(key)
		if err == nil && strings.EqualFold(decoded, name) {
			return pair
		}
		if fallback == "" && evidence != "" && strings.Contains(pair, evidence) {
			fallback = pair
		}
	}
	return fallback
}

// surroundings widens body[start:end] to what stands in the same value: it stops at quotes,
// ampersands and line breaks, so that a neighbour's value, which may be a secret, stays out.
func surroundings(body string, start, end int) string {
	const stops = "&\"\r\n\x00"
	from, to := max(start-around, 0), min(end+around, len(body))
	if i := strings.LastIndexAny(body[from:start], stops); i >= 0 {
		from += i + 1
	}
	if i := strings.IndexAny(body[end:to], stops); i >= 0 {
		to = end + i
	}
	return body[from:to]
}
