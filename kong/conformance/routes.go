package conformance

import (
	"fmt"
	"strings"
)

// Consumer is the suite's own consumer, and key its key.
const (
	Consumer   = "kong-waf-conformance"
	customID   = "conformance-1"
	key        = "conformance-key-1"
	anonymous  = "kong-waf-conformance-guest"
	exactLimit = 100
)

// route is one route of the suite with the plugins on it, as YAML in flow form.
type route struct {
	name    string
	plugins []string
}

// routes returns what the suite needs, with Kong's own plugins beside ours if they are there.
func routes(bundled bool) []route {
	credential := "credentials: [{key: " + key + ", consumer: " + Consumer + "}]"
	everybody := "[0.0.0.0/0, \"::/0\"]"
	byTenant := "limit_by: header, header_name: x-conformance"
	all := []route{
		{name: "plain"},
		{name: "detect", plugins: []string{"{name: waf-detect}"}},
		{name: "monitoring", plugins: []string{"{name: waf-detect, config: {mode: monitoring, upstream_verdict: true}}"}},
		{name: "off", plugins: []string{"{name: waf-detect, config: {mode: \"off\"}}"}},
		{name: "excepted", plugins: []string{"{name: waf-detect, config: {exceptions: [{place: query.q, class: sqli}]}}"}},
		{name: "expects", plugins: []string{"{name: waf-detect, config: {expects: [{place: body.json.query, content: [sql]}]}}"}},
		{name: "oversize", plugins: []string{"{name: waf-detect, config: {max_body_size: 65536, on_oversize: deny}}"}},
		{name: "large", plugins: []string{"{name: waf-detect, config: {max_body_size: 65536}}"}},
		{name: "teapot", plugins: []string{"{name: waf-detect, config: {block_status: 418, block_message: Not here}}"}},
		{name: "address-deny", plugins: []string{"{name: waf-ip-restriction, config: {deny: " + everybody + "}}"}},
		{name: "address-allow", plugins: []string{"{name: waf-ip-restriction, config: {allow: " + everybody + "}}"}},
		{name: "address-other", plugins: []string{"{name: waf-ip-restriction, config: {allow: [192.0.2.1], status: 451, message: Not from there}}"}},
		{name: "address-both", plugins: []string{"{name: waf-ip-restriction, config: {allow: " + everybody + ", deny: " + everybody + "}}"}},
		{name: "key", plugins: []string{"{name: waf-key-auth, config: {realm: conformance, " + credential + "}}"}},
		{name: "key-hidden", plugins: []string{"{name: waf-key-auth, config: {hide_credentials: true, key_in_body: true, " + credential + "}}"}},
		{name: "key-anonymous", plugins: []string{"{name: waf-key-auth, config: {anonymous: " + anonymous + ", " + credential + "}}"}},
		{name: "limit", plugins: []string{"{name: waf-rate-limiting, config: {year: 3, " + byTenant + "}}"}},
		{name: "limit-sliding", plugins: []string{"{name: waf-rate-limiting, config: {year: 3, window_type: sliding, " + byTenant + "}}"}},
		{name: "limit-gcra", plugins: []string{"{name: waf-rate-limiting, config: {year: 10, window_type: gcra, burst: 3, " + byTenant + "}}"}},
		{name: "limit-exact", plugins: []string{fmt.Sprintf("{name: waf-rate-limiting, config: {year: %d, %s}}", exactLimit, byTenant)}},
		{name: "limit-hidden", plugins: []string{"{name: waf-rate-limiting, config: {year: 1, hide_client_headers: true, error_code: 503, error_message: Later, " + byTenant + "}}"}},
		{name: "gate", plugins: []string{"{name: waf-gate, config: {checks: [ip-restriction, detect, key-auth, rate-limiting], ip_restriction: {deny: [192.0.2.1]}, " +
			"key_auth: {hide_credentials: true, " + credential + "}, rate_limiting: {year: 2, " + byTenant + "}}}"}},
		{name: "four", plugins: []string{
			"{name: waf-ip-restriction, config: {deny: [192.0.2.1]}}", "{name: waf-detect}",
			"{name: waf-key-auth, config: {" + credential + "}}", "{name: waf-rate-limiting, config: {year: 2, " + byTenant + "}}",
		}},
	}
	for _, p := range pairs() {
		all = append(all, route{name: p.ours(), plugins: []string{"{name: waf-" + p.plugin + ", config: {" + p.config + p.only + "}}"}})
		if bundled {
			all = append(all, route{name: p.kongs(), plugins: []string{"{name: " + p.plugin + ", config: {" + p.config + "}}"}})
		}
	}
	return all
}

// pair is one config under Kong's own plugin and under ours.
type pair struct {
	plugin, config string
	only           string // what ours needs beside it
}

func (p pair) ours() string  { return "ours-" + p.plugin }
func (p pair) kongs() string { return "kongs-" + p.plugin }

func pairs() []pair {
	return []pair{
		{plugin: "key-auth", config: "key_names: [apikey], hide_credentials: true, key_in_body: true", only: ", credentials: [{key: " + key + ", consumer: " + Consumer + "}]"},
		{plugin: "ip-restriction", config: "allow: [192.0.2.1]"},
		{plugin: "rate-limiting", config: "year: 2, policy: local, limit_by: header, header_name: x-conformance"},
	}
}

// Deck returns the suite's routes as a file that a Kong without a database can load, and
// that decK reads. upstream is the URL at which Kong reaches the suite's upstream.
func Deck(upstream string, bundled bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The routes of kong-waf's conformance suite: kong-waf conformance --help.
_format_version: "3.0"
consumers:
  - username: %s
    custom_id: %s
    tags: [%s]
`, Consumer, customID, Consumer)
	if bundled {
		fmt.Fprintf(&b, "    keyauth_credentials: [{key: %s}]\n", key)
	}
	fmt.Fprintf(&b, "  - username: %s\n    tags: [%s]\nservices:\n  - name: %s\n    url: %s\n    tags: [%s]\n    routes:\n", anonymous, Consumer, Consumer, upstream, Consumer)
	for _, r := range routes(bundled) {
		// Of /limit and /limit-exact Kong takes the longer one that fits.
		fmt.Fprintf(&b, "      - name: %s-%s\n        paths: [%s/%s]\n        tags: [%s]\n", Consumer, r.name, Prefix, r.name, Consumer)
		if len(r.plugins) > 0 {
			b.WriteString("        plugins:\n")
		}
		for _, p := range r.plugins {
			fmt.Fprintf(&b, "          - %s\n", p)
		}
	}
	return b.String()
}
