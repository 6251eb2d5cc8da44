package pluginserver

import (
	"encoding/json"
	"time"

	"github.com/Kong/go-pdk"

	"kongwaf/kong/wire"
)

// Plugin is all that the server knows of a plugin. It is read only once served.
type Plugin struct {
	// Name is the name under which Kong configures the plugin. It must not be the name of
	// a plugin bundled with Kong: Kong would load its own.
	Name string
	// Version is three numbers, "x.y.z"; Kong refuses to start on anything else.
	Version string
	// Priority orders the plugins of a request: the highest runs first.
	Priority int
	// Phases are the events that the plugin handles: "access", "response", "log" ...
	Phases []string
	// Schema is the plugin's Kong schema: {"name": ..., "fields": [...]}.
	Schema json.RawMessage
	// New compiles the config of one instance, the JSON that Kong sends. An error names
	// the field and says what to write instead, and holds no secret.
	New func(config []byte) (Instance, error)
	// Failure reads the failure policy leniently from a config that New has refused.
	Failure func(config []byte) Policy
	// Refuse answers an event with the status 500 and Kong's own error body. The server
	// calls it where the policy is PolicyDeny and the plugin could not answer.
	Refuse func(*pdk.PDK)
}

// Instance is one compiled config of a plugin. Its methods may be called concurrently.
type Instance interface {
	// Handle runs the plugin in a phase, as go-pdk's server would call Access, Log, ...
	Handle(phase string, kong *pdk.PDK)
	// Prefetch returns the PDK calls that a phase always makes. The server sends them in
	// one write when the event arrives and answers the plugin from memory, each once.
	// Calls that are not listed still work, at the price of a round trip. List only what
	// the plugin does not change itself before it asks, and what cannot fail in the phase:
	// an error in Kong ends the event before the plugin has begun. Called once.
	Prefetch(phase string) []wire.Call
	// Failure says what answers an event that the plugin could not: a panic, a deadline.
	Failure() Policy
	// Timeout is how long the plugin itself may compute in one event, Kong's own waiting
	// left out. Zero means no limit.
	Timeout() time.Duration
}

// Grouper may be implemented by an Instance that makes some calls only in some events, but
// then several of them: a refusal asks for the request id and for the Accept header. The
// first call of a group that is asked for takes the rest of its group along, in one write.
type Grouper interface {
	// Groups returns the groups of calls of a phase. Called as often as Prefetch.
	Groups(phase string) [][]wire.Call
}

// Direct may be implemented by an Instance that makes its calls as bytes: it is handed
// them without go-pdk in between, which would copy and encode everything twice.
type Direct interface {
	// HandleDirect is what Handle is. It is called instead.
	HandleDirect(phase string, kong Kong)
}

// Kong is Kong's side of one event, for one handler. Behind the event's end, or once the
// handler has overrun its deadline, its methods return errors.
type Kong interface {
	// Ask makes one PDK call, its argument message in protobuf's wire form, and returns the
	// reply message, which is the caller's. Behind kong.response.exit it returns io.EOF.
	Ask(method string, args []byte) (reply string, err error)
	// Close ends the talk, as go-pdk does after kong.response.exit.
	Close() error
	// Reserve asks for n bytes of body memory beside those of Kong's replies, and reports
	// false if all events together hold too much: then the body is not to be read. Unlike
	// the other methods, it and Release work for as long as the handler runs.
	Reserve(n int64) bool
	// Release gives n reserved bytes back.
	Release(n int64)
	// Extend gives the handler more time than the instance's Timeout, for an event that
	// needs more: a large body.
	Extend(d time.Duration)
}

// Learner may be implemented by an Instance that learns from Kong's answers what is worth
// asking for. Whenever its generation has changed, Prefetch and Groups are called again.
type Learner interface {
	// Generation is called at every event and must cost nothing.
	Generation() uint32
}

// Policy is what happens to a request that could not be judged.
type Policy uint8

// The failure policies, with their words in on_error.
const (
	PolicyAllow Policy = iota // "allow": the request goes on unjudged
	PolicyDeny                // "deny": the request is answered with the status 500
)

// String returns the policy's word in a config.
func (p Policy) String() string {
	if p == PolicyDeny {
		return "deny"
	}
	return "allow"
}
