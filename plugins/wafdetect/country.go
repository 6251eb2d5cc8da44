package wafdetect

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"kongwaf/detect/rule"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/geo"
)

// errUnlocated says that a rule's countries cannot be told.
var errUnlocated = errors.New("the databases of geo_databases have not been read so far")

// databases opens what knows countries, if a rule asks for one.
func (c *Config) databases(env check.Env) (geo.Databases, error) {
	asked := slices.ContainsFunc(c.Rules, func(r Rule) bool { return len(r.Countries)+len(r.ExceptCountries) > 0 })
	switch {
	case !asked && len(c.GeoDatabases) > 0:
		return nil, errors.New(": are for nothing; a rule with countries or except_countries asks for them")
	case !asked:
		return nil, nil
	case len(c.GeoDatabases) == 0:
		return nil, errors.New(": missing, and a rule asks for countries; name a file in MaxMind's format, such as /usr/share/GeoIP/GeoLite2-Country.mmdb")
	}
	databases, err := geo.Open(&env.Sources, c.GeoDatabases)
	if err != nil {
		return nil, err
	}
	if countries, _, all := databases.Has(); all && !countries {
		return nil, errors.New(": none of them knows countries")
	}
	return databases, nil
}

// located returns what tells whether the rule holds for the country of an address, nil if it asks
// for none.
func (r *Rule) located(databases geo.Databases) (func(netip.Addr) (bool, error), error) {
	if len(r.Countries)+len(r.ExceptCountries) == 0 {
		return nil, nil
	}
	var in, out []geo.Country
	for _, list := range []struct {
		field string
		codes []string
		into  *[]geo.Country
	}{{"countries", r.Countries, &in}, {"except_countries", r.ExceptCountries, &out}} {
		for i, code := range list.codes {
			country, err := geo.ParseCountry(code)
			if err != nil {
				return nil, fmt.Errorf("%s[%d]: %w", list.field, i, err)
			}
			*list.into = append(*list.into, country)
		}
	}
	allows := r.Action == rule.Allow.String()
	return func(addr netip.Addr) (bool, error) {
		country := databases.Lookup(addr).Country
		if country == (geo.Country{}) {
			if _, _, all := databases.Has(); !all {
				return false, errUnlocated
			}
			return len(in) == 0 && !allows, nil
		}
		return (len(in) == 0 || slices.Contains(in, country)) && !slices.Contains(out, country), nil
	}, nil
}
