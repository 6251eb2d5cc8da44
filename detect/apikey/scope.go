package apikey

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Scope is what a key may be used for. Each list that is not empty must allow a request; the
// zero value and nil allow all.
type Scope struct {
	// Methods are request methods in capital letters. GET does not include HEAD.
	Methods []string
	// Paths are prefixes of paths, matched by whole segments: "/orders" holds /orders and
	// /orders/7 and not /orders-old. See CleanPath for what they are compared with.
	Paths []string
	// Routes are ids or names of the gateway's routes.
	Routes []string
}

// Call is a request as far as scopes are concerned.
type Call struct {
	// Methods are the request's method and those by which headers or arguments ask the
	// upstream to take it instead: all of them must be allowed.
	Methods []string
	// Target is the raw request target, Instead those that headers ask the upstream to take
	// instead: all of their paths must be allowed.
	Target  string
	Instead []string
	// Route returns the gateway's route of the request. It is asked only where it decides.
	Route func() (id, name string)
}

// Empty reports whether the scope allows everything.
func (s *Scope) Empty() bool {
	return s == nil || len(s.Methods)+len(s.Paths)+len(s.Routes) == 0
}

// Allows reports whether a key of this scope may be used for the call.
func (s *Scope) Allows(c Call) bool {
	if s.Empty() {
		return true
	}
	if len(s.Methods) > 0 {
		for _, m := range c.Methods {
			if !slices.Contains(s.Methods, m) {
				return false
			}
		}
	}
	if len(s.Paths) > 0 && (!s.holds(c.Target) || slices.ContainsFunc(c.Instead, func(t string) bool { return !s.holds(t) })) {
		return false
	}
	if len(s.Routes) == 0 {
		return true
	}
	id, name := c.Route()
	return slices.ContainsFunc(s.Routes, func(r string) bool { return r == id || r == name })
}

// holds reports whether a path is below one of the prefixes.
func (s *Scope) holds(target string) bool {
	path, ok := CleanPath(target)
	if !ok {
		return false
	}
	for _, prefix := range s.Paths {
		rest, below := strings.CutPrefix(path, strings.TrimSuffix(prefix, "/"))
		if below && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// check refuses a scope that could never match, or not as it was meant.
func (s *Scope) check() error {
	if s == nil {
		return nil
	}
	for _, m := range s.Methods {
		if m == "" || strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" {
			return fmt.Errorf("has the method %q: write it in capital letters, such as GET", m)
		}
	}
	for _, p := range s.Paths {
		if clean, ok := CleanPath(p); !ok || clean != p || strings.ContainsAny(p, "?") {
			return fmt.Errorf("has the path %q: write a prefix such as /orders, decoded, without dots, double slashes, or a query", p)
		}
	}
	if slices.Contains(s.Routes, "") {
		return errors.New("has an empty route: write a route's name or id")
	}
	return nil
}
