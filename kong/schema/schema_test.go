package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func gate(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Of("waf-test", gateConfig{}, schema.NoConsumer(), schema.Protocols("http", "https"))
	require.NoError(t, err)
	return s
}

func TestJSONGolden(t *testing.T) {
	s := gate(t)
	require.Empty(t, s.Lint())
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, s.JSON(), "", "  "))
	pretty.WriteByte('\n')
	golden(t, "gate.json", pretty.Bytes())
}

// golden compares with a file in testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run the test with -update if this is meant")
}

func TestJSONIsStable(t *testing.T) {
	first := gate(t).JSON()
	for range 20 {
		require.Equal(t, string(first), string(gate(t).JSON()))
	}
}

func TestOfRefuses(t *testing.T) {
	rows := []struct {
		name   string
		config any
		want   string
	}{
		{name: "no struct", config: 7, want: "schema of x: the config is int, not a struct"},
		{name: "nothing", config: nil, want: "schema of x: the config is <nil>, not a struct"},
		{name: "a field without a name", config: struct{ A string }{}, want: `needs a tag json:"name"`},
		{name: "a type that Kong does not know", config: struct {
			A chan int `json:"a"`
		}{}, want: "chan int has no type in a Kong schema"},
		{name: "two fields of one name", config: struct {
			common
			A string `json:"on_error"`
		}{}, want: `there are two fields "on_error"`},
		{name: "a pointer with a default", config: struct {
			A *int `json:"a" default:"1"`
		}{}, want: "take the pointer or the default away"},
		{name: "a default of another type", config: struct {
			A int `json:"a" default:"x"`
		}{}, want: `default: "x" is not a whole number`},
		{name: "a default for a record", config: struct {
			A extra `json:"a" default:"{}"`
		}{}, want: "a record has none of its own"},
		{name: "a rule that does not exist", config: struct {
			A int `json:"a" kong:"min=1"`
		}{}, want: `kong tag "min=1": there is no rule "min"`},
		{name: "a flag that does not exist", config: struct {
			A int `json:"a" kong:"optional"`
		}{}, want: `kong tag "optional": "optional" needs a value or is no rule`},
		{name: "a flag with a value", config: struct {
			A int `json:"a" kong:"required=true"`
		}{}, want: "takes no value"},
		{name: "a rule for another type", config: struct {
			A string `json:"a" kong:"between=1:2"`
		}{}, want: `kong tag "between=1:2": is not for a string`},
		{name: "elements of what has none", config: struct {
			A string `json:"a" kong:"elements.oneof=a"`
		}{}, want: "a string has no elements"},
		{name: "a range the wrong way round", config: struct {
			A int `json:"a" kong:"between=2:1"`
		}{}, want: "the lower end comes first"},
		{name: "half a range", config: struct {
			A int `json:"a" kong:"between=2"`
		}{}, want: `"" is not a number`},
		{name: "a pattern that is a regular expression", config: struct {
			A string `json:"a" kong:"match=^(a|b)+$"`
		}{}, want: "Lua does not repeat captures"},
		{name: "a rule behind match", config: struct {
			A string `json:"a" kong:"match=^%d{1,3}$,required"`
		}{}, want: "match takes the rest of the tag: put required before it"},
		{name: "a type that cannot be overridden", config: struct {
			A string `json:"a" kong:"type=number"`
		}{}, want: "a string cannot be a number"},
		{name: "a deprecation without a version", config: struct {
			A string `json:"a" kong:"deprecated=b"`
		}{}, want: "needs NEWNAME/REMOVAL"},
		{name: "a struct that contains itself", config: recursive{}, want: "structs are nested deeper than 16"},
		{name: "a check of a field that does not exist", config: badCheck{}, want: `entity check at_least_one_of names the field "b", which does not exist`},
		{name: "metadata in a nested struct", config: struct {
			A struct {
				B string `json:"b" kong:"-"`
			} `json:"a"`
		}{}, want: "Kong sends metadata only there"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := schema.Of("x", row.config)
			require.ErrorContains(t, err, row.want)
		})
	}
}

type recursive struct {
	A []recursive `json:"a"`
}

type badCheck struct {
	A string `json:"a"`
}

func (badCheck) EntityChecks() []schema.EntityCheck {
	return []schema.EntityCheck{schema.AtLeastOneOf("a", "b")}
}

