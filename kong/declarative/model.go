package declarative

import (
	"fmt"
	"slices"
	"strings"
)

// Config is what all files together say. It is read only once loaded.
type Config struct {
	Services  []*Service
	Routes    []*Route
	Consumers []*Consumer
	Plugins   []*Plugin
	Upstreams []*Upstream
}

// Position is where an entity was written.
type Position struct {
	File string
	Line int // counts from 1; 0 where there is no line
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Service is an upstream API. Timeouts are in milliseconds.
type Service struct {
	ID             string
	Name           string
	Protocol       string // http, https, grpc, grpcs
	Host           string // a host name, an address or the name of an Upstream
	Port           int
	Path           string // prefix of every upstream path, "" for none
	Retries        int    // further tries after a failed connection
	ConnectTimeout int
	WriteTimeout   int
	ReadTimeout    int
	Enabled        bool
	Tags           []string
	At             Position
}

// Route says which requests go to a service.
type Route struct {
	ID                      string
	Name                    string
	Service                 *Service // nil: a route whose plugins answer by themselves
	Protocols               []string
	Methods                 []string
	Hosts                   []string
	Paths                   []string // "/prefix", or "~/regex"
	Headers                 map[string][]string
	SNIs                    []string
	RegexPriority           int
	StripPath               bool
	PreserveHost            bool
	PathHandling            string // "v0" or "v1"
	HTTPSRedirectStatusCode int
	RequestBuffering        bool
	ResponseBuffering       bool
	Tags                    []string
	At                      Position
}

// Consumer is a caller of the APIs. It has a username, a custom id or both.
type Consumer struct {
	ID       string
	Username string
	CustomID string
	Tags     []string
	Keys     []KeyCredential
	At       Position
}

// KeyCredential is a key-auth credential. Key is a secret: never print it.
type KeyCredential struct {
	ID   string
	Key  string
	Tags []string
	TTL  int // seconds, 0 is for ever
	At   Position
}

// Plugin is one plugin config and what it is attached to. All of Route, Service and
// Consumer nil means global.
type Plugin struct {
	ID           string
	Name         string
	InstanceName string
	Config       map[string]any // with defaults, once a Validator has completed it
	Enabled      bool
	Protocols    []string
	Route        *Route
	Service      *Service
	Consumer     *Consumer
	Tags         []string
	At           Position
}

// Scope says in words what the plugin is attached to.
func (p *Plugin) Scope() string {
	var on []string
	if p.Route != nil {
		on = append(on, fmt.Sprintf("route %q", p.Route.Name))
	}
	if p.Service != nil {
		on = append(on, fmt.Sprintf("service %q", p.Service.Name))
	}
	if p.Consumer != nil {
		on = append(on, fmt.Sprintf("consumer %q", p.Consumer.label()))
	}
	if len(on) == 0 {
		return "global"
	}
	return strings.Join(on, " and ")
}

func (c *Consumer) label() string {
	if c.Username != "" {
		return c.Username
	}
	return c.CustomID
}

// Upstream is a named set of addresses that a Service's Host may name.
type Upstream struct {
	ID      string
	Name    string
	Targets []Target
	At      Position
}

// Target is one address of an Upstream, "host:port" or "host" (port 8000, as in Kong).
// Weight 0 takes it out.
type Target struct {
	Address string
	Weight  int
}

// Problem is one thing that is wrong or doubtful in the files.
type Problem struct {
	Position
	// Field is the path in the document, such as "services[0].routes[1].paths[0]".
	Field   string
	Message string
	Warning bool
	// Unread marks a warning that says no more than that something is not looked at here.
	Unread bool
}

// String returns "file:line: field: message", with "warning: " before the message of a
// warning.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Position.String())
	b.WriteString(": ")
	if p.Field != "" {
		b.WriteString(p.Field)
		b.WriteString(": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems are all problems of a Load, in the order of files and lines.
type Problems []Problem

// Errors returns the problems that make the configuration unusable.
func (ps Problems) Errors() Problems { return ps.pick(false) }

// Warnings returns the problems that do not.
func (ps Problems) Warnings() Problems { return ps.pick(true) }

func (ps Problems) pick(warning bool) Problems {
	var out Problems
	for _, p := range ps {
		if p.Warning == warning {
			out = append(out, p)
		}
	}
	return out
}

// Err returns an error with all errors in it, a line each, or nil if there are none.
func (ps Problems) Err() error {
	errs := ps.Errors()
	if len(errs) == 0 {
		return nil
	}
	lines := make([]string, len(errs))
	for i, p := range errs {
		lines[i] = p.String()
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
}
