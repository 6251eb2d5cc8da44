package keyauth

import (
	"strings"

	"kongwaf/detect/apikey"
	"kongwaf/plugins/internal/facts"
)

// overrides are the headers by which frameworks let a client name another method than the
// request's, and the argument that does the same.
var overrides = []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}

const overrideArgument = "_method"

// kongsMost is how many headers Kong shows at most.
const kongsMost = 1000

// inScope reports whether a key of the scope may be used for the request. An error says that
// nobody knows.
func inScope(f *facts.Facts, scope *apikey.Scope) (bool, error) {
	if scope.Empty() {
		return true, nil
	}
	if err := f.Line(); err != nil {
		return false, err
	}
	call := apikey.Call{Methods: []string{f.Request.Method}, Target: f.Request.Target}
	if len(scope.Methods) > 0 {
		asked, err := overridden(f)
		if err != nil {
			return false, err
		}
		call.Methods = append(call.Methods, asked...)
	}
	call.Route = func() (string, string) {
		route, _ := f.Route()
		return route.ID, route.Name
	}
	return scope.Allows(call), nil
}

// overridden returns the methods that the request asks its upstream to take instead of its own. Of
// headers beyond those that Kong shows nobody knows: then "" is among them, which no scope has.
func overridden(f *facts.Facts) ([]string, error) {
	headers := f.Request.Headers
	if !f.AllHeaders() {
		var err error
		if headers, err = f.Current(); err != nil {
			return nil, err
		}
	}
	var methods []string
	if f.Request.HeadersTruncated || len(headers) >= kongsMost {
		methods = append(methods, "")
	}
	for _, name := range overrides {
		for i := range headers {
			if len(headers[i].Name) == len(name) && alike(headers[i].Name, name) {
				methods = append(methods, strings.ToUpper(strings.TrimSpace(headers[i].Value)))
			}
		}
	}
	for _, value := range queryValues(rawQuery(f), overrideArgument) {
		methods = append(methods, strings.ToUpper(value))
	}
	return methods, nil
}
