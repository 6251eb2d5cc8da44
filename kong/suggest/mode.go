package suggest

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// Mode is the harshest mode that is safe for a route once what is likely has been added: nothing
// of it would refuse what may be a false positive. It is empty if too little was recorded to say.
type Mode struct {
	Mode        string   `json:"mode,omitempty"`
	Sensitivity string   `json:"sensitivity,omitempty"`
	Grey        []string `json:"grey,omitempty"`
	Why         string   `json:"why"`
}

// The modes, as in the config of waf-detect.
const (
	modeBlock      = "block"
	modeSafe       = "safe_blocking"
	modeMonitoring = "monitoring"
)

// maxGrey is how many scanners a suggestion of safe_blocking names.
const maxGrey = 50

// mode returns the harshest safe mode for a unit.
func (c *Collector) mode(spots []*spot, list []Suggestion, scanner []bool) Mode {
	if days := int(math.Ceil(c.looked.Until.Sub(c.looked.Since).Hours() / 24)); days < c.rules.MinDays {
		return Mode{Why: fmt.Sprintf("the events are of %s: wait for %d", count(max(days, 1), "day"), c.rules.MinDays)}
	}
	doubtful, sure := 0, 0.0
	var few []*spot
	for i := range list {
		if list[i].Sure == LookFirst {
			for _, s := range list[i].spots {
				if !slices.Contains(few, s) {
					few = append(few, s)
					doubtful += s.evidence.Events
					sure += s.evidence.sure
				}
			}
		}
	}
	if doubtful == 0 {
		if len(list) > 0 {
			return Mode{Mode: modeBlock, Why: "with the likely ones added, all that is left looks like attacks"}
		}
		return Mode{Mode: modeBlock, Why: "all of it looks like attacks"}
	}
	if sure == 0 {
		return Mode{Mode: modeBlock, Sensitivity: "low", Why: fmt.Sprintf("what is to be looked at (%s) is nowhere beyond doubt, and low blocks only what is", count(doubtful, "event"))}
	}
	if grey := c.grey(spots, scanner); len(grey) > 0 {
		return Mode{Mode: modeSafe, Grey: grey, Why: fmt.Sprintf("refuses the scanners that were seen here, and only reports what is to be looked at (%s)", count(doubtful, "event"))}
	}
	return Mode{Mode: modeMonitoring, Why: fmt.Sprintf("look at %s first", count(doubtful, "event"))}
}

// grey returns the addresses of a unit's scanners.
func (c *Collector) grey(spots []*spot, scanner []bool) (list []string) {
	seen := map[uint32]bool{}
	for _, sh := range shapesOf(spots) {
		for id := range sh.pairs {
			name := c.sources[id].name
			if !scanner[id] || c.sources[id].known || seen[id] {
				continue
			}
			seen[id] = true
			_, addrErr := netip.ParseAddr(name)
			if _, err := netip.ParsePrefix(name); err == nil || addrErr == nil {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return list[:min(len(list), maxGrey)]
}
