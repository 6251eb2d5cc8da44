package console

import (
	"bytes"
	"context"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kongwaf/detect"
	"kongwaf/detect/attack"
	"kongwaf/kong/events"
)

// Scope is how much an exception covers.
type Scope string

// The scopes, the narrowest first.
const (
	ScopePath  Scope = "path"  // this place, this class, below this path
	ScopePlace Scope = "place" // this place and class, on every path of the route
	ScopeClass Scope = "class" // the class, at every place below this path
)

var scopes = []Scope{ScopePath, ScopePlace, ScopeClass}

// text says on the page what the scope covers.
func (s Scope) text() string {
	switch s {
	case ScopePlace:
		return "this place, on every path"
	case ScopeClass:
		return "the class, below this path"
	}
	return "this place, below this path"
}

// exceptionEntry is one entry of a config's exceptions, in the config's own words.
type exceptionEntry struct {
	Place      string `yaml:"place,omitempty"`
	Class      string `yaml:"class,omitempty"`
	PathPrefix string `yaml:"path_prefix,omitempty"`
}

// Proposal is what would silence a false positive, and at what price.
type Proposal struct {
	// Deck and Manifest are lines to paste: into a deck file, into a KongPlugin.
	Deck, Manifest string
	// Days says how far back was looked, Looked how many other verdicts of the plugin that were.
	Days   int
	Looked int
	Capped bool // there are more than were looked at
	// Passes are other requests that the exception would have let through, the newest
	// first, Blocked those that it would not have.
	Passes, Blocked           []*events.Event
	PassesCount, BlockedCount int
}

const (
	maxLooked = 20_000
	maxShown  = 10
)

// canExcept reports whether an exception can silence an event.
func canExcept(e *events.Event) bool {
	return e.Check == "detect" && len(e.Classes) > 0 && len(e.Classes) == len(e.Places) &&
		(e.Action == events.ActionBlocked || e.Action == events.ActionReported)
}

// propose returns the exception for an event, and what it would have done to what the same
// plugin judged in the last days.
func (s *Store) propose(ctx context.Context, e *events.Event, scope Scope, days int) (*Proposal, error) {
	entries := entriesFor(e, scope)
	p := &Proposal{Days: days, Deck: deckLines(e, entries), Manifest: manifestLines(e, entries)}
	exceptions := make([]attack.Exception, 0, len(entries))
	for _, x := range entries {
		class, err := detect.ParseClass(x.Class)
		if err != nil {
			continue // of a later version
		}
		exceptions = append(exceptions, attack.Exception{Place: detect.Place(x.Place), Class: class, PathPrefix: x.PathPrefix})
	}
	lines := 0
	err := s.Judged(ctx, e.PluginID, s.now().Add(-time.Duration(days)*24*time.Hour), maxLooked, func(other *events.Event) {
		if lines++; other.ID == e.ID && other.Count == e.Count {
			return
		}
		p.Looked += other.Count
		list, count := &p.Blocked, &p.BlockedCount
		if silenced(exceptions, other) {
			list, count = &p.Passes, &p.PassesCount
		}
		*count += other.Count
		if len(*list) < maxShown {
			*list = append(*list, other)
		}
	})
	p.Capped = lines >= maxLooked
	return p, err
}

// silenced reports whether exceptions silence everything that was found in an event's request.
func silenced(exceptions []attack.Exception, e *events.Event) bool {
	r := &detect.Request{Method: e.Method, Target: e.Path}
	for i := range min(len(e.Classes), len(e.Places)) {
		class, err := detect.ParseClass(e.Classes[i])
		if err != nil {
			return false
		}
		held := false
		for j := range exceptions {
			held = held || exceptions[j].Silences(r, class, detect.Place(e.Places[i]))
		}
		if !held {
			return false
		}
	}
	return len(e.Classes) > 0
}

// entriesFor returns an entry for each finding of an event.
func entriesFor(e *events.Event, scope Scope) (entries []exceptionEntry) {
	seen := map[exceptionEntry]bool{}
	for i := range min(len(e.Classes), len(e.Places)) {
		x := exceptionEntry{Place: e.Places[i], Class: e.Classes[i], PathPrefix: e.Path}
		switch scope {
		case ScopePlace:
			x.PathPrefix = ""
		case ScopeClass:
			x.Place = ""
		}
		// What was cut short covers the rest too.
		if cut, ok := strings.CutSuffix(x.PathPrefix, "..."); ok {
			x.PathPrefix = cut
		}
		if cut, ok := strings.CutSuffix(x.Place, "..."); ok {
			x.Place = cut + "*"
		}
		if !seen[x] {
			seen[x] = true
			entries = append(entries, x)
		}
	}
	return entries
}

// config returns the plugin's config with nothing but the entries.
func config(e *events.Event, entries []exceptionEntry) map[string]any {
	c := map[string]any{"exceptions": entries}
	if e.Plugin == "waf-gate" {
		c = map[string]any{"detect": c}
	}
	return c
}

func deckLines(e *events.Event, entries []exceptionEntry) string {
	type plugin struct {
		Name   string         `yaml:"name"`
		Config map[string]any `yaml:"config"`
	}
	return toYAML(map[string]any{"plugins": []plugin{{Name: e.Plugin, Config: config(e, entries)}}})
}

func manifestLines(e *events.Event, entries []exceptionEntry) string {
	return toYAML(struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   map[string]string `yaml:"metadata"`
		Plugin     string            `yaml:"plugin"`
		Config     map[string]any    `yaml:"config"`
	}{"configuration.konghq.com/v1", "KongPlugin", map[string]string{"name": e.Plugin}, e.Plugin, config(e, entries)})
}

func toYAML(v any) string {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(v); err != nil {
		return ""
	}
	_ = encoder.Close() // a buffer
	return b.String()
}
