package iprestriction

import (
	"errors"
	"fmt"

	"kongwaf/detect/address"
	"kongwaf/plugins/internal/moment"
)

// Temporary is a range that is refused or let in for a time.
type Temporary struct {
	Address string `json:"address" kong:"required,format=address" doc:"Address or CIDR range. IPv4 and IPv6."`
	Until   string `json:"until" kong:"required,format=moment" doc:"Until when: the end of a day in UTC, such as 2027-03-31, or a moment, such as 2027-03-31T18:00:00Z."`
	Action  string `json:"action" default:"deny" kong:"required,oneof=deny|allow" doc:"deny refuses, allow lets in."`
	Reason  string `json:"reason,omitempty" doc:"Why, for those who read the config later."`
}

// temporary compiles the entries that let in and those that refuse.
func temporary(entries []Temporary) (allow, deny list, err error) {
	sets := map[string]*address.Ending{"allow": {}, "deny": {}}
	var errs []error
	for i, e := range entries {
		r, err := address.Parse(e.Address)
		if err != nil {
			errs = append(errs, fmt.Errorf("[%d].address: %w", i, err))
			continue
		}
		until, err := moment.End(e.Until)
		if err != nil {
			errs = append(errs, fmt.Errorf("[%d].until: %w", i, err))
			continue
		}
		sets[e.Action].Add(r, until)
	}
	of := func(action string) list { return list{name: "temporary", fixed: &ranges{ending: sets[action]}} }
	return of("allow"), of("deny"), errors.Join(errs...)
}
