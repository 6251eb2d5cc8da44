package declarative

import (
	"fmt"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// kubeGateway reads of a Gateway only what would change its routes.
func (b *builder) kubeGateway(o object) {
	n := o.m.get("spec")
	if n == nil {
		o.m.d.errorf(o.m.node, "spec", "missing")
		return
	}
	spec := o.m.d.mapping(n, "spec")
	if spec == nil {
		return
	}
	if spec.str("gatewayClassName") == "" {
		o.m.d.errorf(spec.node, "spec.gatewayClassName", "missing: write kong, or the name of your GatewayClass")
	}
	for i, n := range spec.list("listeners") {
		if lm := o.m.d.mapping(n, spec.index("listeners", i)); lm != nil && lm.has("hostname") {
			o.m.d.warnf(lm.line("hostname"), lm.sub("hostname"), "not read here: write it under the hostnames of the HTTPRoutes too")
		}
	}
}

// httpRouteRules makes a Kong route of each match of an HTTPRoute's rules, as the Kong Ingress
// Controller does.
func (b *builder) httpRouteRules(hr *kubeIngress) {
	m := hr.spec
	if len(m.list("parentRefs")) == 0 {
		m.d.warnf(m.node, m.sub("parentRefs"), "missing: name the Gateway, or nobody serves this HTTPRoute")
	}
	hosts := m.strings("hostnames")
	for i, h := range hosts {
		if !hostPattern.MatchString(h) {
			m.d.errorf(nth(m.get("hostnames"), i), m.index("hostnames", i), "invalid host name")
		}
	}
	for i, n := range m.list("rules") {
		rm := m.d.mapping(n, m.index("rules", i))
		if rm == nil {
			continue
		}
		service := b.httpBackend(hr, rm)
		plugins := b.httpFilters(hr, rm)
		matches := rm.list("matches")
		if len(matches) == 0 {
			matches = []*yaml.Node{nil} // everything
		}
		for j, match := range matches {
			r := hr.route(fmt.Sprintf("httproute.%s.%s.%d.%d", hr.namespace, hr.name, i, j), m.d.at(n))
			r.Hosts, r.Service = hosts, service
			b.httpMatch(r, rm, match, rm.index("matches", j))
			b.cfg.Routes = append(b.cfg.Routes, r)
			scope := func(p *Plugin) { p.Route = r }
			b.attach(&hr.object, scope)
			for _, kp := range plugins {
				b.use(kp, scope)
			}
		}
		rm.finish("name")
	}
	m.finish()
}

func (b *builder) httpMatch(r *Route, rm *mapping, n *yaml.Node, field string) {
	r.Paths = []string{"/"}
	if n == nil {
		return
	}
	m := rm.d.mapping(n, field)
	if m == nil {
		return
	}
	if method := m.oneOf("method", "", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"); method != "" {
		r.Methods = []string{method}
	}
	if p := m.get("path"); p != nil {
		if pm := m.d.mapping(p, m.sub("path")); pm != nil {
			kind := pm.oneOf("type", "PathPrefix", "PathPrefix", "Exact", "RegularExpression")
			value := or(pm.str("value"), "/")
			switch {
			case value[0] != '/':
				m.d.errorf(pm.line("value"), pm.sub("value"), "should start with: /")
			case kind == "RegularExpression":
				r.Paths = []string{"~" + value}
				b.checkPath(m.d, pm.get("value"), pm.sub("value"), r.Paths[0])
			case kind == "Exact":
				r.Paths = exactPath(value)
			default:
				r.Paths = prefixPaths(value)
			}
			pm.finish()
		}
	}
	for i, h := range m.list("headers") {
		hm := m.d.mapping(h, m.index("headers", i))
		if hm == nil {
			continue
		}
		name, value := hm.str("name"), hm.str("value")
		if hm.oneOf("type", "Exact", "Exact", "RegularExpression") == "RegularExpression" {
			value = "~*" + value
		}
		if r.Headers == nil {
			r.Headers = map[string][]string{}
		}
		r.Headers[name] = []string{value}
		hm.finish()
	}
	b.unread(m, "queryParams")
	m.finish()
}

// httpBackend returns the service of a rule, with the rule's own timeout.
func (b *builder) httpBackend(hr *kubeIngress, rm *mapping) *Service {
	refs := rm.list("backendRefs")
	for i := 1; i < len(refs); i++ {
		rm.d.warnf(refs[i], rm.index("backendRefs", i), "not read here: the stand-in sends everything to the first")
	}
	timeout := b.httpTimeout(rm)
	if len(refs) == 0 {
		return nil
	}
	m := rm.d.mapping(refs[0], rm.index("backendRefs", 0))
	if m == nil {
		return nil
	}
	m.oneOf("kind", "Service", "Service")
	m.integer("weight", 1, 0, 1_000_000)
	name, port, namespace := m.str("name"), m.integer("port", 0, 1, 65535), or(m.str("namespace"), hr.namespace)
	b.unread(m, "filters")
	m.finish("group")
	if name == "" || port == 0 {
		rm.d.errorf(m.node, m.path, "write the name and the port of a Service")
		return nil
	}
	s := b.kube.services[namespace+"/"+name]
	if s == nil {
		rm.d.warnf(m.line("name"), m.sub("name"), "no Service with the name %q in these files", name)
		s = &kubeService{object: object{name: name, namespace: namespace}, made: map[int]*Service{}}
		b.kube.services[namespace+"/"+name] = s
	} else if _, ok := s.ports[strconv.Itoa(port)]; s.ports != nil && !ok {
		rm.d.errorf(m.line("port"), m.sub("port"), "the Service %s has no such port", name)
	}
	service := b.service(s, port)
	if timeout > 0 {
		service.ConnectTimeout, service.ReadTimeout, service.WriteTimeout = timeout, timeout, timeout
	}
	return service
}

// httpTimeout is the rule's timeouts.backendRequest in milliseconds, 0 for none.
func (b *builder) httpTimeout(rm *mapping) int {
	n := rm.get("timeouts")
	if n == nil {
		return 0
	}
	m := rm.d.mapping(n, rm.sub("timeouts"))
	if m == nil {
		return 0
	}
	defer m.finish()
	b.unread(m, "request")
	text := m.str("backendRequest")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond || d > maxTimeout*time.Millisecond {
		rm.d.errorf(m.line("backendRequest"), m.sub("backendRequest"), "expected a duration such as 10s or 500ms")
		return 0
	}
	return int(d.Milliseconds())
}

// httpFilters returns the KongPlugins that a rule's filters name.
func (b *builder) httpFilters(hr *kubeIngress, rm *mapping) []*kubePlugin {
	var plugins []*kubePlugin
	for i, n := range rm.list("filters") {
		m := rm.d.mapping(n, rm.index("filters", i))
		if m == nil {
			continue
		}
		ref := m.get("extensionRef")
		if kind := m.str("type"); kind != "ExtensionRef" || ref == nil {
			rm.d.warnf(n, m.path, "filters of the type %s are not read here", kind)
			continue
		}
		em := rm.d.mapping(ref, m.sub("extensionRef"))
		if em == nil {
			continue
		}
		em.oneOf("group", "configuration.konghq.com", "configuration.konghq.com")
		em.oneOf("kind", "KongPlugin", "KongPlugin")
		name := em.str("name")
		em.finish()
		m.finish()
		if kp := b.kube.plugins[hr.namespace+"/"+name]; kp != nil {
			plugins = append(plugins, kp)
		} else {
			rm.d.errorf(em.line("name"), em.sub("name"), "no KongPlugin with the name %q in the namespace %s", name, hr.namespace)
		}
	}
	return plugins
}
