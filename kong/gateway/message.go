package gateway

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of kong_plugin_protocol and google.protobuf.Struct are written and read by
// hand: protobuf's own code refuses strings that are not UTF-8, and Kong does not.
//
// Values are Lua's: nil, bool, float64, string, []any and map[string]any.

var errMessage = errors.New("malformed protobuf message")

// maxValueDepth bounds the nesting of a Struct that a plugin server may send.
const maxValueDepth = 64

// appendText writes a string or bytes field; proto3 leaves out what is empty.
func appendText(b []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return appendBytes(b, num, s)
}

// appendBytes writes the field even if it is empty, as for a member of a oneof.
func appendBytes(b []byte, num protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendInt(b []byte, num protowire.Number, v int64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, num, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(v))
}

// appendBool writes false too: Kong's encoder does.
func appendBool(b []byte, num protowire.Number, v bool) []byte {
	b = protowire.AppendTag(b, num, protowire.VarintType)
	return protowire.AppendVarint(b, protowire.EncodeBool(v))
}

func appendDouble(b []byte, num protowire.Number, v float64) []byte {
	b = protowire.AppendTag(b, num, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, math.Float64bits(v))
}

func textMessage(s string) []byte { return appendText(nil, 1, s) }
func intMessage(v int) []byte     { return appendInt(nil, 1, int64(v)) }

// appendValue writes the content of a google.protobuf.Value.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return appendBool(b, 4, v)
	case float64:
		return appendDouble(b, 2, v)
	case string:
		return appendBytes(b, 3, v)
	case []any:
		var list []byte
		for _, e := range v {
			list = appendBytes(list, 1, string(appendValue(nil, e)))
		}
		return appendBytes(b, 6, string(list))
	case map[string]any:
		return appendBytes(b, 5, string(appendStruct(nil, v)))
	}
	return protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 1) // Kong's null
}

func appendStruct(b []byte, m map[string]any) []byte {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		b = appendEntry(b, k, m[k])
	}
	return b
}

func appendEntry(b []byte, key string, v any) []byte {
	entry := appendBytes(nil, 1, key)
	entry = appendBytes(entry, 2, string(appendValue(nil, v)))
	return appendBytes(b, 1, string(entry))
}

// eachField calls f for every field of a message; varints and fixed values come in n.
func eachField(msg []byte, f func(num protowire.Number, n uint64, data []byte) error) error {
	for len(msg) > 0 {
		num, typ, size := protowire.ConsumeTag(msg)
		if size < 0 {
			return errMessage
		}
		msg = msg[size:]
		var n uint64
		var data []byte
		switch typ {
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(msg)
		case protowire.Fixed64Type:
			n, size = protowire.ConsumeFixed64(msg)
		case protowire.BytesType:
			data, size = protowire.ConsumeBytes(msg)
		default:
			size = protowire.ConsumeFieldValue(num, typ, msg)
		}
		if size < 0 {
			return errMessage
		}
		msg = msg[size:]
		if err := f(num, n, data); err != nil {
			return err
		}
	}
	return nil
}

// textArg reads the message String or ByteString.
func textArg(msg []byte) (s string, err error) {
	err = eachField(msg, func(num protowire.Number, _ uint64, data []byte) error {
		if num == 1 {
			s = string(data)
		}
		return nil
	})
	return s, err
}

// intArg reads the message Int, or Bool as 0 and 1.
func intArg(msg []byte) (v int, err error) {
	err = eachField(msg, func(num protowire.Number, n uint64, _ []byte) error {
		if num == 1 {
			v = int(int32(n))
		}
		return nil
	})
	return v, err
}

// pair is one entry of a Struct; the order of the wire is kept.
type pair struct {
	key   string
	value any
}

func structArg(msg []byte, depth int) ([]pair, error) {
	var out []pair
	err := eachField(msg, func(num protowire.Number, _ uint64, data []byte) error {
		if num != 1 {
			return nil
		}
		var p pair
		err := eachField(data, func(num protowire.Number, _ uint64, data []byte) (err error) {
			switch num {
			case 1:
				p.key = string(data)
			case 2:
				p.value, err = valueArg(data, depth)
			}
			return err
		})
		out = append(out, p)
		return err
	})
	return out, err
}

func valueArg(msg []byte, depth int) (v any, err error) {
	if depth > maxValueDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d levels", errMessage, maxValueDepth)
	}
	err = eachField(msg, func(num protowire.Number, n uint64, data []byte) (err error) {
		switch num {
		case 1:
			v = nil
		case 2:
			v = math.Float64frombits(n)
		case 3:
			v = string(data)
		case 4:
			// Kong's own reading loses false: it arrives as nothing.
			if v = nil; n != 0 {
				v = true
			}
		case 5:
			var pairs []pair
			pairs, err = structArg(data, depth+1)
			m := make(map[string]any, len(pairs))
			for _, p := range pairs {
				if p.value != nil {
					m[p.key] = p.value
				}
			}
			v = m
		case 6:
			v, err = listArg(data, depth+1)
		}
		return err
	})
	return v, err
}

func listArg(msg []byte, depth int) ([]any, error) {
	list := []any{}
	err := eachField(msg, func(num protowire.Number, _ uint64, data []byte) error {
		if num != 1 {
			return nil
		}
		e, err := valueArg(data, depth)
		list = append(list, e)
		return err
	})
	return list, err
}

// keyValueArg reads the message KV.
func keyValueArg(msg []byte) (p pair, err error) {
	err = eachField(msg, func(num protowire.Number, _ uint64, data []byte) (err error) {
		switch num {
		case 1:
			p.key = string(data)
		case 2:
			p.value, err = valueArg(data, 0)
		}
		return err
	})
	return p, err
}

// headersOf turns what a plugin gave for headers into lines. Kong takes strings, numbers,
// booleans and lists of strings; an empty list means "remove". Anything else is an error
// in Lua, but null and false, which arrive as nothing.
func headersOf(pairs []pair) ([]headerEdit, error) {
	var out []headerEdit
	for _, p := range pairs {
		if p.value == nil {
			continue
		}
		values, err := headerValues(p.key, p.value)
		if err != nil {
			return nil, err
		}
		out = append(out, headerEdit{p.key, values})
	}
	return out, nil
}

type headerEdit struct {
	name   string
	values []string
}

func headerValues(name string, v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{spaced(v)}, nil
	case float64:
		return []string{luaNumber(v)}, nil
	case bool:
		return []string{fmt.Sprint(v)}, nil
	case []any:
		out := []string{}
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, luaErrorf("invalid header value in array %q: expected string", name)
			}
			out = append(out, spaced(s))
		}
		return out, nil
	}
	return nil, luaErrorf("invalid header value for %q: expected string, number, boolean or array of strings", name)
}

// spaced is what Kong sends for an empty header value: nginx would drop the header.
func spaced(v string) string {
	if v == "" {
		return " "
	}
	return v
}

// luaNumber writes a number as Lua's tostring does.
func luaNumber(v float64) string { return fmt.Sprintf("%.14g", v) }
