// Package iprestriction is the plugin waf-ip-restriction: it lets in or keeps out callers
// by their address. Every field of Kong's bundled ip-restriction means here what it means
// there. An IPv4 address in IPv6 form is judged as the IPv4 address that it is.
package iprestriction

import (
	"errors"
	"net/http"
	"net/netip"

	"kongwaf/detect"
	"kongwaf/detect/address"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// The plugin's name and priority: first of all, for it is the cheapest.
const (
	Name     = "waf-ip-restriction"
	Priority = 2600
)

// The values of address_source.
const (
	sourceForwarded = "forwarded"
	sourcePeer      = "peer"
	sourceBoth      = "both"
)

// Config is the plugin's config.
type Config struct {
	Allow         []string `json:"allow,omitempty" kong:"elements.format=address" doc:"Addresses and CIDR ranges that are let in; all others are refused. IPv4 and IPv6."`
	Deny          []string `json:"deny,omitempty" kong:"elements.format=address" doc:"Addresses and CIDR ranges that are refused. Looked at before allow. IPv4 and IPv6."`
	Whitelist     []string `json:"whitelist,omitempty" kong:"elements.format=address,deprecated=allow/2.0" doc:"The old name of allow, for manifests that still have it. Entries of both count."`
	Blacklist     []string `json:"blacklist,omitempty" kong:"elements.format=address,deprecated=deny/2.0" doc:"The old name of deny, for manifests that still have it. Entries of both count."`
	AddressSource string   `json:"address_source" default:"forwarded" kong:"required,oneof=forwarded|peer|both" doc:"Which address is judged: forwarded is the client's after trusted_ips and real_ip_header, peer is that of the TCP connection (a proxy's, behind a proxy), both judges both."`
	Status        int      `json:"status,omitempty" kong:"between=100:599" doc:"HTTP status of a refusal. 403 if not set."`
	Message       string   `json:"message,omitempty" doc:"Text of a refusal. If not set, it names the address."`
	check.Moded
	check.FailClosed
}

// Definition is the plugin as the registry lists it. It runs before authentication, so a
// config per consumer would never apply: Kong is told to refuse one.
func Definition() check.Definition {
	return check.Definition{
		Name:     Name,
		Priority: Priority,
		Config:   func() check.Config { return &Config{} },
		Failure:  check.Lenient(pluginserver.PolicyDeny),
		Options:  []schema.Option{schema.NoConsumer(), schema.WithFormat(check.Address())},
	}
}

// Lists returns the names of the fields of which at least one must be set.
func Lists() []string { return []string{"allow", "deny", "whitelist", "blacklist"} }

// EntityChecks implements schema.EntityChecker.
func (c *Config) EntityChecks() []schema.EntityCheck {
	return []schema.EntityCheck{schema.AtLeastOneOf(Lists()...)}
}

// Compile implements check.Config.
func (c *Config) Compile(env check.Env) ([]check.Check, error) {
	one, err := c.Check(env, "config")
	return []check.Check{one}, err
}

// Check compiles the config. Field is what its fields are below, for error texts.
func (c *Config) Check(env check.Env, field string) (check.Check, error) {
	r := &restriction{status: c.Status, message: c.Message}
	if r.status == 0 {
		r.status = http.StatusForbidden
	}
	var errs []error
	set := func(name string, entries []string) *address.Set {
		s, err := address.ParseSet(entries)
		errs = append(errs, check.Entries(field+"."+name, err)...)
		return s
	}
	r.allow = []*address.Set{set("allow", c.Allow), set("whitelist", c.Whitelist)}
	r.deny = []*address.Set{set("deny", c.Deny), set("blacklist", c.Blacklist)}
	if err := errors.Join(errs...); err != nil {
		return check.Check{}, err
	}
	env.List("allow", len(c.Allow)+len(c.Whitelist))
	env.List("deny", len(c.Deny)+len(c.Blacklist))
	r.allowAny = len(c.Allow)+len(c.Whitelist) == 0
	var kinds facts.Kind
	switch c.AddressSource {
	case sourcePeer:
		kinds = facts.PeerIP
	case sourceBoth:
		kinds = facts.PeerIP | facts.ClientIP
	default:
		kinds = facts.ClientIP
	}
	r.kinds = kinds
	return c.In(check.Check{Name: "ip-restriction", Need: facts.Need{Kinds: kinds}, Judge: r.judge, Failure: c.Failure()}), nil
}

// restriction is the compiled config.
type restriction struct {
	kinds       facts.Kind
	allow, deny []*address.Set
	allowAny    bool
	status      int
	message     string
}

func (r *restriction) judge(f *facts.Facts) detect.Verdict {
	if r.kinds&facts.ClientIP != 0 {
		if v := r.one(f.ClientIP); v.Denied {
			return v
		}
	}
	if r.kinds&facts.PeerIP != 0 {
		return r.one(f.PeerIP)
	}
	return detect.Verdict{}
}

// one judges one address. Deny comes first, then allow.
func (r *restriction) one(text string) detect.Verdict {
	addr := facts.ParseIP(text)
	switch {
	case !addr.IsValid():
		return r.refuse("address_unknown", "Cannot identify the client IP address")
	case contains(r.deny, addr):
		return r.refuse("address_denied", "IP address not allowed: "+text)
	case !r.allowAny && !contains(r.allow, addr):
		return r.refuse("address_not_allowed", "IP address not allowed: "+text)
	}
	return detect.Verdict{}
}

func contains(sets []*address.Set, addr netip.Addr) bool {
	for _, s := range sets {
		if s.Contains(addr) {
			return true
		}
	}
	return false
}

func (r *restriction) refuse(reason, message string) detect.Verdict {
	if r.message != "" {
		message = r.message
	}
	return detect.Verdict{Denied: true, Reason: reason, Status: r.status, Message: message}
}
