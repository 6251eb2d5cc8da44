package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"kongwaf/detect"
	"kongwaf/plugins/internal/strictjson"
)

// body checks what the request carries.
func (c *check) body() {
	r, b := c.request, c.operation.body
	sent := len(r.Body) > 0 || r.BodyTruncated
	switch {
	case b == nil && sent:
		c.result.add("body", "no body is described")
		return
	case b == nil:
		return
	case !sent && b.required:
		c.result.add("body", "required, and missing")
		return
	case !sent || len(b.media) == 0:
		return
	}
	types := c.headers["Content-Type"]
	if len(types) > 1 {
		c.result.add("header.content-type", "sent %d times", len(types))
		return
	}
	declared := ""
	if len(types) == 1 {
		declared = types[0]
	}
	base, parameters, err := mime.ParseMediaType(declared)
	media := b.media.Get(base)
	if err != nil || media == nil {
		c.result.add("header.content-type", "the content type is not described")
		return
	}
	if coding, ok := r.Header("content-encoding"); ok && !strings.EqualFold(coding, "identity") {
		c.result.add("header.content-encoding", "a packed body cannot be checked")
		return
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		c.result.add("header.content-type", "a body in another charset than UTF-8 cannot be checked")
		return
	}
	if media.Schema == nil {
		return
	}
	switch {
	case r.BodyTruncated:
		c.result.Unchecked = "the body is longer than max_body_size, so it was not held against its schema"
	case isJSON(base):
		c.json(media)
	case base == "application/x-www-form-urlencoded" || base == "multipart/form-data":
		c.form(b, declared)
	default:
		c.result.Unchecked = "bodies of this content type are not held against a schema"
	}
}

// perValue is about how much memory a value of a body takes while it is judged, in bytes: what
// is read of it, and in 3.1 an error for each that is wrong.
const perValue = 320

// Memory returns how much memory Check may take for the request's body.
func Memory(r *detect.Request) int64 {
	values := separators(r.Body)
	for _, before := range []string{"&", "\n--"} {
		values += bytes.Count(r.Body, []byte(before))
	}
	return perValue * int64(min(values, strictjson.MaxValues))
}

// separators counts what a JSON text has no fewer of than values, but for one.
func separators(text []byte) (n int) {
	for _, before := range []string{",", "[", "{"} {
		n += bytes.Count(text, []byte(before))
	}
	return n
}

// isJSON reports whether a media type, or a range of them that may hold such a one, is JSON.
func isJSON(mediaType string) bool {
	base, _, _ := strings.Cut(mediaType, ";")
	base = strings.ToLower(strings.TrimSpace(base))
	return base == "application/json" || strings.HasSuffix(base, "+json") || strings.HasSuffix(base, "/*")
}

func (c *check) json(media *openapi3.MediaType) {
	s := c.operation.body.schemas[media]
	value, err := strictjson.Decode(string(c.request.Body))
	switch {
	case err != nil:
		c.result.add("body.json", "the body %s", err)
	case s == nil:
	case !s.affordable(value):
		c.result.add("body.json", "the body would cost more to check than its size allows")
	default:
		if v := s.judge(value); v != nil {
			c.result.add(bodyPlace("body.json", v.at), "%s", v.what)
		}
	}
}

// form has the library read a form, and checks what it makes of it.
func (c *check) form(b *body, declared string) {
	request := &http.Request{
		Method: c.request.Method, URL: &url.URL{}, Header: http.Header{"Content-Type": {declared}},
		Body: io.NopCloser(bytes.NewReader(c.request.Body)), ContentLength: int64(len(c.request.Body)),
	}
	root := "body.form"
	names := formNames(string(c.request.Body))
	if len(names) > strictjson.MaxValues {
		c.result.add("body.form", "the body holds more than %d fields", strictjson.MaxValues)
		return
	}
	if _, parameters, _ := mime.ParseMediaType(declared); parameters["boundary"] != "" {
		root = "body.multipart"
		var bad string
		var err error
		if names, bad, err = readParts(c.request.Body, parameters["boundary"]); err != nil {
			c.result.add(detect.Place(root+"."+short(bad)), "the part %s", err)
			return
		}
	}
	if name := twice(names, b.media.Get(declared)); name != "" {
		c.result.add(detect.Place(root+"."+short(name)), "sent more than once, and no list")
		return
	}
	in := c.input(request)
	if c.description.modern && modern(b.media.Get(declared).Schema.Value, 0) {
		in = c.asModern(in)
	}
	err := openapi3filter.ValidateRequestBody(context.Background(), in, b.whole)
	var bad *openapi3.SchemaError
	switch {
	case err == nil:
	case errors.As(err, &bad):
		v := schemaViolation(err)
		c.result.add(bodyPlace(root, v.at), "%s", v.what)
	default:
		c.result.add(detect.Place(root), "the body cannot be read as it is described")
	}
}

// formNames returns the names of a form's fields; none of one that cannot be read.
func formNames(form string) (names []string) {
	for part := range strings.SplitSeq(form, "&") {
		name, _, _ := strings.Cut(part, "=")
		if n, err := url.QueryUnescape(name); err == nil {
			names = append(names, n)
		}
	}
	return names
}

// readParts returns the names of a multipart body's fields. Parts in JSON, which the library reads
// as it does, must be read alike by everybody, as a body in JSON: bad is the name of one that is not.
func readParts(body []byte, boundary string) (names []string, bad string, err error) {
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	values := 0
	for {
		part, end := parts.NextRawPart()
		if end != nil {
			return names, "", nil
		}
		names = append(names, part.FormName())
		if !isJSON(part.Header.Get("Content-Type")) {
			continue
		}
		text, _ := io.ReadAll(part) // cut off it is no JSON
		if values += separators(text); values > strictjson.MaxValues {
			return names, part.FormName(), fmt.Errorf("holds, with those before it, more than %d values", strictjson.MaxValues)
		}
		if _, err := strictjson.Decode(string(text)); err != nil {
			return names, part.FormName(), err
		}
	}
}

// twice returns the first name that stands twice though it is no list.
func twice(names []string, media *openapi3.MediaType) string {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		var property *openapi3.SchemaRef
		if media.Schema.Value != nil {
			property = media.Schema.Value.Properties[name]
		}
		list := property != nil && property.Value != nil && property.Value.Type.Includes(openapi3.TypeArray)
		if seen[name] && !list && name != "" {
			return name
		}
		seen[name] = true
	}
	return ""
}

// bodyPlace writes the steps to a value as the engine writes places.
func bodyPlace(root string, steps []string) detect.Place {
	const most = 400
	var b strings.Builder
	b.WriteString(root)
	for _, s := range steps {
		if b.Len() > most {
			break
		}
		if _, err := strconv.Atoi(s); err == nil {
			b.WriteString("[" + s + "]")
		} else {
			b.WriteString("." + short(s))
		}
	}
	return detect.Place(b.String())
}
