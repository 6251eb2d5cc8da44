package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"kongwaf/detect"
)

// requestLine is one request of the jsonl format.
type requestLine struct {
	ID         json.RawMessage `json:"id"`
	Method     string          `json:"method"`
	Target     string          `json:"target"`
	Proto      string          `json:"proto"`
	Headers    headerList      `json:"headers"`
	Body       *string         `json:"body"`
	BodyBase64 *string         `json:"body_base64"`
	ClientIP   string          `json:"client_ip"`
}

// headerList reads headers as a list of pairs, or as an object of strings or lists.
type headerList []detect.Header

func (h *headerList) UnmarshalJSON(text []byte) error {
	var pairs [][]string
	if err := json.Unmarshal(text, &pairs); err == nil {
		for i, p := range pairs {
			if len(p) != 2 {
				return fmt.Errorf("headers[%d]: a name and a value are wanted", i)
			}
			*h = append(*h, detect.Header{Name: p[0], Value: p[1]})
		}
		return nil
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return fmt.Errorf("headers: neither a list of pairs nor an object: %w", err)
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch v := object[name].(type) {
		case string:
			*h = append(*h, detect.Header{Name: name, Value: v})
		case []any:
			for _, one := range v {
				text, ok := one.(string)
				if !ok {
					return fmt.Errorf("headers.%s: a list of strings is wanted", name)
				}
				*h = append(*h, detect.Header{Name: name, Value: text})
			}
		default:
			return fmt.Errorf("headers.%s: a string is wanted", name)
		}
	}
	return nil
}

// parseRequestLine reads one line of the jsonl format and returns the request and its id
// as JSON ("null" if it has none).
func parseRequestLine(line []byte) (*detect.Request, json.RawMessage, error) {
	var in requestLine
	if err := json.Unmarshal(line, &in); err != nil {
		if !json.Valid(line) {
			err = fmt.Errorf("not JSON: %w", err)
		}
		return nil, nil, err
	}
	if in.Target == "" {
		return nil, nil, fmt.Errorf("target is missing")
	}
	r := &detect.Request{Method: in.Method, Target: in.Target, Proto: in.Proto, Headers: in.Headers}
	if r.Method == "" {
		r.Method = "GET"
	}
	if r.Proto == "" {
		r.Proto = "HTTP/1.1"
	}
	switch {
	case in.Body != nil && in.BodyBase64 != nil && *in.Body != "" && *in.BodyBase64 != "":
		return nil, nil, fmt.Errorf("body and body_base64 exclude each other")
	case in.BodyBase64 != nil && *in.BodyBase64 != "":
		raw, err := base64.StdEncoding.DecodeString(*in.BodyBase64)
		if err != nil {
			return nil, nil, fmt.Errorf("body_base64: %w", err)
		}
		r.Body = raw
	case in.Body != nil:
		r.Body = []byte(*in.Body)
	}
	if in.ClientIP != "" {
		ip, err := netip.ParseAddr(in.ClientIP)
		if err != nil {
			return nil, nil, fmt.Errorf("client_ip: %w", err)
		}
		r.ClientIP = ip
	}
	if in.ID == nil {
		in.ID = json.RawMessage("null")
	}
	return r, in.ID, nil
}
