package schema_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/schema"
)

func ptr[T any](v T) *T { return &v }

func TestDecode(t *testing.T) {
	rows := []struct {
		name string
		raw  string
		want func(*gateConfig)
	}{
		{name: "what Kong sends when the user wrote only what is required",
			raw:  `{"checks":["detect"],"__plugin_id":"p1","__seq__":12,"__ws_id":"w","__key__":"k","route_id":"r1","service_id":"s1","consumer_id":"c1","plugin_instance_name":"i","$refs":{"a":"{vault://env/a}"}}`,
			want: func(c *gateConfig) { c.PluginID, c.RouteID = "p1", "r1" }},
		{name: "every field set",
			raw: `{"on_error":"allow","checks":["ip-restriction","rate-limiting"],"allow":["::1"],"deny":[],"status":429,"ratio":1,"mode":"off","message":"no","methods":["GET","POST","GET"],"labels":{"a":"b"},"level":"high","rate_limiting":{"second":0.5,"minute":6e1,"policy":"redis","redis":{"host":"r","port":1,"password":"secret"}},"extra":{"on":false,"empty":""},"credentials":[{"key":"abcd","consumer":"bob"}]}`,
			want: func(c *gateConfig) {
				c.OnError, c.Checks = "allow", []string{"ip-restriction", "rate-limiting"}
				c.Allow, c.Deny, c.Status, c.Ratio, c.Mode = []string{"::1"}, []string{}, 429, 1, "off"
				c.Message, c.Methods, c.Labels = ptr("no"), []string{"GET", "POST"}, map[string]string{"a": "b"}
				c.Level = 2
				c.Limits = limits{Second: ptr(0.5), Minute: ptr(60), Policy: "redis", Redis: redisConfig{Host: ptr("r"), Port: 1, Password: ptr("secret")}}
				c.Extra = &extra{}
				c.Keys = []credential{{Key: "abcd", Consumer: "bob"}}
			}},
		{name: "an empty Lua table may stand for an array or a record",
			raw:  `{"checks":["detect"],"deny":{},"methods":{},"rate_limiting":[]}`,
			want: func(c *gateConfig) { c.Deny = []string{} }},
		{name: "defaults inside the entries of a list, and Kong's $refs inside them",
			raw:  `{"checks":["detect"],"credentials":[{"key":"abcd","$refs":{"key":"{vault://env/k}"}}],"extra":{}}`,
			want: func(c *gateConfig) { c.Keys, c.Extra = []credential{{"abcd", "nobody"}}, &extra{On: true} }},
		{name: "null is the same as missing",
			raw:  `{"checks":["detect"],"status":null,"message":null,"extra":null,"rate_limiting":null}`,
			want: func(*gateConfig) {}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			want := gateConfig{common: common{OnError: "deny"}, Checks: []string{"detect"}, Deny: []string{"10.0.0.0/8", "192.168.0.0/16"},
				Status: 403, Ratio: 0.5, Mode: "block", Methods: []string{}, Labels: map[string]string{}, Level: 1,
				Limits: limits{Policy: "local", Redis: redisConfig{Port: 6379}}}
			row.want(&want)
			got := gateConfig{Message: ptr("left over"), PluginID: "left over"}
			require.NoError(t, gate(t).Decode([]byte(row.raw), &got))
			require.Equal(t, want, got)
		})
	}
}

