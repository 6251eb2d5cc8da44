package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
)

// settings are the process-wide settings of `kong-waf serve`: one YAML file, each key also
// as an environment variable (limits.concurrency is KONG_WAF_LIMITS_CONCURRENCY). They are
// checked like a plugin's config.
type settings struct {
	Console consoleSettings `json:"console" doc:"What the process shows over HTTP: health, metrics, events, a dashboard."`
	Events  eventSettings   `json:"events" doc:"Where it is written down what was refused, reported, let through by an exception, or not judged. Several at once are fine."`
	Redis   redisSettings   `json:"redis" doc:"The Redis that nodes share."`
	Admin   adminSettings   `json:"admin_api" doc:"Kong's Admin API, from which its own key-auth credentials are read."`
	Data    dataSettings    `json:"data" doc:"What outlives the process on this machine."`

	Reputation reputationSettings `json:"reputation" doc:"What puts clients on the lists grey and deny by itself; see docs/reputation.md."`

	Limits struct {
		Concurrency int `json:"concurrency" default:"0" kong:"between=0:1000000" doc:"How many events may compute at the same time; 0 is 512 per processor."`
		BodyMemory  int `json:"body_memory" default:"0" kong:"between=0:1099511627776" doc:"How many bytes of requests all events together may hold; 0 is 512 MiB."`
		FrameBytes  int `json:"frame_bytes" default:"0" kong:"between=0:1073741824" doc:"How long one frame from Kong may be, in bytes; 0 is 64 MiB."`
		Clients     int `json:"clients" default:"1000000" kong:"between=1000:16000000" doc:"How many clients the rate limits keep counters for, at 128 bytes each once they call. Changing it needs a restart, not a reload."`
	} `json:"limits" doc:"Bounds on what one process uses."`
	Socket struct {
		Mode  string `json:"mode" default:"0660" kong:"match=^0?[0-7][0-7][0-7]$" doc:"Permissions of the socket, in octal. Kong's nginx workers must be able to write to it."`
		Owner string `json:"owner,omitempty" doc:"Owner of the socket: user, user:group or :group. Not changed if not set."`
	} `json:"socket" doc:"The socket that Kong connects to."`
}

// dataSettings say where the last good versions of lists and keys are kept.
type dataSettings struct {
	Folder string `json:"folder,omitempty" doc:"Folder for the lists of reputation, and for the last good versions of what is read from files and URLs, for a start while they are away; or off. If not set, kong-waf-data beside the socket."`
}

// folder returns the folder, "" for none.
func (d *dataSettings) folder(socket string) string {
	switch d.Folder {
	case "":
		return filepath.Join(filepath.Dir(socket), "kong-waf-data")
	case "off":
		return ""
	}
	return d.Folder
}

const envPrefix = "KONG_WAF_"

// loadSettings reads the file, if any, and the environment over it.
func loadSettings(file string, environ []string) (settings, error) {
	var out settings
	s, err := schema.Of("kong-waf", settings{})
	if err != nil {
		return out, err
	}
	config := map[string]any{}
	if file != "" {
		if config, err = readYAML(file); err != nil {
			return out, err
		}
	}
	if err := overlay(config, environ); err != nil {
		return out, err
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return out, fmt.Errorf("%s: %w", file, err)
	}
	if err := s.Decode(raw, &out); err != nil {
		// Plugin configs are below "config."; here the file is the root.
		from := "the environment"
		if file != "" {
			from = file + " or the environment"
		}
		return out, fmt.Errorf("in %s: %s", from, strings.ReplaceAll(err.Error(), "config.", ""))
	}
	return out, nil
}

// printSettings writes every setting, with its default and what it means.
func printSettings(out io.Writer) {
	fmt.Fprintf(out, "\nSettings, in the YAML file as section and key, or in the environment: limits.concurrency is %sLIMITS_CONCURRENCY.\n", envPrefix)
	for section := range reflect.TypeFor[settings]().Fields() {
		for field := range section.Type.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fmt.Fprintf(out, "  %-27s %s", section.Tag.Get("json")+"."+name, field.Tag.Get("doc"))
			if d := field.Tag.Get("default"); d != "" && d != "0" && d != "false" {
				fmt.Fprintf(out, " (default %s)", d)
			}
			fmt.Fprintln(out)
		}
	}
}

// maxSettingsFile is how long the file may be, in bytes.
const maxSettingsFile = 1 << 20

func readYAML(file string) (map[string]any, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSettingsFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSettingsFile {
		return nil, fmt.Errorf("%s: longer than %d bytes", file, maxSettingsFile)
	}
	config := map[string]any{}
	if err := yaml.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return config, nil
}

// ofService matches what Kubernetes sets in each pod where a Service has the name kong-waf.
var ofService = regexp.MustCompile(`^(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// overlay writes the variables KONG_WAF_SECTION_KEY over the config.
func overlay(config map[string]any, environ []string) error {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		key, ok := strings.CutPrefix(name, envPrefix)
		if !ok || strings.HasPrefix(key, "INTERNAL_") || ofService.MatchString(key) {
			continue
		}
		section, field, ok := splitKey(strings.ToLower(key))
		if !ok {
			return fmt.Errorf("%s: is no setting: write %sSECTION_KEY, such as %sLIMITS_CONCURRENCY", name, envPrefix, envPrefix)
		}
		in, ok := config[section].(map[string]any)
		if !ok {
			in = map[string]any{}
			config[section] = in
		}
		switch n, err := strconv.ParseInt(value, 10, 64); {
		case err == nil && section != "socket":
			in[field] = n
		case value == "true" || value == "false":
			in[field] = value == "true"
		default:
			in[field] = value
		}
	}
	return nil
}

// splitKey takes the section off a variable's name: sections may have underscores themselves.
func splitKey(key string) (section, field string, ok bool) {
	for t := range reflect.TypeFor[settings]().Fields() {
		name := t.Tag.Get("json")
		if rest, found := strings.CutPrefix(key, name+"_"); found {
			return name, rest, true
		}
	}
	return strings.Cut(key, "_")
}

// validate refuses what the schema cannot, before any process starts.
func (s *settings) validate() error {
	if err := s.Console.validate(); err != nil {
		return err
	}
	if _, err := s.Reputation.rules(); err != nil {
		return err
	}
	if stream := s.Events.RedisStream; stream != "" && stream != "off" && s.Redis.Address == "" {
		return errors.New("redis.address: missing, events.redis_stream needs it")
	}
	if s.Redis.Address != "" {
		if _, err := s.Redis.settings(); err != nil {
			return err
		}
	}
	return nil
}

func (s *settings) serverLimits() pluginserver.Limits {
	return pluginserver.Limits{
		Concurrency: s.Limits.Concurrency,
		BodyMemory:  int64(s.Limits.BodyMemory),
		FrameBytes:  s.Limits.FrameBytes,
	}
}

// socketMode returns the socket's permissions; the schema has checked the text.
func (s *settings) socketMode() fs.FileMode {
	mode, _ := strconv.ParseUint(s.Socket.Mode, 8, 12)
	return fs.FileMode(mode)
}
