package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the generated pages")

// TestReferencePageIsWritten: the page says what the binary checks. After a change: make golden.
func TestReferencePageIsWritten(t *testing.T) {
	const page = "../../docs/configuration.md"
	var got, problems bytes.Buffer
	require.Zero(t, runReference(nil, nil, &got, &problems), problems.String())
	if *update {
		require.NoError(t, os.WriteFile(page, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

// TestEverySettingHasAMeaning: a field without one is a riddle on the page.
func TestEverySettingHasAMeaning(t *testing.T) {
	for _, s := range referenceSections() {
		require.NotEmpty(t, s.entries, s.name)
		for _, e := range s.entries {
			require.NotEmpty(t, e.Meaning+e.Replacement, "%s: %s", s.name, e.Path)
		}
	}
}

func TestReferenceOfOne(t *testing.T) {
	var out, problems bytes.Buffer
	require.Zero(t, runReference([]string{"waf-gate"}, nil, &out, &problems))
	require.True(t, strings.HasPrefix(out.String(), "\n## waf-gate\n"), out.String())
	require.NotContains(t, out.String(), "waf-key-auth\n")
	require.Equal(t, 2, runReference([]string{"key-auth"}, nil, &out, &problems))
	require.Contains(t, problems.String(), `there is no "key-auth": write one of waf-ip-restriction, waf-detect, waf-gate, waf-key-auth, waf-rate-limiting, settings`)
}
