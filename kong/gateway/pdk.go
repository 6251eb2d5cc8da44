package gateway

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// pdkCall answers one PDK method: its argument message in, its reply message out. An error
// is a *luaError, unless the request itself broke off.
type pdkCall func(ex *exchange, args []byte) ([]byte, error)

// notFoundError is a method that Kong does not have. Kong's text matters: it looks for
// "no plugin instance" in it.
type notFoundError struct{ method string }

func (e *notFoundError) Error() string { return fmt.Sprintf("method %q not found", e.method) }

// pdk answers a call in the phase that the exchange is in.
func (ex *exchange) pdk(method string, args []byte) ([]byte, error) {
	call, ok := pdkMethods[method]
	if !ok {
		return nil, &notFoundError{method}
	}
	if !slices.Contains(phasesOf(method), ex.phase) {
		return nil, luaErrorf("function %q cannot be called in %s phase", method, ex.phase)
	}
	return call(ex, args)
}

// phasesOf lists the phases in which a method works. In the log phase there is no request
// any more, only what Kong saved of it.
func phasesOf(method string) []string {
	switch method {
	case "kong.request.get_headers", "kong.request.get_header", "kong.request.get_uri_captures":
		return []string{"access", "response", "log"}
	case "kong.client.get_ip", "kong.client.get_forwarded_ip", "kong.client.get_port", "kong.client.get_forwarded_port",
		"kong.client.get_protocol", "kong.nginx.get_var", "kong.nginx.get_tls1_version_str":
		return []string{"access", "response"}
	case "kong.client.authenticate", "kong.service.set_upstream", "kong.service.set_target":
		return []string{"access"}
	case "kong.response.get_status", "kong.response.get_header", "kong.response.get_headers", "kong.response.get_source":
		return []string{"response", "log"}
	case "kong.log.serialize":
		return []string{"log"}
	}
	switch {
	case strings.HasPrefix(method, "kong.service.request."):
		return []string{"access"}
	case strings.HasPrefix(method, "kong.service.response."):
		return []string{"response"}
	case strings.HasPrefix(method, "kong.request."), strings.HasPrefix(method, "kong.response."):
		return []string{"access", "response"}
	}
	return []string{"access", "response", "log"}
}

