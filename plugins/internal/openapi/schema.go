package openapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// schema judges the values of JSON bodies.
type schema struct {
	old       *openapi3.Schema   // judges by itself in 3.0
	modern    *jsonschema.Schema // judges in 3.1
	branching bool               // see cost
}

// modern reports whether a schema has what only 3.1 knows.
func modern(s *openapi3.Schema, depth int) bool {
	const deepest = 8 // of parameters; what goes on is taken for modern
	if s == nil {
		return false
	}
	if depth > deepest || s.Const != nil || s.If != nil || s.Contains != nil || s.PropertyNames != nil || s.Always != nil ||
		len(s.PrefixItems) > 0 || len(s.PatternProperties) > 0 || len(s.DependentSchemas) > 0 || len(s.DependentRequired) > 0 ||
		s.UnevaluatedItems.Has != nil || s.UnevaluatedItems.Schema != nil || s.UnevaluatedProperties.Has != nil || s.UnevaluatedProperties.Schema != nil {
		return true
	}
	same, inner := below(s)
	return slices.ContainsFunc(slices.Concat(same, inner), func(ref *openapi3.SchemaRef) bool { return modern(ref.Value, depth+1) })
}

// begin makes the document known to the compiler of JSON schemas. References in schemas then
// lead where they do in the document, and none leaves it.
func (c *compiler) begin() error {
	text, err := c.description.document.MarshalJSON()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	requestOnly(value)
	c.schemas = jsonschema.NewCompiler()
	c.schemas.DefaultDraft(jsonschema.Draft2020)
	c.schemas.UseLoader(noLoader{})
	c.schemas.AssertFormat()
	return c.schemas.AddResource(root, value)
}

type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(string) (any, error) { return nil, errExternal }

// requestOnly takes what only answers have out of the lists of what is required.
func requestOnly(value any) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			requestOnly(v)
		}
	case map[string]any:
		for _, v := range value {
			requestOnly(v)
		}
		required, _ := value["required"].([]any)
		properties, _ := value["properties"].(map[string]any)
		if required == nil || properties == nil {
			return
		}
		var kept []any
		for _, name := range required {
			text, _ := name.(string)
			p, _ := properties[text].(map[string]any)
			if readOnly, _ := p["readOnly"].(bool); !readOnly {
				kept = append(kept, name)
			}
		}
		value["required"] = kept
		if kept == nil {
			delete(value, "required")
		}
	}
}

func (c *compiler) schema(ref *openapi3.SchemaRef, pointer string) (*schema, error) {
	s := &schema{old: ref.Value}
	var dynamic bool
	if s.branching, dynamic = branches(ref.Value); dynamic {
		return nil, errors.New("$dynamicRef is not supported: write $ref")
	}
	if c.schemas == nil {
		return s, nil
	}
	var err error
	if s.modern, err = c.schemas.Compile(root + "#" + pointer); err != nil {
		return nil, errors.New(firstLine(err))
	}
	return s, nil
}

// formats are those of strings that are checked beside the library's date, date-time, byte.
var formats = map[string]openapi3.StringFormatValidator{
	"uuid":     openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562),
	"email":    openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForEmail),
	"ipv4":     openapi3.NewIPValidator(true),
	"ipv6":     openapi3.NewIPValidator(false),
	"hostname": openapi3.NewRegexpFormatValidator(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`),
	"uri":      openapi3.NewRegexpFormatValidator(`^[A-Za-z][A-Za-z0-9+.-]*:[^\s]*$`),
}

// schemaOptions are what values are judged by.
var schemaOptions = []openapi3.SchemaValidationOption{
	openapi3.VisitAsRequest(), openapi3.DisableReadOnlyValidation(), openapi3.EnableFormatValidation(),
	openapi3.WithStringFormatValidators(formats),
}

// violation is what is wrong with a value.
type violation struct {
	at   []string // the steps to it
	what string   // in the words of the description, and with none of the value
}

// judge returns what is wrong with a JSON value, nil if nothing is.
func (s *schema) judge(value any) *violation {
	if s.modern != nil {
		var e *jsonschema.ValidationError
		if err := s.modern.Validate(value); errors.As(err, &e) {
			return deepest(e)
		} else if err != nil {
			return &violation{what: "cannot be judged"}
		}
		return nil
	}
	return schemaViolation(s.old.VisitJSON(value, schemaOptions...))
}

// schemaViolation reads an error of the library's own judge.
func schemaViolation(err error) *violation {
	var e *openapi3.SchemaError
	var modern *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &modern):
		return deepest(modern)
	case errors.As(err, &e):
		at := e.JSONPointer()
		if e.SchemaField == "required" && len(at) > 0 {
			at = at[:len(at)-1] // what is missing is at no place
		}
		return &violation{at: at, what: what(e)}
	}
	return &violation{what: "does not match its schema"}
}

// what says why in words that hold nothing of the value but names of fields.
func what(e *openapi3.SchemaError) string {
	switch e.SchemaField {
	case "type":
		if e.Schema != nil && e.Schema.Type != nil {
			return "must be of type " + strings.Join(*e.Schema.Type, " or ")
		}
	case "format", "pattern":
		if e.Schema != nil && e.SchemaField == "format" {
			return "must be of format " + short(e.Schema.Format)
		}
		return "must match the pattern"
	case "required", "properties", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum":
		return short(e.Reason)
	case "oneOf", "anyOf", "allOf", "not":
		return "does not match its " + e.SchemaField
	}
	return "violates " + e.SchemaField
}

// deepest returns the first cause of an error that has none itself.
func deepest(e *jsonschema.ValidationError) *violation {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	v := &violation{at: e.InstanceLocation}
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		v.what = "must be of type " + strings.Join(k.Want, " or ")
	case *kind.Required:
		v.what = fmt.Sprintf("property %q is missing", short(strings.Join(k.Missing, ", ")))
	case *kind.AdditionalProperties:
		v.what = fmt.Sprintf("property %q is unsupported", short(strings.Join(k.Properties, ", ")))
	case *kind.Format:
		v.what = "must be of format " + short(k.Want)
	default:
		path := e.ErrorKind.KeywordPath()
		v.what = "violates " + strings.Join(path[max(0, len(path)-1):], "")
	}
	return v
}
