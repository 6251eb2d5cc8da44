package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDeckExamplesSay: each file says what to see, as commands that answer so.
func TestDeckExamplesSay(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is missing")
	}
	say := regexp.MustCompile(`(?m)^#   (.*curl .*?)   # (\d{3})\b`)
	files, err := filepath.Glob(filepath.Join(examples, "deck", "*.yml"))
	require.NoError(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			said := say.FindAllStringSubmatch(string(text), -1)
			require.NotEmpty(t, said, "commands, and what they answer")
			s := newSystem(t, strings.NewReplacer("http://127.0.0.1:9080", "${upstream}", `${{ env "DECK_DEMO_URL" }}`, "${upstream}").Replace(here(t, string(text))))
			for _, m := range said {
				script := strings.NewReplacer("http://127.0.0.1:8000", "http://"+s.Addr, "curl ", curl+" -s -o /dev/null -w '%{http_code}\\n' ").Replace(m[1])
				out, err := exec.Command("sh", "-c", script).CombinedOutput()
				require.NoError(t, err, "%s: %s", m[1], out)
				codes := strings.Fields(string(out))
				if m[2] == "429" { // a loop, and while it runs a window may end
					require.Contains(t, codes, m[2], m[1])
					continue
				}
				for _, code := range codes {
					require.Equal(t, m[2], code, m[1])
				}
			}
		})
	}
}