// TestDecodeRefuses holds the exact texts: they are what people read in Kong's log.
func TestDecodeRefuses(t *testing.T) {
	rows := []struct {
		name string
		raw  string // merged into {"checks":["detect"]} unless it is no object
		want string
	}{
		{name: "no JSON", raw: `{"a`, want: "config: is not a JSON object: it ends too early"},
		{name: "broken JSON", raw: `{"a":}`, want: "config: is not a JSON object: syntax error at byte 6"},
		{name: "an array", raw: `[1]`, want: "config: is not a JSON object: it is array"},
		{name: "more than one value", raw: `{} {}`, want: "config: there is more after the JSON object"},
		{name: "a required field missing", raw: `{"checks":null}`, want: "config.checks: required field missing: an array of ip-restriction, detect, rate-limiting"},
		{name: "a misspelt field", raw: `{"alow":[]}`, want: "config.alow: unknown field: did you mean allow?"},
		{name: "swapped letters", raw: `{"stauts":1}`, want: "config.stauts: unknown field: did you mean status?"},
		{name: "hyphens for underscores", raw: `{"on-error":"deny"}`, want: "config.on-error: unknown field: did you mean on_error?"},
		{name: "a field of a section", raw: `{"minute":5}`, want: "config.minute: unknown field here: it belongs to config.rate_limiting"},
		{name: "a field like no other", raw: `{"extra":{"colour":1}}`, want: "config.extra.colour: unknown field: known are on, empty"},
		{name: "a string for an array", raw: `{"allow":"10.0.0.1, 10.0.0.2"}`, want: `config.allow: is a string, expected an array: write ["10.0.0.1", "10.0.0.2"]`},
		{name: "a map for an array", raw: `{"allow":{"a":1}}`, want: "config.allow: is a map, expected an array"},
		{name: "a number for a string", raw: `{"message":5}`, want: "config.message: is a number, expected a string: put it in quotes"},
		{name: "a string for a number", raw: `{"status":"403"}`, want: "config.status: is a string, expected an integer: take the quotes away"},
		{name: "a word for a number", raw: `{"status":"many"}`, want: "config.status: is a string, expected an integer"},
		{name: "a string for a boolean", raw: `{"extra":{"on":"true"}}`, want: "config.extra.on: is a string, expected a boolean: take the quotes away"},
		{name: "a string for a record", raw: `{"extra":"on"}`, want: `config.extra: is a string, expected a record such as {"on": ...}`},
		{name: "an array for a string", raw: `{"mode":["off"]}`, want: "config.mode: is an array, expected a string: it takes one value"},
		{name: "not one of", raw: `{"mode":"blok"}`, want: `config.mode: "blok" is not one of off, monitoring, block: did you mean "block"?`},
		{name: "not one of, in a list", raw: `{"checks":["detect","dtect","x"]}`, want: `config.checks[1]: "dtect" is not one of ip-restriction, detect, rate-limiting: did you mean "detect"?; config.checks[2]: "x" is not one of ip-restriction, detect, rate-limiting`},
		{name: "an empty list", raw: `{"checks":[]}`, want: "config.checks: is empty: write an array of ip-restriction, detect, rate-limiting, or leave the field out"},
		{name: "an empty string", raw: `{"message":""}`, want: "config.message: is empty: write a string, or leave the field out"},
		{name: "out of range", raw: `{"status":99}`, want: "config.status: 99 is not between 100 and 599"},
		{name: "a fraction", raw: `{"status":403.5}`, want: "config.status: 403.5 is not a whole number"},
		{name: "beyond what Lua holds", raw: `{"status":1e300}`, want: "config.status: 1e+300 is too large"},
		{name: "not greater than", raw: `{"rate_limiting":{"second":0}}`, want: "config.rate_limiting.second: 0 is not greater than 0"},
		{name: "a fraction where Kong takes any number but Go an int", raw: `{"rate_limiting":{"minute":1.5}}`, want: "config.rate_limiting.minute: 1.5 is not a whole number that fits here"},
		{name: "a pattern with its own text", raw: `{"allow":["::1","kong"]}`, want: `config.allow[1]: "kong" must be an address or CIDR range`},
		{name: "a pattern for keys", raw: `{"labels":{"A":"b"}}`, want: `config.labels.A: "A" does not match the Lua pattern ^[%l_]+$`},
		{name: "too many entries", raw: `{"labels":{"a":"1","b":"2","c":"3"}}`, want: "config.labels: has 3 entries, at most 2 are allowed"},
		{name: "too long, and the value cut in the text", raw: `{"mode":"` + strings.Repeat("é", 50) + `"}`, want: `config.mode: "` + strings.Repeat("é", 30) + `..." is not one of off, monitoring, block`},
		{name: "null in a list", raw: `{"allow":[null]}`, want: "config.allow[0]: is null, expected a string"},
		{name: "the text of a type of its own", raw: `{"level":"mid"}`, want: `config.level: "mid" is no level: write low or high`},
		{name: "fields that exclude each other", raw: `{"allow":["::1"],"whitelist":["::1"]}`, want: "config: only one or none of these fields must be set: 'config.allow', 'config.whitelist'"},
		{name: "a condition that asks for one of several", raw: `{"checks":["rate-limiting"]}`, want: "config: rate-limiting needs one of 'config.rate_limiting.second', 'config.rate_limiting.minute'"},
		{name: "a condition that asks for a field", raw: `{"rate_limiting":{"policy":"redis"}}`, want: "config.rate_limiting.redis.host: required field missing, given the value of config.rate_limiting.policy"},
		{name: "a check written in Go", raw: `{"rate_limiting":{"second":10,"minute":5}}`, want: "config.rate_limiting.minute: 5 is lower than the limit per second"},
		{name: "several problems at once, in the order of the fields", raw: `{"zzz":1,"mode":1,"status":"x"}`, want: "config.status: is a string, expected an integer; config.mode: is a number, expected a string: put it in quotes; config.zzz: unknown field: known are on_error, checks, allow, deny, whitelist, status, ratio, mode, message, methods, labels, level and 3 more"},
		{name: "a secret of the wrong type", raw: `{"credentials":[{"key":12345678}]}`, want: "config.credentials[0].key: is a number, expected a string: put it in quotes"},
		{name: "a secret that is too short", raw: `{"credentials":[{"key":"abc"}]}`, want: "config.credentials[0].key: has 3 bytes, needs at least 4"},
		{name: "a secret in the wrong place", raw: `{"credentials":"s3cret"}`, want: "config.credentials: is a string, expected an array of records"},
		{name: "a vault reference that Kong could not resolve", raw: `{"credentials":[{"key":""}]}`, want: "config.credentials[0].key: is empty: Kong could not resolve its vault reference"},
		{name: "a vault reference that nobody resolved", raw: `{"credentials":[{"key":"{vault://env/k}"}]}`, want: "config.credentials[0].key: is still a vault reference: Kong resolves references before it sends a config"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			raw := row.raw
			var members map[string]json.RawMessage
			if json.Unmarshal([]byte(raw), &members) == nil {
				if _, ok := members["checks"]; !ok {
					raw = `{"checks":["detect"],` + strings.TrimPrefix(raw, "{")
				}
			}
			if raw == `{"checks":["detect"],} {}` {
				raw = row.raw
			}
			var c gateConfig
			require.EqualError(t, gate(t).Decode([]byte(raw), &c), row.want)
		})
	}
}

