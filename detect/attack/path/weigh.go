package path

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// From the parts of a path to a confidence.

// What a scheme says of the path behind it.
const (
	wrapper uint32 = 1 << iota // the file name reads something else
	local                      // a file
	inline                     // the content itself
	web                        // of links in pages
)

// schemes are the schemes of URLs and of PHP's stream wrappers.
var (
	schemes = words.New(append(reading, words.Group{Kind: web, Words: `http https ftp ws wss webpack webpack-internal chrome-extension moz-extension blob android-app ios-app about mailto tel content app`})...)
	// reading are those by which a server reads what it should not; schemeTails is how they end.
	reading = []words.Group{
		{Kind: wrapper, Words: `php phar zip expect glob ogg rar compress.zlib compress.bzip2 zlib bzip2 ssh2.sftp ssh2.exec ssh2.shell`},
		{Kind: local, Words: `file netdoc local_file`},
		{Kind: inline, Words: `data`},
	}
	schemeTails = words.Tails(reading...)
)

// target grades where the path leads: 0 nowhere special, 1 a place applications do not
// read from, 2 a file that only an intruder asks for.
func (p *parsed) target() int {
	absolute := p.abs || p.climbs > 0 || p.drive || p.scheme != ""
	switch {
	case p.all&secretDir != 0 && (p.elems >= 2 && (p.first|p.before|p.second)&secretDir != 0):
		if p.first&secretDir != 0 && p.elems > 2 && !absolute && p.last == 0 {
			return 1
		}
		return 2
	case p.first&systemDir != 0 && absolute && p.elems >= 2:
		switch {
		case words.HasPrefix(lastFirst(p.text), "etc") && p.second&etcFile != 0,
			p.second&procFile != 0 && hasElem(p.text, "proc"),
			p.last&(secretFile|configFile|logFile) != 0:
			return 2
		case hasElem(p.text, "dev") || hasElem(p.text, "sys") || hasElem(p.text, "boot"):
			if p.last == 0 {
				return 0
			}
		}
		return 1
	case p.drive && p.first&windowsDir != 0:
		if p.elems == 1 && p.last&secretFile == 0 {
			return 1
		}
		return 2
	case p.climbs > 0 && p.first&windowsDir != 0:
		return 2
	case p.last&secretFile != 0 && (absolute || p.elems >= 2 || p.self > 1):
		return 2
	case p.last&configFile != 0 && absolute && (p.elems >= 2 || p.climbs > 0 || p.drive),
		p.last&logFile != 0 && absolute && (p.before|p.second|p.all)&logDir != 0:
		return 2
	case p.home && p.abs && p.last&secretFile != 0:
		return 2
	case p.abs && (hasElem(p.text, "var") || hasElem(p.text, "usr") || hasElem(p.text, "opt") || hasElem(p.text, "private") || hasElem(p.text, "volumes")) && (p.all&(logFile|configFile) != 0 || p.all&logDir != 0 && p.elems <= 5):
		return 1
	case p.first&confDir != 0 && p.second&logDir != 0 && p.abs && hasElem(p.text, "var"),
		p.first&logDir != 0 && p.last&logFile != 0:
		return 1
	}
	return 0
}

// named reports whether a text ends in two plain words: "what is" /etc/hosts.
func named(text string) bool {
	words, letters := 0, 0
	for i := len(text) - 1; i >= 0 && words < 2; i-- {
		switch c := text[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letters++
			if i == 0 {
				words++
			}
		case c == ' ' && letters > 1:
			words, letters = words+1, 0
		case c == ' ' && i == len(text)-1:
		default:
			return false
		}
	}
	return words == 2
}

// lastFirst returns the text from its first named element on.
func lastFirst(text string) string {
	i := 0
	if k := strings.IndexByte(text[:min(len(text), 12)], ':'); k >= 0 {
		i = k + 1
	}
	for i < len(text) && (text[i] == '/' || text[i] == '\\' || text[i] == '.' || text[i] == 0 || text[i] == ';') {
		i++
	}
	return text[i:]
}

// hasElem reports whether the first named element is the given one.
func hasElem(text, elem string) bool {
	t := lastFirst(text)
	return words.HasPrefix(t, elem) && (len(t) == len(elem) || !wordByte(t[len(elem)]))
}

