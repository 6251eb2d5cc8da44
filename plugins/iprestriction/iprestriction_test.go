package iprestriction

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

func compile(t *testing.T, config string) (check.Check, error) {
	t.Helper()
	c := &Config{}
	if err := Definition().Schema().Decode([]byte(config), c); err != nil {
		return check.Check{}, err
	}
	return c.Check(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))}, "config")
}

func TestJudge(t *testing.T) {
	const (
		office  = "203.0.113.7"
		mapped  = "::ffff:203.0.113.7"
		foreign = "198.51.100.1"
	)
	for _, tc := range []struct {
		name, config, client, peer string
		reason                     string // empty: let in
	}{
		{name: "allowed", config: `{"allow":["203.0.113.0/24"]}`, client: office},
		{name: "not allowed", config: `{"allow":["203.0.113.0/24"]}`, client: foreign, reason: "address_not_allowed"},
		{name: "denied comes first", config: `{"allow":["203.0.113.0/24"],"deny":["203.0.113.7"]}`, client: office, reason: "address_denied"},
		{name: "only deny: all others may", config: `{"deny":["203.0.113.7"]}`, client: foreign},
		{name: "IPv4 in IPv6 form is denied too", config: `{"deny":["203.0.113.7"]}`, client: mapped, reason: "address_denied"},
		{name: "IPv4 in IPv6 form is allowed too", config: `{"allow":["203.0.113.0/24"]}`, client: mapped},
		{name: "the old names", config: `{"whitelist":["203.0.113.0/24"],"blacklist":["203.0.113.7"]}`, client: office, reason: "address_denied"},
		{name: "old and new names add up", config: `{"whitelist":["203.0.113.0/24"],"allow":["198.51.100.1"]}`, client: foreign},
		{name: "no address", config: `{"deny":["203.0.113.7"]}`, client: "unix:", reason: "address_unknown"},
		{name: "the peer, not the client", config: `{"allow":["203.0.113.0/24"],"address_source":"peer"}`, client: foreign, peer: office},
		{name: "both, the client is foreign", config: `{"allow":["203.0.113.0/24"],"address_source":"both"}`, client: foreign, peer: office, reason: "address_not_allowed"},
		{name: "both, the peer is foreign", config: `{"allow":["203.0.113.0/24"],"address_source":"both"}`, client: office, peer: foreign, reason: "address_not_allowed"},
		{name: "both", config: `{"allow":["203.0.113.0/24"],"address_source":"both"}`, client: office, peer: office},
	} {
		t.Run(tc.name, func(t *testing.T) {
			one, err := compile(t, tc.config)
			require.NoError(t, err)
			v := one.Judge(&facts.Facts{ClientIP: tc.client, PeerIP: tc.peer})
			require.Equal(t, tc.reason, v.Reason)
			require.Equal(t, tc.reason != "", v.Denied)
		})
	}
}

func TestAsksForWhatItNeedsOnly(t *testing.T) {
	one, err := compile(t, `{"deny":["203.0.113.7"]}`)
	require.NoError(t, err)
	require.Equal(t, facts.ClientIP, one.Need.Kinds)
}

func TestBadConfig(t *testing.T) {
	for config, want := range map[string]string{
		`{}`:                                     "at least one of",
		`{"allow":["10.0.0.0/8","10.0.0.0/33"]}`: `config.allow[1]: "10.0.0.0/33"`,
		`{"deny":["example.com"]}`:               "config.deny[0]",
		`{"allow":"173.245.48.0/20,103.21.244.0/22"}`: "config.allow",
		`{"allow":["10.0.0.1"],"address_source":"x"}`: "config.address_source",
	} {
		_, err := compile(t, config)
		require.ErrorContains(t, err, want, config)
	}
}

// TestAddressFormat: Kong's patterns let through whatever detect/address takes, and keep out
// what people write by mistake.
func TestAddressFormat(t *testing.T) {
	format := check.Address()
	for _, entry := range []string{
		"10.0.0.0/99", "10.0.0.0/33", "localhost", "10.0.0", "10.0.0.0.0", "310.0.0.1", "10.0.0.1:80", "10.0.0.0/255.0.0.0", "10.*", "",
		" 10.0.0.1", "10.0.0.1,10.0.0.2", "::1/129", "::1/200", "fe80::1%eth0", "[::1]", "example:org", "::1/", "10.0.0.1/",
	} {
		require.False(t, format.Passes(entry), entry)
		require.Error(t, format.Check(entry), entry)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var bytes [16]byte
		for i := range bytes {
			if random.IntN(2) == 0 { // many zeros
				bytes[i] = byte(random.Uint32())
			}
		}
		for _, addr := range []netip.Addr{netip.AddrFrom16(bytes), netip.AddrFrom4([4]byte(bytes[:4]))} {
			for _, entry := range []string{addr.String(), netip.PrefixFrom(addr, random.IntN(addr.BitLen()+1)).String(), addr.StringExpanded()} {
				if format.Check(entry) == nil && !format.Passes(entry) {
					t.Fatalf("Kong would refuse %s", entry)
				}
			}
		}
	}
}
