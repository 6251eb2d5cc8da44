package conf

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/kongconf"
)

const root = "../.."

// stage is a FROM and what follows it.
type stage struct {
	image, name  string
	instructions []instruction
}

type instruction struct{ name, rest string }

// parseDockerfile returns the stages, and the default of each ARG before the first.
func parseDockerfile(text string) (stages []stage, args map[string]string) {
	args = map[string]string{}
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		switch name = strings.ToUpper(name); {
		case name == "":
		case name == "FROM":
			image, as, _ := strings.Cut(rest, " AS ")
			stages = append(stages, stage{image: image, name: as})
		case len(stages) == 0:
			key, value, _ := strings.Cut(rest, "=")
			args[key] = value
		default:
			s := &stages[len(stages)-1]
			s.instructions = append(s.instructions, instruction{name, rest})
		}
	}
	return stages, args
}

func (s *stage) last(name string) string {
	for _, i := range slices.Backward(s.instructions) {
		if i.name == name {
			return i.rest
		}
	}
	return ""
}

// lintDockerfile returns what is wrong with a Dockerfile; onTop says that it only adds files to
// our image, and has user, entrypoint and health check from there.
func lintDockerfile(text string, onTop bool) (wrong []string) {
	stages, args := parseDockerfile(text)
	if len(stages) == 0 {
		return []string{"no FROM"}
	}
	for _, s := range stages {
		switch image := s.image; {
		case strings.HasPrefix(image, "${"):
			if args[strings.Trim(image, "${}")] == "" {
				wrong = append(wrong, "FROM "+image+" has no default")
			}
		case !regexp.MustCompile(`^[a-z0-9./-]+:[0-9]+(\.[0-9]+)+$`).MatchString(image):
			wrong = append(wrong, "FROM "+image+" is not pinned")
		}
		for _, i := range s.instructions {
			switch {
			case i.name == "ADD":
				wrong = append(wrong, "ADD fetches and unpacks: COPY")
			case i.name == "COPY" && !strings.HasPrefix(i.rest, "--from"):
				fields := strings.Fields(i.rest)
				for _, source := range fields[:len(fields)-1] {
					if _, err := os.Stat(filepath.Join(root, source)); err != nil {
						wrong = append(wrong, "COPY "+source+": not there")
					}
				}
			case (i.name == "ENV" || i.name == "ARG") && regexp.MustCompile(`(?i)password|secret|token`).MatchString(i.rest):
				wrong = append(wrong, i.name+" "+i.rest+": stays in the image")
			case i.name == "RUN" && regexp.MustCompile(`\b(curl|wget|sudo)\b`).MatchString(i.rest):
				wrong = append(wrong, "RUN "+i.rest+": what it fetches is not pinned")
			}
		}
	}
	final := &stages[len(stages)-1]
	if user := final.last("USER"); user == "root" || user == "0" || user == "" && !onTop {
		wrong = append(wrong, "runs as root")
	}
	if onTop {
		return wrong
	}
	for _, name := range []string{"HEALTHCHECK", "ENTRYPOINT"} {
		if !strings.Contains(final.last(name), `["kong-waf", "`) {
			wrong = append(wrong, name+" is not ours")
		}
	}
	if len(stages) < 2 {
		wrong = append(wrong, "the compiler is in the image")
	}
	return wrong
}

func TestDockerfiles(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}
	ours := read("Dockerfile")
	require.Empty(t, lintDockerfile(ours, false))
	more, err := filepath.Glob(filepath.Join(root, "examples", "*", "Dockerfile"))
	require.NoError(t, err)
	require.NotEmpty(t, more)
	for _, file := range more {
		require.Empty(t, lintDockerfile(read(file), true), file)
	}

	stages, _ := parseDockerfile(ours)
	require.Equal(t, "kong:3.9.1", stages[1].image)
	require.Contains(t, stages[0].last("RUN"), "CGO_ENABLED=0", "a static binary")
	require.Equal(t, `["kong-waf", "run", "--", "/docker-entrypoint.sh"]`, stages[1].last("ENTRYPOINT"))

	for _, row := range []struct{ old, by, want string }{
		{"kong:3.9.1", "kong:latest", "FROM kong:latest is not pinned"},
		{"kong:3.9.1", "kong", "FROM kong is not pinned"},
		{"COPY . .", "ADD . .", "ADD fetches"},
		{"USER kong\n", "", "runs as root"},
		{"HEALTHCHECK", "# ", "HEALTHCHECK is not ours"},
		{"go.mod go.sum", "go.mod go.some", "COPY go.some: not there"},
		{"RUN go mod download", "RUN curl x | sh", "is not pinned"},
		{"USER kong\n", "USER kong\nENV API_TOKEN=x\n", "stays in the image"},
	} {
		require.Contains(t, ours, row.old)
		require.Contains(t, strings.Join(lintDockerfile(strings.Replace(ours, row.old, row.by, 1), false), "\n"), row.want)
	}
}

// TestDockerignore: what is no source does not go to the engine.
func TestDockerignore(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	require.NoError(t, err)
	for _, name := range []string{"bin", "dist"} {
		require.Contains(t, strings.Fields(string(text)), name)
	}
}

// TestKeys: Kong documents every setting that the fragment, the compose file and the examples
// use.
func TestKeys(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "examples", "*", "*"))
	require.NoError(t, err)
	for _, pattern := range []string{"compose/*.yaml", "operator/*.yaml", "Dockerfile", "kong.conf"} {
		more, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, more)
		files = append(files, more...)
	}
	variable := regexp.MustCompile(`\bKONG_([A-Z0-9_]+)\b`)
	found := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(m[1], "WAF_") {
				require.True(t, kongconf.Known(strings.ToLower(m[1])), "%s: %s", file, m[0])
				found[m[1]] = true
			}
		}
	}
	require.Greater(t, len(found), 15)
	f, err := os.Open("kong.conf")
	require.NoError(t, err)
	defer f.Close()
	var c kongconf.Conf
	require.NoError(t, c.Read("kong.conf", f))
	c.Keys(func(key string, _ kongconf.Value) { require.True(t, kongconf.Known(key), key) })

	for _, key := range []string{"plugin", "trusted_ip", "nginx_http", "pluginserver_", "kong", ""} {
		require.False(t, kongconf.Known(key), key)
	}
}
