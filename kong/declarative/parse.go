package declarative

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// builder collects entities from all files, then ties them together.
type builder struct {
	opts     Options
	cfg      *Config
	problems Problems

	// later are the references, to be looked up once every file is read.
	later []func()
	// configs are the plugin configs to validate.
	configs []pluginConfig
	// sharedConfigs are deck's _plugin_configs, by name.
	sharedConfigs map[string]map[string]any

	kube manifests
}

// pluginConfig is a plugin and where its config was written.
type pluginConfig struct {
	plugin *Plugin
	copies []*Plugin // the uses of a KongPlugin
	doc    *document
	node   *yaml.Node // the config mapping, or the plugin's own node where there is none
	path   string     // the config's path in the document
}

// Parse is Load for files that are in memory already.
func Parse(opts Options, sources ...Source) (*Config, Problems) {
	b := &builder{opts: opts, cfg: &Config{}, sharedConfigs: map[string]map[string]any{}, kube: newManifests()}
	for _, s := range sources {
		b.source(s)
	}
	b.resolveConfigs()
	b.kubernetesRoutes()
	for _, f := range b.later {
		f()
	}
	b.duplicateIDs()
	b.identify()
	b.validateConfigs()
	b.duplicates()
	b.advise()
	b.adviseTwins()
	b.adviseKeys()
	b.problems.sort()
	return b.cfg, b.problems
}

func (b *builder) source(s Source) {
	dec := yaml.NewDecoder(bytes.NewReader(b.expand(s.Name, s.Data)))
	for empty := true; ; {
		d := &document{file: s.Name, problems: &b.problems}
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			if empty {
				d.warnf(&doc, "", "there is nothing in this file")
			}
			return
		}
		if err != nil {
			b.yamlError(s, err)
			return
		}
		if len(doc.Content) == 0 || isNull(doc.Content[0]) {
			continue // a document of comments only
		}
		empty = false
		b.document(d, doc.Content[0])
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (b *builder) yamlError(s Source, err error) {
	p := Problem{Position: Position{File: s.Name}, Message: err.Error()}
	if m := yamlLine.FindStringSubmatch(p.Message); m != nil {
		p.Line, _ = strconv.Atoi(m[1]) // 0 where the message names none
		p.Message = "not YAML: " + strings.TrimPrefix(p.Message, m[0])
	}
	if strings.HasSuffix(p.Message, "cannot start any token") {
		p.Line = max(p.Line, 1) // the first line is what it does not name
		p.Message += ": a text that begins so needs quotes"
		if lines := bytes.Split(s.Data, []byte("\n")); p.Line <= len(lines) && bytes.HasPrefix(bytes.TrimLeft(lines[p.Line-1], " "), []byte("\t")) {
			p.Message = "not YAML: indent with spaces, not with tabs"
		}
	}
	b.problems = append(b.problems, p)
}

func (b *builder) document(d *document, n *yaml.Node) {
	m := d.mapping(n, "")
	if m == nil {
		return
	}
	switch {
	case m.has("_format_version"):
		b.deck(m)
	case m.has("apiVersion") && m.has("kind"):
		b.manifest(m)
	case m.has("apiVersion") || m.has("kind"):
		d.errorf(n, "", "a Kubernetes manifest needs both apiVersion and kind")
	case isHelmValues(d.file):
		d.warnf(n, "", "not checked: these look like values for Helm")
	default:
		d.errorf(n, "", `neither a deck file (it begins with _format_version: "3.0") nor a Kubernetes manifest (it has apiVersion and kind)`)
	}
}

// isHelmValues reports whether a file is named as those are that stand beside manifests and
// are none: values.yaml, values-production.yaml.
func isHelmValues(file string) bool {
	name := filepath.Base(file)
	ext := filepath.Ext(name)
	stem, isValues := strings.CutPrefix(strings.TrimSuffix(name, ext), "values")
	return isValues && (ext == ".yaml" || ext == ".yml") && (stem == "" || stem[0] == '-' || stem[0] == '.')
}
