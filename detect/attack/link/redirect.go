package link

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// redirect recognises links that browsers take for another host while servers take them
// for a path: ///host, /\host, \/host, https:host.
func redirect(v *value.Value) value.Match {
	text := v.Text
	if len(text) < 4 || v.Source == detect.SourcePath || len(text) > 2048 {
		return value.Match{}
	}
	if text[0] != '/' && text[0] != '\\' {
		return value.Match{}
	}
	n, backslash := 0, false
	for n < len(text) && n < 12 && (text[n] == '/' || text[n] == '\\' || text[n] == ';' || text[n] == '\t') {
		backslash = backslash || text[n] == '\\' && n < 3
		n++
	}
	if text[0] == '\\' && strings.Trim(text[:n], `\`) == "" {
		return value.Match{} // a network share, or an escape
	}
	if m := inside(text, n); m.Confidence > 0 {
		return m
	}
	dots := 0
	end := n
	for end < len(text) && (letter(text[end]) || digit(text[end]) || text[end] == '-' || text[end] == '.' || text[end] == '@') {
		if text[end] == '.' && end > n && end+1 < len(text) && text[end-1] != '.' && letter(text[end+1]) {
			dots++
		}
		end++
	}
	if dots == 0 || end < len(text) && strings.IndexByte("/?#%:\\", text[end]) < 0 {
		return value.Match{}
	}
	hostlike := text[n:end]
	if end < len(text) && text[end] == '%' && strings.IndexByte(text[end:min(len(text), end+64)], '@') > 0 && n >= 2 {
		return found(blocked, 0, end, "link to another host in disguise")
	}
	switch {
	case strings.IndexByte(hostlike, '@') >= 0 && n >= 2:
		return found(blocked, 0, end, "link to another host in disguise")
	case backslash && n >= 2:
		return found(attack, 0, end, "link to another host in disguise")
	case n == 2 && strings.HasPrefix(text[end:], "/.."):
		return found(blocked, 0, end, "link to another host in disguise")
	case n >= 3:
		return found(0.72, 0, end, "link to another host in disguise")
	}
	return value.Match{}
}

// inside judges an address without a scheme whose host begins at n, behind its slashes: //10.0.0.1/.
// The page's own scheme is put before it, or the library's.
func inside(text string, n int) value.Match {
	if n < 2 {
		return value.Match{}
	}
	u := url{kind: web, slashes: n, first: true}
	u.authority(text, n)
	if strings.IndexByte(u.name, '.') < 0 && (u.name == "" || !digit(u.name[0]) && u.name[0] != '[') && u.reach != loopback {
		return value.Match{} // a path
	}
	switch {
	case u.reach == metadata && !inSentence(text, 0, u.end):
		return found(certain, 0, u.end, "metadata service")
	case u.reach == loopback && (u.disguised || serviceports.Of(u.port) != 0 || telling(u.path)):
		return found(blocked, 0, u.end, "loopback address")
	}
	return value.Match{}
}
