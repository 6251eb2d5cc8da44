package gateway

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// nginx's bounds: large_client_header_buffers 4 8k behind a first buffer of 1k.
const (
	maxLine  = 8 << 10
	maxHead  = 33 << 10
	maxField = 1 << 20 // of an upstream's answer in all
)

// badRequest is a request that nginx answers by itself.
type badRequest struct {
	status  int
	message string
	reason  string
}

func (e *badRequest) Error() string { return e.reason }

func bad(format string, args ...any) error {
	return &badRequest{400, msgBadRequest, fmt.Sprintf(format, args...)}
}

var errLineTooLong = errors.New("line too long")

// readLine reads up to and without LF or CR LF. left bounds it and is lowered.
func readLine(br *bufio.Reader, max int, left *int) (string, error) {
	line, err := readRawLine(br, max, left)
	return string(withoutEnd(line)), err
}

// readRawLine is readLine with the line's end.
func readRawLine(br *bufio.Reader, max int, left *int) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		*left -= len(part)
		if len(line) > max || *left < 0 {
			return nil, errLineTooLong
		}
		if err == nil {
			return line, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

func withoutEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// readRequest reads the head of an HTTP/1 request as nginx does: bytes are kept as they
// are, header lines with a name that nginx calls invalid are dropped, and what nginx
// refuses is a *badRequest. Any other error means that the connection is over.
func readRequest(br *bufio.Reader) (*request, error) {
	left := maxHead
	req := &request{major: 1}
	line := ""
	for line == "" { // nginx skips empty lines before a request
		raw, err := readRawLine(br, maxLine, &left)
		if err != nil {
			if errors.Is(err, errLineTooLong) {
				return req, &badRequest{414, msgURITooLong, "request line too long"}
			}
			return nil, err
		}
		line, req.head = string(withoutEnd(raw)), raw
	}
	if err := req.parseLine(line); err != nil {
		return req, err
	}
	if err := req.readHeaders(br, &left); err != nil {
		return req, err
	}
	req.length = maxHead - left
	return req, req.checkHeaders()
}

func (req *request) parseLine(line string) error {
	req.line = line
	method, rest, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if !ok || !ok2 {
		return bad("malformed request line")
	}
	version = strings.Trim(version, " ")
	if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != "" {
		return bad("invalid method")
	}
	switch version {
	case "HTTP/1.1":
		req.minor = 1
	case "HTTP/1.0":
	default:
		if strings.HasPrefix(version, "HTTP/") && !strings.HasPrefix(version, "HTTP/1.") {
			return &badRequest{505, "HTTP version not supported", "unsupported version"}
		}
		return bad("malformed HTTP version")
	}
	req.method = method
	switch method {
	case "TRACE", "CONNECT":
		return &badRequest{405, msgNotAllowed, "method not allowed"}
	}
	for i := range len(target) {
		if target[i] < 0x20 || target[i] == 0x7f {
			return bad("control character in the target")
		}
	}
	if !strings.HasPrefix(target, "/") { // absolute form
		scheme, authority, ok := strings.Cut(target, "://")
		if !ok || scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
			return bad("invalid target")
		}
		end := strings.IndexAny(authority, "/?#")
		if end < 0 {
			end = len(authority)
		}
		req.host = authority[:end]
		if target = authority[end:]; !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
		if req.host == "" {
			return bad("invalid target")
		}
	}
	req.setTarget(target)
	if badPath(req.path()) {
		return bad("invalid path")
	}
	return nil
}

func (req *request) readHeaders(br *bufio.Reader, left *int) error {
	for {
		raw, err := readRawLine(br, maxLine, left)
		if errors.Is(err, errLineTooLong) {
			return &badRequest{400, msgHeaderTooBig, "header too long"}
		}
		if err != nil {
			return err
		}
		req.head = append(req.head, raw...)
		line := string(withoutEnd(raw))
		if line == "" {
			return nil
		}
		h, ok, err := parseField(line)
		if err != nil {
			return err
		}
		if ok {
			req.headers = append(req.headers, h)
		}
	}
}

