package extract

import (
	"fmt"
	"strings"
	"testing"

	"kongwaf/detect"
)

// browser is an ordinary request for a page.
func browser() *detect.Request {
	return get("/catalogue/shoes/running?colour=blue&size=42&utm_source=newsletter&utm_campaign=spring%20sale&ref=https%3A%2F%2Fwww.example.com%2Fblog%2Fbest-shoes",
		"Host: www.example.com", "Connection: keep-alive", `sec-ch-ua: "Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"`,
		"sec-ch-ua-mobile: ?0", `sec-ch-ua-platform: "Windows"`, "Upgrade-Insecure-Requests: 1",
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
		"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-User: ?1", "Sec-Fetch-Dest: document",
		"Referer: https://www.example.com/catalogue?page=2&sort=price", "Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-US,en;q=0.9",
		"Cookie: _ga=GA1.1.1234567890.1700000000; sid=s%3AcbKq1vXyZ.9sT2uWbQ; consent=%7B%22ads%22%3Afalse%2C%22stats%22%3Atrue%7D; theme=dark; _gid=GA1.2.987654321.1700000001")
}

// order is a JSON document like those that shops exchange.
func order(items int) string {
	var b strings.Builder
	b.WriteString(`{"id": "ord_82719", "created_at": "2024-05-01T10:22:33Z", "customer": {"name": "Maria O'Connor", "email": "maria@example.com", "phone": "+353 1 234 5678"}, "items": [`)
	for i := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"sku": "SKU-%05d", "title": "Running shoe, men's, size %d", "quantity": %d, "price": {"amount": 79.90, "currency": "EUR"}, "tags": ["sport", "outdoor", "new"], "url": "https://shop.example.com/p/%d?ref=order", "gift": false, "note": null}`, i, 38+i%10, 1+i%3, i)
	}
	b.WriteString(`], "comment": "Please leave the parcel with the neighbour; the bell doesn't work."}`)
	return b.String()
}

func benchmark(b *testing.B, r *detect.Request) {
	size := len(r.Method) + len(r.Target) + len(r.Body)
	for _, h := range r.Headers {
		size += len(h.Name) + len(h.Value)
	}
	var w Walker
	visit := func(*Leaf) bool { return true }
	w.Walk(r, Limits{}, visit)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		w.Walk(r, Limits{}, visit)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/byte")
}

func BenchmarkBenign(b *testing.B) {
	xml := "<orders>" + strings.Repeat("<order id=\"17\"><name>Maria O'Connor</name><price currency=\"EUR\">79.90</price></order>\n", 200) + "</orders>"
	for _, bench := range []struct {
		name string
		req  *detect.Request
	}{
		{"browser", browser()},
		{"json", post("application/json", order(200))},
		{"json small", post("application/json", order(2))},
		{"json gzip", post("application/json", gzipped(order(200)), "Content-Encoding: gzip")},
		{"form", post(formType, strings.Repeat("name=Maria+O%27Connor&size=42&comment=Please+leave+the+parcel+with+the+neighbour&", 100))},
		{"xml", post("text/xml", xml)},
		{"multipart", post("multipart/form-data; boundary=b", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\n"+strings.Repeat("Please leave the parcel with the neighbour. ", 10)+"\r\n", 50)+"--b--\r\n")},
		{"graphql", post("application/json", graphqlBody("query Q { shop(id: \"17\") { products(first: 10) { edges { node { id title price } } } } }"))},
		{"grpc", post("application/grpc", frame(0, strings.Repeat(message("Maria O'Connor", message("Running shoe", "EUR\x00\x01\x02")), 100)))},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmark(b, bench.req) })
	}
}

// adversarial are a megabyte each of what could be dear.
func adversarial() map[string]*detect.Request {
	const mb = 1 << 20
	rep := func(s string) string { return strings.Repeat(s, mb/len(s)) }
	json := func(s string) *detect.Request { return post("application/json", s) }
	return map[string]*detect.Request{
		"json brackets":           json(rep("[")),
		"json braces":             json(rep(`{"a":`)),
		"json empty objects":      json("[" + rep("{},")),
		"json escapes":            json(`"` + rep(`\u0041`)),
		"json escaped backslash":  json(`["` + rep(`\\`)),
		"json quotes":             json(rep(`"`)),
		"json single quotes":      json(rep(`'`)),
		"json short strings":      json("[" + rep(`"'",`)),
		"json bare words":         json("[" + rep(`'a,`)),
		"json colons":             json(rep(`:`)),
		"json slashes":            json(rep(`/`)),
		"json comments":           json(rep(`/*`)),
		"json blanks":             json(rep("1 \n")),
		"json nested text":        json(`{"a":"` + rep(`{\"a\":`)),
		"form ampersands":         post(formType, rep("&")),
		"form equals":             post(formType, rep("=")),
		"form short odd values":   post(formType, rep("'=&")),
		"form semicolons":         post(formType, rep("a=;")),
		"form percent":            post(formType, rep("%")),
		"form query":              post(formType, rep("query={&")),
		"form foreign":            post(formType+"; charset=ibm037", rep("%7d=%7d&")),
		"xml tags":                post("text/xml", rep("<a>")),
		"xml less":                post("text/xml", rep("<")),
		"xml closing":             post("text/xml", rep("</a>")),
		"xml attributes":          post("text/xml", "<a"+rep(" a=''")),
		"xml attributes bare":     post("text/xml", "<a"+rep(" '")),
		"xml entities":            post("text/xml", "<a>"+rep("&lt;")),
		"xml ampersands":          post("text/xml", "<a>"+rep("&")),
		"xml cdata":               post("text/xml", "<a>"+rep("<![CDATA[a]]>")),
		"xml comments":            post("text/xml", "<a>"+rep("<!---->x")),
		"xml open comments":       post("text/xml", rep("<!--")),
		"xml doctype":             post("text/xml", rep("<!DOCTYPE [")),
		"xml quotes in doctype":   post("text/xml", "<!DOCTYPE ["+rep(`"'`)),
		"xml doctypes":            post("text/xml", rep(`<!a "b">`)),
		"multipart delimiters":    post("multipart/form-data; boundary=b", rep("--b\r\n")),
		"multipart headers":       post("multipart/form-data; boundary=b", "--b\r\n"+rep("a: b\r\n")),
		"multipart folded":        post("multipart/form-data; boundary=b", "--b\r\nA: b"+rep("\r\n ")),
		"multipart dashes":        post("multipart/form-data; boundary=-", rep("-")),
		"multipart dashes lines":  post("multipart/form-data; boundary=-", rep("---\n")),
		"multipart parameters":    post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: x;"+rep("a=b;")),
		"multipart quotes":        post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: x;"+rep(`a="`)),
		"content type parameters": post("multipart/form-data"+rep(`; boundary=`), "--b\r\n"),
		"graphql braces":          post("application/graphql", rep("{a")),
		"graphql parens":          post("application/graphql", "{a"+rep("(a:")),
		"graphql spreads":         post("application/graphql", rep("fragment a on b{...c}")),
		"graphql strings":         post("application/graphql", "{a(b:"+rep(`""`)),
		"graphql quotes":          post("application/graphql", "{a(b:"+rep(`"`)),
		"graphql batch":           json("[" + rep(`{"query":"{a}"},`)),
		"grpc empty frames":       post("application/grpc", rep("\x00\x00\x00\x00\x00")),
		"grpc fields":             post("application/grpc", frame(0, rep("\x0a\x01a"))),
		"grpc nested":             post("application/grpc", frame(0, nestedMessage(mb))),
		"msgpack arrays":          post("application/msgpack", rep("\x91")),
		"msgpack strings":         post("application/msgpack", "\xdd\x00\x10\x00\x00"+rep("\xa1'")),
		"cbor tags":               post("application/cbor", rep("\xc1")),
		"cbor chunks":             post("application/cbor", rep("\x9f")),
		"binary runs":             post("", rep("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00\x00")),
		"yaml":                    post("text/yaml", rep("- - \n")),
		"utf-7":                   post("text/plain; charset=utf-7", rep("+AAA-")),
		"utf-16":                  post("text/plain; charset=utf-16", rep("\x00a")),
		"jwt":                     post("", "eyJ"+rep(".")),
		"path slashes":            get(rep("/")),
		"path matrix":             get("/" + rep(";a=b")),
		"query odd":               get("/?" + rep("'=&")),
		"cookies quoted":          get("/", "Cookie: "+rep(`a=";`)),
		"header commas":           get("/", "Transfer-Encoding: "+rep(`,`)),
		"gzip":                    post("", gzipped(rep("a=b&"))),
		"overlong":                get("/" + rep("%c0%ae")),
		"continuations":           get("/" + rep("%c0%80%80")),
	}
}

