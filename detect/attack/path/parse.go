package path

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// parsed is what one word says as a path.
type parsed struct {
	text    string
	scheme  string // "php", "file"; "" if none
	slashes bool   // the scheme is followed by //
	drive   bool   // c:
	abs     bool   // begins with a separator
	unc     bool   // begins with two backslashes
	climbs  int    // elements that go up
	trick   bool   // a climb in disguise
	depth   int    // elements that go down before the first climb
	elems   int    // named elements
	first   uint32 // kinds of the first, second and last named element, and of all
	second  uint32
	last    uint32
	all     uint32
	before  uint32 // kinds of the element before the last
	name    string // the last named element
	nul     bool
	self    int // "." elements
	dots3   int // "..." elements
	back    bool
	home    bool // the first element is home or users
}

// parse cuts a word into path elements. Its cost is linear in the word.
func (p *parsed) parse(text string) {
	*p = parsed{text: text}
	i := 0
	if k := strings.IndexByte(text[:min(len(text), 24)], ':'); k > 0 {
		switch {
		case k == 1 && wordByte(text[0]):
			p.drive = true
			i = 2
		case k == 2 && text[0] == '/' && wordByte(text[1]): // /c:/
			p.drive = true
			i = 3
		case k >= 2 && isScheme(text[:k]):
			p.scheme = text[:k]
			i = k + 1
			p.slashes = strings.HasPrefix(text[i:], "//")
			if p.slashes && words.HasPrefix(p.scheme, "file") {
				// file:///c:/x
				for i < len(text) && text[i] == '/' {
					i++
				}
				if i+1 < len(text) && text[i+1] == ':' {
					p.drive = true
					i += 2
				} else if i > 0 {
					i--
				}
			}
		}
	}
	if i < len(text) && (text[i] == '/' || text[i] == '\\') {
		p.abs = true
		p.unc = strings.HasPrefix(text[i:], `\\`) && len(text) > i+2 && text[i+2] != '\\'
	}
	for i <= len(text) {
		start := i
		dots, junk := 0, 0
		for i < len(text) && text[i] != '/' && text[i] != '\\' {
			switch c := text[i]; {
			case c == '.':
				dots++
			case c == 0:
				p.nul = true
				junk++
			case c == 0xC0 && i+1 < len(text) && (text[i+1] == 0xAE || text[i+1] == '.'):
				// an overlong dot
				dots++
				junk++
				i++
			case c < ' ' || c >= 0x80 || c == ';' || c == '%' || c == '^':
				junk++
			}
			i++
		}
		if i < len(text) && text[i] == '\\' {
			p.back = true
		}
		p.element(text[start:i], dots, junk)
		i++
	}
}

// element adds one path element.
func (p *parsed) element(e string, dots, junk int) {
	n := len(e)
	switch {
	case n == 0:
		return
	case e == ".":
		p.self++
		return
	case e == "..":
		p.climbs++
		return
	case dots == n && n == 3:
		p.dots3++
		return
	case dots == n:
		p.climbs++
		p.trick = true
		return
	case dots >= 2 && dots+junk == n && junk <= 4 && dots <= 4:
		p.climbs++
		p.trick = true
		return
	case dots >= 2 && n > 2 && e[0] == '.' && e[1] == '.' && e[2] == ';':
		p.climbs++
		p.trick = true
		return
	}
	if junk > 0 {
		if k := strings.IndexByte(e, 0); k > 0 {
			e = e[:k]
		}
		e = strings.TrimLeft(e, "\x00 ")
	}
	if len(e) > 2 && e[0] == '.' && e[1] == '.' {
		if rest := strings.TrimLeft(e, "."); len(e)-len(rest) >= 4 && rest != "" {
			p.climbs++
			p.trick = true
			e = rest
		} else if e[2] != '.' {
			// ..etc: the separator was lost on the way
			e = e[2:]
		}
	}
	name := e
	if name != "" && name[len(name)-1] == '.' {
		name = strings.TrimRight(name, ".")
	}
	kind := names.Of(name)
	if kind == 0 && len(e) <= 8 && allDigits(e) {
		kind = procFile
	}
	p.elems++
	if p.climbs == 0 {
		p.depth++
	}
	switch p.elems {
	case 1:
		p.first = kind
		p.home = len(e) == 4 && (words.HasPrefix(e, "home") || words.HasPrefix(e, "root")) || len(e) == 5 && words.HasPrefix(e, "users")
		if kind&logDir == 0 && len(e) == 3 && words.HasPrefix(e, "var") {
			p.first |= confDir
		}
	case 2:
		p.second = kind
	}
	p.before = p.last
	p.last = kind
	p.all |= kind
	p.name = e
}

