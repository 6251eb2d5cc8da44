package gateway

import (
	"net/netip"
	"strings"
)

func (g *Gateway) isTrusted(a netip.Addr) bool {
	for _, p := range g.opts.TrustedIPs {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// realIP is nginx's realip module: if the peer is trusted, the client is the last address
// of the header, or, when recursive, the last that is not trusted itself. The port is 0
// unless the header has one.
func (g *Gateway) realIP(req *request) (netip.Addr, uint16) {
	client, port := req.peer.Addr(), req.peer.Port()
	if !g.isTrusted(client) {
		return client, port
	}
	values := req.headers.values(g.opts.RealIPHeader)
	if len(values) == 0 {
		return client, port
	}
	if !strings.EqualFold(g.opts.RealIPHeader, "X-Forwarded-For") {
		values = values[:1]
	}
	list := strings.Join(values, ",")
	for list != "" {
		list = strings.TrimRight(list, ", \t")
		i := strings.LastIndexAny(list, ", \t")
		addr, p, ok := parseAddress(list[i+1:])
		if !ok {
			break
		}
		client, port = addr, p
		if !g.opts.RealIPRecursive || !g.isTrusted(client) || i < 0 {
			break
		}
		list = list[:i]
	}
	return client, port
}

// parseAddress reads "1.2.3.4", "1.2.3.4:80", "::1" and "[::1]:80".
func parseAddress(s string) (netip.Addr, uint16, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a, 0, a.Zone() == ""
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr(), ap.Port(), ap.Addr().Zone() == ""
	}
	return netip.Addr{}, 0, false
}
