package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/reputation"
	"kongwaf/kong/declarative"
	"kongwaf/kong/events"
	"kongwaf/kong/gateway"
)

// behindProxy serves plugins to clients of any address: the test is a proxy that the gateway trusts.
func behindProxy(t *testing.T, plugins string) *system {
	t.Helper()
	options := gateway.Options{TrustedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RealIPHeader: "X-Forwarded-For"}
	return newSystemOf(t, options, declarative.Source{Name: "kong.yml", Data: []byte(deckWith(plugins))})
}

// from sends a GET as a client and returns the status.
func (s *system) from(t *testing.T, client, target string, headers ...string) int {
	t.Helper()
	return s.get(t, target, append([]string{"X-Forwarded-For", client}, headers...)...).Status
}

// put writes a person's entry.
func (s *system) put(t *testing.T, client string, list reputation.List) {
	t.Helper()
	c, err := reputation.Parse(client)
	require.NoError(t, err)
	require.NoError(t, s.keeper.Add(reputation.Entry{Client: c, List: list, Reason: "by a test"}))
}

// listed waits until a client is on a list.
func (s *system) listed(t *testing.T, client string, list reputation.List) reputation.Entry {
	t.Helper()
	var found reputation.Entry
	require.Eventually(t, func() bool {
		for _, e := range s.keeper.Entries() {
			if e.Client.String() == client && e.List == list {
				found = e
				return true
			}
		}
		return false
	}, 10*time.Second, time.Millisecond, "%s is not on %v", client, list)
	return found
}

// TestSafeBlockingLearns: attacks of somebody new are reported, of somebody known refused; good
// requests of both go on.
func TestSafeBlockingLearns(t *testing.T) {
	s := behindProxy(t, `
          - name: waf-detect
            config: {mode: safe_blocking, reputation: report}
`)
	const attacker, other = "203.0.113.9", "203.0.113.10"
	for range 3 {
		require.Equal(t, 200, s.from(t, attacker, sqlAttack))
	}
	e := s.listed(t, attacker, reputation.Grey)
	require.Equal(t, "3 attacks in 1h", e.Reason)
	require.Equal(t, "n1", e.Node)
	require.Equal(t, 403, s.from(t, attacker, sqlAttack))
	require.Equal(t, 200, s.from(t, attacker, "/r?q=O%27Brien"), "a good request of the same client")
	require.Equal(t, 200, s.from(t, other, sqlAttack), "the same attack of another one")
	listed := 0
	for _, seen := range s.events.take(t, 5) { // an event may come after the next answer
		if seen.Listed != "" {
			listed++
			require.Equal(t, "grey", seen.Listed)
			require.Equal(t, e.Reason, seen.ListedReason)
			require.Equal(t, attacker, seen.Client)
		}
	}
	require.Equal(t, 1, listed)
	for range 5 {
		require.Equal(t, 403, s.from(t, attacker, sqlAttack))
	}
	s.listed(t, attacker, reputation.Deny)
	require.Equal(t, 200, s.from(t, attacker, "/r?q=O%27Brien"), "report refuses nobody for being listed")
	require.Equal(t, 403, s.from(t, attacker, sqlAttack))
	seen := map[string]int{}
	for _, e := range s.events.take(t, 8) {
		seen[e.Reason+" "+e.Action]++
	}
	require.Equal(t, map[string]int{"client_denied reported": 2, "attack blocked": 6}, seen, "what is reported is judged all the same")
}