// ext returns the kinds of the last element's extension.
func (p *parsed) ext() uint32 {
	if k := strings.LastIndexByte(p.name, '.'); k > 0 {
		return names.Of(p.name[k+1:]) & (assetExt | codeExt)
	}
	return 0
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		if !wordByte(s[i]) && s[i] != '.' && s[i] != '+' && s[i] != '-' {
			return false
		}
	}
	return true
}

// schemes are the wrappers by which a file name reads something else.
var schemes = words.New(
	words.Group{Kind: 1, Words: `php phar zip expect glob ogg rar compress.zlib compress.bzip2 zlib bzip2 ssh2.sftp ssh2.exec ssh2.shell`},
	words.Group{Kind: 2, Words: `file netdoc local_file`},
	words.Group{Kind: 4, Words: `data`},
	words.Group{Kind: 8, Words: `http https ftp ws wss webpack webpack-internal chrome-extension moz-extension blob android-app ios-app about mailto tel content app`},
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
		if scheme == 0 || scheme == 8 {
			if p.climbs == 0 || scheme == 8 && p.climbs < 2 {
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
	case scheme == 1 && p.slashes:
		if len(p.scheme)+3 == len(p.text) {
			return found(0.75, start, end, "stream wrapper")
		}
		return found(0.95, start, end, "stream wrapper")
	case scheme == 4:
		return p.data(v, start, end)
	}
	target := p.target()
	if target == 0 && p.climbs == 0 && !p.unc && p.dots3 == 0 && scheme != 2 && p.self < 3 && !p.nul {
		return value.Match{}
	}
	local := p.scheme == "" || scheme == 2
	c := 0.0
	shape := "sensitive path"
	switch {
	case target == 2 && p.climbs > 0 && (p.abs || p.climbs > 1 || p.trick || first):
		c, shape = 0.97, "traversal to a sensitive file"
	case target == 2 && local && (first || scheme == 2):
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
	case target == 2 && local && p.abs && p.all&systemDir != 0:
		c = 0.75
		if after == ' ' {
			c = 0.6
		}
	case target == 1 && p.climbs > 0:
		c, shape = 0.92, "traversal into the system"
	case target == 1 && whole && local:
		c = 0.75
	}
	if p.climbs > 0 {
		if m := p.climb(v, first, start > 0 && (v.Text[start-1] == '(' && after == ')' || (v.Text[start-1] == '"' || v.Text[start-1] == '\'') && after == v.Text[start-1])); m > c {
			c, shape = m, "traversal"
		}
	}
	switch {
	case c > 0:
	case scheme == 2 && (p.slashes || p.abs || p.drive) && first:
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
	case steps == 2 && p.elems == 0 && !p.trick && !p.nul:
		c = 0.6 // ../.. and nothing to find there
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
	if k := words.Index(rest, "base64,"); k > 0 {
		body := rest[k+7:]
		if strings.HasPrefix(body, "PD9w") || strings.HasPrefix(body, "PD89") || strings.HasPrefix(body, "PD8g") {
			return found(0.95, start, end, "code in a data URL")
		}
	}
	if words.Index(rest, "<?") > 0 {
		return found(0.92, start, end, "code in a data URL")
	}
	if p.slashes && (words.Index(rest, "text/") > 0 || words.Index(rest, "application/") > 0) {
		return found(0.8, start, end, "stream wrapper")
	}
	return value.Match{}
}
