package link

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// Own reports whether a match of this package in text is nothing but a link to the host that
// the request itself was sent to: pages of an internal host link to it in Referer, Origin and
// in parameters. host is the request's Host header, which its sender writes as he likes: so
// this is never true of a metadata service, of numbers in disguise, of ports on which other
// services listen, nor of the administration of the server's own machine.
func Own(text string, m value.Match, host string) bool {
	name, _ := splitPort(host)
	if name == "" || m.Start < 0 || m.End > len(text) || m.Start > m.End {
		return false
	}
	switch m.Shape {
	case "private address":
	case "loopback address":
		if telling(text[m.End:]) {
			return false
		}
	case "private address in disguise", "loopback in disguise":
		if !letter(name[len(name)-1]) {
			return false
		}
	default:
		return false
	}
	_, linked, ok := strings.Cut(text[m.Start:m.End], "//")
	if !ok {
		return false
	}
	linked, port := splitPort(linked)
	return detect.EqualFold(linked, name) && serviceports.Of(port)&silent == 0
}

// splitPort cuts the port off a host.
func splitPort(host string) (name, port string) {
	k := strings.LastIndexByte(host, ':')
	if k < 0 || strings.IndexByte(host[k:], ']') >= 0 {
		return host, ""
	}
	return host[:k], host[k+1:]
}
