package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, row := range []struct{ name, text, err string }{
		{name: "everything", text: ` {"a":[1,2.5e3,"x",true,null,{}],"b":{"a":1}} `},
		{name: "equal names in different objects", text: `[{"a":1},{"a":2}]`},
		{name: "a bare value", text: `17`},
		{name: "a name twice", text: `{"a":{"b":1,"c":2,"b":3}}`, err: "a.b twice"},
		{name: "a name twice, once escaped", text: `{"a":1,"\u0061":2}`, err: "twice"},
		{name: "two values", text: `{} {}`, err: "behind"},
		{name: "nothing", text: ` `, err: "not JSON"},
		{name: "cut off", text: `{"a":[1,`, err: "not JSON"},
		{name: "a comment", text: `{/* */"a":1}`, err: "not JSON"},
		{name: "wrong bracket", text: `[1}`, err: "not JSON"},
		{name: "a large number", text: `[1e400,-1.5E-400,123456789012345678901234567890]`},
		{name: "a number beyond all", text: `[1e999999999]`, err: "range"},
		{name: "a long number", text: strings.Repeat("9", 401), err: "range"},
		{name: "no UTF-8", text: "\"\xff\"", err: "UTF-8"},
		{name: "too deep", text: strings.Repeat("[", 1<<20), err: "deeper"},
		{name: "too many values", text: "[" + strings.Repeat("1,", MaxValues-1) + "1]", err: "holds more than"},
		{name: "as many as may be", text: "[" + strings.Repeat("1,", MaxValues-2) + "1]"},
		{name: "as deep as may be", text: strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)},
	} {
		value, err := Decode(row.text)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: error %v", row.name, err)
			}
			continue
		}
		var want any
		d := json.NewDecoder(strings.NewReader(row.text))
		d.UseNumber()
		if e := d.Decode(&want); e != nil || err != nil || !reflect.DeepEqual(value, want) {
			t.Errorf("%s: %v, %v", row.name, value, err)
		}
	}
}

// FuzzDecode: what is read strictly is what the standard library reads.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}]}`, `{"a":1,"a":2}`, `[}`, `"\ud800"`, `-0e1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := Decode(text)
		if err != nil {
			return
		}
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if e := d.Decode(&want); e != nil || !reflect.DeepEqual(value, want) {
			t.Fatalf("%q: %v, the library %v, %v", text, value, want, e)
		}
	})
}
