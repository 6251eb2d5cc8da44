package iprestriction

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/geo"
)

// Geo are countries and autonomous systems, and the databases that know them.
type Geo struct {
	Databases      []string `json:"databases,omitempty" kong:"elements.format=location" doc:"Files on Kong's node, or URLs, of databases in MaxMind's format (.mmdb), such as GeoLite2-Country and GeoLite2-ASN. They complete each other, and are read again when they change."`
	AllowCountries []string `json:"allow_countries,omitempty" doc:"Countries that are let in, by their codes of two letters (ISO 3166), such as NZ."`
	DenyCountries  []string `json:"deny_countries,omitempty" doc:"Countries that are refused, by their codes of two letters (ISO 3166)."`
	AllowASNs      []string `json:"allow_asns,omitempty" doc:"Autonomous systems that are let in, such as AS64500."`
	DenyASNs       []string `json:"deny_asns,omitempty" doc:"Autonomous systems that are refused, such as AS64500."`
	Unknown        string   `json:"unknown,omitempty" kong:"oneof=allow|deny" doc:"What an address gets whose country no database knows, such as a private one, and that no list names: by default it is in no country, hence refused where allow_countries is set and let in where not."`
}

// locator is the compiled Geo. A nil one knows and says nothing.
type locator struct {
	databases                     geo.Databases
	allowCountries, denyCountries []geo.Country
	allowSystems, denySystems     []uint32
	unknown                       string
}

// compile returns nil if nothing is asked for. The errors begin with a dot and a field.
func (g *Geo) compile(env check.Env) (*locator, error) {
	l := &locator{unknown: g.Unknown}
	var errs []error
	for _, f := range []struct {
		name string
		from []string
		into *[]geo.Country
	}{{"allow_countries", g.AllowCountries, &l.allowCountries}, {"deny_countries", g.DenyCountries, &l.denyCountries}} {
		for i, text := range f.from {
			c, err := geo.ParseCountry(text)
			if err != nil {
				errs = append(errs, fmt.Errorf(".%s[%d]: %w", f.name, i, err))
			}
			*f.into = append(*f.into, c)
		}
	}
	for _, f := range []struct {
		name string
		from []string
		into *[]uint32
	}{{"allow_asns", g.AllowASNs, &l.allowSystems}, {"deny_asns", g.DenyASNs, &l.denySystems}} {
		for i, text := range f.from {
			n, err := geo.ParseASN(text)
			if err != nil {
				errs = append(errs, fmt.Errorf(".%s[%d]: %w", f.name, i, err))
			}
			*f.into = append(*f.into, n)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	byCountry, bySystem := len(g.AllowCountries)+len(g.DenyCountries) > 0, len(g.AllowASNs)+len(g.DenyASNs) > 0
	switch {
	case g.Unknown != "" && !byCountry:
		return nil, errors.New(".unknown: is about countries; set allow_countries or deny_countries")
	case !byCountry && !bySystem && len(g.Databases) > 0:
		return nil, errors.New(".databases: are for nothing; set allow_countries, deny_countries, allow_asns or deny_asns")
	case !byCountry && !bySystem:
		return nil, nil
	case len(g.Databases) == 0:
		return nil, errors.New(".databases: missing; name a file in MaxMind's format, such as /usr/share/GeoIP/GeoLite2-Country.mmdb")
	}
	var err error
	if l.databases, err = geo.Open(&env.Sources, g.Databases); err != nil {
		return nil, fmt.Errorf(".databases%w", err)
	}
	countries, systems, all := l.databases.Has()
	switch {
	case all && byCountry && !countries:
		return nil, errors.New(".databases: none of them knows countries")
	case all && bySystem && !systems:
		return nil, errors.New(".databases: none of them knows autonomous systems, which are in databases of their own, such as GeoLite2-ASN.mmdb")
	}
	return l, nil
}

// find returns where an address is; ok is false while a database has never been read.
func (l *locator) find(addr netip.Addr) (place geo.Place, ok bool) {
	if l == nil {
		return geo.Place{}, true
	}
	_, _, ok = l.databases.Has()
	return l.databases.Lookup(addr), ok
}

// denying reports whether a place can be refused.
func (l *locator) denying() bool { return l != nil && len(l.denyCountries)+len(l.denySystems) > 0 }

// allowing reports whether only some places are let in.
func (l *locator) allowing() bool { return l != nil && len(l.allowCountries)+len(l.allowSystems) > 0 }

// denies returns what of a place is refused, "" if nothing is.
func (l *locator) denies(p geo.Place) string {
	switch {
	case l == nil:
		return ""
	case p.Country != geo.Country{} && slices.Contains(l.denyCountries, p.Country):
		return "country " + p.Country.String()
	case p.ASN != 0 && slices.Contains(l.denySystems, p.ASN):
		return "AS" + strconv.FormatUint(uint64(p.ASN), 10)
	}
	return ""
}

// admits reports whether a place is let in.
func (l *locator) admits(p geo.Place, located bool) bool {
	if l == nil {
		return false
	}
	if p.Country == (geo.Country{}) {
		if located && l.unknown == "allow" {
			return true
		}
	} else if slices.Contains(l.allowCountries, p.Country) {
		return true
	}
	return p.ASN != 0 && slices.Contains(l.allowSystems, p.ASN)
}

// refusesUnknown reports whether a place is refused because nobody knows where it is.
func (l *locator) refusesUnknown(p geo.Place, located bool) bool {
	return l != nil && located && l.unknown == "deny" && p.Country == geo.Country{}
}

// name says where a place is, for events, "" if that is of no matter.
func (l *locator) name(p geo.Place) string {
	switch {
	case l == nil:
		return ""
	case p.Country == geo.Country{}:
		return "unknown country"
	}
	return "country " + p.Country.String()
}
