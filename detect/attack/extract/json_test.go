package extract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	js := func(body string) *shapeRequest { return post("application/json", body) }
	run(t, []shape{
		{
			name: "names, values, arrays",
			req:  js(`{"user":{"name":["a","b","1'--"],"x":{}}, "n":12.5e3, "t":true}`),
			want: []string{"body.json#user", "body.json.user#name", "body.json.user.name[0]=a", "body.json.user.name[2]=1'--"},
			not:  []string{"body.json.n=12.5e3", "body.json.t=true"},
		},
		{
			name: "escapes are undone and said",
			req:  js(`{"\u0061":"\u0027 or\n\"1\"=\ud83d\ude00"}`),
			want: []string{"body.json#a {json}", "body.json.a=' or\n\"1\"=\U0001f600 {json}"},
		},
		{
			name: "a string that goes on behind an escaped line break",
			req:  js("{\"a\":\"1'\\\n--\",\"b\":\"1'\\\r\n--\",\"c\":\"x\\\\\ny\"}"),
			want: []string{"body.json.a=1'-- {json}", "body.json.a=1'\n-- {json}", "body.json.b=1'-- {json}", "body.json.c=x\\\ny {json}"},
			not:  []string{"body.json.c=x\\y {json}"},
		},
		{
			name: "duplicate keys all come",
			req:  js(`{"id":"1","id":"1'--"}`),
			want: []string{"body.json.id=1", "body.json.id=1'--"},
		},
		{
			name: "a byte order mark",
			req:  js("\xef\xbb\xbf{\"id\":\"1'--\"}"),
			want: []string{"body.json.id=1'--"},
		},
		{
			name: "lines of JSON",
			req:  post("application/x-ndjson", "{\"a\":\"b\"}\n{\"a\":\"1'--\"}\n"),
			want: []string{"body.json.a=b", "body.json.a=1'--"},
			not:  []string{"body={\"a\":\"b\"}\n{\"a\":\"1'--\"}\n"},
		},
		{
			name: "trailing comma, comments, single quotes, no quotes",
			req:  js(`{'a':'1\'--', /* x */ b: "c", d: 1 or 1=1, "e":[1,],}`),
			want: []string{"body.json.a=1'-- {json}", "body.json.b=c", "body.json.d=1 or 1=1"},
		},
		{
			name: "no final bracket",
			req:  js(`{"a":{"b":"1'--"`),
			want: []string{"body.json.a.b=1'--", `body={"a":{"b":"1'--"`},
		},
		{
			name: "no final quote",
			req:  js(`{"a":"1'--`),
			want: []string{"body.json.a=1'--"},
		},
		{
			name: "harmless twin: clean JSON is not handed out as a whole",
			req:  js(`{"a":{"b":"c"}}`),
			not:  []string{`body={"a":{"b":"c"}}`},
		},
		{
			name: "guards against script inclusion",
			req:  js(")]}',\n{\"a\":\"1'--\"}"),
			want: []string{"body.json.a=1'--"},
		},
		{
			name: "JSONP",
			req:  js("cb_1({\"a\":\"1'--\"});"),
			want: []string{"body.json.a=1'--"},
		},
		{
			name: "undeclared",
			req:  post("", ` [{"a":"1'--"}]`),
			want: []string{"body.json[0].a=1'--"},
		},
		{
			name: "declared as a form",
			req:  post("application/x-www-form-urlencoded", `{"a":"b=1'--"}`),
			want: []string{"body.json.a=b=1'--"},
		},
		{
			name: "declared as text",
			req:  post("text/plain", `{"a":"1'--"}`),
			want: []string{"body.json.a=1'--"},
		},
		{
			name: "a form declared as JSON",
			req:  js(`a=1&b=2'--`),
			want: []string{"body.form.b=2'--"},
		},
		{
			name: "text declared as JSON",
			req:  js(`1'or'1'='1`),
			want: []string{"body=1'or'1'='1"},
		},
		{
			name: "a bare string",
			req:  js(`"1'--"`),
			want: []string{"body.json=1'--"},
		},
		{
			name: "UTF-16 without a mark",
			req:  js("{\x00\"\x00a\x00\"\x00:\x00\"\x00'\x00\"\x00}\x00"),
			want: []string{"body.json.a=' {utf-16}"},
		},
		{
			name: "UTF-16 with a mark, big endian",
			req:  post("", "\xfe\xff\x00[\x00\"\x00'\x00\"\x00]"),
			want: []string{"body.json[0]=' {utf-16}"},
		},
		{
			name: "UTF-32",
			req:  js("[\x00\x00\x00\"\x00\x00\x00'\x00\x00\x00\"\x00\x00\x00]\x00\x00\x00"),
			want: []string{"body.json[0]=' {utf-32}"},
		},
		{
			name: "GET with a body",
			req:  withMethod("GET", js(`{"a":"1'--"}`)),
			want: []string{"body.json.a=1'--"},
		},
		{
			name: "two content types: read as both",
			req:  post("application/json", `a=1'--`, "Content-Type: application/x-www-form-urlencoded"),
			want: []string{"body.form.a=1'--"},
		},
	})
}

