// Package facts asks Kong what a check needs to know about a request, all at once, and
// reads the answers tolerantly: as bytes, so that no header, path or query is ever unseen
// because of one byte that is not UTF-8.
package facts

import (
	"fmt"
	"net/netip"

	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/detect"
	"kongwaf/detect/reputation"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/raw"
)

// Facts are what is known about the request of one event. They belong to that event's
// goroutine.
type Facts struct {
	// Request holds what Need asked for: the request line's parts, the headers, the body.
	Request detect.Request
	// ClientIP and PeerIP are the addresses as Kong wrote them.
	ClientIP, PeerIP string
	// Consumer and Credential are whom the request is authenticated as so far: by an
	// earlier plugin, or by an earlier check of the same event.
	Consumer   detect.Consumer
	Credential string
	// Key is the API key behind that, where an earlier check of the same event found it.
	Key detect.Key
	// Path is the decoded, normalised path; ServiceID the service's id.
	Path, ServiceID string
	// RequestID is the id that Kong gave the request, if it came for free; see Packed.
	RequestID string
	// Standing is what is known of the client, where the check that runs looks at it.
	Standing reputation.Standing
	// BodyErr says why the body could not be read; the Request's Body is empty then.
	BodyErr error

	need    Need
	packed  *Packed
	header  string          // the value of need.Header
	sent    string          // the head from the variable, as long as nobody has read it
	askedID bool            // for the request id
	asSent  bool            // Request.Headers are the client's; Kong was not asked for its own
	current []detect.Header // Kong's own; nil if it was not asked
	kong    raw.Kong
	held    held
}

// Read asks Kong for the facts of the need. An error means that a fact is missing and the
// event cannot be judged. The caller closes the facts when it is done with them.
func Read(kong raw.Kong, need Need, packed *Packed, maxBody int) (*Facts, error) {
	f := &Facts{kong: kong, need: need.closed(), packed: packed}
	if err := f.read(); err != nil {
		return f, err
	}
	if need.Kinds&Body != 0 && f.mayHaveBody() {
		if maxBody <= 0 {
			maxBody = DefaultMaxBody
		}
		f.readBody(maxBody)
	}
	return f, nil
}

func (f *Facts) read() error {
	kinds, lines, err := f.readPacked(f.need.Kinds)
	if err != nil {
		return err
	}
	if kinds&RequestLine != 0 {
		reply, err := f.ask(callRequestLine)
		if err != nil {
			return err
		}
		f.Request.Method, f.Request.Target, f.Request.Proto = splitRequestLine(raw.Text(reply))
	}
	if kinds&Headers != 0 {
		headers, truncated, err := f.askHeaders()
		if err != nil {
			return err
		}
		f.current = headers
		f.Request.Headers, f.Request.HeadersTruncated = union(headers, lines), truncated
	}
	for _, text := range []struct {
		kind Kind
		call wire.Call
		into *string
	}{
		{ClientIP, callClientIP, &f.ClientIP}, {PeerIP, callPeerIP, &f.PeerIP}, {Path, callPath, &f.Path},
	} {
		if kinds&text.kind == 0 {
			continue
		}
		reply, err := f.ask(text.call)
		if err != nil {
			return err
		}
		*text.into = raw.Text(reply)
	}
	f.Request.ClientIP = ParseIP(f.ClientIP)
	if kinds&Consumer != 0 {
		reply, err := f.ask(callConsumer)
		if err != nil {
			return err
		}
		f.Consumer = parseConsumer(reply)
	}
	if kinds&Credential != 0 && !f.consumerSuffices() {
		reply, err := f.ask(callCredential)
		if err != nil {
			return err
		}
		f.Credential = raw.Text(reply)
	}
	if kinds&Service != 0 {
		reply, err := f.ask(callService)
		if err != nil {
			return err
		}
		f.ServiceID = raw.Text(reply)
	}
	if f.headerAsked() {
		reply, err := f.ask(callHeader(f.need.Header))
		if err != nil {
			return err
		}
		f.header = raw.Text(reply)
	}
	return nil
}

func (f *Facts) ask(call wire.Call) (string, error) {
	reply, err := f.kong.Ask(call.Method, call.Args)
	if err != nil {
		return "", fmt.Errorf("asking Kong for %s: %w", call.Method, err)
	}
	return reply, nil
}

// consumerSuffices reports whether the credential is wanted of requests without a consumer
// only, and this one has a consumer.
func (f *Facts) consumerSuffices() bool {
	if f.need.Callers == nil {
		return false
	}
	if f.Consumer.ID == "" {
		f.need.Callers.learn(callersUnknown)
		return false
	}
	f.need.Callers.learn(callersKnown)
	return true
}

