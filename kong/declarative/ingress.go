package declarative

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

type kubeService struct {
	object
	ports map[string]int // by name
	made  map[int]*Service
}

// kubeIngress is an Ingress or an HTTPRoute.
type kubeIngress struct {
	object
	spec *mapping
}

func (b *builder) kubeService(o object) {
	s := &kubeService{object: o, ports: map[string]int{}, made: map[int]*Service{}}
	o.checkAnnotations(serviceAnnotations)
	if spec := o.m.get("spec"); spec != nil {
		if sm := o.m.d.mapping(spec, "spec"); sm != nil {
			for i, n := range sm.list("ports") {
				if pm := o.m.d.mapping(n, sm.index("ports", i)); pm != nil {
					port := pm.integer("port", 0, 1, 65535)
					s.ports[pm.str("name")] = port
					s.ports[strconv.Itoa(port)] = port
				}
			}
		}
	}
	o.m.finish("spec")
	b.kube.services[o.key()] = s
}

// service returns the Kong service of a port, making it on first use.
func (b *builder) service(s *kubeService, port int) *Service {
	if made := s.made[port]; made != nil {
		return made
	}
	k := &Service{
		Name: fmt.Sprintf("%s.%s.%d", s.namespace, s.name, port), Host: s.name + "." + s.namespace + ".svc", Port: port,
		Protocol: or(s.word("protocol"), "http"), Path: s.word("path"), Retries: s.number("retries", 5, 0, 32767),
		ConnectTimeout: s.number("connect-timeout", 60000, 1, maxTimeout),
		WriteTimeout:   s.number("write-timeout", 60000, 1, maxTimeout),
		ReadTimeout:    s.number("read-timeout", 60000, 1, maxTimeout),
		Enabled:        true,
	}
	if s.m != nil {
		k.At = s.m.d.at(s.m.node)
	}
	if !slices.Contains([]string{"http", "https", "grpc", "grpcs"}, k.Protocol) {
		s.bad("protocol", "expected http, https, grpc or grpcs")
	}
	if k.Path != "" && !strings.HasPrefix(k.Path, "/") {
		s.bad("path", "should start with: /")
	}
	s.made[port] = k
	b.cfg.Services = append(b.cfg.Services, k)
	b.attach(&s.object, func(p *Plugin) { p.Service = k })
	return k
}

// keep puts an Ingress or an HTTPRoute aside until the Services and plugins that it names are
// there.
func (o object) keep(aside *[]*kubeIngress) {
	o.checkAnnotations(ingressAnnotations)
	spec := o.m.get("spec")
	if spec == nil {
		o.m.d.errorf(o.m.node, "spec", "missing")
		return
	}
	in := &kubeIngress{object: o, spec: o.m.d.mapping(spec, "spec")}
	o.m.finish()
	if in.spec != nil {
		*aside = append(*aside, in)
	}
}

// kubernetesRoutes makes entities of the manifests, once all are there.
func (b *builder) kubernetesRoutes() {
	for _, in := range b.kube.ingresses {
		b.ingress(in)
	}
	for _, hr := range b.kube.httpRoutes {
		b.httpRouteRules(hr)
	}
	for _, c := range b.kube.consumers {
		b.attach(&c.object, func(p *Plugin) { p.Consumer = c.consumer })
	}
	for _, kp := range b.kube.global {
		b.use(kp, func(*Plugin) {})
	}
	b.adviseGlobal()
	// A config that is attached to nothing is still checked.
	for _, kp := range b.kube.loose {
		if !kp.used {
			kp.m.d.warnf(kp.m.line("metadata"), "metadata.name", "%s %s is attached to nothing in these files: name it in a konghq.com/plugins annotation", kp.kind, kp.name)
		}
	}
}

