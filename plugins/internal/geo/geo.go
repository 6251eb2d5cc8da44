// Package geo says in which country, and in which autonomous system, an address is, by
// databases in MaxMind's format (.mmdb): MaxMind's own GeoLite2 and GeoIP2, and those that
// DB-IP, IPinfo and others publish in that format.
//
// The answers are as true as the databases are: an address may be a VPN's, a proxy's, or in
// use elsewhere since. A database is somebody else's bytes: one that is cut or made to do
// harm is refused, or knows nothing of an address; it panics nowhere.
package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"kongwaf/plugins/internal/source"
)

// Place is what is known of an address. The zero value is nothing.
type Place struct {
	Country Country
	ASN     uint32
}

// maxBytes is how large a database may be: the largest that are published, of every city,
// are below 100 MB.
const maxBytes = 512 << 20

// Database is one database. It is immutable and safe for concurrent use.
type Database struct {
	reader             *maxminddb.Reader
	countries, systems bool // whether it knows any
}

// Where databases of the various makers have countries and systems; the first that is there
// counts.
var (
	countryPaths = [][]any{{"country", "iso_code"}, {"registered_country", "iso_code"}, {"country_code"}, {"country"}}
	asnPaths     = [][]any{{"autonomous_system_number"}, {"asn"}, {"traits", "autonomous_system_number"}}
)

// Bounds on what is looked at to learn what a database has: networks with something in
// them, and networks at all, for a tree may be made to have more leaves than there is time.
const (
	probed    = 2000
	maxLeaves = 1 << 20
)

// Parse reads a database, which holds on to the bytes.
func Parse(data []byte) (*Database, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("is no database in MaxMind's format (.mmdb): %w", err)
	}
	d := &Database{reader: reader}
	leaves, looked := 0, 0
	for network := range reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if network.Err() != nil {
			return nil, fmt.Errorf("is damaged: %w", network.Err())
		}
		if network.Found() {
			d.countries = d.countries || findCountry(network) != Country{}
			d.systems = d.systems || findASN(network) != 0
			looked++
		}
		if leaves++; leaves == maxLeaves || looked == probed || d.countries && d.systems {
			break
		}
	}
	if !d.countries && !d.systems {
		return nil, fmt.Errorf("knows neither countries nor autonomous systems: it is a database of the type %q", reader.Metadata.DatabaseType)
	}
	return d, nil
}

func findCountry(record maxminddb.Result) Country {
	for _, at := range countryPaths {
		var code string
		if record.DecodePath(&code, at...) != nil {
			continue
		}
		if c := country(code); c != (Country{}) {
			return c
		}
	}
	return Country{}
}

func findASN(record maxminddb.Result) uint32 {
	for _, at := range asnPaths {
		var number uint32
		if record.DecodePath(&number, at...) != nil {
			var text string // "AS64500"
			if record.DecodePath(&text, at...) != nil {
				continue
			}
			number, _ = ParseASN(text)
		}
		if number != 0 {
			return number
		}
	}
	return 0
}

// Lookup returns what is known of an address. IPv4 addresses in IPv6 form are the IPv4
// addresses they stand for.
func (d *Database) Lookup(addr netip.Addr) (p Place) {
	record := d.reader.Lookup(addr.Unmap().WithZone(""))
	if record.Err() != nil || !record.Found() {
		return Place{}
	}
	if d.countries {
		p.Country = findCountry(record)
	}
	if d.systems {
		p.ASN = findASN(record)
	}
	return p
}

// Databases are several databases that complete each other, kept fresh. They are safe for
// concurrent use.
type Databases []*source.Source[*Database]

// format is how a source reads a database.
var format = source.Format[*Database]{
	Name:  "mmdb",
	Parse: Parse,
	Count: func(d *Database) int { return int(d.reader.Metadata.NodeCount) },
}

// Open opens the databases at the given files or URLs. Those that are read by a URL may
// answer nothing at first.
func Open(registry *source.Registry, locations []string) (Databases, error) {
	var all Databases
	for i, location := range locations {
		s, err := source.Open(registry, source.Settings{Name: "geo " + path.Base(source.Shown(location)), Location: location, MaxBytes: maxBytes}, format)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// Has reports whether any of the databases that have been read so far has countries, and
// autonomous systems; all says that every one has been read.
func (d Databases) Has() (countries, systems, all bool) {
	all = true
	for _, s := range d {
		database, ok := s.Get()
		all = all && ok
		if ok {
			countries = countries || database.countries
			systems = systems || database.systems
		}
	}
	return countries, systems, all
}

// Lookup returns what the databases know of an address, the first one first.
func (d Databases) Lookup(addr netip.Addr) (p Place) {
	for _, s := range d {
		database, ok := s.Get()
		if !ok {
			continue
		}
		found := database.Lookup(addr)
		if p.Country == (Country{}) {
			p.Country = found.Country
		}
		if p.ASN == 0 {
			p.ASN = found.ASN
		}
	}
	return p
}

// ParseASN reads the number of an autonomous system, with or without AS in front.
func ParseASN(text string) (uint32, error) {
	digits := text
	if len(text) > 2 && strings.EqualFold(text[:2], "AS") {
		digits = text[2:]
	}
	number, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || number == 0 {
		return 0, errors.New(strconv.Quote(text) + " is no autonomous system, such as AS64500")
	}
	return uint32(number), nil
}
