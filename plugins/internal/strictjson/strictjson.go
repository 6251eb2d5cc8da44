// Package strictjson reads JSON texts that every reader understands alike: one value, valid
// UTF-8, no name twice in an object. Where two readers could see different values, a check
// that saw the harmless one has checked nothing.
package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 256

// MaxValues is how many values a text may hold: in memory each takes many times what it is
// long in a text such as [1,1,1].
const MaxValues = 250_000

// Decode returns the value of a JSON text: map[string]any, []any, string, json.Number, bool
// or nil. Its errors name a place in the text by the path to it and show none of its values.
func Decode(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("is not valid UTF-8")
	}
	d := decoder{Decoder: json.NewDecoder(strings.NewReader(text)), left: MaxValues}
	d.UseNumber()
	value, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("goes on behind its value")
	}
	return value, nil
}

var errSyntax = errors.New("is not JSON")

// decoder reads at most so many values as are left.
type decoder struct {
	*json.Decoder
	left int
}

func (d *decoder) value(depth int) (any, error) {
	if d.left--; d.left < 0 {
		return nil, fmt.Errorf("holds more than %d values", MaxValues)
	}
	token, err := d.Token()
	if err != nil {
		return nil, errSyntax
	}
	if n, ok := token.(json.Number); ok && !inRange(string(n)) {
		return nil, errors.New("has a number that is out of range")
	}
	open, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth >= MaxDepth {
		return nil, fmt.Errorf("nests deeper than %d", MaxDepth)
	}
	var value any
	switch open {
	case '{':
		value, err = d.object(depth)
	case '[':
		value, err = d.array(depth)
	default:
		err = errSyntax
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != nil { // the closing bracket
		return nil, errSyntax
	}
	return value, nil
}

func (d *decoder) object(depth int) (any, error) {
	fields := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, errSyntax
		}
		name, ok := token.(string)
		if !ok {
			return nil, errSyntax
		}
		if _, twice := fields[name]; twice {
			return nil, &twiceError{path: short(name)}
		}
		if fields[name], err = d.value(depth + 1); err != nil {
			return nil, within(err, short(name)+".")
		}
	}
	return fields, nil
}

func (d *decoder) array(depth int) (any, error) {
	items := []any{}
	for d.More() {
		item, err := d.value(depth + 1)
		if err != nil {
			return nil, within(err, "[].")
		}
		items = append(items, item)
	}
	return items, nil
}

// inRange reports whether a number is one that programs compute with: others cost what they
// say, not what they are long.
func inRange(n string) bool {
	const longest, most = 400, 400
	if len(n) > longest {
		return false
	}
	i := strings.IndexAny(n, "eE")
	if i < 0 {
		return true
	}
	exponent, err := strconv.Atoi(n[i+1:])
	return err == nil && -most <= exponent && exponent <= most
}

// twiceError is a name that stands twice in an object.
type twiceError struct{ path string }

func (e *twiceError) Error() string { return "has the name " + e.path + " twice" }

// within adds to an error where it stands.
func within(err error, container string) error {
	const most = 200
	if e, ok := err.(*twiceError); ok && len(e.path) < most {
		e.path = container + e.path
	}
	return err
}

// short bounds a name in an error.
func short(name string) string {
	const most = 32
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "..."
}
