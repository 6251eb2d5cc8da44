// Package address holds sets of IP addresses and ranges, and says whether an address is in
// one. A set of a million ranges answers as fast as a set of ten: a lookup walks a trie by
// the address's bytes (github.com/gaissmai/bart), never a list.
//
// IPv4 addresses written as IPv6 (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) are the IPv4
// address they stand for, in a set as well as in a lookup. So nobody slips past a range by
// writing an address the other way. Other embeddings (6to4, NAT64, Teredo) are IPv6
// addresses like any other. An IPv6 range, even ::/0, holds no IPv4 address.
//
// The package parses and compares; which address a request is judged by is its caller's
// choice, and a forwarded address is only as true as the proxy that wrote it.
package address

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gaissmai/bart"
)

// Set is an immutable set of addresses. The zero value and nil are empty sets. It is safe
// for concurrent use. A million scattered ranges take about 55 MB.
type Set struct {
	table *bart.Lite
}

// New returns the set of the given ranges. IPv4-mapped ranges are unmapped, host bits are
// cleared. Invalid prefixes, which only the zero Prefix is after Parse, are left out.
func New(ranges ...netip.Prefix) *Set {
	s := &Set{table: new(bart.Lite)}
	for _, r := range ranges {
		if r, ok := canonical(r); ok {
			s.table.Insert(r)
		}
	}
	return s
}

// ParseSet returns the set of the given entries, each an address or a CIDR range. Nothing
// invalid is skipped: the error is EntryErrors and names every bad entry.
func ParseSet(entries []string) (*Set, error) {
	var bad EntryErrors
	s := &Set{table: new(bart.Lite)}
	for i, entry := range entries {
		r, err := Parse(entry)
		if err != nil {
			bad = append(bad, EntryError{Index: i, Err: err})
			continue
		}
		s.table.Insert(r)
	}
	if bad != nil {
		return nil, bad
	}
	return s, nil
}

// Contains reports whether the address is in the set. The zone of an IPv6 address is not
// looked at. The zero Addr is in no set.
func (s *Set) Contains(a netip.Addr) bool {
	if s == nil || s.table == nil {
		return false
	}
	return s.table.Contains(a.Unmap().WithZone(""))
}

// Len returns the number of different ranges in the set.
func (s *Set) Len() int {
	if s == nil || s.table == nil {
		return 0
	}
	return s.table.Size()
}

// Parse reads an address ("192.0.2.1", "2001:db8::1") or a CIDR range ("192.0.2.0/24") and
// returns it as a range with its host bits cleared and IPv4-mapped forms unmapped. The
// error repeats the entry and, where it is not plain to see, says what is wrong.
func Parse(entry string) (netip.Prefix, error) {
	fail := func(why string) (netip.Prefix, error) {
		return netip.Prefix{}, fmt.Errorf("%s is not an address or CIDR range%s", quote(entry), why)
	}
	var r netip.Prefix
	if strings.IndexByte(entry, '/') >= 0 {
		parsed, err := netip.ParsePrefix(entry)
		if err != nil {
			return fail(hint(entry))
		}
		r = parsed
	} else {
		a, err := netip.ParseAddr(entry)
		if err != nil || a.Zone() != "" {
			return fail(hint(entry))
		}
		r = netip.PrefixFrom(a, a.BitLen())
	}
	r, ok := canonical(r)
	if !ok {
		return fail(": an IPv4-mapped range needs a prefix of 96 bits or more")
	}
	return r, nil
}

// canonical clears the host bits and unmaps IPv4-mapped ranges. It fails on the zero
// Prefix and on ranges that are only partly IPv4-mapped: they have no one meaning.
func canonical(r netip.Prefix) (netip.Prefix, bool) {
	if !r.IsValid() {
		return netip.Prefix{}, false
	}
	if r.Addr().Is4In6() {
		if r.Bits() < 96 {
			return netip.Prefix{}, false
		}
		r = netip.PrefixFrom(r.Addr().Unmap(), r.Bits()-96)
	}
	return r.Masked(), true
}

// hint says what is wrong with an entry where people commonly go wrong.
func hint(entry string) string {
	switch {
	case strings.TrimSpace(entry) != entry:
		return ": it has white space around it"
	case strings.ContainsAny(entry, ", ;"):
		return ": write a list with one entry each"
	case strings.Contains(entry, "%"):
		return ": a zone (%...) means something on one machine only"
	case strings.Contains(entry, "/255.") || strings.Contains(entry, "/0.0.0."):
		return ": write the mask as a number of bits, such as /24"
	case strings.HasPrefix(entry, "["):
		return ": write it without brackets and port"
	case strings.Contains(entry, "*"):
		return ": write a range such as 192.0.2.0/24"
	}
	return ""
}

// quote returns an entry as an error text repeats it.
func quote(entry string) string {
	const most = 60
	if len(entry) > most {
		end := most
		for end > 0 && !utf8.RuneStart(entry[end]) {
			end--
		}
		entry = entry[:end] + "..."
	}
	return strconv.Quote(entry)
}
