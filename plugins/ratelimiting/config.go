// Package ratelimiting is the plugin waf-rate-limiting: it refuses callers that call more
// often than they may. Every field of Kong's bundled rate-limiting means here what it means
// there, but a limit of N admits exactly N at any concurrency, and a refused call counts
// in no window.
package ratelimiting

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"kongwaf/detect/ratelimit"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/check"
)

// The plugin's name and priority: where Kong's own rate-limiting runs, after authentication.
const (
	Name     = "waf-rate-limiting"
	Priority = 910
)

// policyRedis is the value of policy that asks for a shared store.
const policyRedis = "redis"

// Config is the plugin's config.
type Config struct {
	Second            *float64   `json:"second,omitempty" kong:"gt=0" doc:"How many requests a caller may make per second."`
	Minute            *float64   `json:"minute,omitempty" kong:"gt=0" doc:"How many requests a caller may make per minute."`
	Hour              *float64   `json:"hour,omitempty" kong:"gt=0" doc:"How many requests a caller may make per hour."`
	Day               *float64   `json:"day,omitempty" kong:"gt=0" doc:"How many requests a caller may make per day."`
	Month             *float64   `json:"month,omitempty" kong:"gt=0" doc:"How many requests a caller may make per calendar month."`
	Year              *float64   `json:"year,omitempty" kong:"gt=0" doc:"How many requests a caller may make per calendar year."`
	Limits            []Limit    `json:"limits" default:"[]" doc:"Limits over windows of any length, beside second to year or instead of them. All of them count a request, or none."`
	WindowType        string     `json:"window_type" default:"fixed" kong:"required,oneof=fixed|sliding|gcra" doc:"How requests are counted: fixed in calendar windows, as Kong does; sliding in the window that ends now, what of the previous one lies in it taken as evenly spread; gcra lets requests come evenly, and burst of them at once."`
	Burst             *int       `json:"burst,omitempty" kong:"between=1:1048575" doc:"With window_type gcra: how many requests may come at once, under each limit. By default as many as the limit."`
	Cost              int        `json:"cost" default:"1" kong:"required,between=1:1048575" doc:"For how many requests each one counts. One that costs more than a limit is never admitted."`
	CostHeader        string     `json:"cost_header,omitempty" doc:"A request header with a whole number that counts instead of cost, as plugins that ran before have left it. Anything else in it, or none, counts as cost. A client that can send it chooses its own price."`
	Overrides         []Override `json:"overrides,omitempty" doc:"Other limits for some consumers, groups of consumers, keys or values of a header. Of those that fit a request the first one counts."`
	IPv6Prefix        int        `json:"ipv6_prefix" default:"64" kong:"required,between=1:128" doc:"How many bits of an IPv6 address are counted together, where requests are counted by address: one customer usually has 2^64 addresses. 128 counts each by itself, as Kong's own rate-limiting does."`
	LimitBy           string     `json:"limit_by" default:"consumer" kong:"oneof=consumer|credential|ip|service|header|path" doc:"What is counted together. Where it is not known for a request, fallback decides."`
	LimitByAll        []string   `json:"limit_by_all" default:"[]" kong:"required,elements.oneof=consumer|credential|ip|service|header|path" doc:"Several of limit_by's values, instead of it: requests that are alike in all of them are counted together, such as those of a consumer from one address."`
	Fallback          string     `json:"fallback" default:"ip" kong:"required,oneof=ip|deny|none" doc:"What a request is counted by where limit_by is not known for it: ip the client's address, as Kong does; deny refuses it with 403; none does not count it."`
	HeaderName        string     `json:"header_name,omitempty" doc:"The request header whose value is counted, for limit_by header: as plugins that ran before have left it."`
	Path              string     `json:"path,omitempty" kong:"match=^/" doc:"The path whose requests are counted together, whoever sends them, for limit_by path. Requests for any other path are counted by the client's address, under the same limits, as Kong's own rate-limiting does; see fallback."`
	Policy            string     `json:"policy" default:"local" kong:"oneof=local|redis" err:"must be local or redis: cluster needs Kong's database, which a plugin server cannot reach" doc:"Where the counters live: local keeps them in this node's memory; redis in a Redis that several nodes share, where a limit of N admits exactly N over all of them."`
	FaultTolerant     bool       `json:"fault_tolerant" default:"true" kong:"required" doc:"With policy redis: whether requests pass, without limits, while Redis is away; if not, they get 500. Either way none waits longer than redis.timeout."`
	Redis             Redis      `json:"redis" doc:"Where Redis is, for policy redis."`
	RedisHost         string     `json:"redis_host,omitempty" kong:"deprecated=redis.host/2.0" doc:"The old name of redis.host, for configs that still have it."`
	RedisPort         *int       `json:"redis_port,omitempty" kong:"between=0:65535,deprecated=redis.port/2.0" doc:"The old name of redis.port, for configs that still have it."`
	RedisUsername     string     `json:"redis_username,omitempty" kong:"deprecated=redis.username/2.0" doc:"The old name of redis.username, for configs that still have it."`
	RedisPassword     string     `json:"redis_password,omitempty" kong:"encrypted,referenceable,lenmin=0,deprecated=redis.password/2.0" doc:"The old name of redis.password, for configs that still have it."`
	RedisSSL          *bool      `json:"redis_ssl,omitempty" kong:"deprecated=redis.ssl/2.0" doc:"The old name of redis.ssl, for configs that still have it."`
	RedisSSLVerify    *bool      `json:"redis_ssl_verify,omitempty" kong:"deprecated=redis.ssl_verify/2.0" doc:"The old name of redis.ssl_verify, for configs that still have it."`
	RedisServerName   string     `json:"redis_server_name,omitempty" kong:"deprecated=redis.server_name/2.0" doc:"The old name of redis.server_name, for configs that still have it."`
	RedisTimeout      *int       `json:"redis_timeout,omitempty" kong:"between=0:2147483646,deprecated=redis.timeout/2.0" doc:"The old name of redis.timeout, in milliseconds, for configs that still have it."`
	RedisDatabase     *int       `json:"redis_database,omitempty" kong:"deprecated=redis.database/2.0" doc:"The old name of redis.database, for configs that still have it."`
	HideClientHeaders bool       `json:"hide_client_headers" default:"false" kong:"required" doc:"Whether the headers that tell a client its limits are left out."`
	IETFHeaders       bool       `json:"ietf_headers" default:"false" kong:"required" doc:"Whether clients are also told their limits in RateLimit and RateLimit-Policy, as the IETF drafts them (draft-ietf-httpapi-ratelimit-headers-11): all limits, each by the name of its period."`
	ErrorCode         int        `json:"error_code" default:"429" kong:"between=100:599" doc:"HTTP status of a refusal. A gRPC caller gets RESOURCE_EXHAUSTED."`
	ErrorMessage      string     `json:"error_message" default:"API rate limit exceeded" doc:"Text of a refusal, in the body that the client's Accept header asks for."`
	SyncRate          float64    `json:"sync_rate" default:"-1" kong:"required,between=-1:86400" doc:"With policy redis: -1 or 0 decides every request in Redis. A number of seconds lets each node admit requests out of a share that Redis has granted it, as large as it needs for so long, and give back what it did not use: fewer trips, and never more than the limit, but perhaps fewer while another node holds a share. With window_type gcra as many more may come as drain in that time."`
	check.Moded
	check.Reputed
	check.FailOpen
}

