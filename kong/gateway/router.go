package gateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kongwaf/kong/declarative"
)

// Which of a route's rules exist, in the order of their weight.
const (
	ruleMethod = 0x08
	rulePath   = 0x10
	ruleHeader = 0x20
	ruleHost   = 0x40
)

// What tells routes with the same rules apart.
const (
	subRegex            = 0x01
	subPlainHosts       = 0x02
	subWildcardHostPort = 0x04
)

// candidate is a route with at most one of its paths, ready to match. Kong's traditional
// router splits routes by path so that the longest path of all wins.
type candidate struct {
	route     *declarative.Route
	rules     int
	sub       int
	path      string // normalised prefix
	regex     *regexp.Regexp
	regexText string
	hosts     []hostRule
	headers   []headerRule
	methods   []string
}

type hostRule struct {
	plain    string
	wildcard *regexp.Regexp
}

type headerRule struct {
	name    string
	values  []string
	pattern *regexp.Regexp // of a single value "~*..."
}

// match is what the router found out about a request.
type match struct {
	route    *declarative.Route
	service  *declarative.Service
	path     string // the upstream's path, before escaping
	prefix   string // what strip_path took away
	unnamed  []string
	named    []field
	captured bool
}

// router picks routes as Kong's traditional router does: routes with more kinds of rules
// first, then hosts before headers before paths before methods; then regular expressions
// by regex_priority before prefixes by length; then the order in the files.
type router struct{ candidates []*candidate }

func newRouter(routes []*declarative.Route) (*router, error) {
	r := &router{}
	for _, route := range routes {
		paths := route.Paths
		if len(paths) == 0 {
			paths = []string{""}
		}
		for _, path := range paths {
			c, err := newCandidate(route, path)
			if err != nil {
				return nil, fmt.Errorf("%s: route %q: %w", route.At, route.Name, err)
			}
			if c.rules != 0 {
				r.candidates = append(r.candidates, c)
			}
		}
	}
	slices.SortStableFunc(r.candidates, compareCandidates)
	return r, nil
}

func newCandidate(route *declarative.Route, path string) (*candidate, error) {
	c := &candidate{route: route}
	var err error
	if pattern, ok := strings.CutPrefix(path, "~"); ok {
		c.rules |= rulePath
		c.sub |= subRegex
		c.regexText = pattern
		if c.regex, err = regexp.Compile(`\A(?:` + pattern + `(?P<uri_postfix>.*))`); err != nil {
			return nil, err
		}
	} else if path != "" {
		c.rules |= rulePath
		c.path = normalize(path)
	}
	if len(route.Hosts) > 0 {
		c.rules |= ruleHost
		c.sub |= subPlainHosts
	}
	for _, h := range route.Hosts {
		h = strings.ToLower(h)
		if !strings.Contains(h, "*") {
			c.hosts = append(c.hosts, hostRule{plain: h})
			continue
		}
		c.sub &^= subPlainHosts
		text := strings.ReplaceAll(regexp.QuoteMeta(h), `\*`, `.+`)
		if _, port, _ := splitPort(h); port {
			c.sub |= subWildcardHostPort
			text += `$`
		} else {
			text += `(?::\d+)?$`
		}
		re, err := regexp.Compile(`\A` + text)
		if err != nil {
			return nil, err
		}
		c.hosts = append(c.hosts, hostRule{wildcard: re})
	}
	for name, values := range route.Headers {
		rule := headerRule{name: name}
		for _, v := range values {
			rule.values = append(rule.values, strings.ToLower(v))
		}
		if len(values) == 1 && strings.HasPrefix(values[0], "~*") {
			if rule.pattern, err = regexp.Compile(values[0][2:]); err != nil {
				return nil, err
			}
		}
		c.headers = append(c.headers, rule)
		c.rules |= ruleHeader
	}
	if c.methods = route.Methods; len(c.methods) > 0 {
		c.rules |= ruleMethod
	}
	return c, nil
}

// compareCandidates sorts what is to be tried first to the front.
func compareCandidates(a, b *candidate) int {
	for _, d := range [...]int{
		bits(b.rules) - bits(a.rules),
		b.rules - a.rules,
		b.sub - a.sub,
		len(b.headers) - len(a.headers),
	} {
		if d != 0 {
			return d
		}
	}
	if a.sub&subRegex != 0 && a.route.RegexPriority != b.route.RegexPriority {
		return b.route.RegexPriority - a.route.RegexPriority
	}
	return len(b.path) - len(a.path)
}

func bits(rules int) int {
	n := 0
	for ; rules != 0; rules &= rules - 1 {
		n++
	}
	return n
}

