package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"time"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
	"kongwaf/kong/schema"
	"kongwaf/plugins"
)

// schemas checks plugin configs by the schemas that Kong itself enforces.
type schemas struct {
	of map[string]*schema.Schema
	// now tells the time, for what a config says of days.
	now func() time.Time
}

var _ declarative.Validator = schemas{}

func newSchemas() schemas {
	all := schemas{of: map[string]*schema.Schema{}, now: time.Now}
	for _, d := range plugins.Definitions() {
		all.of[d.Name] = d.Schema()
	}
	return all
}

// Names implements declarative.Validator.
func (s schemas) Names() []string {
	var names []string
	for _, d := range plugins.Definitions() {
		names = append(names, d.Name)
	}
	return names
}

// Validate implements declarative.Validator. What a schema cannot say is asked of the
// plugin itself, as at instance start.
func (s schemas) Validate(plugin string, config map[string]any) (map[string]any, []declarative.ConfigProblem) {
	var problems []declarative.ConfigProblem
	for _, w := range s.of[plugin].Deprecated(config) {
		problems = append(problems, declarative.ConfigProblem{Field: w.Path, Message: w.Problem, Warning: true})
	}
	completed, errs := s.of[plugin].Complete(config)
	for _, e := range errs {
		problems = append(problems, declarative.ConfigProblem{Field: e.Path, Message: e.Problem})
	}
	if len(errs) > 0 {
		return completed, problems
	}
	unchecked, err := compile(plugin, completed)
	for _, why := range unchecked {
		problems = append(problems, declarative.ConfigProblem{Field: "config", Message: why, Warning: true})
	}
	for _, err := range each(err) {
		problem := declarative.ConfigProblem{Field: "config", Message: err.Error()}
		if m := namesField.FindStringSubmatch(problem.Message); m != nil {
			problem.Field, problem.Message = m[1], m[2]
		}
		problems = append(problems, problem)
	}
	for _, w := range s.warnings(plugin, completed) {
		problems = append(problems, declarative.ConfigProblem{Field: w.Path, Message: w.Problem, Warning: true})
	}
	return completed, problems
}

// warnings returns what a plugin says of a config that is valid, and yet not what was meant.
func (s schemas) warnings(plugin string, config map[string]any) []schema.FieldError {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil
	}
	for _, d := range plugins.Definitions() {
		fields := d.Config()
		if warner, ok := fields.(plugins.Warner); ok && d.Name == plugin && s.of[plugin].Decode(raw, fields) == nil {
			return warner.Warnings(s.now())
		}
	}
	return nil
}

// namesField takes the field off an error text that begins with one.
var namesField = regexp.MustCompile(`(?s)^(config(?:\.\w+|\[\d+\])*): (.*)$`)

// each returns the errors that were joined to one.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, each(e)...)
	}
	return all
}

// compile starts and forgets an instance of a plugin, to hear what it says of the config. The
// files that a config names are read, if this machine has them; no server is asked. What was
// not looked at is said.
func compile(plugin string, config map[string]any) (unchecked []string, err error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(raw, []byte("{vault://")) {
		return nil, nil // what a vault holds is known only to Kong
	}
	shared := plugins.NewShared(slog.New(slog.DiscardHandler))
	shared.Sources.Offline = true
	for _, p := range plugins.All(shared) {
		if p.Name == plugin {
			_, err = p.New(raw)
		}
	}
	return shared.Sources.Unchecked(), err
}

// gatewayPlugins tells the stand-in which plugins the plugin server has.
func gatewayPlugins() []gateway.PluginInfo {
	var infos []gateway.PluginInfo
	for _, d := range plugins.Definitions() {
		infos = append(infos, gateway.PluginInfo{Name: d.Name, Priority: d.Priority, Phases: []string{"access"}})
	}
	return infos
}
