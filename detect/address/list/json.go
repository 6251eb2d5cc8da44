package list

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Bounds on JSON: how deep it is nested, and how many services are named in an error.
const (
	maxDepth    = 32
	maxServices = 12
)

// The keys of JSON whose text is an address, in the forms that are known:
// AWS (ip_prefix, ipv6_prefix), Google (ipv4Prefix, ipv6Prefix), Spamhaus (cidr), and what
// people write in their own.
var addressKeys = []string{"ip", "cidr", "address", "prefix", "range", "network", "subnet", "ip_prefix", "ipv6_prefix", "ipv4prefix", "ipv6prefix", "ip_address", "ipaddress", "ip_range"}

// The keys whose text says what the addresses beside it and below it belong to.
var (
	serviceKeys = []string{"service", "name", "systemservice"}
	regionKeys  = []string{"region", "scope"}
)

// The types of an object of STIX or MISP whose value is an address.
var addressTypes = []string{"ip-src", "ip-dst", "ipv4-addr", "ipv6-addr", "ip"}

// found is an entry, and whether what stands around it so far is what is asked for.
type found struct {
	Entry
	service, region bool
}

// reader reads JSON, one value or several behind each other.
type reader struct {
	decoder  *json.Decoder
	options  Options
	found    []found
	services []string // seen where addresses are, some of them
	strict   error    // the first text that should have been an address
}

// parseJSON reads the addresses of a JSON document, or of one a line.
func parseJSON(data []byte, o Options) ([]Entry, error) {
	r := &reader{decoder: json.NewDecoder(bytes.NewReader(data)), options: o}
	for {
		err := r.value()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.strict
		}
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", r.decoder.InputOffset(), plain(err))
		}
	}
	entries := make([]Entry, 0, len(r.found))
	for _, f := range r.found {
		if (f.service || len(o.Services) == 0) && (f.region || len(o.Regions) == 0) {
			entries = append(entries, f.Entry)
		}
	}
	if len(entries) == 0 && len(r.found) > 0 {
		return nil, fmt.Errorf("none of its %d addresses belongs to %s: it has %s and perhaps more", len(r.found),
			strings.Join(slices.Concat(o.Services, o.Regions), ", "), strings.Join(r.services, ", "))
	}
	return entries, nil
}

// plain words for what the decoder says of a text that ends in the middle.
func plain(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle")
	}
	return err
}

// value reads a value that stands below nothing; io.EOF is the end of all.
func (r *reader) value() error {
	token, err := r.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return r.object("", 0)
	case json.Delim('['):
		return r.array("", 0)
	}
	return errors.New("is no array and no object")
}

// token is the next one of a value that has begun.
func (r *reader) token() (json.Token, error) {
	token, err := r.decoder.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return token, err
}

// nested reads what a bracket opens, inside of something else.
func (r *reader) nested(open json.Delim, key string, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	if open == '{' {
		return r.object(key, depth+1)
	}
	return r.array(key, depth+1)
}

// array reads an array. Texts in it are addresses, all or none.
func (r *reader) array(key string, depth int) error {
	before := len(r.found)
	var bad error
	for r.decoder.More() {
		token, err := r.token()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case json.Delim:
			if err := r.nested(token, "", depth); err != nil {
				return err
			}
		case string:
			if err := r.add(token, time.Time{}); err != nil && bad == nil {
				bad = err
			}
		}
	}
	if _, err := r.token(); err != nil {
		return err
	}
	if len(r.found) > before && bad != nil && r.strict == nil {
		r.strict = bad
	}
	if len(r.found) == before && bad != nil && depth == 0 {
		return bad // a list of nothing but other things
	}
	r.belongs(before, key, "")
	return nil
}

