package check

import (
	"kongwaf/detect"
	"kongwaf/kong/pluginserver"
)

// ModeMonitoring is the mode in which a check reports what it would have refused.
const ModeMonitoring = "monitoring"

// Moded is the field that says whether a check refuses or only reports.
type Moded struct {
	Mode string `json:"mode" default:"block" kong:"required,oneof=block|monitoring" doc:"block refuses. monitoring refuses nothing: what would have been refused goes on and is reported, and what could not be judged goes on, whatever on_error says."`
}

// Monitors reports whether the check only reports.
func (m Moded) Monitors() bool { return m.Mode == ModeMonitoring }

// In returns a check as it is in the mode.
func (m Moded) In(c Check) Check {
	c.Mode = m.Mode
	if m.Monitors() {
		c.Failure = pluginserver.PolicyAllow
	}
	return c
}

// pass turns a refusal into the verdict that lets the request go on and says why it would
// not have. Nothing of it reaches the client; what it does for the upstream's safety stays.
func pass(v *detect.Verdict) {
	*v = detect.Verdict{
		Check: v.Check, Reason: v.Reason, List: v.List, Fault: v.Fault, Report: v.Report, Rules: v.Rules, Key: v.Key,
		Effects: detect.Effects{Upstream: v.Upstream, Query: v.Query, UpstreamBody: v.UpstreamBody},
	}
}