// pdkMethods is every method of Kong's plugin protocol.
var pdkMethods = map[string]pdkCall{
	"kong.client.get_ip": func(ex *exchange, _ []byte) ([]byte, error) {
		return textMessage(ex.req.peer.Addr().String()), nil
	},
	"kong.client.get_forwarded_ip": func(ex *exchange, _ []byte) ([]byte, error) {
		return textMessage(ex.client.String()), nil
	},
	"kong.client.get_port": func(ex *exchange, _ []byte) ([]byte, error) {
		return intMessage(int(ex.req.peer.Port())), nil
	},
	"kong.client.get_forwarded_port": func(ex *exchange, _ []byte) ([]byte, error) {
		return intMessage(int(ex.realPort)), nil
	},
	"kong.client.get_protocol":   pdkGetProtocol,
	"kong.client.get_credential": pdkGetCredential,
	"kong.client.get_consumer": func(ex *exchange, _ []byte) ([]byte, error) {
		return ex.consumer.message(), nil
	},
	"kong.client.load_consumer": pdkLoadConsumer,
	"kong.client.authenticate":  pdkAuthenticate,

	"kong.ctx.shared.set": func(ex *exchange, args []byte) ([]byte, error) { return nil, store(ex.shared, args) },
	"kong.ctx.shared.get": func(ex *exchange, args []byte) ([]byte, error) { return fetch(ex.shared, args) },
	"kong.nginx.set_ctx":  func(ex *exchange, args []byte) ([]byte, error) { return nil, store(ex.ctx, args) },
	"kong.nginx.get_ctx":  func(ex *exchange, args []byte) ([]byte, error) { return fetch(ex.ctx, args) },

	"kong.ip.is_trusted": func(ex *exchange, args []byte) ([]byte, error) {
		s, err := textArg(args)
		if err != nil {
			return nil, err
		}
		a, err := netip.ParseAddr(s)
		return appendBool(nil, 1, err == nil && ex.g.isTrusted(a)), nil
	},

	"kong.log.alert":               pdkLog(slog.LevelError),
	"kong.log.crit":                pdkLog(slog.LevelError),
	"kong.log.err":                 pdkLog(slog.LevelError),
	"kong.log.warn":                pdkLog(slog.LevelWarn),
	"kong.log.notice":              pdkLog(slog.LevelInfo),
	"kong.log.info":                pdkLog(slog.LevelInfo),
	"kong.log.debug":               pdkLog(slog.LevelDebug),
	"kong.log.set_serialize_value": pdkSetSerializeValue,
	"kong.log.serialize": func(ex *exchange, _ []byte) ([]byte, error) {
		return textMessage(luaJSON(ex.serialize())), nil
	},

	"kong.nginx.get_var": func(ex *exchange, args []byte) ([]byte, error) {
		name, err := textArg(args)
		if err != nil {
			return nil, err
		}
		if v, ok := ex.variable(name); ok {
			return textMessage(v), nil
		}
		return nil, nil
	},
	"kong.nginx.get_tls1_version_str": func(*exchange, []byte) ([]byte, error) { return nil, nil },
	"kong.nginx.get_subsystem":        func(*exchange, []byte) ([]byte, error) { return textMessage("http"), nil },
	"kong.nginx.req_start_time": func(ex *exchange, _ []byte) ([]byte, error) {
		return appendDouble(nil, 1, float64(ex.start.UnixMilli())/1000), nil
	},
	"kong.node.get_id":           func(ex *exchange, _ []byte) ([]byte, error) { return textMessage(ex.g.nodeID), nil },
	"kong.node.get_memory_stats": func(*exchange, []byte) ([]byte, error) { return nil, nil },

	"kong.request.get_scheme": func(*exchange, []byte) ([]byte, error) { return textMessage("http"), nil },
	"kong.request.get_host":   func(ex *exchange, _ []byte) ([]byte, error) { return textMessage(ex.req.host), nil },
	"kong.request.get_port": func(ex *exchange, _ []byte) ([]byte, error) {
		return intMessage(int(ex.req.local.Port())), nil
	},
	"kong.request.get_forwarded_scheme": pdkForwardedScheme,
	"kong.request.get_forwarded_host":   pdkForwardedHost,
	"kong.request.get_forwarded_port":   pdkForwardedPort,
	"kong.request.get_http_version": func(ex *exchange, _ []byte) ([]byte, error) {
		return appendDouble(nil, 1, ex.req.version()), nil
	},
	"kong.request.get_method": func(ex *exchange, _ []byte) ([]byte, error) { return textMessage(ex.req.method), nil },
	"kong.request.get_path": func(ex *exchange, _ []byte) ([]byte, error) {
		return textMessage(normalize(ex.req.path())), nil
	},
	"kong.request.get_path_with_query": func(ex *exchange, _ []byte) ([]byte, error) {
		return textMessage(ex.req.target), nil
	},
	"kong.request.get_raw_query":    func(ex *exchange, _ []byte) ([]byte, error) { return textMessage(ex.req.query), nil },
	"kong.request.get_query_arg":    pdkQueryArg,
	"kong.request.get_query":        pdkQuery,
	"kong.request.get_header":       pdkRequestHeader,
	"kong.request.get_headers":      pdkRequestHeaders,
	"kong.request.get_raw_body":     pdkRawBody,
	"kong.request.get_uri_captures": pdkCaptures,

	"kong.router.get_route":   pdkRoute,
	"kong.router.get_service": pdkService,

	"kong.response.get_status":   func(ex *exchange, _ []byte) ([]byte, error) { return intMessage(ex.status), nil },
	"kong.response.get_header":   pdkResponseHeader,
	"kong.response.get_headers":  pdkResponseHeaders,
	"kong.response.get_source":   func(ex *exchange, _ []byte) ([]byte, error) { return textMessage(ex.source), nil },
	"kong.response.set_status":   pdkSetStatus,
	"kong.response.set_header":   pdkResponseSetHeader,
	"kong.response.add_header":   pdkResponseAddHeader,
	"kong.response.clear_header": pdkResponseClearHeader,
	"kong.response.set_headers":  pdkResponseSetHeaders,
	"kong.response.exit":         pdkExit,

	"kong.service.set_upstream":         pdkSetUpstream,
	"kong.service.set_target":           pdkSetTarget,
	"kong.service.request.set_scheme":   pdkSetScheme,
	"kong.service.request.set_path":     pdkSetPath,
	"kong.service.request.set_method":   pdkSetMethod,
	"kong.service.request.set_query":    pdkSetQuery,
	"kong.service.request.set_header":   pdkSetHeader,
	"kong.service.request.add_header":   pdkAddHeader,
	"kong.service.request.clear_header": pdkClearHeader,
	"kong.service.request.set_headers":  pdkSetHeaders,
	"kong.service.request.set_raw_query": func(ex *exchange, args []byte) ([]byte, error) {
		q, err := textArg(args)
		ex.req.query, ex.req.isQuery = q, q != ""
		return nil, err
	},
	"kong.service.request.set_raw_body": func(ex *exchange, args []byte) ([]byte, error) {
		content, err := textArg(args)
		if err != nil {
			return nil, err
		}
		if err := ex.req.body.replace([]byte(content)); err != nil {
			return nil, &bodyError{err}
		}
		return nil, nil
	},
	"kong.service.response.get_status":  func(ex *exchange, _ []byte) ([]byte, error) { return intMessage(ex.status), nil },
	"kong.service.response.get_header":  pdkResponseHeader,
	"kong.service.response.get_headers": pdkResponseHeaders,
	"kong.service.response.get_raw_body": func(ex *exchange, _ []byte) ([]byte, error) {
		return textMessage(string(ex.upstreamBody)), nil
	},
}

