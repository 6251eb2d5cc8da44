// Package respond carries a verdict out: the changes to the request and the answer in the
// fewest calls, and a refusal in the form that the client asked for.
package respond

import (
	"slices"
	"strconv"
	"strings"

	"github.com/Kong/go-pdk"
	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/raw"
)

// unexpected is Kong's own text for an event that failed.
const unexpected = "An unexpected error occurred"

// Allow carries the effects of an allowing verdict out. Each is one call without an answer,
// so with our server they all travel with the end of the event.
func Allow(kong raw.Kong, effects *detect.Effects) error {
	if id := effects.Identity; id != nil {
		if err := send(kong, "kong.client.authenticate", authenticateArgs(id)); err != nil {
			return err
		}
	}
	if edits := headerEdits(&effects.Upstream); len(edits) > 0 {
		if err := send(kong, "kong.service.request.set_headers", edits); err != nil {
			return err
		}
	}
	if effects.Query != nil {
		if err := send(kong, "kong.service.request.set_raw_query", raw.String(*effects.Query)); err != nil {
			return err
		}
	}
	if effects.UpstreamBody != nil {
		if err := send(kong, "kong.service.request.set_raw_body", raw.String(string(effects.UpstreamBody))); err != nil {
			return err
		}
	}
	if edits := headerEdits(&effects.Response); len(edits) > 0 {
		return send(kong, "kong.response.set_headers", edits)
	}
	return nil
}

// Refuse answers the client as the verdict says, in the forms that answer has, and ends the
// event. The plugin must return at once after it.
func Refuse(kong raw.Kong, v *detect.Verdict, client facts.Client, answer *Answer) {
	headers := make(map[string][]string, len(v.Response.Set)+2)
	for _, h := range v.Response.Set {
		headers[h.Name] = append(headers[h.Name], h.Value)
	}
	if isGRPC(client) {
		// A refusal without a body, the status in headers: a "Trailers-Only" answer
		// (gRPC over HTTP/2, "Responses").
		headers["Content-Type"] = []string{"application/grpc"}
		headers["grpc-status"] = []string{strconv.Itoa(grpcStatus(v))}
		headers["grpc-message"] = []string{grpcMessage(v.Message)}
		exit(kong, 200, nil, headers)
		return
	}
	body, contentType := v.Body, v.ContentType
	if contentType == "" {
		var header *detect.Header
		if body, contentType, header = answer.body(v, &client); header != nil {
			headers[header.Name] = []string{header.Value}
		}
	}
	headers["Content-Type"] = []string{contentType}
	exit(kong, v.Status, body, headers)
}

// ServerError answers the client with the status 500 and Kong's own text for it: what a
// request gets that could not be judged, where the failure policy is to deny.
func ServerError(pdk *pdk.PDK) {
	kong := raw.PDK(pdk)
	f, err := facts.Read(kong, facts.Need{}, &facts.Packed{}, 0)
	if err != nil {
		return
	}
	v := ServerErrorVerdict()
	Refuse(kong, &v, f.Client(), nil)
}

// ServerErrorVerdict is the verdict behind ServerError.
func ServerErrorVerdict() detect.Verdict {
	return detect.Verdict{Denied: true, Status: 500, GRPC: grpcInternal, Message: unexpected, Reason: "failed"}
}

func send(kong raw.Kong, method string, args []byte) error {
	_, err := kong.Ask(method, args)
	return err
}

// exit sends kong.response.exit and closes the event's conversation, as go-pdk's Exit does.
// Kong never answers it.
func exit(kong raw.Kong, status int, body []byte, headers map[string][]string) {
	const (
		exitStatus  = 1
		exitBody    = 2
		exitHeaders = 3
	)
	args := protowire.AppendVarint(protowire.AppendTag(nil, exitStatus, protowire.VarintType), uint64(status))
	if len(body) > 0 {
		args = raw.AppendBytes(args, exitBody, string(body))
	}
	args = raw.AppendBytes(args, exitHeaders, string(raw.Headers(headers)))
	_ = send(kong, "kong.response.exit", args)
	_ = kong.Close()
}

func headerEdits(edits *detect.HeaderEdits) []byte {
	if len(edits.Set)+len(edits.Clear) == 0 {
		return nil
	}
	args := make([]byte, 0, 64*(len(edits.Set)+len(edits.Clear)))
	for i, h := range edits.Set {
		if slices.ContainsFunc(edits.Set[:i], func(o detect.Header) bool { return detect.EqualFold(o.Name, h.Name) }) {
			continue
		}
		var few [4]string
		values := few[:0]
		for _, other := range edits.Set[i:] {
			if detect.EqualFold(other.Name, h.Name) {
				values = append(values, other.Value)
			}
		}
		args = raw.AppendHeader(args, h.Name, values...)
	}
	for _, name := range edits.Clear {
		args = raw.AppendHeader(args, name)
	}
	return args
}

func authenticateArgs(id *detect.Identity) []byte {
	c := &id.Consumer
	var consumer []byte
	if c.ID != "" {
		consumer = raw.AppendBytes(consumer, 1, c.ID)
		consumer = protowire.AppendVarint(protowire.AppendTag(consumer, 2, protowire.VarintType), uint64(c.CreatedAt))
		// Fields left out reach later plugins as empty strings, so empty ones are left out.
		for _, field := range []struct {
			number protowire.Number
			text   string
		}{{3, c.Username}, {4, c.CustomID}} {
			if field.text != "" {
				consumer = raw.AppendBytes(consumer, field.number, field.text)
			}
		}
		for _, tag := range c.Tags {
			consumer = raw.AppendBytes(consumer, 5, tag)
		}
	}
	var args []byte
	if consumer != nil {
		args = raw.AppendBytes(args, 1, string(consumer))
	}
	if id.Credential != "" {
		credential := raw.AppendBytes(nil, 1, id.Credential)
		credential = raw.AppendBytes(credential, 2, c.ID)
		args = raw.AppendBytes(args, 2, string(credential))
	}
	return args
}

// isGRPC reports whether the client speaks gRPC, which exists only over HTTP/2.
func isGRPC(c facts.Client) bool {
	return strings.HasPrefix(c.Proto, "HTTP/2") && strings.HasPrefix(c.ContentType, "application/grpc")
}

// gRPC status codes (grpc/doc/statuscodes.md).
const (
	grpcUnknown           = 2
	grpcInvalidArgument   = 3
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcInternal          = 13
	grpcUnavailable       = 14
	grpcUnauthenticated   = 16
)

func grpcStatus(v *detect.Verdict) int {
	if v.GRPC != 0 {
		return v.GRPC
	}
	switch v.Status {
	case 400:
		return grpcInvalidArgument
	case 401:
		return grpcUnauthenticated
	case 403:
		return grpcPermissionDenied
	case 429, 413:
		return grpcResourceExhausted
	case 500:
		return grpcInternal
	case 502, 503, 504:
		return grpcUnavailable
	}
	return grpcUnknown
}

// grpcMessage percent-encodes a status message (gRPC over HTTP/2, "Percent-Encoded").
func grpcMessage(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
