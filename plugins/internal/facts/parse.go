package facts

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/detect"
	"kongwaf/plugins/internal/raw"
)

// splitRequestLine splits nginx's $request into its parts (RFC 9112 section 3). The target
// may hold any byte but a space. It may be in absolute form, of which the scheme and the
// host are cut off. A line without a version is HTTP/0.9's.
func splitRequestLine(line string) (method, target, proto string) {
	method, rest, _ := strings.Cut(line, " ")
	if i := strings.LastIndexByte(rest, ' '); i >= 0 && strings.HasPrefix(rest[i+1:], "HTTP/") {
		rest, proto = rest[:i], rest[i+1:]
	}
	return method, originForm(rest), proto
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
func parseHeaders(reply []byte) (headers []detect.Header, count int, ok bool) {
	// One copy of the whole reply; every name and value is a piece of it.
	text := string(reply)
	headers = make([]detect.Header, 0, 16)
	ok = eachBytes(text, 1, func(entry string) bool {
		name, value := "", ""
		whole := eachField(entry, func(field protowire.Number, payload string) {
			switch field {
			case 1:
				name = payload
			case 2:
				value = payload
			}
		})
		if !whole {
			return false
		}
		return eachField(value, func(field protowire.Number, payload string) {
			switch field {
			case 3: // string_value
				headers = append(headers, detect.Header{Name: name, Value: payload})
			case 6: // list_value
				eachBytes(payload, 1, func(item string) bool {
					return eachField(item, func(field protowire.Number, payload string) {
						if field == 3 {
							headers = append(headers, detect.Header{Name: name, Value: payload})
						}
					})
				})
			}
		})
	})
	return headers, len(headers), ok
}

// eachBytes calls visit for every occurrence of one length-delimited field.
func eachBytes(message string, field protowire.Number, visit func(payload string) bool) bool {
	ok := true
	whole := eachField(message, func(f protowire.Number, payload string) {
		if f == field && ok {
			ok = visit(payload)
		}
	})
	return whole && ok
}

// eachField is raw.Fields over a string, for length-delimited fields only: its payloads are
// pieces of the message and cost nothing.
func eachField(message string, visit func(field protowire.Number, payload string)) bool {
	for i := 0; i < len(message); {
		tag, n := varint(message[i:])
		if n == 0 {
			return false
		}
		i += n
		field, kind := protowire.Number(tag>>3), protowire.Type(tag&7)
		switch kind {
		case protowire.BytesType:
			size, n := varint(message[i:])
			if n == 0 || size > uint64(len(message)-i-n) {
				return false
			}
			i += n
			visit(field, message[i:i+int(size)])
			i += int(size)
		case protowire.VarintType:
			if _, n = varint(message[i:]); n == 0 {
				return false
			}
			i += n
		case protowire.Fixed32Type:
			i += 4
		case protowire.Fixed64Type:
			i += 8
		default:
			return false
		}
		if i > len(message) {
			return false
		}
	}
	return true
}

// varint reads a protobuf varint and returns its length, 0 if it is malformed.
func varint(s string) (value uint64, n int) {
	for i := 0; i < len(s) && i < 10; i++ {
		value |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}

// parseConsumer reads kong_plugin_protocol.Consumer; an empty message is nobody.
func parseConsumer(reply []byte) detect.Consumer {
	var c detect.Consumer
	raw.Fields(reply, func(field protowire.Number, payload []byte, number uint64) {
		switch field {
		case 1:
			c.ID = string(payload)
		case 2:
			c.CreatedAt = int64(number)
		case 3:
			c.Username = string(payload)
		case 4:
			c.CustomID = string(payload)
		case 5:
			c.Tags = append(c.Tags, string(payload))
		}
	})
	return c
}
