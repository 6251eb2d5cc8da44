// Package openapi holds requests against an OpenAPI description (3.0 and 3.1): path, method,
// parameters, content type and JSON body. It tells what a description does not allow; it
// does not check answers, security requirements, or XML.
//
// # Hostile input
//
// A description never makes this package read a file or ask a server: references that leave
// it are refused when it is compiled. Its patterns are Go's regular expressions, which take
// linear time. Requests are read in one way only: what two readers could understand
// differently (a name twice in JSON, a parameter twice, an encoded slash, a dot segment, a
// packed body) is a finding, for else the upstream might read what was not checked. What
// judging a body costs is computed before it is judged where a description could make that
// grow faster than the body.
package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// Options say how requests are held against a description.
type Options struct {
	// BasePath is what the paths of the description stand behind in a request, in the place of
	// the paths of its servers.
	BasePath string
	// Unknown are the parts of a request that must be described.
	Unknown Parts
	// EncodedSlash allows "%2F" in a segment of a path. It is then a part of the segment.
	EncodedSlash bool
}

// Parts are parts of a request of which the description may not speak.
type Parts struct{ Path, Method, Query, Header, Cookie bool }

// Description is a compiled description. It is immutable and safe for concurrent use.
type Description struct {
	document *openapi3.T
	options  Options
	routes   map[int][]*route // by number of segments, base path included, literal ones first
	count    int
	modern   bool // 3.1 or later
}

// Operations returns how many operations are described.
func (d *Description) Operations() int { return d.count }

// decoders takes out of the library's registry what no request needs decoded: formats whose
// texts may stand for more than they are long.
var decoders = sync.OnceFunc(func() {
	for _, t := range []string{"application/yaml", "application/x-yaml", "text/csv"} {
		openapi3filter.UnregisterBodyDecoder(t)
	}
})

// Compile reads a description in YAML or JSON. An error says where it is wrong.
func Compile(data []byte, o Options) (*Description, error) {
	decoders()
	loader := openapi3.NewLoader()
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, location *url.URL) ([]byte, error) {
		return nil, errExternal
	}
	document, err := loader.LoadFromData(data)
	switch {
	case errors.Is(err, errExternal):
		return nil, fmt.Errorf("%w (%s)", errExternal, firstLine(err))
	case err != nil:
		return nil, fmt.Errorf("is no OpenAPI description: %s", firstLine(err))
	case document.OpenAPI == "":
		return nil, errors.New(`has no field "openapi": write 3.0 or 3.1; Swagger 2.0 is converted by other tools`)
	case !strings.HasPrefix(document.OpenAPI, "3.0") && !strings.HasPrefix(document.OpenAPI, "3.1"):
		return nil, fmt.Errorf("openapi: %q is not supported: write 3.0 or 3.1", short(document.OpenAPI))
	}
	if err := document.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		text := firstLine(err)
		if strings.Contains(text, "regex") || strings.Contains(text, "pattern") {
			text += "; patterns are Go's regular expressions, without lookahead, lookbehind and back references"
		}
		return nil, errors.New(text)
	}
	d := &Description{document: document, options: o, routes: map[int][]*route{}, modern: strings.HasPrefix(document.OpenAPI, "3.1")}
	c := compiler{description: d}
	if err := c.compile(); err != nil {
		return nil, err
	}
	if d.count == 0 {
		return nil, errors.New("paths: describes no operation")
	}
	return d, nil
}

var errExternal = errors.New("a reference leaves the description: put all of it into one file (bundle it), for nothing else is read")

// firstLine bounds the text of an error.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// short bounds a piece of a description or a request in a text.
func short(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
