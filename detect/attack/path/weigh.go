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

// Where a path leads.
type goal uint8

const (
	nowhere goal = iota // nowhere special
	aside               // a place that applications do not read from
	secret              // a file that only an intruder asks for
)

// target grades where the path leads. A resource is the path of a request: all of them begin
// with a slash and are made of words, so only what a file system alone has counts there.
func (p *parsed) target(resource bool) goal {
	up := p.climbs > 0 || p.self > 1 || p.drive || p.scheme != ""
	absolute := up || p.abs
	rooted := up || p.abs && !resource
	hidden := p.first&secretDir != 0 && counts(p.first, rooted) || p.second&secretDir != 0 && counts(p.second, rooted) ||
		p.before&secretDir != 0 && counts(p.before, rooted)
	switch {
	case hidden && p.elems >= 2:
		if p.first&secretDir != 0 && p.elems > 2 && !absolute && p.last == 0 {
			return aside
		}
		return secret
	case p.first&systemDir != 0 && (p.abs || up && p.self < 2) && p.elems >= 2:
		return p.system(resource && !up, up)
	case p.drive && p.first&windowsDir != 0:
		if p.elems == 1 && p.last&secretFile == 0 {
			return aside
		}
		return secret
	case p.climbs > 0 && p.first&windowsDir != 0:
		return secret
	case p.last&secretFile != 0 && (absolute || p.elems >= 2 || p.self > 1) &&
		(counts(p.last, rooted) || p.climbs > 0 || p.before&(secretDir|windowsDir|systemDir) != 0):
		return secret
	case p.last&configFile != 0 && absolute && (p.elems >= 2 || p.climbs > 0 || p.drive) &&
		(!resource || up || hasElem(p.text, "usr") || hasElem(p.text, "var") || hasElem(p.text, "opt") || hasElem(p.text, "home")) &&
		(p.last&shared == 0 || rooted && p.before&(confDir|secretDir) != 0),
		p.last&logFile != 0 && (up || p.abs && (!resource || hasElem(p.text, "var"))) && p.all&logDir != 0:
		return secret
	case resource && !up:
		return nowhere
	case p.abs && (hasElem(p.text, "var") || hasElem(p.text, "usr") || hasElem(p.text, "opt") || hasElem(p.text, "private") || hasElem(p.text, "volumes")) && (p.all&(logFile|configFile) != 0 || p.all&logDir != 0 && p.elems <= 5):
		return aside
	case p.first&confDir != 0 && p.second&logDir != 0 && p.abs && hasElem(p.text, "var"),
		p.first&logDir != 0 && p.last&logFile != 0:
		return aside
	}
	return nowhere
}

// counts reports whether an element says by itself where a path leads: no everyday word, and
// nothing that repositories are full of unless the path begins at a root.
func counts(kind uint32, rooted bool) bool {
	return kind&word == 0 && (kind&shared == 0 || rooted)
}

