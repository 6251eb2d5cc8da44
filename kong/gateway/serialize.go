package gateway

import (
	"strconv"
	"strings"
)

// serialize is kong.log.serialize: what happened, for the log phase.
func (ex *exchange) serialize() map[string]any {
	req := ex.req
	url := "http://" + req.host + ":" + strconv.Itoa(int(req.local.Port())) + req.target
	method := req.method
	if ex.source == "error" && req.major == 2 {
		method = "GET" // of nginx's internal redirect to the error page
	}
	source := "kong"
	if ex.source == "service" {
		source = "upstream"
	}
	proxy := -1
	if ex.proxied {
		proxy = int(ex.upstreamTook.Milliseconds())
	}
	kong := ex.kongTook
	total := ex.g.opts.Now().Sub(ex.start)
	if !ex.proxied {
		kong = total
	}
	out := map[string]any{
		"client_ip": ex.client.String(), "source": source, "started_at": ex.start.UnixMilli(),
		"upstream_status": ex.upStatus, "upstream_uri": ex.upstreamTarget(),
		"workspace": workspaceID, "workspace_name": "default", "tries": []any{},
		"latencies": map[string]any{
			"kong": int(kong.Milliseconds()), "proxy": proxy, "receive": 0, "request": int(total.Milliseconds()),
		},
		"request": map[string]any{
			"id": ex.id, "method": method, "size": req.length + int(ex.gotBytes), "uri": req.target,
			"url": url, "headers": lowered(req.headers), "querystring": luaArguments(req.query),
		},
		"response": map[string]any{"status": ex.status, "size": ex.sentBytes, "headers": lowered(ex.sent)},
	}
	if s := ex.service(); s != nil {
		out["service"] = map[string]any{
			"id": s.ID, "name": s.Name, "host": s.Host, "port": s.Port, "protocol": s.Protocol, "retries": s.Retries,
			"connect_timeout": s.ConnectTimeout, "read_timeout": s.ReadTimeout, "write_timeout": s.WriteTimeout,
			"enabled": s.Enabled, "created_at": ex.g.created, "updated_at": ex.g.created, "ws_id": workspaceID,
		}
	}
	if ex.match != nil {
		out["route"] = ex.routeRecord()
	}
	if c := ex.consumer; c != nil {
		record := map[string]any{
			"id": c.id, "username": c.username, "custom_id": c.customID, "created_at": c.createdAt, "updated_at": c.createdAt,
		}
		if len(c.tags) > 0 {
			record["tags"] = c.tags
		}
		out["consumer"] = record
	}
	if c := ex.credential; c != nil {
		out["authenticated_entity"] = map[string]any{"id": c.id}
	}
	for k, v := range ex.serialized {
		out[k] = v
	}
	return out
}

func (ex *exchange) routeRecord() map[string]any {
	r := ex.match.route
	out := map[string]any{
		"id": r.ID, "name": r.Name, "protocols": r.Protocols, "strip_path": r.StripPath, "preserve_host": r.PreserveHost,
		"regex_priority": r.RegexPriority, "path_handling": r.PathHandling, "request_buffering": r.RequestBuffering,
		"response_buffering": r.ResponseBuffering, "https_redirect_status_code": r.HTTPSRedirectStatusCode,
		"created_at": ex.g.created, "updated_at": ex.g.created, "ws_id": workspaceID,
	}
	for name, list := range map[string][]string{"paths": r.Paths, "hosts": r.Hosts, "methods": r.Methods, "tags": r.Tags} {
		if len(list) > 0 {
			out[name] = list
		}
	}
	if r.Service != nil {
		out["service"] = map[string]any{"id": r.Service.ID}
	}
	return out
}

// lowered is a Lua table of the first 100 headers.
func lowered(in fields) map[string]any {
	if len(in) > defaultListed {
		in = in[:defaultListed]
	}
	out := map[string]any{}
	for _, h := range in {
		name := strings.ToLower(h.name)
		switch before := out[name].(type) {
		case nil:
			out[name] = h.value
		case string:
			out[name] = []any{before, h.value}
		case []any:
			out[name] = append(before, h.value)
		}
	}
	return out
}

func luaArguments(query string) map[string]any {
	out := map[string]any{}
	for _, a := range arguments(query, defaultListed) {
		switch before := out[a.name].(type) {
		case nil:
			out[a.name] = a.luaValue()
		case []any:
			out[a.name] = append(before, a.luaValue())
		default:
			out[a.name] = []any{before, a.luaValue()}
		}
	}
	return out
}
