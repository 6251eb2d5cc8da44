package suggest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// entry returns what a suggestion adds to its section of the config, an item of a list.
func (x *Suggestion) entry() string {
	if x.Kind == KindPreset {
		return "- " + Scalar(x.Preset) + "\n"
	}
	var b strings.Builder
	lead := "- "
	field := func(name, value string) {
		b.WriteString(lead + name + ": " + value + "\n")
		lead = "  "
	}
	for _, f := range []struct{ name, value string }{{"place", x.Place}, {"class", x.Class}} {
		if f.value != "" {
			field(f.name, Scalar(f.value))
		}
	}
	if len(x.Content) > 0 {
		field("content", "["+strings.Join(x.Content, ", ")+"]")
	}
	for _, f := range []struct{ name, value string }{{"path_prefix", x.PathPrefix}, {"route", x.OnRoute}} {
		if f.value != "" {
			field(f.name, Scalar(f.value))
		}
	}
	return b.String()
}

// Scalar writes a text as one line of YAML, whatever is in it.
func Scalar(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0 {
		if plain, err := yaml.Marshal(text); err == nil && bytes.Count(plain, []byte("\n")) == 1 {
			return strings.TrimSuffix(string(plain), "\n")
		}
	}
	return strconv.QuoteToASCII(text) // YAML's double quotes know the same escapes
}

// sections are the fields of a config that entries go to.
var sections = []struct{ kind, field string }{{KindPreset, "presets"}, {KindExpects, "expects"}, {KindException, "exceptions"}}

// config writes the fields of waf-detect's config for a route. What is doubtful is a comment,
// and so is why.
func (r *Route) config() string {
	var b strings.Builder
	comment(&b, "", r.Mode.Why)
	if r.Mode.Mode != "" {
		b.WriteString("mode: " + r.Mode.Mode + "\n")
	}
	if r.Mode.Sensitivity != "" {
		b.WriteString("sensitivity: " + r.Mode.Sensitivity + "\n")
	}
	if len(r.Mode.Grey) > 0 {
		b.WriteString("grey:\n")
		for _, network := range r.Mode.Grey {
			b.WriteString("  - " + Scalar(network) + "\n")
		}
	}
	for _, section := range sections {
		likely, doubtful := r.of(section.kind, Likely), r.of(section.kind, LookFirst)
		if len(likely)+len(doubtful) == 0 {
			continue
		}
		head := ""
		if len(likely) == 0 {
			head = "# "
		}
		b.WriteString(head + section.field + ":\n")
		for _, x := range append(likely, doubtful...) {
			comment(&b, "  ", x.reasons())
			for line := range strings.Lines(x.entry()) {
				if x.Sure != Likely {
					line = "# " + line
				}
				b.WriteString("  " + line)
			}
		}
	}
	return b.String()
}

// of returns a route's suggestions of a kind.
func (r *Route) of(kind string, sure Sureness) (list []*Suggestion) {
	for i := range r.Suggestions {
		if x := &r.Suggestions[i]; x.Kind == kind && x.Sure == sure {
			list = append(list, x)
		}
	}
	return list
}

// reasons says in a line what speaks for a suggestion, and what against it.
func (x *Suggestion) reasons() string {
	text := string(x.Sure) + ": " + x.Evidence.String()
	if len(x.Why) > 0 {
		text += "; but " + strings.Join(x.Why, "; ")
	}
	return text
}

// String says in a line what the evidence is.
func (e Evidence) String() string {
	text := fmt.Sprintf("%s from %s on %s, %d came back", count(e.Events, "event"), count(e.Clients, "client"), count(e.Days, "day"), e.Returning)
	if e.Consumers > 0 {
		text += ", " + count(e.Consumers, "consumer") + " among them"
	}
	if e.Sprayed > 0 {
		text += "; " + count(e.Sprayed, "more event") + " from scanners"
	}
	return text
}

// comment writes a text as a comment of one line.
func comment(b *strings.Builder, indent, text string) {
	b.WriteString(indent + "# " + OneLine(text) + "\n")
}

// OneLine returns a text with everything replaced that could end a line, or that a terminal
// would obey.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == '\u2028' || r == '\u2029' {
			return '.'
		}
		return r
	}, text)
}

// place is where in a configuration a config goes: a route, or else a service, or else all.
type place struct{ plugin, service, route string }

// String says where the config goes.
func (p place) String() string {
	switch {
	case p.route != "":
		return "for the route " + p.route
	case p.service != "":
		return "for the service " + p.service
	}
	return "for all routes"
}

