// Package html finds markup that a value brings to life: cross-site scripting.
//
// A value may land between tags, inside a quoted or bare attribute, in a comment, in
// <title>, <textarea>, <style> or <script>. So it is tokenised as the HTML standard says
// (section 13.2.5) once for each of those contexts: an attack is what becomes a script, an
// event handler, a script URL or a loaded document in one of them. Ordinary rich text
// (paragraphs, links, images, tables) is no attack, nor is JSX, whose attribute values
// stand in braces.
//
// It decodes character references and control characters where they decide (URL schemes,
// handlers, style), and leaves percent, base64 and backslash encodings to package decode.
// It does not know what a page does with a value: a template engine that evaluates
// {{...}} is package template's matter, a break-out of a script's string package js's.
package html

import (
	"strings"
	"unsafe"

	"kongwaf/detect"
	"kongwaf/detect/attack/js/script"
	"kongwaf/detect/attack/value"
)

// Possible reports whether a value can hold an attack in this language at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return t.Any(value.Letter) && (v.Pairs.Any(openings|value.ScriptColon) || t.Any(value.Equals) || t.Any(value.Ampersand) && t.Any(value.Hash|value.Semicolon|value.Colon))
}

// openings are the pairs of bytes that tags and what resembles them open with.
const openings = value.LessLetter | value.LessExclamation | value.LessQuestion | value.LessSlash | value.LessBlank

// Judge looks at one decoded value; the zero Match means that nothing was seen.
func Judge(v *value.Value) value.Match {
	if !Possible(v) {
		return value.Match{}
	}
	s := v.Text
	seen := signsOf(v)
	if seen == 0 {
		return value.Match{}
	}
	p := scanner{src: s, work: v.Work}
	var best value.Match
	if seen&schemeSign != 0 {
		best = p.bareURL()
	}
	if seen&(tagSign|attrSign) == 0 {
		return best
	}
	p.contexts(seen)
	if seen&tagSign != 0 && p.best.Confidence < 0.7 {
		p.filtered()
		if i := strings.Index(s, "=&{"); i >= 0 && len(s) < 256 && strings.IndexByte(s[i:], '}') > 0 {
			p.see(0.75, i, i+3, "script entity")
		}
	}
	return best.Better(p.best)
}

// contexts walks the text once for each place in which a page may put it.
func (p *scanner) contexts(seen sign) {
	s := p.src
	if seen&tagSign != 0 {
		p.data(0)
	}
	if p.sure() {
		return
	}
	p.again = true
	if seen&attrSign != 0 {
		// The same text from inside an attribute: what follows the first quote, or the
		// first white space, is the rest of somebody else's tag.
		for _, quote := range [...]byte{'"', '\''} {
			if i := strings.IndexByte(s, quote); i >= 0 && !p.sure() {
				p.restart()
				p.insideTag(i+1, true)
			}
		}
		if !p.sure() {
			p.restart()
			p.bare()
		}
	}
	if seen&tagSign != 0 && !p.sure() {
		if i := breakOut(s); i > 0 {
			p.restart()
			p.data(i)
		}
	}
}

// maxFiltered is the length up to which a value is also read as a filter would leave it.
const maxFiltered = 1024

// filtered reads the text as a filter leaves it that takes tags away, where a tag stands
// inside a word: "o<x>nfocus=alert<x>(1)".
func (p *scanner) filtered() {
	s := p.src
	if len(s) > maxFiltered || strings.IndexByte(s, '=') < 0 && !hasFold(s, "script") || !strings.ContainsAny(s, "(`") {
		return
	}
	for i := 1; i < len(s); i++ {
		if n := tagInWord(s, i); n > 0 {
			p.without()
			return
		}
	}
}

// tagInWord returns the length of a short tag at i that stands inside a word, 0 if there is none.
func tagInWord(s string, i int) int {
	if s[i] != '<' || !isLetter(s[i-1]) {
		return 0
	}
	if j := strings.IndexByte(s[i:min(len(s), i+16)], '>'); j > 0 && i+j+1 < len(s) && s[i+j+1] > ' ' && s[i+j+1] != '<' {
		return j + 1
	}
	return 0
}

// without walks the text without the tags inside words.
func (p *scanner) without() {
	s := p.src
	var buf [maxFiltered]byte
	n := 0
	for i := 0; i < len(s); i++ {
		if i > 0 {
			if k := tagInWord(s, i); k > 0 {
				i += k - 1
				continue
			}
		}
		buf[n] = s[i]
		n++
	}
	sub := scanner{src: string(buf[:n]), work: p.work}
	sub.contexts(tagSign | attrSign)
	if sub.best.Confidence >= 0.7 {
		p.see(sub.best.Confidence-0.05, 0, len(s), sub.best.Shape)
	}
}

// found is a match of this package's class.
func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassXSS, Confidence: confidence, Start: start, End: end, Shape: shape}
}

// sign is what a cheap first look saw.
type sign uint8

