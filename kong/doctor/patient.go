package doctor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"kongwaf/kong/declarative"
	"kongwaf/kong/kongconf"
)

// ErrOff is what Options.Console and Options.Redis return where there is none by settings.
var ErrOff = errors.New("switched off")

// patient is a configuration under examination.
type patient struct {
	Options
	ctx      context.Context
	check    string
	findings []Finding
	served   *Server // who listens, once that was asked
}

func (p *patient) ok(format string, args ...any) {
	p.findings = append(p.findings, Finding{Check: p.check, Status: OK, Message: fmt.Sprintf(format, args...)})
}

func (p *patient) skip(format string, args ...any) {
	p.findings = append(p.findings, Finding{Check: p.check, Status: Skipped, Message: fmt.Sprintf(format, args...)})
}

// bad is a finding of what is wrong.
func (p *patient) bad(status Status, message, why, change string) {
	p.findings = append(p.findings, Finding{Check: p.check, Status: status, Message: message, Why: why, Change: change})
}

// isBad reports whether the check at hand has found something.
func (p *patient) isBad() bool {
	return slices.ContainsFunc(p.findings, func(f Finding) bool {
		return f.Check == p.check && (f.Status == Warning || f.Status == Failure)
	})
}

// line is a setting to write, where it stands now or as kong.conf has it.
func line(at kongconf.Value, key, value string) string {
	if strings.HasPrefix(at.At, "KONG_") {
		return at.At + "=" + value
	}
	if at.At != "" {
		return fmt.Sprintf("%s = %s (%s)", key, value, at.At)
	}
	return key + " = " + value
}

// where says where a setting stands, or that it is Kong's default.
func where(v kongconf.Value) string {
	if v.At == "" {
		return "Kong's default"
	}
	return v.At
}

// prefix is Kong's folder, and prefixAt where that stands.
func (p *patient) prefix() string {
	if p.Prefix != "" {
		return path.Clean(p.Prefix)
	}
	return path.Clean(p.Conf.Get("prefix", "/usr/local/kong/").Text)
}

// loaded are those of our plugins that this Kong is told to load, by plugins.
func (p *patient) loaded() []string { return p.ours(p.Conf.Get("plugins", "bundled").List()) }

// named are those that pluginserver_names has.
func (p *patient) named() []string { return p.ours(p.Conf.Get("pluginserver_names", "").List()) }

func (p *patient) ours(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(p.Plugins, name) })
}

// socketOf is where Kong looks for a plugin's server.
func (p *patient) socketOf(plugin string) kongconf.Value {
	return p.Conf.Get(kongconf.PluginKey(plugin, "socket"), path.Join(p.prefix(), plugin+".socket"))
}

// startCmds are the start_cmds of ours.
func (p *patient) startCmds() (all []kongconf.Value) {
	for _, plugin := range p.named() {
		if v := p.Conf.Get(kongconf.PluginKey(plugin, "start_cmd"), ""); v.Text != "" {
			all = append(all, v)
		}
	}
	return all
}

// controlPlane reports whether this Kong serves no requests.
func (p *patient) controlPlane() bool {
	return p.Conf.Get("role", "traditional").Text == "control_plane"
}

// active are the plugins of ours that Kong serves, with their configs.
func (p *patient) active() (all []*declarative.Plugin) {
	if p.Config == nil {
		return nil
	}
	for _, plugin := range p.Config.Plugins {
		if plugin.Enabled && slices.Contains(p.Plugins, plugin.Name) {
			all = append(all, plugin)
		}
	}
	return all
}
