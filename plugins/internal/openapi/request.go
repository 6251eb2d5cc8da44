package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"kongwaf/detect"
)

// Result is what a request has that the description does not allow.
type Result struct {
	Findings []detect.Finding
	// Unchecked is why the body was not held against its schema, "" if it was.
	Unchecked string
}

// maxFindings bounds what is said of one request.
const maxFindings = 16

func (r *Result) add(place detect.Place, format string, args ...any) {
	if len(r.Findings) < maxFindings {
		const most = 160
		evidence := strings.ToValidUTF8(fmt.Sprintf(format, args...), "?")
		if len(evidence) > most {
			evidence = strings.ToValidUTF8(evidence[:most], "") + "..."
		}
		r.Findings = append(r.Findings, detect.Finding{Class: detect.ClassSchema, Place: place, Evidence: evidence, Confidence: 1})
	}
}

// Check holds a request against the description. It keeps nothing of the request, whose body
// it is told of only where withBody is set.
func (d *Description) Check(r *detect.Request, withBody bool) (result Result) {
	path, query, _ := strings.Cut(r.Target, "?")
	segments, err := d.splitPath(path)
	if err != nil {
		result.add("path", "%s: servers may read this path in two ways", err)
		return result
	}
	plain := withoutEmpty(segments)
	route, values := d.match(plain)
	switch {
	case route == nil:
		if d.options.Unknown.Path {
			result.add("path", "the path is not described")
		}
		return result
	case len(plain) < len(segments):
		result.add("path", "an empty segment: servers may read this path in two ways")
		return result
	}
	o := route.operations[r.Method]
	if o == nil {
		if d.options.Unknown.Method && !preflight(r) {
			result.add("method", "%s is not described for %s, which has %s", short(r.Method), short(route.path), short(route.methods()))
		}
		return result
	}
	c := check{description: d, operation: o, request: r, result: &result, path: values}
	c.head(query)
	if withBody {
		c.body()
	}
	return result
}

// preflight reports whether a browser asks whether it may send a request of another origin.
func preflight(r *detect.Request) bool {
	_, origin := r.Header("origin")
	_, method := r.Header("access-control-request-method")
	return r.Method == http.MethodOptions && origin && method
}

// check is one request that is held against its operation.
type check struct {
	description *Description
	operation   *operation
	request     *detect.Request
	result      *Result
	path        map[string]string
	query       url.Values
	headers     http.Header
	cookies     map[string]int // how often each was sent
}

// head checks the parameters.
func (c *check) head(query string) {
	c.readQuery(query)
	c.readHeaders()
	for _, p := range c.operation.parameters {
		if place := placeOf(p); !c.twice(p, place) {
			c.parameter(p, place)
		}
	}
}

func placeOf(p *openapi3.Parameter) detect.Place {
	switch p.In {
	case openapi3.ParameterInPath:
		return "path"
	case openapi3.ParameterInHeader:
		return detect.Place("header." + strings.ToLower(p.Name))
	}
	return detect.Place(p.In + "." + p.Name)
}

// readQuery takes the query apart, as strictly as servers that differ do together.
func (c *check) readQuery(query string) {
	c.query = url.Values{}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil {
			c.result.add("query", "%s", errEscape)
			continue
		}
		c.query[n] = append(c.query[n], v)
	}
	o := c.operation
	if !c.description.options.Unknown.Query || o.free {
		return
	}
	for name := range c.query {
		if !o.query[name] && !hasPrefix(name, o.deep) {
			c.result.add(detect.Place("query."+short(name)), "the parameter is not described")
		}
	}
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// readHeaders keeps the headers that the description speaks of.
func (c *check) readHeaders() {
	o, unknown := c.operation, &c.description.options.Unknown
	c.headers = http.Header{}
	for _, h := range c.request.Headers {
		name := strings.ToLower(h.Name)
		switch {
		case name == "cookie" || name == "content-type" || o.header[name]:
			key := http.CanonicalHeaderKey(name)
			c.headers[key] = append(c.headers[key], h.Value)
		case unknown.Header && !usual(name):
			c.result.add(detect.Place("header."+short(name)), "the header is not described")
		}
	}
	if len(o.cookie) == 0 && !unknown.Cookie {
		return
	}
	c.cookies = map[string]int{}
	for _, line := range c.headers["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			c.cookies[name]++
			if unknown.Cookie && name != "" && !o.cookie[name] && c.cookies[name] == 1 {
				c.result.add(detect.Place("cookie."+short(name)), "the cookie is not described")
			}
		}
	}
}

