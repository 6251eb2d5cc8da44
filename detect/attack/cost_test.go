package attack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kongwaf/detect"
)

// shape builds a request of about n bytes that is full of a piece.
type shape struct {
	name  string
	build func(piece string, n int) *detect.Request
}

// parts returns how many parts of the given size n bytes make, and the text of one.
func parts(piece string, size, n int) (count int, text string) {
	text = strings.Repeat(piece, max(1, size/len(piece)))
	return max(1, n/len(text)), text
}

func inJSON(size int) func(string, int) *detect.Request {
	return func(piece string, n int) *detect.Request {
		count, text := parts(piece, size, n)
		quoted, _ := json.Marshal(text)
		return post(jsonType, "["+strings.Repeat(string(quoted)+",", count)+"1]")
	}
}

func inForm(size int) func(string, int) *detect.Request {
	return func(piece string, n int) *detect.Request {
		count, text := parts(piece, size, n)
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, "p%d=%s&", i, url.QueryEscape(text))
		}
		return post(formType, b.String())
	}
}

// shapes are where a hostile text can stand: as one body, in values of JSON and of a form,
// many small and some large, in names, the query, cookies and headers.
var shapes = []shape{
	{name: "body", build: func(piece string, n int) *detect.Request {
		return post("text/plain", strings.Repeat(piece, n/len(piece)))
	}},
	{name: "JSON values of 4 KB", build: inJSON(4 << 10)},
	{name: "JSON values of 40 bytes", build: inJSON(40)},
	{name: "JSON names", build: func(piece string, n int) *detect.Request {
		count, text := parts(piece, 40, n)
		var b strings.Builder
		b.WriteByte('{')
		for i := range count {
			quoted, _ := json.Marshal(fmt.Sprint(text, i))
			fmt.Fprintf(&b, "%s:1,", quoted)
		}
		return post(jsonType, b.String()+`"a":1}`)
	}},
	{name: "form values of 4 KB", build: inForm(4 << 10)},
	{name: "form values of 40 bytes", build: inForm(40)},
	{name: "form values of 4 bytes", build: inForm(4)},
	{name: "raw form of equal names", build: func(piece string, n int) *detect.Request {
		count, text := parts(piece, 40, n)
		return post(formType, strings.Repeat("a="+text+"&", count))
	}},
	{name: "query", build: func(piece string, n int) *detect.Request {
		count, text := parts(piece, 200, n)
		return get("/?" + strings.Repeat("a="+url.QueryEscape(text)+"&", count))
	}},
	{name: "cookies", build: func(piece string, n int) *detect.Request {
		count, text := parts(piece, 200, n)
		return get("/", "Cookie", strings.Repeat("a="+text+"; ", count))
	}},
	{name: "headers", build: func(piece string, n int) *detect.Request {
		count, text := parts(piece, 200, n)
		r := get("/")
		for i := range count {
			with(r, fmt.Sprintf("X-%d", i), text)
		}
		return r
	}},
	{name: "JSON in JSON in a form", build: func(piece string, n int) *detect.Request {
		_, text := parts(piece, n/8, n/8)
		return post(formType, "a="+url.QueryEscape(deep(quoteJSON, text, 3)))
	}},
}

// pieces are what the languages and decoders take for the beginning of something, and mixtures.
var pieces = []string{
	"'", `"`, "`", "<", "<a b=c ", "<script>", "{{", "${", "{%", "(", "f(", "[", `{"a":`, ";", ";cat x", "|", "|cat /", "&&", "$(", "`a ", "../", "a.", "a:", "://", "http://a/",
	"http://1.1@", "a:\r\n", "\nTo: ", "%25", "%27", "%u0027", "\\", "\\'", `\u003c`, "&lt;", "&", "+ADw-", "＜", "\xe5\x98\x8a", "\x00", "\xc0\xae", "' or ", "' or 1=1 union select ",
	"1 union ", "(select ", "1,", "/*", "/**/", "a=b;", "a=b&", "on=a ", "O:8:\"a\":", "__proto__[", "constructor.", "@a.b@", "#a=", "::", "/text()", ")(|(a=*", "data:,", "rO0AB", "c''a", "{cat,",
	"eyJhIjoiYiJ9.", "QUFBQUFB", "2e2e2f", "0x2e", "alert(1);", "javascript:", "x'y\"z`", "'\"<>(){}[];|&$`../\\%27 or and select --", "aZ3$~kQ;|x9`W(e{R}<o>P'b\"V,.n/M=+-*&^%!Tt?:_#",
	"the words of a sentence, ", "%3Cscript%3E", "<!--", "<![CDATA[", "<!ENTITY a ", "a\tb\n", "1'", "=", "a==", "~~", "!!", "??",
}

// spent returns the bytes that judging a request reads for each that was sent, and whether the
// budget sufficed. Nothing is remembered from other requests.
func spent(t testing.TB, r *detect.Request) (perByte float64, enough bool) {
	report, x := newEngine(t, Options{}).Explain(r)
	return float64(x.Spent) / float64(x.Sent), !errors.Is(report.Failure, ErrSpent)
}

// TestNoInputIsDear holds that no piece that languages and decoders take for a beginning costs
// more than a bounded amount of work for each byte, wherever it stands, and that the work on a
// byte does not grow with the input. Work is counted, so this holds on every machine; that
// it tells the time is TestWorkTellsTheTime's matter.
func TestNoInputIsDear(t *testing.T) {
	const (
		most   = 175.0 // bytes read for each byte sent
		growth = 1.5   // from the small size to the large, which is twelve times as much
	)
	type result struct {
		name string
		work float64
	}
	var results []result
	for _, s := range shapes {
		for _, piece := range pieces {
			small, enough := spent(t, s.build(piece, 8<<10))
			large, enoughToo := spent(t, s.build(piece, 96<<10))
			results = append(results, result{name: fmt.Sprintf("%s, %q", s.name, piece), work: large})
			if !enough || !enoughToo || max(small, large) > most {
				t.Errorf("%s full of %q: %.1f and %.1f bytes read a byte, want %.0f at most", s.name, piece, small, large, most)
			}
			if large > growth*small {
				t.Errorf("%s full of %q: %.1f bytes read a byte at 8 KB, %.1f at 96 KB", s.name, piece, small, large)
			}
		}
	}
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(b.work, a.work) })
	for _, r := range results[:12] {
		t.Logf("%5.1f bytes read a byte: %s", r.work, r.name)
	}
}