// weigh turns a path into a confidence, given its place text[start:end] in the value.
func (p *parsed) weigh(v *value.Value, start, end int, first bool) value.Match {
	scheme := uint32(0)
	if p.scheme != "" {
		scheme = schemes.Of(p.scheme)
		if scheme == 0 || scheme == web {
			if p.climbs == 0 || scheme == web && p.climbs < 2 {
				return value.Match{}
			}
		}
	}
	after := byte(0)
	if end < len(v.Text) {
		after = v.Text[end]
	}
	whole := first && (end == len(v.Text) || after == 0 || after == '"' || after == '\'' || after == '{' || after == '?' || after == '#' || after == '*' || after == '|' || after == ';' || after == '`')
	// A path as the value of an assignment is as good as a value.
	if start > 0 && v.Text[start-1] == '=' {
		first = true
	}
	switch {
	case scheme == wrapper && p.slashes:
		if len(p.scheme)+3 == len(p.text) {
			return found(0.75, start, end, "stream wrapper")
		}
		return found(0.95, start, end, "stream wrapper")
	case scheme == inline:
		return p.data(v, start, end)
	}
	comment := start > 0 && v.Text[0] == '#' && strings.Trim(v.Text[:start], "# ") == ""
	first = first && !comment
	target := p.target()
	if target == 0 && p.climbs == 0 && !p.unc && p.dots3 == 0 && scheme != local && p.self < 3 && !p.nul {
		return value.Match{}
	}
	near := p.scheme == "" || scheme == local
	c := 0.0
	shape := "sensitive path"
	switch {
	case target == 2 && p.climbs > 0 && (p.abs || p.climbs > 1 || p.trick || first):
		c, shape = 0.97, "traversal to a sensitive file"
	case target == 2 && near && (first || scheme == local):
		c = 0.93
		if p.last&secretFile == 0 && p.all&(systemDir|secretDir|windowsDir) == 0 {
			c = 0.8
		}
		if !whole {
			c = 0.8
			if after == ' ' && end+1 < len(v.Text) && wordByte(v.Text[end+1]) {
				c = 0.6 // "/etc/hosts needs editing"
			}
		}
		if !p.abs && !p.drive && scheme == 0 {
			c = 0.78
		}
	case target == 2 && near && p.abs && p.all&systemDir != 0:
		c = 0.75
		if after == ' ' || comment || named(v.Text[:start]) {
			c = 0.6
		}
	case target == 1 && p.climbs > 0:
		c, shape = 0.92, "traversal into the system"
	case target == 1 && whole && near:
		c = 0.75
	}
	if p.climbs == 2 && p.elems == 0 && !p.abs && !p.trick && !p.nul && after != '{' {
		c, shape = max(c, 0.6), "climb to nowhere" // ../.. stands in tables and configs
	} else if p.climbs > 0 {
		if m := p.climb(v, first, start > 0 && (v.Text[start-1] == '(' && after == ')' || (v.Text[start-1] == '"' || v.Text[start-1] == '\'') && after == v.Text[start-1])); m > c {
			c, shape = m, "traversal"
		}
	}
	switch {
	case c > 0:
	case scheme == local && (p.slashes || p.abs || p.drive) && first:
		c, shape = 0.75, "file URL"
	case p.dots3 >= 2:
		c, shape = 0.75, "traversal"
	case p.unc && first && whole && p.elems >= 2 && wordByte(p.text[2]):
		c, shape = 0.5, "network share"
		if strings.IndexByte(p.text, '$') > 0 || strings.IndexByte(p.text[:min(len(p.text), 24)], '.') > 0 {
			c = 0.72
		}
	case p.self >= 3 && first && (p.back || p.self >= 4):
		c, shape = 0.74, "traversal"
	case p.nul && first && p.elems > 0 && p.ext() != 0:
		c, shape = 0.75, "file name cut by NUL"
	}
	if c == 0 {
		return value.Match{}
	}
	return found(c, start, end, shape)
}

// climb weighs the upward steps alone. Linked says that the path stands in brackets or
// quotes inside a text, as links and imports do.
func (p *parsed) climb(v *value.Value, first, linked bool) float64 {
	steps := p.climbs
	if p.trick {
		steps++
	}
	if p.nul {
		steps++
	}
	if p.self >= 3 {
		steps += 2
	}
	c := 0.0
	switch {
	case steps >= 4:
		c = 0.92
	case steps == 3:
		c = 0.85
	case steps == 2:
		c = 0.76
	default:
		c = 0.5
	}
	if p.back && steps >= 1 && !strings.Contains(p.text, "/") && steps < 3 && p.climbs > 0 {
		c += 0.05
	}
	if p.abs && p.depth == 0 && first && p.scheme == "" {
		c = max(c, 0.78) // above the root: no link is written so
	}
	if p.scheme != "" {
		c -= 0.2
	}
	if p.depth > 0 && p.depth >= p.climbs {
		// It stays inside: /a/b/../c.
		c -= 0.15
	}
	if p.ext()&assetExt != 0 && p.climbs <= 3 && !p.trick && p.target() == 0 {
		c = min(c, 0.55)
	}
	if v.Source == detect.SourcePath && c < 0.75 && !v.Traits.Any(value.White) {
		c = 0.75
	}
	if !first {
		c -= 0.2
		if linked {
			c = min(c, 0.55)
		}
	}
	return c
}

// data judges a data: URL that carries code.
func (p *parsed) data(v *value.Value, start, end int) value.Match {
	rest := v.Text[start:min(len(v.Text), start+160)]
	for n, body := 0, rest; n < 4; n++ {
		k := strings.IndexByte(body, ',')
		if k < 0 {
			break
		}
		head := body[:k]
		body = body[k+1:]
		if len(head) < 6 || !words.HasPrefix(head[len(head)-6:], "base64") {
			continue
		}
		if strings.HasPrefix(body, "PD9w") || strings.HasPrefix(body, "PD89") || strings.HasPrefix(body, "PD8g") {
			return found(0.95, start, end, "code in a data URL")
		}
		break
	}
	if strings.Index(rest, "<?") > 0 {
		return found(0.92, start, end, "code in a data URL")
	}
	if p.slashes && (words.Index(rest, "text/") > 0 || words.Index(rest, "application/") > 0) {
		return found(0.8, start, end, "stream wrapper")
	}
	return value.Match{}
}
