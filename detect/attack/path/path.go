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
)

// Possible reports whether a value with these traits can be or hold a path of interest.
func Possible(t value.Traits) bool {
	return t.Any(value.Slash|value.Backslash) || t.All(value.Dot|value.Colon) || t.All(value.NUL|value.Dot) ||
		t.Any(value.Dot|value.Percent|value.High|value.Control|value.Question|value.Digit) && !t.Any(value.White)
}

// Judge looks for the most telling path in one value. The class is always path traversal.
func Judge(v *value.Value) value.Match {
	text := v.Text
	if !v.Traits.Any(value.Slash | value.Backslash | value.Colon | value.NUL) {
		return single(v).Better(smeared(v))
	}
	var best value.Match
	var p parsed
	first := true
	for i := 0; i < len(text); {
		if delimiter[text[i]] {
			i++
			continue
		}
		start := i
		marks, known := false, false
		elem := i
		for i < len(text) && !delimiter[text[i]] {
			c := text[i]
			switch c {
			case '/', '\\', 0:
				known = known || names.Of(text[elem:i]) != 0
				elem = i + 1
				marks = true
			case ':':
				known = known || i-start < 24 && i-start > 1 && schemes.Of(text[start:i])&7 != 0
				elem = i + 1
				marks = true
			case '.':
				known = known || i+1 < len(text) && (text[i+1] == '.' || text[i+1] == '/')
			default:
				known = known || c < ' ' || c >= 0x80 && c != 0xC3 && c < 0xC2
			}
			i++
			if i < len(text) && text[i] == ';' && i+1 < len(text) && (text[i+1] == '/' || text[i+1] == '\\' || c == '.' && wordByte(text[i+1])) {
				i++ // path parameters: ..;/ and ..;x/
			}
		}
		if marks && (known || names.Of(text[elem:i]) != 0 || text[start] == '\\') {
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
	if best.Confidence < 0.75 {
		best = best.Better(smeared(v))
		if text[0]|0x20 >= 'a' && v.Traits.Any(value.Colon) && len(text) < 80 {
			best = best.Better(glued(text))
		}
	}
	if best.Confidence >= 0.4 && best.Confidence < 0.97 {
		switch document.Of(text) {
		case document.Document:
			best.Confidence = min(best.Confidence*0.6, 0.55)
		case document.Prose:
			if best.Start > 0 {
				best.Confidence *= 0.7
			}
		}
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

// delimiter has the bytes at which a path ends in running text, markup and code.
var delimiter = func() (t [256]bool) {
	for _, c := range " \t\n\r\v\f\"'`<>|(){}[],=&?#;*!" {
		t[c] = true
	}
	return t
}()

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassPathTraversal, Confidence: confidence, Start: start, End: end, Shape: shape}
}
