// Package path recognises paths that leave the directory they were meant for (CWE-22),
// that lead to files no application serves (/etc/passwd, WEB-INF/web.xml, .git/config),
// and the stream wrappers by which PHP and others read anything (php://filter).
//
// A value is cut into words as a shell or a URL would, and each word that can be a path
// into its elements. Climbing counts by how far it goes and how it is dressed (..;/,
// ....//, ..\/, a NUL); a target counts by where it stands in a grammar of system
// directories and known names. One climb alone is what web pages do all day.
//
// It does not resolve links, knows no application's own secret files, and takes relative
// imports and links in documents for data.
package path

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Possible reports whether a value can hold a path of interest at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	if t.Only(value.Word) {
		return v.Pairs.Any(value.DotDot | value.ZeroX | value.HeadDot | value.HeadDir)
	}
	return t.Any(value.Slash|value.Backslash) || t.All(value.Dot|value.Colon) || t.All(value.NUL|value.Dot) ||
		t.Any(value.Dot|value.Percent|value.High|value.Control|value.Question|value.Digit) && !t.Any(value.White)
}

// Judge looks for the most telling path in one value. The class is always path traversal.
func Judge(v *value.Value) value.Match {
	text := v.Text
	if !v.Traits.Any(value.Slash | value.Backslash | value.Colon | value.NUL) {
		if !curious(v) {
			return value.Match{}
		}
		return single(v).Better(smeared(v))
	}
	var best value.Match
	if v.Pairs.Any(value.DotDot|value.DotSlash) || v.Traits.Any(value.Backslash|value.NUL|value.Control|value.High) || tells(v) {
		best = walk(v)
	}
	if best.Confidence < 0.75 && curious(v) {
		best = best.Better(smeared(v))
		if len(text) < 80 && len(text) > 2 && text[1] == ':' {
			best = best.Better(glued(text))
		}
	}
	if best.Confidence >= suspicious && best.Confidence < certain {
		switch document.Of(text) {
		case document.Document:
			if best.Confidence < clear || best.Start == 0 || document.Code(text) {
				best.Confidence = min(best.Confidence*0.6, inText)
			}
		case document.Prose:
			if best.Start > 0 {
				best.Confidence *= 0.7
			}
		}
	}
	return best
}

// tells reports whether a name that leads somewhere by itself stands beside a slash or behind
// a colon, or a wrapper's before a colon. A text without one, without climbs and bytes that
// no path holds, has no path of interest.
func tells(v *value.Value) bool {
	return v.Traits.Any(value.Slash) && beside(v.Text, '/', leadTails, names, leads) ||
		v.Traits.Any(value.Colon) && beside(v.Text, ':', schemeTails, schemes, wrapper|local|inline)
}

// beside reports whether a name that leads somewhere begins behind a mark, or a word of the
// set, whose ends are in tails, of one of the kinds ends before it.
func beside(text string, mark byte, tails *words.Trigrams, set *words.Set, kinds uint32) bool {
	for i := 0; i < len(text); i++ {
		k := strings.IndexByte(text[i:], mark)
		if k < 0 {
			break
		}
		i += k
		if i+3 < len(text) && leadHeads.Has(text[i+1], text[i+2], text[i+3]) && names.Of(elementAt(text, i+1))&leads != 0 ||
			i >= 3 && tails.Has(text[i-3], text[i-2], text[i-1]) && set.Of(elementBefore(text, i))&kinds != 0 {
			return true
		}
	}
	return false
}

// elementAt and elementBefore return the part of a text that begins or ends at i.
func elementAt(text string, i int) string {
	end := i
	for end < len(text) && !parts[text[end]] {
		end++
	}
	return text[i:end]
}

func elementBefore(text string, i int) string {
	start := i
	for start > 0 && !parts[text[start-1]] {
		start--
	}
	return text[start:i]
}

// parts has the bytes that part elements.
var parts = func() (t [256]bool) {
	for c := range t {
		t[c] = role[c] == delimits || c == '/' || c == ':'
	}
	return t
}()

