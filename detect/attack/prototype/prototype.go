// Package prototype finds names and paths that reach the prototype which all JavaScript
// objects share: prototype pollution in servers and pages that merge what they are sent.
//
// What counts is a name that a parser will walk: "__proto__[x]", "a[constructor][prototype][x]",
// "constructor.prototype.x", a JSON key "__proto__". Text that merely talks about prototypes,
// and the word "constructor" alone, is harmless.
package prototype

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// Possible reports whether a value can hold an attack at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	return v.Traits.Any(value.Letter) && (v.Pairs.Any(value.Underscores) ||
		v.Pairs.Any(value.LetterUC) && v.Traits.All(value.Dollar|value.Colon) ||
		v.Pairs.All(value.LetterUC|value.LetterYP) && v.Traits.Any(value.Dot|value.BracketOpen|value.Colon|value.Underscore|value.Slash))
}

// Confidences, by what they mean.
const (
	certain  = 0.93 // a name or a path that only this is written for
	clear    = 0.9
	likely   = 0.88
	blocked  = 0.75
	doubtful = 0.5
	weak     = 0.4
	hint     = 0.3 // text about prototypes
)

// Judge looks at one decoded value; the zero Match means that nothing was seen.
func Judge(v *value.Value) value.Match {
	if !Possible(v) {
		return value.Match{}
	}
	// Most values are too short to hold either path.
	if len(v.Text) < len(proto) {
		return value.Match{}
	}
	var best value.Match
	if v.Traits.All(value.Dollar | value.Colon) {
		best = flight(v.Text)
	}
	if v.Pairs.Any(value.Underscores) {
		best = best.Better(inherited(v)).Better(attributes(v))
	}
	if best.Confidence < clear && len(v.Text) > len("constructorprototype") && v.Pairs.All(value.LetterUC|value.LetterYP) {
		best = best.Better(constructed(v))
	}
	return best
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassProtoPollution, Confidence: confidence, Start: start, End: end, Shape: shape}
}

const proto = "__proto__"

// inherited looks for __proto__ as a step of a path.
func inherited(v *value.Value) value.Match {
	s := v.Text
	var best value.Match
	path := path{src: s}
	for i := 0; i < len(s); {
		j := strings.Index(s[i:], proto)
		if j < 0 {
			break
		}
		i += j
		start, stop := i, i+len(proto)
		i = stop
		before, after := byte(0), byte(0)
		if start > 0 {
			before = s[start-1]
		}
		if stop < len(s) {
			after = s[stop]
		}
		if split(s[:start], s[stop:]) {
			return found(certain, start, stop, "prototype that a filter puts together")
		}
		if wordByte(before) || wordByte(after) {
			continue
		}
		c, shape := 0.0, "prototype in a path"
		switch {
		case before == '/' && pointer(v, start-1):
			c = likely
		case v.IsName:
			c, shape = certain, "prototype as a name"
		case (before == '"' || before == '\'') && after == before && colonFollows(s, stop+1):
			c, shape = clear, "prototype as a key"
		case (before == 0 || before == '[' || before == '.' || before == '&' || before == '?' || before == '#' || before == ',' || before == '/' || before == '{') &&
			(after == '[' || after == '.' || after == ']' || after == '=') && path.assigned(stop):
			c = likely
			if v.Traits.Any(value.ParenOpen) && v.Traits.Any(value.Semicolon) {
				c = doubtful // a program's own assignment
			}
		case before == 0 && after == 0, before == '[' && after == ']', before == 0 && (after == '[' || after == '.'):
			c = blocked
		case before == '.' && after == '.':
			c = doubtful
			if path.whole() {
				c = blocked
			}
		default:
			c = hint
		}
		best = best.Better(found(c, start, stop, shape))
		if c >= clear {
			break
		}
	}
	return best
}

// constructed looks for constructor and prototype as two steps of a path.
func constructed(v *value.Value) value.Match {
	const constructor, prototype = "constructor", "prototype"
	s := v.Text
	var best value.Match
	path := path{src: s}
	for i := 0; i < len(s); {
		j := strings.Index(s[i:], constructor)
		if j < 0 {
			break
		}
		i += j
		start := i
		i += len(constructor)
		if start > 0 && wordByte(s[start-1]) {
			continue
		}
		// ".", "][", "['", `":{"` and the like between the steps
		k := i
		for k < len(s) && k < i+8 && strings.IndexByte("]['\".:{ /", s[k]) >= 0 {
			k++
		}
		if k == i || !strings.HasPrefix(s[k:], prototype) {
			continue
		}
		stop := k + len(prototype)
		if stop < len(s) && wordByte(s[stop]) {
			continue
		}
		separator := s[i:k]
		c := 0.0
		switch {
		case v.IsName:
			c = certain
		case separator == "/" && start > 0 && s[start-1] == '/' && pointer(v, start-1):
			c = likely
		case strings.Contains(separator, ":") && strings.Contains(separator, "{"):
			c = likely
		case (start == 0 || strings.IndexByte("[.&?#", s[start-1]) >= 0) && path.assigned(stop) && strings.IndexByte(s, '\n') < 0:
			c = likely
		case strings.HasPrefix(s[stop:], "][") && path.whole(), start == 0 && stop < len(s) && s[stop] == '.' && path.whole():
			c = blocked
		default:
			c = weak
		}
		best = best.Better(found(c, start, stop, "constructor's prototype"))
		if c >= clear {
			break
		}
		i = stop
	}
	return best
}

// path remembers where the path that was looked at last ends, so that a path of many steps
// is walked once.
type path struct {
	src    string
	end    int
	equals bool
}

// assigned reports whether the rest of a path from i on ends in an equals sign, as in
// "[a].b=c": a query string, or an assignment.
func (p *path) assigned(i int) bool {
	s := p.src
	if i < p.end {
		return p.equals
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case wordByte(c), c == '[', c == ']', c == '.', c == '\'', c == '"', c == '-', c == ' ':
			continue
		case c == '=':
			p.end, p.equals = i, i+1 >= len(s) || s[i+1] != '='
			return p.equals
		}
		p.end, p.equals = i, false
		return false
	}
	p.end, p.equals = i, false
	return false
}

// whole reports whether the text is nothing but a path: names, dots and brackets.
func (p *path) whole() bool {
	for i := 0; i < len(p.src); i++ {
		if c := p.src[i]; !wordByte(c) && c != '.' && c != '[' && c != ']' && c != '-' || i == 96 {
			return false
		}
	}
	return true
}

func colonFollows(s string, i int) bool {
	for i < len(s) && s[i] <= ' ' {
		i++
	}
	return i < len(s) && s[i] == ':'
}

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '$'
}
