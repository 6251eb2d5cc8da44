package doctor

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kongwaf/kong/declarative"
	"kongwaf/kong/kongconf"
)

// The releases of Kong that the plugins are made for.
const oldestMinor, newestMinor = 4, 9

var versionText = regexp.MustCompile(`^(\d+)\.(\d+)`)

func (p *patient) version() {
	const change = "use Kong Gateway 3.9"
	m := versionText.FindStringSubmatch(p.Version)
	if m == nil {
		p.skip("Kong's version is not known: no kong in PATH, and no --admin")
		return
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	switch {
	case major < 3:
		p.bad(Failure, fmt.Sprintf("Kong %s (%s)", p.Version, p.VersionAt), "Kong before 3 speaks to plugin servers in another way, which kong-waf does not know", change)
	case major > 3 || minor < oldestMinor || minor > newestMinor:
		p.bad(Warning, fmt.Sprintf("Kong %s (%s)", p.Version, p.VersionAt), fmt.Sprintf("kong-waf is made for Kong 3.%d to 3.%d, and tried on 3.9", oldestMinor, newestMinor), change)
	default:
		p.ok("Kong %s (%s)", p.Version, p.VersionAt)
	}
}

func (p *patient) conf() {
	if p.ConfErr != nil {
		p.bad(Failure, p.ConfErr.Error(), "what Kong does cannot be told from a file that cannot be read", "name the file with --kong-conf, and run this as somebody who may read it")
	}
	for _, o := range p.Conf.Overruled {
		p.bad(Warning, fmt.Sprintf("%s stands twice, at %s and %s", o.Key, o.First.At, o.Again.At),
			"Kong takes the last line: what the first one adds is lost", fmt.Sprintf("make one line of the two, and take away %s", o.First.At))
	}
	var unknown []string
	set := 0
	p.Conf.Keys(func(key string, v kongconf.Value) {
		set++
		// Programs in Kong's container have variables of their own that begin with KONG_.
		if !strings.HasPrefix(v.At, "KONG_") && !kongconf.Known(key) {
			unknown = append(unknown, key)
		}
	})
	slices.Sort(unknown)
	for _, key := range unknown {
		v := p.Conf.Get(key, "")
		p.bad(Warning, fmt.Sprintf("%s: Kong 3.9 has no setting %s%s", v.At, key, declarative.DidYouMean(key, kongconf.Names())),
			"Kong passes over names that it does not know", "take the line away, or write the name as kong.conf.default has it")
	}
	switch {
	case p.isBad():
	case set == 0:
		p.skip("no kong.conf and no KONG_ variables: name the file with --kong-conf, and run this where Kong runs")
	default:
		p.ok("%d settings in kong.conf and the environment", set)
	}
}

func (p *patient) plugins() {
	loads, names := p.Conf.Get("plugins", "bundled"), p.Conf.Get("pluginserver_names", "")
	loaded, named := p.loaded(), p.named()
	if len(loaded)+len(named) == 0 {
		p.bad(Failure, fmt.Sprintf("plugins (%s) names none of %s", where(loads), strings.Join(p.Plugins, ", ")),
			"Kong loads only plugins that it is told of", "append what kong-waf config kong.conf prints")
		return
	}
	for _, name := range loaded {
		if !slices.Contains(named, name) {
			p.bad(Failure, fmt.Sprintf("%s is in plugins (%s), not in pluginserver_names (%s)", name, where(loads), where(names)),
				"Kong looks for a Lua plugin of that name, finds none and does not start", line(names, "pluginserver_names", strings.Join(append(names.List(), name), ",")))
		}
	}
	for _, name := range named {
		if !slices.Contains(loaded, name) {
			p.bad(Warning, fmt.Sprintf("%s is in pluginserver_names (%s), not in plugins (%s)", name, where(names), where(loads)),
				"Kong refuses every config of a plugin that it does not load", line(loads, "plugins", strings.Join(append(loads.List(), name), ",")))
		}
	}
	if list := loads.List(); !slices.Contains(list, "bundled") {
		p.bad(Warning, fmt.Sprintf("plugins (%s) is without bundled", where(loads)),
			"Kong's own plugins are not loaded then", line(loads, "plugins", strings.Join(append([]string{"bundled"}, list...), ",")))
	}
	for _, name := range loaded {
		for _, folder := range p.luaFolders() {
			if file := path.Join(folder, "kong/plugins", name, "handler.lua"); !p.Offline && exists(file) {
				p.bad(Failure, fmt.Sprintf("%s is there", file), "Kong runs a Lua plugin rather than a server's of the same name, and says nothing", "take the folder of that file away")
			}
		}
	}
	for _, plugin := range p.active() {
		if !slices.Contains(loaded, plugin.Name) {
			p.bad(Failure, fmt.Sprintf("%s: %s is used, and not in plugins (%s)", plugin.At, plugin.Name, where(loads)),
				"Kong refuses the whole configuration", line(loads, "plugins", strings.Join(append(loads.List(), plugin.Name), ",")))
		}
	}
	if !p.isBad() {
		p.ok("Kong loads %s", strings.Join(loaded, ", "))
	}
}

// luaFolders are where Kong looks for Lua plugins.
func (p *patient) luaFolders() []string {
	folders := []string{"/usr/local/share/lua/5.1"}
	for pattern := range strings.SplitSeq(p.Conf.Get("lua_package_path", "").Text, ";") {
		if folder, ok := strings.CutSuffix(pattern, "/?.lua"); ok && path.IsAbs(folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

func (p *patient) queryCommands() {
	if len(p.named()) == 0 {
		p.skip("no plugin of ours is in pluginserver_names")
		return
	}
	programs := map[string]bool{}
	for _, name := range p.named() {
		key := kongconf.PluginKey(name, "query_cmd")
		v := p.Conf.Get(key, "")
		words := strings.Fields(v.Text)
		switch {
		case len(words) == 0:
			p.bad(Failure, key+" is not set", "Kong asks it for the plugin's schema, and does not start without an answer", line(v, key, "/usr/local/bin/kong-waf info "+name))
			continue
		case !asksFor(words, name):
			p.bad(Failure, fmt.Sprintf("%s (%s) is %q", key, v.At, v.Text), "Kong 3.9 reads one plugin of an answer, and it must be this one", line(v, key, words[0]+" info "+name))
		}
		if program := words[0]; !programs[program] {
			programs[program] = true
			p.program(program, key, v)
		}
	}
	if !p.isBad() {
		p.ok("each plugin has its own")
	}
}

// asksFor reports whether a command is kong-waf info NAME, with options or behind env.
func asksFor(words []string, name string) bool {
	at := slices.Index(words, "info")
	return at > 0 && words[len(words)-1] == name
}

// program looks at the program that Kong is to run, without running it.
func (p *patient) program(program, key string, v kongconf.Value) {
	if p.Offline || path.Base(program) != "kong-waf" {
		return // elsewhere; or env, or a script of somebody's
	}
	info, err := os.Stat(program)
	switch {
	case err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		p.bad(Failure, fmt.Sprintf("%s (%s): %s is no program here", key, v.At, program),
			"Kong does not start if the command fails; a sidecar needs the program in Kong's container too", "install -m 755 kong-waf "+program)
	case p.Self != "" && !sameFile(program, p.Self):
		p.bad(Warning, fmt.Sprintf("%s is another build than this program, %s", program, p.Self),
			"Kong checks configs by the schemas of the one, and the other may be what serves them", "install -m 755 "+p.Self+" "+program+", and reload both")
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// sameFile reports whether two files hold the same bytes, or cannot be compared.
func sameFile(a, b string) bool {
	sum := func(file string) []byte {
		f, err := os.Open(file)
		if err != nil {
			return nil
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return nil
		}
		return h.Sum(nil)
	}
	x, y := sum(a), sum(b)
	return x == nil || y == nil || bytes.Equal(x, y)
}

func (p *patient) startCommands() {
	starts := p.startCmds()
	if len(starts) == 0 {
		p.ok("the server is started outside Kong")
		return
	}
	keyOf := func(v kongconf.Value) string {
		for _, name := range p.named() {
			if key := kongconf.PluginKey(name, "start_cmd"); p.Conf.Get(key, "") == v {
				return key
			}
		}
		return "start_cmd"
	}
	const change = "take the line away, and start kong-waf serve before Kong: by systemd, kong-waf run, or a sidecar"
	status, why := Warning, "GET / of the Admin API answers 500 in Kong 3.9, requests between Kong's start and the server's get 500, and Kong drops what the server logs"
	if database := p.Conf.Get("database", "postgres"); database.Text != "off" {
		status, why = Failure, fmt.Sprintf("with a database (database = %s, %s) decK is how Kong is configured, and decK fails: GET / of the Admin API answers 500", database.Text, where(database))
	}
	p.bad(status, fmt.Sprintf("%s (%s) makes Kong start the server", keyOf(starts[0]), starts[0].At), why, change)
	if len(starts) > 1 {
		p.bad(Failure, fmt.Sprintf("%d plugins have a start_cmd (%s, %s)", len(starts), starts[0].At, starts[1].At), "each starts a server, and they take the socket from each other", "keep one of the lines")
	}
	for _, v := range starts {
		plugin := p.named()[slices.IndexFunc(p.named(), func(name string) bool { return p.Conf.Get(kongconf.PluginKey(name, "start_cmd"), "") == v })]
		if socket := p.socketOf(plugin); !strings.Contains(v.Text, socket.Text) {
			p.bad(Failure, fmt.Sprintf("%s does not name the socket %s (%s)", v.At, socket.Text, where(socket)), "Kong asks where nobody listens: every request gets 500", line(v, keyOf(v), "/usr/local/bin/kong-waf serve --socket "+socket.Text))
		}
		if slices.ContainsFunc(p.Environ, func(entry string) bool { return strings.HasPrefix(entry, "KONG_WAF_") }) && !strings.Contains(v.Text, "env ") {
			p.bad(Warning, "variables KONG_WAF_ are set, and Kong passes none of them to "+v.At, "the server runs with its defaults", "write the settings into a file behind --config")
		}
	}
}

func (p *patient) logLevel() {
	level := p.Conf.Get("log_level", "notice")
	switch shows := slices.Contains([]string{"info", "debug"}, level.Text); {
	case len(p.startCmds()) == 0:
		p.ok("what the server logs does not go through Kong")
	case shows:
		p.ok("log_level = %s (%s) shows what the server logs", level.Text, where(level))
	default:
		p.bad(Warning, fmt.Sprintf("log_level = %s (%s), and Kong starts the server", level.Text, where(level)),
			"Kong writes every line of a process that it starts at info: not one line of the server shows", line(level, "log_level", "info"))
	}
}