const (
	tagSign    sign = 1 << iota // '<' with a name, '!' or '?' behind it
	attrSign                    // an attribute that acts before '='
	urlSign                     // an attribute that takes an address before '='
	schemeSign                  // a script scheme before a colon
)

// signsOf takes the first look: three searches for single bytes, each hit decided by its
// neighbours. It leaves nearly all benign values.
func signsOf(v *value.Value) sign {
	s, t := v.Text, v.Traits
	var seen sign
	if v.Pairs.Any(openings) {
		for i := 0; i+1 < len(s); {
			j := strings.IndexByte(s[i:], '<')
			if j < 0 || i+j+1 >= len(s) {
				break
			}
			i += j + 1
			if c := s[i]; isLetter(c) || c == '!' || c == '?' || c == '/' || c == 0 || c <= ' ' && scriptFollows(s, i) {
				seen |= tagSign
				break
			}
		}
	}
	if t.Any(value.Equals) {
		for i := 0; i < len(s); {
			j := strings.IndexByte(s[i:], '=')
			if j < 0 {
				break
			}
			i += j
			if seen |= namesAttr(s, i); seen&attrSign != 0 {
				break
			}
			i++
		}
	}
	if v.Pairs.Any(value.ScriptColon) {
		for i := 0; i < len(s); {
			j := strings.IndexByte(s[i:], ':')
			if j < 0 {
				break
			}
			i += j
			if namesScheme(s, i) {
				seen |= schemeSign
				break
			}
			i++
		}
	}
	if t.Any(value.Ampersand) && (strings.Contains(s, "&colon") || strings.Contains(s, "&#")) && hasFold(s, "script") {
		seen |= schemeSign
	}
	if seen&(urlSign|schemeSign) == urlSign|schemeSign {
		seen |= attrSign
	}
	return seen &^ urlSign
}

// scriptFollows reports whether white space and then "script" follow: no browser takes
// "< script" for a tag, but filters that squeeze blanks make one of it.
func scriptFollows(s string, i int) bool {
	for n := 0; i < len(s) && s[i] <= ' ' && n < 8; n++ {
		i++
	}
	if i < len(s) && s[i] == '/' {
		i++
	}
	return i+6 <= len(s) && strings.EqualFold(s[i:i+6], "script")
}

// attrByte has the bytes of the names that namesAttr knows; browsers drop NUL.
var attrByte = func() (t [256]bool) {
	for c := range t {
		t[c] = isLetter(byte(c)) || c == 0
	}
	return t
}()

// namesAttr says what the name that ends before position i is: an attribute that acts (on...,
// style, srcdoc, datasrc), one that takes an address, or nothing.
func namesAttr(s string, i int) sign {
	j := i
	for n := 0; j > 0 && (s[j-1] <= ' ' || s[j-1] == '>') && n < 32; n++ {
		j--
	}
	if j > 0 && s[j-1] == ';' { // a reference such as &Tab; before the equals sign
		if i-j < 32 && strings.LastIndexByte(s[max(0, j-12):j], '&') >= 0 {
			return attrSign
		}
		return 0
	}
	head := s[max(0, j-40):j]
	n := len(head)
	for n > 0 && attrByte[head[n-1]] {
		n--
	}
	w := head[n:]
	if len(w) < 3 {
		return 0
	}
	if w[0]|0x20 == 'o' && w[1]|0x20 == 'n' && len(w) >= 4 {
		return attrSign
	}
	switch w[len(w)-1] | 0x20 {
	case 'e':
		if endsFold(w, "style") {
			return attrSign
		}
	case 'c':
		if endsFold(w, "srcdoc") || endsFold(w, "datasrc") {
			return attrSign
		}
		if endsFold(w, "src") {
			return urlSign
		}
	case 'f':
		if endsFold(w, "href") {
			return urlSign
		}
	case 'n':
		if endsFold(w, "action") {
			return urlSign
		}
	case 'a':
		if endsFold(w, "data") {
			return urlSign
		}
	case 'd':
		if endsFold(w, "background") {
			return urlSign
		}
	}
	return 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func endsFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

func startsFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// hasFold reports whether s holds the lower-case word, ignoring case.
func hasFold(s, word string) bool { return indexFold(s, word) >= 0 }

// indexFold returns the index of the lower-case word, of at least two bytes, in s, ignoring
// case, or -1.
func indexFold(s, word string) int {
	first := word[0]
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 == first && s[i+1]|0x20 == word[1]|0x20 && strings.EqualFold(s[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}

// view returns the bytes as a string without copying them; it does not outlive them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// acts reports how surely a text, with character references undone, acts as a script.
func (p *scanner) acts(s string) script.Reading {
	var buf [512]byte
	if strings.IndexByte(s[:min(len(s), len(buf))], '&') >= 0 {
		s = view(undo(buf[:0], s))
	}
	r := script.Read(s)
	p.ended = !p.work.Spend(script.Cost*r.Looked) || p.ended
	return r
}
