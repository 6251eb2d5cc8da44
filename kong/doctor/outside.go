package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
)

func (p *patient) settings() {
	if p.Settings == nil {
		p.skip("not read")
		return
	}
	files, err := p.Settings()
	if err != nil {
		p.bad(Failure, err.Error(), "kong-waf serve does not start with these settings", "kong-waf serve --help lists every setting")
		return
	}
	p.readable(files)
	if !p.isBad() {
		p.ok("kong-waf's own settings are valid")
	}
}

// readable looks whether files can be opened; they are by what names them.
func (p *patient) readable(files map[string]string) {
	if p.Offline {
		return
	}
	for _, field := range sortedKeys(files) {
		file := files[field]
		f, err := os.Open(file)
		if err != nil {
			p.bad(Failure, fmt.Sprintf("%s: %v", field, err), "what is in the file is then missing", "write the right path, or: install -m 640 -g kong FILE "+file)
			continue
		}
		f.Close()
	}
}

func (p *patient) console() {
	if p.Console == nil {
		p.skip("not asked")
		return
	}
	switch err := p.Console(p.ctx); {
	case errors.Is(err, ErrOff):
		p.skip("the console is off")
	case err != nil:
		p.bad(Warning, "the console does not say that all is well: "+err.Error(),
			"it is where faults are seen that Kong cannot show, such as a plugin config that does not compile", "read the log of kong-waf serve; the address is console.listen in its settings")
	default:
		p.ok("/healthz says ok")
	}
}

func (p *patient) redis() {
	asked := false
	if p.Redis != nil {
		err := p.Redis(p.ctx)
		switch asked = !errors.Is(err, ErrOff); {
		case asked && err != nil:
			p.bad(Failure, "redis.address: "+err.Error(), "nodes share nothing, and events that go to Redis are lost", "start Redis, or change redis.address in kong-waf's settings")
		}
	}
	for _, plugin := range p.active() {
		config, prefix := plugin.Config, "config."
		if plugin.Name == "waf-gate" {
			config, _ = config["rate_limiting"].(map[string]any)
			prefix += "rate_limiting."
		}
		if config["policy"] != "redis" || p.Dial == nil {
			continue
		}
		for _, node := range redisNodes(config) {
			asked = true
			if err := p.Dial(p.ctx, node.address); err != nil {
				p.bad(Failure, fmt.Sprintf("%s: %s%s: %v", plugin.At, prefix, node.field, err), "limits are then counted on each node alone, or requests refused, as fault_tolerant says", "start Redis, or change "+prefix+node.field)
			}
		}
	}
	switch {
	case p.isBad():
	case asked:
		p.ok("Redis answers")
	default:
		p.skip("nothing uses Redis")
	}
}

// redisNode is an address, and the field that has it.
type redisNode struct{ field, address string }

// redisNodes are the addresses in a config of waf-rate-limiting.
func redisNodes(config map[string]any) (all []redisNode) {
	at := func(field string, host, port any) {
		name, _ := host.(string)
		number := number(port)
		if name == "" || strings.HasPrefix(name, "{vault://") {
			return
		}
		if number == 0 {
			number = 6379
		}
		all = append(all, redisNode{field, net.JoinHostPort(name, strconv.FormatInt(number, 10))})
	}
	at("redis_host", config["redis_host"], config["redis_port"])
	redis, _ := config["redis"].(map[string]any)
	at("redis.host", redis["host"], redis["port"])
	for _, list := range []string{"cluster_nodes", "sentinel_nodes"} {
		nodes, _ := redis[list].([]any)
		for i, n := range nodes {
			if node, ok := n.(map[string]any); ok {
				host := node["ip"]
				if host == nil {
					host = node["host"]
				}
				at(fmt.Sprintf("redis.%s[%d]", list, i), host, node["port"])
			}
		}
	}
	return all
}

