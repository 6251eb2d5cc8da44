package gateway

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// serverToken is how Kong 3.9.1 names itself. Plugins and tests compare against the
// recorded Kong, so the stand-in says the same.
const serverToken = "kong/3.9.1"

// Kong's texts for errors of its own.
const (
	msgNoRoute      = "no Route matched with those values"
	msgBadRequest   = "Bad request"
	msgUnexpected   = "An unexpected error occurred"
	msgBadGateway   = "An invalid response was received from the upstream server"
	msgUnavailable  = "The upstream server is currently unavailable"
	msgTimeout      = "The upstream server is timing out"
	msgHeaderTooBig = "Request header or cookie too large"
	msgURITooLong   = "URI too long"
	msgNotAllowed   = "Method not allowed"
	msgNotImpl      = "Not implemented"
)

// Content types of Kong's error bodies.
const (
	typeJSON  = "application/json; charset=utf-8"
	typeHTML  = "text/html; charset=utf-8"
	typeXML   = "application/xml; charset=utf-8"
	typePlain = "text/plain; charset=utf-8"
)

// errorBody renders Kong's error template of a content type.
func errorBody(contentType, message, requestID string) string {
	switch contentType {
	case typeHTML:
		return "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Error</title>\n  </head>\n" +
			"  <body>\n    <h1>Error</h1>\n    <p>" + message + ".</p>\n    <p>request_id: " + requestID + "</p>\n  </body>\n</html>\n"
	case typeXML:
		return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>" + message + "</message>\n  <requestid>" + requestID + "</requestid>\n</error>\n"
	case typePlain:
		return message + "\nrequest_id: " + requestID + "\n"
	}
	return "{\n  \"message\":\"" + message + "\",\n  \"request_id\":\"" + requestID + "\"\n}"
}

// errorType picks the error body's type by an Accept header: the media type that is wanted
// most among those that Kong has, JSON for anything else.
func errorType(accept string) string {
	type wish struct {
		media string
		q     float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(accept, ",") {
		media, params, _ := strings.Cut(part, ";")
		w := wish{strings.ToLower(strings.TrimSpace(media)), 1}
		for p := range strings.SplitSeq(params, ";") {
			if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
				if q, err := strconv.ParseFloat(v, 64); err == nil {
					w.q = q
				}
			}
		}
		wishes = append(wishes, w)
	}
	sort.SliceStable(wishes, func(i, j int) bool { return wishes[i].q > wishes[j].q })
	for _, w := range wishes {
		switch w.media {
		case "application/json", "application/*", "*/*":
			return typeJSON
		case "text/html":
			return typeHTML
		case "application/xml":
			return typeXML
		case "text/plain", "text/*":
			return typePlain
		}
	}
	return typeJSON
}

// answer is a response that Kong makes itself, and not an upstream.
type answer struct {
	status  int
	headers fields // Content-Length is added
	body    string
	source  string // what kong.response.get_source says: "exit" or "error"
}

// kongError is kong.response.error: the body's type follows Accept.
func (ex *exchange) kongError(status int, message string) *answer {
	if ex.isGRPC() {
		return &answer{status: status, source: "exit", headers: fields{
			{"Content-Type", "application/grpc"}, {"Content-Length", "0"},
			{"grpc-status", strconv.Itoa(grpcStatus(status))}, {"grpc-message", grpcMessages[grpcStatus(status)]},
		}}
	}
	accept, _ := ex.req.headers.get("Accept")
	kind := errorType(accept)
	return &answer{status: status, source: "exit", headers: fields{{"Content-Type", kind}}, body: errorBody(kind, message, ex.id)}
}

// nginxError is an error that nginx meets while proxying or reading; Kong's error handler
// then writes the body. Without an Accept header it is plain text.
func (ex *exchange) nginxError(status int, message string) *answer {
	accept, ok := ex.req.headers.get("Accept")
	if !ok {
		if accept, ok = ex.req.headers.get("Content-Type"); !ok {
			accept = "text/plain"
		}
	}
	if ex.req.major == 2 && strings.HasPrefix(accept, "application/grpc") {
		return ex.kongError(status, message)
	}
	kind := errorType(accept)
	return &answer{status: status, source: "error", headers: fields{{"Content-Type", kind}}, body: errorBody(kind, message, ex.id)}
}

// thrown is what a Lua error in a plugin gives.
func (ex *exchange) thrown() *answer {
	body := fmt.Sprintf(`{"message":"%s","request_id":"%s"}`, msgUnexpected, ex.id)
	return &answer{status: 500, source: "exit", headers: fields{{"Content-Type", typeJSON}}, body: body}
}

// isGRPC reports whether Kong takes the request for a gRPC call.
func (ex *exchange) isGRPC() bool {
	kind, _ := ex.req.headers.get("Content-Type")
	return ex.req.major == 2 && strings.HasPrefix(kind, "application/grpc")
}

var grpcMessages = map[int]string{
	0: "OK", 1: "Canceled", 2: "Unknown", 3: "InvalidArgument", 4: "DeadlineExceeded", 5: "NotFound", 6: "AlreadyExists",
	7: "PermissionDenied", 8: "ResourceExhausted", 12: "Unimplemented", 13: "Internal", 14: "Unavailable", 16: "Unauthenticated",
}

// grpcStatus is Kong's mapping of HTTP statuses.
func grpcStatus(status int) int {
	known := map[int]int{200: 0, 400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4}
	if s, ok := known[status]; ok {
		return s
	}
	switch {
	case status >= 500:
		return 13
	case status >= 400:
		return 3
	case status >= 200 && status < 300:
		return 0
	}
	return 2
}
