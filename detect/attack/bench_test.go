package attack

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// BenchmarkBenign: the requests of TestBenignRequestsAllocateNothing, and benign JSON.
func BenchmarkBenign(b *testing.B) {
	for i, r := range benign {
		b.Run(fmt.Sprintf("request %d", i), func(b *testing.B) { inspect(b, r) })
	}
	var items strings.Builder
	for i := range 400 {
		fmt.Fprintf(&items, `{"id":%d,"name":"Item no. %d","tags":["red","on sale"],"price":%d.50,"url":"https://shop.example.com/items/%d?ref=list","note":"It's the best we have; ask O'Neil -- or see page %d."},`, i*7919, i, i, i, i)
	}
	b.Run("JSON", func(b *testing.B) {
		inspect(b, post(jsonType, `{"items":[`+strings.TrimSuffix(items.String(), ",")+`]}`))
	})
}

// BenchmarkHostile: a megabyte each of what is dearest. No input may cost more than 50 ns
// a byte.
func BenchmarkHostile(b *testing.B) {
	for _, row := range hostileRows() {
		b.Run(row.name, func(b *testing.B) { inspect(b, row.r) })
	}
}

type hostileRow struct {
	name string
	r    *detect.Request
}

func hostileRows() []hostileRow {
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	return []hostileRow{
		{name: "quotes", r: post("text/plain", fill("'"))},
		{name: "quotes and words", r: post("text/plain", fill("' or "))},
		{name: "tags", r: post("text/plain", fill("<a b=c "))},
		{name: "open tags", r: post("text/plain", fill("<"))},
		{name: "braces", r: post("text/plain", fill("{{"))},
		{name: "dollar braces", r: post("text/plain", fill("${"))},
		{name: "parentheses", r: post("text/plain", fill("("))},
		{name: "brackets", r: post(jsonType, fill("["))},
		{name: "objects", r: post(jsonType, fill(`{"a":`))},
		{name: "semicolons and words", r: post("text/plain", fill(";cat x"))},
		{name: "pipes", r: post("text/plain", fill("|"))},
		{name: "backticks", r: post("text/plain", fill("`a "))},
		{name: "dots and slashes", r: post("text/plain", fill("../"))},
		{name: "dots", r: post("text/plain", fill("a."))},
		{name: "colons", r: post("text/plain", fill("a:"))},
		{name: "URLs", r: post("text/plain", fill("http://a/"))},
		{name: "line breaks", r: post("text/plain", fill("a:\r\n"))},
		{name: "percent", r: post("text/plain", fill("%25"))},
		{name: "percent quotes", r: post(formType, "a="+fill("%27"))},
		{name: "percent, ten deep", r: post(formType, "a="+fill("%2525252525252525252527"))},
		{name: "backslashes", r: post("text/plain", fill("\\"))},
		{name: "escapes", r: post("text/plain", fill(`\u003c`))},
		{name: "entities", r: post("text/plain", fill("&lt;"))},
		{name: "ampersands", r: post("text/plain", fill("&"))},
		{name: "UTF-7", r: post("text/plain", fill("+ADw-"))},
		{name: "full-width", r: post("text/plain", fill("＜"))},
		{name: "base64 of base64", r: post("text/plain", deep(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }, fill("' or 1=1 "), 4))},
		{name: "equal parameters", r: post(formType, fill("a=%27&"))},
		{name: "small parameters", r: post(formType, fill("a=1&"))},
		{name: "small hostile parameters", r: post(formType, fill("a='or+1&"))},
		{name: "small JSON values", r: post(jsonType, "["+fill(`"'a",`)+"1]")},
		{name: "JSON in JSON", r: post(jsonType, deep(quoteJSON, `{"a":"`+strings.Repeat("x", size/64)+`"}`, 6))},
		{name: "form in form", r: post(formType, "a="+deep(func(s string) string { return "a=" + url.QueryEscape(s) }, fill("b=' or 1&")[:size/32], 5))},
		{name: "headers", r: manyHeaders(size / 32)},
		{name: "cookies", r: get("/", "Cookie", fill("a='b; "))},
		{name: "long path", r: get("/" + fill("a/"))},
		{name: "mixed marks", r: post("text/plain", fill("'\"<>(){}[];|&$`../\\%27 or and select --"))},
		{name: "SQL", r: post("text/plain", fill("1 union select a from b where c = 'd' or "))},
		{name: "script", r: post("text/plain", fill("<script>alert(1)</script>"))},
		{name: "shell", r: post("text/plain", fill("cat /etc/passwd | sh -c 'x' && "))},
		{name: "noise", r: post("text/plain", fill("aZ3$~kQ;|x9`W(e{R}<o>P'b\"V,.n/M=+-*&^%!Tt?:_#"))},
	}
}

func deep(encode func(string) string, s string, times int) string {
	for range times {
		s = encode(s)
	}
	return s
}

func manyHeaders(n int) *detect.Request {
	r := get("/")
	for i := range n {
		with(r, fmt.Sprintf("X-Header-%d", i), "'a or b; c")
	}
	return r
}

// inspect reports the cost of a byte, next to the time.
func inspect(b *testing.B, r *detect.Request) {
	e := newEngine(b, Options{})
	size := len(r.Target) + len(r.Body)
	for i := range r.Headers {
		size += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		e.Inspect(r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/byte")
}

// BenchmarkLanguages: what each language costs on texts that are no attacks. It is asked
// only where it would be (Possible); the cost is spread over all bytes.
func BenchmarkLanguages(b *testing.B) {
	texts := []string{
		"homepage", "a1b2c3d4-e5f6", "GA1.2.1234567.7654321", "en-US,en;q=0.9", "/products/red-shoes/42.html", "pat@example.com",
		"https://www.example.com/a/b?utm_source=x&utm_medium=y", "It's 5 o'clock; see you there -- Pat", "2023-05-13T22:09:38.000-04:00",
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", `{"a":1,"b":["c","d"]}`, "rgba(0, 0, 0, 0.5)",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "Select the best option from the menu, or drop us a line.",
	}
	size := 0
	for _, s := range texts {
		size += len(s)
	}
	for i := range languages {
		b.Run(languages[i].name, func(b *testing.B) {
			var values []value.Value
			for _, s := range texts {
				if v := value.Of(s, detect.SourceBody, "field"); languages[i].possible(&v) {
					values = append(values, v)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				for k := range values {
					languages[i].judge(&values[k])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/byte")
			b.ReportMetric(float64(len(values))/float64(len(texts)), "asked")
		})
	}
}
