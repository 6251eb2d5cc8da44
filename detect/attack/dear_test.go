package attack

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"kongwaf/detect"
)

// dearShape is a request that costs much for its size.
type dearShape struct {
	name  string
	build func() *detect.Request
	most  float64 // bytes read for each byte sent
	spent bool    // its budget does not suffice: it is refused
}

// dear are the dearest shapes known: what TestSearchDear and people who read the source came up
// with. Work is counted, so the figures are the same on every machine.
var dear = []dearShape{
	// Unpacked texts.
	full("text/plain", "<script<![CDATA[", 100, false),
	full("text/plain", "\u200ba=b&a@b.c<!--\"a\",", 80, false),
	full("text/plain", "<script", 90, false),
	full("text/plain", "％２７{{\n/bin/", 60, false),
	full("text/plain", "`${", 100, false),
	full("text/plain", "&;id`${a\n", 60, false),
	full("text/plain", "\\", 40, false),
	full("text/plain", "Rvjavascript:\\'", 150, false),
	full("text/plain", "~<script>1\\!=\n", 80, false),
	full("text/plain", "${aphp9o\\", 60, false),
	full(xmlType, "‹", 40, false),
	full(jsonType, "\\\\", 60, false),
	full(formType, "a=b&$#\\'", 400, false),
	full(formType, "fromm=='\"<>(){}[];|&$`../\\%27 or and select --", 400, true),
	full(formType, "+ADw-\u3000=/text()O:8:\"a\":aZ3$~kQ;|9`W(e{R}<o>P'$\"V,.n/M\x02+-*^%!Tt?:_#", 400, true),
	{name: "UNION SELECT, four thousand times, twice", most: 60, build: func() *detect.Request {
		unions := strings.Repeat("union select\u3000(", 4000)
		return post(jsonType, `{"p":"`+unions+`","r":"`+unions+`"}`)
	}},
	{name: "30,000 entities in XML", most: 150, build: func() *detect.Request {
		return post(xmlType, "<!DOCTYPE a ["+strings.Repeat("<!ENTITY a \"b\">", 30000)+"]><a/>")
	}},
	{name: "JSON strings with a quote", most: 40, build: func() *detect.Request { return post(jsonType, "["+strings.Repeat(`"'a",`, 120000)+"1]") }},
	// Packed ones: what they unpack to is bounded by the size of what was sent, too.
	{name: "gzip of 8 MB of <", spent: true, most: 600, build: func() *detect.Request { return post("text/plain", zipped(filled("<", 8<<20, 80<<10), 1)) }},
	{name: "the same in base64 in JSON", spent: true, most: 600, build: func() *detect.Request {
		return post(jsonType, `{"a":"`+base64.StdEncoding.EncodeToString([]byte(zipped(filled("<", 8<<20, 80<<10), 1)))+`"}`)
	}},
	{name: "gzip three times deep", spent: true, most: 600, build: func() *detect.Request { return post("text/plain", zipped(filled("<a", 4<<20, 80<<10), 3)) }},
	{name: "30 gzip parts of 1 MB in a multipart", spent: true, most: 500, build: func() *detect.Request {
		part := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.gz\"\r\n\r\n" + zipped(filled("<", 1<<20, 12<<10), 1) + "\r\n"
		return post("multipart/form-data; boundary=x", strings.Repeat(part, 30)+"--x--\r\n")
	}},
	{name: "60 strings of base64 of gzip in JSON", spent: true, most: 500, build: func() *detect.Request {
		return post(jsonType, "["+strings.Repeat(`"`+base64.StdEncoding.EncodeToString([]byte(zipped(filled("<a b='c' ", 1<<20, 12<<10), 1)))+`",`, 60)+"1]")
	}},
}

// full is a body of 600 KB that is full of a piece.
func full(contentType, piece string, most float64, spent bool) dearShape {
	return dearShape{name: contentType + " full of " + piece, most: most, spent: spent, build: func() *detect.Request {
		return post(contentType, strings.Repeat(piece, 600_000/len(piece)))
	}}
}

// filled returns n bytes of a piece, with noise in it that no compression makes smaller.
func filled(piece string, n, noise int) string {
	h := uint32(2166136261)
	random := make([]byte, noise)
	for i := range random {
		h = (h ^ uint32(i)) * 16777619
		random[i] = byte(h >> 13)
	}
	return strings.Repeat(piece, n/len(piece)) + string(random)
}

// zipped returns s, gzipped so many times.
func zipped(s string, times int) string {
	for range times {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
		z.Write([]byte(s))
		z.Close()
		s = b.String()
	}
	return s
}

// TestDearestShapes holds what the dearest shapes cost: less than the row says, or else their
// budget and a refusal.
func TestDearestShapes(t *testing.T) {
	for _, d := range dear {
		t.Run(d.name, func(t *testing.T) {
			report, x := newEngine(t, Options{}).Explain(d.build())
			perByte := float64(x.Spent) / float64(x.Sent)
			t.Logf("%d bytes sent, %.1f read for each, %.0f %% of the budget", x.Sent, perByte, 100*x.Share)
			if perByte > d.most {
				t.Errorf("%.1f bytes read a byte, want %.0f at most", perByte, d.most)
			}
			if spent := errors.Is(report.Failure, ErrSpent); spent != d.spent || spent && !report.Blocked {
				t.Errorf("spent %v, blocked %v; want spent %v", spent, report.Blocked, d.spent)
			}
		})
	}
}

// BenchmarkDearestShapes prints what they take, for each byte sent and for each that was counted.
func BenchmarkDearestShapes(b *testing.B) {
	for _, d := range dear {
		b.Run(d.name, func(b *testing.B) {
			e, r := newEngine(b, Options{}), d.build()
			_, x := e.Explain(r)
			b.SetBytes(int64(x.Sent))
			for b.Loop() {
				e.Inspect(r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(x.Sent), "ns/byte")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(x.Spent), "ns/counted")
		})
	}
}

// TestWorkTellsTheTime holds that what is counted is what it costs: no shape takes many times
// longer for each counted byte than a plain pass does, or else something loops uncounted.
// Whatever else the machine does only adds time, so the best of a few runs counts.
func TestWorkTellsTheTime(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	const most = 24.0 // steps for each counted byte; most shapes take one to three
	for _, d := range dear {
		r, best, spent := d.build(), time.Hour, 0
		for range 12 {
			e, unit := newEngine(t, Options{}), step()
			start := time.Now()
			_, x := e.Explain(r)
			best, spent = min(best, time.Since(start)), x.Spent
			if steps := float64(best) * 1024 / float64(unit) / float64(spent); steps <= most {
				best = 0
				break
			}
		}
		if best > 0 {
			t.Errorf("%s: %v for %d counted bytes: something is not counted", d.name, best, spent)
		}
	}
}

// step returns the time of 1024 steps of a loop that no processor does in less than a few cycles
// each: what times are compared with, since the machines that tests run on differ.
func step() time.Duration {
	const steps = 1 << 18
	best := time.Hour
	for range 3 {
		start, h := time.Now(), uint32(2166136261)
		for i := range uint32(steps) {
			h = (h ^ i) * 16777619
		}
		if d := time.Since(start); h != 0 {
			best = min(best, d)
		}
	}
	return best * 1024 / steps
}
