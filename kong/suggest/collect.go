package suggest

import (
	"slices"
	"strings"
	"time"

	"kongwaf/detect"
	"kongwaf/kong/events"
)

// Bounds on what a Collector keeps, whatever it is shown.
const (
	maxSources = 200_000
	maxShapes  = 20_000
	maxPairs   = 128 // sources of one shape that are told apart
	maxSamples = 12  // pieces of requests of one shape
	perSource  = 2   // of them from one source
	maxPiece   = 260 // bytes of one piece; events carry no more
)

// Spot is a class of attack at a place. Positions in arrays are stars: what is at one of them
// is at any.
type Spot struct {
	Class detect.Class
	Place string
}

// unit is what gets a config of its own: a plugin on a route, of an application.
type unit struct{ plugin, service, route, application string }

// shape is what is kept of all events that show the same attacks at the same places below the
// same part of the path.
type shape struct {
	unit    *unit
	method  string
	prefix  string // of the path
	spots   []Spot
	events  int
	sure    int              // of them beyond doubt
	pairs   map[uint32]*pair // by source
	more    int              // events of sources that are not told apart any more
	samples []sample
	first   time.Time
	last    time.Time
}

// pair is what one source sent of a shape.
type pair struct {
	events int
	days   uint64 // a bit for each day, modulo 64
}

// sample is a piece of a request, as an event shows it.
type sample struct {
	source                                    uint32
	id, method, path, client, place, evidence string
	raw                                       string
	at                                        time.Time
}

// Collector takes events and keeps what a report needs, in bounded memory. It is for one
// goroutine.
type Collector struct {
	rules   Rules
	sources []source
	byName  map[string]uint32
	shapes  map[string]*shape
	units   map[unit]*unit
	served  map[string][]string // routes by the plugin's entity
	looked  Looked
	key     strings.Builder
}

// Looked says what a report rests on.
type Looked struct {
	Events   int       `json:"events"`            // verdicts that were found attacks, folded ones counted
	Others   int       `json:"others"`            // events of other checks and actions, passed over
	Since    time.Time `json:"since,omitzero"`    // the first
	Until    time.Time `json:"until,omitzero"`    // the last
	Sources  int       `json:"sources"`           // clients and consumers
	Scanners int       `json:"scanners"`          // of them
	Dropped  int       `json:"dropped,omitempty"` // events of rare shapes that there was no room for
	Unknown  int       `json:"unknown,omitempty"` // events of clients that there was no room for
}

// NewCollector returns a collector that goes by the rules, which must be valid.
func NewCollector(rules Rules) *Collector {
	return &Collector{rules: rules, sources: make([]source, 1), byName: map[string]uint32{}, shapes: map[string]*shape{}, units: map[unit]*unit{}, served: map[string][]string{}}
}

// Add takes an event. Only attacks that were blocked or reported count; of an event whose
// classes or places are unknown to this version nothing can be suggested.
func (c *Collector) Add(e *events.Event) {
	spots := spotsOf(e)
	if len(spots) == 0 {
		c.looked.Others += e.Count
		return
	}
	c.looked.Events += e.Count
	if c.looked.Since.IsZero() || e.Time.Before(c.looked.Since) {
		c.looked.Since = e.Time
	}
	if e.Time.After(c.looked.Until) {
		c.looked.Until = e.Time
	}
	route := e.RouteName
	if route == "" {
		route = e.RouteID
	}
	u := unit{plugin: e.Plugin, service: e.ServiceName, route: route, application: e.Application}
	c.serves(e.PluginID, route)
	id := c.source(e)
	if id != 0 {
		for _, s := range spots {
			c.sources[id].saw(s.Class, hash(u.plugin, u.route, s.Place))
		}
	} else {
		c.looked.Unknown += e.Count
	}
	c.shape(e, u, spots).add(e, id)
}

// maxServed is how many entities are told apart, and how many routes of one.
const maxServed = 1000

// serves notes that a plugin's entity serves a route.
func (c *Collector) serves(entity, route string) {
	routes, known := c.served[entity]
	if slices.Contains(routes, route) || len(routes) >= maxServed || !known && len(c.served) >= maxServed {
		return
	}
	c.served[entity] = append(routes, route)
}

// shared reports whether one of the entities that serve a unit's route serves others too.
func (c *Collector) shared(u *unit) bool {
	for _, routes := range c.served {
		if len(routes) > 1 && slices.Contains(routes, u.route) {
			return true
		}
	}
	return false
}

// spotsOf returns what was seen in an event, sorted, nothing if it is none of an attack.
func spotsOf(e *events.Event) (spots []Spot) {
	if e.Check != "detect" || e.Action != events.ActionBlocked && e.Action != events.ActionReported || len(e.Classes) != len(e.Places) {
		return nil
	}
	for i, name := range e.Classes {
		class, err := detect.ParseClass(name)
		if err != nil || e.Places[i] == "" {
			return nil
		}
		if s := (Spot{Class: class, Place: anyPosition(e.Places[i])}); !slices.Contains(spots, s) {
			spots = append(spots, s)
		}
	}
	return spots
}

