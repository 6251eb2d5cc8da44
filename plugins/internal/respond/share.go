package respond

import (
	"maps"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/plugins/internal/raw"
)

// SharedKey is the key below kong.ctx.shared.
const SharedKey = "waf"

// Fields is a flat Lua table.
type Fields struct {
	Text   map[string]string
	Number map[string]float64
}

// Share puts a table into kong.ctx.shared.waf, where Kong's log plugins find it
// (custom_fields_by_lua: return kong.ctx.shared.waf.verdict).
func Share(kong raw.Kong, fields Fields) error {
	const (
		kvKey, kvValue       = 1, 2 // go-pdk's KV
		valueNumber          = 2    // google.protobuf.Value
		valueText            = 3
		valueStruct          = 5
		structFields         = 1
		entryKey, entryValue = 1, 2
	)
	var table []byte
	add := func(key string, value []byte) {
		entry := raw.AppendBytes(raw.AppendBytes(nil, entryKey, key), entryValue, string(value))
		table = raw.AppendBytes(table, structFields, string(entry))
	}
	for _, key := range slices.Sorted(maps.Keys(fields.Text)) {
		add(key, raw.AppendBytes(nil, valueText, strings.ToValidUTF8(fields.Text[key], "?")))
	}
	for _, key := range slices.Sorted(maps.Keys(fields.Number)) {
		number := protowire.AppendTag(nil, valueNumber, protowire.Fixed64Type)
		add(key, protowire.AppendFixed64(number, math.Float64bits(fields.Number[key])))
	}
	args := raw.AppendBytes(nil, kvKey, SharedKey)
	args = raw.AppendBytes(args, kvValue, string(raw.AppendBytes(nil, valueStruct, string(table))))
	return send(kong, "kong.ctx.shared.set", args)
}
