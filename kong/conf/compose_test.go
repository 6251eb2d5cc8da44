package conf

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// compose is what this repository uses of the compose specification. Whatever else stands in
// the file is refused, so that a misspelt key is.
type compose struct {
	Name     string                     `yaml:"name"`
	Small    map[string]any             `yaml:"x-small"`
	Services map[string]*composeService `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
	} `yaml:"networks"`
	Volumes map[string]struct{} `yaml:"volumes"`
	Secrets map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type composeService struct {
	Build *struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Image       string            `yaml:"image"`
	User        string            `yaml:"user"`
	Entrypoint  []string          `yaml:"entrypoint"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Healthcheck *struct {
		Test        []string `yaml:"test"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		Retries     int      `yaml:"retries"`
		StartPeriod string   `yaml:"start_period"`
	} `yaml:"healthcheck"`
	Secrets   []string `yaml:"secrets"`
	Volumes   []string `yaml:"volumes"`
	Tmpfs     []string `yaml:"tmpfs"`
	Ports     []string `yaml:"ports"`
	Networks  []string `yaml:"networks"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Deploy struct {
		Resources struct {
			Limits struct {
				CPUs   string `yaml:"cpus"`
				Memory string `yaml:"memory"`
				PIDs   int    `yaml:"pids"`
			} `yaml:"limits"`
		} `yaml:"resources"`
	} `yaml:"deploy"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Restart     string   `yaml:"restart"`
}

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+(\.[0-9]+)+(-[a-z]+)?$`)

// lint returns what is wrong with a compose file in a folder, a line each.
func lint(folder string, text []byte) (wrong []string) {
	say := func(parts ...string) { wrong = append(wrong, strings.Join(parts, " ")) }
	var c compose
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&c); err != nil {
		return []string{err.Error()}
	}
	for name, s := range c.Services {
		if !pinned.MatchString(s.Image) {
			say(name, "image", s.Image, "is not pinned")
		}
		if s.Build == nil && strings.HasPrefix(s.Image, "kong-waf:") && s.Healthcheck == nil {
			say(name, "has the health check of another use of the image")
		}
		if s.Build != nil {
			if _, err := os.Stat(filepath.Join(folder, s.Build.Context, s.Build.Dockerfile)); err != nil {
				say(name, "build", err.Error())
			}
		} else if s.Healthcheck == nil || len(s.Healthcheck.Test) < 2 || s.Healthcheck.Interval == "" || s.Healthcheck.Timeout == "" {
			say(name, "has no health check")
		}
		if !strings.HasPrefix(s.Image, "kong-waf:") && s.User == "" {
			say(name, "runs as root")
		}
		if !s.ReadOnly || len(s.CapDrop) != 1 || s.CapDrop[0] != "ALL" || len(s.SecurityOpt) != 1 {
			say(name, "may do more than it needs")
		}
		limits := s.Deploy.Resources.Limits
		if cpus, err := strconv.ParseFloat(limits.CPUs, 64); err != nil || cpus <= 0 || limits.Memory == "" || limits.PIDs == 0 {
			say(name, "has no limits")
		}
		for _, port := range s.Ports {
			parts := strings.Split(port, ":")
			if addr, err := netip.ParseAddr(parts[0]); err != nil || !addr.IsLoopback() || len(parts) != 3 {
				say(name, "port", port, "is open to others")
			}
			if p := parts[len(parts)-1]; p == "8001" || p == "8444" {
				say(name, "publishes the Admin API")
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[source]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join(folder, source)); err != nil || !strings.HasSuffix(v, ":ro") {
				say(name, "volume", v, "is not there, or may be written")
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File == "" {
				say(name, "secret", secret, "is defined nowhere")
			}
		}
		for _, network := range s.Networks {
			if _, ok := c.Networks[network]; !ok {
				say(name, "network", network, "is defined nowhere")
			}
		}
		for other, d := range s.DependsOn {
			if c.Services[other] == nil || d.Condition != "service_healthy" {
				say(name, "does not wait for", other)
			}
		}
		for key, value := range s.Environment {
			secret := regexp.MustCompile(`(?i)PASSWORD|SECRET|TOKEN|_KEY$`)
			if secret.MatchString(key) && !strings.HasPrefix(value, "/run/secrets/") {
				say(name, key, "is a secret in the file")
			}
		}
	}
	for name, s := range c.Secrets {
		if !strings.HasPrefix(s.File, "${") {
			say("secret", name, "is in a file of the repository")
		}
	}
	return wrong
}

func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose/compose.yaml")
	require.NoError(t, err)
	require.Empty(t, lint("compose", text))

	// The twins: each of these is found.
	for _, row := range []struct{ old, by, want string }{
		{"redis:7.4.2-alpine", "redis:latest", "redis image redis:latest is not pinned"},
		{"redis:7.4.2-alpine", "redis", "is not pinned"},
		{"    user: redis\n", "", "redis runs as root"},
		{"read_only: true", "read_only: false", "may do more than it needs"},
		{"cap_drop: [ALL]", "cap_drop: [CHOWN]", "may do more than it needs"},
		{"127.0.0.1:8000:8000", "8000:8000", "port 8000:8000 is open to others"},
		{"127.0.0.1:8000:8000", "0.0.0.0:8000:8000", "is open to others"},
		{"127.0.0.1:8000:8000", "127.0.0.1:8001:8001", "publishes the Admin API"},
		{"- ./kong.yml:/etc", "- ./kong2.yml:/etc", "is not there"},
		{"kong.yml:/etc/kong/kong.yml:ro", "kong.yml:/etc/kong/kong.yml", "may be written"},
		{"secrets: [console_token]", "secrets: [console_tokens]", "secret console_tokens is defined nowhere"},
		{"/run/secrets/console_token", "hush", "KONG_WAF_CONSOLE_TOKEN_FILE is a secret in the file"},
		{"${KONG_WAF_TOKEN_FILE:?make run-kong makes it}", "token.txt", "is in a file of the repository"},
		{"redis: {condition: service_healthy}", "redis: {condition: service_started}", "kong does not wait for redis"},
		{"memory: 256M", "memory: ''", "redis has no limits"},
		{"healthcheck:", "healthchek:", "field healthchek not found"},
		{"dockerfile: kong/conf/Dockerfile", "dockerfile: Dockerfile", "kong build"},
		{"networks: [inside]", "networks: [within]", "network within is defined nowhere"},
	} {
		require.Contains(t, string(text), row.old)
		changed := strings.Replace(string(text), row.old, row.by, 1)
		require.Contains(t, strings.Join(lint("compose", []byte(changed)), "\n"), row.want, row.old)
	}
}

