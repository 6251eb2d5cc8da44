package declarative

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// otherEntities are Kong entities that a deck file may hold and this package does not read.
var otherEntities = []string{
	"acls", "basicauth_credentials", "ca_certificates", "certificates", "consumer_groups", "custom_entities",
	"degraphql_routes", "filter_chains", "hmacauth_credentials", "jwt_secrets", "key_sets", "keys", "licenses",
	"mtls_auth_credentials", "oauth2_credentials", "partials", "rbac_roles", "service_packages", "snis", "vaults",
}

// deck reads one deck (or Kong DB-less) document.
func (b *builder) deck(m *mapping) {
	switch v := m.str("_format_version"); v {
	case "3.0":
	case "1.1", "2.1":
		m.d.errorf(m.get("_format_version"), "_format_version", `this is %s, of Kong 1 and 2; Kong 3 reads "3.0". Paths that are regular expressions then begin with "~" (deck convert does it)`, v)
	default:
		m.d.errorf(m.get("_format_version"), "_format_version", `write "3.0"`)
	}
	for _, k := range []string{"_comment", "_ignore", "_info", "_konnect", "_transform", "_workspace"} {
		m.get(k)
	}
	if shared := m.get("_plugin_configs"); shared != nil {
		if sm := m.d.mapping(shared, "_plugin_configs"); sm != nil {
			for _, name := range sm.order {
				if c, ok := m.d.value(sm.get(name), sm.sub(name)).(map[string]any); ok {
					b.sharedConfigs[name] = c
				}
			}
		}
	}
	for i, n := range m.list("services") {
		b.deckService(m.d, n, m.index("services", i))
	}
	for i, n := range m.list("routes") {
		b.deckRoute(m.d, n, m.index("routes", i), nil)
	}
	for i, n := range m.list("consumers") {
		b.deckConsumer(m.d, n, m.index("consumers", i))
	}
	for i, n := range m.list("upstreams") {
		b.deckUpstream(m.d, n, m.index("upstreams", i))
	}
	for i, n := range m.list("targets") {
		b.deckTarget(m.d, n, m.index("targets", i), nil)
	}
	for i, n := range m.list("keyauth_credentials") {
		b.deckKey(m.d, n, m.index("keyauth_credentials", i), nil)
	}
	for i, n := range m.list("plugins") {
		b.deckPlugin(m.d, n, m.index("plugins", i), Plugin{})
	}
	b.unread(m, otherEntities...)
	m.finish(otherEntities...)
}

// unread warns of keys that are right in Kong's eyes and ignored here.
func (b *builder) unread(m *mapping, keys ...string) {
	for _, key := range keys {
		if m.has(key) {
			m.d.warnf(m.line(key), m.sub(key), "not read here: neither checked nor used by the stand-in")
			b.markUnread()
		}
	}
}

// markUnread says of the last problem that it is no fault of the file's.
func (b *builder) markUnread() { b.problems[len(b.problems)-1].Unread = true }

const maxTTL = 100_000_000 // Kong's bound, in seconds

const maxTimeout = 1<<31 - 2 // Kong's bound, in milliseconds

func (b *builder) deckService(d *document, n *yaml.Node, path string) {
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	s := &Service{
		ID: m.str("id"), Name: m.str("name"), At: d.at(n),
		Protocol:       m.oneOf("protocol", "http", "http", "https", "grpc", "grpcs", "tcp", "tls", "tls_passthrough", "udp", "ws", "wss"),
		Host:           m.str("host"),
		Port:           m.integer("port", 80, 0, 65535),
		Path:           m.str("path"),
		Retries:        m.integer("retries", 5, 0, 32767),
		ConnectTimeout: m.integer("connect_timeout", 60000, 1, maxTimeout),
		WriteTimeout:   m.integer("write_timeout", 60000, 1, maxTimeout),
		ReadTimeout:    m.integer("read_timeout", 60000, 1, maxTimeout),
		Enabled:        m.boolean("enabled", true),
		Tags:           m.strings("tags"),
	}
	if m.has("url") {
		b.serviceURL(m, s)
	}
	if _, given := m.values["url"]; s.Host == "" && !given {
		d.errorf(m.line("host"), m.sub("host"), `missing: write host: api.example.com, or url: http://api.example.com:8080`)
	}
	if s.Path != "" && !strings.HasPrefix(s.Path, "/") {
		d.errorf(m.get("path"), m.sub("path"), "should start with: /")
	}
	b.cfg.Services = append(b.cfg.Services, s)
	for i, r := range m.list("routes") {
		b.deckRoute(d, r, m.index("routes", i), s)
	}
	for i, p := range m.list("plugins") {
		b.deckPlugin(d, p, m.index("plugins", i), Plugin{Service: s})
	}
	b.unread(m, "client_certificate", "ca_certificates", "tls_verify", "tls_verify_depth")
	m.finish()
}

