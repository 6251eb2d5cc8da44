package suggest

import (
	"slices"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack"
	"kongwaf/detect/attack/expect"
	"kongwaf/detect/attack/preset"
)

const (
	// enough is how much of a place's recorded pieces an expectation must silence to be
	// suggested for it.
	enough = 0.9
	// most is how much of a route's likely false positives a preset must silence.
	most = 0.5
)

// cover returns the suggestions for a unit's places: a preset if it silences most of what is
// likely, then what the other places are expected to carry, then exceptions. What is doubtful
// gets suggestions of its own, and only where those for the likely places do not hold already.
func (c *Collector) cover(lab *lab, u *unit, wanted []*spot, scanner []bool, shared bool) []Suggestion {
	list := []Suggestion{}
	t := trial{lab: lab, scanner: scanner}
	left := func(sure Sureness) (rest []*spot) {
		for _, s := range wanted {
			if s.sureness == sure && !slices.ContainsFunc(list, func(x Suggestion) bool { return slices.Contains(x.spots, s) }) {
				rest = append(rest, s)
			}
		}
		return rest
	}
	if !shared {
		if x, ok := t.preset(left(Likely), wanted); ok {
			list = append(list, x)
		}
	}
	for _, sure := range []Sureness{Likely, LookFirst} {
		rest := left(sure)
		for _, place := range placesOf(rest) {
			at := slices.DeleteFunc(slices.Clone(rest), func(s *spot) bool { return s.Place != place })
			if x, ok := t.expects(place, at); ok {
				list = append(list, x)
			}
		}
		for _, s := range left(sure) {
			x := exceptionFor(s, scanner)
			if shared {
				x.OnRoute, x.exception.Route = u.route, u.route
			}
			list = append(list, x)
		}
	}
	for i := range list {
		list[i].sum(c, scanner)
	}
	return list
}

func placesOf(spots []*spot) (places []string) {
	for _, s := range spots {
		if !slices.Contains(places, s.Place) {
			places = append(places, s.Place)
		}
	}
	return places
}

// trial tries expectations on what was recorded.
type trial struct {
	*lab
	scanner []bool
}

