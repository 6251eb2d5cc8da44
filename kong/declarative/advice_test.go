package declarative

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// keysValidator takes every config as it is.
type keysValidator struct{}

func (keysValidator) Names() []string {
	return []string{"waf-key-auth", "waf-gate", "waf-detect"}
}

func (keysValidator) Validate(_ string, config map[string]any) (map[string]any, []ConfigProblem) {
	return config, nil
}

// TestKeyAdvice: keys of nobody, and keys that nobody reads.
func TestKeyAdvice(t *testing.T) {
	const consumer = "\nconsumers:\n- {username: ann, id: 4cc0ee9a-9f8a-4d46-8c8b-1b2c3d4e5f60, keyauth_credentials: [{key: hush}]}\n"
	for _, tc := range []struct {
		name, text string
		want       []string // each in one warning, no more than these
	}{
		{name: "a consumer that is there", text: "plugins:\n- name: waf-key-auth\n  config: {credentials: [{key: hush, consumer: ann}]}" + consumer},
		{name: "by its id", text: "plugins:\n- name: waf-key-auth\n  config: {credentials: [{key: hush, consumer: 4cc0ee9a-9f8a-4d46-8c8b-1b2c3d4e5f60}]}" + consumer},
		{name: "a consumer that is not", text: "plugins:\n- name: waf-key-auth\n  config:\n    credentials:\n    - {key: hush, consumer: ann}\n    - {key: k, consumer: bob}" + consumer,
			want: []string{`kong.yml:7: plugins[0].config.credentials[1].consumer: warning: no consumer with the username or id "bob"`}},
		{name: "in the gate", text: "plugins:\n- name: waf-gate\n  config:\n    checks: [key-auth]\n    key_auth:\n      anonymous: guest\n      credentials: [{key: hush, consumer: bob}]" + consumer,
			want: []string{`kong.yml:7: plugins[0].config.key_auth.anonymous: warning: no consumer with the username or id "guest"`, `kong.yml:8: plugins[0].config.key_auth.credentials[0].consumer: warning: no consumer`}},
		{name: "the gate does not check keys", text: "plugins:\n- name: waf-gate\n  config: {checks: [detect], key_auth: {anonymous: guest}}" + consumer},
		{name: "switched off", text: "plugins:\n- {name: waf-key-auth, enabled: false, config: {anonymous: guest}}" + consumer},
		{name: "a consumer from a vault", text: "plugins:\n- name: waf-key-auth\n  config: {credentials: [{key: hush, consumer: '{vault://env/name}'}]}" + consumer},
		{name: "Kong's own credentials", text: "plugins:\n- name: waf-key-auth\n  config: {credentials: []}" + consumer},
		{name: "Kong's own credentials, not read", text: "plugins:\n- name: waf-key-auth\n  config: {kong_credentials: 'off'}" + consumer,
			want: []string{"kong.yml:4: plugins[0].config.kong_credentials: warning: 1 key-auth credentials of consumers, the first at kong.yml:6, are not among credentials, and waf-key-auth is told not to read Kong's own"}},
		{name: "listed by their hash", text: "plugins:\n- name: waf-key-auth\n  config: {kong_credentials: 'off', credentials: [{key_sha256: " + strings.ToUpper(hashOf("hush")) + ", consumer: ann}]}" + consumer},
		{name: "Kong's own key-auth reads them", text: "plugins:\n- name: waf-key-auth\n  config: {kong_credentials: 'off'}\n- name: key-auth" + consumer, want: []string{"key-auth is one of Kong's own", "waf-key-auth (kong.yml:3) does the same for the same requests"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problems := Parse(Options{Validator: keysValidator{}}, Source{Name: "kong.yml", Data: []byte("_format_version: \"3.0\"\n" + tc.text)})
			require.NoError(t, problems.Err())
			require.Len(t, problems, len(tc.want), "%v", problems)
			for i, want := range tc.want {
				require.Contains(t, problems[i].String(), want)
				require.NotContains(t, problems[i].String(), "hush")
			}
		})
	}
}

// TestGlobalAdvice: only a KongClusterPlugin is global, and next to an annotation it does not
// count twice.
func TestGlobalAdvice(t *testing.T) {
	const ingress = `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: in
  annotations:
    konghq.com/plugins: near
spec:
  ingressClassName: kong
  rules:
  - http:
      paths:
      - {path: /a, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}
      - {path: /b, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {ports: [{port: 80}]}
`
	plugin := func(kind, name, plugin, labels string) string {
		return "apiVersion: configuration.konghq.com/v1\nkind: " + kind + "\nmetadata:\n  name: " + name +
			"\n  annotations: {kubernetes.io/ingress.class: kong}\n  labels: {" + labels + "}\nplugin: " + plugin + "\n---\n"
	}
	const global = `global: "true"`
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{name: "another plugin is global", text: plugin("KongClusterPlugin", "all", "waf-detect", global) + plugin("KongPlugin", "near", "waf-gate", "")},
		{name: "the same one is global", text: plugin("KongClusterPlugin", "near", "waf-detect", global),
			want: []string{"k8s.yml:14: metadata.annotations.konghq.com/plugins: warning: near is global: it runs here without being named"}},
		{name: "one of that name is global", text: plugin("KongClusterPlugin", "all", "waf-detect", global) + plugin("KongPlugin", "near", "waf-detect", ""),
			want: []string{"metadata.annotations.konghq.com/plugins: warning: near applies here instead of the global all (k8s.yml:1), not beside it: Kong runs one config of waf-detect"}},
		{name: "a label that does nothing", text: plugin("KongPlugin", "near", "waf-detect", global),
			want: []string{"k8s.yml:3: metadata.labels.global: warning: only a KongClusterPlugin can be global"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config, problems := Parse(Options{Validator: keysValidator{}}, Source{Name: "k8s.yml", Data: []byte(tc.text + strings.TrimPrefix(ingress, "\n---\n"))})
			require.NoError(t, problems.Err())
			require.Len(t, problems, len(tc.want), "%v", problems)
			for i, want := range tc.want {
				require.Contains(t, problems[i].String(), want)
			}
			require.NotEmpty(t, config.Plugins)
		})
	}
}
