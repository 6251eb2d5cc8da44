package gateway

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

func pdkResponseHeader(ex *exchange, args []byte) ([]byte, error) { return headerReply(ex.sent, args) }

func pdkResponseHeaders(ex *exchange, args []byte) ([]byte, error) {
	bound, err := listBound(args, "max_headers")
	if err != nil {
		return nil, err
	}
	return headersReply(ex.sent, bound), nil
}

func pdkSetStatus(ex *exchange, args []byte) ([]byte, error) {
	n, err := intArg(args)
	if err == nil && (n < 100 || n > 599) {
		err = luaErrorf("code must be a number between 100 and 599")
	}
	// As in nginx, an upstream's status or an exit replaces it.
	return nil, err
}

func pdkResponseSetHeader(ex *exchange, args []byte) ([]byte, error) {
	e, err := headerArg(args)
	if err == nil {
		ex.setResponseHeader(e)
	}
	return nil, err
}

// headerArg reads a KV that names a header. Unlike in a list of headers, nothing for a
// value is an error.
func headerArg(args []byte) (headerEdit, error) {
	p, err := keyValueArg(args)
	if err != nil {
		return headerEdit{}, err
	}
	values, err := headerValues(p.key, p.value)
	return headerEdit{p.key, values}, err
}

// setResponseHeader is ngx.header[name] = values before the answer exists.
func (ex *exchange) setResponseHeader(e headerEdit) {
	if n := strings.ReplaceAll(strings.ToLower(e.name), "_", "-"); n == "transfer-encoding" {
		return // Kong ignores it and warns
	}
	for i := range ex.respHeaders {
		if strings.EqualFold(ex.respHeaders[i].name, e.name) {
			ex.respHeaders[i] = e
			return
		}
	}
	ex.respHeaders = append(ex.respHeaders, e)
}

func pdkResponseAddHeader(ex *exchange, args []byte) ([]byte, error) {
	e, err := headerArg(args)
	if err != nil {
		return nil, err
	}
	for i := range ex.respHeaders {
		if strings.EqualFold(ex.respHeaders[i].name, e.name) {
			ex.respHeaders[i].values = append(slices.Clone(ex.respHeaders[i].values), e.values...)
			return nil, nil
		}
	}
	ex.respHeaders = append(ex.respHeaders, e)
	return nil, nil
}

func pdkResponseClearHeader(ex *exchange, args []byte) ([]byte, error) {
	name, err := textArg(args)
	ex.respHeaders = slices.DeleteFunc(ex.respHeaders, func(e headerEdit) bool { return strings.EqualFold(e.name, name) })
	return nil, err
}

func pdkResponseSetHeaders(ex *exchange, args []byte) ([]byte, error) {
	pairs, err := structArg(args, 0)
	if err != nil {
		return nil, err
	}
	edits, err := headersOf(pairs)
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		ex.setResponseHeader(e)
	}
	return nil, nil
}

// errExit ends an event: kong.response.exit was called, Kong never answers it.
var errExit = fmt.Errorf("kong.response.exit was called")

