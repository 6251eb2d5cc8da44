package facts

import (
	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/raw"
)

// Story is what an event tells of a request beyond what the check had to know.
type Story struct {
	RequestID, ClientIP, PeerIP  string
	Method, Target, Proto        string
	Host, UserAgent, Traceparent string
}

var (
	callUserAgent = wire.Call{Method: "kong.request.get_header", Args: raw.String("user-agent")}
	callRoute     = wire.Call{Method: "kong.router.get_route"}
)

// StoryCalls returns what a story asks for beyond the facts and what a refusal asks for.
// The peer's address is told where it is known anyway: by then it costs more than it tells.
func (n Need) StoryCalls() []wire.Call {
	var calls []wire.Call
	if n.Kinds&ClientIP == 0 {
		calls = append(calls, callClientIP)
	}
	if n.closed().Kinds&Headers == 0 {
		calls = append(calls, callUserAgent)
	}
	return calls
}

// Story asks for what an event tells and the facts do not have. What cannot be learnt stays
// empty. It is to be called before the answer to the client, which ends the talk with Kong.
func (f *Facts) Story() Story {
	if f.sent != "" {
		f.readSent()
	}
	r := &f.Request
	s := Story{RequestID: f.requestID(), ClientIP: f.ClientIP, PeerIP: f.PeerIP, Method: r.Method, Target: r.Target, Proto: r.Proto}
	if s.Method == "" {
		s.Method, s.Target, s.Proto = splitRequestLine(f.optional(callRequestLine))
		r.Method, r.Target, r.Proto = s.Method, s.Target, s.Proto
		f.need.Kinds |= RequestLine
	}
	if s.ClientIP == "" {
		s.ClientIP = f.optional(callClientIP)
	}
	if f.need.Kinds&Headers == 0 {
		s.UserAgent = f.optional(callUserAgent)
		return s
	}
	s.Host, s.UserAgent, s.Traceparent = f.Header("host"), f.Header("user-agent"), f.Header("traceparent")
	return s
}

// Entity is a route or service of Kong's.
type Entity struct{ ID, Name string }

// RouteCall is the call behind Route.
func RouteCall() wire.Call { return callRoute }

// Route asks which route the request took, and which service the route leads to, of which
// Kong tells the id only.
func (f *Facts) Route() (route Entity, serviceID string) {
	reply, err := f.ask(callRoute)
	if err != nil {
		return Entity{}, ""
	}
	const service = 18 // Route.service, see go-pdk's pluginsocket.proto
	raw.Fields(reply, func(field protowire.Number, payload string, _ uint64) {
		if field == service {
			serviceID = raw.Text(payload)
		}
	})
	return entity(reply), serviceID
}

// Service asks which service the request goes to.
func (f *Facts) Service() Entity {
	reply, err := f.ask(callService)
	if err != nil {
		return Entity{}
	}
	return entity(reply)
}

// entity reads the id and name of a Route or Service message.
func entity(reply string) (e Entity) {
	const id, name = 1, 4
	raw.Fields(reply, func(field protowire.Number, payload string, _ uint64) {
		switch field {
		case id:
			e.ID = payload
		case name:
			e.Name = payload
		}
	})
	return e
}
