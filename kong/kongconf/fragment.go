package kongconf

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// The lines that hand over a request's head in one variable, as they were tried on a real
// Kong. Kong-waf's plugins read what they give.
const (
	// HeadKey and HeadValue give the client's head as it was sent.
	HeadKey   = "nginx_proxy_set_by_lua"
	HeadValue = `$kong_waf "local v = ngx.var local head = v.kong_request_id .. [[ ]] .. v.remote_addr .. [[ ]] .. v.realip_remote_addr .. [[ ]] if ngx.req.http_version() < 2 then return head .. ngx.req.raw_header() end return head .. v.request"`
	// ShortKey and ShortValue give the request line alone; headers are asked for, and so are
	// what plugins before ours have made of them.
	ShortKey   = "nginx_proxy_set"
	ShortValue = `$kong_waf "$kong_request_id $remote_addr $realip_remote_addr $request"`
	// HeadVariable begins the value of either.
	HeadVariable = "$kong_waf "
)

// BodyBufferKey is how much of a body nginx holds in memory; above it, it writes a file.
const BodyBufferKey = "nginx_http_client_body_buffer_size"

// Fragment says what kong-waf needs of a Kong.
type Fragment struct {
	Socket  string   // where the plugin server listens
	Binary  string   // where Kong finds kong-waf
	Plugins []string // the names of ours that Kong loads
	// StartCmd makes Kong start the server itself, at a price that the comments name.
	StartCmd bool
	// BodyBuffer is a size for BodyBufferKey; "" leaves Kong's, 8k.
	BodyBuffer string
	// Head is how the head is handed over: "raw", "short" or "off".
	Head string
}

// maxSocketPath is the longest path that a Unix socket may have on Linux.
const maxSocketPath = 107

// Validate names what is wrong with the fragment by the names of the options.
func (f *Fragment) Validate() error {
	var errs []error
	for _, p := range []struct{ option, path string }{{"socket", f.Socket}, {"binary", f.Binary}} {
		if !path.IsAbs(p.path) || strings.ContainsFunc(p.path, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("#\"'\\$`;,", r) }) {
			errs = append(errs, fmt.Errorf("%s: %q is no path from / without blanks and marks such as # or quotes", p.option, p.path))
		}
	}
	if len(f.Socket) > maxSocketPath {
		errs = append(errs, fmt.Errorf("socket: a path of %d bytes is too long for a socket, %d is the most", len(f.Socket), maxSocketPath))
	}
	if len(f.Plugins) == 0 {
		errs = append(errs, errors.New("plugins: name at least one"))
	}
	for i, name := range f.Plugins {
		if slices.Contains(f.Plugins[:i], name) {
			errs = append(errs, fmt.Errorf("plugins: %s stands twice", name))
		}
	}
	if f.BodyBuffer != "" {
		switch size, err := ParseSize(f.BodyBuffer); {
		case err != nil:
			errs = append(errs, fmt.Errorf("body-buffer: %w", err))
		case size < 1<<10 || size > 1<<30:
			errs = append(errs, fmt.Errorf("body-buffer: %s is not between 1k and 1g", f.BodyBuffer))
		}
	}
	if !slices.Contains([]string{"raw", "short", "off"}, f.Head) {
		errs = append(errs, fmt.Errorf("head: %q is not raw, short or off", f.Head))
	}
	return errors.Join(errs...)
}

// Setting is a line of kong.conf.
type Setting struct{ Key, Value string }

// PluginKey returns the name of a plugin's setting: kind is socket, query_cmd or start_cmd.
func PluginKey(plugin, kind string) string {
	return "pluginserver_" + strings.ReplaceAll(plugin, "-", "_") + "_" + kind
}

func (f *Fragment) names() []Setting {
	return []Setting{
		{"plugins", "bundled," + strings.Join(f.Plugins, ",")},
		{"pluginserver_names", strings.Join(f.Plugins, ",")},
	}
}

func (f *Fragment) server(plugin string) []Setting {
	return []Setting{
		{PluginKey(plugin, "socket"), f.Socket},
		{PluginKey(plugin, "query_cmd"), f.Binary + " info " + plugin},
	}
}

func (f *Fragment) startCmd() Setting {
	return Setting{PluginKey(f.Plugins[0], "start_cmd"), f.Binary + " serve --socket " + f.Socket}
}

// Settings returns every setting of a valid fragment, in the order of the file.
func (f *Fragment) Settings() []Setting {
	all := f.names()
	for _, plugin := range f.Plugins {
		all = append(all, f.server(plugin)...)
	}
	if f.StartCmd {
		all = append(all, f.startCmd())
	}
	if f.BodyBuffer != "" {
		all = append(all, Setting{BodyBufferKey, f.BodyBuffer})
	}
	switch f.Head {
	case "raw":
		all = append(all, Setting{HeadKey, HeadValue})
	case "short":
		all = append(all, Setting{ShortKey, ShortValue})
	}
	return all
}
