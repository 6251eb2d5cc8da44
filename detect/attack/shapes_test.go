package attack

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/andybalholm/brotli"
	"golang.org/x/text/encoding/charmap"

	"kongwaf/detect"
)

// matrixShapes are the requests that a value may stand in: one for each way in which
// other firewalls are known to lose sight of it.
var matrixShapes = []struct {
	name      string
	plainOnly bool // the shape is itself an encoding that leaves no room for others
	build     func(v string) *detect.Request
}{
	{name: "query value", build: func(v string) *detect.Request { return get("/p?id=" + url.QueryEscape(v)) }},
	{name: "query name", build: func(v string) *detect.Request { return get("/p?" + url.QueryEscape(v) + "=1") }},
	{name: "query without name", build: func(v string) *detect.Request { return get("/p?" + url.QueryEscape(v)) }},
	{name: "path segment", build: func(v string) *detect.Request { return get("/p/" + url.PathEscape(v) + "/x") }},
	{name: "argument after the 1,000th", build: func(v string) *detect.Request {
		return get("/p?" + strings.Repeat("a=1&", 1500) + "id=" + url.QueryEscape(v))
	}},
	{name: "own header", build: func(v string) *detect.Request { return get("/", "X-Custom", oneLine(v)) }},
	{name: "header after the 100th", build: func(v string) *detect.Request {
		r := get("/")
		for i := range 150 {
			r.Headers = append(r.Headers, detect.Header{Name: fmt.Sprintf("X-Pad-%d", i), Value: "1"})
		}
		r.Headers = append(r.Headers, detect.Header{Name: "X-Custom", Value: oneLine(v)})
		return r
	}},
	{name: "User-Agent", build: func(v string) *detect.Request { return get("/", "User-Agent", oneLine(v)) }},
	{name: "Referer's query", build: func(v string) *detect.Request {
		return get("/", "Referer", "https://shop.example.com/a?q="+url.QueryEscape(v))
	}},
	{name: "cookie", build: func(v string) *detect.Request { return get("/", "Cookie", "sid=abc; pref="+url.QueryEscape(v)) }},
	{name: "form value", build: func(v string) *detect.Request { return post(formType, "a=1&b="+url.QueryEscape(v)) }},
	{name: "form name", build: func(v string) *detect.Request { return post(formType, "a=1&"+url.QueryEscape(v)+"=2") }},
	{name: "form by PUT", build: func(v string) *detect.Request { return put(formType, "b="+url.QueryEscape(v)) }},
	{name: "form in a GET", build: func(v string) *detect.Request {
		r := post(formType, "b="+url.QueryEscape(v))
		r.Method = "GET"
		return r
	}},
	{name: "form without content type", build: func(v string) *detect.Request { return post("", "b="+url.QueryEscape(v)) }},
	{name: "JSON value", build: func(v string) *detect.Request { return post(jsonType, `{"a":1,"b":`+quoteJSON(v)+`}`) }},
	{name: "JSON key", build: func(v string) *detect.Request { return post(jsonType, `{`+quoteJSON(v)+`:1}`) }},
	{name: "JSON deep in arrays", build: func(v string) *detect.Request {
		return post(jsonType, strings.Repeat(`{"a":[`, 20)+quoteJSON(v)+strings.Repeat(`]}`, 20))
	}},
	{name: "JSON as text/plain", build: func(v string) *detect.Request { return post("text/plain", `{"b":`+quoteJSON(v)+`}`) }},
	{name: "JSON as a form", build: func(v string) *detect.Request { return post(formType, `{"b":`+quoteJSON(v)+`}`) }},
	{name: "JSON without content type", build: func(v string) *detect.Request { return post("", `{"b":`+quoteJSON(v)+`}`) }},
	{name: "JSON with duplicate keys", build: func(v string) *detect.Request { return post(jsonType, `{"b":`+quoteJSON(v)+`,"b":"x"}`) }},
	{name: "JSON with a BOM", build: func(v string) *detect.Request { return post(jsonType, "\ufeff"+`{"b":`+quoteJSON(v)+`}`) }},
	{name: "JSON in UTF-16", build: func(v string) *detect.Request {
		return post("application/json; charset=utf-16", "\xff\xfe"+utf16le(`{"b":`+quoteJSON(v)+`}`))
	}},
	{name: "JSON with a trailing comma", build: func(v string) *detect.Request { return post(jsonType, `{"b":`+quoteJSON(v)+`,}`) }},
	{name: "JSON lines", build: func(v string) *detect.Request {
		return post("application/x-ndjson", "{\"a\":1}\n{\"b\":"+quoteJSON(v)+"}\n")
	}},
	{name: "JSON in JSON", build: func(v string) *detect.Request {
		return post(jsonType, `{"event":`+quoteJSON(`{"b":`+quoteJSON(v)+`}`)+`}`)
	}},
	{name: "JSON in a form", build: func(v string) *detect.Request {
		return post(formType, "data="+url.QueryEscape(`{"b":`+quoteJSON(v)+`}`))
	}},
	{name: "JSON in base64 in a form", build: func(v string) *detect.Request {
		return post(formType, "data="+url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(`{"b":`+quoteJSON(v)+`}`))))
	}},
	{name: "JSON with an invalid byte", build: func(v string) *detect.Request { return post(jsonType, "{\"a\":\"\xff\",\"b\":"+quoteJSON(v)+"}") }},
	{name: "form after an invalid byte", build: func(v string) *detect.Request { return post(formType, "a=%ff\xff&b="+url.QueryEscape(v)) }},
	{name: "multipart value", build: multipart("boundary=xyz", "xyz", `form-data; name="b"`, "", "--xyz--\r\n")},
	{name: "multipart, quoted boundary", build: multipart(`boundary="x y"`, "x y", `form-data; name="b"`, "", "--x y--\r\n")},
	{name: "multipart, no final boundary", build: multipart("boundary=xyz", "xyz", `form-data; name="b"`, "", "")},
	{name: "multipart, boundary not declared", build: multipart("", "xyz", `form-data; name="b"`, "", "--xyz--\r\n")},
	{name: "multipart file content", build: multipart("boundary=xyz", "xyz", `form-data; name="f"; filename="a.txt"`, "Content-Type: text/plain\r\n", "--xyz--\r\n")},
	{name: "multipart, part in base64", build: func(v string) *detect.Request {
		return multipart("boundary=xyz", "xyz", `form-data; name="b"`, "Content-Transfer-Encoding: base64\r\n", "--xyz--\r\n")(base64.StdEncoding.EncodeToString([]byte(v)))
	}},
	{name: "multipart, part in UTF-16", build: func(v string) *detect.Request {
		return multipart("boundary=xyz", "xyz", `form-data; name="b"`, "Content-Type: text/plain; charset=utf-16le\r\n", "--xyz--\r\n")(utf16le(v))
	}},
	{name: "multipart file name", build: func(v string) *detect.Request {
		return multipart("boundary=xyz", "xyz", `form-data; name="f"; filename="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(oneLine(v))+`"`, "", "--xyz--\r\n")("x")
	}},
	{name: "XML text", build: func(v string) *detect.Request { return post(xmlType, "<a><b>"+escapeXML(v)+"</b></a>") }},
	{name: "XML CDATA", build: func(v string) *detect.Request { return post(xmlType, "<a><b><![CDATA["+v+"]]></b></a>") }},
	{name: "XML attribute", build: func(v string) *detect.Request { return post(xmlType, `<a b="`+escapeXML(v)+`"/>`) }},
	{name: "SOAP", build: func(v string) *detect.Request {
		return post("application/soap+xml", `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><m:Get xmlns:m="urn:m"><m:id>`+escapeXML(v)+`</m:id></m:Get></soap:Body></soap:Envelope>`)
	}},
	{name: "GraphQL literal", build: func(v string) *detect.Request {
		return post(jsonType, `{"query":`+quoteJSON(`query { user(id: `+quoteJSON(v)+`) { name } }`)+`}`)
	}},
	{name: "GraphQL variable", build: func(v string) *detect.Request {
		return post(jsonType, `{"query":"query($i: ID!) { user(id: $i) { name } }","variables":{"i":`+quoteJSON(v)+`}}`)
	}},
	{name: "gRPC string", build: func(v string) *detect.Request { return grpcRequest(v) }},
	{name: "octet stream", build: func(v string) *detect.Request { return post("application/octet-stream", v) }},
	{name: "text", build: func(v string) *detect.Request { return post("text/plain", v) }},
	{name: "gzip", build: func(v string) *detect.Request {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		fmt.Fprintf(z, `{"b":%s}`, quoteJSON(v))
		z.Close()
		return with(post(jsonType, b.String()), "Content-Encoding", "gzip")
	}},
	{name: "gzip, not declared", build: func(v string) *detect.Request {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		fmt.Fprintf(z, `{"b":%s}`, quoteJSON(v))
		z.Close()
		return post(jsonType, b.String())
	}},
	{name: "deflate", build: func(v string) *detect.Request {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		fmt.Fprintf(z, `b=%s`, url.QueryEscape(v))
		z.Close()
		return with(post(formType, b.String()), "Content-Encoding", "deflate")
	}},
	{name: "brotli", build: func(v string) *detect.Request {
		var b bytes.Buffer
		z := brotli.NewWriter(&b)
		fmt.Fprintf(z, `b=%s`, url.QueryEscape(v))
		z.Close()
		return with(post(formType, b.String()), "Content-Encoding", "br")
	}},
	{name: "after a megabyte", build: func(v string) *detect.Request {
		return post(jsonType, `{"pad":"`+strings.Repeat("All work and no play. ", 50000)+`","b":`+quoteJSON(v)+`}`)
	}, plainOnly: true},
	{name: "parameter pollution", plainOnly: true, build: func(v string) *detect.Request {
		half := len(v) / 2
		return get("/p?id=" + url.QueryEscape(v[:half]) + "&x=1&id=" + url.QueryEscape(v[half:]))
	}},
	{name: "cookie, not encoded", plainOnly: true, build: func(v string) *detect.Request {
		return get("/", "Cookie", "pref="+strings.NewReplacer(";", "%3B").Replace(oneLine(v)))
	}},
	{name: "query by POST with a body", build: func(v string) *detect.Request {
		r := post(jsonType, `{"a":1}`)
		r.Target = "/p?id=" + url.QueryEscape(v)
		return r
	}},
	{name: "JSON declared as XML", build: func(v string) *detect.Request { return post(xmlType, `{"b":`+quoteJSON(v)+`}`) }},
	{name: "form declared as JSON", build: func(v string) *detect.Request { return post(jsonType, "b="+url.QueryEscape(v)) }},
	{name: "XML declared as a form", plainOnly: true, build: func(v string) *detect.Request { return post(formType, "<a><b>"+escapeXML(v)+"</b></a>") }},
	{name: "JSON string alone", build: func(v string) *detect.Request { return post(jsonType, quoteJSON(v)) }},
	{name: "JSON in JSON in a query", build: func(v string) *detect.Request {
		return get("/p?q=" + url.QueryEscape(`{"e":`+quoteJSON(`{"b":[`+quoteJSON(v)+`]}`)+`}`))
	}},
	{name: "URL in a query", build: func(v string) *detect.Request {
		return get("/go?to=" + url.QueryEscape("https://shop.example.com/p?id="+url.QueryEscape(v)))
	}},
	{name: "Bearer token's claim", plainOnly: true, build: func(v string) *detect.Request {
		part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		return get("/", "Authorization", "Bearer "+part(`{"alg":"none"}`)+"."+part(`{"sub":`+quoteJSON(v)+`}`)+".c2ln")
	}},
	{name: "IBM037", plainOnly: true, build: func(v string) *detect.Request {
		body, err := charmap.CodePage037.NewEncoder().String("b=" + url.QueryEscape(v))
		if err != nil {
			panic(err)
		}
		return post("application/x-www-form-urlencoded; charset=ibm037", body)
	}},
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
	xmlType  = "application/xml"
)

