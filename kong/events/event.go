package events

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// SchemaVersion is the version of the keys below. It only grows: keys are added, none is
// removed or changes its meaning.
const SchemaVersion = 1

// Name is the event's name in OpenTelemetry's sense.
const Name = "kong_waf.verdict"

// The actions.
const (
	ActionBlocked  = "blocked"  // the request was refused
	ActionReported = "reported" // the request went on; it would have been refused in mode block
	ActionExcepted = "excepted" // the request went on because an exception or an expectation says so
	ActionUnjudged = "unjudged" // the request went on although it could not be judged
)

// Event is one verdict, or several equal ones. Its JSON is one flat object; keys follow
// OpenTelemetry's semantic conventions where there are such, our own begin with kong_waf.
// The doc tags are the schema's documentation, see Schema.
type Event struct {
	Schema int       `json:"kong_waf.schema" doc:"Version of this schema."`
	Name   string    `json:"event.name" doc:"Always kong_waf.verdict."`
	ID     string    `json:"kong_waf.id" doc:"Identifies this line; later ids sort behind earlier ones of other milliseconds."`
	Time   time.Time `json:"timestamp" doc:"When the verdict fell, RFC 3339 in UTC. Of folded events, the last one's."`

	// Who judged, and what came of it.
	Node        string   `json:"kong_waf.node,omitempty" doc:"The machine or pod, events.node in the settings."`
	Plugin      string   `json:"kong_waf.plugin" doc:"Name of the plugin in Kong."`
	PluginID    string   `json:"kong_waf.plugin.id,omitempty" doc:"Id of the plugin's entity in Kong."`
	Check       string   `json:"kong_waf.check" doc:"The check that decided: ip-restriction, detect, key-auth, rate-limiting."`
	Action      string   `json:"kong_waf.action" doc:"blocked, reported (it went on: monitoring), excepted (it went on by an exception or as expected content), unjudged (it went on by on_error)."`
	Exception   *int     `json:"kong_waf.exception,omitempty" doc:"With excepted: which of the config's exceptions, from 0."`
	Expected    string   `json:"kong_waf.expected,omitempty" doc:"With excepted: the kind of content that the place is expected to carry (expects, presets), where that let it pass and no exception."`
	Rule        string   `json:"kong_waf.rule,omitempty" doc:"Name of the config's rule (a virtual patch) that decided, or else of the first one that reported the request."`
	RuleID      string   `json:"kong_waf.rule.id,omitempty" doc:"That rule's id, if it has one."`
	Rules       []string `json:"kong_waf.rules,omitempty" doc:"Where several rules held, the names of all of them in the order in which they were asked."`
	ExceptedBy  string   `json:"kong_waf.excepted_by,omitempty" doc:"With excepted: the exception, or the entry of expects, by what it is made of (place, class, method, path, route), or the preset. Of several that hold it is the most specific one."`
	Mode        string   `json:"kong_waf.mode" doc:"The check's mode: block, safe_blocking or monitoring."`
	Reason      string   `json:"kong_waf.reason" doc:"A fixed word for why, such as attack or address_denied; with unjudged, a sentence."`
	List        string   `json:"kong_waf.list,omitempty" doc:"Of ip-restriction: what refused the address. A list's name, allow, deny, temporary, country NZ, AS64500, unknown country."`
	Status      int      `json:"http.response.status_code,omitempty" doc:"The status that the client got from us. A gRPC caller gets 200 and the gRPC status that fits this one."`
	Application string   `json:"kong_waf.application,omitempty" doc:"The config's label for the application."`
	Micros      float64  `json:"kong_waf.micros" doc:"How long the check computed, in microseconds."`

	// The request.
	RequestID string `json:"kong_waf.request_id,omitempty" doc:"The id that the client was shown: the request_id in the answer's body, and Kong's X-Kong-Request-Id."`
	Method    string `json:"http.request.method,omitempty" doc:"Request method."`
	Path      string `json:"url.path,omitempty" doc:"Path as it was sent, without the query, which may hold secrets. At most 1024 bytes."`
	Host      string `json:"server.address,omitempty" doc:"Host header, where headers were read."`
	Proto     string `json:"network.protocol.version,omitempty" doc:"1.0, 1.1 or 2."`
	Client    string `json:"client.address,omitempty" doc:"Address of the client, after trusted_ips and real_ip_header."`
	Peer      string `json:"network.peer.address,omitempty" doc:"Address of the TCP peer."`
	UserAgent string `json:"user_agent.original,omitempty" doc:"User-Agent header. At most 256 bytes."`
	TraceID   string `json:"trace_id,omitempty" doc:"Trace id from the traceparent header."`
	SpanID    string `json:"span_id,omitempty" doc:"Parent id from the traceparent header."`

	// Where in Kong.
	RouteID     string `json:"kong_waf.route.id,omitempty" doc:"Id of the route."`
	RouteName   string `json:"kong_waf.route.name,omitempty" doc:"Name of the route."`
	ServiceID   string `json:"kong_waf.service.id,omitempty" doc:"Id of the service."`
	ServiceName string `json:"kong_waf.service.name,omitempty" doc:"Name of the service."`
	ConsumerID  string `json:"kong_waf.consumer.id,omitempty" doc:"Id of the consumer, where one was authenticated before."`
	Consumer    string `json:"kong_waf.consumer.name,omitempty" doc:"Username of the consumer."`
	KeyID       string `json:"kong_waf.key.id,omitempty" doc:"Id of the API key that the request came with, if it was recognised; also if it was refused because it has expired or may not be used for this."`
	KeySource   string `json:"kong_waf.key.source,omitempty" doc:"Where that key is known from: config, kong (its own key-auth credentials), or file and its path."`

	Credential string `json:"kong_waf.credential.id,omitempty" doc:"Id of the credential by which the caller was let in; never the key."`

	// What was known of the client before.
	Listed       string `json:"kong_waf.reputation,omitempty" doc:"The list that the client is on: allow, deny, grey; where the plugin looks at reputation."`
	ListedReason string `json:"kong_waf.reputation.reason,omitempty" doc:"Why it is on that list: a person's words, or what it did."`

	// What was seen, from the check detect.
	Score     float64  `json:"kong_waf.score,omitempty" doc:"How sure the engine is of the whole request, 0 to 1."`
	Classes   []string `json:"kong_waf.classes,omitempty" doc:"Attack classes, the surest finding first; classes[i] was seen at places[i]."`
	Places    []string `json:"kong_waf.places,omitempty" doc:"Where each finding was: query.id, body.json.user.name, header.referer."`
	Evidence  string   `json:"kong_waf.evidence,omitempty" doc:"Of the first finding, the decoded bytes that show the attack, bounded; (masked) where the place is secret."`
	Raw       string   `json:"kong_waf.raw,omitempty" doc:"Of the first finding, the piece of the request around it as it was sent, bounded; not where the place is secret."`
	Decoded   []string `json:"kong_waf.decoded,omitempty" doc:"Of the first finding, the decodings that led to the evidence, outermost first."`
	Truncated bool     `json:"kong_waf.truncated,omitempty" doc:"The request was judged in part only: a budget ran out, or a part of a large body was passed over."`
	Skipped   int64    `json:"kong_waf.skipped,omitempty" doc:"How many bytes of a large body were passed over unjudged."`

	// Folding.
	Count int       `json:"kong_waf.count" doc:"How many equal verdicts this line stands for. The sum over all lines is how many there were."`
	First time.Time `json:"kong_waf.first,omitzero" doc:"With a count above 1: when the first of them fell."`

	line []byte // as it came, for those who pass it on; nil if it was made or changed here
}