func (b *builder) ingress(in *kubeIngress) {
	m := in.spec
	if m.str("ingressClassName") == "" && in.annotations[ingressClass] == "" {
		m.d.warnf(m.node, "spec.ingressClassName", "missing: write kong, or the Kong Ingress Controller passes this Ingress by")
	}
	for i, n := range m.list("tls") {
		tm := m.d.mapping(n, m.index("tls", i))
		if tm == nil {
			continue
		}
		tm.strings("hosts")
		name := tm.str("secretName")
		if s := b.kube.secrets[in.namespace+"/"+name]; s == nil {
			m.d.warnf(tm.line("secretName"), tm.sub("secretName"), "no Secret with the name %q in these files", name)
		} else if t := s.m.str("type"); t != "kubernetes.io/tls" {
			m.d.errorf(tm.line("secretName"), tm.sub("secretName"), "the Secret %s must be of the type kubernetes.io/tls", name)
		}
		tm.finish()
	}
	for i, n := range m.list("rules") {
		rm := m.d.mapping(n, m.index("rules", i))
		if rm == nil {
			continue
		}
		host := rm.str("host")
		if http := rm.get("http"); http != nil {
			if hm := m.d.mapping(http, rm.sub("http")); hm != nil {
				for j, p := range hm.list("paths") {
					b.ingressPath(in, host, p, hm.index("paths", j), fmt.Sprintf("%s.%s.%d%d", in.namespace, in.name, i, j))
				}
				hm.finish()
			}
		}
		rm.finish()
	}
	b.unread(m, "defaultBackend")
	m.finish()
}

// route is a Kong route with what the annotations say.
func (in *kubeIngress) route(name string, at Position) *Route {
	r := &Route{
		Name: name, At: at, Methods: in.words("methods"), Protocols: in.words("protocols"),
		StripPath: in.truth("strip-path", false), PreserveHost: in.truth("preserve-host", true),
		RegexPriority:           in.number("regex-priority", 0, 0, 1<<31-1),
		HTTPSRedirectStatusCode: in.number("https-redirect-status-code", 426, 301, 426),
		PathHandling:            or(in.word("path-handling"), "v0"), SNIs: in.words("snis"),
		RequestBuffering: in.truth("request-buffering", true), ResponseBuffering: in.truth("response-buffering", true),
	}
	if r.Protocols == nil {
		r.Protocols = []string{"http", "https"}
	}
	for i, v := range r.Methods {
		r.Methods[i] = strings.ToUpper(v)
	}
	for _, key := range sortedKeys(in.annotations) {
		if header, ok := strings.CutPrefix(key, annotation+"headers."); ok {
			if r.Headers == nil {
				r.Headers = map[string][]string{}
			}
			r.Headers[header] = in.words("headers." + header)
		}
	}
	return r
}

func (b *builder) ingressPath(in *kubeIngress, host string, n *yaml.Node, path, name string) {
	d := in.m.d
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	r := in.route(name, d.at(n))
	if host != "" {
		r.Hosts = []string{host}
		if !hostPattern.MatchString(host) {
			d.errorf(n, strings.Split(path, ".http.")[0]+".host", "invalid host name")
		}
	}
	r.Paths = b.ingressPaths(m)
	r.Service = b.backend(in, m)
	m.finish()
	b.cfg.Routes = append(b.cfg.Routes, r)
	b.attach(&in.object, func(p *Plugin) { p.Route = r })
}

// ingressPaths turns a Kubernetes path into Kong's, as the Kong Ingress Controller does.
func (b *builder) ingressPaths(m *mapping) []string {
	path := m.str("path")
	kind := m.oneOf("pathType", "", "Prefix", "Exact", "ImplementationSpecific")
	if kind == "" && !m.has("pathType") {
		m.d.errorf(m.line("path"), m.sub("pathType"), "missing: write Prefix, Exact or ImplementationSpecific")
	}
	if !strings.HasPrefix(path, "/") {
		m.d.errorf(m.line("path"), m.sub("path"), "should start with: /")
		return nil
	}
	if regex, ok := strings.CutPrefix(path, "/~"); ok && kind == "ImplementationSpecific" {
		b.checkPath(m.d, m.get("path"), m.sub("path"), "~"+regex)
		return []string{"~" + regex}
	}
	switch kind {
	case "Exact":
		return exactPath(path)
	case "Prefix":
		return prefixPaths(path)
	}
	return []string{path}
}

