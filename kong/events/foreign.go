package events

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Bounds on what another node may say.
const (
	maxForeign = 32 << 10        // bytes of a line; Bound keeps ours far below
	maxAhead   = 5 * time.Minute // of its clock
	maxFolded  = 1_000_000_000
)

// Foreign reads a line that came from another node, over something that others may write to.
// What no node of ours writes is refused; texts are bounded as our own.
func Foreign(line []byte, now time.Time) (*Event, error) {
	if len(line) > maxForeign {
		return nil, fmt.Errorf("an event of %d bytes: none is longer than %d", len(line), maxForeign)
	}
	e, err := Parse(line)
	switch {
	case err != nil:
		return nil, err
	case e.Name != Name:
		return nil, errors.New("no event of ours")
	case len(e.ID) != 2*14 || !lowerHex(e.ID):
		return nil, errors.New("an id that is none")
	case e.Time.After(now.Add(maxAhead)) || e.Time.Year() < 2000 || e.First.After(e.Time):
		return nil, errors.New("a time that cannot be")
	case e.Action != ActionBlocked && e.Action != ActionReported && e.Action != ActionExcepted && e.Action != ActionUnjudged:
		return nil, errors.New("an action that is none")
	case e.Count > maxFolded || math.IsNaN(e.Score) || e.Score < 0 || e.Score > 1:
		return nil, errors.New("a number that cannot be")
	}
	e.Time = e.Time.UTC()
	for _, s := range []*string{&e.Plugin, &e.PluginID, &e.Check, &e.Mode, &e.Expected, &e.RouteID, &e.ServiceID, &e.TraceID, &e.SpanID} {
		*s = bounded(*s, maxText)
	}
	e.Bound()
	for _, list := range [][]string{e.Classes, e.Decoded} {
		for i := range list {
			list[i] = bounded(list[i], maxText)
		}
	}
	if e.Node = strings.TrimSpace(e.Node); e.Node == "" {
		e.Node = "unknown"
	}
	return e, nil
}
