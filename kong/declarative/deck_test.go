package declarative

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// toyValidator knows two plugins; "allow" of the first is an array, "mode" has a default.
type toyValidator struct{}

func (toyValidator) Names() []string {
	return []string{"waf-ip-restriction", "waf-detect", "waf-gate", "waf-key-auth", "waf-rate-limiting"}
}

func (toyValidator) Validate(plugin string, config map[string]any) (map[string]any, []ConfigProblem) {
	var problems []ConfigProblem
	out := map[string]any{"mode": "block"}
	for k, v := range config {
		out[k] = v
		switch _, isText := v.(string); {
		case (k == "allow" || k == "whitelist") && isText:
			problems = append(problems, ConfigProblem{Field: "config." + k, Message: "expected an array"})
		case k == "redis":
			problems = append(problems, ConfigProblem{Field: "config.redis.port", Message: "expected a number"})
		case k == "rules":
			problems = append(problems, ConfigProblem{Field: "config.rules[1].path", Message: "missing"})
		}
		if k == "whitelist" {
			problems = append(problems, ConfigProblem{Field: "config.whitelist", Message: "deprecated: write allow", Warning: true})
		}
	}
	return out, problems
}

// parseDeck reads a deck document; its first line is line 1, the format version.
func parseDeck(text string, env map[string]string) (*Config, Problems) {
	return Parse(Options{Validator: toyValidator{}, Env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}, Source{Name: "kong.yml", Data: []byte("_format_version: \"3.0\"\n" + text)})
}

func TestDeck(t *testing.T) {
	t.Parallel()
	cfg, problems := parseDeck(`
services:
  - name: users
    url: http://127.0.0.1:18100/api
    retries: 10
    connect_timeout: 10000
    tags: [a]
    plugins:
      - {name: waf-detect, config: {sensitivity: high}}
    routes:
      - name: users
        paths: [/users, "~/cap/(?<id>[0-9]+)$"]
        methods: [GET]
        hosts: [api.example.com, "*.example.com"]
        headers: {X-Tenant: [a, b]}
        regex_priority: 5
        preserve_host: true
        plugins:
          - {name: waf-ip-restriction, config: {allow: [10.0.0.0/8]}}
  - {name: grpc, protocol: grpc, host: g.internal, port: 9000}
routes:
  - {name: top, paths: [/top], service: users, strip_path: false}
  - {name: g, paths: [/pkg.Svc], service: {name: grpc}, protocols: [grpc]}
consumers:
  - username: bob
    custom_id: bob-7
    tags: [gold]
    keyauth_credentials: [{key: "${{ env "DECK_KEY" }}"}]
    plugins: [{name: waf-rate-limiting, config: {minute: 5}}]
  - custom_id: nameless
keyauth_credentials:
  - {key: second, consumer: bob}
upstreams:
  - name: pool
    algorithm: round-robin
    targets: [{target: "10.0.0.1:80", weight: 10}]
targets:
  - {target: "10.0.0.2:80", upstream: pool}
plugins:
  - {name: waf-detect, instance_name: everywhere}
  - {name: waf-detect, route: top, enabled: false}
  - {name: waf-rate-limiting, service: {name: users}, consumer: bob}
`, map[string]string{"DECK_KEY": "s3cret"})
	require.Empty(t, problems)
	users := cfg.Services[0]
	require.Equal(t, Service{
		ID: users.ID, Name: "users", Protocol: "http", Host: "127.0.0.1", Port: 18100, Path: "/api", Retries: 10, ConnectTimeout: 10000,
		WriteTimeout: 60000, ReadTimeout: 60000, Enabled: true, Tags: []string{"a"}, At: Position{File: "kong.yml", Line: 4},
	}, *users)
	require.Len(t, cfg.Routes, 3)
	first := cfg.Routes[0]
	require.Same(t, users, first.Service)
	require.True(t, first.StripPath, "the default")
	require.True(t, first.PreserveHost)
	require.Equal(t, map[string][]string{"X-Tenant": {"a", "b"}}, first.Headers)
	require.Same(t, users, cfg.Routes[1].Service)
	require.False(t, cfg.Routes[1].StripPath)
	require.False(t, cfg.Routes[2].StripPath, "gRPC keeps its path")
	require.Equal(t, []string{"http", "https"}, cfg.Routes[1].Protocols)
	bob := cfg.Consumers[0]
	require.Equal(t, "s3cret", bob.Keys[0].Key)
	require.Equal(t, "second", bob.Keys[1].Key)
	require.Equal(t, []Target{{"10.0.0.1:80", 10}, {"10.0.0.2:80", 100}}, cfg.Upstreams[0].Targets)

	scopes := []string{}
	for _, p := range cfg.Plugins {
		scopes = append(scopes, p.Name+" "+p.Scope())
		require.Equal(t, "block", p.Config["mode"], "completed by the validator")
	}
	require.Equal(t, []string{
		`waf-detect service "users"`, `waf-ip-restriction route "users"`, `waf-rate-limiting consumer "bob"`,
		`waf-detect global`, `waf-detect route "top"`, `waf-rate-limiting service "users" and consumer "bob"`,
	}, reorder(scopes))
	require.Equal(t, []any{"10.0.0.0/8"}, pluginOf(cfg, "waf-ip-restriction").Config["allow"])
	require.Equal(t, 5.0, pluginOf(cfg, "waf-rate-limiting").Config["minute"], "numbers as encoding/json has them")
}

