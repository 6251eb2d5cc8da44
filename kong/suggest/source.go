package suggest

import (
	"hash/maphash"
	"math/bits"
	"net/netip"

	"kongwaf/detect"
	"kongwaf/kong/events"
)

// source is who sent events: a consumer, or an address where there was none; of IPv6 a network
// of 64 bits, which one subscriber has.
type source struct {
	name    string
	known   bool // a consumer
	classes uint32
	probes  bool // of a vulnerability scanner
	places  []attacked
}

// attacked is a place that a source attacked, by its hash, with the classes that it showed there.
type attacked struct{ place, classes uint32 }

// maxPlaces is how many places of one source are told apart.
const maxPlaces = 64

// sourceName returns what names the source of an event.
func sourceName(e *events.Event) (name string, known bool) {
	if e.ConsumerID != "" {
		return "consumer " + e.ConsumerID, true
	}
	if e.Consumer != "" {
		return "consumer " + e.Consumer, true
	}
	addr, err := netip.ParseAddr(e.Client)
	if err != nil {
		return e.Client, false
	}
	if addr = addr.Unmap(); addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.Masked().String(), false
		}
	}
	return addr.String(), false
}

// saw notes what the source attacked.
func (s *source) saw(class detect.Class, place uint32) {
	s.classes |= 1 << class
	s.probes = s.probes || class == detect.ClassScanner
	for i := range s.places {
		if s.places[i].place == place {
			s.places[i].classes |= 1 << class
			return
		}
	}
	if len(s.places) < maxPlaces {
		s.places = append(s.places, attacked{place, 1 << class})
	}
}

// sprays reports whether the source is a scanner by the rules: what it sent is no evidence of a
// false positive anywhere. Where many do the same, only a mixture of attacks at several places
// makes a scanner, or many more places.
func (s *source) sprays(r *Rules, usual crowd) bool {
	own, mixed := 0, 0
	for _, at := range s.places {
		if usual.at(at.place) < r.MinClients {
			own++
		}
		if bits.OnesCount32(at.classes) >= r.ScanClasses {
			mixed++
		}
	}
	return s.probes || own >= r.ScanPlaces || len(s.places) >= usualPlaces*r.ScanPlaces || mixed >= scanSpread ||
		bits.OnesCount32(s.classes) >= r.ScanClasses && own >= scanSpread
}

// usualPlaces is how many places where many do the same count as one.
const usualPlaces = 3

// crowd counts how many sources attacked a place, in fixed memory: places whose hashes agree in
// crowdBits are counted together.
type crowd []uint8

const crowdBits = 22

func (c crowd) at(place uint32) int { return int(c[place>>(32-crowdBits)]) }

func (c crowd) add(place uint32) {
	if at := &c[place>>(32-crowdBits)]; *at < 255 {
		*at++
	}
}

// seed makes hashes of places differ from process to process, so that nobody can choose them.
var seed = maphash.MakeSeed()

func hash(parts ...string) uint32 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, p := range parts {
		_, _ = h.WriteString(p)
		_ = h.WriteByte(0)
	}
	return uint32(h.Sum64())
}
