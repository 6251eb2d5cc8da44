package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/schema"
)

// TestFormat: Kong gets the patterns, and values are checked exactly.
func TestFormat(t *testing.T) {
	type config struct {
		Even []string `json:"even" kong:"elements.format=even" doc:"Numbers that are even, one each."`
	}
	even := schema.Format{Name: "even", Patterns: []string{"^%d$", "^%d%d$"}, Err: "must be even", Check: func(s string) error {
		if strings.ContainsAny(s[len(s)-1:], "13579") {
			return fmt.Errorf("%q is odd", s)
		}
		return nil
	}}
	s, err := schema.Of("x", config{}, schema.WithFormat(even))
	require.NoError(t, err)
	require.Contains(t, string(s.JSON()), `"elements":{"type":"string","match_any":{"patterns":["^%d$","^%d%d$"],"err":"must be even"}}`)
	_, errs := s.Complete(map[string]any{"even": []any{"2", "3", "5"}})
	require.Equal(t, []schema.FieldError{{"config.even[1]", `"3" is odd`}, {"config.even[2]", `"5" is odd`}}, errs)
	require.True(t, even.Passes("12"))
	require.False(t, even.Passes("123"))

	_, err = schema.Of("x", config{})
	require.ErrorContains(t, err, `config.even: there is no format "even"`)
	even.Patterns = []string{"["}
	_, err = schema.Of("x", config{}, schema.WithFormat(even))
	require.ErrorContains(t, err, "format even: pattern")
	_, err = schema.Of("x", config{}, schema.WithFormat(schema.Format{Name: "even"}))
	require.ErrorContains(t, err, "needs patterns")
}
