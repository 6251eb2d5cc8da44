package suggest

import (
	"fmt"

	"kongwaf/detect"
)

// Rules are the thresholds that separate false positives from attacks. Zero is a threshold like
// any other: begin with DefaultRules.
type Rules struct {
	// MinEvents, MinClients and MinDays are how many events, clients and days (UTC) a place
	// must have, beside those of scanners, to be a likely false positive.
	MinEvents, MinClients, MinDays int
	// MinReturning is how many of the clients must have come on more than one day: users
	// come back, rotated addresses do not.
	MinReturning int
	// MaxShare is how much of the events one client may have sent.
	MaxShare float64
	// MaxSprayed is how much of a place's events may be from scanners.
	MaxSprayed float64
	// ScanPlaces is at how many places, which fewer than MinClients clients attack, a client is a
	// scanner; of others, three times as many. ScanClasses is how many classes of attack make
	// one: over at least three places of the first sort, or at each of three places of any.
	ScanPlaces, ScanClasses int
}

// DefaultRules are the thresholds that the command and the console begin with.
func DefaultRules() Rules {
	return Rules{MinEvents: 10, MinClients: 5, MinDays: 3, MinReturning: 2, MaxShare: 0.5, MaxSprayed: 0.2, ScanPlaces: 6, ScanClasses: 3}
}

// Validate returns an error that names the threshold which makes no sense.
func (r *Rules) Validate() error {
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"min-events", r.MinEvents, 1, 1 << 30}, {"min-clients", r.MinClients, 2, 100}, {"min-days", r.MinDays, 1, 64},
		{"min-returning", r.MinReturning, 0, 100}, {"scan-places", r.ScanPlaces, 2, maxPlaces / usualPlaces}, {"scan-classes", r.ScanClasses, 2, 64},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%s: %d is not from %d to %d", n.name, n.value, n.least, n.most)
		}
	}
	for _, share := range []struct {
		name  string
		value float64
	}{{"max-share", r.MaxShare}, {"max-sprayed", r.MaxSprayed}} {
		if !(share.value >= 0 && share.value <= 1) {
			return fmt.Errorf("%s: %v is not from 0 to 1", share.name, share.value)
		}
	}
	return nil
}

// scanSpread is over how many places several classes of attack make a scanner: one place that
// carries code shows many classes by itself.
const scanSpread = 3

// grave are classes that no ordinary client's data shows: their false positives are rare enough
// to be looked at one by one.
var grave = map[detect.Class]bool{
	detect.ClassXXE: true, detect.ClassSSI: true, detect.ClassLDAPi: true, detect.ClassXPathi: true, detect.ClassCRLF: true,
	detect.ClassDeser: true, detect.ClassProtoPollution: true, detect.ClassUpload: true, detect.ClassProtocol: true,
}

// beyondDoubt is the score from which on an event is blocked at every sensitivity.
const beyondDoubt = 0.8
