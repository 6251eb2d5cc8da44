package suggest

import (
	"slices"

	"kongwaf/detect/attack"
	"kongwaf/detect/attack/expect"
)

// Report is what is suggested, by route.
type Report struct {
	Version int      `json:"version"` // of this form; it only grows
	Looked  Looked   `json:"looked"`
	Routes  []Route  `json:"routes"`
	Notes   []string `json:"notes"`

	// Problems are lines of the input that could not be read. The reader fills it in.
	Problems []Problem `json:"problems"`
}

// Problem is a line that could not be read.
type Problem struct {
	File  string `json:"file"`
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// Route is a plugin on a route, with what is suggested for its config.
type Route struct {
	Plugin      string `json:"plugin"`
	Route       string `json:"route,omitempty"`
	Service     string `json:"service,omitempty"`
	Application string `json:"application,omitempty"`
	// Shared says that the plugin serves other routes too, by what was recorded.
	Shared      bool         `json:"shared,omitempty"`
	Events      int          `json:"events"`
	Clients     int          `json:"clients"`
	Suggestions []Suggestion `json:"suggestions"`
	Mode        Mode         `json:"mode"`
	Left        []Left       `json:"left_alone"` // the first of them
	LeftPlaces  int          `json:"left_places"`
}

// The kinds of suggestions, in the order in which they are preferred.
const (
	KindPreset    = "preset"
	KindExpects   = "expects"
	KindException = "exception"
)

// Suggestion is an entry for a config, with what speaks for it and what it would let through.
type Suggestion struct {
	Kind string   `json:"kind"`
	Sure Sureness `json:"sure"`
	// Why says what makes it doubtful.
	Why []string `json:"why"`

	Preset     string          `json:"preset,omitempty"`
	Place      string          `json:"place,omitempty"`
	Content    []string        `json:"content,omitempty"`
	Class      string          `json:"class,omitempty"`
	PathPrefix string          `json:"path_prefix,omitempty"`
	OnRoute    string          `json:"route,omitempty"`
	Silences   []SilencedPlace `json:"silences"` // what of the record it is meant for

	Evidence Evidence `json:"evidence"`
	// Opens and Keeps say, by trials with the engine at these places, what attacks the
	// suggestion would let through there, and what not.
	Opens []string `json:"opens"`
	Keeps []string `json:"keeps"`
	// Others are recorded events that it would silence too.
	Others Others `json:"others"`

	spots        []*spot
	exception    *attack.Exception
	expectations []attack.Expectation
	kinds        []expect.Kind
	with         *attack.Engine // one with the suggestion in force
}

// SilencedPlace is a place with the classes that were seen there.
type SilencedPlace struct {
	Place   string   `json:"place"`
	Classes []string `json:"classes"`
}

// Others are events that no suggestion is meant for.
type Others struct {
	Events   int       `json:"events"`
	Clients  int       `json:"clients"`
	Examples []Example `json:"examples"`
}

// Left is a place that nothing is suggested for.
type Left struct {
	Class   string `json:"class"`
	Place   string `json:"place"`
	Events  int    `json:"events"`
	Clients int    `json:"clients"`
	Why     string `json:"why"`
}

// Report sums up what has been added. It takes no notice of what is added later.
func (c *Collector) Report() *Report {
	scanner := c.scanners()
	r := &Report{Version: 1, Looked: c.looked, Routes: []Route{}, Notes: []string{}, Problems: []Problem{}}
	r.Looked.Sources = len(c.sources) - 1
	for _, is := range scanner {
		if is {
			r.Looked.Scanners++
		}
	}
	lab := newLab()
	all := c.spots(scanner)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].unit == all[0].unit {
			n++
		}
		r.Routes = append(r.Routes, c.route(lab, all[:n], scanner))
		all = all[n:]
	}
	slices.SortStableFunc(r.Routes, func(a, b Route) int {
		if something := len(a.Suggestions) > 0; something != (len(b.Suggestions) > 0) {
			if something {
				return -1
			}
			return 1
		}
		return b.Events - a.Events
	})
	c.note(r)
	return r
}

// note says where bounds were hit.
func (c *Collector) note(r *Report) {
	if c.looked.Dropped > 0 {
		r.Notes = append(r.Notes, count(c.looked.Dropped, "event")+" of rare kinds were not kept: too many different places and paths")
	}
	if c.looked.Unknown > 0 {
		r.Notes = append(r.Notes, count(c.looked.Unknown, "event")+" are of clients that were not told apart: there were too many")
	}
}

// route makes the suggestions for one unit from all of its spots.
func (c *Collector) route(lab *lab, spots []*spot, scanner []bool) Route {
	u := spots[0].unit
	shared := c.shared(u)
	r := Route{Plugin: u.plugin, Route: u.route, Service: u.service, Application: u.application, Shared: shared,
		Suggestions: []Suggestion{}, Left: []Left{}}
	clients := map[uint32]bool{}
	shapes := shapesOf(spots)
	for _, s := range shapes {
		r.Events += s.events
		for id := range s.pairs {
			clients[id] = true
		}
	}
	r.Clients = len(clients)
	var wanted []*spot
	for _, s := range spots {
		why := "there are more such places here than anybody looks at"
		switch {
		case s.sureness != Attack && len(wanted) < maxWanted:
			wanted = append(wanted, s)
			continue
		case s.sureness == Attack:
			why = s.why[0]
		}
		if len(r.Left) < maxLeft {
			r.Left = append(r.Left, Left{Class: s.Class.String(), Place: s.Place, Events: s.evidence.Events + s.evidence.Sprayed,
				Clients: len(s.sources()), Why: why})
		}
		r.LeftPlaces++
	}
	r.Suggestions = c.cover(lab, u, wanted, scanner, shared)
	c.price(lab, r.Suggestions, u, shared, scanner)
	r.Mode = c.mode(spots, r.Suggestions, scanner)
	return r
}

const (
	maxLeft   = 20 // places of attacks that a route lists
	maxWanted = 60 // places of a route that something is suggested for, those with most events
)

// shapesOf returns the shapes of spots, each once.
func shapesOf(spots []*spot) (list []*shape) {
	seen := map[*shape]bool{}
	for _, s := range spots {
		for _, sh := range s.shapes {
			if !seen[sh] {
				seen[sh] = true
				list = append(list, sh)
			}
		}
	}
	return list
}

// sources returns who sent what was seen at the spot.
func (s *spot) sources() map[uint32]bool {
	all := map[uint32]bool{}
	for _, sh := range s.shapes {
		for id := range sh.pairs {
			all[id] = true
		}
	}
	return all
}
