package attack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
)

// Options configure an Engine. The zero value is the default.
type Options struct {
	// Sensitivity sets the score at which a request counts as blocked.
	Sensitivity Sensitivity
	// DisabledClasses are never reported.
	DisabledClasses []detect.Class
	// Limits bound what is taken out of one request; zero fields mean extract's defaults.
	Limits extract.Limits
	// Mask lists names of parameters, headers, cookies and fields (any case) whose
	// evidence is masked, beside those that look secret by themselves (password, token).
	Mask []string
	// Unmasked shows the evidence of secrets too: for measuring on test data only.
	Unmasked bool
	// Exceptions silence findings that are known to be false.
	Exceptions []Exception
	// Expectations say what places legitimately carry.
	Expectations []Expectation
	// GraphQL, if not nil, has GraphQL documents judged by limits of their own.
	GraphQL *GraphQL
	// Used, if not nil, is told whenever an exception or an expectation silences a finding:
	// its number, and -1 for the other. It may be called concurrently.
	Used func(exception, expectation int)
	// Now tells the time, for exceptions that end; it must be set if there are such.
	Now func() time.Time
}

// Engine judges requests. It is safe for concurrent use; the zero value is not usable.
type Engine struct {
	threshold  float64
	disabled   [256]bool
	limits     extract.Limits
	mask       map[string]bool
	unmasked   bool
	exceptions []Exception
	specific   []int // the exceptions' numbers, the most specific one first
	// expectations come after the exceptions: those say more.
	expectations []Expectation
	graphql      *GraphQL
	expected     []int // as specific
	used         func(exception, expectation int)
	now          func() time.Time
	sessions     sessions
}

// New returns an engine, or an error that names the option which is wrong.
func New(o Options) (*Engine, error) {
	if int(o.Sensitivity) >= len(thresholds) {
		return nil, fmt.Errorf("option Sensitivity: %s is unknown", o.Sensitivity)
	}
	e := &Engine{
		threshold:  thresholds[o.Sensitivity],
		limits:     o.Limits,
		mask:       make(map[string]bool, len(o.Mask)),
		unmasked:   o.Unmasked,
		exceptions: slices.Clone(o.Exceptions),

		expectations: slices.Clone(o.Expectations),
		graphql:      o.GraphQL,
		used:         o.Used,
		now:          o.Now,
	}
	if e.used == nil {
		e.used = func(int, int) {}
	}
	known := detect.Classes()
	for i, c := range o.DisabledClasses {
		if !slices.Contains(known, c) {
			return nil, fmt.Errorf("option DisabledClasses[%d]: %s is not an attack class", i, c)
		}
		e.disabled[c] = true
	}
	for i, name := range o.Mask {
		if name == "" {
			return nil, fmt.Errorf("option Mask[%d]: the name is empty", i)
		}
		e.mask[strings.ToLower(name)] = true
	}
	for i := range e.exceptions {
		if err := e.exceptions[i].Validate(); err != nil {
			return nil, fmt.Errorf("option Exceptions[%d]: %w", i, err)
		}
		if !e.exceptions[i].Until.IsZero() && o.Now == nil {
			return nil, fmt.Errorf("option Exceptions[%d]: Until is set, and option Now is not", i)
		}
	}
	for i := range e.expectations {
		if err := e.expectations[i].Validate(); err != nil {
			return nil, fmt.Errorf("option Expectations[%d]: %w", i, err)
		}
	}
	e.specific = specificFirst(e.exceptions)
	scopes := make([]Exception, len(e.expectations))
	for i := range scopes {
		scopes[i] = e.expectations[i].scope()
	}
	e.expected = specificFirst(scopes)
	e.sessions.more.New = func() any { return newSession(e) }
	return e, nil
}

// Inspect judges one request. It never panics on any input, takes time linear in the
// request's size and allocates nothing for a request in which nothing is suspicious.
func (e *Engine) Inspect(r *detect.Request) detect.Report {
	return e.inspect(r, nil)
}

// Explanation is what a report does not say.
type Explanation struct {
	// Shapes say, for each attack in the report, why in the words of the language that saw it: a
	// token shape or a construct.
	Shapes []string
	// Expected says what silenced the report's excepted finding, if the place is expected to carry
	// such content: "expected (sql)".
	Expected string
	// Sent is the size of the request, Spent the work that judging it took, both in bytes
	// (package work), and Share the part of the request's budget that this is.
	Sent, Spent int
	Share       float64
}

// Explain judges one request and explains its report.
func (e *Engine) Explain(r *detect.Request) (detect.Report, Explanation) {
	var x Explanation
	report := e.inspect(r, &x)
	return report, x
}

func (e *Engine) inspect(r *detect.Request, x *Explanation) detect.Report {
	s := e.sessions.get()
	s.begin(r)
	whole := s.safely()
	report := s.report()
	if x != nil {
		for i := range s.sum.findings {
			x.Shapes = append(x.Shapes, s.sum.findings[i].Shape)
		}
		if report.Excepted != nil && report.Excepted.Expected != "" {
			x.Expected = "expected (" + report.Excepted.Expected + ")"
		}
		x.Sent, x.Spent, x.Share = sent(r), s.work.Spent(), s.work.Share()
	}
	if whole {
		s.end()
		e.sessions.put(s)
	}
	return report
}