func (p *patient) files() {
	if p.Config == nil {
		p.skip("no configuration to look into: name deck files with --deck, or Kong's Admin API with --admin")
		return
	}
	files := map[string]string{}
	for _, plugin := range p.active() {
		sourcesIn(plugin.Config, fmt.Sprintf("%s: config", plugin.At), files)
	}
	servers := map[string]string{}
	for field, source := range files {
		if strings.Contains(source, "://") {
			servers[field] = source
			delete(files, field)
		}
	}
	p.readable(files)
	p.reachable(servers)
	switch {
	case p.isBad():
	case p.Offline && len(files)+len(servers) > 0:
		p.skip("%d files and URLs that plugins name", len(files)+len(servers))
	default:
		p.ok("%d files and URLs that plugins name are there", len(files)+len(servers))
	}
}

// reachable looks whether somebody listens where URLs point.
func (p *patient) reachable(urls map[string]string) {
	for _, field := range sortedKeys(urls) {
		u, err := url.Parse(urls[field])
		if err != nil || u.Host == "" || p.Dial == nil {
			continue // configuration says what is wrong with it
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		if err := p.Dial(p.ctx, net.JoinHostPort(u.Hostname(), port)); err != nil {
			p.bad(Warning, fmt.Sprintf("%s: %s: %v", field, u.Hostname(), err), "what is read there stays at its last good version, or is missing", "see that this machine reaches "+u.Hostname()+", or name a file")
		}
	}
}

// sourcesIn finds the files and URLs that a config names: absolute paths in fields called file
// or something_file, and paths and URLs in source and databases.
func sourcesIn(v any, field string, found map[string]string) {
	at := func(field string, v any, remote bool) {
		if text, ok := v.(string); ok && (path.IsAbs(text) || remote && strings.Contains(text, "://") && !strings.HasPrefix(text, "{vault:")) {
			found[field] = text
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			field := field + "." + key
			switch list, _ := value.([]any); {
			case key == "file" || key == "source" || strings.HasSuffix(key, "_file"):
				at(field, value, key == "source")
			case key == "databases":
				for i := range list {
					at(fmt.Sprintf("%s[%d]", field, i), list[i], true)
				}
			default:
				sourcesIn(value, field, found)
			}
		}
	case []any:
		for i, value := range v {
			sourcesIn(value, fmt.Sprintf("%s[%d]", field, i), found)
		}
	}
}

func (p *patient) admin() {
	switch {
	case !p.AskedAdmin:
		p.skip("not asked; --admin URL names Kong's Admin API")
	case p.AdminErr != nil && len(p.startCmds()) > 0:
		p.bad(Failure, p.AdminErr.Error(), "with a start_cmd GET / answers 500 in Kong 3.9, and decK, which reads it first, fails", "take the start_cmd away, and start kong-waf serve before Kong")
	case p.AdminErr != nil:
		p.bad(Failure, p.AdminErr.Error(), "what Kong serves cannot be seen", "check the address, and that this machine may ask")
	default:
		p.ok("answers")
	}
	for _, address := range p.Conf.Get("admin_listen", "127.0.0.1:8001").List() {
		address, _, _ = strings.Cut(address, " ")
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
			v := p.Conf.Get("admin_listen", "")
			p.bad(Warning, fmt.Sprintf("admin_listen (%s) has %s: every address", v.At, address), "whoever reaches the Admin API configures Kong; it asks for no password", line(v, "admin_listen", "127.0.0.1:8001"))
			break
		}
	}
}

func (p *patient) configuration() {
	if p.Config == nil {
		p.skip("none to look at: name deck files with --deck, or Kong's Admin API with --admin")
		return
	}
	for _, problem := range p.Problems {
		if problem.Unread {
			continue // Kong knows what it is
		}
		status, why := Failure, "the plugin answers by on_error, or Kong refuses the file"
		if problem.Warning {
			status, why = Warning, "Kong accepts it, and it does not do what it seems to"
		}
		problem.Warning = false // the status says it
		p.bad(status, problem.String(), why, "as it says; kong-waf validate FILE looks again")
	}
	if !p.isBad() {
		p.ok("configs of plugins that kong-waf validate has nothing against: %d, ours among them: %d", len(p.Config.Plugins), len(p.active()))
	}
}