// twice reports, and says, that a parameter was sent more than once though it is no list:
// servers take the first, the last, or all of them.
func (c *check) twice(p *openapi3.Parameter, place detect.Place) bool {
	n := 0
	switch p.In {
	case openapi3.ParameterInQuery:
		n = len(c.query[p.Name])
		list := p.Schema != nil && p.Schema.Value != nil && p.Schema.Value.Type.Includes(openapi3.TypeArray)
		if list && (p.Explode == nil || *p.Explode) && (p.Style == "" || p.Style == openapi3.SerializationForm) {
			return false
		}
	case openapi3.ParameterInHeader:
		n = len(c.headers[http.CanonicalHeaderKey(p.Name)])
	case openapi3.ParameterInCookie:
		n = c.cookies[p.Name]
	}
	if n < 2 {
		return false
	}
	c.result.add(place, "sent %d times, and no list", n)
	return true
}

// parameter checks one parameter.
func (c *check) parameter(p *openapi3.Parameter, place detect.Place) {
	in := c.input(nil)
	if c.operation.modern[p] {
		in = c.asModern(in)
	}
	err := openapi3filter.ValidateParameter(context.Background(), in, p)
	var e *openapi3filter.RequestError
	if err == nil || !errors.As(err, &e) {
		return
	}
	var bad *openapi3.SchemaError
	var parse *openapi3filter.ParseError
	switch {
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		c.result.add(place, "required, and missing")
	case errors.Is(e.Err, openapi3filter.ErrInvalidEmptyValue):
		c.result.add(place, "must not be empty")
	case errors.As(e.Err, &bad):
		c.result.add(place, "%s", schemaViolation(e.Err).what)
	case errors.As(e.Err, &parse):
		c.result.add(place, "%s", typeOf(p))
	default:
		c.result.add(place, "does not match its schema")
	}
}

// typeOf says of which type a parameter must be.
func typeOf(p *openapi3.Parameter) string {
	if p.Schema != nil && p.Schema.Value != nil && p.Schema.Value.Type != nil {
		return "must be of type " + strings.Join(*p.Schema.Value.Type, " or ")
	}
	return "cannot be read as it is described"
}

// input is the request as the library reads it.
func (c *check) input(body *http.Request) *openapi3filter.RequestValidationInput {
	if body == nil {
		body = &http.Request{Method: c.request.Method, URL: &url.URL{}, Header: c.headers}
	}
	return &openapi3filter.RequestValidationInput{
		Request: body, PathParams: c.path, QueryParams: c.query,
		Options: &openapi3filter.Options{SkipSettingDefaults: true, ExcludeReadOnlyValidations: true, SchemaValidationOptions: schemaOptions},
	}
}

// asModern is the request for the judge of 3.1.
func (c *check) asModern(in *openapi3filter.RequestValidationInput) *openapi3filter.RequestValidationInput {
	in.Route = &routers.Route{Spec: c.description.document}
	return in
}

// usual reports whether a header is one that clients, proxies and browsers send to every API.
func usual(name string) bool {
	return usualHeaders[name] || hasPrefix(name, usualPrefixes)
}

var usualPrefixes = []string{"sec-", "x-forwarded-", "x-b3-", "access-control-", "if-", "cf-", "x-amzn-", "x-azure-", "accept"}

var usualHeaders = func() map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(`host user-agent connection content-length content-type content-encoding transfer-encoding te trailer
		upgrade expect date via forwarded range referer origin cookie authorization cache-control pragma priority dnt keep-alive max-forwards
		proxy-authorization proxy-connection from purpose save-data upgrade-insecure-requests x-real-ip x-request-id x-correlation-id
		x-requested-with traceparent tracestate baggage apikey x-api-key true-client-ip cdn-loop`) {
		all[name] = true
	}
	return all
}()
