package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// luaError is what Kong's Lua would throw: the connection to the plugin server is dropped
// and the client gets a 500.
type luaError struct{ text string }

func (e *luaError) Error() string { return e.text }

func luaErrorf(format string, args ...any) error { return &luaError{fmt.Sprintf(format, args...)} }

// luaJSON encodes as Kong's cjson does: slashes escaped, bytes above 0x7f as they are.
func luaJSON(v any) string {
	var b bytes.Buffer
	writeJSON(&b, v)
	return b.String()
}

func writeJSON(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int:
		b.WriteString(strconv.Itoa(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(luaNumber(v))
	case string:
		writeJSONString(b, v)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		writeJSON(b, list)
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, e)
		}
		b.WriteByte(']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		b.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSONString(b, k)
			b.WriteByte(':')
			writeJSON(b, v[k])
		}
		b.WriteByte('}')
	default:
		writeJSONString(b, fmt.Sprint(v))
	}
}

func writeJSONString(b *bytes.Buffer, s string) {
	short := map[byte]string{'"': `\"`, '\\': `\\`, '/': `\/`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	b.WriteByte('"')
	for i := range len(s) {
		if e, ok := short[s[i]]; ok {
			b.WriteString(e)
		} else if s[i] < 0x20 || s[i] == 0x7f {
			fmt.Fprintf(b, `\u%04x`, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	b.WriteByte('"')
}