func TestDecodeListsErrors(t *testing.T) {
	var c gateConfig
	err := gate(t).Decode([]byte(`{"checks":["detect"],"status":1,"mode":"x"}`), &c)
	var list schema.Errors
	require.ErrorAs(t, err, &list)
	require.Len(t, list, 2)
	var first schema.FieldError
	require.ErrorAs(t, err, &first)
	require.Equal(t, "config.status", first.Path)
}

func TestDecodeCapsErrors(t *testing.T) {
	list := make([]string, 100)
	for i := range list {
		list[i] = `"no address"`
	}
	var c gateConfig
	err := gate(t).Decode([]byte(`{"checks":["detect"],"allow":[`+strings.Join(list, ",")+`]}`), &c)
	var errs schema.Errors
	require.ErrorAs(t, err, &errs)
	require.Len(t, errs, 26)
	require.Equal(t, "config: and 1 more problems", errs[25].Error())
}

func TestDecodeIntoSomethingElse(t *testing.T) {
	for _, into := range []any{nil, gateConfig{}, &extra{}, (*gateConfig)(nil)} {
		require.ErrorContains(t, gate(t).Decode([]byte(`{}`), into), "cannot decode into")
	}
}

// TestSecretsAreNotRepeated breaks every rule around a secret and looks for it in the text.
func TestSecretsAreNotRepeated(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, raw := range []string{
		`{"credentials":["` + secret + `"]}`,
		`{"credentials":[{"key":["` + secret + `"]}]}`,
		`{"credentials":{"a":"` + secret + `"}}`,
		`{"credentials":"` + secret + `"}`,
		`{"credentials":[{"keyy":"` + secret + `"}]}`,
		`{"rate_limiting":{"redis":"` + secret + `"}}`,
		`{"rate_limiting":{"redis":{"password":{"a":"` + secret + `"}}}}`,
		`{"pasword":"` + secret + `"}`,
		`{"pasword":"` + secret,
	} {
		var c gateConfig
		err := gate(t).Decode([]byte(raw), &c)
		require.Error(t, err, raw)
		require.NotContains(t, err.Error(), secret, raw)
	}
}

