package declarative

import (
	"slices"
	"strings"
)

// bundled are the plugins that come with Kong: right in a file, but nothing here knows
// their schemas, and the stand-in does not run them.
var bundled = strings.Fields(`
	acl acme ai-prompt-decorator ai-prompt-guard ai-prompt-template ai-proxy ai-request-transformer
	ai-response-transformer aws-lambda azure-functions basic-auth bot-detection correlation-id cors datadog file-log
	grpc-gateway grpc-web hmac-auth http-log ip-restriction jwt key-auth ldap-auth loggly oauth2 opentelemetry
	post-function pre-function prometheus proxy-cache rate-limiting redirect request-size-limiting request-termination
	request-transformer response-ratelimiting response-transformer session standard-webhooks statsd syslog tcp-log
	udp-log upstream-timeout zipkin`)

// Bundled reports whether name is a plugin that comes with Kong 3.9.
func Bundled(name string) bool { return slices.Contains(bundled, name) }

// validateConfigs has the Validator check and complete every plugin config.
func (b *builder) validateConfigs() {
	if b.opts.Validator == nil {
		return
	}
	known := b.opts.Validator.Names()
	for _, c := range b.configs {
		name := c.plugin.Name
		switch {
		case name == "":
			continue // reported already
		case slices.Contains(known, name):
			b.validateConfig(c)
		case Bundled(name):
			hint := ""
			if slices.Contains(known, "waf-"+name) {
				hint = "; waf-" + name + " takes the same config and is"
			}
			c.doc.warnf(c.node, strings.TrimSuffix(c.path, ".config")+".name",
				"%s is one of Kong's own plugins: its config is not checked, and it is not run by the stand-in%s", name, hint)
			b.markUnread()
		default:
			c.doc.errorf(c.node, strings.TrimSuffix(c.path, ".config")+".name",
				"no plugin has the name %q%s", name, DidYouMean(name, slices.Concat(known, bundled)))
		}
	}
}

func (b *builder) validateConfig(c pluginConfig) {
	completed, problems := b.opts.Validator.Validate(c.plugin.Name, c.plugin.Config)
	if completed != nil {
		c.plugin.Config = completed
		for _, p := range c.copies {
			p.Config = completed
		}
	}
	for _, p := range problems {
		node := find(c.node, "config", p.Field)
		field := p.Field
		if rest, ok := strings.CutPrefix(p.Field, "config"); ok {
			field = c.path + rest
		} else if field != "" {
			field = strings.TrimSuffix(c.path, "config") + field
		}
		msg := p.Message
		if strings.Contains(msg, "expected an array") && !strings.Contains(msg, "write") && !isNull(node) {
			msg = notAnArray(node)
		}
		c.doc.report(node, field, p.Warning, "%s", msg)
	}
}

// duplicates reports names, ids and keys that exist twice, and two configs of one plugin
// for the same scope.
func (b *builder) duplicates() {
	first := map[string]Position{}
	check := func(kind, field, value, shown string, at Position) {
		if value == "" {
			return
		}
		key := kind + "\x00" + field + "\x00" + value
		if before, ok := first[key]; ok {
			b.problems = append(b.problems, Problem{Position: at, Field: field,
				Message: "there is another " + kind + shown + " at " + before.String()})
			return
		}
		first[key] = at
	}
	named := func(name string) string { return " with the name " + quote(name) }
	for _, s := range b.cfg.Services {
		check("service", "name", s.Name, named(s.Name), s.At)
	}
	for _, r := range b.cfg.Routes {
		check("route", "name", r.Name, named(r.Name), r.At)
	}
	for _, u := range b.cfg.Upstreams {
		check("upstream", "name", u.Name, named(u.Name), u.At)
	}
	for _, c := range b.cfg.Consumers {
		check("consumer", "username", c.Username, " with the username "+quote(c.Username), c.At)
		check("consumer", "custom_id", c.CustomID, " with the custom_id "+quote(c.CustomID), c.At)
		for _, k := range c.Keys {
			check("credential", "key", k.Key, " with the same key", k.At)
		}
	}
	for _, p := range b.cfg.Plugins {
		if p.Name != "" {
			check("config of "+p.Name, "plugins", p.scopeKey(), " for the same scope ("+p.Scope()+")", p.At)
		}
	}
}

