package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
)

// documents returns every page of the repository, by its path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md"} {
		files, err := filepath.Glob(filepath.Join("../..", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			out[strings.TrimPrefix(filepath.ToSlash(file), "../../")] = string(text)
		}
	}
	return out
}

// fence matches a fenced block: its words behind the backticks, and its text.
var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```")

// TestDocumentsConfigs: deck files and manifests in pages are valid, and so is what stands
// behind "```yaml waf-detect": a config of that plugin.
func TestDocumentsConfigs(t *testing.T) {
	configs := 0
	for name, text := range documents(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			language, plugin, _ := strings.Cut(strings.TrimSpace(block[1]), " ")
			deck := block[2]
			switch {
			case language != "yaml":
				continue
			case plugin != "":
				deck = "_format_version: \"3.0\"\nplugins:\n  - name: " + plugin + "\n    config:\n      " + strings.ReplaceAll(strings.TrimSpace(block[2]), "\n", "\n      ") + "\n"
			case !strings.Contains(deck, "_format_version") && !strings.Contains(deck, "apiVersion:"):
				continue // a piece of something else
			}
			configs++
			_, problems := declarative.Parse(declarative.Options{Validator: newSchemas()}, declarative.Source{Name: name, Data: []byte(deck)})
			require.NoError(t, problems.Err(), "%s:\n%s", name, deck)
		}
	}
	require.NotZero(t, configs)
}

// TestDocumentsCommands: every kong-waf command in a page exists, with each of its options.
func TestDocumentsCommands(t *testing.T) {
	called := regexp.MustCompile(`(?m)(?:^|[\x60\s/])kong-waf ([a-z][a-z-]*)([^\n\x60|;]*)`)
	option := regexp.MustCompile(`\s--([a-z][a-z-]*)`)
	help := map[string]string{}
	for _, c := range commands() {
		var out bytes.Buffer
		require.Zero(t, c.run([]string{"--help"}, strings.NewReader(""), &out, &out), c.name)
		help[c.name] = out.String()
	}
	commands := 0
	for name, text := range documents(t) {
		// Blocks, and code within lines: in prose "kong-waf is ..." is no command.
		code := fence.FindAllString(text, -1)
		code = append(code, regexp.MustCompile("`kong-waf [^`]+`").FindAllString(fence.ReplaceAllString(text, ""), -1)...)
		for _, block := range code {
			if strings.HasPrefix(block, "```") && !slices.Contains([]string{"sh", "bash", "console"}, strings.TrimSpace(strings.SplitN(block[3:], "\n", 2)[0])) {
				continue
			}
			for _, call := range called.FindAllStringSubmatch(block, -1) {
				commands++
				text, known := help[call[1]]
				require.True(t, known, "%s: there is no command %q: %s", name, call[1], call[0])
				arguments, _, _ := strings.Cut(call[2], " -- ")
				for _, o := range option.FindAllStringSubmatch(arguments, -1) {
					require.True(t, o[1] == "help" || strings.Contains(text, "--"+o[1]), "%s: %s has no option --%s", name, call[1], o[1])
				}
			}
		}
	}
	require.NotZero(t, commands)
}

// TestReadmeListsThePages: whoever reads the README finds every page.
func TestReadmeListsThePages(t *testing.T) {
	all := documents(t)
	for name := range all {
		if strings.HasPrefix(name, "docs/") {
			require.Contains(t, all["README.md"], "]("+name+")", "README.md does not link it")
		}
	}
}

// TestReadmeListsTheCommands: the table of tools is that of the binary, in its order, a line each.
func TestReadmeListsTheCommands(t *testing.T) {
	_, table, _ := strings.Cut(documents(t)["README.md"], "\n## The tools\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var listed, want []string
	for _, m := range regexp.MustCompile("(?m)^\\| `kong-waf ([a-z-]+)[^`]*` \\| .+ \\|$").FindAllStringSubmatch(table, -1) {
		listed = append(listed, m[1])
	}
	for _, c := range commands() {
		want = append(want, c.name)
	}
	require.Equal(t, want, listed)
}

// TestReadmeIsShort: details belong to pages.
func TestReadmeIsShort(t *testing.T) {
	text := documents(t)["README.md"]
	require.Less(t, strings.Count(text, "\n"), 175)
	first, _, found := strings.Cut(text, "403 Request blocked")
	require.True(t, found)
	require.Less(t, strings.Count(first, "\n"), 40, "one screen to the first success")
}
