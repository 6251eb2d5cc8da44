// Package doctor looks at the configuration of a Kong and says what of it keeps kong-waf's
// plugins from working, or from working well: each Finding says why it matters and which line
// to change. It reads files and asks whoever it is handed a way to ask; it changes nothing,
// runs nothing that a configuration names, and prints no secret.
//
// It sees what it is shown: without a running Kong, the files alone. What could not be looked
// at is a finding too, Skipped, so that nobody takes it for good.
package doctor

import (
	"context"
	"slices"

	"kongwaf/kong/declarative"
	"kongwaf/kong/kongconf"
)

// Status is how grave a finding is.
type Status string

// What a finding says of the thing it looked at.
const (
	OK      Status = "ok"
	Skipped Status = "skip" // not looked at: there is nothing to look at, or no way
	Warning Status = "warn" // works, but not as it could, or not always
	Failure Status = "fail" // does not work, or can be evaded
)

// Finding is what one look showed.
type Finding struct {
	// Check names what was looked at: one of Checks.
	Check  string `json:"check"`
	Status Status `json:"status"`
	// Message says what there is, and where: file:line or the variable.
	Message string `json:"message"`
	// Why says in a sentence why it matters; Change is the line to write, or what to do.
	// Both are empty for findings that are OK or Skipped.
	Why    string `json:"why,omitempty"`
	Change string `json:"change,omitempty"`
}

// Checks names all checks, in the order of findings.
func Checks() []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// checks are what is looked at, in this order.
var checks = []struct {
	name string
	look func(*patient)
}{
	{"kong-version", (*patient).version},
	{"kong-conf", (*patient).conf},
	{"plugins", (*patient).plugins},
	{"query-cmd", (*patient).queryCommands},
	{"start-cmd", (*patient).startCommands},
	{"log-level", (*patient).logLevel},
	{"socket", (*patient).sockets},
	{"server", (*patient).server},
	{"body-buffer", (*patient).bodyBuffer},
	{"body-files", (*patient).bodyFiles},
	{"real-ip", (*patient).realIP},
	{"head", (*patient).head},
	{"settings", (*patient).settings},
	{"console", (*patient).console},
	{"redis", (*patient).redis},
	{"files", (*patient).files},
	{"admin", (*patient).admin},
	{"configuration", (*patient).configuration},
}

// Server is who listens on a socket.
type Server struct {
	Names []string // the plugins it says it has
	PID   int      // 0 if it is in another container
	UID   int      // whose process it is, -1 if that is not known
}

// Options are what is looked at. Functions that are nil are not asked.
type Options struct {
	Conf    *kongconf.Conf
	ConfErr error // why kong.conf could not be read
	Environ []string
	// Plugins are the names of ours; Self is this program's path.
	Plugins []string
	Self    string
	// Offline is to look at the files alone: nobody is asked, and nothing else of this machine
	// counts.
	Offline bool
	// Prefix is Kong's, if not the one in Conf.
	Prefix string
	// User is whom nginx's workers run as, if not the one in Conf.
	User string
	// BehindProxy says that clients reach Kong through a proxy or a load balancer.
	BehindProxy bool
	// Config is what Kong serves, from deck files or its Admin API, nil if that is not known.
	Config   *declarative.Config
	Problems declarative.Problems
	// Version is Kong's, "" if it is not known; VersionAt says who told.
	Version, VersionAt string
	// AdminErr is what asking the Admin API failed with; AskedAdmin, whether it was asked.
	AdminErr   error
	AskedAdmin bool

	// Serves asks who listens on a socket.
	Serves func(ctx context.Context, socket string) (Server, error)
	// Settings reads kong-waf's own settings, and returns the files that they name by field.
	Settings func() (files map[string]string, err error)
	// Console asks the console of those settings how it is. ErrOff means there is none.
	Console func(ctx context.Context) error
	// Redis asks the Redis of those settings to answer. ErrOff means there is none.
	Redis func(ctx context.Context) error
	// Dial finds out whether something listens at host:port.
	Dial func(ctx context.Context, address string) error
	// MountInfo is /proc/self/mountinfo.
	MountInfo func() (string, error)
}

// Examine looks at everything. There is at least one finding of each check.
func Examine(ctx context.Context, o Options) []Finding {
	if o.Conf == nil {
		o.Conf = new(kongconf.Conf)
	}
	if o.Offline {
		o.Serves, o.Console, o.Redis, o.Dial = nil, nil, nil, nil
	}
	p := &patient{Options: o, ctx: ctx}
	for _, c := range checks {
		p.check = c.name
		before := len(p.findings)
		c.look(p)
		if len(p.findings) == before {
			panic("doctor: " + c.name + " says nothing")
		}
	}
	return p.findings
}

// Worst returns the gravest status of findings.
func Worst(findings []Finding) Status {
	for _, status := range []Status{Failure, Warning} {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.Status == status }) {
			return status
		}
	}
	return OK
}
