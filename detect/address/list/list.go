// Package list reads lists of addresses as people and companies publish them: a line or a
// CSV row each, JSON arrays, the forms in which CDNs and clouds publish their ranges
// (Cloudflare, AWS, Google, Azure, Fastly, GitHub), blocklists (Spamhaus DROP, FireHOL,
// MISP, STIX 2). Which form it is shows in the content.
//
// Nothing is skipped: one entry that is no address makes the list a bad one, and the error
// says where. An entry may end by itself, at a time; whether it has ended is for whoever
// looks an address up to say.
//
// The text is somebody else's: what is read is linear in its length, and nesting is bounded.
package list

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"kongwaf/detect/address"
)

// Entry is a range of a list.
type Entry struct {
	Range netip.Prefix
	// Until is when the entry ends, zero if it does not.
	Until time.Time
}

// Form is how a list is written. The zero value is Auto.
type Form string

// The forms.
const (
	Auto Form = "auto" // what it looks like
	Text Form = "text" // an entry a line, # and ; begin a comment
	CSV  Form = "csv"  // an entry a row, in one of its columns
	JSON Form = "json" // addresses in arrays and objects
)

// Options say what of a list counts. The zero value is all of it.
type Options struct {
	Form Form
	// Column is the column of a CSV with the addresses: its name in the first row, or its
	// number, from 1. Without it, it is the first one with an address.
	Column string
	// Services and Regions, if set, keep only the entries that belong to one of each: words
	// that stand beside the addresses or around them, in either case.
	Services, Regions []string
}

// maxEntries bounds a list: a first and a last address can be hundreds of ranges, and a few
// megabytes of such lines all of a machine's memory. Only tests change it.
var maxEntries = 4_000_000

// errMany is the error of a list that is longer.
func errMany() error { return fmt.Errorf("has more than %d ranges", maxEntries) }

// errEmpty is the error of a list without an entry.
var errEmpty = errors.New("holds no address")

// Parse reads a list. One without an entry is an error.
func Parse(data []byte, o Options) ([]Entry, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	form := o.Form
	if form == "" || form == Auto {
		form = guess(data)
	}
	if filtered := len(o.Services)+len(o.Regions) > 0; filtered && form != JSON {
		return nil, errors.New("is no JSON: services and regions choose among what stands beside addresses there")
	}
	var entries []Entry
	var err error
	switch form {
	case Text:
		entries, err = parseText(data)
	case CSV:
		entries, err = parseCSV(data, o.Column)
	case JSON:
		entries, err = parseJSON(data, o)
	default:
		return nil, fmt.Errorf("there is no form %q", o.Form)
	}
	if err == nil && len(entries) == 0 {
		err = errEmpty
	}
	return entries, err
}

// guess tells the form by the first line that is no comment.
func guess(data []byte) Form {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '{' || line[0] == '[' && !bracketed(line) {
			return JSON
		}
		before, _, _ := bytes.Cut(line, []byte("#"))
		before, _, commented := bytes.Cut(before, []byte(";"))
		if bytes.ContainsAny(before, ",\t") || commented && bytes.Contains(line, []byte(";")) && !bytes.ContainsAny(line, " ") {
			return CSV
		}
		return Text
	}
	return Text
}

// bracketed reports whether a line begins with an IPv6 address in brackets, which is for
// Text to refuse with a better word.
func bracketed(line []byte) bool {
	return len(line) > 2 && bytes.IndexByte(line, ':') > 0 && bytes.IndexByte(line, '"') < 0
}

// parse reads an address, a CIDR range, or first and last address with a dash between them.
func parse(text string, until time.Time, into []Entry) ([]Entry, error) {
	if len(into) >= maxEntries {
		return into, errMany()
	}
	if first, last, ok := strings.Cut(text, "-"); ok {
		from, err := netip.ParseAddr(strings.TrimSpace(first))
		to, err2 := netip.ParseAddr(strings.TrimSpace(last))
		from, to = from.Unmap(), to.Unmap()
		if err != nil || err2 != nil || from.BitLen() != to.BitLen() || to.Less(from) || from.Zone() != "" || to.Zone() != "" {
			return into, fmt.Errorf("%q is no range from a first to a last address", short(text))
		}
		for {
			r := widest(from, to)
			into = append(into, Entry{Range: r, Until: until})
			end := lastOf(r)
			if end == to {
				return into, nil
			}
			from = end.Next()
		}
	}
	r, err := address.Parse(text)
	if err != nil {
		return into, err
	}
	return append(into, Entry{Range: r, Until: until}), nil
}

// widest returns the largest range that begins at an address and ends before or at another.
func widest(from, to netip.Addr) netip.Prefix {
	for bits := 0; ; bits++ {
		r := netip.PrefixFrom(from, bits)
		if r.Masked().Addr() == from && !to.Less(lastOf(r)) {
			return r
		}
	}
}

// lastOf returns the last address of a range.
func lastOf(r netip.Prefix) netip.Addr {
	a := r.Addr().AsSlice()
	for bit := r.Bits(); bit < 8*len(a); bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(a)
	return addr
}

// ParseUntil reads when an entry ends: a day, at whose end it does, or a moment. Days are
// days in UTC.
func ParseUntil(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a day such as 2027-03-31 nor a moment such as 2027-03-31T18:00:00Z", short(text))
}

// short returns a text as an error repeats it.
func short(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}
