package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"kongwaf/detect"
)

// reader reads items in one format and hands each to emit, which reports false when
// nobody wants more. What cannot be read becomes an item with an error; reader itself
// returns an error only if the input ends early.
type reader func(in *bufio.Reader, emit func(*item) bool) error

// formats are the input formats by name.
var formats = map[string]reader{
	"jsonl":  readJSONLines,
	"values": readValues,
	"http":   readRawHTTP,
	"har":    readHAR,
	"access": readAccessLog,
}

func formatNames() []string { return []string{"jsonl", "values", "http", "har", "access"} }

// eachLine calls visit with each line, without its end, and its number from 1. A line
// longer than maxLine is skipped and reported as an item with an error.
func eachLine(in *bufio.Reader, emit func(*item) bool, visit func(line []byte, number int) *item) error {
	for number := 1; ; number++ {
		var line []byte
		var err error
		for {
			var part []byte
			part, err = in.ReadSlice('\n')
			if len(line) <= maxLine {
				line = append(line, part...)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", number, err)
		}
		last := err != nil
		if len(line) > maxLine {
			if !emit(&item{err: fmt.Errorf("line %d: longer than %d bytes", number, maxLine)}) {
				return nil
			}
		} else {
			line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
			if len(line) > 0 {
				it := visit(line, number)
				if it.err != nil {
					it.err = fmt.Errorf("line %d: %w", number, it.err)
				}
				if !emit(it) {
					return nil
				}
			}
		}
		if last {
			return nil
		}
	}
}

func readJSONLines(in *bufio.Reader, emit func(*item) bool) error {
	return eachLine(in, emit, func(line []byte, _ int) *item {
		r, id, err := parseRequestLine(line)
		return &item{id: id, request: r, err: err}
	})
}

func readValues(in *bufio.Reader, emit func(*item) bool) error {
	return eachLine(in, emit, func(line []byte, number int) *item {
		return &item{id: numberID(number), request: queryShape(string(line))}
	})
}

func numberID(n int) json.RawMessage { return json.RawMessage(strconv.Itoa(n)) }

// readRawHTTP reads HTTP/1 requests as they go over the wire, one after the other. A body
// is as long as Content-Length says, or chunked; without either there is none. Bare line
// feeds are accepted, since editors make them.
func readRawHTTP(in *bufio.Reader, emit func(*item) bool) error {
	for number := 1; ; number++ {
		r, err := readRawRequest(in)
		if errors.Is(err, io.EOF) && r == nil {
			return nil
		}
		it := &item{id: numberID(number), request: r}
		if err != nil {
			it.err = fmt.Errorf("request %d: %w", number, err)
		}
		// After a broken request nobody can tell where the next begins.
		if !emit(it) || err != nil {
			return nil
		}
	}
}

// readRawRequest reads one request; nil and io.EOF at the end of the input.
func readRawRequest(in *bufio.Reader) (*detect.Request, error) {
	line := ""
	for line == "" { // blank lines between requests
		var err error
		if line, err = readHTTPLine(in); err != nil {
			return nil, err
		}
	}
	method, rest, ok := strings.Cut(line, " ")
	if !ok {
		return &detect.Request{}, fmt.Errorf("%q is not a request line", clip(line, 80))
	}
	// The target may hold blanks: everything up to the version belongs to it.
	target, proto := rest, ""
	if i := strings.LastIndex(rest, " HTTP/"); i >= 0 {
		target, proto = rest[:i], rest[i+1:]
	}
	r := &detect.Request{Method: method, Target: target, Proto: proto}
	for {
		line, err := readHTTPLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return r, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		r.Headers = append(r.Headers, detect.Header{Name: name, Value: strings.Trim(value, " \t")})
	}
	return r, readRawBody(in, r)
}

func readRawBody(in *bufio.Reader, r *detect.Request) error {
	if te, ok := r.Header("Transfer-Encoding"); ok && strings.Contains(strings.ToLower(te), "chunked") {
		return readChunks(in, r)
	}
	length, ok := r.Header("Content-Length")
	if !ok {
		return nil
	}
	n, err := strconv.ParseUint(strings.TrimSpace(length), 10, 63)
	if err != nil {
		return fmt.Errorf("content-length %q is not a number", clip(length, 40))
	}
	if n > maxLine {
		return fmt.Errorf("the body is longer than %d bytes", maxLine)
	}
	body, err := io.ReadAll(io.LimitReader(in, int64(n)))
	r.Body = body
	if err == nil && uint64(len(body)) < n {
		r.BodyTruncated = true // judged all the same
	}
	return err
}

func readChunks(in *bufio.Reader, r *detect.Request) error {
	for {
		line, err := readHTTPLine(in)
		if err != nil {
			return fmt.Errorf("chunked body: %w", err)
		}
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 31)
		if err != nil {
			return fmt.Errorf("chunked body: %q is not a length", clip(size, 40))
		}
		if len(r.Body)+int(n) > maxLine {
			return fmt.Errorf("the body is longer than %d bytes", maxLine)
		}
		if n == 0 {
			for { // trailers
				line, err := readHTTPLine(in)
				if err != nil || line == "" {
					return nil
				}
			}
		}
		chunk, err := io.ReadAll(io.LimitReader(in, int64(n)))
		r.Body = append(r.Body, chunk...)
		if err != nil {
			return err
		}
		if _, err := readHTTPLine(in); err != nil {
			return nil // the input ends with the chunk
		}
	}
}

