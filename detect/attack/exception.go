package attack

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"kongwaf/detect"
)

// Exception silences findings that are known to be false. Every condition that is set
// must hold; at least one of Place and Class must be set, or else everything would be
// silent.
type Exception struct {
	// Place is the place of the finding, such as "query.q" or "body.json.comment"; what is
	// below it counts too ("body.json.items" covers "body.json.items[3].name"). A star
	// stands for any run of characters: "body.json.items[*].html". Case does not matter.
	// A parameter of the query is also covered where a browser repeats it: "query.q" covers
	// "header.referer.query.q", or else a page that may be opened could not load its images.
	Place detect.Place
	// Class is the attack class; ClassNone means every class.
	Class detect.Class
	// Method is the request method; "" means every method. A page that a Referer names may
	// have been requested by any.
	Method string
	// PathPrefix is what the request path begins with, as sent; "" means every path. For
	// what stands in a Referer it is the path of the page that the Referer names.
	PathPrefix string
	// Route is the id or the name of the gateway's route that the request takes; "" means every
	// route. A request that cannot tell takes none.
	Route string
	// Until is when the exception ends; the zero time means never. Options.Now tells the time.
	Until time.Time
}

// Validate returns an error that says what is missing, nil if the exception can be used.
func (x *Exception) Validate() error {
	if x.Place == "" && x.Class == detect.ClassNone {
		return errors.New("neither place nor class is set: this would silence everything")
	}
	return validatePlace(x.Place)
}

// validatePlace returns an error if a place is set that no request has.
func validatePlace(place detect.Place) error {
	if place != "" && place.Source() == detect.SourceUnknown && !strings.HasPrefix(string(place), "*") {
		return fmt.Errorf("place %q does not begin with path, query, header, cookie, body or method", place)
	}
	return nil
}

// Silences reports whether the exception holds for a finding in a request, by everything but
// the time.
func (x *Exception) Silences(r *detect.Request, class detect.Class, place detect.Place) bool {
	if x.Class != detect.ClassNone && x.Class != class {
		return false
	}
	if !x.holds(r.Method, r.Target, place) {
		repeated, ok := inReferer(place)
		if !ok || x.Place == "" || !x.holds("", refererPath(r), repeated) {
			return false
		}
	}
	return x.Route == "" || r.Takes != nil && r.Takes(x.Route)
}

// holds reports whether the exception names a place of a request with the given method ("" is
// any) and target.
func (x *Exception) holds(method, target string, place detect.Place) bool {
	return (x.Method == "" || method == "" || strings.EqualFold(x.Method, method)) &&
		strings.HasPrefix(target, x.PathPrefix) &&
		(x.Place == "" || covers(string(x.Place), string(place)))
}

// inReferer returns where a parameter that a Referer repeats stood in the request for the
// page itself, and whether the place is such a parameter's.
func inReferer(place detect.Place) (detect.Place, bool) {
	rest, ok := strings.CutPrefix(string(place), "header.referer.")
	return detect.Place(rest), ok && detect.Place(rest).Source() == detect.SourceQuery
}

// refererPath returns the target that the Referer of a request names, "" if there is none.
func refererPath(r *detect.Request) string {
	referer, _ := r.Header("referer")
	_, rest, ok := strings.Cut(referer, "://")
	if i := strings.IndexByte(rest, '/'); ok && i >= 0 {
		return rest[i:]
	}
	return ""
}

// covers reports whether place is pattern or lies below it. A star in the pattern stands
// for any run of characters. Only the configured pattern backtracks, once per star.
func covers(pattern, place string) bool {
	p, i := 0, 0
	star, resume := -1, 0
	for i < len(place) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
			continue
		case p < len(pattern) && lower(pattern[p]) == lower(place[i]):
			p++
			i++
			continue
		case p == len(pattern) && (place[i] == '.' || place[i] == '['):
			return true
		}
		if star < 0 {
			return false
		}
		resume++
		p, i = star+1, resume
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
