package gate

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/pluginserver"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

func decode(t *testing.T, config string) (*Config, error) {
	t.Helper()
	c := &Config{}
	return c, Definition().Schema().Decode([]byte(config), c)
}

const all = `{"checks":["rate-limiting","key-auth","detect","ip-restriction"],"ip_restriction":{"deny":["192.0.2.1"]},"rate_limiting":{"minute":5},"detect":{"timeout_ms":5000}}`

func TestFixedOrder(t *testing.T) {
	c, err := decode(t, all)
	require.NoError(t, err)
	checks, err := c.Compile(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	var names []string
	for _, one := range checks {
		names = append(names, one.Name)
		require.Zero(t, one.Need.Kinds&(facts.Consumer|facts.Credential), "%s: nobody is authenticated before the gate", one.Name)
	}
	require.Equal(t, []string{"ip-restriction", "detect", "key-auth", "rate-limiting"}, names)
	require.Equal(t, 5*time.Second, c.Deadline(), "the longest of the checks that run")
}

func TestOnlyTheNamedChecksRun(t *testing.T) {
	c, err := decode(t, `{"checks":["detect"]}`)
	require.NoError(t, err)
	checks, err := c.Compile(check.Env{Shared: check.NewShared(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	require.Len(t, checks, 1)
}

func TestBadConfig(t *testing.T) {
	for config, want := range map[string]string{
		`{}`:                             "config.checks",
		`{"checks":[]}`:                  "config.checks",
		`{"checks":["waf-detect"]}`:      "config.checks[0]",
		`{"checks":["ip-restriction"]}`:  "ip_restriction.allow",
		`{"checks":["rate-limiting"]}`:   "rate_limiting.second",
		`{"checks":["detect"],"deny":1}`: "config.deny",
	} {
		_, err := decode(t, config)
		require.ErrorContains(t, err, want, config)
	}
	_, err := decode(t, `{"checks":["detect"]}`)
	require.NoError(t, err, "a section that does not run need not be complete")
}

func TestStrictestFailure(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config map[string]any
		want   pluginserver.Policy
	}{
		{name: "nothing readable", config: nil, want: pluginserver.PolicyDeny},
		{name: "detection alone", config: map[string]any{"checks": []any{"detect"}}, want: pluginserver.PolicyAllow},
		{name: "detection, told to deny", config: map[string]any{"checks": []any{"detect"}, "detect": map[string]any{"on_error": "deny"}}, want: pluginserver.PolicyDeny},
		{name: "keys", config: map[string]any{"checks": []any{"detect", "key-auth"}}, want: pluginserver.PolicyDeny},
		{name: "keys, told to allow", config: map[string]any{"checks": []any{"key-auth"}, "key_auth": map[string]any{"on_error": "allow"}}, want: pluginserver.PolicyAllow},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, failure(tc.config)) })
	}
}
