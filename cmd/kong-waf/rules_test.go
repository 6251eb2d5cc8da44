package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRulesExample serves the example of virtual patches: what each rule does, however the
// request is written, beside its harmless twin.
func TestRulesExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(examples, "deck", "waf-detect-rules.yml"))
	require.NoError(t, err)
	s := newSystem(t, strings.ReplaceAll(string(text), "http://127.0.0.1:9080", "${upstream}"))
	const attack = "%27%20OR%201=1%20--%20"
	for _, tc := range []struct {
		name, method, target, contentType, body string
		headers                                 []string
		status                                  int
		rule, action                            string
	}{
		{name: "a probe", target: "/shop/health", headers: []string{"X-Name", "' OR 1=1 -- "}, status: 200},
		{name: "no probe: it has parameters", target: "/shop/health?a=" + attack, status: 403, action: "blocked"},
		{name: "no probe: another path", target: "/shop/health/..;/x?a=" + attack, status: 403, action: "blocked"},

		{name: "the export", target: "/shop/export?target=all-2027.csv", status: 200},
		{name: "to a file of another kind", target: "/shop/export?target=a.php", status: 403, rule: "export-target", action: "blocked"},
		{name: "encoded", target: "/shop/%65xport?t%61rget=%252e%252e%252fa.csv", status: 403, rule: "export-target", action: "blocked"},
		{name: "through another path", target: "/shop/x/..//export?target=a.php", status: 403, rule: "export-target", action: "blocked"},

		{name: "a profile", method: "POST", target: "/shop/api/profile", contentType: "application/json", body: `{"name":"Ann"}`, status: 200},
		{name: "with a role", method: "POST", target: "/shop/api/profile", contentType: "application/json", body: `{"name":"Ann","r\u006fle":7}`, status: 400, rule: "profile-role", action: "blocked"},
		{name: "as a form", method: "PUT", target: "/shop/api/profile", contentType: formType, body: "name=Ann&r%6fle=", status: 400, rule: "profile-role", action: "blocked"},
		{name: "as XML", method: "PUT", target: "/shop/api/profile", contentType: "text/xml", body: "<p><role/></p>", status: 400, rule: "profile-role", action: "blocked"},
		{name: "behind what nginx holds", method: "POST", target: "/shop/api/profile", contentType: "application/json", body: `{"name":"` + strings.Repeat("Ann ", 8000) + `","role":1}`, status: 400, rule: "profile-role", action: "blocked"},
		{name: "elsewhere a role is none of its business", method: "POST", target: "/shop/api/team", contentType: "application/json", body: `{"role":"chair"}`, status: 200},

		{name: "the back office from outside", target: "/shop/admin/users", status: 404, rule: "back-office", action: "blocked"},
		{name: "the old interface", target: "/shop/api/v1/cart", status: 200, rule: "old-interface", action: "reported"},
		{name: "and an attack on it", target: "/shop/api/v1/cart?a=" + attack, status: 403, rule: "old-interface", action: "blocked"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.events.take(t, 0)
			s.upstream.Take()
			method := tc.method
			if method == "" {
				method = "GET"
			}
			answer := s.send(t, method, tc.target, tc.body, append(tc.headers, "Content-Type", tc.contentType)...)
			require.Equal(t, tc.status, answer.Status, answer.Body)
			require.Equal(t, tc.status == 200, len(s.upstream.Take()) == 1)
			if tc.action == "" {
				require.Empty(t, s.events.take(t, 0))
				return
			}
			e := s.events.take(t, 1)[0]
			require.Equal(t, tc.rule, e.Rule)
			require.Equal(t, tc.action, e.Action)
			require.Equal(t, "detect", e.Check)
			if tc.rule == "export-target" {
				require.Equal(t, "SHOP-1204", e.RuleID)
			}
		})
	}
}
