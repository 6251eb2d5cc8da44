package main

import (
	"bufio"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kongwaf/detect"
)

// sample is the repository's own traffic: benign requests of the kinds that an API sees.
//
//go:embed sample.jsonl
var sample string

// jsonLine is one request of the scan format. Lines with a label count only if it is benign.
type jsonLine struct {
	Label   string      `json:"label"`
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"`
	Base64  []byte      `json:"body_base64"`
}

// maxRequests bounds what is read of a folder.
const maxRequests = 200_000

// load reads the benign requests of a folder's files, or the sample.
func load(folder string) ([]detect.Request, error) {
	if folder == "" {
		return read(strings.NewReader(sample), "sample.jsonl", nil)
	}
	var files []string
	for _, pattern := range []string{"*.jsonl", "*.jsonl.gz"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	var requests []detect.Request
	for _, file := range files {
		var err error
		if requests, err = readFile(file, requests); err != nil {
			return nil, err
		}
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("%s: no file *.jsonl or *.jsonl.gz with benign requests", folder)
	}
	return requests, nil
}

func readFile(file string, requests []detect.Request) ([]detect.Request, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return read(r, file, requests)
}

func read(r io.Reader, name string, requests []detect.Request) ([]detect.Request, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan() && len(requests) < maxRequests; n++ {
		var l jsonLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if l.Method == "" || l.Label != "" && l.Label != "benign" {
			continue
		}
		request := detect.Request{Method: l.Method, Target: l.Target, Proto: "HTTP/1.1", Body: []byte(l.Body)}
		if l.Base64 != nil {
			request.Body = l.Base64
		}
		for _, h := range l.Headers {
			request.Headers = append(request.Headers, detect.Header{Name: h[0], Value: h[1]})
		}
		requests = append(requests, request)
	}
	return requests, lines.Err()
}

// jsonBody returns a POST of about n bytes of ordinary JSON.
func jsonBody(n int) detect.Request {
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for i := 0; b.Len() < n; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"name":"Customer %d","email":"customer%d@example.com","active":true,"balance":%d.50,"city":"Springfield","note":"Prefers a call in the morning, pays by invoice.","created":"2026-03-14T09:26:53Z","url":"https://shop.example.com/customers/%d"}`, i, i, i, i*7, i)
	}
	b.WriteString(`]}`)
	return detect.Request{
		Method: "POST", Target: "/api/customers", Proto: "HTTP/1.1",
		Headers: []detect.Header{{Name: "Host", Value: "shop.example.com"}, {Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "example-client/1.0"}},
		Body:    []byte(b.String()),
	}
}

// arrive returns a copy of a request with its bytes side by side, as a server's buffer holds
// those that it has just read.
func arrive(r *detect.Request) *detect.Request {
	var b strings.Builder
	b.Grow(size(r))
	b.WriteString(r.Method)
	b.WriteString(r.Target)
	for _, h := range r.Headers {
		b.WriteString(h.Name)
		b.WriteString(h.Value)
	}
	rest := b.String()
	next := func(s string) (text string) {
		text, rest = rest[:len(s)], rest[len(s):]
		return text
	}
	copied := *r
	copied.Method, copied.Target = next(r.Method), next(r.Target)
	copied.Headers = make([]detect.Header, len(r.Headers))
	for i, h := range r.Headers {
		copied.Headers[i] = detect.Header{Name: next(h.Name), Value: next(h.Value)}
	}
	copied.Body = slices.Clone(r.Body)
	return &copied
}