// nestedMessage is a message in a message in a message, about n bytes long.
func nestedMessage(n int) string {
	m := strings.Repeat("\x00\x01", n/2)
	for range 40 {
		m = message(m)
	}
	return m
}

func BenchmarkAdversarial(b *testing.B) {
	for name, r := range adversarial() {
		b.Run(name, func(b *testing.B) { benchmark(b, r) })
	}
}

// Walking a benign request allocates nothing once the buffers have grown.
func TestNoAllocations(t *testing.T) {
	for name, r := range map[string]*detect.Request{
		"browser":      browser(),
		"json":         post("application/json", order(20)),
		"json escapes": post("application/json", `{"a":"b\"c"}`),
		"json utf-16":  post("application/json", "{\x00\"\x00a\x00\"\x00:\x00\"\x00'\x00\"\x00}\x00"),
		"form":         post(formType, "a=b&c=d%20e"),
		"multipart":    post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\nc\r\n--b--\r\n"),
		"xml":          post("text/xml", `<a b="c">d<c>e &amp; f</c></a>`),
		"graphql":      post("application/json", graphqlBody(`{a(b:"c"){d}}`)),
		"grpc":         post("application/grpc", frame(0, message("a", message("b")))),
		"msgpack":      post("application/msgpack", "\x81\xa1a\xa1b"),
		"jwt":          get("/", "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiInIG9yIDE9MSJ9.x"),
	} {
		t.Run(name, func(t *testing.T) {
			var w Walker
			visit := func(*Leaf) bool { return true }
			if n := testing.AllocsPerRun(20, func() { w.Walk(r, Limits{}, visit) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
