package keyauth

import (
	"encoding/json"
	"mime"
	"slices"
	"strings"

	"kongwaf/plugins/internal/facts"
)

// field is one named value of a body.
type field struct {
	name, value string
	// text is the field as it stands in the body, with its name and without separators.
	text string
	// more says that the value counts as several: Kong takes an array for a duplicate key.
	more bool
	// shadowed says that a later field of the same name counts instead.
	shadowed bool
}

// fields are the fields of a body in order, and what stands around and between them.
type fields struct {
	list                   []field
	prefix, between, after string
}

func (b *fields) values(name string) []string {
	var values []string
	for _, f := range b.list {
		if f.name != name || f.shadowed {
			continue
		}
		values = append(values, f.value)
		if f.more {
			values = append(values, noValue)
		}
	}
	return values
}

// without returns the body less every field of the names; other fields keep their bytes.
func (b *fields) without(names ...string) []byte {
	var kept []string
	for _, f := range b.list {
		if !slices.Contains(names, f.name) {
			kept = append(kept, f.text)
		}
	}
	return []byte(b.prefix + strings.Join(kept, b.between) + b.after)
}

// bodyFields reads the fields of a body by its declared type, as Kong does. A body that is
// not what it says it is has none.
func bodyFields(f *facts.Facts) fields {
	if f.BodyErr != nil || f.Request.BodyTruncated {
		return fields{}
	}
	return fieldsOf(f.Header("content-type"), string(f.Request.Body))
}

func fieldsOf(contentType, body string) fields {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fields{}
	}
	switch {
	case mediaType == "application/x-www-form-urlencoded":
		return formFields(body)
	case mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"):
		return jsonFields(body)
	case mediaType == "multipart/form-data":
		return multipartFields(body, params["boundary"])
	}
	return fields{}
}

func formFields(body string) fields {
	form := fields{between: "&"}
	for pair := range strings.SplitSeq(body, "&") {
		key, value, ok := strings.Cut(pair, "=")
		f := field{name: unescape(key), value: noValue, text: pair}
		if ok {
			f.value = unescape(value)
		}
		form.list = append(form.list, f)
	}
	return form
}

// jsonFields reads the fields of a JSON object's top level. Of equal names the last counts,
// as in Kong's parser.
func jsonFields(body string) fields {
	if !json.Valid([]byte(body)) {
		return fields{}
	}
	dec := json.NewDecoder(strings.NewReader(body))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return fields{}
	}
	object := fields{prefix: "{", between: ",", after: "}"}
	last := map[string]int{}
	for dec.More() {
		start := int(dec.InputOffset())
		token, err := dec.Token()
		if err != nil {
			return fields{}
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fields{}
		}
		name, _ := token.(string)
		text := strings.TrimLeft(body[start:dec.InputOffset()], ", \t\r\n")
		f := field{name: name, value: noValue, text: text, more: value[0] == '{' || value[0] == '['}
		if value[0] == '"' {
			_ = json.Unmarshal(value, &f.value) // valid: the whole body is
		}
		if earlier, ok := last[name]; ok {
			object.list[earlier].shadowed = true
		}
		last[name] = len(object.list)
		object.list = append(object.list, f)
	}
	return object
}

// multipartFields reads the parts of a multipart/form-data body (RFC 7578).
func multipartFields(body, boundary string) fields {
	delimiter := "--" + boundary
	at := strings.Index(body, delimiter)
	if boundary == "" || at < 0 {
		return fields{}
	}
	form := fields{prefix: body[:at]}
	for {
		inside := at + len(delimiter)
		next := strings.Index(body[inside:], "\n"+delimiter)
		if next < 0 || strings.HasPrefix(body[inside:], "--") {
			form.after = body[at:]
			return form
		}
		end := inside + next + 1
		f := part(body[inside:end])
		f.text = body[at:end]
		form.list = append(form.list, f)
		at = end
	}
}

// part reads one part: the rest of the delimiter line, headers, a blank line, the value.
func part(text string) field {
	_, text, _ = strings.Cut(text, "\n")
	f := field{value: noValue}
	for {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return field{value: noValue}
		}
		text = rest
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(name), "Content-Disposition") {
			if _, params, err := mime.ParseMediaType(strings.TrimSpace(value)); err == nil {
				f.name = params["name"]
			}
		}
	}
	f.value = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	return f
}
