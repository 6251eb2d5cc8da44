// Package scanner recognises vulnerability scanners and their probes: User-Agents and
// headers of attack tools, paths that only probes ask for, canary strings, and the
// domains by which tools learn that a server called out.
//
// Ordinary clients and libraries (curl, python-requests, Go's client, search engines,
// monitors) are nobody's concern here. A scanner that hides its name is recognised by
// what it sends, in the other packages.
package scanner

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Possible reports whether a value with these traits can be of a scanner. Words alone can
// be a tool's name, so it says yes to most; Judge looks at the source first.
func Possible(t value.Traits) bool { return t.Any(value.Letter) }

// Judge looks for a scanner's traces in one value. The class is always Scanner.
func Judge(v *value.Value) value.Match {
	switch v.Source {
	case detect.SourceHeader:
		if v.IsName {
			if names.Of(v.Text)&header != 0 {
				return found(0.85, 0, len(v.Text), "header of a scanner")
			}
			return value.Match{}
		}
		if detect.EqualFold(v.Name, "user-agent") {
			return agent(v.Text).Better(callouts(v))
		}
	case detect.SourcePath:
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
			best = best.Better(found(0.55, start, i, "research scanner"))
		case kind&tool != 0:
			return found(0.93, start, i, "attack tool")
		}
	}
	// Names of several words, and scripts of Nessus.
	for _, phrase := range [...]string{"fuzz faster u fool", ".nasl", "mozilla/4.75 [en] (x11, u;", "sql injection", "security scan", "vulnerability scan", "web vulnerability", "burp suite", "scan by"} {
		if i := words.Index(text[:min(len(text), 512)], phrase); i >= 0 {
			return best.Better(found(0.85, i, i+len(phrase), "attack tool"))
		}
	}
	return best
}

// callouts looks for the domains of out-of-band interaction and for canaries, in one pass
// over the words: labels of names, parted by dots.
func callouts(v *value.Value) value.Match {
	text := v.Text
	label, before := 0, -1 // where the label and the one before it begin
	third := -1            // where the one before that begins
	for i := 0; i <= len(text); i++ {
		if i < len(text) && hostByte[text[i]] {
			continue
		}
		if i > label+5 && text[label]|0x20 == 'a' && names.Of(text[label:i])&canary != 0 {
			return found(0.8, label, i, "canary")
		}
		if i < len(text) && text[i] == '.' {
			third, before, label = before, label, i+1
			continue
		}
		if before >= 0 && i-label >= 2 && i-label <= 10 && i-before <= 24 {
			if k := names.Of(text[before:i]); k&callout != 0 {
				c := 0.6
				if third >= 0 {
					// A long random label is a tool's token; without one it is the service's own page.
					c = 0.8
					if before-1-third >= 12 {
						c = 0.9
					}
				}
				if document.Of(text) == document.Document {
					c = min(c, 0.5)
				}
				return found(c, before, i, "out-of-band domain")
			}
		}
		third, before, label = -1, -1, i+1
	}
	return value.Match{}
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
	for i := 0; i < len(text); {
		if text[i] == '/' {
			i++
			continue
		}
		start := i
		for i < len(text) && text[i] != '/' {
			i++
		}
		e := text[start:i]
		kind := names.Of(e)
		switch {
		case kind&secret != 0:
			best = best.Better(found(0.85, start, i, "probe path"))
		case kind&probe != 0:
			best = best.Better(found(0.45, start, i, "probe path"))
			if words.HasPrefix(e, "actuator") && words.HasPrefix(text[i:], "/env") || words.HasPrefix(text[i:], "/heapdump") || words.HasPrefix(text[i:], "/phpunit") || words.HasPrefix(e, "eval-stdin") || words.HasPrefix(text[i:], "/execute-solution") {
				best = best.Better(found(0.8, start, i, "probe path"))
			}
		}
	}
	return best
}

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassScanner, Confidence: confidence, Start: start, End: end, Shape: shape}
}