// TestComposeFits: Prometheus scrapes the port on which the console listens, with its token,
// and Grafana's dashboard finds its data source.
func TestComposeFits(t *testing.T) {
	read := func(file string, into any) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, into))
	}
	var c compose
	read("compose/compose.yaml", &c)
	var prometheus struct {
		RuleFiles []string `yaml:"rule_files"`
		Scrape    []struct {
			Authorization struct {
				File string `yaml:"credentials_file"`
			} `yaml:"authorization"`
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	read("compose/prometheus.yml", &prometheus)
	_, port, _ := strings.Cut(c.Services["kong"].Environment["KONG_WAF_CONSOLE_LISTEN"], ":")
	require.Equal(t, []string{"kong:" + port}, prometheus.Scrape[0].Static[0].Targets)
	require.Equal(t, c.Services["kong"].Environment["KONG_WAF_CONSOLE_TOKEN_FILE"], prometheus.Scrape[0].Authorization.File)
	require.Contains(t, strings.Join(c.Services["prometheus"].Volumes, " "), "/etc/prometheus/"+prometheus.RuleFiles[0])

	var sources struct{ Datasources []struct{ Type, URL string } }
	read("compose/grafana-datasource.yml", &sources)
	require.Equal(t, "prometheus", sources.Datasources[0].Type)
	require.Equal(t, "http://prometheus:9090", sources.Datasources[0].URL)
	var dashboards struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read("compose/grafana-dashboards.yml", &dashboards)
	require.Contains(t, strings.Join(c.Services["grafana"].Volumes, " "), "../grafana.json:"+dashboards.Providers[0].Options.Path+"/")
}

// TestRunKong: refused in one line where there is no Docker, no compose or no engine; else it
// makes a token and starts what the file says.
func TestRunKong(t *testing.T) {
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	for _, row := range []struct {
		name, docker string
		want         string
		good         bool
	}{
		{name: "no docker", want: "make run-kong: there is no docker here; make run shows everything without Docker\n"},
		{name: "no compose", docker: `[ "$1" != compose ]`, want: "make run-kong: docker has no compose: install Docker's compose plugin, version 2.20 or later; make run shows everything without Docker\n"},
		{name: "no engine", docker: `[ "$1" != info ]`, want: "make run-kong: no Docker engine answers: start one, or set DOCKER_HOST; make run shows everything without Docker\n"},
		{name: "all there", docker: `echo "docker $*"; test -s "$KONG_WAF_TOKEN_FILE" || [ "$2" = version ] || [ "$1" = info ]`, want: "compose.yaml up --detach --wait", good: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			// A repository of its own: the script writes beside itself.
			root := t.TempDir()
			folder := filepath.Join(root, "kong", "conf", "compose")
			require.NoError(t, os.MkdirAll(folder, 0o755))
			script, err := os.ReadFile("compose/run.sh")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, "run.sh"), script, 0o755))
			programs := filepath.Join(root, "programs")
			require.NoError(t, os.MkdirAll(programs, 0o755))
			for _, name := range []string{"dirname", "mkdir", "chmod", "od", "tr", "cat"} {
				program, err := exec.LookPath(name)
				require.NoError(t, err)
				require.NoError(t, os.Symlink(program, filepath.Join(programs, name)))
			}
			if row.docker != "" {
				require.NoError(t, os.WriteFile(filepath.Join(programs, "docker"), []byte("#!"+shell+"\n"+row.docker+"\n"), 0o755))
			}
			command := exec.Command(shell, filepath.Join(folder, "run.sh"), "up")
			command.Env = []string{"PATH=" + programs}
			out, err := command.CombinedOutput()
			token := filepath.Join(root, "bin", "run-kong", "console.token")
			if !row.good {
				require.Error(t, err)
				require.Equal(t, row.want, string(out))
				require.NoFileExists(t, token)
				return
			}
			require.NoError(t, err, string(out))
			require.Contains(t, string(out), row.want)
			secret, err := os.ReadFile(token)
			require.NoError(t, err)
			require.Regexp(t, `^[0-9a-f]{48}$`, string(secret))
			require.NotContains(t, string(out), string(secret))
			info, err := os.Stat(filepath.Dir(token))
			require.NoError(t, err)
			require.EqualValues(t, 0o700, info.Mode().Perm())
		})
	}
}
