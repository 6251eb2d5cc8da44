package suggest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// WriteText writes the report for people. Nothing of an event's text reaches a terminal as a
// control character.
func (r *Report) WriteText(out io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(OneLine(fmt.Sprintf(format, args...)) + "\n") }
	l := &r.Looked
	if l.Events == 0 {
		line("No attack was blocked or reported in these events: nothing to suggest.")
	} else {
		line("%s of %s (%s), %s to %s", count(l.Events, "attack"), count(l.Sources, "client"), count(l.Scanners, "scanner"), day(l.Since), day(l.Until))
	}
	for _, note := range r.Notes {
		line("note: %s", note)
	}
	for i := range r.Routes {
		route := &r.Routes[i]
		b.WriteString("\n")
		line("%s: %s of %s", route.Title(), count(route.Events, "event"), count(route.Clients, "client"))
		for j := range route.Suggestions {
			route.Suggestions[j].write(line)
		}
		mode := route.Mode.Mode
		if mode == "" {
			mode = "as it is"
		}
		if route.Mode.Sensitivity != "" {
			mode += ", sensitivity: " + route.Mode.Sensitivity
		}
		line("  mode: %s: %s", mode, route.Mode.Why)
		if len(route.Mode.Grey) > 0 {
			line("    grey: %s", strings.Join(route.Mode.Grey, ", "))
		}
		for _, left := range route.Left {
			line("  left alone: %s in %s, %s of %s: %s", left.Class, left.Place, count(left.Events, "event"), count(left.Clients, "client"), left.Why)
		}
		if more := route.LeftPlaces - len(route.Left); more > 0 {
			line("  left alone: %s more", count(more, "place"))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// Title names a route with its plugin and application.
func (r *Route) Title() string {
	text := r.Plugin
	switch {
	case r.Route != "":
		text = "route " + r.Route + ", " + text
	case r.Service != "":
		text = "service " + r.Service + ", " + text
	}
	if r.Application != "" {
		text += ", application " + r.Application
	}
	return text
}

// Title says what is suggested, in a line.
func (x *Suggestion) Title() string {
	text := ""
	switch x.Kind {
	case KindPreset:
		return "presets: [" + x.Preset + "]"
	case KindExpects:
		text = "expects " + strings.Join(x.Content, ", ") + " in " + x.Place
	default:
		text = "exception for " + x.Class + " in " + x.Place
	}
	if x.PathPrefix != "" {
		text += ", below " + x.PathPrefix
	}
	if x.OnRoute != "" {
		text += ", on route " + x.OnRoute
	}
	return text
}

func (x *Suggestion) write(line func(string, ...any)) {
	line("  %s: %s", x.Sure, x.Title())
	line("    evidence: %s; the busiest sent %.0f %%; %s to %s", x.Evidence.String(), 100*x.Evidence.Share, day(x.Evidence.First), day(x.Evidence.Last))
	for _, why := range x.Why {
		line("    doubt: %s", why)
	}
	if x.Kind == KindPreset {
		for _, s := range x.Silences {
			line("    silences %s in %s", strings.Join(s.Classes, ", "), s.Place)
		}
		line("    expects the same in the other places of the preset (docs/presets.md)")
	}
	for _, e := range x.Evidence.Examples {
		e.write(line, "e.g.")
	}
	line("    lets through there: %s", list(x.Opens))
	line("    still finds there: %s", list(x.KeepsShort()))
	if x.Others.Events > 0 {
		line("    also silences up to %s of %s that look like attacks", count(x.Others.Events, "recorded event"), count(x.Others.Clients, "client"))
		for _, e := range x.Others.Examples {
			e.write(line, "  such as")
		}
	}
}

func (e *Example) write(line func(string, ...any), word string) {
	line("    %s %s %s from %s: %s", word, e.Method, e.Path, e.Client, e.Evidence)
}

func list(texts []string) string {
	if len(texts) == 0 {
		return "nothing of what was tried"
	}
	return strings.Join(texts, "; ")
}

func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// KeepsShort is Keeps with nothing but its name of a class of which nothing is let through.
func (x *Suggestion) KeepsShort() (short []string) {
	var whole []string
	for _, keep := range x.Keeps {
		class, _, _ := strings.Cut(keep, ":")
		switch {
		case slices.ContainsFunc(x.Opens, func(open string) bool { return strings.HasPrefix(open, class+":") }):
			short = append(short, keep)
		case !slices.Contains(whole, class):
			whole = append(whole, class)
		}
	}
	if len(whole) > 0 {
		short = append(short, "all that was tried of "+strings.Join(whole, ", "))
	}
	return short
}