func exactPath(path string) []string { return []string{"~" + quoteRegex(path) + "$"} }

// prefixPaths are Kong's paths for what Kubernetes means by a prefix: whole segments.
func prefixPaths(path string) []string {
	trimmed := strings.TrimRight(path, "/")
	if trimmed == "" {
		return []string{"/"}
	}
	return []string{trimmed + "/", "~" + quoteRegex(trimmed) + "$"}
}

func quoteRegex(s string) string {
	var out strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`\.+*?()|[]{}^$`, s[i]) >= 0 {
			out.WriteByte('\\')
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// backend returns the Kong service of an Ingress path. A Service that is in none of the
// files is taken as plain HTTP.
func (b *builder) backend(in *kubeIngress, m *mapping) *Service {
	d := in.m.d
	n := m.get("backend")
	if n == nil {
		d.errorf(m.node, m.sub("backend"), "missing")
		return nil
	}
	bm := d.mapping(n, m.sub("backend"))
	if bm == nil {
		return nil
	}
	if legacyBackend(bm) {
		return nil
	}
	b.unread(bm, "resource")
	sm := d.mapping(bm.get("service"), bm.sub("service"))
	bm.finish()
	if sm == nil {
		return nil
	}
	name := sm.str("name")
	pm := d.mapping(sm.get("port"), sm.sub("port"))
	sm.finish()
	if name == "" || pm == nil {
		d.errorf(bm.node, sm.sub("name"), "missing")
		return nil
	}
	number, word := pm.integer("number", 0, 1, 65535), pm.str("name")
	pm.finish()
	if number == 0 && word == "" {
		d.errorf(sm.node, pm.path, "write port: {number: 80}, or {name: http}")
		return nil
	}
	s := b.kube.services[in.namespace+"/"+name]
	if s == nil {
		d.warnf(sm.line("name"), sm.sub("name"), "no Service with the name %q in these files", name)
		s = &kubeService{object: object{name: name, namespace: in.namespace}, made: map[int]*Service{}}
		b.kube.services[in.namespace+"/"+name] = s
	} else if s.ports != nil {
		port, ok := s.ports[or(word, strconv.Itoa(number))]
		if !ok {
			d.errorf(pm.node, pm.path, "the Service %s has no such port", name)
		}
		number = port
	}
	return b.service(s, number)
}

// attach makes a Plugin for each name in the konghq.com/plugins annotation of o.
func (b *builder) attach(o *object, scope func(*Plugin)) {
	for _, name := range o.words("plugins") {
		namespace, short, cross := strings.Cut(name, "/")
		if !cross {
			namespace, short = o.namespace, name
		}
		kp := b.kube.plugins[namespace+"/"+short]
		if kp == nil && !cross {
			kp = b.kube.clusterPlugins[name]
		}
		if kp == nil {
			var names []string
			for _, p := range b.kube.loose {
				if p.kind == "KongClusterPlugin" || p.namespace == o.namespace {
					names = append(names, p.name)
				}
			}
			o.bad("plugins", "no KongPlugin with the name %q in the namespace %s%s", short, namespace, DidYouMean(short, names))
			continue
		}
		b.use(kp, scope)
		if a := (annotated{o, kp}); !slices.Contains(b.kube.annotated, a) { // an Ingress has many paths
			b.kube.annotated = append(b.kube.annotated, a)
		}
	}
}

// use attaches a copy of kp; validation completes the config of all copies at once.
func (b *builder) use(kp *kubePlugin, scope func(*Plugin)) {
	kp.used = true
	p := kp.plugin
	scope(&p)
	b.cfg.Plugins = append(b.cfg.Plugins, &p)
	for i := range b.configs {
		if b.configs[i].plugin == &kp.plugin {
			b.configs[i].copies = append(b.configs[i].copies, &p)
		}
	}
}
