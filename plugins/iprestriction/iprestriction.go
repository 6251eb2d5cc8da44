// Package iprestriction is the plugin waf-ip-restriction: it lets in or keeps out callers
// by their address: by ranges in the config, by lists that are read again from files and
// URLs, by country and autonomous system. Every field of Kong's bundled ip-restriction means
// here what it means there. An IPv4 address in IPv6 form is judged as the IPv4 address that
// it is.
//
// What denies comes first, whatever it is; then what allows: where anything does, being in one
// of it is enough, and who is in none is refused.
package iprestriction

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/address"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/moment"
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
	Allow         []string    `json:"allow,omitempty" kong:"elements.format=address" doc:"Addresses and CIDR ranges that are let in; all others are refused. IPv4 and IPv6."`
	Deny          []string    `json:"deny,omitempty" kong:"elements.format=address" doc:"Addresses and CIDR ranges that are refused. Looked at before allow. IPv4 and IPv6."`
	Whitelist     []string    `json:"whitelist,omitempty" kong:"elements.format=address,deprecated=allow/2.0" doc:"The old name of allow, for manifests that still have it. Entries of both count."`
	Blacklist     []string    `json:"blacklist,omitempty" kong:"elements.format=address,deprecated=deny/2.0" doc:"The old name of deny, for manifests that still have it. Entries of both count."`
	AllowFrom     []List      `json:"allow_from,omitempty" doc:"Lists in files or at URLs that are let in, as allow; they are read again when they change. Entries of all count."`
	DenyFrom      []List      `json:"deny_from,omitempty" doc:"Lists in files or at URLs that are refused, as deny; they are read again when they change. Entries of all count."`
	Temporary     []Temporary `json:"temporary,omitempty" doc:"Addresses and CIDR ranges that are refused, or let in, for a time. Once it is over, an entry counts no more."`
	Geo           Geo         `json:"geo" doc:"Countries and autonomous systems that are let in or refused. Needs a database."`
	AddressSource string      `json:"address_source" default:"forwarded" kong:"required,oneof=forwarded|peer|both" doc:"Which address is judged: forwarded is the client's after trusted_ips and real_ip_header, peer is that of the TCP connection (a proxy's, behind a proxy), both judges both: each must be let in."`
	Status        int         `json:"status,omitempty" kong:"between=100:599" doc:"HTTP status of a refusal. 403 if not set."`
	Message       string      `json:"message,omitempty" doc:"Text of a refusal. If not set, it names the address."`
	check.Moded
	check.Reputed
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
		Options:  append(Formats(), schema.NoConsumer()),
	}
}

// Formats are the forms of texts in the config: schemas with it need them.
func Formats() []schema.Option {
	return []schema.Option{schema.WithFormat(check.Address()), schema.WithFormat(moment.Format()), schema.WithFormat(check.Location())}
}