// anyPosition writes a star for every position in an array. Parts of a path have positions too,
// but there they say which part.
func anyPosition(place string) string {
	if strings.HasPrefix(place, "path[") {
		return place
	}
	var b strings.Builder
	for {
		open := strings.IndexByte(place, '[')
		if open < 0 {
			break
		}
		end := open + 1
		for end < len(place) && '0' <= place[end] && place[end] <= '9' {
			end++
		}
		b.WriteString(place[:open+1])
		if end > open+1 && end < len(place) && place[end] == ']' {
			b.WriteByte('*')
		} else {
			b.WriteString(place[open+1 : end])
		}
		place = place[end:]
	}
	if b.Len() == 0 {
		return place
	}
	b.WriteString(place)
	return b.String()
}

// source returns the number of an event's source, 0 if there is no room for another.
func (c *Collector) source(e *events.Event) uint32 {
	name, known := sourceName(e)
	if id, ok := c.byName[name]; ok {
		return id
	}
	if len(c.sources) > maxSources {
		return 0
	}
	id := uint32(len(c.sources))
	name = strings.Clone(name)
	c.sources = append(c.sources, source{name: name, known: known})
	c.byName[name] = id
	return id
}

func (c *Collector) shape(e *events.Event, u unit, spots []Spot) *shape {
	prefix := prefixOf(e.Path)
	c.key.Reset()
	for _, part := range []string{u.plugin, u.service, u.route, u.application, prefix, e.Method} {
		c.key.WriteString(part)
		c.key.WriteByte(0)
	}
	for _, s := range spots {
		c.key.WriteByte(byte(s.Class))
		c.key.WriteString(s.Place)
		c.key.WriteByte(0)
	}
	key := c.key.String()
	if s := c.shapes[key]; s != nil {
		return s
	}
	if len(c.shapes) >= maxShapes {
		c.forget()
	}
	shared := c.units[u]
	if shared == nil {
		shared = &u
		c.units[u] = shared
	}
	s := &shape{unit: shared, method: e.Method, prefix: prefix, spots: spots, pairs: map[uint32]*pair{}}
	c.shapes[key] = s
	return s
}

// forget drops the rarest shapes that a single source showed, until a quarter is free; if
// that is not enough, the rarest of all. A flood of invented names takes its own room.
func (c *Collector) forget() {
	for floor := 1; len(c.shapes) > maxShapes*3/4; floor *= 2 {
		for key, s := range c.shapes {
			if s.events <= floor && (len(s.pairs) < 2 || floor > 64) {
				c.looked.Dropped += s.events
				delete(c.shapes, key)
			}
		}
	}
	used := map[*unit]bool{}
	for _, s := range c.shapes {
		used[s.unit] = true
	}
	for key, u := range c.units {
		if !used[u] {
			delete(c.units, key)
		}
	}
}

// add counts an event of a source.
func (s *shape) add(e *events.Event, id uint32) {
	s.events += e.Count
	if e.Score >= beyondDoubt {
		s.sure += e.Count
	}
	if s.first.IsZero() || e.Time.Before(s.first) {
		s.first = e.Time
	}
	if e.Time.After(s.last) {
		s.last = e.Time
	}
	p := s.pairs[id]
	if p == nil {
		if id == 0 || len(s.pairs) >= maxPairs {
			s.more += e.Count
			return
		}
		p = &pair{}
		s.pairs[id] = p
	}
	p.events += e.Count
	p.days |= 1 << uint(e.Time.Unix()/86400&63)
	s.sample(e, id)
}

// sample keeps the pieces of an event if they are others than those that are there.
func (s *shape) sample(e *events.Event, id uint32) {
	if len(s.samples) >= maxSamples || len(e.Evidence) > maxPiece || len(e.Raw) > maxPiece {
		return
	}
	mine := 0
	for i := range s.samples {
		if s.samples[i].evidence == e.Evidence && s.samples[i].raw == e.Raw {
			return
		}
		if s.samples[i].source == id {
			mine++
		}
	}
	if mine >= perSource {
		return
	}
	s.samples = append(s.samples, sample{source: id, id: e.ID, method: e.Method, path: e.Path, client: e.Client, place: e.Places[0],
		evidence: e.Evidence, raw: e.Raw, at: e.Time})
}

// prefixOf returns the part of a path that names a resource and not one of its items: the
// leading segments without digits, escapes, titles and long words, at most maxDepth of them.
func prefixOf(path string) string {
	const maxDepth, maxWord = 4, 32
	at := 0
	for range maxDepth {
		if at >= len(path) || path[at] != '/' {
			break
		}
		end := strings.IndexByte(path[at+1:], '/')
		next := len(path)
		if end >= 0 {
			next = at + 1 + end
		}
		word := path[at+1 : next]
		if word == "" || len(word) > maxWord || strings.Count(word, "-") > 1 || strings.ContainsAny(word, "0123456789%.;*\\") && !version(word) {
			break
		}
		at = next
	}
	if at < len(path) {
		return path[:min(at+1, len(path))]
	}
	return path[:at]
}

// version reports whether a segment is that of an API's version, such as v1.
func version(word string) bool {
	return len(word) <= 4 && word[0] == 'v' && strings.Trim(word[1:], "0123456789") == "" && len(word) > 1
}
