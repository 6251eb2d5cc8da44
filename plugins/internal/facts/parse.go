package facts

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/detect"
	"kongwaf/plugins/internal/raw"
)

// splitRequestLine splits nginx's $request into its parts (RFC 9112 section 3), between which
// nginx takes several blanks for one. The target may be in absolute form, of which the scheme
// and the host are cut off. A line without a version is HTTP/0.9's.
func splitRequestLine(line string) (method, target, proto string) {
	method, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimRight(rest, " ")
	if i := strings.LastIndexByte(rest, ' '); i >= 0 && strings.HasPrefix(rest[i+1:], "HTTP/") {
		rest, proto = rest[:i], rest[i+1:]
	}
	return method, originForm(strings.Trim(rest, " ")), proto
}

// originForm cuts scheme and authority off a target in absolute form.
func originForm(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		if rest[i] == '/' {
			return rest[i:]
		}
		return "/" + rest[i:]
	}
	return "/"
}

// parseHeaders reads the google.protobuf.Struct that get_headers answers: name to string,
// or to a list of strings where a header was sent more than once. It also returns the
// number of names, by which Kong's own cap counts at most.
func parseHeaders(reply string) (headers []detect.Header, count int, ok bool) {
	headers = make([]detect.Header, 0, 16)
	ok = true
	whole := raw.Fields(reply, func(field protowire.Number, entry string, _ uint64) {
		if field == 1 && ok {
			headers, ok = parseHeader(headers, entry)
		}
	})
	return headers, len(headers), whole && ok
}

// parseHeader appends one header, once for each of its values.
func parseHeader(headers []detect.Header, entry string) ([]detect.Header, bool) {
	name, value := "", ""
	if !raw.Fields(entry, func(field protowire.Number, payload string, _ uint64) {
		switch field {
		case 1:
			name = payload
		case 2:
			value = payload
		}
	}) {
		return headers, false
	}
	ok := true
	whole := raw.Fields(value, func(field protowire.Number, payload string, _ uint64) {
		switch field {
		case 3: // string_value
			headers = append(headers, detect.Header{Name: name, Value: payload})
		case 6: // list_value
			ok = raw.Fields(payload, func(field protowire.Number, item string, _ uint64) {
				if field == 1 {
					ok = raw.Fields(item, func(field protowire.Number, payload string, _ uint64) {
						if field == 3 {
							headers = append(headers, detect.Header{Name: name, Value: payload})
						}
					}) && ok
				}
			}) && ok
		}
	})
	return headers, whole && ok
}

// parseConsumer reads kong_plugin_protocol.Consumer; an empty message is nobody.
func parseConsumer(reply string) detect.Consumer {
	var c detect.Consumer
	raw.Fields(reply, func(field protowire.Number, payload string, number uint64) {
		switch field {
		case 1:
			c.ID = payload
		case 2:
			c.CreatedAt = int64(number)
		case 3:
			c.Username = payload
		case 4:
			c.CustomID = payload
		case 5:
			c.Tags = append(c.Tags, payload)
		}
	})
	return c
}