// object reads an object.
func (r *reader) object(key string, depth int) error {
	before := len(r.found)
	var kind, value, pattern, service, region string
	var addresses []string
	var until time.Time
	for r.decoder.More() {
		token, err := r.token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		lower := strings.ToLower(name)
		var text string
		if text, err = r.member(name, depth); err != nil {
			return err
		}
		if text == "" {
			continue
		}
		switch {
		case slices.Contains(addressKeys, lower):
			addresses = append(addresses, text)
		case lower == "type":
			kind = text
		case lower == "value":
			value = text
		case lower == "pattern":
			pattern = text
		case slices.Contains(untilColumns, lower):
			if until, err = ParseUntil(text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if slices.Contains(serviceKeys, lower) {
			service += "\x00" + text
		}
		if slices.Contains(regionKeys, lower) {
			region += "\x00" + text
		}
	}
	if _, err := r.token(); err != nil {
		return err
	}
	for _, text := range addresses {
		if err := r.add(text, until); err != nil {
			return err
		}
	}
	kind, hasPort := strings.CutSuffix(kind, "|port") // MISP: 198.51.100.1|443
	if hasPort {
		value, _, _ = strings.Cut(value, "|")
	}
	if slices.Contains(addressTypes, kind) && value != "" {
		if err := r.add(value, until); err != nil {
			return err
		}
	}
	if kind == "indicator" {
		if err := r.indicator(pattern, until); err != nil {
			return err
		}
	}
	r.belongs(before, key+service, region)
	return nil
}

// member reads the value behind a key, and returns it if it is a text.
func (r *reader) member(name string, depth int) (string, error) {
	token, err := r.token()
	if err != nil {
		return "", err
	}
	switch token := token.(type) {
	case string:
		return token, nil
	case json.Delim:
		return "", r.nested(token, name, depth)
	}
	return "", nil
}

// indicator reads the addresses that a pattern of STIX 2 names:
// [ipv4-addr:value = '198.51.100.1'], several with OR. Whatever else a pattern asks for is
// no address by itself, so those with AND, FOLLOWEDBY or NOT are passed over.
func (r *reader) indicator(pattern string, until time.Time) error {
	if strings.Contains(pattern, " AND ") || strings.Contains(pattern, "FOLLOWEDBY") || strings.Contains(pattern, "NOT ") {
		return nil
	}
	for rest := pattern; ; {
		i := strings.Index(rest, "-addr:value")
		if i < 2 {
			return nil
		}
		family := rest[max(0, i-len("ipv4")):i]
		rest = rest[i:]
		_, quoted, ok := strings.Cut(rest, "'")
		text, after, ok2 := strings.Cut(quoted, "'")
		if !ok || !ok2 {
			return errors.New("a pattern without an address")
		}
		rest = after
		if family == "ipv4" || family == "ipv6" {
			if err := r.add(text, until); err != nil {
				return err
			}
		}
	}
}

// add reads a text as an address.
func (r *reader) add(text string, until time.Time) error {
	var buffer [1]Entry
	entries, err := parse(strings.TrimSpace(text), until, buffer[:0])
	if err != nil {
		return err
	}
	if len(r.found) >= maxEntries {
		return errMany()
	}
	for _, e := range entries {
		r.found = append(r.found, found{Entry: e})
	}
	return nil
}

// belongs notes what the entries from one on belong to.
func (r *reader) belongs(from int, services, regions string) {
	if from == len(r.found) || len(r.options.Services)+len(r.options.Regions) == 0 {
		return
	}
	service, region := false, false
	for name := range strings.SplitSeq(services, "\x00") {
		service = service || fold(r.options.Services, name)
		if name != "" && len(r.services) < maxServices && !slices.Contains(r.services, name) {
			r.services = append(r.services, name)
		}
	}
	for name := range strings.SplitSeq(regions, "\x00") {
		region = region || fold(r.options.Regions, name)
	}
	if !service && !region {
		return
	}
	for i := from; i < len(r.found); i++ {
		r.found[i].service = r.found[i].service || service
		r.found[i].region = r.found[i].region || region
	}
}

func fold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return name != "" && strings.EqualFold(s, name) })
}
