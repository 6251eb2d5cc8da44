package extract

import (
	"strings"

	"kongwaf/detect"
)

// declaredFormat returns the format that a content type names.
func declaredFormat(contentType string) format {
	t := mediaType(contentType)
	switch {
	case t == "":
		return formatNone
	case contains(t, "grpc-web-text"):
		return formatGRPCText
	case contains(t, "application/grpc"):
		return formatGRPC
	case contains(t, "urlencoded"):
		return formatForm
	case contains(t, "multipart/"):
		return formatMultipart
	case contains(t, "graphql") && !contains(t, "json"):
		return formatGraphQL
	case contains(t, "json+protobuf"), contains(t, "json"), contains(t, "csp-report"):
		return formatJSON
	case contains(t, "xml"), contains(t, "text/html"):
		return formatXML
	case contains(t, "protobuf"), contains(t, "application/proto"):
		return formatProtobuf
	case contains(t, "msgpack"), contains(t, "messagepack"):
		return formatMsgpack
	case contains(t, "cbor"):
		return formatCBOR
	case contains(t, "yaml"), contains(t, "x-yml"):
		return formatYAML
	case contains(t, "/jwt"):
		return formatJWT
	}
	return formatNone
}

// mediaType returns what stands before the parameters of a content type.
func mediaType(contentType string) string {
	const longest = 128
	t, _, _ := strings.Cut(contentType[:min(len(contentType), longest)], ";")
	return strings.Trim(t, " \t\"'")
}

// contains reports whether s contains the lower-case word, ignoring ASCII case.
func contains(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 == word[0]|0x20 && detect.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// mediaParam returns the first parameter of a content type or disposition with the given
// name, without quotes; "" if there is none.
func mediaParam(s, name string) string {
	_, rest, _ := strings.Cut(s, ";")
	for rest != "" {
		var n, v string
		n, v, rest = nextParam(rest)
		if detect.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// nextParam splits one parameter off a list "name=value; name="value""; quotes are removed,
// a quote escaped by a backslash does not end the value (RFC 9110 section 5.6.6).
func nextParam(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, " \t\r\n;")
	i := strings.IndexAny(s, "=;")
	if i < 0 {
		return strings.TrimSpace(s), "", ""
	}
	name = strings.TrimSpace(s[:i])
	if s[i] == ';' {
		return name, "", s[i+1:]
	}
	s = strings.TrimLeft(s[i+1:], " \t\r\n")
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		q := s[0]
		for j := 1; j < len(s); j++ {
			if s[j] == '\\' && j+1 < len(s) && s[j+1] == q {
				j++
			} else if s[j] == q {
				return name, s[1:j], s[j+1:]
			}
		}
		if q == '"' {
			return name, s[1:], "" // the quote is never closed
		}
	}
	value, rest, _ = strings.Cut(s, ";")
	return name, strings.TrimSpace(value), rest
}
