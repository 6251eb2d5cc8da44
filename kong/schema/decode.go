package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
)

// metadataNames are the fields that Kong adds to a config. They are bookkeeping, not config.
var metadataNames = map[string]bool{
	"__key__": true, "__plugin_id": true, "__seq__": true, "__ws_id": true,
	"route_id": true, "service_id": true, "consumer_id": true, "consumer_group_id": true,
	"plugin_instance_name": true, "$refs": true,
}

// Decode reads the config JSON that Kong sends with cmd_start_instance into a pointer to
// the struct that the schema was made from. Fields that are missing get their defaults.
// Everything the schema says is checked, unknown fields are refused, Kong's own metadata is
// not looked at unless the struct has a kong:"-" field for it. The error is Errors and
// lists every problem; into is then half filled and must not be used.
func (s *Schema) Decode(raw []byte, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Type().Elem() != s.goType {
		return fmt.Errorf("schema of %s: cannot decode into %T, the schema is of %s", s.name, into, s.goType)
	}
	var config map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&config); err != nil {
		return Errors{{"config", "is not a JSON object: " + jsonProblem(err)}}
	}
	if _, err := dec.Token(); err != io.EOF {
		return Errors{{"config", "there is more after the JSON object"}}
	}
	kept := make(map[string]any, len(config))
	for name, v := range config {
		if s.config.child(name) != nil || !s.isMetadata(name) {
			kept[name] = v
		}
	}
	c := completer{schema: s, resolved: true}
	out := c.config(kept)
	if len(c.errs) == 0 {
		c.assignRecord("config", s.config, out, target.Elem())
		c.assignMetadata(config, target.Elem())
	}
	if len(c.errs) > 0 {
		return c.errs.capped()
	}
	return nil
}

func (s *Schema) isMetadata(name string) bool {
	for _, m := range s.metadata {
		if m.name == name {
			return true
		}
	}
	return metadataNames[name]
}

// jsonProblem describes a JSON error without repeating the input.
func jsonProblem(err error) string {
	switch err := err.(type) {
	case *json.SyntaxError:
		return fmt.Sprintf("syntax error at byte %d", err.Offset)
	case *json.UnmarshalTypeError:
		return "it is " + err.Value
	}
	return "it ends too early"
}

// assignRecord puts a complete record into a struct.
func (c *completer) assignRecord(path string, f *field, in map[string]any, target reflect.Value) {
	for _, sub := range f.fields {
		dst := target.FieldByIndex(sub.index)
		v, ok := in[sub.name]
		if !ok {
			dst.SetZero()
			continue
		}
		if dst.Kind() == reflect.Pointer {
			dst.Set(reflect.New(dst.Type().Elem()))
			dst = dst.Elem()
		}
		c.assign(path+"."+sub.name, sub, v, dst)
	}
}

// assign puts a complete value into a Go value.
func (c *completer) assign(path string, f *field, v any, dst reflect.Value) {
	switch v := v.(type) {
	case string:
		if text, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := text.UnmarshalText([]byte(v)); err != nil {
				problem := err.Error()
				if f.secret() {
					problem = "is not a valid value"
				}
				c.fail(path, "%s", problem)
			}
			return
		}
		dst.SetString(v)
	case bool:
		dst.SetBool(v)
	case int64, float64:
		c.assignNumber(path, f, v, dst)
	case []any:
		list := reflect.MakeSlice(dst.Type(), len(v), len(v))
		for i := range v {
			c.assign(path+"["+strconv.Itoa(i)+"]", f.elements, v[i], list.Index(i))
		}
		dst.Set(list)
	case map[string]any:
		if f.kind == kindRecord {
			c.assignRecord(path, f, v, dst)
			return
		}
		m := reflect.MakeMapWithSize(dst.Type(), len(v))
		for name, value := range v {
			key := reflect.New(dst.Type().Key()).Elem()
			c.assign(path+"."+segment(name), f.keys, name, key)
			item := reflect.New(dst.Type().Elem()).Elem()
			c.assign(path+"."+segment(name), f.values, value, item)
			m.SetMapIndex(key, item)
		}
		dst.Set(m)
	}
}

func (c *completer) assignNumber(path string, f *field, v any, dst reflect.Value) {
	n, _ := asFloat(v)
	whole := int64(n)
	fits := float64(whole) == n
	switch {
	case dst.CanFloat():
		dst.SetFloat(n)
		return
	case dst.CanInt():
		fits = fits && !dst.OverflowInt(whole)
	case dst.CanUint():
		fits = fits && whole >= 0 && !dst.OverflowUint(uint64(whole))
	}
	switch {
	case !fits:
		c.fail(path, "%s is not a whole number that fits here", f.show(v))
	case dst.CanInt():
		dst.SetInt(whole)
	default:
		dst.SetUint(uint64(whole))
	}
}

// assignMetadata fills the fields tagged kong:"-". What is missing, or of another type than
// the struct expects, stays zero: Kong's bookkeeping must not keep a plugin from starting.
func (c *completer) assignMetadata(config map[string]any, target reflect.Value) {
	for _, m := range c.schema.metadata {
		dst := target.FieldByIndex(m.index)
		dst.SetZero()
		v, ok := config[m.name]
		if !ok || v == nil {
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			continue
		}
		fresh := reflect.New(dst.Type())
		if json.Unmarshal(raw, fresh.Interface()) == nil {
			dst.Set(fresh.Elem())
		}
	}
}
