package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"kongwaf/kong/kongconf"
)

// wafBodies returns the largest max_body_size of the configs that judge bodies, 0 if there
// are none, and where it was written.
func (p *patient) wafBodies() (size int64, at string) {
	for _, plugin := range p.active() {
		config := plugin.Config
		if plugin.Name == "waf-gate" {
			config, _ = config["detect"].(map[string]any)
		}
		if n := number(config["max_body_size"]); n > size {
			size, at = n, plugin.At.String()
		}
	}
	return size, at
}

func number(v any) int64 {
	switch n := v.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

func (p *patient) bodyBuffer() {
	buffer := p.Conf.Get(kongconf.BodyBufferKey, "")
	for _, key := range []string{"nginx_proxy_client_body_buffer_size", "client_body_buffer_size"} {
		if buffer.At == "" {
			buffer = p.Conf.Get(key, "")
		}
	}
	if buffer.At == "" {
		buffer.Text = "8k"
	}
	size, err := kongconf.ParseSize(buffer.Text)
	if err != nil {
		p.bad(Failure, fmt.Sprintf("%s: %v", buffer.At, err), "nginx does not start", line(buffer, kongconf.BodyBufferKey, "64k"))
		return
	}
	if bodies, at := p.wafBodies(); size > bodies && bodies > 0 {
		p.bad(Warning, fmt.Sprintf("nginx holds bodies up to %s (%s), and max_body_size is %d (%s)", buffer.Text, where(buffer), bodies, at),
			"bodies between the two take nginx's memory for each request, and are judged in windows all the same", line(buffer, kongconf.BodyBufferKey, "64k"))
		return
	}
	const large = 8 << 20
	if size > large {
		p.bad(Warning, fmt.Sprintf("nginx holds bodies up to %s (%s)", buffer.Text, where(buffer)), "each request under way may take as much of nginx's memory", line(buffer, kongconf.BodyBufferKey, "64k"))
		return
	}
	p.ok("bodies up to %s stay in memory (%s), longer ones are files", buffer.Text, where(buffer))
}

func (p *patient) realIP() {
	trusted := p.Conf.Get("trusted_ips", "")
	header := p.Conf.Get("real_ip_header", "")
	if header.At == "" {
		header = p.Conf.Get("nginx_proxy_real_ip_header", "X-Real-IP")
	}
	recursive := p.Conf.Get("real_ip_recursive", "off")
	ranges := trusted.List()
	for _, text := range ranges {
		if strings.Contains(text, "{vault://") {
			continue // Kong alone knows
		}
		prefix, err := parsePrefix(text)
		switch {
		case err != nil:
			p.bad(Failure, fmt.Sprintf("trusted_ips (%s): %q is no address, range or unix:", trusted.At, text), "Kong does not start", line(trusted, "trusted_ips", "10.0.0.0/8"))
		case prefix.IsValid() && prefix.Bits() == 0:
			p.bad(Failure, fmt.Sprintf("trusted_ips (%s) has %s: everybody", trusted.At, text),
				"whoever connects writes the address that allow-lists, limits and events go by", line(trusted, "trusted_ips", "the ranges of your proxies, with commas"))
		}
	}
	proxyProtocol := strings.EqualFold(header.Text, "proxy_protocol")
	switch {
	case len(ranges) == 0 && header.At != "":
		p.bad(Failure, fmt.Sprintf("real_ip_header = %s (%s), and trusted_ips is not set", header.Text, header.At),
			"Kong believes nobody's header: every client has the proxy's address, one for allow-lists and limits", line(trusted, "trusted_ips", "the ranges of your proxies, with commas"))
	case len(ranges) == 0 && p.BehindProxy:
		p.bad(Failure, "trusted_ips is not set, and clients come through a proxy",
			"every client has the proxy's address, one for allow-lists and limits", line(trusted, "trusted_ips", "the ranges of your proxies, with commas"))
	case len(ranges) > 0 && strings.EqualFold(header.Text, "X-Forwarded-For") && len(ranges) > 1 && !recursive.On():
		p.bad(Warning, fmt.Sprintf("real_ip_header = %s with several trusted_ips, and real_ip_recursive is off (%s)", header.Text, where(recursive)),
			"nginx takes the last address of the header, which is a proxy's where two stand in a row", line(recursive, "real_ip_recursive", "on"))
	case proxyProtocol && !strings.Contains(p.Conf.Get("proxy_listen", "").Text, "proxy_protocol"):
		listen := p.Conf.Get("proxy_listen", "")
		p.bad(Failure, fmt.Sprintf("real_ip_header = proxy_protocol (%s), and proxy_listen (%s) does not speak it", header.At, where(listen)),
			"every client has the proxy's address", line(listen, "proxy_listen", "0.0.0.0:8000 proxy_protocol, 0.0.0.0:8443 ssl proxy_protocol"))
	}
	switch {
	case p.isBad():
	case len(ranges) == 0:
		p.ok("a client's address is the peer's: right where clients connect to Kong themselves (else --behind-proxy)")
	default:
		p.ok("%s is believed of %s", header.Text, strings.Join(ranges, ", "))
	}
}

// parsePrefix reads an entry of trusted_ips; unix: is one, and the zero Prefix.
func parsePrefix(text string) (netip.Prefix, error) {
	if text == "unix:" {
		return netip.Prefix{}, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func (p *patient) head() {
	long, short := p.Conf.Get(kongconf.HeadKey, ""), p.Conf.Get(kongconf.ShortKey, "")
	ours := func(v kongconf.Value) bool { return strings.HasPrefix(v.Text, kongconf.HeadVariable) }
	const slow = "each check asks Kong three to six questions more, which take most of its time, and a request that Kong repeats may be counted twice"
	switch {
	case ours(long) && ours(short):
		p.bad(Warning, fmt.Sprintf("$kong_waf is set twice, at %s and %s", long.At, short.At), "which of them holds is not said", "take one of the lines away")
	case ours(long) && normal(long.Text) != normal(kongconf.HeadValue):
		p.bad(Failure, fmt.Sprintf("%s (%s) is another line than this version's", kongconf.HeadKey, long.At),
			"what the plugins read there is then not what they take it for", line(long, kongconf.HeadKey, kongconf.HeadValue))
	case ours(short) && normal(short.Text) != normal(kongconf.ShortValue):
		p.bad(Failure, fmt.Sprintf("%s (%s) is another line than this version's", kongconf.ShortKey, short.At),
			"what the plugins read there is then not what they take it for", line(short, kongconf.ShortKey, kongconf.ShortValue))
	case ours(long):
		p.ok("the request's head is in $kong_waf (%s)", long.At)
	case ours(short):
		p.ok("the request line is in $kong_waf (%s); headers are asked for", short.At)
	case long.At != "":
		p.bad(Warning, fmt.Sprintf("%s (%s) sets another variable, and $kong_waf is not set", kongconf.HeadKey, long.At), slow,
			"Kong has one line of that name; the shorter one is free: "+line(short, kongconf.ShortKey, kongconf.ShortValue))
	default:
		p.bad(Warning, "$kong_waf is not set", slow, line(long, kongconf.HeadKey, kongconf.HeadValue))
	}
}

// normal is a value with its blanks made one each.
func normal(text string) string { return strings.Join(strings.Fields(text), " ") }

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
