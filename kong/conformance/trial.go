package conformance

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kongwaf/kong/gateway/gatewaytest"
)

// patience is how long an answer may take.
const patience = 30 * time.Second

// call is one request. The zero value is a GET of the route's root.
type call struct {
	method  string   // GET if not set
	target  string   // below the route: "/x?a=1"
	headers []string // name and value in turn
	body    string
	chunked bool
	http2   bool
	// absolute sends the target in absolute form, as to a proxy.
	absolute bool
	// rest is put behind the headers as it is, before the empty line.
	rest string
}

// trial is one behaviour being tried.
type trial struct {
	target *Target
	// tenant is a fresh name for whatever is counted by X-Conformance, so that no run
	// finds what an earlier one has used up.
	tenant    string
	exchanges []string
}

// errNoHTTP2 says that the proxy cannot be asked in HTTP/2.
var errNoHTTP2 = errors.New("the proxy speaks no HTTP/2 here")

// send sends a request to a route, and returns the answer and what reached the upstream
// because of it.
func (t *trial) send(route string, c call) (*gatewaytest.Response, []gatewaytest.Received, error) {
	t.target.Upstream.Take()
	c.method = cmp.Or(c.method, http.MethodGet)
	var answer *gatewaytest.Response
	var err error
	sent := ""
	if c.http2 {
		answer, sent, err = t.sendHTTP2(route, c)
	} else {
		raw := t.wire(route, c)
		sent = string(raw)
		answer, err = t.exchange(c.method, raw)
	}
	received := t.target.Upstream.Take()
	t.exchanges = append(t.exchanges, describe(sent, answer, received, err))
	return answer, received, err
}

// wire returns the request as it stands on the wire.
func (t *trial) wire(route string, c call) []byte {
	c.method = cmp.Or(c.method, http.MethodGet)
	var b bytes.Buffer
	target := Prefix + "/" + route + c.target
	if c.absolute {
		target = "http://" + t.target.Proxy.Host + target
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", c.method, target)
	for _, h := range t.headers(c) {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("Connection: close\r\n")
	switch {
	case c.chunked:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", c.rest, len(c.body), c.body)
	case c.body != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n%s\r\n%s", len(c.body), c.rest, c.body)
	default:
		b.WriteString(c.rest + "\r\n")
	}
	return b.Bytes()
}

// headers are the call's, with a host and a tenant where it names none.
func (t *trial) headers(c call) gatewaytest.Headers {
	var out gatewaytest.Headers
	for i := 0; i+1 < len(c.headers); i += 2 {
		out = append(out, [2]string{c.headers[i], c.headers[i+1]})
	}
	if out.Get("Host") == "" {
		out = slices.Insert(out, 0, [2]string{"Host", t.target.Proxy.Host})
	}
	if out.Get("X-Conformance") == "" {
		out = append(out, [2]string{"X-Conformance", t.tenant})
	}
	return out
}

// exchange writes bytes on a connection of their own and reads one answer.
func (t *trial) exchange(method string, raw []byte) (*gatewaytest.Response, error) {
	c, err := dial(t.target.Proxy)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.Write(raw); err != nil {
		return nil, err
	}
	return gatewaytest.ReadResponse(bufio.NewReader(c), method)
}

func dial(proxy *url.URL) (net.Conn, error) {
	addr := proxy.Host
	if proxy.Port() == "" {
		addr = net.JoinHostPort(proxy.Hostname(), map[string]string{"http": "80", "https": "443"}[proxy.Scheme])
	}
	d := &net.Dialer{Timeout: patience}
	if proxy.Scheme != "https" {
		return d.Dial("tcp", addr)
	}
	return tls.DialWithDialer(d, "tcp", addr, &tls.Config{ServerName: proxy.Hostname(), InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
}

// sendHTTP2 sends a request in HTTP/2, a body without a Content-Length.
func (t *trial) sendHTTP2(route string, c call) (*gatewaytest.Response, string, error) {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(t.target.Proxy.Scheme == "https")
	protocols.SetUnencryptedHTTP2(t.target.Proxy.Scheme != "https")
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	address := t.target.Proxy.Scheme + "://" + t.target.Proxy.Host + Prefix + "/" + route + c.target
	sent := fmt.Sprintf("%s %s (HTTP/2)\n%s", c.method, address, c.body)
	var body io.Reader
	if c.body != "" {
		body = struct{ io.Reader }{strings.NewReader(c.body)} // of unknown length
	}
	request, err := http.NewRequest(c.method, address, body)
	if err != nil {
		return nil, sent, err
	}
	for _, h := range t.headers(c) {
		if h[0] != "Host" {
			request.Header.Add(h[0], h[1])
		}
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, sent, fmt.Errorf("%w: %v", errNoHTTP2, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, sent, err
	}
	out := &gatewaytest.Response{Status: answer.StatusCode, Body: string(text)}
	for name, values := range answer.Header {
		for _, v := range values {
			out.Headers = append(out.Headers, [2]string{name, v})
		}
	}
	return out, sent, nil
}

// longestShown bounds what a report shows of one message, in bytes.
const longestShown = 1200

// describe shows an exchange to a person.
func describe(sent string, answer *gatewaytest.Response, received []gatewaytest.Received, err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "request:\n%s\n", indent(sent))
	switch {
	case err != nil:
		fmt.Fprintf(&b, "answer: none: %v\n", err)
	default:
		fmt.Fprintf(&b, "answer: %d\n", answer.Status)
		var lines []string
		for _, h := range answer.Headers {
			lines = append(lines, h[0]+": "+h[1])
		}
		b.WriteString(indent(strings.Join(lines, "\n")+"\n\n"+answer.Body) + "\n")
	}
	if len(received) == 0 {
		b.WriteString("upstream: received nothing\n")
	}
	for _, r := range received {
		var lines []string
		for _, h := range r.Headers {
			lines = append(lines, h[0]+": "+h[1])
		}
		fmt.Fprintf(&b, "upstream received:\n%s\n", indent(r.Method+" "+r.Target+"\n"+strings.Join(lines, "\n")+"\n\n"+r.Body))
	}
	return b.String()
}

// indent makes a message harmless for a terminal, and sets it off.
func indent(text string) string {
	var b strings.Builder
	for i, r := range strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n") {
		if i > longestShown {
			fmt.Fprintf(&b, " ... (%d bytes)", len(text))
			break
		}
		switch {
		case r == '\n':
			b.WriteString("\n  ")
		case r < ' ' || r == 0x7f || r == '\uFFFD':
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	return "  " + b.String()
}

// brief is the first line of a body, shortened.
func brief(body string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
	if len(line) > 120 {
		line = line[:120] + "..."
	}
	return strings.TrimSpace(indent(line))
}
