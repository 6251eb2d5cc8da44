package wafdetect

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestPages: every config in the pages about settings of this plugin compiles.
func TestPages(t *testing.T) {
	for _, page := range []string{"graphql", "openapi"} {
		text, err := os.ReadFile("../../docs/" + page + ".md")
		require.NoError(t, err)
		blocks := strings.Split(string(text), "```yaml\n")[1:]
		require.NotEmpty(t, blocks, page)
		for _, block := range blocks {
			block, _, _ = strings.Cut(block, "```")
			var config map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(block), &config), block)
			asJSON, err := json.Marshal(config)
			require.NoError(t, err)
			compile(t, string(asJSON))
		}
	}
}