func TestLint(t *testing.T) {
	rows := []struct {
		name   string
		plugin string
		config any
		want   []string
	}{
		{name: "a bundled name", plugin: "key-auth", config: struct {
			A string `json:"a" doc:"Long enough to be accepted."`
		}{}, want: []string{`name: "key-auth" is a plugin bundled with Kong: Kong would load its own`}},
		{name: "a short description", config: struct {
			A string `json:"a" doc:"Short."`
		}{}, want: []string{"config.a: its description has 6 bytes, Kong wants 10 to 500"}},
		{name: "a default outside its range", config: struct {
			A int `json:"a" doc:"Long enough to be accepted." default:"9" kong:"between=1:8"`
		}{}, want: []string{"config.a: its default is refused by its own rules: 9 is not between 1 and 8"}},
		{name: "an empty default for a string", config: struct {
			A string `json:"a" doc:"Long enough to be accepted." default:""`
		}{}, want: []string{"config.a: its default is refused by its own rules: is empty: write a string, or leave the field out"}},
		{name: "a field name with a hyphen, and no field at all", config: struct {
			A struct{} `json:"a-b" doc:"Long enough to be accepted."`
		}{}, want: []string{
			"config.a-b: is no name for a field: a-z, 0-9 and _ only",
			"config.a-b: is a record without fields",
		}},
		{name: "Kong's own name", config: struct {
			A string `json:"route_id" doc:"Long enough to be accepted."`
		}{}, want: []string{"config.route_id: is a name that Kong uses for its own bookkeeping"}},
		{name: "a text without a rule", config: struct {
			A int `json:"a" doc:"Long enough to be accepted." err:"must be small"`
		}{}, want: []string{"config.a: has an err text but no rule"}},
		{name: "a deprecated field with a default", config: struct {
			A int `json:"a" doc:"Long enough to be accepted." default:"1" kong:"deprecated=b/soon"`
		}{}, want: []string{
			"config.a: is deprecated in favour of config.b, which does not exist",
			`config.a: its removal "soon" is no version`,
			"config.a: is deprecated, so it must be neither required nor have a default: Kong would warn every user",
		}},
		{name: "conditions that Kong reads otherwise", config: lintChecks{}, want: []string{
			"config.a: entity check conditional: Kong takes a field that is not set for a match: add Required to IfMatch",
			"config.a: entity check conditional: Contains is for arrays, not for a string",
			"config.a: entity check conditional: ThenErr is a format of Lua: at most one %s and no other %",
			"config.b.c: entity check at_least_one_of: config.b may be missing: make it a struct, not a pointer",
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			name := row.plugin
			if name == "" {
				name = "waf-x"
			}
			s, err := schema.Of(name, row.config)
			require.NoError(t, err)
			var got []string
			for _, e := range s.Lint() {
				got = append(got, e.Error())
			}
			require.Equal(t, row.want, got)
		})
	}
}

type lintChecks struct {
	A *string `json:"a" doc:"Long enough to be accepted."`
	B *struct {
		C *int `json:"c" doc:"Long enough to be accepted."`
	} `json:"b" doc:"Long enough to be accepted."`
}

func (lintChecks) EntityChecks() []schema.EntityCheck {
	return []schema.EntityCheck{
		schema.Conditional(schema.Condition{
			IfField: "a", IfMatch: schema.Match{Contains: "x"},
			ThenField: "a", ThenMatch: schema.Match{Required: true},
			ThenErr: "100% of %s",
		}),
		schema.AtLeastOneOf("a", "b.c"),
	}
}

// suit is a type that lists its values.
type suit uint8

func (suit) OneOf() []string { return []string{"hearts", "spades"} }

func (s *suit) UnmarshalText(text []byte) error {
	for i, name := range suit(0).OneOf() {
		if name == string(text) {
			*s = suit(i)
			return nil
		}
	}
	return errors.New("no such suit")
}

// TestTypesListTheirValues holds that a list which stands with a type is a rule like oneof, for
// fields and for elements.
func TestTypesListTheirValues(t *testing.T) {
	type config struct {
		One  suit   `json:"one" default:"spades"`
		Many []suit `json:"many" default:"[]"`
	}
	s, err := schema.Of("x", config{})
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(s.JSON()), `"one_of":["hearts","spades"]`))
	var c config
	require.NoError(t, s.Decode([]byte(`{"many":["spades","hearts"]}`), &c))
	require.Equal(t, config{One: 1, Many: []suit{1, 0}}, c)
	require.ErrorContains(t, s.Decode([]byte(`{"many":["clubs"]}`), &c), "hearts")
}