// parseField reads one header line. ok is false for a line that nginx ignores: a name with
// other characters than letters, digits, "-" and "_".
func parseField(line string) (h field, ok bool, err error) {
	name, value, _ := strings.Cut(line, ":") // a line without a colon is a name alone
	if name == "" {
		return h, false, bad("header line without a name")
	}
	ok = true
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		case c <= 0x20 || c == 0x7f:
			return h, false, bad("invalid character in a header's name")
		default:
			ok = false
		}
	}
	value = strings.Trim(value, " ")
	if strings.ContainsAny(value, "\x00\r") {
		return h, false, bad("invalid character in a header's value")
	}
	return field{name, value}, ok, nil
}

// checkHeaders refuses what is ambiguous, by nginx's rules.
func (req *request) checkHeaders() error {
	hosts := req.headers.values("Host")
	if len(hosts) > 1 || len(hosts) == 0 && req.minor == 1 {
		return bad("not exactly one Host header")
	}
	if len(hosts) == 1 {
		if strings.ContainsAny(hosts[0], "/\x00 ") {
			return bad("invalid Host header")
		}
		if req.host == "" {
			req.host = hosts[0]
		}
	}
	req.host, _, _ = splitPort(strings.ToLower(req.host))
	lengths, codings := req.headers.values("Content-Length"), req.headers.values("Transfer-Encoding")
	if len(lengths) > 1 || len(codings) > 1 || len(lengths)+len(codings) > 1 {
		return bad("more than one Content-Length or Transfer-Encoding")
	}
	if len(codings) == 1 && (req.minor == 0 || !strings.EqualFold(codings[0], "chunked")) {
		if req.minor == 0 {
			return bad("Transfer-Encoding in HTTP/1.0")
		}
		return &badRequest{501, msgNotImpl, "unknown Transfer-Encoding"}
	}
	if len(lengths) == 1 {
		if _, err := parseLength(lengths[0]); err != nil {
			return bad("invalid Content-Length")
		}
	}
	return nil
}

func parseLength(s string) (int64, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, errors.New("not a number")
	}
	return strconv.ParseInt(s, 10, 64)
}

// requestBody returns the reader of a request's body, nil for none, and the declared
// length, -1 for none.
func requestBody(br *bufio.Reader, headers fields) (io.Reader, int64) {
	if headers.has("Transfer-Encoding") {
		return &chunkedReader{br: br}, -1
	}
	v, ok := headers.get("Content-Length")
	if !ok {
		return nil, -1
	}
	n, err := parseLength(v)
	if err != nil || n == 0 {
		return nil, 0
	}
	return &exactReader{r: br, left: n}, n
}

// exactReader reads left bytes; an earlier end is an error.
type exactReader struct {
	r    io.Reader
	left int64
}

func (e *exactReader) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = errBodyCut
	}
	return n, err
}

// chunkedReader decodes a chunked body (RFC 9112 section 7.1) and reads its trailer away.
type chunkedReader struct {
	br   *bufio.Reader
	left int64 // of the current chunk
	open bool  // a chunk's data has begun: its line end is due
	raw  int64 // bytes taken from br
	err  error
}

func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.br.Read(p)
	c.left -= int64(n)
	c.raw += int64(n)
	if err == io.EOF {
		err = errBodyCut
	}
	c.err = err
	return n, err
}

// next reads on to the data of the next chunk. io.EOF is the end of the body.
func (c *chunkedReader) next() error {
	if c.open {
		if line, err := c.line(); err != nil || line != "" {
			return cmp.Or(err, error(errChunk))
		}
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	size = strings.TrimRight(size, " \t")
	if size == "" || len(size) > 15 || strings.Trim(strings.ToLower(size), "0123456789abcdef") != "" {
		return errChunk
	}
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil {
		return err
	}
	c.open = true
	if c.left > 0 {
		return nil
	}
	for total := 0; total < maxHead; total += len(line) + 2 {
		if line, err = c.line(); err != nil {
			return err
		}
		if line == "" {
			return io.EOF
		}
	}
	return errChunk
}

var errChunk = errors.New("malformed chunk")

func (c *chunkedReader) line() (string, error) {
	left := maxLine
	line, err := readLine(c.br, maxLine, &left)
	c.raw += int64(maxLine - left)
	if err == io.EOF {
		err = errBodyCut
	}
	return line, err
}
