package path

import (
	"strings"

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
	closed  bool // the first element below the climbs is a directory beside those that are served
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
	name = strings.TrimSuffix(name, ":") // /etc/localtime:/etc/localtime
	kind := names.Of(name)
	if kind == 0 && len(e) <= 8 && allDigits(e) {
		kind = procFile
	}
	p.elems++
	if p.climbs == 0 {
		p.depth++
	}
	if p.climbs > 0 && p.elems == p.depth+1 {
		p.closed = kind&closedDir != 0
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
	if names.Of(p.name)&source != 0 {
		return source
	}
	if k := strings.LastIndexByte(p.name, '.'); k > 0 {
		return names.Of(p.name[k+1:]) & (assetExt | codeExt | media | source | closedExt)
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
