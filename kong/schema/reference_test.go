package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/schema"
)

// TestReference: one row of every sort.
func TestReference(t *testing.T) {
	s, err := schema.Of("gate", gateConfig{})
	require.NoError(t, err)
	rows := map[string]schema.Entry{}
	for _, e := range s.Reference() {
		require.NotContains(t, rows, e.Path)
		rows[e.Path] = e
	}
	require.Equal(t, schema.Entry{
		Path: "checks", Type: "array of ip-restriction, detect, rate-limiting",
		Required: true, Meaning: "Which checks run, in this order.",
	}, rows["checks"])
	require.Equal(t, schema.Entry{Path: "status", Type: "integer, 100 to 599", Default: "403", Meaning: "The status of a refusal."}, rows["status"])
	require.Equal(t, schema.Entry{Path: "message", Type: "string, at most 20 bytes", Meaning: "The text of a refusal."}, rows["message"])
	require.Equal(t, "one of off, monitoring, block", rows["mode"].Type)
	require.Equal(t, `["10.0.0.0/8","192.168.0.0/16"]`, rows["deny"].Default)
	require.Equal(t, "allow", rows["whitelist"].Replacement)
	require.Equal(t, "map of strings, at most 2 entries", rows["labels"].Type)
	require.Contains(t, rows, "rate_limiting.second", "a record's fields follow it")
	require.Contains(t, rows, "credentials[].key", "and those of a list's entries")
	require.True(t, rows["credentials[].key"].Secret)
}