// FuzzDecode: no panic; an accepted config is also accepted by Complete and decodes to the
// same struct again; a refused one has valid UTF-8 errors that name a place in the config.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"checks":["detect"]}`))                                                             // the least
	f.Add([]byte(`{"checks":["detect"],"rate_limiting":{"second":1.5,"redis":{"port":"x"}}}`))         // nested
	f.Add([]byte(`{"checks":{},"labels":[],"credentials":[{"key":"{vault://a/b}"}],"alow":"\u0000"}`)) // Lua's empty tables
	f.Add([]byte(`{"checks":["rate-limiting"],"status":1e9,"extra":null}`))
	s, err := schema.Of("waf-test", gateConfig{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var c gateConfig
		if err := s.Decode(raw, &c); err != nil {
			for _, e := range err.(schema.Errors) {
				if !strings.HasPrefix(e.Path, "config") || e.Problem == "" {
					t.Errorf("bad error: %#v", e)
				}
			}
			if !utf8.ValidString(err.Error()) {
				t.Errorf("the error is not UTF-8: %q", err)
			}
			return
		}
		var config map[string]any
		require.NoError(t, json.Unmarshal(raw, &config))
		for name := range config {
			if strings.HasPrefix(name, "__") || strings.HasSuffix(name, "_id") || name == "plugin_instance_name" || name == "$refs" {
				delete(config, name)
			}
		}
		full, errs := s.Complete(config)
		for _, e := range errs {
			if !strings.Contains(e.Path, "$refs") && !strings.HasPrefix(e.Problem, "required") {
				t.Fatalf("Decode accepts what Complete refuses: %v", e)
			}
		}
		if errs != nil {
			return
		}
		again, err := json.Marshal(full)
		require.NoError(t, err)
		var c2 gateConfig
		require.NoError(t, s.Decode(again, &c2))
		c.PluginID, c.RouteID = "", ""
		if !reflect.DeepEqual(c, c2) {
			t.Errorf("%s decodes to %+v, completed to %+v", raw, c, c2)
		}
	})
}

// BenchmarkDecodeManyRanges reads a list as long as address lists get.
func BenchmarkDecodeManyRanges(b *testing.B) {
	s := gate(b)
	list := make([]string, 100_000)
	for i := range list {
		list[i] = fmt.Sprintf("%d.%d.%d.0/24", i>>16, i>>8&255, i&255)
	}
	raw, err := json.Marshal(map[string]any{"checks": []string{"detect"}, "allow": list, "methods": list})
	require.NoError(b, err)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var c gateConfig
		if err := s.Decode(raw, &c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	s := gate(b)
	raw := []byte(`{"checks":["detect","rate-limiting"],"allow":["::1"],"rate_limiting":{"second":5,"minute":60,"redis":{"port":6379}},"__seq__":1}`)
	b.ReportAllocs()
	for b.Loop() {
		var c gateConfig
		if err := s.Decode(raw, &c); err != nil {
			b.Fatal(err)
		}
	}
}
