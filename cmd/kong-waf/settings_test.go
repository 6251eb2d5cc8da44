package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDataFolder: where the last good versions of lists are, by the settings.
func TestDataFolder(t *testing.T) {
	for value, want := range map[string]string{"": "/run/kong-waf/kong-waf-data", "off": "", "/var/lib/x": "/var/lib/x"} {
		var environ []string
		if value != "" {
			environ = append(environ, "KONG_WAF_DATA_FOLDER="+value)
		}
		set, err := loadSettings("", environ)
		require.NoError(t, err)
		require.Equal(t, want, set.Data.folder("/run/kong-waf/kong-waf.socket"))
	}
}
