package ratelimiting

import (
	"fmt"

	"kongwaf/detect/ratelimit"
	"kongwaf/plugins/internal/facts"
)

// Override is other limits for some callers. It names exactly one of consumer, consumer_tag,
// credential and header_value.
type Override struct {
	Consumer    string   `json:"consumer,omitempty" doc:"For the Kong consumer of this username or id."`
	ConsumerTag string   `json:"consumer_tag,omitempty" doc:"For all Kong consumers that have this tag: a group of them."`
	Credential  string   `json:"credential,omitempty" doc:"For the credential of this id, such as one key of several of a consumer."`
	HeaderValue string   `json:"header_value,omitempty" doc:"For requests in which header_name has this value."`
	Unlimited   bool     `json:"unlimited" default:"false" doc:"Whether these callers are not counted at all."`
	Second      *float64 `json:"second,omitempty" kong:"gt=0" doc:"How many requests such a caller may make per second. Limits that are set here replace all of the plugin's."`
	Minute      *float64 `json:"minute,omitempty" kong:"gt=0" doc:"How many requests such a caller may make per minute."`
	Hour        *float64 `json:"hour,omitempty" kong:"gt=0" doc:"How many requests such a caller may make per hour."`
	Day         *float64 `json:"day,omitempty" kong:"gt=0" doc:"How many requests such a caller may make per day."`
	Month       *float64 `json:"month,omitempty" kong:"gt=0" doc:"How many requests such a caller may make per calendar month."`
	Year        *float64 `json:"year,omitempty" kong:"gt=0" doc:"How many requests such a caller may make per calendar year."`
	Burst       *int     `json:"burst,omitempty" kong:"between=1:1048575" doc:"With window_type gcra: how many requests may come at once. By default as many as the limit."`
}

// overrides are the compiled list. Of those that fit a request the first one counts.
type overrides struct {
	list                                 []special
	consumers, tags, credentials, values map[string]int // places in the list; nil if none is of the kind
	header                               string
}

type special struct {
	rule      ratelimit.Rule
	unlimited bool
}

// overrides compiles the list. Field is what the config's fields are below.
func (c *Config) overrides(field string) (overrides, error) {
	all := overrides{header: c.HeaderName}
	for n := range c.Overrides {
		o, where := &c.Overrides[n], fmt.Sprintf("%s.overrides[%d]", field, n)
		named := 0
		for _, kind := range []struct {
			value string
			in    *map[string]int
		}{{o.Consumer, &all.consumers}, {o.ConsumerTag, &all.tags}, {o.Credential, &all.credentials}, {o.HeaderValue, &all.values}} {
			if kind.value == "" {
				continue
			}
			named++
			if *kind.in == nil {
				*kind.in = map[string]int{}
			}
			if first, twice := (*kind.in)[kind.value]; twice {
				return all, fmt.Errorf("%s: %q is in %s.overrides[%d] too, which counts", where, kind.value, field, first)
			}
			(*kind.in)[kind.value] = n
		}
		if named != 1 {
			return all, fmt.Errorf("%s: set exactly one of consumer, consumer_tag, credential, header_value", where)
		}
		if o.HeaderValue != "" && c.HeaderName == "" {
			return all, fmt.Errorf("%s.header_value: set %s.header_name, the header whose value it is", where, field)
		}
		limits := [...]*float64{o.Second, o.Minute, o.Hour, o.Day, o.Month, o.Year}
		if o.Unlimited {
			if limits != [len(limits)]*float64{} || o.Burst != nil {
				return all, fmt.Errorf("%s.unlimited: leave it out, or the limits", where)
			}
			all.list = append(all.list, special{unlimited: true})
			continue
		}
		compiled, err := limitsOf(where, limits)
		if err != nil {
			return all, err
		}
		rule, err := c.rule(field, where, calendar(compiled), o.Burst)
		if err != nil {
			return all, err
		}
		all.list = append(all.list, special{rule: rule})
	}
	return all, nil
}

func (o *overrides) need() (kinds facts.Kind) {
	if o.consumers != nil || o.tags != nil {
		kinds |= facts.Consumer
	}
	if o.credentials != nil {
		kinds |= facts.Credential
	}
	return kinds
}

// of returns the rule for a request, or that there is none for it.
func (o *overrides) of(f *facts.Facts, usual ratelimit.Rule) (rule ratelimit.Rule, unlimited bool) {
	if len(o.list) == 0 {
		return usual, false
	}
	first := len(o.list)
	look := func(in map[string]int, value string) {
		if n, ok := in[value]; ok && value != "" {
			first = min(first, n)
		}
	}
	look(o.consumers, f.Consumer.ID)
	look(o.consumers, f.Consumer.Username)
	for _, tag := range f.Consumer.Tags {
		look(o.tags, tag)
	}
	look(o.credentials, f.Credential)
	if o.values != nil {
		look(o.values, f.Header(o.header))
	}
	if first == len(o.list) {
		return usual, false
	}
	return o.list[first].rule, o.list[first].unlimited
}
