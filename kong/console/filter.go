package console

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"kongwaf/kong/events"
)

// Filter chooses events. The zero value chooses all.
type Filter struct {
	Since, Until time.Time
	Text         string // part of the path, or a request id
	fields       map[string]string
}

// The fields that events can be filtered by: the name in a URL, the column, and how it is
// called on the page.
var filterFields = []struct{ name, column, label string }{
	{"class", "class", "class"},
	{"action", "action", "action"},
	{"check", "judge", "check"},
	{"client", "client", "source"},
	{"route", "route", "route"},
	{"place", "place", "place"},
	{"application", "application", "application"},
	{"plugin", "plugin", "plugin"},
	{"node", "node", "node"},
}

// ranges are the spans of time that the page offers.
var ranges = []struct {
	Name string
	Span time.Duration
}{
	{"1h", time.Hour}, {defaultRange, 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour},
}

const defaultRange = "24h"

const maxFilter = 300 // bytes of one value

// ParseFilter reads a filter from a URL's query: range (or since and until in RFC 3339), q,
// and the fields.
func ParseFilter(q url.Values, now time.Time) (Filter, error) {
	f := Filter{Text: clip(q.Get("q")), fields: map[string]string{}}
	f.Since = now.Add(-span(q.Get("range")))
	for name, into := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if text := q.Get(name); text != "" {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return f, fmt.Errorf("%s: write a time as 2026-01-31T12:00:00Z", name)
			}
			*into = at
		}
	}
	for _, field := range filterFields {
		if value := clip(q.Get(field.name)); value != "" {
			f.fields[field.name] = value
		}
	}
	return f, nil
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxFilter)], "?") }

// span returns the duration of a range's name, the default's if there is no such range.
func span(name string) time.Duration {
	for _, r := range ranges {
		if r.Name == name {
			return r.Span
		}
	}
	return span(defaultRange)
}

// where returns the condition in SQL with its arguments.
func (f *Filter) where() (condition string, args []any) {
	var b strings.Builder
	b.WriteString("time >= ?")
	args = append(args, f.Since.UnixMilli())
	if !f.Until.IsZero() {
		b.WriteString(" AND time < ?")
		args = append(args, f.Until.UnixMilli())
	}
	for _, field := range filterFields {
		if value, ok := f.fields[field.name]; ok {
			b.WriteString(" AND " + field.column + " = ?")
			args = append(args, value)
		}
	}
	if f.Text != "" {
		b.WriteString(" AND (instr(path, ?) > 0 OR request = ?)")
		args = append(args, f.Text, f.Text)
	}
	return b.String(), args
}

// Match reports whether the filter chooses an event that has just happened.
func (f *Filter) Match(e *events.Event) bool {
	r := rowOf(e)
	for _, field := range filterFields {
		if value, ok := f.fields[field.name]; ok && value != r.column(field.column) {
			return false
		}
	}
	return f.Text == "" || strings.Contains(e.Path, f.Text) || e.RequestID == f.Text
}

// row holds what of an event is a column of its own.
type row struct {
	class, action, judge, client, route, place, application, plugin, node string
}

// rowOf returns an event's columns. The class of a refusal that is no attack is its check.
func rowOf(e *events.Event) row {
	r := row{action: e.Action, judge: e.Check, client: e.Client, route: e.RouteName, application: e.Application, plugin: e.Plugin, node: e.Node}
	if r.route == "" {
		r.route = e.RouteID
	}
	r.class = e.Check
	if len(e.Classes) > 0 {
		r.class = e.Classes[0]
	}
	if len(e.Places) > 0 {
		r.place = e.Places[0]
	}
	return r
}

func (r *row) column(name string) string {
	switch name {
	case "class":
		return r.class
	case "action":
		return r.action
	case "judge":
		return r.judge
	case "client":
		return r.client
	case "route":
		return r.route
	case "place":
		return r.place
	case "application":
		return r.application
	case "node":
		return r.node
	}
	return r.plugin
}
