package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
)

// TestMovingFromIPRestriction: the page's config for Kong's own plugin is one for ours once
// the name is changed, and answers as Kong's own does.
func TestMovingFromIPRestriction(t *testing.T) {
	page := documents(t)["docs/moving-from-ip-restriction.md"]
	var decks []string
	for _, block := range fence.FindAllStringSubmatch(page, -1) {
		decks = append(decks, block[2])
	}
	require.Len(t, decks, 2, "before and after")
	require.Equal(t, decks[1], strings.ReplaceAll(decks[0], "name: ip-restriction", "name: waf-ip-restriction"))
	old := strings.NewReplacer("allow:", "whitelist:", "deny:", "blacklist:").Replace(decks[1])
	for name, deck := range map[string]string{"as it is": decks[1], "by the old names": old} {
		t.Run(name, func(t *testing.T) {
			options := gateway.Options{TrustedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RealIPHeader: "X-Real-IP"}
			s := newSystemOf(t, options, declarative.Source{Name: "kong.yml", Data: []byte(strings.ReplaceAll(deck, "http://127.0.0.1:9080", "${upstream}"))})
			requireAnswer(t, 200, "", s.get(t, "/api", "X-Real-IP", "203.0.113.7"))
			requireAnswer(t, 200, "", s.get(t, "/api", "X-Real-IP", "2001:db8::7"))
			requireAnswer(t, 403, "IP address not allowed: 203.0.113.66", s.get(t, "/api", "X-Real-IP", "203.0.113.66"))
			requireAnswer(t, 403, "IP address not allowed: 198.51.100.1", s.get(t, "/api", "X-Real-IP", "198.51.100.1"))
			requireAnswer(t, 403, "IP address not allowed: ::ffff:203.0.113.66", s.get(t, "/api", "X-Real-IP", "::ffff:203.0.113.66"))
		})
	}
	_, problems := declarative.Parse(declarative.Options{Validator: newSchemas()}, declarative.Source{Name: "kong.yml", Data: []byte(old)})
	require.NoError(t, problems.Err())
	require.Len(t, problems.Warnings(), 2, "the old names are warnings")
}