// maxLimit is the highest limit that is told from none.
const maxLimit = 1 << 52

// Periods returns the names of the fields of which at least one must be set.
func Periods() []string {
	names := make([]string, 0, len(periods))
	for _, p := range periods {
		names = append(names, p.name)
	}
	return append(names, "limits")
}

// EntityChecks implements schema.EntityChecker.
func (c *Config) EntityChecks() []schema.EntityCheck {
	return []schema.EntityCheck{
		schema.AtLeastOneOf(Periods()...),
		Needs("", "header", "header_name"),
		Needs("", "path", "path"),
		NeedsAll("", "header", "header_name"),
		NeedsAll("", "path", "path"),
		NeedsRedis(""),
	}
}

// Needs says that limit_by of the given value cannot do without a field; the prefix says
// where both are. (Kong's plain conditional says so twice, once without a reason.)
func Needs(prefix, limitBy, field string) schema.EntityCheck {
	return schema.ConditionalAtLeastOneOf(schema.Condition{
		IfField: prefix + "limit_by", IfMatch: schema.Match{Eq: limitBy},
		ThenAtLeastOneOf: []string{prefix + field},
		ThenErr:          "limit_by " + limitBy + " needs %s",
	})
}

// NeedsAll says the same of a value in limit_by_all.
func NeedsAll(prefix, limitBy, field string) schema.EntityCheck {
	return schema.ConditionalAtLeastOneOf(schema.Condition{
		IfField: prefix + "limit_by_all", IfMatch: schema.Match{Contains: limitBy},
		ThenAtLeastOneOf: []string{prefix + field},
		ThenErr:          "limit_by_all with " + limitBy + " needs %s",
	})
}

// Definition is the plugin as the registry lists it.
func Definition() check.Definition {
	return check.Definition{
		Name:     Name,
		Priority: Priority,
		Config:   func() check.Config { return &Config{} },
		Failure:  check.Lenient(pluginserver.PolicyAllow),
	}
}

// Compile implements check.Config.
func (c *Config) Compile(env check.Env) ([]check.Check, error) {
	one, err := c.Check(env, "config")
	return []check.Check{one}, err
}

