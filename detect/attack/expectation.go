package attack

import (
	"errors"

	"kongwaf/detect"
	"kongwaf/detect/attack/expect"
	"kongwaf/detect/attack/reading"
	"kongwaf/detect/attack/value"
)

// Expectation says what a place legitimately carries: whole texts of a kind are no attack
// there (see package expect).
type Expectation struct {
	// Place is as in Exception, and must be set.
	Place detect.Place
	// Content are the kinds, at least one.
	Content []expect.Kind
	// Method and PathPrefix are as in Exception.
	Method, PathPrefix string
}

// Validate returns an error that says what is missing, nil if the expectation can be used.
func (x *Expectation) Validate() error {
	if x.Place == "" {
		return errors.New("place is not set: name where the content is expected, such as body.json.query")
	}
	if err := validatePlace(x.Place); err != nil {
		return err
	}
	return expect.Validate(x.Content)
}

// scope is the exception for the same place and requests.
func (x *Expectation) scope() Exception {
	return Exception{Place: x.Place, Method: x.Method, PathPrefix: x.PathPrefix}
}

// kind returns the kind of content as which the expectation holds for what was seen in a
// request, expect.None if it does not.
func (x *Expectation) kind(r *detect.Request, sight *expect.Sight) expect.Kind {
	scope := x.scope()
	if !scope.Silences(r, sight.Class, sight.Place) {
		return expect.None
	}
	for _, k := range x.Content {
		if k.Holds(sight) {
			return k
		}
	}
	return expect.None
}

// expected returns what a match is there if the place carries such content, and which
// expectation says so; "" if it does not.
func (s *session) expected(r *reading.Reading, at detect.Place, m value.Match) (kind string, number int) {
	if len(s.engine.expectations) == 0 || !s.work.Spend(expectCost*len(r.Text)) {
		return "", -1
	}
	return s.engine.expects(s.request, &expect.Sight{
		Class: m.Class, Shape: m.Shape, Text: r.Text, Start: m.Start, Place: at,
		Steps: r.Path.Append(append([]string(nil), r.Leaf.Steps...)),
	})
}

// expectCost is how often a text is read to find out.
const expectCost = 4

// expects returns the name of the kind as which a request is expected to carry what was seen,
// and the number of the most specific expectation that says so.
func (e *Engine) expects(r *detect.Request, sight *expect.Sight) (kind string, number int) {
	for _, i := range e.expected {
		if k := e.expectations[i].kind(r, sight); k != expect.None {
			return k.String(), i
		}
	}
	return "", -1
}
