package declarative

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func parseManifests(text string) (*Config, Problems) {
	return Parse(Options{Validator: toyValidator{}}, Source{Name: "k8s.yml", Data: []byte(text)})
}

const ingressManifests = `# the API behind Kong
apiVersion: v1
kind: Service
metadata:
  name: users
  annotations:
    konghq.com/path: /api/getusers
    konghq.com/connect-timeout: "10000"
    konghq.com/retries: "10"
spec:
  selector: {app: users}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: users
  annotations:
    konghq.com/plugins: http-auth, limit
    konghq.com/strip-path: "true"
    konghq.com/methods: get
    konghq.com/headers.x-tenant: a,b
spec:
  ingressClassName: kong
  tls: [{hosts: [api.example.com], secretName: origin}]
  rules:
  - host: api.example.com
    http:
      paths:
      - {path: /users, pathType: Prefix, backend: {service: {name: users, port: {number: 80}}}}
      - {path: /one, pathType: Exact, backend: {service: {name: users, port: {name: http}}}}
      - {path: "/~/v[0-9]+", pathType: ImplementationSpecific, backend: {service: {name: users, port: {number: 80}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: origin}
type: kubernetes.io/tls
data: {tls.crt: eA==, tls.key: eA==}
---
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: http-auth}
plugin: waf-key-auth
---
apiVersion: configuration.konghq.com/v1
kind: KongClusterPlugin
metadata: {name: limit, annotations: {kubernetes.io/ingress.class: kong}}
plugin: waf-rate-limiting
config: {second: 1}
---
apiVersion: configuration.konghq.com/v1
kind: KongClusterPlugin
metadata: {name: everywhere, annotations: {kubernetes.io/ingress.class: kong}, labels: {global: "true"}}
plugin: waf-detect
---
apiVersion: configuration.konghq.com/v1
kind: KongConsumer
metadata: {name: top, annotations: {kubernetes.io/ingress.class: kong}}
username: topuser
credentials: [top-key, top-old]
---
apiVersion: v1
kind: Secret
metadata: {name: top-key, labels: {konghq.com/credential: key-auth}}
stringData: {key: s3cret}
---
apiVersion: v1
kind: Secret
metadata: {name: top-old, labels: {konghq.com/credential: key-auth}}
data: {key: b2xk}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: users}
spec: {whatever: true}
`

func TestManifests(t *testing.T) {
	t.Parallel()
	cfg, problems := parseManifests(ingressManifests)
	require.Empty(t, problems)
	require.Len(t, cfg.Services, 1)
	s := cfg.Services[0]
	require.Equal(t, "default.users.80", s.Name)
	require.Equal(t, "users.default.svc", s.Host)
	require.Equal(t, []any{80, "/api/getusers", 10000, 60000, 10}, []any{s.Port, s.Path, s.ConnectTimeout, s.ReadTimeout, s.Retries})
	require.Len(t, cfg.Routes, 3)
	r := cfg.Routes[0]
	require.Equal(t, []string{"/users/", "~/users$"}, r.Paths)
	require.Equal(t, []string{"~/one$"}, cfg.Routes[1].Paths)
	require.Equal(t, []string{"~/v[0-9]+"}, cfg.Routes[2].Paths)
	require.Equal(t, []string{"GET"}, r.Methods)
	require.Equal(t, []string{"api.example.com"}, r.Hosts)
	require.Equal(t, map[string][]string{"x-tenant": {"a", "b"}}, r.Headers)
	require.True(t, r.StripPath)
	require.True(t, r.PreserveHost, "the Kong Ingress Controller's default")
	require.Same(t, s, r.Service)
	require.Equal(t, "topuser", cfg.Consumers[0].Username)
	require.Equal(t, []string{"s3cret", "old"}, []string{cfg.Consumers[0].Keys[0].Key, cfg.Consumers[0].Keys[1].Key})
	require.Len(t, cfg.Plugins, 7, "two for each of three routes and one global")
	ids := map[string]bool{}
	for _, p := range cfg.Plugins {
		require.Equal(t, "block", p.Config["mode"], "defaults reach every use of a KongPlugin")
		ids[p.ID] = true
	}
	require.Len(t, ids, 7)
	require.Equal(t, "global", pluginOf(cfg, "waf-detect").Scope())
}