func pdkExit(ex *exchange, args []byte) ([]byte, error) {
	a := &answer{source: "exit"}
	var pairs []pair
	err := eachField(args, func(num protowire.Number, n uint64, data []byte) (err error) {
		switch num {
		case 1:
			a.status = int(int32(n))
		case 2:
			a.body = string(data)
		case 3:
			pairs, err = structArg(data, 0)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.status < 100 || a.status > 599 {
		return nil, luaErrorf("code must be a number between 100 and 599")
	}
	edits, err := headersOf(pairs)
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		a.headers.set(e.name, e.values...)
	}
	ex.finishGRPC(a)
	ex.exit = a
	return nil, errExit
}

// finishGRPC adds what Kong adds to an exit that is a gRPC answer.
func (ex *exchange) finishGRPC(a *answer) {
	kind, given := a.headers.get("Content-Type")
	output := strings.HasPrefix(kind, "application/grpc")
	if !output && (given || !ex.isGRPC()) {
		return
	}
	if !a.headers.has("grpc-status") {
		status := grpcStatus(a.status)
		a.headers.add("grpc-status", strconv.Itoa(status))
		if !a.headers.has("grpc-message") && (output || a.body == "") {
			a.headers.add("grpc-message", grpcMessages[status])
		}
	}
	if !output && a.body != "" {
		a.headers.set("grpc-message", a.body)
		a.body = ""
	}
}

func pdkSetUpstream(ex *exchange, args []byte) ([]byte, error) {
	name, err := textArg(args)
	if err != nil {
		return nil, err
	}
	for _, u := range ex.g.opts.Config.Upstreams {
		if u.Name == name {
			ex.upTarget = name
			return appendBool(nil, 1, true), nil
		}
	}
	return nil, nil
}

func pdkSetTarget(ex *exchange, args []byte) ([]byte, error) {
	host, port := "", 0
	err := eachField(args, func(num protowire.Number, n uint64, data []byte) error {
		switch num {
		case 1:
			host = string(data)
		case 2:
			port = int(int32(n))
		}
		return nil
	})
	if err == nil && (port < 0 || port > 65535) {
		err = luaErrorf("port must be an integer between 0 and 65535: given %d", port)
	}
	ex.upTarget = net.JoinHostPort(host, strconv.Itoa(port))
	return nil, err
}

func pdkSetScheme(ex *exchange, args []byte) ([]byte, error) {
	s, err := textArg(args)
	if err == nil && s != "http" && s != "https" {
		err = luaErrorf("invalid scheme: %s", s)
	}
	if err == nil {
		ex.scheme = s
	}
	return nil, err
}

func pdkSetPath(ex *exchange, args []byte) ([]byte, error) {
	p, err := textArg(args)
	if err == nil && !strings.HasPrefix(p, "/") {
		err = luaErrorf("path must start with /")
	}
	if err == nil {
		ex.upPath = escape(p)
	}
	return nil, err
}

func pdkSetMethod(ex *exchange, args []byte) ([]byte, error) {
	m, err := textArg(args)
	if err != nil {
		return nil, err
	}
	switch m {
	case "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "MKCOL", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE":
		ex.req.method = m
		return nil, nil
	}
	return nil, luaErrorf("invalid method: %s", m)
}

// pdkSetQuery writes the arguments in the order of their names, as Kong does.
func pdkSetQuery(ex *exchange, args []byte) ([]byte, error) {
	pairs, err := structArg(args, 0)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range pairs {
		list, ok := p.value.([]any)
		if !ok {
			list = []any{p.value}
		}
		var parts []string
		for _, v := range list {
			switch v := v.(type) {
			case string:
				parts = append(parts, escapeArg(p.key)+"="+escapeArg(v))
			case float64:
				parts = append(parts, escapeArg(p.key)+"="+luaNumber(v))
			case bool:
				parts = append(parts, escapeArg(p.key))
			case nil:
			default:
				return nil, luaErrorf("attempt to use a table as query arg value")
			}
		}
		if len(parts) > 0 {
			out = append(out, strings.Join(parts, "&"))
		}
	}
	slices.Sort(out)
	ex.req.query = strings.Join(out, "&")
	ex.req.isQuery = ex.req.query != ""
	return nil, nil
}

func pdkSetHeader(ex *exchange, args []byte) ([]byte, error) {
	e, err := headerArg(args)
	if err == nil {
		ex.setRequestHeader(e)
	}
	return nil, err
}

func (ex *exchange) setRequestHeader(e headerEdit) {
	if strings.EqualFold(e.name, "host") && len(e.values) > 0 {
		ex.upHost = e.values[0]
	}
	ex.req.headers.set(e.name, e.values...)
}

func pdkAddHeader(ex *exchange, args []byte) ([]byte, error) {
	e, err := headerArg(args)
	if err != nil {
		return nil, err
	}
	e.values = append(ex.req.headers.values(e.name), e.values...)
	ex.setRequestHeader(e)
	return nil, nil
}

func pdkClearHeader(ex *exchange, args []byte) ([]byte, error) {
	name, err := textArg(args)
	ex.req.headers.del(name)
	return nil, err
}

func pdkSetHeaders(ex *exchange, args []byte) ([]byte, error) {
	pairs, err := structArg(args, 0)
	if err != nil {
		return nil, err
	}
	edits, err := headersOf(pairs)
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		ex.setRequestHeader(e)
	}
	return nil, nil
}
