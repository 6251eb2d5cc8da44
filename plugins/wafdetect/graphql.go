package wafdetect

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack"
	"kongwaf/detect/attack/extract"
	"kongwaf/plugins/internal/graphql"
)

// introspectionDeny is the value of introspection that refuses it.
const introspectionDeny = "deny"

// GraphQL are limits of GraphQL requests. Without any the engine's own rule holds alone.
type GraphQL struct {
	MaxDepth      int      `json:"max_depth,omitempty" kong:"between=1:200" doc:"How deep selection sets may nest, fragments included. Not set: more than 15 in the text is suspicious, more than 30 an attack."`
	MaxAliases    int      `json:"max_aliases,omitempty" kong:"between=1:15000" doc:"How many aliases an operation may have, a fragment's as often as it is spread. Not set: more than 50 in the text are suspicious, more than 100 an attack."`
	MaxRootFields int      `json:"max_root_fields,omitempty" kong:"between=1:15000" doc:"How many fields an operation may have at its root. Not set: any number."`
	MaxBatch      int      `json:"max_batch,omitempty" kong:"between=1:1000" doc:"How many operations a request may hold in a JSON array. Not set: more than 10 are suspicious, more than 20 an attack."`
	MaxDirectives int      `json:"max_directives,omitempty" kong:"between=1:15000" doc:"How many directives a document may have. Not set: more than 50 are suspicious, more than 100 an attack."`
	MaxCost       int      `json:"max_cost,omitempty" kong:"between=1:1000000000" doc:"What a request may cost. A field costs 1 and, times the greatest of its list_arguments, what is selected below it; fragments cost as often as they are spread, operations in a batch add up. Not set: anything."`
	ListArguments []string `json:"list_arguments" default:"first,last,limit" kong:"elements.lenmin=1" doc:"Names of arguments, and of fields in input objects, that say how many entries a list has, for max_cost. Their values may be variables."`
	Introspection string   `json:"introspection,omitempty" kong:"oneof=allow|deny" doc:"Queries about the schema: deny refuses every __schema and __type, allow none. Not set: __schema is refused but for sensitivity low."`
	Paths         []string `json:"paths" default:"[]" kong:"elements.match=^/" doc:"Paths of GraphQL endpoints; what lies below one counts too. The limits hold there, where everything called query must be a document. Not set: they hold wherever a document is found."`
}

// limited reports whether any limit is set.
func (c *GraphQL) limited() bool {
	return c.MaxDepth > 0 || c.MaxAliases > 0 || c.MaxRootFields > 0 || c.MaxBatch > 0 || c.MaxDirectives > 0 || c.MaxCost > 0 || c.Introspection != ""
}

// compile returns the limits as the engine knows them, nil if there are none. The error
// begins with the field.
func (c *GraphQL) compile() (*attack.GraphQL, error) {
	if !c.limited() {
		if len(c.Paths) > 0 {
			return nil, fmt.Errorf(".paths: no limit is set that could hold there: set max_depth, max_aliases, max_root_fields, max_batch, max_directives, max_cost or introspection")
		}
		return nil, nil
	}
	limits := &graphql.Limits{
		MaxDepth: c.MaxDepth, MaxAliases: c.MaxAliases, MaxRootFields: c.MaxRootFields, MaxBatch: c.MaxBatch,
		MaxDirectives: c.MaxDirectives, MaxCost: c.MaxCost, ListArguments: c.ListArguments,
		DenyIntrospection: c.Introspection == introspectionDeny, Strict: len(c.Paths) > 0,
	}
	out := &attack.GraphQL{Judge: limits.Judge, Limits: extract.GraphQLLimits{Collect: true, Declared: len(c.Paths) > 0}}
	// The engine's own rule steps aside for each limit that is set.
	aside := func(own *int, set bool) {
		if set {
			*own = -1
		}
	}
	aside(&out.Limits.MaxDepth, c.MaxDepth > 0)
	aside(&out.Limits.MaxAliases, c.MaxAliases > 0)
	aside(&out.Limits.MaxBatch, c.MaxBatch > 0)
	aside(&out.Limits.MaxDirectives, c.MaxDirectives > 0)
	if c.Introspection != "" {
		out.Limits.Introspection = -1
	}
	if len(c.Paths) > 0 {
		paths := make([]string, len(c.Paths))
		for i, p := range c.Paths {
			if strings.ContainsAny(p, "?#") {
				return nil, fmt.Errorf(".paths[%d]: %q is more than a path: write what stands before the question mark", i, p)
			}
			paths[i] = plainPath(p)
		}
		out.On = func(r *detect.Request) bool {
			at := plainPath(r.Target)
			for _, p := range paths {
				if at == p || p == "/" || strings.HasPrefix(at, p) && at[len(p)] == '/' {
					return true
				}
			}
			return false
		}
	}
	return out, nil
}

// escape is a percent-encoded byte; other percent signs are themselves.
var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// plainPath returns the path of a target as the most lenient server reads it, so that no
// spelling of an endpoint evades its limits.
func plainPath(target string) string {
	p := target
	if end := strings.IndexAny(p, "?#"); end >= 0 {
		p = p[:end] // Kong hands a fragment on, and its upstream may cut it off
	}
	p = escape.ReplaceAllStringFunc(p, func(hex string) string {
		c, _ := strconv.ParseUint(hex[1:], 16, 8)
		return string([]byte{byte(c)})
	})
	segments := strings.Split(strings.ReplaceAll(p, `\`, "/"), "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return strings.ToLower(path.Clean("/" + strings.Join(segments, "/")))
}