// Bounds on text that clients choose, in bytes.
const (
	maxPath  = 1024
	maxText  = 256
	maxFinds = 8
)

// Bound shortens an event's texts and makes them valid UTF-8, so that a line is never
// longer than a few KiB.
func (e *Event) Bound() {
	e.Path = bounded(e.Path, maxPath)
	for _, s := range []*string{
		&e.Method, &e.Host, &e.UserAgent, &e.Reason, &e.List, &e.Evidence, &e.Raw, &e.RouteName, &e.ServiceName,
		&e.Consumer, &e.ConsumerID, &e.ExceptedBy, &e.KeyID, &e.KeySource, &e.Application, &e.RequestID, &e.Client, &e.Peer, &e.Node, &e.Proto, &e.Credential, &e.Listed, &e.ListedReason,
	} {
		*s = bounded(*s, maxText)
	}
	e.Classes, e.Places = e.Classes[:min(len(e.Classes), maxFinds)], e.Places[:min(len(e.Places), maxFinds)]
	e.Decoded = e.Decoded[:min(len(e.Decoded), maxFinds)]
	e.Rules = e.Rules[:min(len(e.Rules), maxFinds)]
	for i := range e.Places {
		e.Places[i] = bounded(e.Places[i], maxText)
	}
}

func bounded(s string, limit int) string {
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// Append appends the event as one line of JSON, with its line feed. Angle brackets and
// ampersands are escaped.
func (e *Event) Append(dst []byte) []byte {
	if e.line != nil {
		return append(append(dst, e.line...), '\n')
	}
	line, err := json.Marshal(e)
	if err != nil {
		return dst // no field of it can fail
	}
	return append(append(dst, line...), '\n')
}

// Parse reads one line.
func Parse(line []byte) (*Event, error) {
	e := &Event{}
	if err := json.Unmarshal(line, e); err != nil {
		return nil, err
	}
	if e.Count < 1 {
		e.Count = 1
	}
	return e, nil
}

// parsed is Parse for those who pass the event on: several sinks write the line as it came.
func parsed(line []byte) (*Event, error) {
	e, err := Parse(line)
	if err == nil {
		e.line = bytes.TrimSuffix(bytes.Clone(line), []byte("\n"))
	}
	return e, err
}

// NewID returns an id for an event at a time.
func NewID(at time.Time) string {
	var b [14]byte
	ms := at.UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (8 * (5 - i)))
	}
	_, _ = rand.Read(b[6:]) // never fails
	return hex.EncodeToString(b[:])
}

// ParseTraceparent returns the ids in a traceparent header (W3C Trace Context), empty ones
// if it is malformed.
func ParseTraceparent(header string) (trace, span string) {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(header) < size || header[2] != '-' || header[35] != '-' || header[52] != '-' || header[:2] == "ff" ||
		header[:2] == "00" && len(header) != size {
		return "", ""
	}
	trace, span = header[3:35], header[36:52]
	if !lowerHex(header[:2]) || !lowerHex(trace) || !lowerHex(span) || strings.Trim(trace, "0") == "" || strings.Trim(span, "0") == "" {
		return "", ""
	}
	return trace, span
}

func lowerHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
