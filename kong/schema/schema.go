package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Schema is the Kong schema of one plugin. It is immutable and safe for concurrent use.
type Schema struct {
	name       string
	config     *field // a record; its index and name are not used
	goType     reflect.Type
	metadata   []metadata // fields tagged kong:"-"
	checks     []EntityCheck
	protocols  []string
	noConsumer bool
	formats    []Format
}

// metadata is a struct field that is filled from the JSON without being in the schema.
type metadata struct {
	name  string
	index []int
}

// Option changes what Of makes.
type Option func(*Schema)

// NoConsumer says that the plugin cannot be configured for a consumer, as Kong wants it of
// plugins that run before the consumer is known.
func NoConsumer() Option { return func(s *Schema) { s.noConsumer = true } }

// Protocols replaces the protocols that the plugin can be configured for. Without it they
// are grpc, grpcs, http and https.
func Protocols(protocols ...string) Option {
	return func(s *Schema) { s.protocols = protocols }
}

// EntityChecker is implemented by configs with rules across fields. Their fields are named
// below config: "allow", "redis.host". Checks of nested structs are not read: Kong would
// run them even if the user wrote nothing there, so the outer config states them itself.
type EntityChecker interface {
	EntityChecks() []EntityCheck
}

// Of makes the schema of the plugin name from its config, a struct or a pointer to one; its
// values are not looked at. The error names the struct field whose tags or type are wrong.
func Of(name string, config any, opts ...Option) (*Schema, error) {
	t := reflect.TypeOf(config)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("schema of %s: the config is %v, not a struct", name, t)
	}
	s := &Schema{name: name, goType: t, protocols: []string{"grpc", "grpcs", "http", "https"}}
	b := builder{metadata: &s.metadata}
	record, err := b.record(t)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", name, err)
	}
	s.config = record
	s.config.name, s.config.required = "config", true
	if checker, ok := reflect.New(t).Interface().(EntityChecker); ok {
		s.checks = checker.EntityChecks()
	}
	for _, opt := range opts {
		opt(s)
	}
	if err := s.resolveFormats(); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", name, err)
	}
	if err := s.resolveChecks(); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", name, err)
	}
	return s, nil
}

// Name returns the plugin's name.
func (s *Schema) Name() string { return s.name }

// JSON returns the schema as Kong's plugin-info wants it. Its order is the struct's.
func (s *Schema) JSON() json.RawMessage {
	protocols := make([]any, len(s.protocols))
	for i, p := range s.protocols {
		protocols[i] = p
	}
	var fields []object
	add := func(name string, value any) { fields = append(fields, object{{name, value}}) }
	add("protocols", object{
		{"type", kindSet},
		{"required", true},
		{"default", protocols},
		{"description", "The request protocols that this plugin runs for."},
		{"elements", object{{"type", kindString}, {"one_of", protocols}}},
	})
	if s.noConsumer {
		add("consumer", object{{"type", "foreign"}, {"reference", "consumers"}, {"eq", nil}})
	}
	add("config", s.config.attributes(s.name, "config"))

	o := object{{"name", s.name}, {"fields", fields}}
	var checks []object
	for i := range s.checks {
		if c := s.checks[i].attributes(); c != nil {
			checks = append(checks, c)
		}
	}
	if checks != nil {
		o.set("entity_checks", checks)
	}
	out, err := encode(o)
	if err != nil {
		// Only a check's own raw JSON could fail, and Of has looked at it.
		panic("schema: " + err.Error())
	}
	return out
}
