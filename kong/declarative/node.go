package declarative

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A document may expand to this many values by its aliases, and nest this deep.
const (
	maxNodes = 1 << 18
	maxDepth = 100
)

// document is one YAML document of a file and where its problems go.
type document struct {
	file     string
	problems *Problems
	nodes    int // values read so far, aliases counted as often as they are used
}

func (d *document) at(n *yaml.Node) Position {
	p := Position{File: d.file}
	if n != nil {
		p.Line = n.Line
	}
	return p
}

func (d *document) report(n *yaml.Node, field string, warning bool, format string, args ...any) {
	*d.problems = append(*d.problems, Problem{
		Position: d.at(n), Field: field, Message: fmt.Sprintf(format, args...), Warning: warning,
	})
}

func (d *document) errorf(n *yaml.Node, field, format string, args ...any) {
	d.report(n, field, false, format, args...)
}

func (d *document) warnf(n *yaml.Node, field, format string, args ...any) {
	d.report(n, field, true, format, args...)
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < maxDepth; i++ {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	n = resolve(n)
	return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// kindOf says in a user's words what n is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "an array"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a boolean"
	case "!!null":
		return "nothing"
	}
	return "a string"
}

// mapping gives access to the keys of a YAML mapping. Keys that were asked for are known;
// finish reports the others.
type mapping struct {
	d      *document
	node   *yaml.Node
	path   string
	order  []string
	keys   map[string]*yaml.Node
	values map[string]*yaml.Node
	asked  []string
}

// mapping reads n as a mapping; nil and a reported error if it is something else.
func (d *document) mapping(n *yaml.Node, path string) *mapping {
	n = resolve(n)
	if isNull(n) {
		n = &yaml.Node{Kind: yaml.MappingNode}
	}
	if n.Kind != yaml.MappingNode {
		d.errorf(n, path, "expected a mapping (key: value), found %s", kindOf(n))
		return nil
	}
	m := &mapping{d: d, node: n, path: path, keys: map[string]*yaml.Node{}, values: map[string]*yaml.Node{}}
	m.add(n, false, 0)
	return m
}

func (m *mapping) add(n *yaml.Node, merged bool, depth int) {
	n = resolve(n)
	if depth > maxDepth || n == nil {
		return
	}
	if n.Kind == yaml.SequenceNode { // "<<: [*a, *b]"
		for _, c := range n.Content {
			m.add(c, true, depth+1)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		m.d.errorf(n, m.path, "<< takes a mapping")
		return
	}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := resolve(n.Content[i]), n.Content[i+1]
		if k.Tag == "!!merge" {
			merges = append(merges, v)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			m.d.errorf(k, m.path, "a key must be a plain word")
			continue
		}
		if _, double := m.values[k.Value]; double {
			if !merged {
				m.d.errorf(k, m.sub(k.Value), "written twice")
			}
			continue
		}
		m.order = append(m.order, k.Value)
		m.keys[k.Value], m.values[k.Value] = k, v
	}
	for _, v := range merges {
		m.add(v, true, depth+1)
	}
}

func (m *mapping) sub(key string) string {
	if m.path == "" {
		return key
	}
	return m.path + "." + key
}

// get returns the value of key, or nil where it is absent or null.
func (m *mapping) get(key string) *yaml.Node {
	if !slices.Contains(m.asked, key) {
		m.asked = append(m.asked, key)
	}
	n := resolve(m.values[key])
	if isNull(n) {
		return nil
	}
	return n
}

func (m *mapping) has(key string) bool { return m.get(key) != nil }

// line is the node to blame for a key: the key itself, or the whole mapping.
func (m *mapping) line(key string) *yaml.Node {
	if k, ok := m.keys[key]; ok {
		return k
	}
	return m.node
}

func (m *mapping) str(key string) string {
	n := m.get(key)
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!bool" {
		m.d.errorf(n, m.sub(key), "expected a string, found %s", kindOf(n))
		return ""
	}
	return n.Value
}

// oneOf is str for a field with a fixed set of values.
func (m *mapping) oneOf(key, fallback string, allowed ...string) string {
	v := m.str(key)
	if v == "" {
		return fallback
	}
	if !slices.Contains(allowed, v) {
		m.d.errorf(m.get(key), m.sub(key), "expected one of %s%s", strings.Join(allowed, ", "), DidYouMean(v, allowed))
		return fallback
	}
	return v
}

func (m *mapping) integer(key string, fallback, low, high int) int {
	n := m.get(key)
	if n == nil {
		return fallback
	}
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		m.d.errorf(n, m.sub(key), "expected a whole number, found %s", kindOf(n))
		return fallback
	}
	if v < low || v > high {
		m.d.errorf(n, m.sub(key), "value should be between %d and %d", low, high)
		return fallback
	}
	return v
}