// splitPort cuts ":port" off a host name and reports whether there was one.
func splitPort(host string) (name string, hasPort bool, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.Contains(host[:i], ":") && !strings.HasSuffix(host[:i], "]") {
		return strings.Trim(host, "[]"), false, ""
	}
	if strings.Trim(host[i+1:], "0123456789") != "" {
		return host, false, ""
	}
	return strings.Trim(host[:i], "[]"), i+1 < len(host), host[i+1:]
}

// find returns the match of a request, or nil. path is normalised and has no query.
func (r *router) find(method, path, host string, headers fields) *match {
	host = strings.ToLower(host)
	for _, c := range r.candidates {
		if len(c.methods) > 0 && !slices.Contains(c.methods, method) {
			continue
		}
		if len(c.hosts) > 0 && !c.matchHost(host) || len(c.headers) > 0 && !c.matchHeaders(headers) {
			continue
		}
		if m := c.matchPath(path); m != nil {
			return m
		}
	}
	return nil
}

func (c *candidate) matchHost(host string) bool {
	if host == "" {
		return false
	}
	name, hasPort, _ := splitPort(host)
	withPort := host
	if !hasPort {
		withPort = host + ":80"
	}
	for _, h := range c.hosts {
		if h.wildcard != nil && h.wildcard.MatchString(withPort) || h.wildcard == nil && (h.plain == host || h.plain == name) {
			return true
		}
	}
	return false
}

func (c *candidate) matchHeaders(headers fields) bool {
	for _, rule := range c.headers {
		ok := slices.ContainsFunc(headers.values(rule.name), func(v string) bool {
			v = strings.ToLower(v)
			return slices.Contains(rule.values, v) || rule.pattern != nil && rule.pattern.MatchString(v)
		})
		if !ok {
			return false
		}
	}
	return true
}

// matchPath completes a match: what is stripped, what the upstream gets.
func (c *candidate) matchPath(path string) *match {
	m := &match{route: c.route, service: c.route.Service}
	prefix, postfix := "", strings.TrimPrefix(path, "/")
	switch {
	case c.regex != nil:
		groups := c.regex.FindStringSubmatchIndex(path)
		if groups == nil {
			return nil
		}
		prefix, postfix = c.captures(m, path, groups)
	case c.path != "":
		if !strings.HasPrefix(path, c.path) {
			return nil
		}
		prefix, postfix = c.path, dotless(path[len(c.path):])
	}
	base := "/"
	if m.service != nil && m.service.Path != "" {
		base = m.service.Path
	}
	strip := c.route.StripPath
	if strip {
		m.prefix = prefix
	}
	if c.route.PathHandling == "v1" {
		m.path = joinV1(base, postfix, path, strip)
	} else {
		m.path = joinV0(base, postfix, path, strip)
	}
	return m
}

// captures fills in the groups of a regular expression and returns what came before and
// after its match.
func (c *candidate) captures(m *match, path string, at []int) (prefix, postfix string) {
	names := c.regex.SubexpNames()
	for i := 1; i < len(names); i++ {
		var text string
		if at[2*i] >= 0 {
			text = path[at[2*i]:at[2*i+1]]
		}
		if names[i] == "uri_postfix" && i == len(names)-1 {
			postfix = text
			continue
		}
		m.captured = true
		m.unnamed = append(m.unnamed, text)
		if names[i] != "" {
			m.named = append(m.named, field{names[i], text})
		}
	}
	return path[:len(path)-len(postfix)], dotless(postfix)
}

// dotless keeps a rest such as "../x" from climbing out of the upstream's path.
func dotless(rest string) string {
	switch {
	case rest == "." || rest == "..":
		return ""
	case strings.HasPrefix(rest, "./"):
		return rest[2:]
	case strings.HasPrefix(rest, "../"):
		return rest[3:]
	}
	return rest
}

// joinV0 is Kong's path_handling v0: base and rest meet with exactly one slash.
func joinV0(base, rest, path string, strip bool) string {
	slash := strings.HasSuffix(base, "/")
	if !strip {
		switch {
		case slash:
			return base + strings.TrimPrefix(path, "/")
		case path == "/":
			return base
		}
		return base + path
	}
	if rest == "" {
		switch {
		case base == "/":
			return base
		case slash && !strings.HasSuffix(path, "/"):
			return base[:len(base)-1]
		case !slash && len(path) > 1 && strings.HasSuffix(path, "/"):
			return base + "/"
		}
		return base
	}
	return strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(rest, "/")
}

// joinV1 is Kong's path_handling v1: base and rest are put together as they are.
func joinV1(base, rest, path string, strip bool) string {
	if !strip {
		return base + strings.TrimPrefix(path, "/")
	}
	if strings.HasSuffix(base, "/") && strings.HasPrefix(rest, "/") {
		rest = rest[1:]
	}
	return base + rest
}