// TestDenied: enforce refuses the denied in every plugin, in the plugin's own words; nobody else.
func TestDenied(t *testing.T) {
	for _, tc := range []struct {
		name, plugin, text string
		status             int // of the denied
		others             int
		events             int
	}{
		{name: "ip-restriction", plugin: "waf-ip-restriction\n            config: {reputation: enforce, status: 451, message: Go away}", status: 451, text: "Go away", others: 200},
		{name: "detect", plugin: "waf-detect\n            config: {reputation: enforce, block_status: 418, block_message: 'No'}", status: 418, text: "No", others: 200},
		{name: "key-auth", plugin: "waf-key-auth\n            config: {reputation: enforce, credentials: [{key: k, consumer: ann}]}", status: 403, text: "Request blocked", others: 401, events: 3},
		{name: "rate-limiting", plugin: "waf-rate-limiting\n            config: {reputation: enforce, year: 100}", status: 403, text: "Request blocked", others: 200},
		{name: "gate", plugin: "waf-gate\n            config: {checks: [detect, rate-limiting], detect: {reputation: report}, rate_limiting: {year: 100, reputation: enforce}}", status: 403, text: "Request blocked", others: 200, events: 2},
		{name: "not asked", plugin: "waf-detect", status: 200, others: 200},
		{name: "off", plugin: "waf-detect\n            config: {reputation: 'off'}", status: 200, others: 200},
		{name: "mode off", plugin: "waf-detect\n            config: {mode: 'off', reputation: enforce}", status: 200, others: 200},
		{name: "in monitoring", plugin: "waf-ip-restriction\n            config: {mode: monitoring, reputation: enforce}", status: 200, others: 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := behindProxy(t, "          - name: "+tc.plugin+"\n")
			s.put(t, "198.51.100.0/24", reputation.Deny)
			answer := s.get(t, "/r", "X-Forwarded-For", "198.51.100.7", "Accept", "text/plain")
			require.Equal(t, tc.status, answer.Status)
			require.Contains(t, answer.Body, tc.text)
			require.Equal(t, tc.others, s.from(t, "203.0.113.9", "/r"))
			require.True(t, s.keeper.Remove(reputation.Range(netip.MustParsePrefix("198.51.100.0/24"))))
			require.Equal(t, tc.others, s.from(t, "198.51.100.7", "/r"), "off the list")
			if tc.status == 200 {
				return
			}
			all := s.events.take(t, max(tc.events, 1))
			n := slices.IndexFunc(all, func(e *events.Event) bool { return e.Reason == "client_denied" })
			require.GreaterOrEqual(t, n, 0)
			e := all[n]
			require.Equal(t, "deny", e.Listed)
			require.Equal(t, "by a test", e.ListedReason)
		})
	}
}

// TestAllowed: what an allowed client would be refused for is reported. But it needs a key.
func TestAllowed(t *testing.T) {
	s := behindProxy(t, `
          - name: waf-gate
            config:
              checks: [ip-restriction, detect, key-auth, rate-limiting]
              ip_restriction: {deny: [203.0.113.0/24], reputation: enforce}
              detect: {reputation: enforce}
              key_auth: {credentials: [{key: k, consumer: ann}], reputation: enforce}
              rate_limiting: {year: 1, limit_by: ip, reputation: enforce}
`)
	s.put(t, "203.0.113.9", reputation.Allow)
	for range 20 {
		require.Equal(t, 200, s.from(t, "203.0.113.9", sqlAttack, "apikey", "k"))
	}
	require.Equal(t, 401, s.from(t, "203.0.113.9", "/r"), "no key")
	require.Equal(t, 401, s.from(t, "203.0.113.9", "/r", "apikey", "guessed"))
	require.Equal(t, 403, s.from(t, "203.0.113.10", "/r", "apikey", "k"), "the neighbour")
	seen := map[string]int{}
	for _, e := range s.events.take(t, 64) {
		if e.Client == "203.0.113.9" && e.Action == events.ActionReported {
			require.Equal(t, "allow", e.Listed)
			seen[e.Reason]++
		}
	}
	require.Equal(t, map[string]int{"address_denied": 22, "attack": 20, "rate_limited": 19}, seen)
	require.Len(t, s.keeper.Entries(), 1, "nothing of it puts it on another list")
}

