package apikey

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGenerate(t *testing.T) {
	pattern := regexp.MustCompile(Pattern)
	seen := map[string]bool{}
	for range 100 {
		key, err := Generate()
		require.NoError(t, err)
		require.NoError(t, CheckFormat(key))
		require.Equal(t, key, pattern.FindString("apikey="+key+"&x"))
		require.False(t, seen[key])
		seen[key] = true
	}
}

func TestCheckFormat(t *testing.T) {
	key := "kw_" + strings.Repeat("0", 30)
	key += checksum(key)
	require.Equal(t, "kw_000000000000000000000000000000"+"3wuQEo", key, "the checksum's form never changes: keys outlive versions")
	for _, row := range []struct{ name, key, want string }{
		{name: "good", key: key},
		{name: "another issuer's", key: "gh_" + key[3:], want: "does not begin with kw_"},
		{name: "cut off", key: key[:20], want: "too short or too long"},
		{name: "with a line feed", key: key + "\n", want: "too short or too long"},
		{name: "other characters", key: key[:10] + "-" + key[11:], want: "characters other than"},
		{name: "one digit differs", key: key[:10] + "1" + key[11:], want: "wrong checksum"},
		{name: "two digits swapped", key: key[:len(key)-2] + "oE", want: "wrong checksum"},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := CheckFormat(row.key)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.want)
			require.NotContains(t, err.Error(), row.key)
		})
	}
}