// system grades a path below /etc, /proc and the like. Up says that it climbs or names a drive
// or a scheme.
func (p *parsed) system(resource, up bool) goal {
	etc := hasElem(p.text, "etc")
	switch {
	case p.last&(secretFile|configFile|logFile) != 0 && counts(p.last, true) || p.ext()&closedExt != 0 && p.second&ambient != 0 && p.last&ambient == 0 && words.HasPrefix(p.name[strings.LastIndexByte(p.name, '.'):], ".key"):
		return secret
	case etc && p.second&ambient != 0:
		if up {
			return aside
		}
		return nowhere // certificates, the time zone: what configurations name
	case etc && p.second&etcFile != 0 && (!resource || p.second&^word == p.second),
		etc && resource && p.second&secretFile != 0,
		p.second&procFile != 0 && hasElem(p.text, "proc") && (p.elems > 2 || !resource || p.second&systemDir != 0 || !allDigits(p.name)):
		return secret
	case resource, (hasElem(p.text, "dev") || hasElem(p.text, "sys") || hasElem(p.text, "boot")) && !up:
		return nowhere
	case hasElem(p.text, "dev") || hasElem(p.text, "sys") || hasElem(p.text, "boot"):
		if p.last == 0 {
			return nowhere
		}
	}
	return aside
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

// Confidences, by what they mean.
const (
	certain    = 0.97 // beyond doubt, in whatever text
	clear      = 0.93 // beyond doubt, unless a text is about it
	disguised  = 0.85 // a climb that nobody writes so who does not hide it
	aboveRoot  = 0.82 // a climb above the root: no link is written so
	blocked    = 0.78
	barely     = 0.75 // blocked, but not in running text
	doubtful   = 0.6
	inText     = 0.55 // what a document may hold
	faint      = 0.5
	suspicious = 0.4
)

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
			return found(barely, start, end, "stream wrapper")
		}
		return found(0.95, start, end, "stream wrapper")
	case scheme == inline:
		return p.data(v, start, end)
	}
	comment := start > 0 && v.Text[0] == '#' && strings.Trim(v.Text[:start], "# ") == ""
	first = first && !comment
	resource := v.Source == detect.SourcePath
	target := p.target(resource)
	if target != nowhere && resource && p.climbs == 0 && !p.trick && InRepository(v.Text) {
		target = nowhere
	}
	if target == nowhere && p.climbs == 0 && !p.unc && p.dots3 == 0 && scheme != local && p.self < 3 && !p.nul {
		return value.Match{}
	}
	near := p.scheme == "" || scheme == local
	c := 0.0
	shape := "sensitive path"
	switch {
	case target == secret && p.climbs > 0 && (p.abs || p.climbs > 1 || p.trick || first):
		c, shape = certain, "traversal to a sensitive file"
	case target == secret && first && strings.HasPrefix(p.text, "@/"):
		c, shape = certain, "file handed over by its name" // as command lines take it
	case target == secret && near && (first || scheme == local):
		c = clear
		if p.last&secretFile == 0 && p.all&(systemDir|secretDir|windowsDir) == 0 {
			c = 0.8
		}
		if !whole {
			c = 0.8
		}
		if !p.abs && !p.drive && scheme == 0 {
			c = blocked
			if listed(v.Name) {
				c = faint // what a commit changed
			}
		}
		if scheme != local && worded(v.Text, start, end) || config(v, p) {
			c = doubtful // no file is called like a sentence
		}
	case target == secret && near && p.abs && p.all&systemDir != 0:
		c = barely
		if after == ' ' || comment || worded(v.Text, start, end) {
			c = doubtful
		}
	case target == aside && p.climbs > 0:
		c, shape = 0.92, "traversal into the system"
	case target == aside && whole && near:
		c = barely
		if config(v, p) {
			c = doubtful
		}
	case p.climbs > 0 && first && fileName(v.Name):
		c, shape = barely, "file name that climbs"
	case p.closed && first && p.climbs < 3 && p.ext()&(assetExt|media) == 0 && (p.elems > 1 || p.first&systemDir != 0),
		p.climbs > 0 && first && settings(p.name):
		c, shape = barely, "climb to settings, logs or keys"
	}
	if p.climbs == 2 && p.elems == 0 && !p.abs && !p.trick && !p.nul && after != '{' {
		c, shape = max(c, doubtful), "climb to nowhere" // ../.. stands in tables and configs
	} else if p.climbs > 0 {
		if m := p.climb(v, first, start > 0 && (v.Text[start-1] == '(' && after == ')' || (v.Text[start-1] == '"' || v.Text[start-1] == '\'') && after == v.Text[start-1])); m > c {
			c, shape = m, "traversal"
		}
	}
	if p.climbs > 0 && target == nowhere && !p.trick && p.ext()&(assetExt|media) != 0 && inMarkup(v.Text, start, end) {
		c = min(c, inText)
	}
	switch {
	case c > 0:
	case scheme == local && (p.slashes || p.abs || p.drive) && first:
		c, shape = barely, "file URL"
		if config(v, p) {
			c = doubtful
		}
	case p.dots3 >= 2:
		c, shape = aboveRoot, "traversal"
	case p.unc && first && whole && p.elems >= 2 && wordByte(p.text[2]):
		c, shape = faint, "network share"
		if strings.IndexByte(p.text, '$') > 0 || strings.IndexByte(p.text[:min(len(p.text), 24)], '.') > 0 {
			c = 0.72
		}
	case p.self >= 3 && first && (p.back || p.self >= 4):
		c, shape = 0.74, "traversal"
	case p.nul && first && p.elems > 0 && p.ext() != 0:
		c, shape = barely, "file name cut by NUL"
	}
	if requestLine(v.Text, start, end) {
		c = min(c, doubtful)
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
		c = max(c, aboveRoot)
		if p.climbs == 1 && p.elems == 0 {
			c = blocked // a lone "/.." is also a mark in a text
		}
	}
	if p.scheme != "" {
		c -= 0.2
	}
	if p.depth > 0 && p.depth >= p.climbs {
		// It stays inside: /a/b/../c.
		c -= 0.15
	}
	ext := p.ext()
	if !p.trick && !p.nul && (ext&(assetExt|source) != 0 && p.climbs <= 3 || ext&media != 0 && p.climbs <= 8) && p.target(false) == nowhere && !p.closed {
		c = min(c, inText)
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