// reorder puts plugins of services before those of routes, whatever the order of reading.
func reorder(s []string) []string {
	if len(s) > 1 && strings.Contains(s[0], "route") {
		s[0], s[1] = s[1], s[0]
	}
	return s
}

func pluginOf(cfg *Config, name string) *Plugin {
	for _, p := range cfg.Plugins {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// TestIDs compares with the ids that a real Kong 3.9.1 without a database gave.
func TestIDs(t *testing.T) {
	t.Parallel()
	cfg, problems := parseDeck(`
services: [{name: up, host: h, routes: [{name: open, paths: [/open]}]}]
consumers: [{username: bob, keyauth_credentials: [{key: a}, {key: b, id: 4cc0ee9a-9f8a-4d46-8c8b-1b2c3d4e5f60}]}]
plugins: [{name: waf-detect}]
`, nil)
	require.Empty(t, problems)
	require.Equal(t, "dea4c45f-3d88-5461-8ebd-05ae5bbbf87a", cfg.Services[0].ID)
	require.Equal(t, "367bdb48-b987-54a4-b618-b350391e1597", cfg.Routes[0].ID)
	require.Equal(t, "def4f7d3-9863-5ad2-8fa9-c949bf26f55e", cfg.Consumers[0].ID)
	require.Equal(t, "4cc0ee9a-9f8a-4d46-8c8b-1b2c3d4e5f60", cfg.Consumers[0].Keys[1].ID)
	require.Len(t, cfg.Plugins[0].ID, 36)
}

func TestDeckProblems(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text string
		env        map[string]string
		want       []string // each with its line and field; line 1 is the format version
	}{
		{name: "unknown field", text: "services:\n- {name: a, host: h, protocl: http}\n", want: []string{`kong.yml:3: services[0].protocl: unknown field, did you mean "protocol"?`}},
		{name: "unknown field far from any", text: "services:\n- {name: a, host: h, zebra: 1}\n", want: []string{"kong.yml:3: services[0].zebra: unknown field"}},
		{name: "unknown entity", text: "servics: []\n", want: []string{`kong.yml:2: servics: unknown field, did you mean "services"?`}},
		{name: "written twice", text: "services:\n- name: a\n  host: h\n  name: b\n", want: []string{"kong.yml:5: services[0].name: written twice"}},
		{name: "wrong type", text: "services:\n- {name: a, host: h, port: http}\n", want: []string{"kong.yml:3: services[0].port: expected a whole number, found a string"}},
		{name: "quoted boolean", text: "routes:\n- name: r\n  paths: [/]\n  strip_path: \"true\"\n", want: []string{"kong.yml:5: routes[0].strip_path: expected a boolean (true or false, without quotes), found a string"}},
		{name: "out of range", text: "services:\n- {name: a, host: h, port: 70000}\n", want: []string{"kong.yml:3: services[0].port: value should be between 0 and 65535"}},
		{name: "not one of", text: "services:\n- {name: a, host: h, protocol: htps}\n", want: []string{`kong.yml:3: services[0].protocol: expected one of http, https, grpc, grpcs, tcp, tls, tls_passthrough, udp, ws, wss, did you mean "https"?`}},
		{name: "a string where an array belongs", text: "routes:\n- name: r\n  paths: /a,/b\n", want: []string{
			`kong.yml:3: routes[0]: matches nothing: must set one of 'methods', 'hosts', 'headers', 'paths'`,
			`kong.yml:4: routes[0].paths: expected an array, found a string: write ["/a", "/b"], or one entry a line, each after a dash`}},
		{name: "the allow-list mistake that people make", text: "plugins:\n- name: waf-ip-restriction\n  config:\n    allow: 173.245.48.0/20,103.21.244.0/22\n", want: []string{
			`kong.yml:5: plugins[0].config.allow: expected an array, found a string: write ["173.245.48.0/20", "103.21.244.0/22"], or one entry a line, each after a dash`}},
		{name: "a list of services that is a mapping", text: "services: {name: a}\n", want: []string{"kong.yml:2: services: expected an array, found a mapping"}},
		{name: "nested config fields have their own lines", text: "plugins:\n- name: waf-detect\n  config:\n    redis:\n      host: h\n      port: x\n", want: []string{"kong.yml:7: plugins[0].config.redis.port: expected a number"}},
		{name: "a field that is missing in a list", text: "plugins:\n- name: waf-detect\n  config:\n    rules:\n    - {path: /x}\n    - {action: deny}\n", want: []string{"kong.yml:7: plugins[0].config.rules[1].path: missing"}},
		{name: "unknown plugin", text: "plugins:\n- {name: waf-detct}\n", want: []string{`kong.yml:3: plugins[0].name: no plugin has the name "waf-detct", did you mean "waf-detect"?`}},
		{name: "Kong's own plugin", text: "plugins:\n- {name: rate-limiting}\n", want: []string{`kong.yml:3: plugins[0].name: warning: rate-limiting is one of Kong's own plugins: its config is not checked, and it is not run by the stand-in; waf-rate-limiting takes the same config and is`}},
		{name: "dangling service", text: "services: [{name: users, host: h}]\nroutes:\n- {name: r, paths: [/], service: user}\n", want: []string{`kong.yml:4: routes[0].service: no service has the name "user", did you mean "users"?`}},
		{name: "dangling route, consumer, upstream", text: "plugins:\n- {name: waf-detect, route: nope}\n- {name: waf-rate-limiting, consumer: nobody}\ntargets:\n- {target: \"h:1\", upstream: none}\n", want: []string{
			`kong.yml:3: plugins[0].route: no route has the name "nope"`, `kong.yml:4: plugins[1].consumer: no consumer has the username "nobody"`,
			`kong.yml:6: targets[0].upstream: no upstream has the name "none"`}},
		{name: "duplicate names", text: "services:\n- {name: a, host: h}\n- {name: a, host: i}\nconsumers:\n- {username: b}\n- {username: b}\n", want: []string{
			`kong.yml:4: name: there is another service with the name "a" at kong.yml:3`, `kong.yml:7: username: there is another consumer with the username "b" at kong.yml:6`}},
		{name: "duplicate ids", text: "services:\n- {id: x, name: a, host: h}\n- {id: x, name: b, host: i}\n", want: []string{`kong.yml:4: id: the same id is used at kong.yml:3`}},
		{name: "one key for two", text: "consumers:\n- {username: a, keyauth_credentials: [{key: hush}]}\n- {username: b, keyauth_credentials: [{key: hush}]}\n", want: []string{`kong.yml:4: key: there is another credential with the same key at kong.yml:3`}},
		{name: "one plugin twice on one route", text: "routes:\n- name: r\n  paths: [/]\n  plugins:\n  - {name: waf-detect}\n  - {name: waf-detect}\n", want: []string{`kong.yml:7: plugins: there is another config of waf-detect for the same scope (route "r") at kong.yml:6`}},
		{name: "path", text: "routes:\n- {name: r, paths: [users, \"~users\", \"/a(b)\", \"~/(?=x)\"]}\n", want: []string{
			"kong.yml:3: routes[0].paths[0]: should start with: / (fixed path) or ~/ (regexed path)",
			"kong.yml:3: routes[0].paths[1]: should start with: / (fixed path) or ~/ (regexed path)",
			"kong.yml:3: routes[0].paths[2]: warning: this is taken letter by letter; a regular expression begins with ~",
			"kong.yml:3: routes[0].paths[3]: warning: the stand-in cannot run this regular expression (Kong may): error parsing regexp: invalid or unsupported Perl syntax: `(?=`"}},
		{name: "method, host", text: "routes:\n- {name: r, methods: [get], hosts: [\"http://x\"]}\n", want: []string{
			"kong.yml:3: routes[0].hosts[0]: invalid host name: write a name such as api.example.com, *.example.com or api.example.*",
			"kong.yml:3: routes[0].methods[0]: write the method in capital letters: GET"}},
		{name: "gRPC rules", text: "routes:\n- {name: r, paths: [/], protocols: [grpc], strip_path: true, methods: [GET]}\n", want: []string{
			"kong.yml:3: routes[0].strip_path: must be false where protocols has grpc or grpcs",
			"kong.yml:3: routes[0].methods: cannot be set where protocols has grpc or grpcs"}},
		{name: "nobody's consumer", text: "consumers:\n- {tags: [a]}\n", want: []string{"kong.yml:3: consumers[0]: at least one of these fields must be non-empty: username, custom_id"}},
		{name: "what is not read is said", text: "vaults: []\ncertificates:\n- {cert: x}\n", want: []string{
			"kong.yml:2: vaults: warning: not read here: neither checked nor used by the stand-in",
			"kong.yml:3: certificates: warning: not read here: neither checked nor used by the stand-in"}},
		{name: "variable not set", text: "consumers:\n- {username: a, tags: [\"${{ env \"DECK_X\" }}\"]}\n", want: []string{"kong.yml:3: the environment variable DECK_X is not set"}},
		{name: "variable that deck would not read", text: "# ${{ env \"IN_A_COMMENT\" }}\nconsumers:\n- {username: \"${{ env \"HOME\" }}\"}\n", want: []string{
			"kong.yml:4: deck reads only environment variables whose names begin with DECK_: rename HOME to DECK_HOME", "kong.yml:4: consumers[0]: at least one"}},
		{name: "variable of two lines", text: "consumers:\n- {username: a, tags: [\"${{ env \"DECK_X\" }}\"]}\n", env: map[string]string{"DECK_X": "a\nb"}, want: []string{"kong.yml:3: the environment variable DECK_X has a line break in it"}},
		{name: "placeholder with a slip", text: "consumers:\n- {username: a, custom_id: '${{ environ DECK_X }}'}\n", want: []string{`kong.yml:3: placeholder not understood: write ${{ env "DECK_NAME" }}`}},
		{name: "not YAML", text: "services: [\n", want: []string{"kong.yml:2: not YAML: did not find expected node content"}},
		{name: "a consumer's config that never applies", text: "consumers: [{username: a}]\nplugins:\n- {name: waf-detect, consumer: a}\n- {name: waf-key-auth, consumer: a}\n", want: []string{
			"kong.yml:4: plugins: warning: waf-detect runs before any authentication, so this config per consumer (a) never applies: attach it to a route or a service",
			"kong.yml:5: plugins: waf-key-auth finds out who the consumer is, so it cannot be attached to one: attach it to a route or a service"}},
		{name: "gate and a single plugin for the same requests", text: "routes:\n- {name: r, paths: [/r]}\n- {name: s, paths: [/s]}\nplugins:\n- {name: waf-gate, route: r, config: {checks: [detect]}}\n- {name: waf-detect}\n- {name: waf-rate-limiting}\n- {name: waf-ip-restriction, route: s}\n", want: []string{
			"kong.yml:7: plugins: warning: waf-gate (kong.yml:6) runs the check detect on the same requests: take one of the two away"}},
		{name: "alias bomb", text: "a: &a [x,x,x,x,x,x,x,x,x]\n_plugin_configs:\n  b: &b {v: [" + strings.Repeat("*a,", 100) + "]}\n  c: &c {v: [" + strings.Repeat("*b,", 100) + "]}\n  d: &d {v: [" + strings.Repeat("*c,", 100) + "]}\n  e: {v: [" + strings.Repeat("*d,", 100) + "]}\n", want: []string{
			"nested deeper than 100 levels, or grows beyond 262144 values by its aliases"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, problems := parseDeck(row.text, row.env)
			compareProblems(t, row.want, problems)
			for _, p := range problems {
				require.NotContains(t, p.String(), "hush", "no secret in a message")
			}
		})
	}
}

// compareProblems asks for each wanted text in its place; a text without a line is looked
// for anywhere.
func compareProblems(t *testing.T, want []string, got Problems) {
	t.Helper()
	var lines []string
	for _, p := range got {
		lines = append(lines, p.String())
	}
	if len(want) == 1 && !strings.HasPrefix(want[0], "kong.yml") && !strings.HasPrefix(want[0], "k8s.yml") {
		require.Contains(t, strings.Join(lines, "\n"), want[0])
		return
	}
	require.Len(t, lines, len(want), strings.Join(lines, "\n"))
	for i := range want {
		require.Contains(t, lines[i], want[i])
	}
}

func TestFormatVersion(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, text, want string }{
		{name: "of Kong 2", text: `_format_version: "2.1"`, want: `Kong 3 reads "3.0"`},
		{name: "unknown", text: `_format_version: "9"`, want: `write "3.0"`},
		{name: "neither kind of file", text: "services: []", want: "neither a deck file"},
		{name: "half a manifest", text: "kind: Ingress", want: "needs both apiVersion and kind"},
		{name: "a list", text: "- a", want: "expected a mapping"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, problems := Parse(Options{}, Source{Name: "x.yml", Data: []byte(row.text)})
			require.Error(t, problems.Err())
			require.Contains(t, problems.Err().Error(), row.want)
		})
	}
	_, problems := Load(Options{}, "testdata/none.yml")
	require.ErrorContains(t, problems.Err(), "none.yml")
}

