package respond

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
)

// client is one that sends header lines "name: value".
func client(target string, lines ...string) facts.Client {
	c := facts.Client{Proto: "HTTP/1.1", RequestID: "id-7", Target: target}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		c.Headers = append(c.Headers, detect.Header{Name: name, Value: value})
	}
	c.Accept, _ = c.Header("accept")
	c.ContentType, _ = c.Header("content-type")
	return c
}

const hostile = `<b> & "quoted" it's` + "\x01"

// TestAnswers: each client in its own form, with the request's id; beside it the twin that
// only looks like one, and gets what Kong would send.
func TestAnswers(t *testing.T) {
	page, err := ParsePage(`<p title="{{message}}">{{ status }} {{request_id}}</p>`)
	require.NoError(t, err)
	const s3Sign = "Authorization: AWS4-HMAC-SHA256 Credential=AK/20270101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
	for _, tc := range []struct {
		name, contentType, holds string
		answer                   Answer
		client                   facts.Client
	}{
		{name: "SOAP 1.1", client: client("/", "Content-Type: text/xml; charset=utf-8", `SOAPAction: ""`), contentType: typeSOAP11, holds: "<faultcode>soap:Client</faultcode>"},
		{name: "XML that is no SOAP", client: client("/", "Content-Type: text/xml"), contentType: typeJSON, holds: `"request_id":"id-7"`},
		{name: "SOAP 1.2", client: client("/", "Content-Type: Application/SOAP+xml; action=x"), contentType: typeSOAP12, holds: "<soap:Value>soap:Sender</soap:Value>"},
		{name: "S3", client: client("/bucket/key", s3Sign), contentType: typeXML, holds: "<Error><Code>AccessDenied</Code>"},
		{name: "S3, version 2", client: client("/bucket/key", "Authorization: AWS AK:sign"), contentType: typeXML, holds: "<RequestId>id-7</RequestId>"},
		{name: "S3 for another region's scope", client: client("/b", "Authorization: AWS4-ECDSA-P256-SHA256 Credential=AK/20270101/x", "x-amz-content-sha256: UNSIGNED-PAYLOAD"), contentType: typeXML, holds: "<Code>"},
		{name: "S3, signed in the query", client: client("/b/k?X-Amz-Credential=AK%2F20270101%2Feu%2Fs3%2Faws4_request&X-Amz-Signature=0"), contentType: typeXML, holds: "<Code>"},
		{name: "another service of the same signature", client: client("/", "Authorization: AWS4-HMAC-SHA256 Credential=AK/20270101/eu-west-1/dynamodb/aws4_request", "x-amz-target: DynamoDB.Get"), contentType: typeJSON, holds: `"message"`},
		{name: "problem details", client: client("/", "Accept: application/problem+json"), contentType: typeProblem, holds: `"status":403`},
		{name: "beside JSON", client: client("/", "Accept: application/json, application/problem+json;q=0.5"), contentType: typeProblem, holds: `"title":"Forbidden"`},
		{name: "not wanted", client: client("/", "Accept: application/json, application/problem+json;q=0"), contentType: typeJSON, holds: `"message"`},
		{name: "asked for by the operator", answer: Answer{Problem: true}, client: client("/"), contentType: typeProblem, holds: `"request_id":"id-7"`},
		{name: "but not by a browser", answer: Answer{Problem: true}, client: client("/", "Accept: text/html"), contentType: typeHTML, holds: "<h1>Error</h1>"},
		{name: "XML", client: client("/", "Accept: text/xml"), contentType: typeXML, holds: "<error>"},
		{name: "XML of a vocabulary", client: client("/", "Accept: application/atom+xml"), contentType: typeXML, holds: "<requestid>id-7</requestid>"},
		{name: "a browser", client: client("/", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), contentType: typeHTML, holds: "<h1>Error</h1>"},
		{name: "a browser, and a page", answer: Answer{Page: page}, client: client("/", "Accept: text/html,application/xhtml+xml,*/*;q=0.8"), contentType: typeHTML,
			holds: `<p title="&lt;b&gt; &amp; &#34;quoted&#34; it&#39;s?">403 id-7</p>`},
		{name: "the page is for browsers", answer: Answer{Page: page}, client: client("/", "Accept: application/json"), contentType: typeJSON, holds: `"message"`},
		{name: "nothing said", client: client("/"), contentType: typeJSON, holds: `"message"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := &detect.Verdict{Denied: true, Status: 403, Message: hostile}
			body, contentType, header := tc.answer.body(v, &tc.client)
			require.Equal(t, tc.contentType, contentType)
			require.Contains(t, string(body), tc.holds)
			require.Contains(t, string(body), "id-7")
			if header != nil {
				require.Equal(t, detect.Header{Name: "x-amz-request-id", Value: "id-7"}, *header)
			}
			switch {
			case strings.Contains(contentType, "json"):
				require.True(t, json.Valid(body), "%s", body)
			case strings.Contains(contentType, "soap") || strings.HasPrefix(string(body), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<E"):
				decoder, text := xml.NewDecoder(strings.NewReader(string(body))), ""
				for {
					token, err := decoder.Token()
					if err == io.EOF {
						break
					}
					require.NoError(t, err, "%s", body)
					if data, ok := token.(xml.CharData); ok {
						text += string(data)
					}
				}
				require.Contains(t, text, `<b> & "quoted" it's?`)
			}
			// Without an answer of its own, a check answers as Kong does.
			_, contentType, _ = (*Answer)(nil).body(v, &tc.client)
			require.Equal(t, preferred(tc.client.Accept, errorType), contentType)
		})
	}
}

// TestServersFault: a status of the server's is its fault in every form.
func TestServersFault(t *testing.T) {
	v := &detect.Verdict{Denied: true, Status: 503, Message: "later"}
	for lines, want := range map[string]string{
		"Content-Type: text/xml\nSOAPAction: x":                                 "<faultcode>soap:Server</faultcode>",
		"Content-Type: application/soap+xml":                                    "soap:Receiver",
		"Authorization: AWS a:b":                                                "<Code>SlowDown</Code>",
		"Accept: application/problem+json":                                      `"title":"Service Unavailable"`,
		"Authorization: AWS4-HMAC-SHA256 Credential=a/1/r/s3/aws4_request, S=1": "<Code>SlowDown</Code>",
	} {
		c := client("/", strings.Split(lines, "\n")...)
		body, _, _ := (&Answer{}).body(v, &c)
		require.Contains(t, string(body), want)
	}
}

func TestGRPCStaysGRPC(t *testing.T) {
	exit, headers := refusal(t, detect.Verdict{Denied: true, Status: 403, Message: "No"}, facts.Client{Proto: "HTTP/2.0", ContentType: "application/grpc", Accept: "text/html"})
	require.EqualValues(t, 200, exit.Status)
	require.Equal(t, []any{"7"}, headers["grpc-status"])
}

func TestBadPages(t *testing.T) {
	for text, want := range map[string]string{
		"<p>{{id}}</p>":                    `"{{id" is no placeholder`,
		"<p>{{request_id</p>":              "is no placeholder",
		strings.Repeat("a", MaxPage+1):     "65537 bytes",
		"{{message}}{{" + hostile + "}}":   "is no placeholder",
		"{{" + strings.Repeat("{", 100000): "at most 65536",
	} {
		_, err := ParsePage(text)
		require.ErrorContains(t, err, want)
	}
	page, err := ParsePage("body { margin: 0 } a { b }")
	require.NoError(t, err, "single braces are a style's")
	require.Equal(t, "body { margin: 0 } a { b }", string(page.render(&detect.Verdict{}, "")))
}