// readHTTPLine reads a line of at most 1 MiB and returns it without its end; io.EOF only
// with an empty line.
func readHTTPLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > 1<<20 {
			return "", errors.New("a header line is longer than 1 MiB")
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
			return "", err
		}
		return text, nil
	}
}

// harFile is the part of an HTTP archive that matters here (HAR 1.2, sections log, entries, request).
type harFile struct {
	Log struct {
		Entries []struct {
			Request struct {
				Method      string
				URL         string
				HTTPVersion string
				Headers     []struct{ Name, Value string }
				PostData    *struct {
					MimeType string
					Text     string
					Encoding string
				}
			}
		}
	}
}

func readHAR(in *bufio.Reader, emit func(*item) bool) error {
	var har harFile
	if err := json.NewDecoder(in).Decode(&har); err != nil {
		return fmt.Errorf("har: %w", err)
	}
	for i := range har.Log.Entries {
		own := &har.Log.Entries[i].Request
		it := &item{id: numberID(i + 1)}
		r := &detect.Request{Method: own.Method, Target: harTarget(own.URL), Proto: strings.ToUpper(own.HTTPVersion)}
		for _, h := range own.Headers {
			if !strings.HasPrefix(h.Name, ":") { // HTTP/2 pseudo headers
				r.Headers = append(r.Headers, detect.Header{Name: h.Name, Value: h.Value})
			}
		}
		if p := own.PostData; p != nil {
			r.Body = []byte(p.Text)
			if p.Encoding == "base64" {
				raw, err := base64.StdEncoding.DecodeString(p.Text)
				if err != nil {
					it.err = fmt.Errorf("entry %d: postData: %w", i+1, err)
				}
				r.Body = raw
			}
			if _, ok := r.Header("Content-Type"); !ok && p.MimeType != "" {
				r.Headers = append(r.Headers, detect.Header{Name: "Content-Type", Value: p.MimeType})
			}
		}
		it.request = r
		if !emit(it) {
			return nil
		}
	}
	return nil
}

// harTarget returns the path and query of a URL as they were sent.
func harTarget(full string) string {
	_, rest, ok := strings.Cut(full, "://")
	if !ok {
		return full
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[i:]
		if rest[0] == '?' {
			rest = "/" + rest
		}
		rest, _, _ = strings.Cut(rest, "#")
		return rest
	}
	return "/"
}

// readAccessLog reads lines of nginx's "combined" or Apache's "common" form:
// address - user [time] "request" status size "referer" "user agent".
func readAccessLog(in *bufio.Reader, emit func(*item) bool) error {
	return eachLine(in, emit, func(line []byte, number int) *item {
		r, err := parseAccessLine(string(line))
		return &item{id: numberID(number), request: r, err: err}
	})
}

func parseAccessLine(line string) (*detect.Request, error) {
	address, rest, _ := strings.Cut(line, " ")
	quoted := quotedFields(rest)
	if len(quoted) == 0 {
		return nil, errors.New("no quoted request: not an access log line")
	}
	method, target, ok := strings.Cut(quoted[0], " ")
	if !ok {
		// What is no request line at all ("-", bytes of TLS) is judged as a target.
		method, target = "GET", quoted[0]
	}
	r := &detect.Request{Method: method, Target: target}
	if i := strings.LastIndex(target, " HTTP/"); i >= 0 {
		r.Target, r.Proto = target[:i], target[i+1:]
	}
	for i, name := range []string{"Referer", "User-Agent"} {
		if i+1 < len(quoted) && quoted[i+1] != "-" && quoted[i+1] != "" {
			r.Headers = append(r.Headers, detect.Header{Name: name, Value: quoted[i+1]})
		}
	}
	if ip, err := netip.ParseAddr(address); err == nil {
		r.ClientIP = ip
	}
	return r, nil
}

// quotedFields returns the fields in double quotes, with nginx's \xHH and Apache's \" undone.
func quotedFields(s string) []string {
	var fields []string
	for {
		start := strings.IndexByte(s, '"')
		if start < 0 {
			return fields
		}
		s = s[start+1:]
		var field []byte
		i := 0
		for i < len(s) && s[i] != '"' {
			if s[i] == '\\' && i+1 < len(s) {
				if s[i+1] == 'x' && i+3 < len(s) {
					if b, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
						field = append(field, byte(b))
						i += 4
						continue
					}
				}
				if s[i+1] == '"' || s[i+1] == '\\' {
					field = append(field, s[i+1])
					i += 2
					continue
				}
			}
			field = append(field, s[i])
			i++
		}
		fields = append(fields, string(field))
		if i >= len(s) {
			return fields
		}
		s = s[i+1:]
	}
}
