package schema_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestComplete(t *testing.T) {
	const defaults = `"on_error":"deny","deny":["10.0.0.0/8","192.168.0.0/16"],"status":403,"ratio":0.5,"mode":"block","methods":[],"labels":{},"level":"low"`
	rows := []struct {
		name string
		yaml string
		want string
	}{
		{name: "defaults are filled in, also inside records; a pointer's are not",
			yaml: "checks: [detect]",
			want: `{"checks":["detect"],` + defaults + `,"rate_limiting":{"policy":"local","redis":{"port":6379}}}`},
		{name: "a section that is there gets its defaults",
			yaml: "checks: [detect]\nextra: {}\ncredentials: [{key: abcd}]",
			want: `{"checks":["detect"],` + defaults + `,"rate_limiting":{"policy":"local","redis":{"port":6379}},"extra":{"on":true,"empty":""},"credentials":[{"key":"abcd","consumer":"nobody"}]}`},
		{name: "an explicit null takes a default away, as in Kong",
			yaml: "checks: [detect]\nstatus: null\nmessage: ~",
			want: `{"checks":["detect"],"on_error":"deny","deny":["10.0.0.0/8","192.168.0.0/16"],"ratio":0.5,"mode":"block","methods":[],"labels":{},"level":"low","rate_limiting":{"policy":"local","redis":{"port":6379}}}`},
		{name: "a vault reference passes the rules of its field",
			yaml: "checks: [detect]\ncredentials: [{key: '{vault://env/k}'}]",
			want: `{"checks":["detect"],` + defaults + `,"rate_limiting":{"policy":"local","redis":{"port":6379}},"credentials":[{"key":"{vault://env/k}","consumer":"nobody"}]}`},
		{name: "whole numbers and fractions keep their kind",
			yaml: "checks: [detect]\nrate_limiting: {second: 0.5, minute: 60.0}",
			want: `{"checks":["detect"],` + defaults + `,"rate_limiting":{"second":0.5,"minute":60,"policy":"local","redis":{"port":6379}}}`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var config map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(row.yaml), &config))
			before, err := json.Marshal(config)
			require.NoError(t, err)
			full, errs := gate(t).Complete(config)
			require.Empty(t, errs)
			got, err := json.Marshal(full)
			require.NoError(t, err)
			require.JSONEq(t, row.want, string(got))
			after, err := json.Marshal(config)
			require.NoError(t, err)
			require.Equal(t, string(before), string(after), "the input was changed")
		})
	}
}

func TestCompleteRefuses(t *testing.T) {
	rows := []struct {
		name   string
		config map[string]any
		want   string
	}{
		{name: "nothing at all", config: nil, want: "config.checks: required field missing: an array of ip-restriction, detect, rate-limiting"},
		{name: "null for a required field with a default", config: map[string]any{"checks": []any{"detect"}, "mode": nil}, want: "config.mode: required field missing: one of off, monitoring, block"},
		{name: "a date that YAML made of a string", config: map[string]any{"checks": []any{"detect"}, "message": time.Unix(0, 0)}, want: "config.message: is a date, expected a string: put it in quotes"},
		{name: "YAML's not a number", config: map[string]any{"checks": []any{"detect"}, "ratio": math.NaN()}, want: "config.ratio: is not a finite number"},
		{name: "Kong's bookkeeping is not for a user to write", config: map[string]any{"checks": []any{"detect"}, "__plugin_id": "x"}, want: "config.__plugin_id: unknown field: known are on_error, checks, allow, deny, whitelist, status, ratio, mode, message, methods, labels, level and 3 more"},
		{name: "a name that a line of a log should not hold", config: map[string]any{"checks": []any{"detect"}, "extra": map[string]any{"a\nb": 1}}, want: `config.extra."a\nb": unknown field: known are on, empty`},
		{name: "a map with other keys than strings", config: map[string]any{"checks": []any{"detect"}, "labels": map[any]any{1: "a"}}, want: `config.labels.1: "1" does not match the Lua pattern ^[%l_]+$`},
		{name: "a list for a record", config: map[string]any{"checks": []any{"detect"}, "extra": []any{1}}, want: `config.extra: is an array, expected a record such as {"on": ...}`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, errs := gate(t).Complete(row.config)
			require.Len(t, errs, 1)
			require.Equal(t, row.want, errs[0].Error())
		})
	}
}

func TestDefaultsAreNotShared(t *testing.T) {
	s := gate(t)
	first, _ := s.Complete(map[string]any{"checks": []any{"detect"}})
	first["deny"].([]any)[0] = "spoilt"
	second, _ := s.Complete(map[string]any{"checks": []any{"detect"}})
	require.Equal(t, "10.0.0.0/8", second["deny"].([]any)[0])
}

func TestDeprecated(t *testing.T) {
	s := gate(t)
	require.Empty(t, s.Deprecated(map[string]any{"allow": []any{"::1"}, "whitelist": nil}))
	got := s.Deprecated(map[string]any{"whitelist": []any{"::1"}})
	require.Len(t, got, 1)
	require.Equal(t, "config.whitelist: is deprecated and will go with version 4.0: write config.allow", got[0].Error())
}