// askHeaders asks Kong for the headers as they are now.
func (f *Facts) askHeaders() (headers []detect.Header, truncated bool, err error) {
	reply, err := f.ask(callHeaders)
	if err != nil {
		return nil, false, err
	}
	headers, entries, ok := parseHeaders(reply)
	if !ok {
		return nil, false, fmt.Errorf("the answer of Kong to %s is malformed", callHeaders.Method)
	}
	return headers, entries >= maxHeaders, nil
}

// Current returns the headers as Kong has them now, with what plugins have changed that ran
// before. Kong is asked if it was not, once. Of more than a thousand headers only the first
// are returned.
func (f *Facts) Current() ([]detect.Header, error) {
	if f.current == nil {
		headers, _, err := f.askHeaders()
		if err != nil {
			return nil, err
		}
		f.current = headers
	}
	return f.current, nil
}

// Line makes sure of the request line: Kong is asked if it was not.
func (f *Facts) Line() error {
	if f.sent != "" {
		f.readSent()
	}
	if f.need.Kinds&RequestLine != 0 {
		return nil
	}
	reply, err := f.ask(callRequestLine)
	if err != nil {
		return err
	}
	f.Request.Method, f.Request.Target, f.Request.Proto = splitRequestLine(raw.Text(reply))
	f.need.Kinds |= RequestLine
	return nil
}

// AsSent reports whether Request.Headers are what the client sent, to the last line, and so
// may differ from Current.
func (f *Facts) AsSent() bool { return f.asSent }

// AllHeaders reports whether Request.Headers hold every header of the request.
func (f *Facts) AllHeaders() bool {
	return f.need.Kinds&Headers != 0 && !f.Request.HeadersTruncated
}

// Header returns the first value of a request header: need.Header as it is now, others as
// they are in Request.Headers.
func (f *Facts) Header(name string) string {
	if f.headerAsked() && detect.EqualFold(name, f.need.Header) {
		return f.header
	}
	if f.need.Kinds&Headers != 0 {
		value, _ := f.Request.Header(name)
		return value
	}
	return ""
}

// headerAsked reports whether need.Header was asked for by its name: the headers that the
// client sent do not tell what an earlier plugin has made of it.
func (f *Facts) headerAsked() bool {
	return f.need.Header != "" && (f.asSent || f.need.Kinds&Headers == 0)
}

// LoadConsumer asks Kong for a consumer by its id or username; ok is false if there is none.
func (f *Facts) LoadConsumer(idOrUsername string) (consumer detect.Consumer, ok bool, err error) {
	args := raw.AppendBytes(nil, 1, idOrUsername)
	args = protowire.AppendVarint(protowire.AppendTag(args, 2, protowire.VarintType), 1)
	reply, err := f.ask(wire.Call{Method: "kong.client.load_consumer", Args: args})
	if err != nil {
		return detect.Consumer{}, false, err
	}
	consumer = parseConsumer(reply)
	return consumer, consumer.ID != "", nil
}

// Client is what a refusal must know of the client that it answers.
type Client struct {
	RequestID   string
	Accept      string
	ContentType string
	Proto       string
	// Target and Headers are the request's, as far as the check asked for them.
	Target  string
	Headers []detect.Header
}

// Header returns the first value of a header, and whether there is one.
func (c *Client) Header(name string) (string, bool) {
	return (&detect.Request{Headers: c.Headers}).Header(name)
}

// Client asks for what a refusal needs and the facts do not have yet. What cannot be
// learnt stays empty: a refusal is never held up by it.
func (f *Facts) Client() Client {
	if f.sent != "" {
		f.readSent()
	}
	c := Client{RequestID: f.requestID(), Proto: f.Request.Proto, Target: f.Request.Target, Headers: f.Request.Headers}
	if f.need.Kinds&RequestLine == 0 {
		_, _, c.Proto = splitRequestLine(f.optional(callRequestLine))
	}
	if f.need.Kinds&Headers != 0 {
		c.Accept, c.ContentType = f.Header("accept"), f.Header("content-type")
	} else {
		c.Accept, c.ContentType = f.optional(callAccept), f.optional(callContentType)
	}
	return c
}

// requestID returns the request's id, asked for once if it did not come for free.
func (f *Facts) requestID() string {
	if f.RequestID == "" && !f.askedID {
		f.RequestID, f.askedID = f.optional(callRequestID), true
	}
	return f.RequestID
}

func (f *Facts) optional(call wire.Call) string {
	reply, err := f.ask(call)
	if err != nil {
		return ""
	}
	return raw.Text(reply)
}

// ParseIP reads an address as Kong writes it. An IPv4 address in IPv6 form is unmapped,
// so that a list of IPv4 ranges cannot be passed by writing the address differently.
func ParseIP(s string) netip.Addr {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
