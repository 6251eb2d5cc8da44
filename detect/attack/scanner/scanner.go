// Package scanner recognises vulnerability scanners and their probes: User-Agents and
// headers of attack tools, paths that only probes ask for, canary strings, and the
// domains by which tools learn that a server called out.
//
// Ordinary clients and libraries (curl, python-requests, Go's client, search engines,
// monitors) are nobody's concern here. A scanner that hides its name is recognised by
// what it sends, in the other packages.
package scanner

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/path"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Possible reports whether a value can hold a scanner's traces at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
// In request paths and headers every word can be one.
func Possible(v *value.Value) bool {
	if v.Source == detect.SourceHeader || v.Source == detect.SourcePath {
		return v.Traits.Any(value.Letter)
	}
	return !v.IsName && (v.Pairs.Any(value.DotTop) || v.Traits.Any(value.Underscore) && v.Pairs.Any(value.HeadStream))
}

// Confidences, by what they mean.
const (
	certain = 0.93 // the tool says so itself
	clear   = 0.9
	likely  = 0.85
	blocked = 0.8
	mere    = 0.6 // research, or a service's own page
	inText  = 0.5
	weakly  = 0.45 // administrators ask for it too
)

// Judge looks for a scanner's traces in one value. The class is always Scanner.
func Judge(v *value.Value) value.Match {
	switch v.Source {
	case detect.SourceHeader:
		if v.IsName {
			if names.Of(v.Text)&header != 0 {
				return found(likely, 0, len(v.Text), "header of a scanner")
			}
			return value.Match{}
		}
		if detect.EqualFold(v.Name, "user-agent") {
			return agent(v.Text).Better(callouts(v))
		}
	case detect.SourcePath:
		if v.Traits.Any(value.White) || !v.Traits.Any(value.Slash) { // a segment alone: the whole path tells more
			break
		}
		if m := probes(v.Text); m.Confidence > 0 {
			return m
		}
	}
	if v.IsName {
		return value.Match{}
	}
	if !v.Traits.Any(value.Dot | value.Underscore) {
		return value.Match{}
	}
	return callouts(v)
}

// agent judges a User-Agent by the words in it.
func agent(text string) value.Match {
	var best value.Match
	for i := 0; i < len(text); {
		if !wordByte(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && (wordByte(text[i]) || text[i] == '-' || text[i] == '_') {
			i++
		}
		kind := names.Of(text[start:i])
		switch {
		case kind&weak != 0:
			best = best.Better(found(inText, start, i, "research scanner"))
		case kind&tool != 0:
			return found(certain, start, i, "attack tool")
		}
	}
	// Names of several words, and scripts of Nessus.
	head := text[:min(len(text), 512)]
	if !phraseMayBeIn(head) {
		return best
	}
	for _, phrase := range phrases {
		if i := words.Index(head, phrase); i >= 0 {
			return best.Better(found(likely, i, i+len(phrase), "attack tool"))
		}
	}
	return best
}

// phraseMayBeIn reports whether one of the phrases may be in a text, by three of its bytes.
func phraseMayBeIn(text string) bool {
	for i := 2; i < len(text); i++ {
		if phraseSeams.Has(text[i-2], text[i-1], text[i]) {
			return true
		}
	}
	return false
}

// callouts looks for the domains of out-of-band interaction, dot by dot, and for canaries.
func callouts(v *value.Value) value.Match {
	text := v.Text
	if len(text) < 64 && v.Traits.Any(value.Underscore) && names.Of(text)&canary != 0 {
		return found(blocked, 0, len(text), "canary")
	}
	if !v.Pairs.Any(value.DotTop) {
		return value.Match{}
	}
	for i := 0; ; i++ {
		k := strings.IndexByte(text[i:], '.')
		if k < 0 {
			return value.Match{}
		}
		i += k
		if i == 0 || i+2 >= len(text) || !calloutDots.Has(text[i-1], text[i+1], text[i+2]) {
			continue
		}
		end := i + 1
		for end < len(text) && end-i < 12 && hostByte[text[end]] {
			end++
		}
		if end-i < 3 || end < len(text) && (hostByte[text[end]] || text[end] == '.' && end+1 < len(text) && hostByte[text[end+1]]) {
			continue // not the last label
		}
		start := i
		for start > 0 && i-start < 20 && hostByte[text[start-1]] {
			start--
		}
		if names.Of(text[start:end])&callout == 0 {
			continue
		}
		c := mere
		if end+1 < len(text) && text[end] == '/' && wordByte(text[end+1]) {
			c = blocked // an inbox of its own
		}
		if start > 1 && text[start-1] == '.' {
			// A long random label is a tool's token; without one it is the service's own page.
			k := start - 1
			for k > 0 && start-k < 40 && hostByte[text[k-1]] {
				k--
			}
			c = blocked
			if start-1-k >= 12 {
				c = clear
			}
		}
		if document.Of(text) == document.Document {
			c = min(c, inText)
		}
		return found(c, start, end, "out-of-band domain")
	}
}

// hostByte has the bytes of which labels are made.
var hostByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = wordByte(byte(c)) || c == '-' || c == '_'
	}
	return t
}()

// probes judges the request path by its elements.
func probes(text string) value.Match {
	var best value.Match
	asset := isAsset(text)
	for start, i := 0, 0; start < len(text); start = i + 1 {
		i = len(text)
		if k := strings.IndexByte(text[start:], '/'); k >= 0 {
			i = start + k
		}
		e := text[start:i]
		kind := names.Of(e)
		if kind&secret != 0 && path.InRepository(text[:i]) {
			continue // a file's name, told to an API of repositories
		}
		switch {
		case kind&secret != 0:
			best = best.Better(found(likely, start, i, "probe path"))
		case kind&probe != 0:
			if !asset && (kind&ambient == 0 || start <= 1) {
				best = best.Better(found(weakly, start, i, "probe path"))
			}
			if toldBy(e, text[i:]) {
				best = best.Better(found(blocked, start, i, "probe path"))
			}
		}
	}
	return best
}

// toldBy reports whether what follows an element that administrators ask for too shows that a
// scanner asks.
func toldBy(e, rest string) bool {
	return words.HasPrefix(e, "actuator") && words.HasPrefix(rest, "/env") || words.HasPrefix(rest, "/heapdump") ||
		words.HasPrefix(rest, "/phpunit") || words.HasPrefix(e, "eval-stdin") || words.HasPrefix(rest, "/execute-solution")
}

// isAsset reports whether a path ends like a file that pages load: nobody probes for those.
func isAsset(path string) bool {
	i := strings.LastIndexByte(path, '.')
	return i >= 0 && assets.Of(path[i+1:]) != 0
}

var assets = words.New(words.Group{Kind: 1, Words: "js mjs css map png jpg jpeg gif svg webp ico woff woff2 ttf"})

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassScanner, Confidence: confidence, Start: start, End: end, Shape: shape}
}
