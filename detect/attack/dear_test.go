package attack

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"kongwaf/detect"
)

// dear are the dearest shapes known: what the search of FuzzDear and people who read the
// source came up with. The work per byte is counted, so it is the same on every machine.
var dear = []struct {
	name  string
	build func() *detect.Request
	most  float64 // work for each byte sent
}{
	{name: "gzip of 8 MB of <", build: func() *detect.Request { return post("text/plain", zipped(strings.Repeat("<", 8<<20), 1)) }},
	{name: "the same in base64 in JSON", build: func() *detect.Request {
		return post(jsonType, `{"a":"`+base64.StdEncoding.EncodeToString([]byte(zipped(strings.Repeat("<", 8<<20), 1)))+`"}`)
	}},
	{name: "gzip three times deep", build: func() *detect.Request { return post("text/plain", zipped(strings.Repeat("<a", 4<<20), 3)) }},
	{name: "30 gzip parts of 1 MB in a multipart", build: func() *detect.Request {
		part := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.gz\"\r\n\r\n" + zipped(strings.Repeat("<", 1<<20), 1) + "\r\n"
		return post("multipart/form-data; boundary=x", strings.Repeat(part, 30)+"--x--\r\n")
	}},
	{name: "60 strings of base64 of gzip in JSON", build: func() *detect.Request {
		return post(jsonType, "["+strings.Repeat(`"`+base64.StdEncoding.EncodeToString([]byte(zipped(strings.Repeat("<a b='c' ", 1<<17), 1)))+`",`, 60)+"1]")
	}},
	{name: "union select, twice", build: func() *detect.Request {
		unions := strings.Repeat("union select\u3000(", 4000)
		return post(jsonType, `{"p":"`+unions+`","r":"`+unions+`"}`)
	}},
	{name: "XML entities", build: func() *detect.Request {
		return post(xmlType, "<!DOCTYPE a ["+strings.Repeat("<!ENTITY a \"b\">", 30000)+"]><a/>")
	}},
	full("text/plain", "<script<![CDATA["),
	full("text/plain", "\u200ba=b&a@b.c<!--\"a\","),
	full("text/plain", "<script"),
	full("text/plain", "％２７{{\n/bin/"),
	full("text/plain", "`${"),
	full(xmlType, "‹"),
	full("text/plain", "&;id`${a\n"),
	full("text/plain", "\\"),
	full(jsonType, "\\\\"),
	{name: "JSON strings with '", build: func() *detect.Request { return post(jsonType, "["+strings.Repeat(`"'a",`, 120000)+"1]") }},
}

// full is a body of 600 KB that is full of a piece.
func full(contentType, piece string) (row struct {
	name  string
	build func() *detect.Request
	most  float64
}) {
	row.name = contentType + " full of " + piece
	row.build = func() *detect.Request { return post(contentType, strings.Repeat(piece, 600_000/len(piece))) }
	return row
}

// zipped returns s, gzipped so many times.
func zipped(s string, times int) string {
	for range times {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		z.Write([]byte(s))
		z.Close()
		s = b.String()
	}
	return s
}

func TestDearShapes(t *testing.T) {
	for _, d := range dear {
		e, r := newEngine(t, Options{}), d.build()
		report, x := e.Explain(r)
		took := int64(1 << 60)
		for range 5 {
			e := newEngine(t, Options{})
			start := time.Now()
			e.Inspect(r)
			took = min(took, int64(time.Since(start)))
		}
		t.Logf("%-50q %8d sent %6.1f work/byte %5.1f %% %6.1f ms %5.2f ns/work %5.0f ms/MB blocked %v", d.name, x.Sent, float64(x.Spent)/float64(x.Sent), 100*x.Share,
			float64(took)/1e6, float64(took)/float64(x.Spent), float64(took)/1e6/float64(x.Sent)*1e6, report.Blocked)
	}
}
