package check

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins/internal/facts"
)

// TestMonitoring: a refusal is reported, nothing of it reaches the client, and the checks
// behind it run. What could not be judged goes on too.
func TestMonitoring(t *testing.T) {
	refuse := func(*facts.Facts) detect.Verdict {
		v := detect.Verdict{Denied: true, Reason: "too_loud", Status: 403, Message: "too loud"}
		v.Response.Set = []detect.Header{{Name: "Retry-After", Value: "2"}}
		v.Upstream.Clear = []string{"X-Forged"}
		return v
	}
	broken := func(*facts.Facts) detect.Verdict { return detect.Verdict{Failed: true, Reason: "broken"} }
	for _, tc := range []struct {
		mode   string
		judge  func(*facts.Facts) detect.Verdict
		passes bool
		action string
	}{
		{mode: "monitoring", judge: refuse, passes: true, action: "reported"},
		{mode: "monitoring", judge: broken, passes: true, action: "unjudged"},
		{mode: "block", judge: refuse, action: "blocked"},
		{mode: "block", judge: broken, action: "blocked"},
	} {
		ran := false
		var logs bytes.Buffer
		first := Moded{Mode: tc.mode}.In(judging("first", pluginserver.PolicyDeny, tc.judge))
		kong := run(t, &logs, first, judging("next", pluginserver.PolicyDeny, func(*facts.Facts) detect.Verdict {
			ran = true
			return detect.Verdict{}
		}))
		require.Equal(t, tc.passes, ran)
		require.Equal(t, !tc.passes, kong.Called("kong.response.exit"))
		require.Contains(t, logs.String(), `"action":"`+tc.action+`"`)
		require.False(t, kong.Called("kong.response.set_headers"))
		require.False(t, kong.Called("kong.response.set_header"))
		if tc.passes && tc.action == "reported" {
			require.Contains(t, logs.String(), "too_loud")
			require.True(t, kong.Called("kong.service.request.set_headers"), "the upstream is kept safe")
		}
	}
}