// Lists returns the names of the fields of which at least one must be set.
func Lists() []string {
	return []string{"allow", "deny", "whitelist", "blacklist", "allow_from", "deny_from", "temporary",
		"geo.allow_countries", "geo.deny_countries", "geo.allow_asns", "geo.deny_asns", "reputation"}
}

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
	r := &restriction{status: c.Status, message: c.Message, now: env.Now}
	if r.status == 0 {
		r.status = http.StatusForbidden
	}
	var errs []error
	inline := func(name string, entries []string) list {
		s, err := address.ParseSet(entries)
		errs = append(errs, check.Entries(field+"."+name, err)...)
		return list{name: name, fixed: &ranges{always: s}}
	}
	r.allow = []list{inline("allow", c.Allow), inline("whitelist", c.Whitelist)}
	r.deny = []list{inline("deny", c.Deny), inline("blacklist", c.Blacklist)}
	allowed, denied, err := temporary(c.Temporary)
	errs = append(errs, check.Entries(field+".temporary", err)...)
	r.allow, r.deny = append(r.allow, allowed), append(r.deny, denied)
	from := func(name string, lists []List) []list {
		opened, err := open(env, lists)
		errs = append(errs, check.Entries(field+"."+name, err)...)
		return opened
	}
	r.allow = append(r.allow, from("allow_from", c.AllowFrom)...)
	r.deny = append(r.deny, from("deny_from", c.DenyFrom)...)
	if r.geo, err = c.Geo.compile(env); err != nil {
		errs = append(errs, fmt.Errorf("%s.geo%w", field, err))
	}
	if err := errors.Join(errs...); err != nil {
		return check.Check{}, err
	}
	if !c.Reads() && r.geo == nil && len(c.Allow)+len(c.Deny)+len(c.Whitelist)+len(c.Blacklist)+len(c.AllowFrom)+len(c.DenyFrom)+len(c.Temporary) == 0 {
		return check.Check{}, fmt.Errorf("%s.reputation: off leaves nothing to judge by: write report or enforce, or a list", field)
	}
	env.List("allow", len(c.Allow)+len(c.Whitelist))
	env.List("deny", len(c.Deny)+len(c.Blacklist))
	r.allowAny = len(c.Allow)+len(c.Whitelist)+len(c.AllowFrom)+allowed.fixed.ending.Len() == 0 && !r.geo.allowing()
	switch c.AddressSource {
	case sourcePeer:
		r.kinds = facts.PeerIP
	case sourceBoth:
		r.kinds = facts.PeerIP | facts.ClientIP
	default:
		r.kinds = facts.ClientIP
	}
	one := check.Check{Name: "ip-restriction", Need: facts.Need{Kinds: r.kinds}, Judge: r.judge, Failure: c.Failure()}
	return c.Known(c.In(one), r.status, r.message), nil
}

// restriction is the compiled config.
type restriction struct {
	kinds       facts.Kind
	allow, deny []list
	geo         *locator // nil if no country and no system counts
	allowAny    bool     // nothing is to be let in only
	status      int
	message     string
	now         func() time.Time
}

func (r *restriction) judge(f *facts.Facts) detect.Verdict {
	now := r.now()
	if r.kinds&facts.ClientIP != 0 {
		if v := r.one(f.ClientIP, now); v.Denied || v.Failed {
			return v
		}
	}
	if r.kinds&facts.PeerIP != 0 {
		return r.one(f.PeerIP, now)
	}
	return detect.Verdict{}
}

// notAllowed is what Kong's own plugin says, before the address.
const notAllowed = "IP address not allowed: "

// one judges one address. What denies comes first. A list that has never been read fails
// whom it could have decided on.
func (r *restriction) one(text string, now time.Time) detect.Verdict {
	addr := facts.ParseIP(text)
	if !addr.IsValid() {
		return r.refuse("address_unknown", "Cannot identify the client IP address", "")
	}
	place, located := r.geo.find(addr)
	denied, missing := search(r.deny, addr, now)
	if denied == "" {
		denied = r.geo.denies(place)
	}
	if missing == "" && !located && r.geo.denying() {
		missing = "geo.databases"
	}
	switch {
	case denied != "":
		return r.refuse("address_denied", notAllowed+text, denied)
	case missing != "":
		return unread(missing)
	}
	allowed, missing := search(r.allow, addr, now)
	if missing == "" && !located {
		missing = "geo.databases"
	}
	switch {
	case allowed != "" || r.geo.admits(place, located):
		return detect.Verdict{}
	case r.geo.refusesUnknown(place, located):
		return r.refuse("address_not_allowed", notAllowed+text, r.geo.name(place))
	case r.allowAny:
		return detect.Verdict{}
	case missing != "":
		return unread(missing)
	}
	return r.refuse("address_not_allowed", notAllowed+text, r.geo.name(place))
}

// unread is the verdict where a list would have had to decide that has never been read.
func unread(list string) detect.Verdict {
	return detect.Verdict{Failed: true, Reason: "the list " + list + " has not been read so far"}
}

func (r *restriction) refuse(reason, message, list string) detect.Verdict {
	if r.message != "" {
		message = r.message
	}
	return detect.Verdict{Denied: true, Reason: reason, Status: r.status, Message: message, List: list}
}