// merged returns the configs to write, and where: what belongs in one config together, as where a plugin serves several routes or
// a route has had two labels.
func (r *Report) merged() (places []place, configs []Route) {
	for i := range r.Routes {
		one := r.Routes[i]
		if one.Mode.Mode == "" && !slices.ContainsFunc(one.Suggestions, func(x Suggestion) bool { return x.Sure == Likely }) {
			continue // nothing but comments
		}
		at := place{plugin: one.Plugin, route: one.Route}
		if one.Shared || one.Route == "" {
			at = place{plugin: one.Plugin, service: one.Service}
		}
		n := slices.Index(places, at)
		if n < 0 {
			one.Suggestions = slices.Clone(one.Suggestions)
			places, configs = append(places, at), append(configs, one)
			continue
		}
		into := &configs[n]
		for _, x := range one.Suggestions {
			if !slices.ContainsFunc(into.Suggestions, func(o Suggestion) bool {
				return o.Sure == x.Sure && o.entry() == x.entry()
			}) {
				into.Suggestions = append(into.Suggestions, x)
			}
		}
		if milder(one.Mode, into.Mode) {
			into.Mode = one.Mode
		}
	}
	return places, configs
}

func milder(a, b Mode) bool { return rank(a) > rank(b) }

func rank(m Mode) int {
	n := slices.Index([]string{modeBlock, modeSafe, modeMonitoring, ""}, m.Mode) * 2
	if m.Sensitivity != "" {
		n++
	}
	return n
}

// Says reports whether there is anything to write into a config.
func (r *Report) Says() bool {
	places, _ := r.merged()
	return len(places) > 0
}

// Deck returns the suggestions as a deck file to copy from.
func (r *Report) Deck() string {
	places, configs := r.merged()
	var global, services, routes strings.Builder
	for i, at := range places {
		b, pad := &global, "  "
		switch {
		case at.route != "":
			b, pad = &routes, "      "
			b.WriteString("  - name: " + Scalar(at.route) + "\n    paths: [/] # yours has its own: only the plugin's config matters\n    plugins:\n")
		case at.service != "":
			b, pad = &services, "      "
			b.WriteString("  - name: " + Scalar(at.service) + "\n    host: service.invalid # yours has its own\n    plugins:\n")
		}
		b.WriteString(pad + "- name: " + Scalar(at.plugin) + "\n" + pad + "  config:\n")
		config, inner := configs[i].config(), pad+"    "
		if at.plugin == gate {
			b.WriteString(inner + "checks: [detect] # and your others\n" + inner + "detect:\n")
			inner += "  "
		}
		b.WriteString(indented(config, inner))
	}
	text := deckHead + "_format_version: \"3.0\"\n"
	for _, part := range []struct{ name, text string }{{"plugins", global.String()}, {"services", services.String()}, {"routes", routes.String()}} {
		if part.text != "" {
			text += part.name + ":\n" + part.text
		}
	}
	return text
}

const (
	gate     = "waf-gate"
	deckHead = "# What kong-waf suggests: copy the fields of each config into your own. Do not sync this file:\n" +
		"# sync removes whatever a file does not have. What stands in comments is to be looked at first.\n"
	manifestHead = "# What kong-waf suggests: copy the fields of each config into your own KongPlugin.\n" +
		"# What stands in comments is to be looked at first.\n"
)

// KongPlugins returns the suggestions as manifests to copy from.
func (r *Report) KongPlugins() string {
	places, configs := r.merged()
	b := strings.Builder{}
	b.WriteString(manifestHead)
	used := map[string]bool{}
	for i, at := range places {
		if i > 0 {
			b.WriteString("---\n")
		}
		name := resourceName(at.plugin + "-" + at.service + at.route)
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s-%d", strings.TrimRight(name, "-0123456789"), n)
		}
		used[name] = true
		comment(&b, "", at.String())
		b.WriteString("apiVersion: configuration.konghq.com/v1\nkind: KongPlugin\nmetadata:\n  name: " + name + "\n")
		b.WriteString("plugin: " + Scalar(at.plugin) + "\nconfig:\n")
		inner := "  "
		if at.plugin == gate {
			b.WriteString("  checks: [detect] # and your others\n  detect:\n")
			inner += "  "
		}
		b.WriteString(indented(configs[i].config(), inner))
	}
	return b.String()
}

// resourceName makes a name that Kubernetes takes.
func resourceName(text string) string {
	const longest = 60
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text)
	return strings.Trim(name[:min(len(name), longest)], "-")
}

func indented(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}
