package respond

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
)

// Answer says how a check answers clients beyond Kong's own error bodies: SOAP callers with a
// fault, S3 clients with S3's error, who takes problem details with those, and browsers with
// a page of the operator's. Nil stands for Kong's own bodies only.
type Answer struct {
	// Page is what browsers get; nil for Kong's own page.
	Page *Page
	// Problem gives problem details to all who would get JSON.
	Problem bool
}

// The content types of the other bodies.
const (
	typeSOAP11  = "text/xml; charset=utf-8"
	typeSOAP12  = "application/soap+xml; charset=utf-8"
	typeProblem = "application/problem+json"
)

// body renders a refusal in the client's own form. With S3's comes a header.
func (a *Answer) body(v *detect.Verdict, client *facts.Client) (body []byte, contentType string, header *detect.Header) {
	if a == nil {
		body, contentType = errorBody(preferred(client.Accept, errorType), v.Message, client.RequestID)
		return body, contentType, nil
	}
	switch envelope := soapOf(client); {
	case envelope != "":
		return soapFault(envelope, v, client.RequestID), envelope, nil
	case isS3(client):
		return s3Error(v, client.RequestID), typeXML, &detect.Header{Name: "x-amz-request-id", Value: client.RequestID}
	}
	contentType = preferred(client.Accept, answerType)
	if contentType == typeJSON && (a.Problem || quality(client.Accept, typeProblem) > 0) {
		contentType = typeProblem
	}
	switch {
	case contentType == typeProblem:
		body = problem(v, client.RequestID)
	case contentType == typeHTML && a.Page != nil:
		body = a.Page.render(v, client.RequestID)
	default:
		body, contentType = errorBody(contentType, v.Message, client.RequestID)
	}
	return body, contentType, nil
}

// answerType is errorType for those forms that Kong has no body for.
func answerType(mediaType string) string {
	mediaType = strings.ToLower(mediaType)
	switch {
	case mediaType == typeProblem:
		return typeProblem
	case mediaType == "application/xhtml+xml":
		return typeHTML
	case mediaType == "text/xml", strings.HasSuffix(mediaType, "+xml") && strings.HasPrefix(mediaType, "application/"):
		return typeXML
	}
	return errorType(mediaType)
}

// soapOf returns the content type of the SOAP version that a request speaks, "" if it speaks
// none: version 1.2 has a media type of its own (RFC 3902), 1.1 a header (section 6.1.1).
func soapOf(client *facts.Client) string {
	mediaType, _, _ := strings.Cut(client.ContentType, ";")
	switch mediaType = strings.ToLower(strings.TrimSpace(mediaType)); mediaType {
	case "application/soap+xml":
		return typeSOAP12
	case "text/xml":
		if _, ok := client.Header("soapaction"); ok {
			return typeSOAP11
		}
	}
	return ""
}

// soapFault is a fault of the sender's, or the server's for a status of its own.
func soapFault(contentType string, v *detect.Verdict, requestID string) []byte {
	detail := `<requestid xmlns="urn:kong-waf">` + xmlText(requestID) + `</requestid>`
	if contentType == typeSOAP11 {
		return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode>soap:%s</faultcode><faultstring>%s</faultstring><detail>%s</detail></soap:Fault></soap:Body></soap:Envelope>
`, whose(v, "Client", "Server"), xmlText(v.Message), detail)
	}
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><soap:Fault><soap:Code><soap:Value>soap:%s</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">%s</soap:Text></soap:Reason><soap:Detail>%s</soap:Detail></soap:Fault></soap:Body></soap:Envelope>
`, whose(v, "Sender", "Receiver"), xmlText(v.Message), detail)
}

func whose(v *detect.Verdict, clients, servers string) string {
	if v.Status >= 500 {
		return servers
	}
	return clients
}

// isS3 reports whether a request is signed as clients of object stores sign (AWS Signature
// Version 4 for the service s3, or version 2), in headers or in the query.
func isS3(client *facts.Client) bool {
	signed, _ := client.Header("authorization")
	if strings.HasPrefix(signed, "AWS4-") {
		_, hashed := client.Header("x-amz-content-sha256")
		return hashed && !strings.Contains(signed, "/execute-api/") || strings.Contains(signed, "/s3/aws4_request")
	}
	if strings.HasPrefix(signed, "AWS ") {
		return true
	}
	_, query, _ := strings.Cut(client.Target, "?")
	return strings.Contains(query, "X-Amz-Signature=") && (strings.Contains(query, "%2Fs3%2F") || strings.Contains(query, "/s3/"))
}

// s3Error is an error of S3's API.
func s3Error(v *detect.Verdict, requestID string) []byte {
	code := "AccessDenied"
	switch {
	case v.Status == 400:
		code = "InvalidRequest"
	case v.Status == 405:
		code = "MethodNotAllowed"
	case v.Status == 413:
		code = "EntityTooLarge"
	case v.Status == 429 || v.Status == 503:
		code = "SlowDown"
	case v.Status >= 500:
		code = "InternalError"
	}
	return fmt.Appendf(nil, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>\n",
		code, xmlText(v.Message), xmlText(requestID))
}

// problem is a problem details object (RFC 9457).
func problem(v *detect.Verdict, requestID string) []byte {
	title := http.StatusText(v.Status)
	if title == "" {
		title = "Refused"
	}
	return fmt.Appendf(nil, `{"type":"about:blank","title":%s,"status":%d,"detail":%s,"request_id":%s}`+"\n",
		jsonString(title), v.Status, jsonString(v.Message), jsonString(requestID))
}

// xmlText escapes text for XML and HTML; what XML 1.0 cannot hold becomes a question mark.
func xmlText(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return '?'
		}
		return r
	}, s))
}

// MaxPage is how long a page may be, in bytes.
const MaxPage = 64 << 10

// Page is an operator's page for browsers. Its pieces of even number are text, those between
// them the names of placeholders.
type Page struct{ pieces []string }

// placeholders are the names that a page may have in double braces.
var placeholders = []string{"request_id", "message", "status"}

// ParsePage reads a page.
func ParsePage(text string) (*Page, error) {
	if len(text) > MaxPage {
		return nil, fmt.Errorf("%d bytes, at most %d are possible", len(text), MaxPage)
	}
	p := &Page{}
	for {
		before, rest, ok := strings.Cut(text, "{{")
		p.pieces = append(p.pieces, before)
		if !ok {
			return p, nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		name = strings.TrimSpace(name)
		known := false
		for _, n := range placeholders {
			known = known || n == name
		}
		if !closed || !known {
			return nil, fmt.Errorf("%q is no placeholder: there are {{%s}}; write two braces of a script apart", "{{"+name[:min(len(name), 40)], strings.Join(placeholders, "}}, {{"))
		}
		p.pieces = append(p.pieces, name)
		text = after
	}
}

// render fills the page in. What is filled in is escaped for text and for quoted attributes.
func (p *Page) render(v *detect.Verdict, requestID string) []byte {
	var b []byte
	for i, piece := range p.pieces {
		if i%2 == 1 {
			piece = xmlText(map[string]string{"request_id": requestID, "message": v.Message, "status": strconv.Itoa(v.Status)}[piece])
		}
		b = append(b, piece...)
	}
	return b
}