// share returns how much of the pieces that were recorded at a spot expectations silence. What
// scanners sent does not count.
func (t *trial) share(with *attack.Engine, s *spot) float64 {
	silent, all := 0, 0
	for _, sh := range s.shapes {
		for i := range sh.samples {
			x := &sh.samples[i]
			if t.scanner[x.source] || anyPosition(x.place) != s.Place {
				continue
			}
			all++
			if yes, _ := t.silences(with, x, s.Class); yes {
				silent++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(silent) / float64(all)
}

// preset returns the preset that silences most of what is likely, if there is one.
func (t *trial) preset(likely, wanted []*spot) (Suggestion, bool) {
	total, best, bestEvents, bestSize := 0, "", 0, 0
	for _, s := range likely {
		total += s.evidence.Events
	}
	for _, name := range preset.Name(0).OneOf() {
		p, err := preset.Parse(name)
		if err != nil {
			continue
		}
		expectations := p.Expectations()
		with := mustEngine(attack.Options{Expectations: expectations})
		events := 0
		for _, s := range likely {
			if t.share(with, s) >= enough {
				events += s.evidence.Events
			}
		}
		if events > bestEvents || events == bestEvents && events > 0 && len(expectations) < bestSize {
			best, bestEvents, bestSize = name, events, len(expectations)
		}
	}
	if bestEvents == 0 || float64(bestEvents) <= most*float64(total) {
		return Suggestion{}, false
	}
	p, _ := preset.Parse(best)
	x := Suggestion{Kind: KindPreset, Sure: Likely, Preset: best, expectations: p.Expectations()}
	with := mustEngine(attack.Options{Expectations: x.expectations})
	for _, s := range wanted {
		if t.share(with, s) >= enough {
			x.spots = append(x.spots, s)
		}
	}
	return x, true
}

// expects returns the fewest kinds of content that silence what was seen at a place, for as many
// of its classes as they can.
func (t *trial) expects(place string, spots []*spot) (Suggestion, bool) {
	x := Suggestion{Kind: KindExpects, Sure: spots[0].sureness, Place: place, PathPrefix: pathOf(spots, t.scanner)}
	engine := func(kinds []expect.Kind) (*attack.Engine, attack.Expectation) {
		e := attack.Expectation{Place: detect.Place(place), Content: kinds, PathPrefix: x.PathPrefix}
		return mustEngine(attack.Options{Expectations: []attack.Expectation{e}}), e
	}
	covered := func(kinds []expect.Kind) (list []*spot) {
		if len(kinds) == 0 {
			return nil
		}
		with, _ := engine(kinds)
		for _, s := range spots {
			if t.share(with, s) >= enough {
				list = append(list, s)
			}
		}
		return list
	}
	for _, name := range expect.None.OneOf() {
		var k expect.Kind
		if k.UnmarshalText([]byte(name)) == nil {
			x.kinds = append(x.kinds, k)
		}
	}
	x.spots = covered(x.kinds)
	if len(x.spots) == 0 {
		return Suggestion{}, false
	}
	for i := len(x.kinds) - 1; i >= 0; i-- {
		fewer := slices.Delete(slices.Clone(x.kinds), i, i+1)
		if len(covered(fewer)) == len(x.spots) {
			x.kinds = fewer
		}
	}
	_, e := engine(x.kinds)
	x.expectations = []attack.Expectation{e}
	for _, k := range x.kinds {
		x.Content = append(x.Content, k.String())
	}
	return x, true
}

// exceptionFor returns the exception for one class at one place, below the part of the path that
// all of its events share.
func exceptionFor(s *spot, scanner []bool) Suggestion {
	x := Suggestion{Kind: KindException, Sure: s.sureness, Place: s.Place, Class: s.Class.String(), PathPrefix: pathOf([]*spot{s}, scanner), spots: []*spot{s}}
	x.exception = &attack.Exception{Place: detect.Place(s.Place), Class: s.Class, PathPrefix: x.PathPrefix}
	return x
}

// pathOf returns the path that what was seen at spots is below, "" if it is every path. What only
// scanners, or a single client, asked for widens it to nothing, unless there is nothing else. A
// path that stands in a place says it already.
func pathOf(spots []*spot, scanner []bool) string {
	for _, s := range spots {
		if s.Place == "path" || strings.HasPrefix(s.Place, "path[") || strings.HasPrefix(s.Place, "header.referer") {
			return ""
		}
	}
	for least := 2; least >= 0; least-- {
		common, first := "", true
		for _, sh := range shapesOf(spots) {
			switch {
			case sh.clients(scanner) < least:
			case first:
				common, first = sh.prefix, false
			case common != sh.prefix:
				common = commonPath(common, sh.prefix)
			}
		}
		if !first && common != "/" {
			return common
		}
		if !first {
			break
		}
	}
	return ""
}

// clients returns how many sources of a shape that are known are no scanners.
func (s *shape) clients(scanner []bool) (n int) {
	for id := range s.pairs {
		if !scanner[id] {
			n++
		}
	}
	return n
}

// commonPath returns the longest path that both are below, up to a slash.
func commonPath(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:strings.LastIndexByte(a[:n], '/')+1]
}

// sum writes what speaks for a suggestion, of all its places, and what makes it doubtful.
func (x *Suggestion) sum(c *Collector, scanner []bool) {
	x.with, x.Why = x.engine(), []string{}
	all := &spot{unit: x.spots[0].unit, shapes: shapesOf(x.spots)}
	c.weigh(all, scanner)
	x.Evidence = all.evidence
	x.Evidence.Examples = nil
	for _, s := range x.spots {
		if s.sureness == LookFirst && x.Sure == LookFirst {
			for _, why := range s.why {
				if !slices.Contains(x.Why, why) {
					x.Why = append(x.Why, why)
				}
			}
		}
		for _, e := range s.evidence.Examples {
			if len(x.Evidence.Examples) < maxExamples {
				x.Evidence.Examples = append(x.Evidence.Examples, e)
			}
		}
		i := slices.IndexFunc(x.Silences, func(p SilencedPlace) bool { return p.Place == s.Place })
		if i < 0 {
			x.Silences = append(x.Silences, SilencedPlace{Place: s.Place})
			i = len(x.Silences) - 1
		}
		x.Silences[i].Classes = append(x.Silences[i].Classes, s.Class.String())
	}
	if x.Kind == KindException && x.Evidence.sure >= float64(x.Evidence.Events)/2 {
		x.Sure = LookFirst
		x.Why = append(x.Why, "the engine has no doubt that this is an attack, and no content explains it")
	}
}
