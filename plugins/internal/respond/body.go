package respond

import (
	"encoding/json"
	"html"
	"iter"
	"regexp"
	"strconv"
	"strings"
)

// The content types of Kong's error bodies.
const (
	typeJSON  = "application/json; charset=utf-8"
	typeHTML  = "text/html; charset=utf-8"
	typeXML   = "application/xml; charset=utf-8"
	typePlain = "text/plain; charset=utf-8"
)

// errorBody renders a message as Kong's own errors of a content type are rendered: JSON for
// one that Kong has no body for.
func errorBody(as, message, requestID string) (body []byte, contentType string) {
	contentType = as
	var b strings.Builder
	switch contentType {
	case typeHTML:
		b.WriteString("<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Error</title>\n  </head>\n  <body>\n    <h1>Error</h1>\n    <p>")
		b.WriteString(html.EscapeString(message))
		b.WriteString(".</p>\n    <p>request_id: ")
		b.WriteString(html.EscapeString(requestID))
		b.WriteString("</p>\n  </body>\n</html>\n")
	case typeXML:
		b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>")
		b.WriteString(html.EscapeString(message))
		b.WriteString("</message>\n  <requestid>")
		b.WriteString(html.EscapeString(requestID))
		b.WriteString("</requestid>\n</error>\n")
	case typePlain:
		b.WriteString(message)
		b.WriteString("\nrequest_id: ")
		b.WriteString(requestID)
		b.WriteString("\n")
	default:
		contentType = typeJSON
		b.WriteString("{\n  \"message\":")
		b.WriteString(jsonString(message))
		b.WriteString(",\n  \"request_id\":")
		b.WriteString(jsonString(requestID))
		b.WriteString("\n}")
	}
	return []byte(b.String()), contentType
}

// jsonString quotes s for JSON, leaving <, > and & as they are, as Kong does.
func jsonString(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// mediaRange reads one element of an Accept header (RFC 9110 section 12.5.1) as Kong does:
// a media range, and its quality.
var mediaRange = regexp.MustCompile(`(?i)((?:[a-z0-9][a-z0-9\-!#$&^_+.]+|\*)/(?:[a-z0-9][a-z0-9\-!#$&^_+.]+|\*))(?:\s*;\s*q=(1(?:\.0{0,3}|)|0(?:\.\d{0,3}|))|\s*;\s*[a-z0-9][a-z0-9\-!#$&^_+.]+(?:=[^;]*|))*`)

// maxAccept is how much of an Accept header is read, in bytes.
const maxAccept = 4096

// preferred returns the content type of the error body for an Accept header: what typeOf
// makes of the element with the highest quality, the first of equals.
func preferred(accept string, typeOf func(mediaType string) string) string {
	best, contentType := 0.0, typeJSON
	for mediaType, quality := range accepted(accept) {
		if quality > best {
			best, contentType = quality, typeOf(mediaType)
		}
	}
	return contentType
}

// quality returns the quality with which an Accept header names a media type itself, 0 if it
// does not.
func quality(accept, want string) float64 {
	for mediaType, quality := range accepted(accept) {
		if strings.EqualFold(mediaType, want) {
			return quality
		}
	}
	return 0
}

// accepted reads the elements of an Accept header: media ranges with their quality.
func accepted(accept string) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		accept = accept[:min(len(accept), maxAccept)]
		if accept == "" || accept == "*/*" {
			return
		}
		for element := range strings.SplitSeq(accept, ",") {
			m := mediaRange.FindStringSubmatch(strings.TrimSpace(element))
			if m == nil {
				continue
			}
			quality := 1.0
			if m[2] != "" {
				quality, _ = strconv.ParseFloat(m[2], 64)
			}
			if !yield(m[1], quality) {
				return
			}
		}
	}
}

func errorType(mediaType string) string {
	switch strings.ToLower(mediaType) {
	case "text/html":
		return typeHTML
	case "application/xml":
		return typeXML
	case "text/plain", "text/*":
		return typePlain
	}
	return typeJSON
}