func TestSharedConfigsAndMerges(t *testing.T) {
	t.Parallel()
	cfg, problems := parseDeck(`
_plugin_configs:
  base: {sensitivity: low, limit: 1}
x-anchor: &common {retries: 2, tags: [c]}
services:
  - {<<: *common, name: a, host: h}
plugins:
  - {name: waf-detect, _config: base, config: {limit: 2}}
`, nil)
	require.Len(t, problems, 1, "x-anchor is no field of deck's")
	require.Equal(t, 2, cfg.Services[0].Retries)
	require.Equal(t, map[string]any{"sensitivity": "low", "limit": 2.0, "mode": "block"}, cfg.Plugins[0].Config)
}

func TestWithoutValidator(t *testing.T) {
	t.Parallel()
	cfg, problems := Parse(Options{}, Source{Name: "x", Data: []byte("_format_version: \"3.0\"\nplugins: [{name: anything, config: {a: 1}}]\n")})
	require.Empty(t, problems)
	require.Equal(t, map[string]any{"a": 1.0}, cfg.Plugins[0].Config)
}

// FuzzParse shows that no file makes the reader panic or run for ever.
func FuzzParse(f *testing.F) {
	f.Add("_format_version: \"3.0\"\nservices: [{name: a, url: \"http://h:1/\", routes: [{paths: [/]}]}]\n") // a small deck file
	f.Add("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {key: k}\n")                       // a small manifest
	f.Add("_format_version: \"3.0\"\na: &a [*a]\nplugins: [{config: *a}]\n")                                 // an alias to itself
	f.Add("_format_version: \"3.0\"\n<<: 1\n${{ env \"DECK_X\" }}\n")                                        // merges and placeholders
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := Parse(Options{Validator: toyValidator{}, Env: func(string) (string, bool) { return "v", true }}, Source{Name: "f", Data: []byte(text)})
		for _, p := range problems {
			if p.File != "f" {
				t.Errorf("problem without a file: %v", p)
			}
		}
	})
}
