package gatewaytest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// patience is how long a test waits for an answer.
const patience = 30 * time.Second

// Headers are header lines in their order, as they were sent.
type Headers [][2]string

// Get returns the first value of a header, "" without one.
func (h Headers) Get(name string) string {
	for _, l := range h {
		if strings.EqualFold(l[0], name) {
			return l[1]
		}
	}
	return ""
}

// Values returns all values of a header.
func (h Headers) Values(name string) []string {
	var out []string
	for _, l := range h {
		if strings.EqualFold(l[0], name) {
			out = append(out, l[1])
		}
	}
	return out
}

// Response is what a client received.
type Response struct {
	Status  int
	Headers Headers
	Body    string
}

// Request is a request as it stands on the wire.
type Request struct {
	Method  string
	Target  string
	Headers Headers // a Host must be among them; Content-Length is not added
	Body    string
}

// Bytes returns the request's wire form.
func (r Request) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, r.Target)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n" + r.Body)
	return b.Bytes()
}

// Send writes raw to addr on a connection of its own and reads one response. method is the
// request's, because the answer to HEAD has no body.
func Send(addr, method string, raw []byte) (*Response, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(raw); err != nil {
		return nil, err
	}
	return ReadResponse(bufio.NewReader(c), method)
}

// ReadResponse reads one response. Interim ones (1xx) are skipped.
func ReadResponse(br *bufio.Reader, method string) (*Response, error) {
	for {
		first, headers, err := readHead(br)
		if err != nil {
			return nil, err
		}
		parts := strings.SplitN(first, " ", 3)
		if len(parts) < 2 || !strings.HasPrefix(parts[0], "HTTP/1.") {
			return nil, fmt.Errorf("malformed status line %q", first)
		}
		r := &Response{Headers: headers}
		if r.Status, err = strconv.Atoi(parts[1]); err != nil {
			return nil, err
		}
		if r.Status >= 200 || r.Status == 101 {
			return r, r.readBody(br, method)
		}
	}
}

func (r *Response) readBody(br *bufio.Reader, method string) error {
	if method == "HEAD" || r.Status == 204 || r.Status == 304 || r.Status == 101 {
		return nil
	}
	var body []byte
	var err error
	if strings.EqualFold(r.Headers.Get("Transfer-Encoding"), "chunked") {
		body, err = io.ReadAll(httputil.NewChunkedReader(br))
		if err == nil {
			_, err = textproto.NewReader(br).ReadMIMEHeader()
		}
	} else if v := r.Headers.Get("Content-Length"); v != "" {
		var n int
		if n, err = strconv.Atoi(v); err == nil {
			body = make([]byte, n)
			_, err = io.ReadFull(br, body)
		}
	} else {
		body, err = io.ReadAll(br)
	}
	r.Body = string(body)
	return err
}

// readHead reads the first line and the header lines of a message.
func readHead(br *bufio.Reader) (first string, headers Headers, err error) {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return "", nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "" && first != "":
			return first, headers, nil
		case line == "":
			return "", nil, errors.New("empty line instead of a message")
		case first == "":
			first = line
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return "", nil, fmt.Errorf("malformed header line %q", line)
			}
			headers = append(headers, [2]string{name, strings.Trim(value, " \t")})
		}
	}
}
