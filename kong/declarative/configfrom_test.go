package declarative

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pluginWith is a KongClusterPlugin with the given lines below it, and a Secret beside it.
func pluginWith(lines string) Source {
	return Source{Name: "k.yaml", Data: []byte(`
apiVersion: configuration.konghq.com/v1
kind: KongClusterPlugin
metadata: {name: p, labels: {global: "true"}, annotations: {kubernetes.io/ingress.class: kong}}
plugin: waf-key-auth
` + lines + `
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: default}
stringData:
  credentials: '[{"key": "s3cret", "consumer": "ann"}]'
  whole: '{"realm": "x"}'
  broken: '{"key": "s3cret"'
`)}
}

func TestConfigFromSecrets(t *testing.T) {
	for _, tc := range []struct {
		name, lines string
		want        map[string]any
		err         string
	}{
		{name: "patch from a Secret", lines: "config: {realm: y}\nconfigPatches: [{path: /credentials, valueFrom: {secretKeyRef: {name: keys, namespace: default, key: credentials}}}]",
			want: map[string]any{"realm": "y", "credentials": []any{map[string]any{"key": "s3cret", "consumer": "ann"}}}},
		{name: "patch with a value, nested", lines: "configPatches: [{path: /redis/host, value: redis}]",
			want: map[string]any{"redis": map[string]any{"host": "redis"}}},
		{name: "all of it", lines: "configFrom: {secretKeyRef: {name: keys, namespace: default, key: whole}}",
			want: map[string]any{"realm": "x"}},
		{name: "no such key", lines: "configFrom: {secretKeyRef: {name: keys, namespace: default, key: hole}}", err: `no key "hole"`},
		{name: "not JSON", lines: "configFrom: {secretKeyRef: {name: keys, namespace: default, key: broken}}", err: "holds no JSON"},
		{name: "both", lines: "config: {realm: y}\nconfigFrom: {secretKeyRef: {name: keys, namespace: default, key: whole}}", err: "not both"},
		{name: "no pointer", lines: "configPatches: [{path: credentials, value: 1}]", err: "JSON pointer"},
		{name: "neither value", lines: "configPatches: [{path: /a}]", err: "valueFrom"},
		{name: "no name", lines: "configFrom: {secretKeyRef: {key: whole}}", err: "the name and the key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config, problems := Parse(Options{}, pluginWith(tc.lines))
			if tc.err != "" {
				require.ErrorContains(t, problems.Err(), tc.err)
				require.NotContains(t, problems.Err().Error(), "s3cret")
				return
			}
			require.NoError(t, problems.Err())
			require.Len(t, config.Plugins, 1)
			require.Equal(t, tc.want, config.Plugins[0].Config)
		})
	}
}

func TestConfigFromSecretElsewhere(t *testing.T) {
	_, problems := Parse(Options{}, pluginWith("configFrom: {secretKeyRef: {name: elsewhere, namespace: default, key: whole}}"))
	require.NoError(t, problems.Err(), "the Secret may well be in the cluster")
	require.True(t, strings.Contains(problems.Warnings()[0].Message, "not in these files"), "%v", problems)
}
