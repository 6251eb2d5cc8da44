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

// Ask calls a PDK method with an argument message in protobuf's wire form (nil for none)
// and returns the reply message in wire form.
func Ask(kong *pdk.PDK, method string, args []byte) ([]byte, error) {
	var in proto.Message
	if args != nil {
		e := &emptypb.Empty{}
		e.ProtoReflect().SetUnknown(args)
		in = e
	}
	out := &emptypb.Empty{}
	// Every module of the PDK embeds the same bridge.
	if err := kong.Request.Ask(method, in, out); err != nil {
		return nil, err
	}
	return out.ProtoReflect().GetUnknown(), nil
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
// length-delimited fields and the number of varint fields. It stops at the first
// malformed field and reports whether the whole message was read.
func Fields(message []byte, visit func(field protowire.Number, payload []byte, number uint64)) bool {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		message = message[n:]
		switch kind {
		case protowire.BytesType:
			payload, n := protowire.ConsumeBytes(message)
			if n < 0 {
				return false
			}
			visit(field, payload, 0)
			message = message[n:]
		case protowire.VarintType:
			number, n := protowire.ConsumeVarint(message)
			if n < 0 {
				return false
			}
			visit(field, nil, number)
			message = message[n:]
		default:
			n := protowire.ConsumeFieldValue(field, kind, message)
			if n < 0 {
				return false
			}
			message = message[n:]
		}
	}
	return true
}

// Text returns the string or bytes field number 1 of a reply: the reply of most getters.
func Text(reply []byte) string {
	var text string
	Fields(reply, func(field protowire.Number, payload []byte, _ uint64) {
		if field == 1 && payload != nil {
			text = string(payload)
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
	var list []byte
	for _, v := range values {
		list = AppendBytes(list, listValues, string(AppendBytes(nil, stringValue, v)))
	}
	value := AppendBytes(nil, listValue, string(list))
	entry := AppendBytes(AppendBytes(nil, entryKey, name), entryValue, string(value))
	return AppendBytes(dst, structFields, string(entry))
}