// walk judges the text's words one after the other as paths.
func walk(v *value.Value) value.Match {
	text := v.Text
	var best value.Match
	var p parsed
	first := true
	for i := 0; i < len(text); {
		for i < len(text) && role[text[i]] == delimits {
			i++
		}
		start, elem := i, i
		marks, known, kinds := false, false, uint32(0)
		for {
			if i = special.Next(text, i); i == len(text) {
				break
			}
			c := text[i]
			if role[c] == delimits {
				// Path parameters: ..;/ and ..;x/
				if c == ';' && i > start && i+1 < len(text) && (text[i+1] == '/' || text[i+1] == '\\' || text[i-1] == '.' && wordByte(text[i+1])) {
					i++
					continue
				}
				// C:\Program Files\x, /Program Files\x: a blank inside a name.
				if c == ' ' && start == 0 && i > 3 && (text[1] == ':' || text[0] == '/' || text[0] == '\\') && strings.IndexByte(text[i:min(len(text), i+24)], '\\') > 0 {
					i++
					continue
				}
				break
			}
			switch c {
			case '/', '\\', 0:
				marks = true
				kinds |= names.Of(text[elem:i])
				elem = i + 1
			case ':':
				marks = true
				known = known || i-start < 24 && i-start > 1 && schemes.Of(text[start:i])&(wrapper|local|inline) != 0
				elem = i + 1
			case '.':
				known = known || i+1 < len(text) && (text[i+1] == '.' || text[i+1] == '/')
			default:
				known = true
			}
			i++
		}
		if marks {
			kinds |= names.Of(text[elem:i])
		}
		if kinds &= telling; i-start < 7 && kinds&^(systemDir|confDir|logDir|etcFile|procFile|assetExt|codeExt) == 0 {
			kinds = 0 // /etc/ alone leads nowhere
		}
		if marks && (known || kinds != 0 || text[start] == '\\' && i-start > 2 && text[start+1] == '\\') {
			p.parse(text[start:i])
			if m := p.weigh(v, start, i, first); m.Confidence > best.Confidence {
				best = m
			}
			if best.Confidence >= 0.95 {
				break
			}
		}
		first = false
	}
	return best
}

// single judges a value that is one bare file name: ".htpasswd", "id_rsa".
func single(v *value.Value) value.Match {
	text := v.Text
	if len(text) < 3 {
		return value.Match{}
	}
	if len(text) < 80 {
		if m := glued(text); m.Confidence > 0 {
			return m
		}
	}
	if text[0] != '.' {
		return value.Match{}
	}
	if rest := strings.TrimLeft(text, "."); len(text)-len(rest) >= 4 && names.Of(rest)&secretFile != 0 {
		return found(0.8, 0, len(text), "sensitive file behind dots")
	}
	if names.Of(text)&(secretFile) != 0 {
		return found(0.6, 0, len(text), "hidden file")
	}
	return value.Match{}
}

// curious reports, in a few looks, whether a value may be one of the odd forms that
// single and smeared know. Most values are not.
func curious(v *value.Value) bool {
	text := v.Text
	if v.Traits.Any(value.White) || len(text) < 3 || len(text) > 4096 {
		return false
	}
	switch text[0] | 0x20 {
	case '.', 'e', 'w', 'i', '0', '/', 'c', 'd': // .x, etc.., win.., inet.., 0x2e, c:
		return true
	}
	switch text[len(text)-1] | 0x20 {
	case 'd', 'w', 'p', 's', 'e', 'i', 'l', '2', 'g', 0x20, '\'', '"', '0': // a target's last letter
		if v.Traits.Any(value.Percent | value.Question | value.Control | value.High | value.Backslash | value.NUL) {
			return true
		}
	}
	return v.Pairs.Any(value.DotDot | value.ZeroX)
}

// What a byte is to the scan for paths.
const (
	plain    uint8 = iota
	delimits       // ends a path in running text, markup and code
	matters        // a separator, a dot, a byte that no path holds
)

var role = func() (t [256]uint8) {
	for c := range 256 {
		if c < ' ' || c >= 0x80 {
			t[c] = matters
		}
	}
	for _, c := range "/\\.:" {
		t[c] = matters
	}
	for _, c := range " \t\n\r\v\f\"'`<>|(){}[],=&?#;*!" {
		t[c] = delimits
	}
	return t
}()

// special has the bytes that are not plain.
var special = func() *words.Bytes {
	b := new(words.Bytes)
	for c := range b {
		if role[c] != plain {
			b[c] = 1
		}
	}
	return b
}()

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassPathTraversal, Confidence: confidence, Start: start, End: end, Shape: shape}
}
