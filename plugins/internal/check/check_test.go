package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/kongtest"
)

// toy is a plugin whose checks the test gives.
type toy struct {
	Word string `json:"word" default:"hello" doc:"A word that the test may set."`
	FailOpen
	compile func(*toy, Env) ([]Check, error)
}

func (c *toy) Compile(env Env) ([]Check, error) { return c.compile(c, env) }

func definition(checks ...Check) Definition {
	return Definition{
		Name:     "waf-toy",
		Priority: 1,
		Config: func() Config {
			return &toy{compile: func(*toy, Env) ([]Check, error) { return checks, nil }}
		},
		Failure: Lenient(pluginserver.PolicyAllow),
	}
}

// run starts an instance and runs it on one request.
func run(t *testing.T, logs *bytes.Buffer, checks ...Check) *kongtest.Kong {
	t.Helper()
	instance, err := definition(checks...).Plugin(NewShared(slog.New(slog.NewJSONHandler(logs, nil)))).New([]byte(`{}`))
	require.NoError(t, err)
	kong := &kongtest.Kong{}
	instance.Handle("access", kong.PDK())
	return kong
}

func judging(name string, failure pluginserver.Policy, judge func(*facts.Facts) detect.Verdict) Check {
	return Check{Name: name, Judge: judge, Failure: failure}
}

func TestTheFirstRefusalEndsIt(t *testing.T) {
	later := false
	kong := run(t, &bytes.Buffer{},
		judging("first", pluginserver.PolicyDeny, func(*facts.Facts) detect.Verdict {
			var v detect.Verdict
			v.Upstream.Set = []detect.Header{{Name: "X-A", Value: "1"}}
			v.Response.Set = []detect.Header{{Name: "X-B", Value: "2"}}
			return v
		}),
		judging("second", pluginserver.PolicyDeny, func(*facts.Facts) detect.Verdict {
			return detect.Verdict{Denied: true, Status: 403, Message: "no"}
		}),
		judging("third", pluginserver.PolicyDeny, func(*facts.Facts) detect.Verdict {
			later = true
			return detect.Verdict{}
		}))
	require.False(t, later, "a check after a refusal ran")
	require.True(t, kong.Called("kong.response.exit"))
	require.False(t, kong.Called("kong.service.request.set_headers"), "a refused request's headers were changed")
	args, _ := kong.Args("kong.response.exit")
	require.Contains(t, string(args), "X-B", "headers to the client stay")
}

func TestEffectsTravelTogether(t *testing.T) {
	set := func(name string) func(*facts.Facts) detect.Verdict {
		return func(*facts.Facts) detect.Verdict {
			var v detect.Verdict
			v.Upstream.Set = []detect.Header{{Name: name, Value: "1"}}
			return v
		}
	}
	kong := run(t, &bytes.Buffer{}, judging("a", 0, set("X-A")), judging("b", 0, set("X-B")))
	require.Len(t, kong.Calls, 1)
	require.Contains(t, string(kong.Calls[0].Args), "X-A")
	require.Contains(t, string(kong.Calls[0].Args), "X-B")
}

// TestALaterCheckKnowsTheCaller: the gate's limits count the consumer of its key check.
func TestALaterCheckKnowsTheCaller(t *testing.T) {
	var seen string
	run(t, &bytes.Buffer{},
		judging("key", 0, func(*facts.Facts) detect.Verdict {
			var v detect.Verdict
			v.Identity = &detect.Identity{Consumer: detect.Consumer{ID: "1"}}
			return v
		}),
		judging("limit", 0, func(f *facts.Facts) detect.Verdict {
			seen = f.Consumer.ID
			return detect.Verdict{}
		}))
	require.Equal(t, "1", seen)
}

func TestFailurePolicyIsEachChecksOwn(t *testing.T) {
	failures := map[string]func(*facts.Facts) detect.Verdict{
		"failed": func(*facts.Facts) detect.Verdict { return detect.Verdict{Failed: true, Reason: "store away"} },
		"panic":  func(*facts.Facts) detect.Verdict { panic("boom") },
	}
	for name, judge := range failures {
		t.Run(name, func(t *testing.T) {
			var logs bytes.Buffer
			ran := false
			next := judging("next", pluginserver.PolicyDeny, func(*facts.Facts) detect.Verdict {
				ran = true
				return detect.Verdict{}
			})

			kong := run(t, &logs, judging("open", pluginserver.PolicyAllow, judge), next)
			require.True(t, ran, "allow: the other checks go on")
			require.False(t, kong.Called("kong.response.exit"))
			require.Contains(t, logs.String(), "check open")

			ran = false
			kong = run(t, &logs, judging("closed", pluginserver.PolicyDeny, judge), next)
			require.False(t, ran)
			args, ok := kong.Args("kong.response.exit")
			require.True(t, ok)
			require.Contains(t, string(args), "An unexpected error occurred")
		})
	}
}

// TestToleratedFaultIsUnjudged: a check may let a request pass that it could not judge,
// whatever its failure policy says. That is neither a good request nor a reported one.
func TestToleratedFaultIsUnjudged(t *testing.T) {
	var logs bytes.Buffer
	kong := run(t, &logs, judging("limit", pluginserver.PolicyDeny, func(*facts.Facts) detect.Verdict {
		return detect.Verdict{Reason: "the store is away", Fault: errors.New("connection refused")}
	}))
	require.False(t, kong.Called("kong.response.exit"))
	require.Contains(t, logs.String(), "connection refused")
	require.Contains(t, logs.String(), `"action":"unjudged"`)
}

func TestBadConfig(t *testing.T) {
	plugin := definition().Plugin(NewShared(slog.New(slog.DiscardHandler)))
	_, err := plugin.New([]byte(`{"wrod":"x","__plugin_id":"1"}`))
	require.ErrorContains(t, err, "config.wrod")
	require.ErrorContains(t, err, "word")

	for config, want := range map[string]pluginserver.Policy{
		`{"on_error":"deny","wrod":1}`: pluginserver.PolicyDeny,
		`{"on_error":"perhaps"}`:       pluginserver.PolicyAllow,
		`{"on_error":7}`:               pluginserver.PolicyAllow,
		`garbage`:                      pluginserver.PolicyAllow,
	} {
		require.Equal(t, want, plugin.Failure([]byte(config)), config)
	}
}

// TestStockServer compiles the plugin as go-pdk's own server does: by decoding JSON into
// what the constructor returns.
func TestStockServer(t *testing.T) {
	d := definition()
	d.Config = func() Config {
		return &toy{compile: func(c *toy, env Env) ([]Check, error) {
			if c.Word != "hello" || env.RouteID != "r" {
				return nil, errors.New("defaults or metadata are missing")
			}
			return nil, nil
		}}
	}
	config := d.Constructor(NewShared(slog.New(slog.DiscardHandler)))()
	require.NoError(t, json.Unmarshal([]byte(`{"route_id":"r","__seq__":4}`), config))
	_, ok := config.(interface{ Access(*pdk.PDK) })
	require.True(t, ok, "go-pdk finds the handler by its method")
}

func TestLogLinesAreBounded(t *testing.T) {
	var l lines
	now := time.Unix(1000, 0)
	written := 0
	for range 1000 {
		if _, ok := l.take(now); ok {
			written++
		}
	}
	require.Equal(t, linesPerSecond, written)
	suppressed, ok := l.take(now.Add(time.Second))
	require.True(t, ok)
	require.Equal(t, 1000-linesPerSecond, suppressed, "what was left out is said")
}