// duplicateIDs reports ids that were written twice.
func (b *builder) duplicateIDs() {
	first := map[string]Position{}
	check := func(id string, at Position) {
		if before, ok := first[id]; ok && id != "" {
			b.problems = append(b.problems, Problem{Position: at, Field: "id", Message: "the same id is used at " + before.String()})
		}
		first[id] = at
	}
	for _, s := range b.cfg.Services {
		check(s.ID, s.At)
	}
	for _, r := range b.cfg.Routes {
		check(r.ID, r.At)
	}
	for _, c := range b.cfg.Consumers {
		check(c.ID, c.At)
		for _, k := range c.Keys {
			check(k.ID, k.At)
		}
	}
	for _, p := range b.cfg.Plugins {
		check(p.ID, p.At)
	}
}

// advise warns of combinations that Kong accepts and that never take effect, or count
// twice.
func (b *builder) advise() {
	for _, p := range b.cfg.Plugins {
		if p.Consumer == nil {
			continue
		}
		switch p.Name {
		case "waf-detect", "waf-gate", "waf-ip-restriction":
			b.advice(p, true, "%s runs before any authentication, so this config per consumer (%s) never applies: attach it to a route or a service", p.Name, p.Consumer.label())
		case "waf-key-auth":
			b.advice(p, false, "waf-key-auth finds out who the consumer is, so it cannot be attached to one: attach it to a route or a service")
		}
	}
	covers := map[string]string{
		"waf-ip-restriction": "ip-restriction", "waf-detect": "detect",
		"waf-key-auth": "key-auth", "waf-rate-limiting": "rate-limiting",
	}
	for _, single := range b.cfg.Plugins {
		check, ok := covers[single.Name]
		if !ok || !single.Enabled {
			continue
		}
		for _, gate := range b.cfg.Plugins {
			if gate.Name == "waf-gate" && gate.Enabled && b.meet(gate, single) && hasCheck(gate.Config, check) {
				b.advice(single, true, "waf-gate (%s) runs the check %s on the same requests: take one of the two away", gate.At, check)
				break
			}
		}
	}
}

// adviseTwins warns where one of Kong's own plugins and ours that takes its place run for the
// same requests.
func (b *builder) adviseTwins() {
	for _, bundled := range b.cfg.Plugins {
		if !bundled.Enabled || !Bundled(bundled.Name) {
			continue
		}
		for _, ours := range b.cfg.Plugins {
			same := ours.Name == "waf-"+bundled.Name || ours.Name == "waf-gate" && hasCheck(ours.Config, bundled.Name)
			if ours.Enabled && same && b.meet(ours, bundled) {
				b.advice(bundled, true, "%s (%s) does the same for the same requests: they pay for both, and both must let them in. Take one of the two away", ours.Name, ours.At)
				break
			}
		}
	}
}

// adviseGlobal warns where a global plugin meets an annotation that names the same one: Kong
// runs one config of a plugin, the closest.
func (b *builder) adviseGlobal() {
	for _, global := range b.kube.global {
		for _, a := range b.kube.annotated {
			key := annotation + "plugins"
			warn := func(format string, args ...any) {
				a.object.m.d.warnf(a.object.annotated.line(key), a.object.annotated.sub(key), format, args...)
			}
			switch {
			case a.plugin == global:
				warn("%s is global: it runs here without being named", global.name)
			case a.plugin.plugin.Name == global.plugin.Name:
				warn("%s applies here instead of the global %s (%s), not beside it: Kong runs one config of %s", a.plugin.name, global.name, global.plugin.At, global.plugin.Name)
			}
		}
	}
}

func (b *builder) advice(p *Plugin, warning bool, format string, args ...any) {
	d := document{file: p.At.File, problems: &b.problems}
	d.report(nil, "plugins", warning, format, args...)
	b.problems[len(b.problems)-1].Line = p.At.Line
}

func hasCheck(config map[string]any, check string) bool {
	list, _ := config["checks"].([]any)
	return slices.Contains(list, any(check))
}

// meet reports whether a request exists for which both plugins run.
func (b *builder) meet(p, q *Plugin) bool {
	if p.Consumer != nil && q.Consumer != nil && p.Consumer != q.Consumer {
		return false
	}
	if len(b.cfg.Routes) == 0 {
		return p.Route == q.Route && p.Service == q.Service
	}
	return slices.ContainsFunc(b.cfg.Routes, func(r *Route) bool { return p.on(r) && q.on(r) })
}

func (p *Plugin) on(r *Route) bool {
	return (p.Route == nil || p.Route == r) && (p.Service == nil || p.Service == r.Service)
}
