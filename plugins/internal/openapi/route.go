package openapi

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// route is a path of the description behind one of its base paths.
type route struct {
	path       string
	segments   []segment
	operations map[string]*operation
}

// segment is a segment of a path: a literal, or a pattern whose groups are parameters.
type segment struct {
	literal string
	pattern *regexp.Regexp // nil in a literal
	names   []string
}

var templated = regexp.MustCompile(`\{([^{}/]*)\}`)

// parsePath splits a path of the description, or a base path.
func parsePath(path string) (segments []segment, err error) {
	for _, text := range strings.Split(strings.Trim(path, "/"), "/") {
		if text == "" {
			continue
		}
		var s segment
		if !strings.Contains(text, "{") {
			if s.literal, err = url.PathUnescape(text); err != nil {
				return nil, fmt.Errorf("%q is no path: %w", short(path), err)
			}
			segments = append(segments, s)
			continue
		}
		pattern, at := "^", 0
		for _, m := range templated.FindAllStringSubmatchIndex(text, -1) {
			pattern += regexp.QuoteMeta(text[at:m[0]]) + "(.+)"
			s.names = append(s.names, text[m[2]:m[3]])
			at = m[1]
		}
		s.pattern, err = regexp.Compile("(?s)" + pattern + regexp.QuoteMeta(text[at:]) + "$")
		if err != nil {
			return nil, fmt.Errorf("%q is no path: %w", short(path), err)
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// compareRoutes puts literal segments before those with parameters.
func compareRoutes(a, b *route) int {
	for i := range a.segments {
		x, y := a.segments[i].pattern != nil, b.segments[i].pattern != nil
		if x != y {
			if x {
				return 1
			}
			return -1
		}
	}
	return strings.Compare(a.path, b.path)
}

// The ways in which a path is not read alike by all servers.
var (
	errEscape = errors.New("a percent sign that begins no escape")
	errDots   = errors.New("a dot segment")
	errSlash  = errors.New("an encoded slash, backslash or NUL")
	errHash   = errors.New("a fragment")
)

// splitPath returns the decoded segments of a raw path. One slash at the end counts as none.
func (d *Description) splitPath(raw string) (segments []string, err error) {
	raw = strings.TrimPrefix(raw, "/")
	raw = strings.TrimSuffix(raw, "/")
	switch {
	case raw == "":
		return nil, nil
	case strings.Contains(raw, "#"):
		return nil, errHash
	}
	for _, text := range strings.Split(raw, "/") {
		s, err := url.PathUnescape(text)
		switch {
		case err != nil:
			return nil, errEscape
		case s == "." || s == "..":
			return nil, errDots
		case strings.ContainsAny(s, "\\\x00") || strings.Contains(s, "/") && !d.options.EncodedSlash:
			return nil, errSlash
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// withoutEmpty returns segments as a server sees them that takes several slashes for one.
func withoutEmpty(segments []string) []string {
	if !slices.Contains(segments, "") {
		return segments
	}
	return slices.DeleteFunc(slices.Clone(segments), func(s string) bool { return s == "" })
}

// match returns the route of a path and the values of its parameters.
func (d *Description) match(segments []string) (*route, map[string]string) {
	for _, r := range d.routes[len(segments)] {
		if values, ok := r.match(segments); ok {
			return r, values
		}
	}
	return nil, nil
}

func (r *route) match(segments []string) (values map[string]string, ok bool) {
	for i := range r.segments {
		s := &r.segments[i]
		if s.pattern == nil {
			if s.literal != segments[i] {
				return nil, false
			}
			continue
		}
		found := s.pattern.FindStringSubmatch(segments[i])
		if found == nil {
			return nil, false
		}
		if values == nil {
			values = map[string]string{}
		}
		for n, name := range s.names {
			values[name] = found[n+1]
		}
	}
	return values, true
}

// methods lists what a route describes, for evidence.
func (r *route) methods() string {
	var all []string
	for m := range r.operations {
		all = append(all, m)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
