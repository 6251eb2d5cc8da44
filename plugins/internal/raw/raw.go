// Package raw makes PDK calls with the argument and the reply as bytes.
//
// go-pdk's typed getters decode replies as UTF-8 strings and return nothing at all if one
// byte is not UTF-8: one such byte in any header would hide every header from a firewall.
// Its typed setters write the method and then fail on the argument, which leaves the
// conversation with Kong out of step. Bytes have neither problem, and Kong accepts them:
// to it they are Lua strings.
package raw

import (
	"github.com/Kong/go-pdk"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Kong makes PDK calls. Our server implements it without any detour; for go-pdk's own
// there is PDK.
type Kong interface {
	// Ask calls a PDK method with an argument message in protobuf's wire form (nil for
	// none) and returns the reply message in wire form.
	Ask(method string, args []byte) (reply string, err error)
	// Close ends the talk with Kong, as go-pdk does after kong.response.exit.
	Close() error
}

// PDK makes calls through go-pdk, unmodified.
func PDK(kong *pdk.PDK) Kong { return bridge{kong} }

type bridge struct{ kong *pdk.PDK }

// Close implements Kong.
func (b bridge) Close() error { return b.kong.Response.Close() }

// Ask implements Kong.
func (b bridge) Ask(method string, args []byte) (string, error) {
	var in proto.Message
	if args != nil {
		e := &emptypb.Empty{}
		e.ProtoReflect().SetUnknown(args)
		in = e
	}
	out := &emptypb.Empty{}
	// Every module of the PDK embeds the same bridge.
	if err := b.kong.Request.Ask(method, in, out); err != nil {
		return "", err
	}
	return string(out.ProtoReflect().GetUnknown()), nil
}

// String returns the argument message of a call that takes one string, such as get_var.
func String(s string) []byte {
	if s == "" {
		return []byte{}
	}
	return AppendBytes(nil, 1, s)
}

// Int returns the argument message of a call that takes one integer.
func Int(n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(n))
}

// AppendBytes appends a field of protobuf's length-delimited type: strings, bytes, messages.
func AppendBytes(dst []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, field, protowire.BytesType), s)
}

// Fields calls visit for every field of a message in wire form, with the payload of
// length-delimited fields, a piece of the message, and the number of varint fields. It
// stops at the first malformed field and reports whether the whole message was read.
func Fields(message string, visit func(field protowire.Number, payload string, number uint64)) bool {
	for i := 0; i < len(message); {
		tag, n := varint(message[i:])
		if n == 0 || tag>>3 == 0 {
			return false
		}
		i += n
		field := protowire.Number(tag >> 3)
		switch protowire.Type(tag & 7) {
		case protowire.BytesType:
			size, n := varint(message[i:])
			if n == 0 || size > uint64(len(message)-i-n) {
				return false
			}
			i += n
			visit(field, message[i:i+int(size)], 0)
			i += int(size)
		case protowire.VarintType:
			number, n := varint(message[i:])
			if n == 0 {
				return false
			}
			visit(field, "", number)
			i += n
		case protowire.Fixed32Type:
			i += 4
		case protowire.Fixed64Type:
			i += 8
		default:
			return false
		}
		if i > len(message) {
			return false
		}
	}
	return true
}

// varint reads a protobuf varint and returns its length, 0 if it is malformed.
func varint(s string) (value uint64, n int) {
	for i := 0; i < len(s) && i < 10; i++ {
		value |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}

// Text returns the string or bytes field number 1 of a reply: the reply of most getters.
func Text(reply string) string {
	var text string
	Fields(reply, func(field protowire.Number, payload string, _ uint64) {
		if field == 1 {
			text = payload
		}
	})
	return text
}

// Headers returns the argument message of set_headers: a google.protobuf.Struct of lists.
// An empty list removes every copy of a header.
func Headers(set map[string][]string) []byte {
	var message []byte
	for name, values := range set {
		message = AppendHeader(message, name, values...)
	}
	return message
}

// AppendHeader appends one header with its values to the argument of set_headers.
func AppendHeader(dst []byte, name string, values ...string) []byte {
	const (
		structFields = 1 // Struct.fields, a map entry {1: key, 2: value}
		entryKey     = 1
		entryValue   = 2
		stringValue  = 3 // Value.string_value
		listValue    = 6 // Value.list_value
		listValues   = 1 // ListValue.values
	)
	list := 0
	for _, v := range values {
		list += sizeBytes(sizeBytes(len(v)))
	}
	value := sizeBytes(list)
	dst = appendSize(dst, structFields, sizeBytes(len(name))+sizeBytes(value))
	dst = AppendBytes(dst, entryKey, name)
	dst = appendSize(dst, entryValue, value)
	dst = appendSize(dst, listValue, list)
	for _, v := range values {
		dst = appendSize(dst, listValues, sizeBytes(len(v)))
		dst = AppendBytes(dst, stringValue, v)
	}
	return dst
}

// appendSize appends the beginning of a length-delimited field: what follows has that many bytes.
func appendSize(dst []byte, field protowire.Number, size int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.BytesType), uint64(size))
}

// sizeBytes returns how long a length-delimited field with a number below 16 is, of a
// payload with that many bytes.
func sizeBytes(n int) int { return 1 + protowire.SizeBytes(n) }
