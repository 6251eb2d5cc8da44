package check

import (
	"time"

	"kongwaf/kong/pluginserver"
)

// FailOpen are the fields that say what happens when a check cannot judge, for checks
// without which a request is still a good request.
type FailOpen struct {
	OnError   string `json:"on_error" default:"allow" kong:"required,oneof=allow|deny" doc:"What a request gets that could not be judged (a fault, a deadline, an unreadable body): allow lets it pass, deny answers 500."`
	TimeoutMS int    `json:"timeout_ms" default:"1000" kong:"required,between=1:60000" doc:"How long the check itself may compute for one request, in milliseconds. Waiting for Kong does not count."`
}

// FailClosed are the same fields for checks that keep people out.
type FailClosed struct {
	OnError   string `json:"on_error" default:"deny" kong:"required,oneof=allow|deny" doc:"What a request gets that could not be judged (a fault, a deadline, an unreadable fact): allow lets it pass, deny answers 500."`
	TimeoutMS int    `json:"timeout_ms" default:"1000" kong:"required,between=1:60000" doc:"How long the check itself may compute for one request, in milliseconds. Waiting for Kong does not count."`
}

// Failure returns the policy.
func (f FailOpen) Failure() pluginserver.Policy { return policy(f.OnError, pluginserver.PolicyAllow) }

// Deadline returns the deadline.
func (f FailOpen) Deadline() time.Duration { return time.Duration(f.TimeoutMS) * time.Millisecond }

// Failure returns the policy.
func (f FailClosed) Failure() pluginserver.Policy { return policy(f.OnError, pluginserver.PolicyDeny) }

// Deadline returns the deadline.
func (f FailClosed) Deadline() time.Duration { return time.Duration(f.TimeoutMS) * time.Millisecond }

// Lenient returns a function that reads on_error from a config which may be wrong
// everywhere else, and falls back to the check's default.
func Lenient(fallback pluginserver.Policy) func(map[string]any) pluginserver.Policy {
	return func(config map[string]any) pluginserver.Policy {
		word, _ := config["on_error"].(string)
		return policy(word, fallback)
	}
}

func policy(word string, fallback pluginserver.Policy) pluginserver.Policy {
	switch word {
	case "allow":
		return pluginserver.PolicyAllow
	case "deny":
		return pluginserver.PolicyDeny
	}
	return fallback
}