func TestManifestProblems(t *testing.T) {
	t.Parallel()
	const meta = "apiVersion: configuration.konghq.com/v1\nkind: KongPlugin\nmetadata: {name: a}\n"
	const consumer = "apiVersion: configuration.konghq.com/v1\nkind: KongConsumer\nmetadata: {name: a, annotations: {kubernetes.io/ingress.class: kong}}\nusername: u\n"
	attached := func(text string) string {
		return text + "---\n" + consumer + "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {konghq.com/plugins: a}}\nspec: {ports: [{port: 80}]}\n" +
			"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {ingressClassName: kong, rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}}]}\n"
	}
	for _, row := range []struct {
		name, text string
		want       []string
	}{
		{name: "a good one", text: attached(meta + "plugin: waf-detect\n")},
		{name: "the allow-list mistake, under its old name", text: attached(meta + "plugin: waf-ip-restriction\nconfig:\n  whitelist: 173.245.48.0/20,103.21.244.0/22\n"), want: []string{
			`k8s.yml:6: config.whitelist: expected an array, found a string: write ["173.245.48.0/20", "103.21.244.0/22"], or one entry a line, each after a dash`,
			"k8s.yml:6: config.whitelist: warning: deprecated: write allow"}},
		{name: "attached to nothing", text: meta + "plugin: waf-detect\n", want: []string{"k8s.yml:3: metadata.name: warning: KongPlugin a is attached to nothing in these files: name it in a konghq.com/plugins annotation"}},
		{name: "field of a KongPlugin", text: attached(meta + "plugn: waf-detect\n"), want: []string{`k8s.yml:1: plugin: missing: write the plugin's name`, `k8s.yml:4: plugn: unknown field, did you mean "plugin"?`}},
		{name: "kind", text: "apiVersion: v1\nkind: KongPlugn\nmetadata: {name: a}\n", want: []string{`k8s.yml:2: kind: unknown kind "KongPlugn", did you mean "KongPlugin"?`}},
		{name: "a kind of somebody else's", text: "apiVersion: acme/v1\nkind: Zebra\nmetadata: {name: a}\n", want: []string{`k8s.yml:2: kind: warning: Zebra is not read here`}},
		{name: "a list, as kubectl writes it", text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: configuration.konghq.com/v1\n  kind: KongPlugin\n  metadata: {name: a}\n  plugn: x\n", want: []string{
			"k8s.yml:4: plugin: missing: write the plugin's name", "k8s.yml:6: metadata.name: warning: KongPlugin a is attached to nothing", `k8s.yml:7: plugn: unknown field, did you mean "plugin"?`}},
		{name: "version", text: "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\nspec: {ingressClassName: kong}\n", want: []string{"k8s.yml:1: apiVersion: write networking.k8s.io/v1 for the kind Ingress"}},
		{name: "annotations", text: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  annotations:\n    konghq.com/strip-pth: \"true\"\n    konghq.com/preserve-host: yes please\n    konghq.com/regex-priority: 5\n    konghq.com/plugins: nope\n    konghq.com/override: x\nspec:\n  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}}]\n", want: []string{
			`k8s.yml:6: metadata.annotations.konghq.com/strip-pth: unknown annotation, did you mean "konghq.com/strip-path"?`,
			`k8s.yml:7: metadata.annotations.konghq.com/preserve-host: expected "true" or "false"`,
			`k8s.yml:8: metadata.annotations.konghq.com/regex-priority: Kubernetes takes only strings here: write it in quotes, "5"`,
			`k8s.yml:9: metadata.annotations.konghq.com/plugins: no KongPlugin with the name "nope" in the namespace default`,
			`k8s.yml:10: metadata.annotations.konghq.com/override: warning: not read here`,
			`k8s.yml:12: spec.ingressClassName: warning: missing: write kong`,
			`k8s.yml:12: spec.rules[0].http.paths[0].backend.service.name: warning: no Service with the name "s" in these files`}},
		{name: "a plugin of another namespace is not found", text: "apiVersion: configuration.konghq.com/v1\nkind: KongPlugin\nmetadata: {name: a, namespace: other}\nplugin: waf-detect\n---\n" +
			"apiVersion: configuration.konghq.com/v1\nkind: KongConsumer\nmetadata: {name: c, annotations: {kubernetes.io/ingress.class: kong, konghq.com/plugins: a}}\nusername: u\n", want: []string{
			"k8s.yml:3: metadata.name: warning: KongPlugin a is attached to nothing", `k8s.yml:8: metadata.annotations.konghq.com/plugins: no KongPlugin with the name "a" in the namespace default`}},
		{name: "credential without a Secret", text: consumer + "credentials: [top-key]\n", want: []string{`k8s.yml:5: credentials[0]: no Secret with the name "top-key" in the namespace default`}},
		{name: "credential of the old form", text: consumer + "credentials: [k]\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: k}\nstringData: {kongCredType: key-auth, key: hush}\n", want: []string{
			"k8s.yml:7: stringData.kongCredType: warning: the Kong Ingress Controller 3 reads the label konghq.com/credential: key-auth instead"}},
		{name: "credential without its label", text: consumer + "credentials: [k]\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: k}\nstringData: {key: hush}\n", want: []string{
			"k8s.yml:9: metadata.labels: KongConsumer a takes this Secret for a credential: label it konghq.com/credential: key-auth"}},
		{name: "plain text under data", text: "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\ndata: {key: \"hush hush\"}\n", want: []string{"k8s.yml:4: data.key: not base64: write the plain value under stringData instead"}},
		{name: "consumer without its class", text: "apiVersion: configuration.konghq.com/v1\nkind: KongConsumer\nmetadata: {name: a}\nusername: u\n", want: []string{"k8s.yml:3: metadata.annotations: warning: without kubernetes.io/ingress.class: kong the Kong Ingress Controller passes this KongConsumer by"}},
		{name: "the old Ingress, all of it", text: "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata:\n  name: a\n  annotations: {plugins.konghq.com: p}\nspec:\n  ingressClassName: kong\n  rules:\n  - http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend: {serviceName: users, servicePort: 80}\n", want: []string{
			"k8s.yml:1: apiVersion: write networking.k8s.io/v1 for the kind Ingress",
			"k8s.yml:5: metadata.annotations.plugins.konghq.com: warning: read by no current Kong Ingress Controller: write konghq.com/plugins",
			"k8s.yml:13: spec.rules[0].http.paths[0].backend: serviceName and servicePort are of the Ingress before networking.k8s.io/v1: write service: {name: users, port: {number: 80}}"}},
		{name: "a port by its name in the old Ingress", text: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {ingressClassName: kong, rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {serviceName: users, servicePort: http}}]}}]}\n", want: []string{
			"k8s.yml:4: spec.rules[0].http.paths[0].backend: serviceName and servicePort are of the Ingress before networking.k8s.io/v1: write service: {name: users, port: {name: http}}"}},
		{name: "KongIngress", text: "apiVersion: configuration.konghq.com/v1\nkind: KongIngress\nmetadata: {name: a}\nproxy:\n  connect_timeout: 10000\nroute:\n  strip_path: true\n  headers: {x: [y]}\nupstream:\n  hash_on: ip\n", want: []string{
			"k8s.yml:2: kind: warning: KongIngress is deprecated",
			"k8s.yml:5: proxy.connect_timeout: warning: write the annotation konghq.com/connect-timeout on the Service",
			"k8s.yml:7: route.strip_path: warning: write the annotation konghq.com/strip-path on the Ingress",
			"k8s.yml:8: route.headers: warning: write the annotation konghq.com/headers on the Ingress, followed by a dot",
			"k8s.yml:10: upstream.hash_on: warning: write a KongUpstreamPolicy"}},
		{name: "KongCredential", text: "apiVersion: configuration.konghq.com/v1\nkind: KongCredential\nmetadata: {name: a}\nconsumerRef: top\ntype: basic-auth\nconfig: {password: hush}\n", want: []string{
			"k8s.yml:2: kind: KongCredential is no more: write a Secret labelled konghq.com/credential: basic-auth"}},
		{name: "TLS secret of another type", text: "apiVersion: v1\nkind: Secret\nmetadata: {name: t}\ntype: Opaque\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  ingressClassName: kong\n  tls: [{secretName: t}]\n", want: []string{
			"k8s.yml:11: spec.tls[0].secretName: the Secret t must be of the type kubernetes.io/tls"}},
		{name: "no such port", text: "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  ingressClassName: kong\n  rules: [{http: {paths: [{path: x, backend: {service: {name: s, port: {number: 81}}}}]}}]\n", want: []string{
			"k8s.yml:11: spec.rules[0].http.paths[0].pathType: missing: write Prefix, Exact or ImplementationSpecific",
			"k8s.yml:11: spec.rules[0].http.paths[0].path: should start with: /",
			"k8s.yml:11: spec.rules[0].http.paths[0].backend.service.port: the Service s has no such port"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, problems := parseManifests(row.text)
			compareProblems(t, row.want, problems)
			for _, p := range problems {
				require.NotContains(t, p.String(), "hush", "no secret in a message")
			}
		})
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, word, want string }{
		{name: "a letter is missing", word: "strip_pth", want: `, did you mean "strip_path"?`},
		{name: "two letters are swapped", word: "ptahs", want: `, did you mean "paths"?`},
		{name: "nothing near", word: "zebra"},
		{name: "very long", word: string(make([]byte, 200))},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.Equal(t, row.want, DidYouMean(row.word, []string{"paths", "strip_path", "hosts"}))
		})
	}
}