func store(in map[string]any, args []byte) error {
	p, err := keyValueArg(args)
	if err == nil {
		in[p.key] = p.value
	}
	return err
}

func fetch(from map[string]any, args []byte) ([]byte, error) {
	key, err := textArg(args)
	return appendValue(nil, from[key]), err
}

func pdkLog(level slog.Level) pdkCall {
	return func(ex *exchange, args []byte) ([]byte, error) {
		list, err := listArg(args, 0)
		if err != nil {
			return nil, err
		}
		var text strings.Builder
		for _, v := range list {
			switch v := v.(type) {
			case float64:
				text.WriteString(luaNumber(v))
			case nil:
				text.WriteString("nil")
			default:
				fmt.Fprint(&text, v)
			}
		}
		ex.g.log.Log(ex.g.ctx, level, text.String(), "plugin", ex.running, "request_id", ex.id)
		return nil, nil
	}
}

func pdkSetSerializeValue(ex *exchange, args []byte) ([]byte, error) {
	if ex.serialized == nil {
		ex.serialized = map[string]any{}
	}
	return nil, store(ex.serialized, args)
}

func pdkGetProtocol(ex *exchange, args []byte) ([]byte, error) {
	allowTerminated, err := intArg(args)
	if err != nil {
		return nil, err
	}
	if p := ex.match.route.Protocols; len(p) == 1 {
		return textMessage(p[0]), nil
	}
	if allowTerminated != 0 && ex.trusted {
		if v, _ := ex.req.headers.get("X-Forwarded-Proto"); strings.EqualFold(v, "https") {
			return textMessage("https"), nil
		}
	}
	return textMessage("http"), nil
}

func pdkGetCredential(ex *exchange, _ []byte) ([]byte, error) {
	if ex.credential == nil {
		return nil, nil
	}
	return appendText(textMessage(ex.credential.id), 2, ex.credential.consumerID), nil
}

// message encodes the consumer; nil is the empty message.
func (c *consumer) message() []byte {
	if c == nil {
		return nil
	}
	b := textMessage(c.id)
	b = appendInt(b, 2, c.createdAt)
	b = appendText(b, 3, c.username)
	b = appendText(b, 4, c.customID)
	for _, t := range c.tags {
		b = appendBytes(b, 5, t)
	}
	return b
}

func pdkLoadConsumer(ex *exchange, args []byte) ([]byte, error) {
	id, byUsername := "", false
	err := eachField(args, func(num protowire.Number, n uint64, data []byte) error {
		switch num {
		case 1:
			id = string(data)
		case 2:
			byUsername = n != 0
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !isUUID(id) && !byUsername {
		return nil, luaErrorf("cannot load a consumer with an id that is not a uuid")
	}
	for _, c := range ex.g.opts.Config.Consumers {
		if c.ID == id || byUsername && c.Username != "" && c.Username == id {
			found := consumer{id: c.ID, username: c.Username, customID: c.CustomID, tags: c.Tags, createdAt: ex.g.created}
			return found.message(), nil
		}
	}
	return nil, nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && hexDigit(s[i]) > 15 {
			return false
		}
	}
	return true
}

func pdkAuthenticate(ex *exchange, args []byte) ([]byte, error) {
	var c *consumer
	var cred *struct{ id, consumerID string }
	err := eachField(args, func(num protowire.Number, _ uint64, data []byte) error {
		switch num {
		case 1:
			c = &consumer{}
			return eachField(data, func(num protowire.Number, n uint64, data []byte) error {
				switch num {
				case 1:
					c.id = string(data)
				case 2:
					c.createdAt = int64(n)
				case 3:
					c.username = string(data)
				case 4:
					c.customID = string(data)
				case 5:
					c.tags = append(c.tags, string(data))
				}
				return nil
			})
		case 2:
			cred = &struct{ id, consumerID string }{}
			return eachField(data, func(num protowire.Number, _ uint64, data []byte) error {
				switch num {
				case 1:
					cred.id = string(data)
				case 2:
					cred.consumerID = string(data)
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if c == nil && cred == nil {
		return nil, luaErrorf("either credential or consumer must be provided")
	}
	ex.consumer, ex.credential = c, cred
	return nil, nil
}
