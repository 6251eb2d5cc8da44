package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kongwaf/examples/deck"
	"kongwaf/kong/schema"
	"kongwaf/plugins"
)

const referenceHelp = `Usage: kong-waf reference [NAME...]

Prints every field of the plugins' configs and every setting of the process as Markdown, made from what
the binary checks configs with. NAME is a plugin, or settings; without one, all.
`

// settingsName is what the process-wide settings are called beside the plugins.
const settingsName = "settings"

const referenceIntro = `# Configuration

Every field of every plugin, and every setting of the process, as ` + "`kong-waf reference`" + ` prints them. This page is
written by ` + "`make golden`" + `. Examples are values from the files in [examples/deck](../examples/deck).

A plugin's fields stand below ` + "`config`" + `. ` + "`[]`" + ` is an entry of a list, ` + "`*`" + ` a value of a map. A *secret* may be a vault
reference (` + "`{vault://env/name}`" + `) and is never shown. ` + "`kong-waf validate FILE...`" + ` checks a config as Kong will.
`

// runReference prints the reference page, or parts of it.
func runReference(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("reference", referenceHelp, stderr)
	if code, stop := parse(flags, args, operands{most: 100, what: "NAME..."}); stop {
		return code
	}
	sections := referenceSections()
	wanted := flags.Args()
	for _, name := range wanted {
		if !slices.ContainsFunc(sections, func(s referenceSection) bool { return s.name == name }) {
			names := make([]string, len(sections))
			for i, s := range sections {
				names[i] = s.name
			}
			fmt.Fprintf(stderr, "kong-waf reference: there is no %q: write one of %s\n", name, strings.Join(names, ", "))
			return 2
		}
	}
	if len(wanted) == 0 {
		io.WriteString(stdout, referenceIntro)
	}
	examples := exampleValues(deck.Files)
	for _, s := range sections {
		if len(wanted) == 0 || slices.Contains(wanted, s.name) {
			s.write(stdout, examples[s.name])
		}
	}
	return 0
}

// referenceSection is a plugin, or the settings.
type referenceSection struct {
	name, about string
	entries     []schema.Entry
}

func referenceSections() []referenceSection {
	var out []referenceSection
	for _, d := range plugins.Definitions() {
		entries := d.Schema().Reference()
		if d.Name == "waf-gate" {
			// Its sections are the other plugins' fields.
			entries = slices.DeleteFunc(entries, func(e schema.Entry) bool { return strings.Contains(e.Path, ".") })
		}
		out = append(out, referenceSection{name: d.Name, about: fmt.Sprintf("Priority %d.", d.Priority), entries: entries})
	}
	process, err := schema.Of(settingsName, settings{})
	if err != nil {
		panic(err) // wrong tags, which a test shows
	}
	return append(out, referenceSection{
		name:    settingsName,
		about:   "Of the process: `kong-waf serve --config FILE`, each also in the environment: `limits.concurrency` is `" + envPrefix + "LIMITS_CONCURRENCY`.",
		entries: process.Reference(),
	})
}

func (s referenceSection) write(w io.Writer, examples map[string]string) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n\n| field | value | default | meaning |\n|---|---|---|---|\n", s.name, s.about)
	for _, e := range s.entries {
		value, meaning := e.Type, e.Meaning
		if e.Secret {
			value += ", *secret*"
		}
		if e.Replacement != "" {
			meaning = strings.TrimSpace("Deprecated: write `" + e.Replacement + "`. " + meaning)
		}
		if example := examples[e.Path]; example != "" {
			meaning += " Example: `" + example + "`."
		}
		byDefault := ""
		switch {
		case e.Required:
			byDefault = "*required*"
		case e.Default != "":
			byDefault = "`" + e.Default + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", e.Path, cell(value), cell(byDefault), cell(meaning))
	}
}

// cell makes a text fit into a cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(strings.TrimSpace(s))
}

// longestExample bounds an example's length in a table, in bytes.
const longestExample = 80

// exampleValues returns, by plugin and field, the first value that an example deck file
// has there.
func exampleValues(files fs.FS) map[string]map[string]string {
	out := map[string]map[string]string{}
	names, err := fs.Glob(files, "*.yml")
	if err != nil {
		panic(err) // only a bad pattern
	}
	for _, name := range names {
		var document any
		text, err := fs.ReadFile(files, name)
		if err == nil {
			err = yaml.Unmarshal(text, &document)
		}
		if err != nil {
			panic(fmt.Sprintf("example %s: %v", name, err)) // embedded, and read by tests
		}
		collectPlugins(document, out)
	}
	return out
}

// collectPlugins looks for plugins anywhere in a deck file.
func collectPlugins(node any, out map[string]map[string]string) {
	switch node := node.(type) {
	case []any:
		for _, sub := range node {
			collectPlugins(sub, out)
		}
	case map[string]any:
		name, _ := node["name"].(string)
		if config, ok := node["config"].(map[string]any); ok && name != "" {
			if out[name] == nil {
				out[name] = map[string]string{}
			}
			collectValues("", config, out[name])
			return
		}
		for _, key := range slices.Sorted(maps.Keys(node)) {
			collectPlugins(node[key], out)
		}
	}
}

func collectValues(path string, node any, out map[string]string) {
	if day, ok := node.(time.Time); ok {
		node = day.Format(time.DateOnly)
	}
	if text, err := json.Marshal(node); err == nil && path != "" && len(text) <= longestExample && out[path] == "" && !strings.ContainsAny(string(text), "`") {
		out[path] = string(text)
	}
	switch node := node.(type) {
	case []any:
		for _, sub := range node {
			collectValues(path+"[]", sub, out)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			collectValues(strings.TrimPrefix(path+"."+key, "."), node[key], out)
		}
	}
}