func get(target string, header ...string) *detect.Request {
	r := &detect.Request{Method: "GET", Target: target, Proto: "HTTP/1.1", Headers: []detect.Header{{Name: "Host", Value: "shop.example.com"}}}
	for i := 0; i+1 < len(header); i += 2 {
		with(r, header[i], header[i+1])
	}
	return r
}

func post(contentType, body string) *detect.Request {
	r := get("/api/items")
	r.Method, r.Body = "POST", []byte(body)
	if contentType != "" {
		with(r, "Content-Type", contentType)
	}
	return r
}

func put(contentType, body string) *detect.Request {
	r := post(contentType, body)
	r.Method = "PUT"
	return r
}

func with(r *detect.Request, name, value string) *detect.Request {
	r.Headers = append(r.Headers, detect.Header{Name: name, Value: value})
	return r
}

func quoteJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// oneLine keeps a value from ending a header line.
func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

func multipart(declared, boundary, disposition, headers, end string) func(string) *detect.Request {
	return func(v string) *detect.Request {
		contentType := "multipart/form-data"
		if declared != "" {
			contentType += "; " + declared
		}
		return post(contentType, "--"+boundary+"\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--"+
			boundary+"\r\nContent-Disposition: "+disposition+"\r\n"+headers+"\r\n"+v+"\r\n"+end)
	}
}

// grpcRequest wraps a message with one string field (number 1) after a varint field.
func grpcRequest(v string) *detect.Request {
	message := []byte{0x10, 0x2a, 0x0a}
	message = binary.AppendUvarint(message, uint64(len(v)))
	message = append(message, v...)
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	r := post("application/grpc", string(append(frame, message...)))
	r.Proto = "HTTP/2.0"
	return r
}
