package suggest

import (
	"encoding/json"
	"net/url"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

// carry returns a small request that has a text at a place, ok false for places that it cannot
// make. The text is as an application would write it; encodings are carry's.
func carry(method, path, place, text string) (r *detect.Request, ok bool) {
	if method == "" {
		method = "GET"
	}
	if path == "" || path[0] != '/' {
		path = "/"
	}
	r = &detect.Request{Method: method, Target: path, Proto: "HTTP/1.1", Headers: []detect.Header{{Name: "host", Value: "app.example.com"}}}
	source, name, _ := strings.Cut(place, ".")
	switch {
	case source == "path" || strings.HasPrefix(source, "path["):
		r.Target = "/" + url.PathEscape(text)
	case name == "":
		return nil, false
	case source == "query":
		r.Target = path + "?" + url.QueryEscape(plainName(name)) + "=" + url.QueryEscape(text)
	case source == "header":
		r.Headers = append(r.Headers, detect.Header{Name: name, Value: text})
	case source == "cookie":
		r.Headers = append(r.Headers, detect.Header{Name: "cookie", Value: name + "=" + url.QueryEscape(text)})
	case strings.HasPrefix(name, "json"):
		body, ok := nest(name[len("json"):], text)
		if !ok {
			return nil, false
		}
		setBody(r, "application/json", body)
	case strings.HasPrefix(name, "form."):
		setBody(r, "application/x-www-form-urlencoded", url.QueryEscape(plainName(name[len("form."):]))+"="+url.QueryEscape(text))
	case strings.HasPrefix(name, "multipart."):
		const boundary = "kong-waf-suggest"
		setBody(r, "multipart/form-data; boundary="+boundary, "--"+boundary+"\r\nContent-Disposition: form-data; name=\""+
			plainName(name[len("multipart."):])+"\"\r\n\r\n"+text+"\r\n--"+boundary+"--\r\n")
	default:
		return nil, false
	}
	return r, true
}

// plainName returns a parameter's name: a star stands for a position.
func plainName(name string) string { return strings.ReplaceAll(name, "[*]", "[0]") }

func setBody(r *detect.Request, contentType, body string) {
	if r.Method == "GET" || r.Method == "HEAD" {
		r.Method = "POST"
	}
	r.Headers = append(r.Headers, detect.Header{Name: "content-type", Value: contentType})
	r.Body = []byte(body)
}

// nest returns a JSON text that has a string behind steps such as ".a.b[2].c".
func nest(steps, text string) (string, bool) {
	const deepest = 32
	var open, closing []string
	for steps != "" {
		if len(open) == deepest {
			return "", false
		}
		if steps[0] == '[' {
			end := strings.IndexByte(steps, ']')
			if end < 0 {
				return "", false
			}
			open, closing, steps = append(open, "["), append(closing, "]"), steps[end+1:]
			continue
		}
		if steps[0] != '.' {
			return "", false
		}
		name := steps[1:]
		steps = ""
		if i := strings.IndexAny(name, ".["); i >= 0 {
			name, steps = name[:i], name[i:]
		}
		key, err := json.Marshal(name)
		if err != nil {
			return "", false
		}
		open, closing = append(open, "{"+string(key)+":"), append(closing, "}")
	}
	if len(open) == 0 {
		return "", false
	}
	value, err := json.Marshal(text)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	for _, o := range open {
		b.WriteString(o)
	}
	b.Write(value)
	for i := len(closing) - 1; i >= 0; i-- {
		b.WriteString(closing[i])
	}
	return b.String(), true
}

// replays returns requests that carry what a sample shows at its place: first as it was sent, as
// far as the event tells, then by the evidence alone. If whole, the first is the whole value.
func (x *sample) replays() (list []*detect.Request, whole bool) {
	if r := x.resent(); r != nil {
		list = append(list, r)
		whole = x.whole()
	}
	if text := strings.TrimSuffix(x.evidence, "..."); text != "" && text != masked {
		if r, ok := carry(x.method, x.path, x.place, text); ok {
			list = append(list, r)
		}
	}
	return list, whole
}

const (
	masked = "(masked)"
	// An event shows so many bytes of what was sent, and so many on each side of the evidence in
	// a body.
	rawBytes, rawAround = 240, 60
)

// whole reports whether the raw piece is all of the value.
func (x *sample) whole() bool {
	if !strings.HasPrefix(x.place, "body") {
		return len(x.raw) < rawBytes
	}
	at := strings.Index(x.raw, x.evidence)
	return at >= 0 && at < rawAround && len(x.raw)-at-len(x.evidence) < rawAround
}

// resent returns the request that has the raw piece where it was, nil if it cannot be made.
func (x *sample) resent() *detect.Request {
	if x.raw == "" {
		return nil
	}
	source, name, _ := strings.Cut(x.place, ".")
	text := x.raw
	switch {
	case strings.HasPrefix(source, "path"):
		return &detect.Request{Method: "GET", Target: x.raw, Proto: "HTTP/1.1"}
	case source == "query":
		r, _ := carry(x.method, x.path, "query.x", "")
		r.Target = strings.TrimSuffix(r.Target, "x=") + x.raw
		return r
	case source == "cookie":
		r, _ := carry(x.method, x.path, "cookie.x", "")
		r.Headers[len(r.Headers)-1].Value = x.raw
		return r
	case strings.HasPrefix(name, "json"):
		// A piece of a string in JSON, with its escapes.
		if json.Unmarshal([]byte(`"`+x.raw+`"`), &text) != nil {
			text = x.raw
		}
	case strings.HasPrefix(name, "form."):
		if _, value, ok := strings.Cut(x.raw, "="); ok {
			if plain, err := url.QueryUnescape(value); err == nil {
				text = plain
			}
		}
	}
	r, ok := carry(x.method, x.path, x.place, text)
	if !ok {
		return nil
	}
	return r
}

// lab asks the engine.
type lab struct{ plain *attack.Engine }

func newLab() *lab { return &lab{plain: mustEngine(attack.Options{})} }

// mustEngine returns an engine of options that this package made from what has been validated.
func mustEngine(o attack.Options) *attack.Engine {
	e, err := attack.New(o)
	if err != nil {
		panic(err)
	}
	return e
}

// shows reports whether an engine finds the class at a place of a request.
func shows(e *attack.Engine, r *detect.Request, at Spot) bool {
	report := e.Inspect(r)
	for i := range report.Attacks {
		if report.Attacks[i].Class == at.Class && sameOrBelow(string(report.Attacks[i].Place), at.Place) {
			return true
		}
	}
	return false
}

// sameOrBelow reports whether a place is one that was recorded, whatever its positions.
func sameOrBelow(place, recorded string) bool {
	place = anyPosition(strings.ReplaceAll(place, "[*]", "[0]"))
	return strings.EqualFold(place, anyPosition(strings.ReplaceAll(recorded, "[*]", "[0]")))
}

// silences reports whether with the expectations of an engine a sample no longer shows its
// attack; known is false if the sample's piece does not show it to begin with, as where it is
// masked, or too much of it was cut off.
func (l *lab) silences(with *attack.Engine, x *sample, class detect.Class) (silent, known bool) {
	at := Spot{Class: class, Place: anyPosition(x.place)}
	list, whole := x.replays()
	for _, r := range list {
		if !shows(l.plain, r, at) {
			continue
		}
		known, silent = true, !shows(with, r, at)
		if silent || whole {
			break
		}
	}
	return silent, known
}
