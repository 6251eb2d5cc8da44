package iprestriction

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"kongwaf/detect/address"
	lists "kongwaf/detect/address/list"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/source"
)

// List is a list of addresses in a file or at a URL.
type List struct {
	Name      string     `json:"name" kong:"required,lenmax=40,match=^[%w%.%-_ ]+$" err:"must be a name of letters, digits, blanks, dots, dashes and underscores" doc:"What events, metrics and log lines call the list. Give each list a name of its own."`
	Source    string     `json:"source" kong:"required,format=location" doc:"Absolute path of a file on Kong's node, or an http(s) URL. Plain or packed by gzip. A file is read again when it changes, a URL every interval, if it has changed."`
	Format    lists.Form `json:"format" default:"auto" kong:"required,oneof=auto|text|csv|json" doc:"How the list is written: text is an entry a line with comments behind # or ;, csv a row each, json arrays and objects, such as those of Cloudflare, AWS, Google, Azure, Fastly, GitHub, Spamhaus, MISP and STIX 2. auto sees it by the content."`
	Column    string     `json:"column,omitempty" doc:"Of a CSV, the column with the addresses: its name in the first row, or its number from 1. By default the first one that has an address."`
	Services  []string   `json:"services,omitempty" doc:"Of JSON, the services whose ranges count, as the list names them: CLOUDFRONT (AWS), AzureFrontDoor.Backend (Azure), hooks (GitHub). All if not set."`
	Regions   []string   `json:"regions,omitempty" doc:"Of JSON, the regions whose ranges count, as the list names them: eu-west-1 (AWS), westeurope (Azure), europe-west1 (Google). All if not set."`
	Interval  int        `json:"interval" default:"3600" kong:"required,between=30:604800" doc:"How often a URL is asked whether the list has changed, in seconds."`
	MaxShrink int        `json:"max_shrink" default:"50" kong:"required,between=0:100" doc:"How many percent of its entries a new version may have lost; one that has lost more is not taken, and the one before stays. Of lists of 10 entries or more; 100 takes any."`
	Optional  bool       `json:"optional" default:"false" kong:"required" doc:"Whether requests are judged without the list while it has never been read, which only a URL can bring about. If not, on_error answers those that the list could have decided on."`
	Token     string     `json:"token,omitempty" kong:"referenceable,encrypted" doc:"A secret for the URL, sent as Authorization: Bearer, or as it is in the header that header names."`
	TokenFile string     `json:"token_file,omitempty" doc:"File on Kong's node whose first line is the token. It is read each time."`
	Header    string     `json:"header,omitempty" kong:"match=^[%w-]+$" err:"must be the name of a header" doc:"Header that carries the token, such as X-Api-Key."`
	CAFile    string     `json:"ca_file,omitempty" doc:"File on Kong's node with the certificates, in PEM, that the URL's server must have its own from. By default the system's."`
}

// small is from how many entries on a list is held to max_shrink.
const small = 10

// ranges are the addresses of a list.
type ranges struct {
	always *address.Set
	ending *address.Ending
}

func (r *ranges) len() int { return r.always.Len() + r.ending.Len() }

// list is a compiled list: a fixed one, or one that is kept fresh.
type list struct {
	name     string
	fixed    *ranges
	source   *source.Source[*ranges]
	optional bool
}

// search returns the first list that an address is in, "" if it is in none, and one that has
// never been read though it should have been.
func search(all []list, addr netip.Addr, now time.Time) (in, missing string) {
	for i := range all {
		l := &all[i]
		r := l.fixed
		if r == nil {
			var ok bool
			if r, ok = l.source.Get(); !ok {
				if !l.optional {
					missing = l.name
				}
				continue
			}
		}
		if r.always.Contains(addr) || r.ending.Contains(addr, now) {
			return l.name, ""
		}
	}
	return "", missing
}

// open opens lists. The errors begin with the list's place.
func open(env check.Env, all []List) ([]list, error) {
	var out []list
	var errs []error
	for i := range all {
		one, err := all[i].open(env)
		if err != nil {
			errs = append(errs, fmt.Errorf("[%d].%w", i, err))
			continue
		}
		out = append(out, one)
	}
	return out, errors.Join(errs...)
}

func (l *List) open(env check.Env) (list, error) {
	remote := strings.HasPrefix(l.Source, "http")
	switch {
	case !remote && (l.Token != "" || l.TokenFile != ""):
		return list{}, errors.New("token: is for a URL; a file needs none")
	case l.Token != "" && l.TokenFile != "":
		return list{}, errors.New("token: set it or token_file, not both")
	case l.Header != "" && l.Token == "" && l.TokenFile == "":
		return list{}, errors.New("header: carries the token; set token or token_file")
	}
	s, err := source.Open(&env.Sources, source.Settings{
		Name: l.Name, Location: l.Source, Interval: time.Duration(l.Interval) * time.Second,
		Token: l.Token, TokenFile: l.TokenFile, Header: l.Header, CAFile: l.CAFile,
	}, l.format())
	if err != nil {
		return list{}, fmt.Errorf("source: %w", err)
	}
	return list{name: l.Name, source: s, optional: l.Optional}, nil
}

// format is how the list is read.
func (l *List) format() source.Format[*ranges] {
	o := lists.Options{Form: l.Format, Column: l.Column, Services: l.Services, Regions: l.Regions}
	return source.Format[*ranges]{
		Name:  fmt.Sprintf("addresses %q %d", []any{o.Form, o.Column, o.Services, o.Regions}, l.MaxShrink),
		Parse: func(data []byte) (*ranges, error) { return parse(data, o) },
		Count: (*ranges).len,
		Refuse: func(old, new *ranges) error {
			was, is := old.len(), new.len()
			if was < small || is*100 >= was*(100-l.MaxShrink) {
				return nil
			}
			return fmt.Errorf("has %d entries and had %d: more than %d percent are gone; if that is meant, raise max_shrink", is, was, l.MaxShrink)
		},
	}
}

// parse reads a list.
func parse(data []byte, o lists.Options) (*ranges, error) {
	entries, err := lists.Parse(data, o)
	if err != nil {
		return nil, err
	}
	return gather(entries), nil
}

// gather makes sets of entries.
func gather(entries []lists.Entry) *ranges {
	r := &ranges{}
	always := make([]netip.Prefix, 0, len(entries))
	for _, e := range entries {
		if e.Until.IsZero() {
			always = append(always, e.Range)
			continue
		}
		if r.ending == nil {
			r.ending = &address.Ending{}
		}
		r.ending.Add(e.Range, e.Until)
	}
	r.always = address.New(always...)
	return r
}
