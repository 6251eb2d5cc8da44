package extract

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/swar"
)

func TestProtocol(t *testing.T) {
	with := func(headers ...string) *shapeRequest { return get("/", headers...) }
	cut := get("/")
	cut.HeadersTruncated = true
	for _, row := range []struct {
		name     string
		req      *shapeRequest
		min, max float64 // of the most confident finding
	}{
		{name: "harmless: a browser's request", req: with("Host: a.example", "Content-Length: 5", "Content-Type: text/plain", "Cookie: a=\"b\"")},
		{name: "headers that could not be read", req: cut, min: 0.7, max: 1},
		{name: "two lengths", req: with("Content-Length: 5", "Content-Length: 6"), min: 0.7, max: 1},
		{name: "harmless twin: the same length twice", req: with("Content-Length: 5", "Content-Length: 5")},
		{name: "a length that is no number", req: with("Content-Length: +5"), min: 0.7, max: 1},
		{name: "length and chunks", req: with("Content-Length: 5", "Transfer-Encoding: chunked"), min: 0.7, max: 1},
		{name: "harmless twin: chunks", req: with("Transfer-Encoding: gzip, chunked")},
		{name: "chunks in disguise", req: with("Transfer-Encoding: xchunked"), min: 0.7, max: 1},
		{name: "chunks behind a vertical tab", req: with("Transfer-Encoding: \vchunked"), min: 0.7, max: 1},
		{name: "two lines of codings", req: with("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), min: 0.7, max: 1},
		{name: "chunked twice", req: with("Transfer-Encoding: chunked", "Transfer-Encoding: chunked, chunked"), min: 0.7, max: 1},
		{name: "two hosts", req: with("Host: a", "Host: b"), min: 0.7, max: 1},
		{name: "two content types", req: with("Content-Type: a/b", "Content-Type: c/d"), min: 0.4, max: 0.69},
		{name: "a line break in a value", req: with("X: a\r\nSet-Cookie: b"), min: 0.7, max: 1},
		{name: "a NUL in a value", req: with("X: a\x00b"), min: 0.7, max: 1},
		{name: "a folded header", req: with("X: a\r\n b"), min: 0.4, max: 0.69},
		{name: "harmless twin: a tab", req: with("X: a\tb")},
		{name: "a header name with a blank", req: with("Transfer-Encoding : chunked"), min: 0.7, max: 1},
		{name: "harmless twin: HTTP/2's pseudo headers", req: with(":authority: a")},
		{name: "a method with a blank", req: &shapeRequest{Method: "GET /x HTTP/1.1\r\nX:", Target: "/"}, min: 0.7, max: 1},
		{name: "harmless twin: WebDAV", req: &shapeRequest{Method: "VERSION-CONTROL", Target: "/"}},
		{name: "overlong dots and slashes", req: get("/%c0%ae%c0%ae%c0%afetc"), min: 0.4, max: 0.69},
		{name: "overlong, three bytes", req: get("/%e0%80%af"), min: 0.4, max: 0.69},
		{name: "overlong, raw", req: get("/\xc0\xaf"), min: 0.4, max: 0.69},
		{name: "harmless twin: UTF-8", req: get("/%C3%A9%E2%82%AC%e0%a4%85?q=%F0%9F%98%80")},
		{name: "harmless twin: Korean in EUC-KR", req: get("/?q=%c0%af%b1%b8%c7%d1"), max: 0.39},
		{name: "percent signs en masse", req: get("/?q=%zz%zz%zz%zz%zz%zz%zz%zz"), min: 0.4, max: 0.69},
		{name: "harmless twin: a discount", req: get("/?q=50%+off+and+100%")},
		{name: "harmless twin: %u escapes", req: get("/?q=%u0041%u0042%u0043%u0044%u0045%u0046%u0047%u0048")},
		{name: "text declared as JSON", req: post("application/json", "1' or"), min: 0.1, max: 0.39},
		{name: "harmless twin: JSON declared as text", req: post("text/plain", "[1]")},
		{name: "a control byte in the target", req: get("/a\x01"), min: 0.4, max: 0.69},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, found := leaves(row.req, Limits{}, false)
			most := 0.0
			for _, f := range found {
				most = max(most, f.Confidence)
				if f.Class != detect.ClassProtocol || f.Evidence == "" || f.Place == "" {
					t.Errorf("odd finding %+v", f)
				}
			}
			if most < row.min || most > row.max {
				t.Errorf("confidence %v, want %v to %v: %v", most, row.min, row.max, found)
			}
		})
	}
}

// The findings of one walk are gone in the next.
func TestAnomaliesAreOfTheLastWalk(t *testing.T) {
	var w Walker
	all := func(*Leaf) bool { return true }
	w.Walk(get("/", "Host: a", "Host: b"), Limits{}, all)
	if len(w.Anomalies()) != 1 {
		t.Fatalf("found %v", w.Anomalies())
	}
	w.Walk(get("/", "Host: a"), Limits{}, all)
	if len(w.Anomalies()) != 0 {
		t.Errorf("found %v", w.Anomalies())
	}
}

// The scan of eight bytes at a time finds what the scan byte by byte finds.
func FuzzTargetOdd(f *testing.F) {
	f.Add("abcdefg%")
	f.Add("\x80\x00\x7f\x1f 01234")
	f.Add("~\x7f$%&\xff\x80 %")
	f.Add("0123456789abcde\n")
	f.Add("01234567\r9abcdefgh")
	f.Fuzz(func(t *testing.T, s string) {
		for i := 0; i+8 <= len(s); i++ {
			even := 0
			for even < 8 && !targetOdd[s[i+even]] {
				even++
			}
			if got := targetOddIn(swar.Load(s, i)); got != even {
				t.Fatalf("%d before the first in %q, want %d", got, s[i:i+8], even)
			}
		}
		if lineByteIn(s) != lineByteSlow(s) {
			t.Fatalf("line bytes of %q", s)
		}
		if most := 2 + len(s)/50; looksText(s) != (controlsIn(s) <= most) {
			t.Fatalf("controls of %q", s)
		}
	})
}
