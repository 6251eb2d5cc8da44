package declarative

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const httpRouteManifests = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: kong}
spec:
  gatewayClassName: kong
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: v1
kind: Service
metadata: {name: users, annotations: {konghq.com/path: /api/getusers, konghq.com/retries: "10"}}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: limit}
plugin: waf-rate-limiting
config: {second: 1}
---
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: detect}
plugin: waf-detect
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: users
  annotations: {konghq.com/plugins: limit, konghq.com/strip-path: "true"}
spec:
  parentRefs: [{name: kong}]
  hostnames: [api.example.com]
  rules:
  - matches:
    - {path: {type: PathPrefix, value: /users}, method: GET}
    - path: {type: Exact, value: /v1.0}
      headers: [{name: x-tenant, value: a}, {type: RegularExpression, name: x-kind, value: "b+"}]
    - path: {type: RegularExpression, value: "/u/[0-9]+"}
    timeouts: {backendRequest: 10s}
    filters: [{type: ExtensionRef, extensionRef: {group: configuration.konghq.com, kind: KongPlugin, name: detect}}]
    backendRefs: [{name: users, port: 80}]
  - backendRefs: [{name: users, port: 80}]
`

func TestHTTPRoute(t *testing.T) {
	t.Parallel()
	cfg, problems := parseManifests(httpRouteManifests)
	require.Empty(t, problems)
	require.Len(t, cfg.Services, 1)
	s := cfg.Services[0]
	require.Equal(t, []any{80, "/api/getusers", 10000, 10000, 10000, 10}, []any{s.Port, s.Path, s.ConnectTimeout, s.ReadTimeout, s.WriteTimeout, s.Retries})
	require.Len(t, cfg.Routes, 4)
	require.Equal(t, []string{"/users/", "~/users$"}, cfg.Routes[0].Paths)
	require.Equal(t, []string{"GET"}, cfg.Routes[0].Methods)
	require.Equal(t, []string{`~/v1\.0$`}, cfg.Routes[1].Paths)
	require.Equal(t, map[string][]string{"x-tenant": {"a"}, "x-kind": {"~*b+"}}, cfg.Routes[1].Headers)
	require.Equal(t, []string{"~/u/[0-9]+"}, cfg.Routes[2].Paths)
	require.Equal(t, []string{"/"}, cfg.Routes[3].Paths, "a rule without matches is for everything")
	on := map[string][]string{}
	for _, p := range cfg.Plugins {
		on[p.Name] = append(on[p.Name], p.Route.Name)
	}
	for _, r := range cfg.Routes {
		require.Equal(t, []string{"api.example.com"}, r.Hosts)
		require.True(t, r.StripPath)
		require.Same(t, s, r.Service)
		require.Contains(t, on["waf-rate-limiting"], r.Name, "the annotation is for every rule")
	}
	require.Len(t, on["waf-detect"], 3, "the filter is for its own rule")
	require.NotContains(t, on["waf-detect"], cfg.Routes[3].Name)
}

func TestHTTPRouteProblems(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  parentRefs: [{name: kong}]\n"
	const service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n"
	for _, row := range []struct {
		name, text string
		want       []string
	}{
		{name: "of the beta", text: "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: kong}]}\n", want: []string{"k8s.yml:1: apiVersion: write gateway.networking.k8s.io/v1 for the kind HTTPRoute"}},
		{name: "of no Gateway", text: "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  hostnames: [a b]\n", want: []string{
			"k8s.yml:5: spec.parentRefs: warning: missing: name the Gateway", "k8s.yml:5: spec.hostnames[0]: invalid host name"}},
		{name: "match", text: head + "  rules:\n  - matches:\n    - path: {type: Prefix, value: users}\n      method: get\n      queryParams: [{name: a, value: b}]\n      pth: x\n", want: []string{
			"k8s.yml:8: spec.rules[0].matches[0].path.type: expected one of PathPrefix, Exact, RegularExpression",
			"k8s.yml:8: spec.rules[0].matches[0].path.value: should start with: /",
			"k8s.yml:9: spec.rules[0].matches[0].method: expected one of GET",
			"k8s.yml:10: spec.rules[0].matches[0].queryParams: warning: not read here",
			`k8s.yml:11: spec.rules[0].matches[0].pth: unknown field, did you mean "path"?`}},
		{name: "backend", text: head + "  rules:\n  - backendRefs: [{name: s, port: 81}, {name: t, port: 80}]\n    timeouts: {backendRequest: soon}\n" + service, want: []string{
			"k8s.yml:7: spec.rules[0].backendRefs[1]: warning: not read here: the stand-in sends everything to the first",
			"k8s.yml:7: spec.rules[0].backendRefs[0].port: the Service s has no such port",
			"k8s.yml:8: spec.rules[0].timeouts.backendRequest: expected a duration such as 10s"}},
		{name: "backend in no file, and one without a port", text: head + "  rules:\n  - backendRefs: [{name: t, port: 80}]\n  - backendRefs: [{name: t}]\n", want: []string{
			`k8s.yml:7: spec.rules[0].backendRefs[0].name: warning: no Service with the name "t" in these files`,
			"k8s.yml:8: spec.rules[1].backendRefs[0]: write the name and the port of a Service"}},
		{name: "filters", text: head + "  rules:\n  - filters:\n    - {type: URLRewrite, urlRewrite: {}}\n    - {type: ExtensionRef, extensionRef: {group: configuration.konghq.com, kind: KongPlugin, name: nope}}\n", want: []string{
			"k8s.yml:8: spec.rules[0].filters[0]: warning: filters of the type URLRewrite are not read here",
			`k8s.yml:9: spec.rules[0].filters[1].extensionRef.name: no KongPlugin with the name "nope" in the namespace default`}},
		{name: "Gateway", text: "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  listeners:\n  - {name: http, port: 80, protocol: HTTP, hostname: a.example.com}\n", want: []string{
			"k8s.yml:5: spec.gatewayClassName: missing: write kong", "k8s.yml:6: spec.listeners[0].hostname: warning: not read here: write it under the hostnames"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, problems := parseManifests(row.text)
			compareProblems(t, row.want, problems)
		})
	}
}
