package preset

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated page")

const pageHead = `# Presets

<!-- written by make golden from detect/attack/preset: do not edit -->

A preset is a set of ` + "`expects`" + ` for a sort of application: what its own clients send, and where.

` + "```yaml waf-detect" + `
presets: [chat, sql]
` + "```" + `

It is for a route that leads to nothing but such an application. It widens nothing beside the places below, which count
with what stands below them, a star for anything in between; and there only whole texts of the kind pass: no break-out of
somebody else's literal, no disguise by encodings, nothing that acts where it is merely stored or logged. It makes nothing
harmless: expect SQL only where the application runs its callers' SQL on purpose. What passes is an event with the action
` + "`excepted`" + ` and the kind in ` + "`kong_waf.expected`" + `.

Each preset is shown by requests that the engine blocks without it and lets through with it, beside ones that it still
blocks; a test holds every one of them. ` + "`kong-waf suggest`" + ` proposes a preset where recorded events ask for one.
`

// page writes docs/presets.md: the table, and the requests by which the presets are tested.
func page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, a := range applications {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n\n| place | carries |\n|---|---|\n", a.name, a.about)
		for _, r := range a.rows {
			var kinds []string
			for _, k := range r.content {
				kinds = append(kinds, k.String())
			}
			for _, place := range strings.Fields(r.places) {
				fmt.Fprintf(&b, "| `%s` | %s |\n", place, strings.Join(kinds, ", "))
			}
		}
		for _, row := range rows {
			if row.preset == a.name {
				fmt.Fprintf(&b, "\nPasses, %s:\n\n```http\n%s```\n\nBlocked all the same:\n\n```http\n%s```\n",
					row.name, shown(row.sends, row.body), shown(row.neverSends, row.attacks))
			}
		}
	}
	return b.String()
}

func shown(line, body string) string {
	if body == "" {
		return line + "\n"
	}
	return line + "\n\n" + body + "\n"
}

// TestPresetPageIsWritten: the page says what the table says. After a change: make golden.
func TestPresetPageIsWritten(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "presets.md")
	if *update {
		if err := os.WriteFile(file, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != page() {
		t.Fatal("docs/presets.md is not what the table says: make golden writes it")
	}
	for _, a := range applications {
		if a.about == "" {
			t.Errorf("%s: nothing says what it is for", a.name)
		}
	}
}
