package declarative

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (b *builder) deckRoute(d *document, n *yaml.Node, path string, owner *Service) {
	m := d.mapping(n, path)
	if m == nil {
		return
	}
	r := &Route{
		ID: m.str("id"), Name: m.str("name"), Service: owner, At: d.at(n),
		Protocols:               b.protocols(m, []string{"http", "https"}),
		Methods:                 m.strings("methods"),
		Hosts:                   m.strings("hosts"),
		Paths:                   m.strings("paths"),
		Headers:                 b.routeHeaders(m),
		SNIs:                    m.strings("snis"),
		RegexPriority:           m.integer("regex_priority", 0, 0, 1<<31-1),
		StripPath:               m.boolean("strip_path", true),
		PreserveHost:            m.boolean("preserve_host", false),
		PathHandling:            m.oneOf("path_handling", "v0", "v0", "v1"),
		HTTPSRedirectStatusCode: m.integer("https_redirect_status_code", 426, 301, 426),
		RequestBuffering:        m.boolean("request_buffering", true),
		ResponseBuffering:       m.boolean("response_buffering", true),
		Tags:                    m.strings("tags"),
	}
	b.checkRoute(m, r)
	if ref := b.reference(m, "service"); ref != "" {
		node := m.get("service")
		if owner != nil {
			d.errorf(node, m.sub("service"), "the route is inside a service already: leave this out")
		} else {
			b.later = append(b.later, func() { r.Service = b.findService(d, node, m.sub("service"), ref) })
		}
	}
	for i, p := range m.list("plugins") {
		b.deckPlugin(d, p, m.index("plugins", i), Plugin{Route: r})
	}
	b.unread(m, "sources", "destinations", "expression", "priority")
	m.finish("created_at", "updated_at")
	b.cfg.Routes = append(b.cfg.Routes, r)
}

// routeHeaders reads `headers: {name: [values]}`.
func (b *builder) routeHeaders(m *mapping) map[string][]string {
	n := m.get("headers")
	if n == nil {
		return nil
	}
	hm := m.d.mapping(n, m.sub("headers"))
	if hm == nil {
		return nil
	}
	out := map[string][]string{}
	for _, name := range hm.order {
		out[name] = hm.strings(name)
		if strings.EqualFold(name, "host") {
			m.d.errorf(hm.line(name), hm.sub(name), "cannot contain 'host' header, which must be specified in the 'hosts' attribute")
		}
	}
	return out
}

// hostPattern is a host name with at most one asterisk, at one end, and perhaps a port.
var hostPattern = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?(\.\*)?(:\d{1,5})?$`)

func (b *builder) checkRoute(m *mapping, r *Route) {
	d := m.d
	grpc := slices.Contains(r.Protocols, "grpc") || slices.Contains(r.Protocols, "grpcs")
	if grpc {
		if m.has("strip_path") && r.StripPath {
			d.errorf(m.get("strip_path"), m.sub("strip_path"), "must be false where protocols has grpc or grpcs")
		}
		if len(r.Methods) > 0 {
			d.errorf(m.line("methods"), m.sub("methods"), "cannot be set where protocols has grpc or grpcs")
		}
		r.StripPath = false
	}
	if len(r.Hosts)+len(r.Paths)+len(r.Methods)+len(r.Headers)+len(r.SNIs) == 0 {
		if !m.has("expression") {
			d.errorf(m.node, m.path, "matches nothing: must set one of 'methods', 'hosts', 'headers', 'paths'")
		}
	}
	if r.HTTPSRedirectStatusCode != 426 && !slices.Contains([]int{301, 302, 307, 308}, r.HTTPSRedirectStatusCode) {
		d.errorf(m.get("https_redirect_status_code"), m.sub("https_redirect_status_code"), "expected one of: 426, 301, 302, 307, 308")
	}
	for i, p := range r.Paths {
		b.checkPath(d, m.get("paths"), m.index("paths", i), p)
	}
	for i, h := range r.Hosts {
		if !hostPattern.MatchString(h) || strings.Count(h, "*") > 1 {
			d.errorf(nth(m.get("hosts"), i), m.index("hosts", i), "invalid host name: write a name such as api.example.com, *.example.com or api.example.*")
		}
	}
	for i, v := range r.Methods {
		if v == "" || strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" {
			d.errorf(nth(m.get("methods"), i), m.index("methods", i), "write the method in capital letters: %s", strings.ToUpper(v))
		}
	}
}

func nth(list *yaml.Node, i int) *yaml.Node {
	if list != nil && i < len(list.Content) {
		return list.Content[i]
	}
	return list
}

func (b *builder) checkPath(d *document, list *yaml.Node, field, path string) {
	n := list
	var i int
	if _, err := fmt.Sscanf(field[strings.LastIndexByte(field, '['):], "[%d]", &i); err == nil {
		n = nth(list, i)
	}
	switch {
	case strings.HasPrefix(path, "~"):
		if !strings.HasPrefix(path, "~/") && !strings.HasPrefix(path, "~^/") {
			d.errorf(n, field, "should start with: / (fixed path) or ~/ (regexed path)")
		} else if _, err := regexp.Compile("^(?:" + path[1:] + ")"); err != nil {
			d.warnf(n, field, "the stand-in cannot run this regular expression (Kong may): %v", err)
		}
	case !strings.HasPrefix(path, "/"):
		d.errorf(n, field, "should start with: / (fixed path) or ~/ (regexed path)")
	case strings.ContainsAny(path, "()[]{}*+^$|?\\"):
		d.warnf(n, field, "this is taken letter by letter; a regular expression begins with ~")
	}
}
