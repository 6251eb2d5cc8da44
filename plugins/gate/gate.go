// Package gate is the plugin waf-gate: any of the four checks in one event. Kong pays for
// every event and every call of its development kit, so four checks in one cost less than
// half of four plugins. It is nothing but composition: each check is the single plugin's.
package gate

import (
	"fmt"
	"slices"
	"time"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/iprestriction"
	"kongwaf/plugins/keyauth"
	"kongwaf/plugins/ratelimiting"
	"kongwaf/plugins/wafdetect"
)

// The plugin's name and priority: before authentication, as waf-detect.
const (
	Name     = "waf-gate"
	Priority = 2400
)

// Config is the plugin's config. Each section holds exactly the fields of its plugin.
type Config struct {
	Checks        []string             `json:"checks" kong:"required,lenmin=1,elements.oneof=ip-restriction|detect|key-auth|rate-limiting" doc:"The checks that run, always in this order: ip-restriction, detect, key-auth, rate-limiting."`
	IPRestriction iprestriction.Config `json:"ip_restriction" doc:"The fields of waf-ip-restriction, for the check ip-restriction."`
	Detect        wafdetect.Config     `json:"detect" doc:"The fields of waf-detect, for the check detect."`
	KeyAuth       keyauth.Config       `json:"key_auth" doc:"The fields of waf-key-auth, for the check key-auth."`
	RateLimiting  ratelimiting.Config  `json:"rate_limiting" doc:"The fields of waf-rate-limiting, for the check rate-limiting."`
}

// part is one check that the gate can run.
type part struct {
	name, field string
	compile     func(check.Env, string) (check.Check, error)
	deadline    func() time.Duration
	failure     func(map[string]any) pluginserver.Policy
}

// parts lists the checks in the order in which they run: the cheapest refusal first.
func (c *Config) parts() []part {
	return []part{
		{name: "ip-restriction", field: "ip_restriction", compile: c.IPRestriction.Check, deadline: c.IPRestriction.Deadline, failure: iprestriction.Definition().Failure},
		{name: "detect", field: "detect", compile: c.Detect.Check, deadline: c.Detect.Deadline, failure: wafdetect.Definition().Failure},
		{name: "key-auth", field: "key_auth", compile: c.KeyAuth.Check, deadline: c.KeyAuth.Deadline, failure: keyauth.Definition().Failure},
		{name: "rate-limiting", field: "rate_limiting", compile: c.RateLimiting.Check, deadline: c.RateLimiting.Deadline, failure: ratelimiting.Definition().Failure},
	}
}

// Definition is the plugin as the registry lists it. It runs before authentication, so a
// config per consumer would never apply: Kong is told to refuse one.
func Definition() check.Definition {
	return check.Definition{
		Name:     Name,
		Priority: Priority,
		Config:   func() check.Config { return &Config{} },
		Failure:  failure,
		Options:  append(iprestriction.Formats(), schema.NoConsumer(), schema.WithFormat(wafdetect.Day())),
	}
}

// EntityChecks implements schema.EntityChecker: the sections' own checks, each under the
// condition that its check runs.
func (c *Config) EntityChecks() []schema.EntityCheck {
	runs := func(check, section string, fields []string) schema.EntityCheck {
		qualified := make([]string, len(fields))
		for i, f := range fields {
			qualified[i] = section + "." + f
		}
		return schema.ConditionalAtLeastOneOf(schema.Condition{
			IfField:          "checks",
			IfMatch:          schema.Match{Contains: check},
			ThenAtLeastOneOf: qualified,
			ThenErr:          "the check " + check + " needs at least one of %s",
		})
	}
	return []schema.EntityCheck{
		runs("ip-restriction", "ip_restriction", iprestriction.Lists()),
		runs("rate-limiting", "rate_limiting", ratelimiting.Periods()),
		ratelimiting.Needs("rate_limiting.", "header", "header_name"),
		ratelimiting.Needs("rate_limiting.", "path", "path"),
		ratelimiting.NeedsAll("rate_limiting.", "header", "header_name"),
		ratelimiting.NeedsAll("rate_limiting.", "path", "path"),
		ratelimiting.NeedsRedis("rate_limiting."),
		wafdetect.NeedsGrey("detect."),
	}
}

// Warnings implements check.Warner.
func (c *Config) Warnings(now time.Time) []schema.FieldError {
	if !slices.Contains(c.Checks, "detect") {
		return nil
	}
	return c.Detect.WarningsBelow("config.detect", now)
}

// Compile implements check.Config.
func (c *Config) Compile(env check.Env) ([]check.Check, error) {
	var checks []check.Check
	for _, p := range c.parts() {
		if !slices.Contains(c.Checks, p.name) {
			continue
		}
		one, err := p.compile(env, "config."+p.field)
		if err != nil {
			return nil, err
		}
		// Kong knows no caller yet when the gate runs: only its own key check does.
		one.Need.Kinds &^= facts.Consumer | facts.Credential
		checks = append(checks, one)
	}
	if len(checks) == 0 {
		return nil, fmt.Errorf("config.checks: name at least one of ip-restriction, detect, key-auth, rate-limiting")
	}
	return checks, nil
}

// Deadline implements check.Config: the longest of the checks that run.
func (c *Config) Deadline() time.Duration {
	var longest time.Duration
	for _, p := range c.parts() {
		if slices.Contains(c.Checks, p.name) {
			longest = max(longest, p.deadline())
		}
	}
	return longest
}

// failure reads the policy from a config that may be wrong anywhere: the strictest of the
// checks that it names, of all four if it names none.
func failure(config map[string]any) pluginserver.Policy {
	names, _ := config["checks"].([]any)
	strictest := pluginserver.PolicyAllow
	for _, p := range (&Config{}).parts() {
		if len(names) > 0 && !slices.Contains(names, any(p.name)) {
			continue
		}
		section, _ := config[p.field].(map[string]any)
		strictest = max(strictest, p.failure(section))
	}
	return strictest
}