// serviceURL reads the shorthand url, which sets protocol, host, port and path.
func (b *builder) serviceURL(m *mapping, s *Service) {
	n := m.get("url")
	u, err := url.Parse(m.str("url"))
	if err != nil || u.Host == "" {
		m.d.errorf(n, m.sub("url"), "expected a URL such as http://api.example.com:8080/path")
		return
	}
	ports := map[string]int{"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
	port, known := ports[u.Scheme]
	if !known {
		m.d.errorf(n, m.sub("url"), "expected http, https, grpc or grpcs before ://")
		return
	}
	for _, k := range []string{"protocol", "host", "port", "path"} {
		if m.has(k) {
			m.d.warnf(m.line(k), m.sub(k), "url says it already; url wins")
		}
	}
	s.Protocol, s.Host, s.Path, s.Port = u.Scheme, u.Hostname(), u.EscapedPath(), port
	if p := u.Port(); p != "" {
		s.Port, _ = strconv.Atoi(p)
	}
}

func (b *builder) deckConsumer(d *document, n *yaml.Node, path string) {
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	c := &Consumer{ID: m.str("id"), Username: m.str("username"), CustomID: m.str("custom_id"), Tags: m.strings("tags"), At: d.at(n)}
	if c.Username == "" && c.CustomID == "" {
		d.errorf(n, path, "at least one of these fields must be non-empty: username, custom_id")
	}
	b.cfg.Consumers = append(b.cfg.Consumers, c)
	for i, k := range m.list("keyauth_credentials") {
		b.deckKey(d, k, m.index("keyauth_credentials", i), c)
	}
	for i, p := range m.list("plugins") {
		b.deckPlugin(d, p, m.index("plugins", i), Plugin{Consumer: c})
	}
	b.unread(m, "groups", "acls", "basicauth_credentials", "hmacauth_credentials", "jwt_secrets", "mtls_auth_credentials", "oauth2_credentials")
	m.finish()
}

func (b *builder) deckKey(d *document, n *yaml.Node, path string, owner *Consumer) {
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	k := KeyCredential{ID: m.str("id"), Key: m.str("key"), Tags: m.strings("tags"), TTL: m.integer("ttl", 0, 0, maxTTL), At: d.at(n)}
	if k.Key == "" {
		d.errorf(m.line("key"), m.sub("key"), "missing: write the key (Kong would make up one that nobody knows)")
	}
	if owner != nil {
		owner.Keys = append(owner.Keys, k)
	} else if ref := b.reference(m, "consumer"); ref != "" {
		node := m.get("consumer")
		b.later = append(b.later, func() {
			if c := b.findConsumer(d, node, m.sub("consumer"), ref); c != nil {
				c.Keys = append(c.Keys, k)
			}
		})
	} else {
		d.errorf(n, m.sub("consumer"), "missing: write the consumer's username")
	}
	m.finish()
}

func (b *builder) deckUpstream(d *document, n *yaml.Node, path string) {
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	u := &Upstream{ID: m.str("id"), Name: m.str("name"), At: d.at(n)}
	if u.Name == "" {
		d.errorf(m.line("name"), m.sub("name"), "missing")
	}
	b.cfg.Upstreams = append(b.cfg.Upstreams, u)
	for i, t := range m.list("targets") {
		b.deckTarget(d, t, m.index("targets", i), u)
	}
	// Balancing and health checks are Kong's: the stand-in takes targets in turn.
	m.finish("algorithm", "client_certificate", "hash_fallback", "hash_fallback_header", "hash_fallback_query_arg",
		"hash_fallback_uri_capture", "hash_on", "hash_on_cookie", "hash_on_cookie_path", "hash_on_header",
		"hash_on_query_arg", "hash_on_uri_capture", "healthchecks", "host_header", "slots", "tags", "use_srv_name")
}

func (b *builder) deckTarget(d *document, n *yaml.Node, path string, u *Upstream) {
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	t := Target{Address: m.str("target"), Weight: m.integer("weight", 100, 0, 65535)}
	m.get("id")
	m.get("tags")
	if t.Address == "" {
		d.errorf(m.line("target"), m.sub("target"), "missing: write host:port")
	}
	if u != nil {
		u.Targets = append(u.Targets, t)
	} else if ref := b.reference(m, "upstream"); ref == "" {
		d.errorf(n, m.sub("upstream"), "missing: write the upstream's name")
	} else {
		node := m.get("upstream")
		b.later = append(b.later, func() {
			var names []string
			for _, u := range b.cfg.Upstreams {
				if u.Name == ref || u.ID == ref {
					u.Targets = append(u.Targets, t)
					return
				}
				names = append(names, u.Name)
			}
			d.errorf(node, m.sub("upstream"), "no upstream has the name %q%s", ref, DidYouMean(ref, names))
		})
	}
	m.finish()
}

// reference reads `key: name`, `key: {name: x}` and `key: {id: x}`.
func (b *builder) reference(m *mapping, key string) string {
	n := m.get(key)
	if n == nil || n.Kind != yaml.MappingNode {
		return m.str(key)
	}
	rm := m.d.mapping(n, m.sub(key))
	ref := or(rm.str("id"), or(rm.str("name"), rm.str("username")))
	rm.finish()
	if ref == "" {
		m.d.errorf(n, m.sub(key), "write a name")
	}
	return ref
}

func (b *builder) findService(d *document, n *yaml.Node, field, ref string) *Service {
	var names []string
	for _, s := range b.cfg.Services {
		if s.Name == ref || s.ID == ref {
			return s
		}
		names = append(names, s.Name)
	}
	d.errorf(n, field, "no service has the name %q%s", ref, DidYouMean(ref, names))
	return nil
}

func (b *builder) findRoute(d *document, n *yaml.Node, field, ref string) *Route {
	var names []string
	for _, r := range b.cfg.Routes {
		if r.Name == ref || r.ID == ref {
			return r
		}
		names = append(names, r.Name)
	}
	d.errorf(n, field, "no route has the name %q%s", ref, DidYouMean(ref, names))
	return nil
}

func (b *builder) findConsumer(d *document, n *yaml.Node, field, ref string) *Consumer {
	var names []string
	for _, c := range b.cfg.Consumers {
		if c.Username == ref || c.ID == ref {
			return c
		}
		names = append(names, c.Username)
	}
	d.errorf(n, field, "no consumer has the username %q%s", ref, DidYouMean(ref, names))
	return nil
}

func (b *builder) deckPlugin(d *document, n *yaml.Node, path string, scope Plugin) {
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	p := &scope
	p.ID, p.Name, p.InstanceName = m.str("id"), m.str("name"), m.str("instance_name")
	p.Enabled, p.Tags, p.At = m.boolean("enabled", true), m.strings("tags"), d.at(n)
	p.Protocols = b.protocols(m, []string{"grpc", "grpcs", "http", "https"})
	if p.Name == "" {
		d.errorf(m.line("name"), m.sub("name"), "missing: write the plugin's name")
	}
	b.pluginConfig(m, p)
	for _, key := range []string{"service", "route", "consumer"} {
		ref := b.reference(m, key)
		if ref == "" {
			continue
		}
		node, field := m.get(key), m.sub(key)
		if key == "service" && p.Service != nil || key == "consumer" && p.Consumer != nil || key == "route" && p.Route != nil {
			d.errorf(node, field, "the plugin is inside a %s already: leave this out", key)
			continue
		}
		b.later = append(b.later, func() {
			switch key {
			case "service":
				p.Service = b.findService(d, node, field, ref)
			case "route":
				p.Route = b.findRoute(d, node, field, ref)
			default:
				p.Consumer = b.findConsumer(d, node, field, ref)
			}
			// A scope that is not there must not make the plugin global.
			if p.Service == nil && p.Route == nil && p.Consumer == nil {
				p.Enabled = false
			}
		})
	}
	b.unread(m, "ordering", "consumer_group", "condition", "partials")
	m.finish("created_at", "updated_at", "run_on")
	b.cfg.Plugins = append(b.cfg.Plugins, p)
}

// pluginConfig reads config and deck's _config, under which config goes.
func (b *builder) pluginConfig(m *mapping, p *Plugin) {
	n := m.get("config")
	p.Config = map[string]any{}
	if name := m.str("_config"); name != "" {
		shared, ok := b.sharedConfigs[name]
		if !ok {
			m.d.errorf(m.get("_config"), m.sub("_config"), "_plugin_configs has no %q", name)
		}
		for k, v := range shared {
			p.Config[k] = v
		}
	}
	if n != nil && n.Kind != yaml.MappingNode {
		m.d.errorf(n, m.sub("config"), "expected a mapping (key: value), found %s", kindOf(n))
		return
	}
	if n != nil {
		if own, ok := m.d.value(n, m.sub("config")).(map[string]any); ok {
			for k, v := range own {
				p.Config[k] = v
			}
		}
	} else {
		n = m.line("name")
	}
	b.configs = append(b.configs, pluginConfig{plugin: p, doc: m.d, node: n, path: m.sub("config")})
}

func (b *builder) protocols(m *mapping, fallback []string) []string {
	list := m.strings("protocols")
	for i, p := range list {
		switch p {
		case "http", "https", "grpc", "grpcs", "tcp", "tls", "tls_passthrough", "udp", "ws", "wss":
		default:
			m.d.errorf(m.get("protocols"), fmt.Sprintf("%s[%d]", m.sub("protocols"), i), "expected one of http, https, grpc, grpcs (tcp, tls, udp ... in Kong)")
		}
	}
	if len(list) == 0 {
		return fallback
	}
	return list
}
