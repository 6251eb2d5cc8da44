package attack

import (
	"errors"
	"fmt"
	"strings"

	"kongwaf/detect"
)

// Exception silences findings that are known to be false. Every condition that is set
// must hold; at least one of Place and Class must be set, or else everything would be
// silent.
type Exception struct {
	// Place is the place of the finding, such as "query.q" or "body.json.comment"; what is
	// below it counts too ("body.json.items" covers "body.json.items[3].name"). A star
	// stands for any run of characters: "body.json.items[*].html". Case does not matter.
	Place detect.Place
	// Class is the attack class; ClassNone means every class.
	Class detect.Class
	// Method is the request method; "" means every method.
	Method string
	// PathPrefix is what the request path begins with, as sent; "" means every path.
	PathPrefix string
}

func (x *Exception) validate() error {
	if x.Place == "" && x.Class == detect.ClassNone {
		return errors.New("neither place nor class is set: this would silence everything")
	}
	if x.Place != "" && x.Place.Source() == detect.SourceUnknown && !strings.HasPrefix(string(x.Place), "*") {
		return fmt.Errorf("place %q does not begin with path, query, header, cookie, body or method", x.Place)
	}
	return nil
}

// silences reports whether the exception holds for a finding in a request.
func (x *Exception) silences(r *detect.Request, class detect.Class, place detect.Place) bool {
	if x.Class != detect.ClassNone && x.Class != class {
		return false
	}
	if x.Method != "" && !strings.EqualFold(x.Method, r.Method) {
		return false
	}
	if x.PathPrefix != "" && !strings.HasPrefix(r.Target, x.PathPrefix) {
		return false
	}
	return x.Place == "" || covers(string(x.Place), string(place))
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
