package extract

import (
	"slices"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/work"
)

// FuzzWalk walks any request, with everything nested, and holds the walk to its budget:
// no panic, an end, no more bytes than allowed, bounded places, findings within range.
func FuzzWalk(f *testing.F) {
	seed := func(target, header, value, body string) { f.Add(target, header, value, []byte(body)) }
	seed("/a;b=c/d?e=f&g#h", "Cookie", `a="b; c"; d`, "")
	seed("//a?query={b(c:\"d\")}", "Authorization", "Basic YTpi", "a=b&_charset_=utf-16&c=%00d")
	seed("http://a/?a=%c0%ae", "Content-Type", "application/json", `{"query":"query Q {a(b:\"c\"){...F}} fragment F on T{...F}"}`)
	seed("*", "Content-Type", `multipart/form-data; boundary="b"`, "--b\nContent-Disposition: form-data; name=\"a\"; filename*=x'y'z\nContent-Transfer-Encoding: base64\n\nYQ==\n--b--")
	seed("/", "Content-Type", "multipart/mixed", "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--")
	seed("/", "Content-Type", "text/xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a b='c'>&amp;<![CDATA[d]]><!-- e --><f/></a>`)
	seed("/", "Content-Type", "application/grpc", frame(0, message("a", message("b\x00"))))
	seed("/", "Content-Type", "application/msgpack", "\x82\xa1a\x92\xa1b\xc0\xd9\x01c\x80")
	seed("/", "Content-Type", "application/cbor", "\xbf\x61a\x7f\x62xy\xff\xff")
	seed("/", "Content-Type", "text/plain; charset=utf-7", "+ADw-a+AD4-+-")
	seed("/", "Content-Encoding", "gzip, br", brotlied(gzipped("a=b")))
	seed("/", "Content-Encoding", "zstd", zstded("[1,\"a\"]"))
	seed("/", "Referer", "http://a/?u=data:;base64,ey8qKi99", "\xff\xfe{\x00}\x00")
	seed("/", "X", "eyJhIjoiYiJ9.eyJhIjoiYiJ9.c", "a: b\n- c\r\n")
	f.Fuzz(func(t *testing.T, target, name, value string, body []byte) {
		r := &detect.Request{
			Method: "POST", Target: target, Body: body,
			Headers: []detect.Header{{Name: name, Value: value}},
		}
		lim := Limits{MaxBody: 1 << 16, MaxDepth: 5, MaxNesting: 3}
		var meter work.Meter
		w := Walker{Work: &meter}
		var visit func(l *Leaf) bool
		visit = func(l *Leaf) bool {
			// What is written only when the place changes is what the walk has come to.
			if l.Source != w.source || l.File != w.file || l.start != w.pathStart || l.root != w.path[w.pathStart].name ||
				!slices.Equal(l.Steps, w.steps[w.stepStart:]) {
				t.Fatalf("leaf %+v is not of this place", l)
			}
			if p := l.Place(); len(p) == 0 || len(p) > maxPlace {
				t.Fatalf("place %q", p)
			}
			text := l.Text
			w.Nested(l, text, visit)
			if l.Text != text {
				t.Fatal("Nested changed its parent")
			}
			return true
		}
		for range 2 {
			meter.Begin(len(target)+len(name)+len(value)+len(body), nil)
			w.Walk(r, lim, visit)
			for _, found := range w.Anomalies() {
				if found.Confidence <= 0 || found.Confidence > 1 || found.Place == "" || len(found.Evidence) > 120 {
					t.Fatalf("finding %+v", found)
				}
			}
		}
	})
}

// FuzzReaders runs every reader on the same bytes, whatever they look like.
func FuzzReaders(f *testing.F) {
	for _, s := range []string{
		`{"a":[{"b":"c"},'d',e:1 or 1]/*x*/}`, "<a b=c>d<!--e--></a><f", "--b\n\n\n--b--", "{a(b:\"c\"){d}}",
		"\x0a\x03abc\x12\x02\x0a\x00", "\x82\xa1a\x92\xa1b\xc0", "\xbf\x61a\x7f\x61x\xff\xff", "a=b&c[]=d;e=f",
		"\x00\x00\x00\x00\x03\x0a\x01a", "eyJhIjoxfQ.eyJhIjoiYiJ9.", "- a: 'b'\n", "AAAAAAMKAWE=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for fm := formatForm; fm <= formatJWT; fm++ {
			var w Walker
			w.reset(Limits{MaxDepth: 4}, func(l *Leaf) bool { l.Place(); return true })
			w.at(detect.SourceBody, "body")
			depth := w.enter(named(""), fm)
			before := len(w.path)
			w.read(fm, text, "multipart/mixed; boundary=b", 0)
			if len(w.path) != before || len(w.steps) != 0 {
				t.Fatalf("format %d left %d segments and %d steps", fm, len(w.path)-before, len(w.steps))
			}
			w.leave(depth)
		}
		var w Walker
		w.reset(Limits{}, nil)
		for c := charsetUTF7; c <= charsetIBM1047; c++ {
			w.decodeCharset(text, c)
		}
		sniff(text)
		nestedFormat("query", text)
	})
}

// FuzzQuoted holds every byte of a string value to come out, in JSON, XML, multipart and
// GraphQL, whatever its bytes are.
func FuzzQuoted(f *testing.F) {
	f.Add("' or 1=1 --")
	f.Add("\x00\xff<>&\\\"\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		clean := strings.Map(func(r rune) rune {
			if r < ' ' || strings.ContainsRune("\"\\<>&", r) || r == 0xfffd {
				return -1
			}
			return r
		}, text)
		if strings.TrimSpace(clean) != clean || clean == "" {
			return
		}
		for _, r := range []*detect.Request{
			post("application/json", `{"a":["b",{"c":"`+clean+`"}]}`),
			post("application/json", `{"a":"`+clean), // never closed
			post("text/xml", "<a><b>"+clean+"</b></a>"),
			post("multipart/form-data; boundary=bbbbb", lines("--bbbbb", `Content-Disposition: form-data; name="x"`, "", clean, "--bbbbb--")),
			post("application/graphql", `{a(b:"`+clean+`")}`),
		} {
			found := false
			var w Walker
			w.Walk(r, Limits{}, func(l *Leaf) bool {
				found = found || l.Text == clean
				return true
			})
			if !found {
				got, _, _ := leaves(r, Limits{}, false)
				t.Fatalf("%q is missing in\n%s", clean, quoted(got))
			}
		}
	})
}
