package keyauth

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/apikey"
	"kongwaf/plugins/internal/facts"
)

// overrides are the headers by which frameworks let a client name another method than the
// request's, and the argument that does the same.
var overrides = []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}

// rewrites are the headers by which some let it name another path, for the sake of proxies in front.
var rewrites = []string{"X-Original-URL", "X-Rewrite-URL"}

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
	headers, all, err := scopeHeaders(f, scope)
	if err != nil {
		return false, err
	}
	for _, value := range valuesOf(headers, overrides) {
		call.Methods = append(call.Methods, strings.ToUpper(value))
	}
	for _, value := range queryValues(rawQuery(f), overrideArgument) {
		call.Methods = append(call.Methods, strings.ToUpper(value))
	}
	call.Instead = valuesOf(headers, rewrites)
	if !all { // nobody knows: no scope has these
		call.Methods, call.Instead = append(call.Methods, ""), append(call.Instead, "")
	}
	call.Route = func() (string, string) {
		route, _ := f.Route()
		return route.ID, route.Name
	}
	return scope.Allows(call), nil
}

// scopeHeaders returns the headers if the scope asks for them, and whether those are all.
func scopeHeaders(f *facts.Facts, scope *apikey.Scope) (headers []detect.Header, all bool, err error) {
	if len(scope.Methods)+len(scope.Paths) == 0 {
		return nil, true, nil
	}
	headers = f.Request.Headers
	if !f.AllHeaders() {
		if headers, err = f.Current(); err != nil {
			return nil, false, err
		}
	}
	return headers, !f.Request.HeadersTruncated && len(headers) < kongsMost, nil
}

// valuesOf returns the values of headers, whether their names have dashes or underscores.
func valuesOf(headers []detect.Header, names []string) (values []string) {
	for _, name := range names {
		for i := range headers {
			if len(headers[i].Name) == len(name) && alike(headers[i].Name, name) {
				values = append(values, strings.TrimSpace(headers[i].Value))
			}
		}
	}
	return values
}