// Check compiles the config. Field is what its fields are below, for error texts.
func (c *Config) Check(env check.Env, field string) (check.Check, error) {
	limits, err := c.windows(field)
	if err != nil {
		return check.Check{}, err
	}
	who := c.callers()
	switch {
	case who.counts(byHeader) && c.HeaderName == "":
		return check.Check{}, fmt.Errorf("%s.header_name: limit_by header needs the name of the header to count by", field)
	case who.counts(byPath) && c.Path == "":
		return check.Check{}, fmt.Errorf("%s.path: limit_by path needs the path to count", field)
	}
	for n, by := range c.LimitByAll {
		if slices.Contains(c.LimitByAll[:n], by) {
			return check.Check{}, fmt.Errorf("%s.limit_by_all[%d]: %s is there twice", field, n, by)
		}
	}
	sync, err := c.sync(field)
	if err != nil {
		return check.Check{}, err
	}
	rule, err := c.rule(field, field, limits, c.Burst)
	if err != nil {
		return check.Check{}, err
	}
	l := newLimiter(c, rule, &limits.names, env)
	if l.overrides, err = c.overrides(field); err != nil {
		return check.Check{}, err
	}
	if c.Policy == policyRedis {
		settings, err := c.redis(field)
		if err != nil {
			return check.Check{}, err
		}
		if l.store, err = env.Stores.Store(settings); err != nil {
			return check.Check{}, fmt.Errorf("%s.redis.ssl_ca_file: %w", field, err)
		}
		l.sync = sync
	}
	one := check.Check{Name: "rate-limiting", Need: l.need(), Judge: l.judge, Failure: c.Failure()}
	return c.Known(c.In(one), 0, ""), nil
}

// rule returns how limits are counted, those of the field where.
func (c *Config) rule(field, where string, w windows, burst *int) (ratelimit.Rule, error) {
	rule := ratelimit.Rule{Limits: w.limits, Spans: w.spans, Shape: shapes[c.WindowType], Cost: uint64(c.Cost)}
	if burst != nil {
		if rule.Shape != ratelimit.GCRA {
			return rule, fmt.Errorf("%s.burst: only window_type gcra has a burst, not %s", where, c.WindowType)
		}
		rule.Burst = uint64(*burst)
		if rule.Burst < rule.Cost {
			return rule, fmt.Errorf("%s.burst: %d is less than the cost of %d: no request would ever be admitted", where, rule.Burst, rule.Cost)
		}
	}
	for p, limit := range w.limits {
		if rule.Shape != ratelimit.Fixed && limit > ratelimit.MaxShaped {
			return rule, fmt.Errorf("%s.%s: window_type %s counts to %d at most, not %d: use fixed, or a limit for a shorter period", where, w.fields[p], c.WindowType, ratelimit.MaxShaped, limit)
		}
		if limit > 0 && limit < rule.Cost {
			return rule, fmt.Errorf("%s.cost: %d is more than the limit of %d in %s.%s: no request would ever be admitted", field, rule.Cost, limit, where, w.fields[p])
		}
	}
	return rule, nil
}

// leastSync is the shortest time for which it pays to hold a share.
const leastSync = 10 * time.Millisecond

// sync returns for how long a node may hold a share, 0 for no shares.
func (c *Config) sync(field string) (time.Duration, error) {
	d := time.Duration(c.SyncRate * float64(time.Second))
	switch {
	case c.SyncRate == -1 || c.SyncRate == 0:
		return 0, nil
	case d < leastSync:
		return 0, fmt.Errorf("%s.sync_rate: %v is neither -1 (every request is decided in Redis) nor a number of seconds from %v", field, c.SyncRate, leastSync.Seconds())
	}
	return d, nil
}

// shapes are the values of window_type.
var shapes = map[string]ratelimit.Shape{"": ratelimit.Fixed, "fixed": ratelimit.Fixed, "sliding": ratelimit.Sliding, "gcra": ratelimit.GCRA}

// limitsOf returns the limits that are set, of fields below one. A longer period must not admit less than a
// shorter one, which a schema cannot say.
func limitsOf(field string, values [ratelimit.Periods]*float64) (ratelimit.Limits, error) {
	var limits ratelimit.Limits
	var errs []error
	shorter := ""
	highest := 0.0
	for i, value := range values {
		if value == nil {
			continue
		}
		name := periods[i].name
		if *value < highest {
			errs = append(errs, fmt.Errorf("%s.%s: %v is lower than %s's %v: the limit of a longer period must not be lower", field, name, *value, shorter, highest))
		}
		shorter, highest = name, *value
		limits[i] = ceil(*value)
	}
	if limits == (ratelimit.Limits{}) && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: set at least one of second, minute, hour, day, month, year", field))
	}
	return limits, errors.Join(errs...)
}
