package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The lengths that Kong accepts for a description, in bytes.
const (
	minDescription = 10
	maxDescription = 500
)

// bundled are the plugins of Kong 3.9. Kong loads its own under these names.
var bundled = []string{
	"acl", "acme", "ai-prompt-decorator", "ai-prompt-guard", "ai-prompt-template", "ai-proxy",
	"ai-request-transformer", "ai-response-transformer", "aws-lambda", "azure-functions", "basic-auth",
	"bot-detection", "correlation-id", "cors", "datadog", "file-log", "grpc-gateway", "grpc-web",
	"hmac-auth", "http-log", "ip-restriction", "jwt", "key-auth", "ldap-auth", "loggly", "oauth2",
	"opentelemetry", "post-function", "pre-function", "prometheus", "proxy-cache", "rate-limiting",
	"redirect", "request-size-limiting", "request-termination", "request-transformer",
	"response-ratelimiting", "response-transformer", "session", "standard-webhooks", "statsd", "syslog",
	"tcp-log", "udp-log", "zipkin",
}

var (
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	version   = regexp.MustCompile(`^[0-9]+\.[0-9]+(\.[0-9]+)?$`)
	luaPlace  = regexp.MustCompile(`%.?`)
)

// Lint returns what would make Kong refuse the schema, which means refuse to start, or
// enforce something other than what was meant. A test of every plugin asks for none.
func (s *Schema) Lint() []FieldError {
	l := linter{schema: s}
	if slices.Contains(bundled, s.name) {
		l.note("name", "%q is a plugin bundled with Kong: Kong would load its own", s.name)
	}
	for _, p := range s.protocols {
		if !slices.Contains([]string{"grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp", "ws", "wss"}, p) {
			l.note("protocols", "Kong has no protocol %q", p)
		}
	}
	for _, m := range s.metadata {
		if s.config.child(m.name) != nil {
			l.note("config."+m.name, `is a field and a kong:"-" field`)
		}
	}
	l.record("config", s.config)
	for i := range s.checks {
		l.check(&s.checks[i])
	}
	return l.found
}

type linter struct {
	schema *Schema
	found  []FieldError
}

func (l *linter) note(path, format string, args ...any) {
	l.found = append(l.found, FieldError{path, fmt.Sprintf(format, args...)})
}

func (l *linter) record(path string, f *field) {
	if len(f.fields) == 0 {
		l.note(path, "is a record without fields")
	}
	for _, sub := range f.fields {
		at := path + "." + sub.name
		if !fieldName.MatchString(sub.name) {
			l.note(at, "is no name for a field: a-z, 0-9 and _ only")
		}
		if path == "config" && metadataNames[sub.name] {
			l.note(at, "is a name that Kong uses for its own bookkeeping")
		}
		if n := len(sub.description); n < minDescription || n > maxDescription {
			l.note(at, "its description has %d bytes, Kong wants %d to %d", n, minDescription, maxDescription)
		}
		l.field(at, sub)
	}
}

// field checks what fields, elements, keys and values have in common.
func (l *linter) field(path string, f *field) {
	if f.errText != "" && !f.hasRules() {
		l.note(path, "has an err text but no rule")
	}
	if d := f.deprecated; d != nil {
		if new := d.sibling(path); l.schema.config.lookup(strings.TrimPrefix(new, "config.")) == nil {
			l.note(path, "is deprecated in favour of %s, which does not exist", new)
		}
		if !version.MatchString(d.removal) {
			l.note(path, "its removal %q is no version", d.removal)
		}
		if f.required || f.hasDefault {
			l.note(path, "is deprecated, so it must be neither required nor have a default: Kong would warn every user")
		}
	}
	if f.hasDefault {
		c := completer{schema: l.schema}
		if c.value(path, f, f.def); len(c.errs) > 0 {
			l.note(c.errs[0].Path, "its default is refused by its own rules: %s", c.errs[0].Problem)
		}
	}
	for _, sub := range []*field{f.elements, f.keys, f.values} {
		if sub == nil {
			continue
		}
		if sub.required || sub.deprecated != nil {
			l.note(path, "its elements, keys or values cannot be required or deprecated")
		}
		l.field(path, sub)
	}
	if f.keys != nil && f.keys.secret() {
		l.note(path, "the keys of a map cannot be secrets: error texts name them")
	}
	if f.kind == kindRecord {
		l.record(path, f)
	}
}

// hasRules reports whether a value of the right type can still be refused.
func (f *field) hasRules() bool {
	return f.oneOf != nil || f.between != nil || f.gt != nil || f.lenMin != nil || f.lenMax != nil || f.pattern != nil || f.formatName != ""
}

// check looks for the ways in which Kong's entity checks do something else than meant.
func (l *linter) check(c *EntityCheck) {
	if c.raw != nil || c.fn != nil {
		return
	}
	for _, name := range c.names() {
		// Below a record that is missing, Kong's checks see neither null nor a value.
		for at := name; strings.Contains(at, "."); {
			at = at[:strings.LastIndexByte(at, '.')]
			if parent := l.schema.config.lookup(at); parent.kind != kindRecord || !parent.required {
				l.note("config."+name, "entity check %s: config.%s may be missing: make it a struct, not a pointer", c.name, at)
			}
		}
	}
	if c.cond == nil {
		return
	}
	path := "config." + c.cond.IfField
	ifField := l.schema.config.lookup(c.cond.IfField)
	if m := c.cond.IfMatch; !m.Required && m.Eq == nil && !ifField.required {
		l.note(path, "entity check %s: Kong takes a field that is not set for a match: add Required to IfMatch", c.name)
	}
	l.match(c.name, c.cond.IfField, &c.cond.IfMatch)
	if c.name == "conditional" {
		if c.cond.ThenField == "" {
			l.note(path, "entity check conditional: it has no ThenField")
		} else {
			l.match(c.name, c.cond.ThenField, &c.cond.ThenMatch)
		}
	} else if len(c.cond.ThenAtLeastOneOf) == 0 {
		l.note(path, "entity check %s: ThenAtLeastOneOf is empty", c.name)
	}
	if places := luaPlace.FindAllString(c.cond.ThenErr, -1); len(places) > 1 || len(places) == 1 && places[0] != "%s" {
		l.note(path, "entity check %s: ThenErr is a format of Lua: at most one %%s and no other %%", c.name)
	}
}

// match checks that the rules of a Match fit the field's type.
func (l *linter) match(check, name string, m *Match) {
	f := l.schema.config.lookup(name)
	list := f.kind == kindArray || f.kind == kindSet
	if m.Contains != "" && !list {
		l.note("config."+name, "entity check %s: Contains is for arrays, not for %s", check, f.kind.withArticle())
	}
	if m.OneOf != nil && f.kind != kindString {
		l.note("config."+name, "entity check %s: OneOf is for strings, not for %s", check, f.kind.withArticle())
	}
	if m.Gt != nil && f.kind != kindNumber && f.kind != kindInteger {
		l.note("config."+name, "entity check %s: Gt is for numbers, not for %s", check, f.kind.withArticle())
	}
}