func (m *mapping) boolean(key string, fallback bool) bool {
	n := m.get(key)
	if n == nil {
		return fallback
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		m.d.errorf(n, m.sub(key), "expected a boolean (true or false, without quotes), found %s", kindOf(n))
		return fallback
	}
	return strings.EqualFold(n.Value, "true")
}

// list returns the entries of an array.
func (m *mapping) list(key string) []*yaml.Node {
	n := m.get(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		m.d.errorf(n, m.sub(key), "%s", notAnArray(n))
		return nil
	}
	return n.Content
}

func (m *mapping) strings(key string) []string {
	var out []string
	for i, e := range m.list(key) {
		e = resolve(e)
		if e.Kind != yaml.ScalarNode || isNull(e) {
			m.d.errorf(e, m.index(key, i), "expected a string, found %s", kindOf(e))
			continue
		}
		out = append(out, e.Value)
	}
	return out
}

func (m *mapping) index(key string, i int) string { return fmt.Sprintf("%s[%d]", m.sub(key), i) }

// finish reports the keys that nobody asked for.
func (m *mapping) finish(alsoKnown ...string) {
	known := append(slices.Clone(m.asked), alsoKnown...)
	for _, key := range m.order {
		if !slices.Contains(known, key) {
			m.d.errorf(m.keys[key], m.sub(key), "unknown field%s", DidYouMean(key, known))
		}
	}
}

// notAnArray says what to write where one value stands in the place of an array.
func notAnArray(n *yaml.Node) string {
	msg := "expected an array, found " + kindOf(n)
	if n.Kind != yaml.ScalarNode {
		return msg
	}
	parts := strings.FieldsFunc(n.Value, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
	if len(parts) == 0 {
		return msg
	}
	for i, p := range parts {
		parts[i] = strconv.Quote(p)
	}
	const show = 3
	more := ""
	if len(parts) > show {
		parts, more = parts[:show], ", ..."
	}
	return fmt.Sprintf("%s: write [%s%s], or one entry a line, each after a dash", msg, strings.Join(parts, ", "), more)
}

// value turns n into what encoding/json would make of the same JSON: numbers are float64,
// null is nil. A value that nests or expands beyond the limits is reported and nil.
func (d *document) value(n *yaml.Node, path string) any {
	v, ok := d.convert(n, path, 0)
	if !ok {
		return nil
	}
	return v
}

func (d *document) convert(n *yaml.Node, path string, depth int) (any, bool) {
	n = resolve(n)
	d.nodes++
	if depth > maxDepth || d.nodes > maxNodes || n != nil && n.Kind == yaml.AliasNode {
		d.errorf(n, path, "nested deeper than %d levels, or grows beyond %d values by its aliases", maxDepth, maxNodes)
		return nil, false
	}
	if isNull(n) {
		return nil, true
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := d.mapping(n, path)
		out := make(map[string]any, len(m.order))
		for _, k := range m.order {
			v, ok := d.convert(m.values[k], m.sub(k), depth+1)
			if !ok {
				return nil, false
			}
			out[k] = v
		}
		return out, true
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for i, c := range n.Content {
			v, ok := d.convert(c, fmt.Sprintf("%s[%d]", path, i), depth+1)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	}
	return scalar(n), true
}

// scalar returns a scalar as those read it who hand it to Kong. They know YAML 1.1: off, on,
// yes and no without quotes are booleans to decK, to kubectl and to Kong itself.
func scalar(n *yaml.Node) any {
	if n.Tag == "!!str" && n.Style == 0 {
		switch n.Value {
		case "on", "On", "ON", "yes", "Yes", "YES":
			return true
		case "off", "Off", "OFF", "no", "No", "NO":
			return false
		}
	}
	switch n.Tag {
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64); err == nil {
			return float64(i)
		}
	case "!!float":
		var f float64
		if n.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	return n.Value
}

// find walks a path such as "config.redis.host" or "config.allow[2]" down from n, whose
// own path is base, and returns the deepest node there is.
func find(n *yaml.Node, base, path string) *yaml.Node {
	rest := strings.TrimPrefix(path, base)
	for n = resolve(n); n != nil && rest != ""; {
		var next *yaml.Node
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return n
			}
			i, err := strconv.Atoi(rest[1:end])
			if err == nil && n.Kind == yaml.SequenceNode && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
			}
			rest = rest[end+1:]
		} else {
			rest = strings.TrimPrefix(rest, ".")
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if n.Kind == yaml.MappingNode {
				for i := 0; i+1 < len(n.Content); i += 2 {
					if n.Content[i].Value == rest[:end] {
						next = n.Content[i+1]
						// A mapping or an array begins on the line after its key.
						if next.Line > n.Content[i].Line && end == len(rest) {
							next = &yaml.Node{Kind: next.Kind, Tag: next.Tag, Value: next.Value, Line: n.Content[i].Line}
						}
					}
				}
			}
			rest = rest[end:]
		}
		if next = resolve(next); next == nil {
			return n
		}
		n = next
	}
	return n
}
