package attack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

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

// step returns the time of one step of a loop that no processor does in less than a few
// cycles: what times are compared with, since the machines that tests run on differ.
func step() time.Duration {
	const steps = 1 << 20
	best := time.Hour
	for range 5 {
		start, h := time.Now(), uint32(2166136261)
		for i := range uint32(steps) {
			h = (h ^ i) * 16777619
		}
		if d := time.Since(start); h != 0 {
			best = min(best, d)
		}
	}
	return best * 1024 / steps // in 1024ths
}

func size(r *detect.Request) int {
	n := len(r.Target) + len(r.Body)
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	return n
}

// cost returns the least time of a few runs, over the request's bytes, in steps. Whatever else
// the machine does only adds time: it runs again, within reason, while the limit is passed.
func cost(e *Engine, r *detect.Request, limit float64, unit time.Duration) float64 {
	best := time.Hour
	for range 16 {
		start := time.Now()
		e.Inspect(r)
		best = min(best, time.Since(start))
		if float64(best)*1024/float64(unit)/float64(size(r)) <= limit {
			break
		}
	}
	return float64(best) * 1024 / float64(unit) / float64(size(r))
}

// TestNoInputIsDear holds that no hostile input costs more than a bounded time for each
// byte, and that the cost of a byte does not grow with the input. The target is 50 ns a byte,
// some forty steps; the bounds leave room for machines that do other work beside the test.
func TestNoInputIsDear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	const (
		most   = 300.0 // steps for a byte
		growth = 4.0   // from the small size to the large, which is twelve times as much
		floor  = 30.0  // steps that count as nothing
	)
	e, unit := newEngine(t, Options{}), step()
	type result struct {
		name  string
		steps float64
	}
	var results []result
	for _, s := range shapes {
		for _, piece := range pieces {
			small := cost(e, s.build(piece, 8<<10), most, unit)
			results = append(results, result{name: fmt.Sprintf("%s, %q", s.name, piece), steps: small})
			if small > most {
				t.Errorf("%s full of %q: %.0f steps a byte, want %.0f at most", s.name, piece, small, most)
			}
			// What is small may be remembered from the first run; floor is what it costs then.
			limit := growth * max(small, floor)
			if large := cost(e, s.build(piece, 96<<10), limit, unit); large > limit {
				t.Errorf("%s full of %q: %.1f steps a byte at 8 KB, %.1f at 96 KB", s.name, piece, small, large)
			}
		}
	}
	slices.SortFunc(results, func(a, b result) int { return int(1000 * (b.steps - a.steps)) })
	for _, r := range results[:12] {
		t.Logf("%5.1f steps (%3.0f ns) a byte: %s", r.steps, r.steps*float64(unit)/1024, r.name)
	}
}