// TestKeysAndConsumers: who is known by a key answers for himself, not the address that he
// shares; and a key that leaked is shut out by its id.
func TestKeysAndConsumers(t *testing.T) {
	s := behindProxy(t, `
          - name: waf-gate
            config:
              checks: [key-auth, rate-limiting]
              key_auth: {credentials: [{key: k, consumer: ann, id: leaked}, {key: l, consumer: ann, id: fresh}], reputation: enforce}
              rate_limiting: {year: 2, limit_by: credential, reputation: enforce}
`)
	const shared = "203.0.113.9"
	for range 6 {
		s.from(t, shared, "/r", "apikey", "k")
	}
	s.listed(t, "key:leaked", reputation.Deny)
	require.Len(t, s.keeper.Entries(), 1)
	require.Equal(t, 403, s.from(t, shared, "/r", "apikey", "k"))
	require.Equal(t, 200, s.from(t, shared, "/r", "apikey", "l"), "another key from the same address")
	s.put(t, "consumer:ann", reputation.Deny)
	require.Equal(t, 403, s.from(t, shared, "/r", "apikey", "l"), "the consumer with any key")

	for range 3 { // guesses are nobody's key: the address answers
		s.from(t, "198.51.100.1", "/r", "apikey", "guess")
	}
	e := s.listed(t, "198.51.100.1", reputation.Grey)
	require.Equal(t, "3 failed keys in 1h", e.Reason)
	for range 5 { // no key at all is no guess
		s.from(t, "198.51.100.2", "/r")
	}
	require.Len(t, s.keeper.Entries(), 3)
}

// TestWhoIsNotListed: proxies and the own network, whatever comes from them.
func TestWhoIsNotListed(t *testing.T) {
	s := behindProxy(t, detectOnly)
	for _, client := range []string{"10.0.0.9", "192.168.1.1", "127.0.0.1", "fd00::9", "100.64.0.1"} {
		for range 8 {
			require.Equal(t, 403, s.from(t, client, sqlAttack))
		}
	}
	require.Empty(t, s.keeper.Entries())
	for n := range 3 { // an IPv6 client has 2^64 addresses
		require.Equal(t, 403, s.from(t, "2001:db8:0:5::"+string(rune('1'+n)), sqlAttack))
	}
	s.listed(t, "2001:db8:0:5::/64", reputation.Grey)
}

func TestReputationSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kong-waf.yaml")
	for yaml, want := range map[string]string{
		"":                                      "",
		"exempt: '10.0.0.0/8, private'":         "",
		"exempt: none":                          "",
		"exempt: proxies":                       `reputation.exempt: [0]: "proxies"`,
		"grey_attacks: -1":                      "reputation.grey_attacks",
		"deny_attacks: 3":                       "reputation.deny_attacks: 3 is lower than grey_attacks, 5",
		"first_seconds: 60, longest_seconds: 1": "reputation.longest_seconds: 1 is shorter",
		"window_seconds: 0":                     "reputation.window_seconds",
		"ipv6_prefix: 129":                      "reputation.ipv6_prefix",
		"deny: 3":                               "reputation.deny",
	} {
		require.NoError(t, os.WriteFile(file, []byte("reputation: {"+yaml+"}\n"), 0o600))
		set, err := loadSettings(file, nil)
		if err == nil {
			err = set.validate()
		}
		if want == "" {
			require.NoError(t, err, yaml)
		} else {
			require.ErrorContains(t, err, want, yaml)
		}
	}
	var none reputationSettings
	require.False(t, none.any())
	set, err := loadSettings("", nil)
	require.NoError(t, err)
	require.Zero(t, set.Reputation.DenyAttacks+set.Reputation.DenyFailedKeys+set.Reputation.DenyRefusals, "nobody is denied by default")
}

// TestReputationPages: what the pages say of settings is what is.
func TestReputationPages(t *testing.T) {
	byDefault, err := loadSettings("", nil)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "kong-waf.yaml")
	for page, section := range map[string]string{"docs/reputation.md": "reputation:", "docs/fleet.md": "redis:"} {
		found := false
		for _, block := range fence.FindAllStringSubmatch(documents(t)[page], -1) {
			if !strings.HasPrefix(block[2], section) {
				continue
			}
			found = true
			require.NoError(t, os.WriteFile(file, []byte(block[2]), 0o600))
			set, err := loadSettings(file, nil)
			require.NoError(t, err, page)
			if section == "reputation:" {
				require.Equal(t, byDefault, set, "%s: these are the defaults", page)
			}
		}
		require.True(t, found, page)
	}
}
