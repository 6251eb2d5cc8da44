package openapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// operation is a method of a route.
type operation struct {
	parameters []*openapi3.Parameter
	// modern are those whose schemas only the judge of 3.1 understands. It compiles them for
	// each request, so it is asked only about these.
	modern map[*openapi3.Parameter]bool
	// known are the names of the described parameters by where they stand; headers in lower
	// case. Of the query anything is known if free is set, for a parameter is an open object.
	query, header, cookie map[string]bool
	deep                  []string // what the names of parameters of style deepObject begin with
	free                  bool
	body                  *body
}

// body is what a request's body may be.
type body struct {
	required bool
	media    openapi3.Content
	schemas  map[*openapi3.MediaType]*schema
	whole    *openapi3.RequestBody
}

// compiler makes routes of a document.
type compiler struct {
	description *Description
	schemas     *jsonschema.Compiler // of 3.1
}

// root is the name of the description among JSON schemas.
const root = "kong-waf:openapi"

func (c *compiler) compile() error {
	d := c.description
	if d.modern {
		if err := c.begin(); err != nil {
			return err
		}
	}
	paths := d.document.Paths.Map()
	names := make([]string, 0, len(paths))
	for name := range paths {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := c.path(name, paths[name]); err != nil {
			return fmt.Errorf("paths.%s: %w", short(name), err)
		}
	}
	for n := range d.routes {
		slices.SortStableFunc(d.routes[n], compareRoutes)
	}
	return nil
}

// bases returns what the paths of a path item may stand behind.
func (c *compiler) bases(item *openapi3.PathItem) ([]string, error) {
	if base := c.description.options.BasePath; base != "" {
		return []string{base}, nil
	}
	servers := item.Servers
	if len(servers) == 0 {
		servers = c.description.document.Servers
	}
	if len(servers) == 0 {
		return []string{"/"}, nil
	}
	var bases []string
	for _, s := range servers {
		text := s.URL
		for name, v := range s.Variables {
			text = strings.ReplaceAll(text, "{"+name+"}", v.Default)
		}
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("servers: %q is no URL: write base_path", short(text))
		}
		if base := "/" + strings.Trim(u.EscapedPath(), "/"); !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
	}
	return bases, nil
}

func (c *compiler) path(name string, item *openapi3.PathItem) error {
	bases, err := c.bases(item)
	if err != nil {
		return err
	}
	operations := map[string]*operation{}
	pointer := "/paths/" + escapePointer(name)
	if strings.HasPrefix(item.Ref, "#/") {
		pointer = item.Ref[1:]
	}
	for method, o := range item.Operations() {
		compiled, err := c.operation(item, o, pointer+"/"+strings.ToLower(method))
		if err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(method), err)
		}
		operations[method] = compiled
		c.description.count++
	}
	if get := operations[http.MethodGet]; get != nil && operations[http.MethodHead] == nil {
		operations[http.MethodHead] = get // RFC 9110 section 9.3.2
	}
	for _, base := range bases {
		segments, err := parsePath(strings.TrimSuffix(base, "/") + name)
		if err != nil {
			return err
		}
		r := &route{path: name, segments: segments, operations: operations}
		c.description.routes[len(segments)] = append(c.description.routes[len(segments)], r)
	}
	return nil
}

func (c *compiler) operation(item *openapi3.PathItem, o *openapi3.Operation, pointer string) (*operation, error) {
	out := &operation{modern: map[*openapi3.Parameter]bool{}, query: map[string]bool{}, header: map[string]bool{}, cookie: map[string]bool{}}
	for _, ref := range append(slices.Clone(o.Parameters), item.Parameters...) {
		p := ref.Value
		overridden := slices.ContainsFunc(out.parameters, func(q *openapi3.Parameter) bool { return q.In == p.In && q.Name == p.Name })
		if p.In == openapi3.ParameterInHeader && ignoredHeader(p.Name) || overridden {
			continue
		}
		out.parameters = append(out.parameters, p)
		out.modern[p] = c.schemas != nil && (p.Schema == nil || modern(p.Schema.Value, 0))
		switch p.In {
		case openapi3.ParameterInQuery:
			out.knowQuery(p)
		case openapi3.ParameterInHeader:
			out.header[strings.ToLower(p.Name)] = true
		case openapi3.ParameterInCookie:
			out.cookie[p.Name] = true
		}
	}
	if o.RequestBody == nil || o.RequestBody.Value == nil {
		return out, nil
	}
	b := o.RequestBody.Value
	out.body = &body{required: b.Required, media: b.Content, schemas: map[*openapi3.MediaType]*schema{}, whole: b}
	at := pointer + "/requestBody"
	if strings.HasPrefix(o.RequestBody.Ref, "#/") {
		at = o.RequestBody.Ref[1:]
	}
	for name, media := range b.Content {
		if media.Schema == nil || !isJSON(name) {
			continue
		}
		s, err := c.schema(media.Schema, at+"/content/"+escapePointer(name)+"/schema")
		if err != nil {
			return nil, fmt.Errorf("requestBody.content.%s.schema: %w", short(name), err)
		}
		out.body.schemas[media] = s
	}
	return out, nil
}

// ignoredHeader reports whether a parameter is none by OpenAPI's rules, whatever it says.
func ignoredHeader(name string) bool {
	return strings.EqualFold(name, "accept") || strings.EqualFold(name, "content-type") || strings.EqualFold(name, "authorization")
}

// knowQuery notes under which names a parameter of the query may be sent.
func (o *operation) knowQuery(p *openapi3.Parameter) {
	o.query[p.Name] = true
	if p.Schema == nil || p.Schema.Value == nil || !p.Schema.Value.Type.Is(openapi3.TypeObject) {
		return
	}
	if p.Style == openapi3.SerializationDeepObject {
		if closed := p.Schema.Value.AdditionalProperties.Has; closed == nil || *closed {
			o.deep = append(o.deep, p.Name+"[")
		}
		for name := range p.Schema.Value.Properties {
			o.deep = append(o.deep, p.Name+"["+name+"]")
		}
		return
	}
	if p.Explode != nil && !*p.Explode {
		return
	}
	for name := range p.Schema.Value.Properties {
		o.query[name] = true
	}
	closed := p.Schema.Value.AdditionalProperties.Has
	o.free = o.free || closed == nil || *closed
}

// escapePointer writes a name as a step of a JSON pointer in a URL's fragment.
func escapePointer(name string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
}
