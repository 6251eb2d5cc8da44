package pluginserver

import (
	"hash/fnv"

	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/kong/wire"
)

// callRequestID asks for what a request keeps when Kong asks again.
var callRequestID = wire.Call{Method: "kong.nginx.get_var",
	Args: protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "kong_request_id")}

// begin reads what the phase always asks for. Where the keeper wants to know which event it
// is, the request's id travels with that, and the keeper says how to go on.
func (c *conn) begin(ph *phase) (Way, error) {
	k := c.keeper
	if k == nil || !k.Watches() {
		return WayHere, c.readAhead(ph)
	}
	n := &c.srv.n
	n.readAhead.Add(uint64(len(ph.calls) + 1))
	n.trips.Add(1)
	c.out = append(wire.AppendCall(c.out, callRequestID), ph.bytes...)
	if err := c.flush(); err != nil {
		return WayHere, err
	}
	start, end, err := c.readFrame(c.srv.limits.FrameBytes)
	if err != nil {
		return WayHere, err
	}
	id := textField(c.in[start:end], 1)
	if err := c.keepReplies(ph.calls); err != nil {
		return WayHere, err
	}
	if id == "" || c.head < len(c.in) {
		return WayHere, nil
	}
	hash := fnv.New64a()
	hash.Write(c.ev.in.key[:])
	hash.Write([]byte(ph.name))
	hash.Write([]byte(id))
	way := k.Begin(hash.Sum64())
	if way == WayHere {
		k.Mark(StateHandling)
	}
	return way, nil
}

// leave leaves the event to another process: nothing has happened yet but that Kong was
// asked for facts, and it will be asked for them again.
func (c *conn) leave(rpc wire.RPC) outcome {
	c.keeper.end, c.keeper.event = EndEvent, wire.AppendRPC(nil, rpc)
	return ended
}

// refuseSuspect answers an event by the failure policy that has ended every process that
// handled it, and says which one it is.
func (c *conn) refuseSuspect() outcome {
	const longest = 256 // of a name that a client chooses
	ask := func(l *link, method string, args []byte, field protowire.Number) string {
		reply, _ := l.Ask(method, args) // should Kong be gone, fail notices
		text := textField([]byte(reply), field)
		return text[:min(len(text), longest)]
	}
	var id, method, path, route string
	c.srv.n.computing.Add(1)
	res, _ := c.run(refuseTime, func(l *link) {
		id = ask(l, callRequestID.Method, callRequestID.Args, 1)
		method = ask(l, "kong.request.get_method", nil, 1)
		path = ask(l, "kong.request.get_path", nil, 1) // the query may hold secrets
		route = ask(l, "kong.router.get_route", nil, 4)
	})
	c.srv.n.computing.Add(-1)
	if res != goOn {
		return res
	}
	c.srv.log.Error("an event has ended every process that handled it, the failure policy answers it",
		append([]any{"request_id", id, "method", method, "path", path, "route", route}, c.ev.in.origin()...)...)
	return c.fail(errSuspect)
}

// textField returns a field of a message, whatever bytes its text is of; "" if there is none.
func textField(message []byte, field protowire.Number) string {
	for len(message) > 0 {
		number, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return ""
		}
		value := message[tag:]
		size := protowire.ConsumeFieldValue(number, kind, value)
		if size < 0 {
			return ""
		}
		if number == field && kind == protowire.BytesType {
			text, _ := protowire.ConsumeBytes(value)
			return string(text)
		}
		message = value[size:]
	}
	return ""
}
