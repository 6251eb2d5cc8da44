// Package wafdetect is the plugin waf-detect: it asks the engine of detect/attack about
// every part of a request and refuses, or only reports, what is an attack.
package wafdetect

import (
	"fmt"

	"kongwaf/detect"
	"kongwaf/detect/address"
	"kongwaf/detect/attack"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/preset"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// The plugin's name and priority: before authentication, so that scanning without a key
// is seen too.
const (
	Name     = "waf-detect"
	Priority = 2400
)

// The values of mode.
const (
	modeOff        = "off"
	modeMonitoring = "monitoring"
	modeSafe       = "safe_blocking"
	modeBlock      = "block"
)

// The values of on_oversize.
const (
	oversizeInspect = "inspect"
	oversizeDeny    = "deny"
)

// Config is the plugin's config.
type Config struct {
	Mode                 string         `json:"mode" default:"block" kong:"required,oneof=off|monitoring|safe_blocking|block" doc:"What happens to an attack: block refuses it, safe_blocking refuses it from clients in grey (or, with reputation, on the list grey or deny) and reports it from others, monitoring only reports it, off does not look."`
	Grey                 []string       `json:"grey" default:"[]" kong:"elements.format=address" doc:"Addresses and CIDR ranges of clients whose attacks are refused in mode safe_blocking. IPv4 and IPv6."`
	Application          string         `json:"application,omitempty" doc:"A label for the application behind this route, shown with every event."`
	Sensitivity          string         `json:"sensitivity" default:"medium" kong:"required,oneof=low|medium|high" doc:"How sure an attack must be: low blocks only what is beyond doubt, high also what is merely suspicious."`
	DisabledClasses      []detect.Class `json:"disabled_classes" default:"[]" doc:"Attack classes that are never reported."`
	Exceptions           []Exception    `json:"exceptions" default:"[]" doc:"False positives to silence, one entry each. Every condition that is set must hold."`
	ExceptionsUnusedDays int            `json:"exceptions_unused_days" default:"30" kong:"required,between=0:3650" doc:"After how many days without use the log, the metrics and the console name an exception or an entry of expects. 0 is never."`
	Expects              []Expect       `json:"expects" default:"[]" doc:"What places legitimately carry: whole texts of these kinds are no attack there, what breaks out of somebody else's text still is."`
	Presets              []preset.Name  `json:"presets" default:"[]" doc:"Sets of expects by application, for a route that leads to nothing else: what its own clients send, and where."`
	Rules                []Rule         `json:"rules" default:"[]" doc:"Virtual patches, asked in this order before anything else is judged. The first one that blocks or allows decides."`
	GeoDatabases         []string       `json:"geo_databases,omitempty" kong:"elements.format=location" doc:"Files on Kong's node, or URLs, of databases in MaxMind's format (.mmdb) for the countries that rules ask for. They are read again when they change."`
	Inspect              []string       `json:"inspect" default:"path,query,headers,cookies,body" kong:"required,lenmin=1,elements.oneof=path|query|headers|cookies|body" doc:"The parts of a request that are judged. Headers are those that the client sent, where kong.conf hands over the whole head. Leave body out where requests stream: judging it makes Kong wait for its end."`
	MaxBodySize          int            `json:"max_body_size" default:"8388608" kong:"required,between=1024:268435456" doc:"How much of a body is held and judged whole, in bytes. Behind it the fields of forms, multipart, JSON and XML are judged to the end of the body, but of files, and of values of more than 1 MiB, only the ends; timeout_ms grows with each further max_body_size, by 30 seconds at most."`
	OnOversize           string         `json:"on_oversize" default:"inspect" kong:"required,oneof=inspect|deny" doc:"What a body above max_body_size gets: inspect judges it as described there and says how much was passed over, deny answers 413."`
	BlockStatus          int            `json:"block_status" default:"403" kong:"required,between=400:599" doc:"HTTP status of a blocked request. A gRPC caller gets the gRPC status that fits it."`
	BlockMessage         string         `json:"block_message" default:"Request blocked" kong:"required" doc:"Text of a blocked request's answer. It says nothing of what was found."`
	Mask                 []string       `json:"mask" default:"[]" doc:"Names of parameters, headers, cookies and fields whose values never appear in reports, beside those that look secret."`
	GraphQL              GraphQL        `json:"graphql" doc:"Limits of GraphQL requests, held at every sensitivity. None is set unless you set one."`
	OpenAPI              OpenAPI        `json:"openapi" doc:"A description of the API that requests are held against. None is unless you name one."`
	ShareVerdict         bool           `json:"share_verdict" default:"false" doc:"Whether the verdict goes into kong.ctx.shared.waf, a table with verdict, reason, score, class and place, for custom_fields_by_lua of Kong's log plugins."`
	UpstreamVerdict      bool           `json:"upstream_verdict" default:"false" doc:"Whether the upstream receives X-WAF-Verdict (passed, reported, excepted, expected) and X-WAF-Score. What the client sends under these names is replaced."`
	Answers
	check.Reputed
	check.FailOpen
}

// Definition is the plugin as the registry lists it. It runs before authentication, so a
// config per consumer would never apply: Kong is told to refuse one.
func Definition() check.Definition {
	return check.Definition{
		Name:     Name,
		Priority: Priority,
		Config:   func() check.Config { return &Config{} },
		Failure:  check.Lenient(pluginserver.PolicyAllow),
		Options:  []schema.Option{schema.NoConsumer(), schema.WithFormat(check.Address()), schema.WithFormat(check.Location()), schema.WithFormat(Day())},
	}
}

// EntityChecks implements schema.EntityChecker.
func (c *Config) EntityChecks() []schema.EntityCheck { return []schema.EntityCheck{NeedsGrey("")} }

// NeedsGrey says that safe_blocking cannot do without clients; the prefix says where the fields are.
func NeedsGrey(prefix string) schema.EntityCheck {
	return schema.ConditionalAtLeastOneOf(schema.Condition{
		IfField: prefix + "mode", IfMatch: schema.Match{Eq: modeSafe},
		ThenAtLeastOneOf: []string{prefix + "grey", prefix + "reputation"},
		ThenErr:          "mode safe_blocking refuses only attacks of clients that %s name, and none is set: write ranges, or reputation: report, or mode monitoring",
	})
}

// Compile implements check.Config.
func (c *Config) Compile(env check.Env) ([]check.Check, error) {
	one, err := c.Check(env, "config")
	return []check.Check{one}, err
}

// Check compiles the config. Field is what its fields are below, for error texts.
func (c *Config) Check(env check.Env, field string) (check.Check, error) {
	one := check.Check{Name: "detect", MaxBody: c.MaxBodySize, Failure: c.Failure(), Mode: c.Mode, Application: c.Application, Share: c.ShareVerdict}
	var err error
	if one.Answer, err = c.answer(); err != nil {
		return check.Check{}, fmt.Errorf("%s.%w", field, err)
	}
	if c.Mode == modeOff {
		one.Judge = func(*facts.Facts) detect.Verdict { return detect.Verdict{} }
		return one, nil
	}
	if c.Mode == modeSafe && len(c.Grey) == 0 && !c.Reads() {
		return check.Check{}, fmt.Errorf("%s.reputation: off leaves mode safe_blocking nobody whose attacks it refuses: write report or enforce, or ranges in grey", field)
	}
	o := attack.Options{Now: env.Now, Limits: extract.Limits{MaxBody: c.MaxBodySize}, Mask: c.Mask, DisabledClasses: c.DisabledClasses}
	if o.Sensitivity, err = attack.ParseSensitivity(c.Sensitivity); err != nil {
		return check.Check{}, fmt.Errorf("%s.sensitivity: %w", field, err)
	}
	for i := range c.Exceptions {
		exception, err := c.Exceptions[i].compile(c.Application)
		if err != nil {
			return check.Check{}, fmt.Errorf("%s.exceptions[%d]%w", field, i, err)
		}
		o.Exceptions = append(o.Exceptions, exception)
	}
	for i := range c.Expects {
		expectation, err := c.Expects[i].compile()
		if err != nil {
			return check.Check{}, fmt.Errorf("%s.expects[%d]: %w", field, i, err)
		}
		o.Expectations = append(o.Expectations, expectation)
	}
	for _, name := range c.Presets {
		o.Expectations = append(o.Expectations, name.Expectations()...)
	}
	if o.GraphQL, err = c.GraphQL.compile(); err != nil {
		return check.Check{}, fmt.Errorf("%s.graphql%w", field, err)
	}
	grey, err := address.ParseSet(c.Grey)
	if err != nil {
		return check.Check{}, fmt.Errorf("%s.grey: %w", field, err)
	}
	used := newUsage(c, env)
	o.Used = used.used
	engine, err := attack.New(o)
	if err != nil {
		return check.Check{}, fmt.Errorf("%s: %w", field, err)
	}
	databases, err := c.databases(env)
	if err != nil {
		return check.Check{}, fmt.Errorf("%s.geo_databases%w", field, err)
	}
	rules, err := compileRules(c.Rules, databases, o.Limits)
	if err != nil {
		return check.Check{}, fmt.Errorf("%s.rules%w", field, err)
	}
	i := newInspector(c, engine, grey, env.Now)
	i.rules, i.usage = rules, used
	if i.api, err = c.OpenAPI.compile(env, c.Application, i.body); err != nil {
		return check.Check{}, fmt.Errorf("%s.openapi%w", field, err)
	}
	one.Need, one.Judge = i.need(), i.judge
	return c.Known(one, c.BlockStatus, c.BlockMessage), nil
}
