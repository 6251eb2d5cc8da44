package wafdetect

import (
	"fmt"
	"strings"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack"
	"kongwaf/detect/attack/expect"
	"kongwaf/kong/schema"
)

// Exception silences one false positive.
type Exception struct {
	Place       string       `json:"place,omitempty" doc:"Place of the finding as reported, such as query.q or body.json.comment; what lies below it counts too, a star stands for anything."`
	Class       detect.Class `json:"class,omitempty" doc:"Attack class that is silenced. All classes if not set."`
	Method      string       `json:"method,omitempty" doc:"Request method for which the exception holds. All methods if not set."`
	PathPrefix  string       `json:"path_prefix,omitempty" doc:"What the request path must begin with for the exception to hold. Every path if not set."`
	Application string       `json:"application,omitempty" doc:"The application for which the exception holds, for lists of exceptions that several configs share. Every one if not set."`
	Route       string       `json:"route,omitempty" doc:"Name or id of the route for which the exception holds, for a plugin that serves several. Every route if not set."`
	Until       string       `json:"until,omitempty" kong:"format=date" doc:"Last day on which the exception holds, such as 2027-03-31 (UTC). It holds for ever if not set."`
}

// compile returns the exception as the engine knows it. One of another application, which no
// request of this config can be of, ended before it began; it keeps its number.
func (x *Exception) compile(application string) (attack.Exception, error) {
	out := attack.Exception{
		Place: detect.Place(strings.TrimSpace(x.Place)), Class: x.Class, Method: x.Method, PathPrefix: x.PathPrefix, Route: x.Route,
	}
	if x.Until != "" {
		day, err := time.Parse(time.DateOnly, x.Until)
		if err != nil {
			return out, fmt.Errorf(".until: %w", errDay(x.Until))
		}
		out.Until = day.AddDate(0, 0, 1)
	}
	if x.Application != "" && x.Application != application {
		out.Until = time.Unix(0, 0)
	}
	if err := out.Validate(); err != nil {
		return out, fmt.Errorf(": %w", err)
	}
	return out, nil
}

// Warnings implements check.Warner.
func (c *Config) Warnings(now time.Time) []schema.FieldError { return c.WarningsBelow("config", now) }

// WarningsBelow says which exceptions have ended; field is what the config's fields are below.
func (c *Config) WarningsBelow(field string, now time.Time) (all []schema.FieldError) {
	for i := range c.Exceptions {
		until := c.Exceptions[i].Until
		if day, err := time.Parse(time.DateOnly, until); err == nil && !now.Before(day.AddDate(0, 0, 1)) {
			all = append(all, schema.FieldError{Path: fmt.Sprintf("%s.exceptions[%d].until", field, i),
				Problem: until + " is past: the exception silences nothing any more; take it out, or write a later day"})
		}
	}
	return all
}

// Day returns the form of dates in a config: schemas with them need it.
func Day() schema.Format {
	return schema.Format{
		Name:     "date",
		Patterns: []string{`^%d%d%d%d%-%d%d%-%d%d$`},
		Err:      "must be a day such as 2027-03-31",
		Check: func(day string) error {
			if _, err := time.Parse(time.DateOnly, day); err != nil {
				return errDay(day)
			}
			return nil
		},
	}
}

func errDay(day string) error {
	return fmt.Errorf("%q is not a day: write one such as 2027-03-31", day)
}

// Expect says what a place legitimately carries.
type Expect struct {
	Place      string        `json:"place" kong:"required" doc:"Place that carries it, such as body.json.query or query.q; what lies below it counts too, a star stands for anything."`
	Content    []expect.Kind `json:"content" kong:"required,lenmin=1" doc:"Kinds of content: code, html, sql, shell (a command line or script), paths (no climbs), urls (also of the own network), mongo (filters, none on secrets), graphql (introspection), promql (PromQL and LogQL)."`
	Method     string        `json:"method,omitempty" doc:"Request method for which this holds. All methods if not set."`
	PathPrefix string        `json:"path_prefix,omitempty" doc:"What the request path must begin with for this to hold. Every path if not set."`
}

// compile returns what is expected as the engine knows it.
func (x *Expect) compile() (attack.Expectation, error) {
	out := attack.Expectation{
		Place: detect.Place(strings.TrimSpace(x.Place)), Content: x.Content, Method: x.Method, PathPrefix: x.PathPrefix,
	}
	return out, out.Validate()
}