func withMethod(method string, r *shapeRequest) *shapeRequest {
	r.Method = method
	return r
}

// Nesting beyond MaxDepth is reported, and its values still come.
func TestJSONTooDeep(t *testing.T) {
	body := strings.Repeat(`{"a":[`, 500) + `"1'--"` + strings.Repeat(`]}`, 500)
	got, truncated, _ := leaves(post("application/json", body), Limits{}, false)
	if !truncated || !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "=1'--") }) {
		t.Errorf("truncated %v, got %d leaves", truncated, len(got))
	}
	got, truncated, _ = leaves(post("application/json", `{"a":[{"b":"c"}]}`), Limits{}, false)
	if truncated || !slices.Contains(got, "body.json.a[0].b=c") {
		t.Errorf("harmless twin: truncated %v, got %q", truncated, got)
	}
}

// slowJSON lists names and strings of well-formed JSON by way of encoding/json.
func slowJSON(text []byte) (names, values []string, ok bool) {
	if !json.Valid(text) {
		return nil, nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	type level struct{ object, key bool }
	var stack []level
	done := func() {
		if n := len(stack); n > 0 {
			stack[n-1].key = stack[n-1].object
		}
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return names, values, true
		}
		if err != nil {
			return nil, nil, false
		}
		n := len(stack)
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{', '[':
				stack = append(stack, level{object: v == '{', key: v == '{'})
			default:
				stack = stack[:n-1]
				done()
			}
		case string:
			if n > 0 && stack[n-1].object && stack[n-1].key {
				names = append(names, v)
				stack[n-1].key = false
			} else {
				values = append(values, v)
				done()
			}
		default:
			done()
		}
	}
}

// FuzzJSON holds the tolerant reader to encoding/json on well-formed input.
func FuzzJSON(f *testing.F) {
	f.Add(`{"a":["b",{"c":"\u0027\ud83d"},1,null,true],"":""}`) // all kinds, a lone surrogate
	f.Add(`["a" , "b"]`)                                        // white space
	f.Add(`"\\"`)                                               // an escaped backslash at the end
	f.Add("[1e5,-0.1,\"\x7f\"]")
	f.Add(`{"query":"{a}","a":{"b":{"c":{}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		names, values, ok := slowJSON([]byte(text))
		if !ok || strings.Count(text, "[")+strings.Count(text, "{") > 60 || strings.Contains(text, "query") {
			return
		}
		var w Walker
		w.reset(Limits{}, nil)
		w.at(0, "json")
		var gotNames, gotValues []string
		w.visit = func(l *Leaf) bool {
			if l.IsName {
				gotNames = append(gotNames, l.Text)
			} else {
				gotValues = append(gotValues, l.Text)
			}
			return true
		}
		if !w.json(text) {
			t.Fatalf("%q is well-formed", text)
		}
		// Texts that are not valid UTF-8 are mended by encoding/json, not by us.
		values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
		if fmt.Sprint(mended(gotValues)) != fmt.Sprint(values) {
			t.Errorf("values of %q: got %q, want %q", text, gotValues, values)
		}
		for _, n := range names {
			if n != "" && !slices.Contains(mended(gotNames), n) {
				t.Errorf("names of %q: missing %q", text, n)
			}
		}
	})
}

func mended(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string([]rune(s))
	}
	return out
}
