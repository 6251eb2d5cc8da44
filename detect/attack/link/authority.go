package link

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// url is a URL in a text, as parsers of all kinds may read it.
type url struct {
	kind      uint32 // of its scheme
	start     int
	slashes   int  // behind the scheme
	backslash bool // one of them, or one in the authority, is a backslash
	first     bool // nothing that matters stands before it

	user, name, port string
	hasUser          bool
	end              int  // of the authority
	torn             bool // blanks or marks that parsers end the authority at stand in it
	path             string
	reach            reach
	disguised        bool // in a notation that no person uses
}

// authority reads the authority at text[from:], as far as any parser reads it.
func (u *url) authority(text string, from int) {
	end, at := from, -1
	for end < len(text) && end-from < 256 {
		c := text[end]
		if c == '/' || c == '?' || c == '"' || c == '\'' || c == '<' || c == '>' || c == ',' || c == '\n' || c == ')' || c == '`' {
			break
		}
		if c == ' ' {
			// http://1.1.1.1 &@2.2.2.2# @3.3.3.3/: a blank ends all but such.
			if k := strings.IndexByte(text[end:min(len(text), end+6)], '@'); k < 0 || k > 1 && (letter(text[end+k-1]) || digit(text[end+k-1])) {
				break
			}
			u.torn = true
		}
		if c == '@' {
			at = end
		}
		if c == '\\' {
			u.backslash, u.torn = true, true
		}
		if c == '#' || c == '&' || c == ';' {
			if k := strings.IndexByte(text[end:min(len(text), end+48)], '@'); k < 0 || strings.IndexByte(text[end:end+k], '/') >= 0 {
				break
			}
			u.torn = true
		}
		end++
	}
	u.end, u.name = end, text[from:end]
	if at >= 0 {
		u.hasUser, u.user, u.name = true, text[from:at], text[at+1:end]
	}
	if k := strings.IndexByte(u.name, '\\'); k >= 0 {
		u.name = u.name[:k]
	}
	if k := strings.LastIndexByte(u.name, ':'); k >= 0 && (u.name[0] != '[' || strings.IndexByte(u.name[k:], ']') < 0) {
		u.name, u.port = u.name[:k], u.name[k+1:]
	}
	cut := strings.IndexAny(u.name, "%\x00")
	if cut > 0 {
		u.name = u.name[:cut] // some parsers end the name there
	}
	u.path = text[end:min(len(text), end+48)]
	u.reach, u.disguised = host(u.name)
	u.disguised = u.disguised || cut > 0 && u.reach != outside
}

// weigh says how surely the URL is meant for a server to fetch, and why; 0 if it is ordinary.
func (u *url) weigh(v *value.Value) (confidence float64, shape string) {
	switch {
	case u.hasUser && u.torn:
		return attack, "URL with two hosts"
	case u.reach == metadata:
		return certain, "metadata service"
	case u.reach == loopback && u.disguised:
		return 0.9, "loopback in disguise"
	case u.reach == private && u.disguised:
		return blocked, "private address in disguise"
	case u.disguised && !u.hasUser && digit(u.name[0]):
		return 0.72, "address in disguise"
	case u.reach == loopback:
		return u.weighLoopback(v), "loopback address"
	case u.reach == private:
		if telling(u.path) || serviceports.Of(u.port) != 0 {
			return blocked, "private address"
		}
		return 0.45, "private address"
	case u.kind == transfer && u.slashes >= 2 && v.Text[u.start] != 'f':
		return unusual, "scheme of file transfer"
	case u.hasUser && strings.IndexByte(u.user, '@') >= 0 && leadsInside(u.user):
		return attack, "URL with two hosts"
	case u.hasUser && strings.IndexByte(u.user, '.') > 0 && strings.IndexByte(u.user, ':') < 0:
		return 0.72, "URL with two hosts"
	case u.hasUser && strings.Contains(u.user, "."):
		return mentioned, "URL with two hosts"
	case u.slashes >= 1 && u.first && u.backslash:
		return 0.72, "URL with backslashes"
	case u.first && include(v):
		if strings.HasSuffix(v.Text, "?") || strings.HasSuffix(v.Text, "\x00") || strings.HasSuffix(v.Text, "?\x00") {
			return 0.8, "remote file to include"
		}
		return mentioned, "remote file to include"
	}
	return 0, ""
}

// weighLoopback weighs an address of the server's own machine, which is also the developer's.
func (u *url) weighLoopback(v *value.Value) float64 {
	c := unusual
	port := serviceports.Of(u.port)
	switch back := returns(v.Name); {
	case u.hasUser:
		c = attack
	case u.kind == socket: // a page's connection, as its reports name it
		c = suspicious
	case port == silent, !back && (port != 0 || telling(u.path)):
		c = blocked
	case u.kind == transfer || u.backslash || u.slashes > 2: // no page on the developer's own machine
		c = blocked
	case u.first && !back && !letter(u.name[0]) && v.Source != detect.SourceHeader:
		c = 0.72
	}
	if u.kind == transfer && u.start > 0 {
		c = unusual // REDIS_URL=redis://localhost:6379 is a line of a configuration
	}
	if u.slashes < 2 && (!u.first || u.slashes == 0 && u.kind != web) {
		c -= 0.3
	}
	return c
}

// leadsInside reports whether the user part of an authority holds a host that leads inside:
// a@127.0.0.1:80.
func leadsInside(user string) bool {
	name := user[strings.IndexByte(user, '@')+1:]
	if k := strings.IndexByte(name, ':'); k >= 0 {
		name = name[:k]
	}
	r, disguised := host(name)
	return r != outside || disguised
}

// returns reports whether a parameter of this name says where to go or call back to, or who
// issued a token: the developer's own machine, or that of a program's user (RFC 8252), often
// enough.
func returns(name string) bool {
	if issuers.Of(name) != 0 {
		return true
	}
	for _, w := range [...]string{"redir", "callback", "return", "origin", "refer", "continue", "next", "issuer", "logout"} {
		if words.Index(name, w) >= 0 {
			return true
		}
	}
	return false
}

// issuers are names of what OpenID Connect calls a server by, and of addresses to call back.
var issuers = words.New(words.Group{Kind: 1, Words: `iss aud audience authority jwks_uri cb oidc_issuer_url discovery_url webhook webhook_url`})

// ports of services, by whether they speak HTTP.
const (
	silent uint32 = 1 << iota // no browser is sent there
	speaks
)

var serviceports = words.New(
	words.Group{Kind: silent, Words: `21 22 23 25 53 110 111 135 139 143 389 445 465 514 587 636 873 993 995 1099 1433 1521 2049 3306 3389 5432 5984 6379 11211 27017 27018`},
	words.Group{Kind: speaks, Words: `2375 2376 2379 4444 5985 6443 7001 8005 8009 8500 8001 9000 9200 9300 10250 10255 15672 50070`},
)

// telling reports whether the path after an inside address is one of administration.
func telling(path string) bool {
	for _, p := range [...]string{"/latest/", "/admin", "/server-status", "/metadata", "/computemetadata", "/manager", "/actuator", "/_cat", "/_search", "/v1/agent", "/containers/", "/etc/", "/solr", "/console", "/status", "/private", "/secret", "/internal", "/flag"} {
		if words.HasPrefix(path, p) {
			return true
		}
	}
	return false
}
