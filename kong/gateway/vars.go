package gateway

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kongwaf/kong/gateway/rawhead"
)

// variable is nginx's variable name, "" and false if it is unknown or not set.
func (ex *exchange) variable(name string) (string, bool) {
	req := ex.req
	port := func(p uint16) (string, bool) { return strconv.Itoa(int(p)), p != 0 }
	switch name {
	case "request":
		return req.line, true
	case "request_method":
		return req.method, true
	case "request_uri":
		return req.target, true
	case "uri", "document_uri":
		return decodeAll(normalize(req.path())), true
	case "args", "query_string":
		return req.query, req.query != ""
	case "is_args":
		if req.query != "" {
			return "?", true
		}
		return "", false
	case "request_id":
		if ex.nginxID == "" {
			ex.nginxID = randomID()
		}
		return ex.nginxID, true
	case "kong_request_id":
		return ex.id, true
	case "remote_addr":
		return ex.client.String(), true
	case "remote_port":
		return port(ex.realPort)
	case "realip_remote_addr":
		return req.peer.Addr().String(), true
	case "realip_remote_port":
		return port(req.peer.Port())
	case "server_addr":
		return req.local.Addr().String(), true
	case "server_port":
		return port(req.local.Port())
	case "server_protocol":
		if req.major == 2 {
			return "HTTP/2.0", true
		}
		return "HTTP/1." + strconv.Itoa(req.minor), true
	case "scheme":
		return "http", true
	case "host":
		return req.host, true
	case "content_type":
		return ex.variable("http_content_type")
	case "content_length":
		n := req.body.length()
		return strconv.FormatInt(n, 10), n >= 0
	case "request_length":
		n := int64(req.length)
		if req.body.loaded {
			n += req.body.received()
		}
		return strconv.FormatInt(n, 10), true
	case "request_time":
		return strconv.FormatFloat(ex.g.opts.Now().Sub(ex.start).Seconds(), 'f', 3, 64), true
	case "msec":
		return strconv.FormatFloat(float64(ex.g.opts.Now().UnixMilli())/1000, 'f', 3, 64), true
	case "time_iso8601":
		return ex.g.opts.Now().Format(time.RFC3339), true
	case "pid":
		return strconv.Itoa(os.Getpid()), true
	case "hostname":
		h, err := os.Hostname()
		return h, err == nil
	case "upstream_uri":
		return ex.upstreamTarget(), true
	case "upstream_scheme":
		return ex.scheme, ex.scheme != ""
	case "upstream_host":
		return ex.upHost, ex.upHost != ""
	case "upstream_x_forwarded_for":
		return ex.forwardedFor(), true
	case "upstream_x_forwarded_proto":
		return ex.forwarded.proto, true
	case "upstream_x_forwarded_host":
		return ex.forwarded.host, true
	case "upstream_x_forwarded_port":
		return ex.forwarded.port, true
	case "upstream_x_forwarded_path":
		return ex.forwarded.path, true
	case "upstream_x_forwarded_prefix":
		return ex.forwarded.prefix, ex.forwarded.prefix != ""
	}
	return ex.prefixVariable(name)
}

// prefixVariable handles http_NAME, arg_NAME, cookie_NAME and the variables that the
// options define.
func (ex *exchange) prefixVariable(name string) (string, bool) {
	if h, ok := strings.CutPrefix(name, "http_"); ok {
		return ex.headerVariable(h)
	}
	if a, ok := strings.CutPrefix(name, "arg_"); ok {
		for part := range strings.SplitSeq(ex.req.query, "&") {
			if n, v, has := strings.Cut(part, "="); has && strings.EqualFold(n, a) {
				return v, true
			}
		}
		return "", false
	}
	if c, ok := strings.CutPrefix(name, "cookie_"); ok {
		for _, line := range ex.req.headers.values("Cookie") {
			for part := range strings.SplitSeq(line, ";") {
				if n, v, has := strings.Cut(strings.TrimSpace(part), "="); has && strings.EqualFold(n, c) {
					return v, true
				}
			}
		}
		return "", false
	}
	if template, ok := ex.g.opts.Variables[name]; ok {
		return dollar.ReplaceAllStringFunc(template, func(s string) string {
			v, _ := ex.variable(strings.Trim(s, "${}"))
			return v
		}), true
	}
	if name == headVariable && !ex.g.opts.NoHead {
		return ex.headVariable()
	}
	return "", false
}

// headVariable is the variable that the line nginx_proxy_set_by_lua in kong/conf/kong.conf
// fills: the request's id, the addresses, and the request's head.
const headVariable = "kong_waf"

// headVariable returns that variable as a recorded Kong filled it: in HTTP/2 with the
// request line instead of the head, and with nothing for a request that has a body.
func (ex *exchange) headVariable() (string, bool) {
	head := ex.req.line
	switch {
	case ex.req.head != nil:
		head = rawhead.Show(ex.req.head)
	case ex.req.body.src != nil && ex.req.body.declared != 0:
		return "", false
	}
	return strings.Join([]string{ex.id, ex.client.String(), ex.req.peer.Addr().String(), head}, " "), true
}

var dollar = regexp.MustCompile(`\$\{?[a-z0-9_]+\}?`)

// headerVariable is $http_NAME: dashes are underscores. nginx joins the lines of a repeated
// header with ", ", cookies with "; ".
func (ex *exchange) headerVariable(name string) (string, bool) {
	var values []string
	for _, h := range ex.req.headers {
		if len(h.name) == len(name) && strings.EqualFold(strings.ReplaceAll(h.name, "-", "_"), name) {
			values = append(values, h.value)
		}
	}
	if len(values) == 0 {
		return "", false
	}
	if strings.EqualFold(name, "cookie") {
		return strings.Join(values, "; "), true
	}
	return strings.Join(values, ", "), true
}

// forwardedFor is the X-Forwarded-For that the upstream gets: the peer's address is put
// behind what the client sent.
func (ex *exchange) forwardedFor() string {
	if v, ok := ex.headerVariable("x_forwarded_for"); ok {
		return v + ", " + ex.req.peer.Addr().String()
	}
	return ex.client.String()
}
