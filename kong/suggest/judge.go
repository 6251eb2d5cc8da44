package suggest

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// Sureness says what a place's events look like.
type Sureness string

// What events may look like.
const (
	Likely    Sureness = "likely"     // a false positive by every threshold
	LookFirst Sureness = "look first" // perhaps one: somebody has to look
	Attack    Sureness = "attack"     // nothing is suggested
)

// Evidence is what speaks for a suggestion.
type Evidence struct {
	Events    int       `json:"events"`    // of clients that are no scanners
	Clients   int       `json:"clients"`   // that are no scanners; consumers where they are known
	Consumers int       `json:"consumers"` // of them
	Returning int       `json:"returning"` // of them came on more than one day
	Days      int       `json:"days"`      // on which they came
	Share     float64   `json:"share"`     // of the events that the busiest of them sent
	Sprayed   int       `json:"sprayed"`   // events of scanners at the same place
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Examples  []Example `json:"examples"`

	sure float64 // events beyond doubt, about
}

// Example is an event. What might be secret in its text is masked.
type Example struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Client   string    `json:"client"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Evidence string    `json:"evidence"`
}

// spot is a Spot of a unit with all that was recorded of it.
type spot struct {
	Spot
	unit     *unit
	shapes   []*shape
	evidence Evidence
	sureness Sureness
	why      []string // it is not likely
}

// scanners returns which sources are scanners, by number.
func (c *Collector) scanners() []bool {
	usual := make(crowd, 1<<crowdBits)
	for i := range c.sources {
		for _, at := range c.sources[i].places {
			usual.add(at.place)
		}
	}
	list := make([]bool, len(c.sources))
	for i := range c.sources {
		list[i] = i > 0 && c.sources[i].sprays(&c.rules, usual)
	}
	return list
}

// spots returns what was recorded, by place, in a fixed order.
func (c *Collector) spots(scanner []bool) []*spot {
	type key struct {
		unit *unit
		Spot
	}
	all := map[key]*spot{}
	for _, name := range slices.Sorted(maps.Keys(c.shapes)) {
		s := c.shapes[name]
		for _, at := range s.spots {
			k := key{s.unit, at}
			if all[k] == nil {
				all[k] = &spot{Spot: at, unit: s.unit}
			}
			all[k].shapes = append(all[k].shapes, s)
		}
	}
	list := slices.Collect(maps.Values(all))
	for _, s := range list {
		c.weigh(s, scanner)
	}
	slices.SortFunc(list, func(a, b *spot) int {
		return cmp.Or(compareUnits(a.unit, b.unit), cmp.Compare(b.evidence.Events, a.evidence.Events),
			cmp.Compare(a.Place, b.Place), cmp.Compare(a.Class, b.Class))
	})
	return list
}

func compareUnits(a, b *unit) int {
	return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.service, b.service), cmp.Compare(a.application, b.application), cmp.Compare(a.plugin, b.plugin))
}

// weigh sums a spot up and says what it looks like.
func (c *Collector) weigh(s *spot, scanner []bool) {
	e := &s.evidence
	good := map[uint32]pair{}
	for _, sh := range s.shapes {
		for id, p := range sh.pairs {
			if scanner[id] {
				e.Sprayed += p.events
				continue
			}
			sum := good[id]
			good[id] = pair{events: sum.events + p.events, days: sum.days | p.days}
			e.sure += float64(p.events) * float64(sh.sure) / float64(sh.events)
		}
		if e.First.IsZero() || sh.first.Before(e.First) {
			e.First = sh.first
		}
		if sh.last.After(e.Last) {
			e.Last = sh.last
		}
		s.examples(sh, scanner)
	}
	var days uint64
	most := 0
	for id, p := range good {
		e.Events += p.events
		e.Clients++
		days |= p.days
		most = max(most, p.events)
		if c.sources[id].known {
			e.Consumers++
		}
		if bits.OnesCount64(p.days) > 1 {
			e.Returning++
		}
	}
	e.Days = bits.OnesCount64(days)
	if e.Events > 0 {
		e.Share = float64(most) / float64(e.Events)
	}
	s.sureness, s.why = c.rules.judge(s)
}

const maxExamples = 3

// examples keeps some events that show the spot, of clients that are no scanners.
func (s *spot) examples(sh *shape, scanner []bool) {
	for i := range sh.samples {
		x := &sh.samples[i]
		if len(s.evidence.Examples) == maxExamples || scanner[x.source] || anyPosition(x.place) != s.Place {
			continue
		}
		s.evidence.Examples = append(s.evidence.Examples, x.example())
	}
}

func (x *sample) example() Example {
	return Example{ID: x.id, Time: x.at, Client: x.client, Method: x.method, Path: x.path, Evidence: Mask(x.evidence)}
}

// judge says what a spot looks like, and what keeps it from being a likely false positive.
func (r *Rules) judge(s *spot) (Sureness, []string) {
	e := &s.evidence
	var why []string
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	switch {
	case e.Clients == 0:
		return Attack, []string{"only scanners attacked it"}
	case strings.ContainsAny(strings.ReplaceAll(s.Place, "[*]", ""), "*?\"'<>()\\") || strings.Contains(s.Place, "..."):
		return Attack, []string{"the name of the place is no ordinary one: no exception could name just this"}
	}
	if e.Clients < r.MinClients {
		say("%s, fewer than %d", count(e.Clients, "client"), r.MinClients)
	}
	if e.Days < r.MinDays {
		say("%s, fewer than %d", count(e.Days, "day"), r.MinDays)
	}
	if e.Events < r.MinEvents {
		say("%s, fewer than %d", count(e.Events, "event"), r.MinEvents)
	}
	if e.Returning < r.MinReturning {
		say("%s came back on another day, fewer than %d", count(e.Returning, "client"), r.MinReturning)
	}
	if e.Share > r.MaxShare {
		say("one client sent %.0f %% of it, more than %.0f %%", 100*e.Share, 100*r.MaxShare)
	}
	if all := e.Events + e.Sprayed; float64(e.Sprayed) > r.MaxSprayed*float64(all) {
		say("scanners sent %.0f %% of what came there, more than %.0f %%", 100*float64(e.Sprayed)/float64(all), 100*r.MaxSprayed)
	}
	if !strings.ContainsAny(s.Place, ".[") && s.Place != "path" {
		say("%q is everything in that part of the request", s.Place)
	}
	if grave[s.Class] {
		say("ordinary clients send nothing that looks like %s", s.Class)
	}
	if len(why) == 0 {
		return Likely, nil
	}
	// Little of it may be anything: it is left alone.
	if e.Events < r.MinEvents || e.Clients < 2 && e.Days < r.MinDays {
		return Attack, why
	}
	return LookFirst, why
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Mask hides what may be personal or secret in a text that an event shows: addresses of mail,
// long numbers and long words without a meaning. What is known to be secret has been masked
// when the event was made.
func Mask(text string) string {
	const longNumber, longWord = 6, 24
	var b strings.Builder
	for text != "" {
		n := 0
		digits, mail := 0, false
		for n < len(text) && (wordByte(text[n]) || text[n] == '@' && n > 0) {
			if '0' <= text[n] && text[n] <= '9' {
				digits++
			}
			mail = mail || text[n] == '@'
			n++
		}
		switch {
		case n == 0:
			b.WriteByte(text[0])
			n = 1
		case mail || digits >= longNumber || n > longWord && digits > 0:
			b.WriteString("***")
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == '+' || c >= 0x80
}

// sorted returns the shapes in a fixed order.
func (c *Collector) sorted() []*shape {
	list := make([]*shape, 0, len(c.shapes))
	for _, name := range slices.Sorted(maps.Keys(c.shapes)) {
		list = append(list, c.shapes[name])
	}
	return list
}
