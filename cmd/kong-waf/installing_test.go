package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/doctor"
)

const installing = "../../docs/installing"

// TestInstallingSnippets: every command in the page stands in a file, and every file in the page.
func TestInstallingSnippets(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(installing, "*.sh"))
	require.NoError(t, err)
	inFiles := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		inFiles[string(text)] = file
	}
	shown := map[string]bool{}
	for _, block := range fence.FindAllStringSubmatch(documents(t)["docs/installing.md"], -1) {
		require.Contains(t, inFiles, block[2], "no file has this")
		shown[block[2]] = true
	}
	for text, file := range inFiles {
		require.True(t, shown[text], "%s is not in the page", file)
	}
}

// strangers are programs in the snippets that the machine of a test need not have. They note
// how they are called.
var strangers = []string{"curl", "deck", "docker", "helm", "install", "kong", "kubectl", "make", "mv", "rm", "sed", "systemctl", "tee"}

// TestInstallingRuns runs the files, as they are, in the root of the repository, with programs
// that only note how they were called; of kong-waf, config, validate and what is offline are
// the real ones.
func TestInstallingRuns(t *testing.T) {
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	notes := filepath.Join(folder, "notes")
	program := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("#!"+shell+"\n"+text), 0o755))
	}
	for _, name := range strangers {
		program(name, "echo "+name+" \"$@\" >>"+notes+"\n")
	}
	program("sudo", `exec "$@"`+"\n")
	program("tee", "echo tee \"$@\" >>"+notes+"\nwhile read -r line; do echo \"> $line\" >>"+notes+"; done\n")
	program("sh", "exec "+shell+` "$@"`+"\n")
	program("kong-waf", "echo kong-waf \"$@\" >>"+notes+"\n"+`case "$*" in config*|validate*|*--offline*) `+asMain+"=1 exec "+self+` "$@";; esac`+"\n")

	dirname, err := exec.LookPath("dirname") // of compose/run.sh
	require.NoError(t, err)
	require.NoError(t, os.Symlink(dirname, filepath.Join(folder, "dirname")))

	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(installing, "*.sh"))
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	path := regexp.MustCompile(`(?:^|[\s"=]|\$PWD/)((?:kong|examples)/[A-Za-z0-9._/-]+\.[a-z]+|kong/conf/Dockerfile)`)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			require.NoError(t, os.WriteFile(notes, nil, 0o600))
			absolute, err := filepath.Abs(file)
			require.NoError(t, err)
			command := exec.Command(shell, "-eu", absolute)
			command.Dir, command.Env = root, []string{"PATH=" + folder, "PWD=" + root}
			out, err := command.CombinedOutput()
			require.NoError(t, err, string(out))
			noted, err := os.ReadFile(notes)
			require.NoError(t, err)
			require.NotEmpty(t, string(noted)+string(out))
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range path.FindAllStringSubmatch(string(text), -1) {
				require.FileExists(t, filepath.Join(root, m[1]))
			}
			switch filepath.Base(file) {
			case "machine.sh":
				require.Contains(t, string(noted), "> pluginserver_waf_gate_socket = "+defaultSocket+"\n")
			case "compose.sh":
				require.Contains(t, string(noted), "kong/conf/compose/compose.yaml down --volumes\n")
			case "elsewhere.sh":
				require.Contains(t, string(out), `"worst": "ok"`)
			}
		})
	}
}

// TestRemoveTakesTheFragment: the sed in machine-remove.sh leaves what was there before.
func TestRemoveTakesTheFragment(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(installing, "machine-remove.sh"))
	require.NoError(t, err)
	script := regexp.MustCompile(`sed -i '([^']+)'`).FindStringSubmatch(string(text))
	require.NotNil(t, script)
	sed := exec.Command("sed", script[1])
	sed.Stdin = strings.NewReader("log_level = notice\n" + printConfig(t))
	out, err := sed.Output()
	require.NoError(t, err)
	require.Equal(t, "log_level = notice\n", string(out))
}

// TestInstallingChecks: the page lists the checks of doctor, in their order.
func TestInstallingChecks(t *testing.T) {
	_, table, found := strings.Cut(documents(t)["docs/installing.md"], "<!-- checks: held against kong/doctor -->")
	require.True(t, found)
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, m[1])
	}
	require.Equal(t, doctor.Checks(), listed)
}

// TestDocumentsLinks: links within the repository lead somewhere, to a heading too; those to
// elsewhere are addresses.
func TestDocumentsLinks(t *testing.T) {
	all := documents(t)
	links := 0
	for name, text := range all {
		for _, m := range linked.FindAllStringSubmatch(withoutCode(text), -1) {
			links++
			require.Empty(t, brokenLink(t, all, name, m[1]), "%s: %s", name, m[1])
		}
	}
	require.Greater(t, links, 60)

	for link, want := range map[string]string{
		"nowhere.md":                   "no such file",
		"operating.md#no-such-heading": "no such heading",
		"#no-such-heading":             "no such heading",
		"http://":                      "no address",
		"https://a b":                  "no address",
		"ftp://example.com/x":          "no address",
		"../../outside.md":             "no such file",
		"operating.md#upgrading":       "",
		"#decks-way":                   "",
		"../kong/conf/kong.conf":       "",
		"https://example.com/x#y":      "",
	} {
		require.Equal(t, want, brokenLink(t, all, "docs/installing.md", link), link)
	}
	require.Equal(t, []string{"a-b", "a-b-1", "on-a-machine-systemd-and-kongconf"}, headings("# A `b`\n## a B\n```\n# no\n```\n### On a machine: systemd and kong.conf\n"))
}

var (
	linked     = regexp.MustCompile(`\]\(([^)]+)\)`)
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	external   = regexp.MustCompile(`^https?://[a-z0-9.-]+(:\d+)?(/[^\s]*)?$`)
)

func withoutCode(text string) string {
	return inlineCode.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
}

// brokenLink returns what is wrong with a link in a page, "" if it is good.
func brokenLink(t *testing.T, all map[string]string, page, link string) string {
	t.Helper()
	if strings.Contains(link, "://") {
		if !external.MatchString(link) {
			return "no address"
		}
		return ""
	}
	file, heading, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
		if _, err := os.Stat(filepath.Join("../..", target)); err != nil || strings.HasPrefix(target, "..") {
			return "no such file"
		}
	}
	if heading != "" && !slices.Contains(headings(all[target]), heading) {
		return "no such heading"
	}
	return ""
}

// headings returns the names by which links call a page's headings: lower case, blanks as
// hyphens, no other marks, and a number behind those that stand twice.
func headings(text string) (names []string) {
	seen := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f:
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		seen[name]++
		if n := seen[name]; n > 1 {
			name += "-" + itoa(n-1)
		}
		names = append(names, name)
	}
	return names
}
