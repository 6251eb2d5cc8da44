package rule

import (
	"strings"

	"kongwaf/detect"
)

// Frameworks let a client name another method than the request's, for those that browsers' forms
// cannot send: in one of these headers, or in an argument.
var methodHeaders = [...]string{"x-http-method-override", "x-http-method", "x-method-override"}

const methodArgument = "_method"

// asMethod reports whether a request is one of the methods: widely, if a server may take it for
// one, and narrowly, if none takes it for another.
func asMethod(methods []string, r *detect.Request, narrow bool) bool {
	if !holdsMethod(methods, r.Method, narrow) {
		return !narrow && anyMethod(r, func(m string) bool { return holdsMethod(methods, m, false) })
	}
	return !narrow || !r.HeadersTruncated && !anyMethod(r, func(m string) bool { return !holdsMethod(methods, m, false) })
}

func holdsMethod(methods []string, method string, narrow bool) bool {
	for _, m := range methods {
		if m == method || !narrow && detect.EqualFold(m, method) {
			return true
		}
	}
	return false
}

// anyMethod reports whether is holds for a method that the request's head names beside its own.
func anyMethod(r *detect.Request, is func(string) bool) bool {
	for i := range r.Headers {
		name := r.Headers[i].Name
		for _, h := range methodHeaders {
			if len(name) == len(h) && detect.EqualFold(strings.ReplaceAll(name, "_", "-"), h) && is(strings.TrimSpace(r.Headers[i].Value)) {
				return true
			}
		}
	}
	_, query, _ := strings.Cut(r.Target, "?")
	if !strings.Contains(query, "ethod") && !strings.Contains(query, "%") {
		return false
	}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if len(name) <= 3*len(methodArgument) && string(unescape(nil, name, true)) == methodArgument &&
			is(strings.TrimSpace(string(unescape(nil, value, true)))) {
			return true
		}
	}
	return false
}
