// Package template finds expressions that a server's template engine, or a framework in the
// page, would run: server-side template injection.
//
// It looks between the delimiters of the engines in use ({{ }}, ${ }, #{ }, *{ }, {% %},
// <% %>, [[ ]], @( ), <# >, #set( ) ...) and judges what stands there: a sum of constants is
// a probe; reflection, dunder names, methods of literals and commands are an attack. A
// placeholder such as {{user.name}}, ${HOME} or ${{ github.sha }} is data.
//
// Expression languages that run Java or .NET code (EL, OGNL, SpEL, JNDI) are also read by
// package code. Which engine a server uses is not known; any counts.
package template

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Possible reports whether a value can hold an attack in this language at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return t.All(bracedSum) || t.All(spelt) || v.Pairs.Any(openings) && (t.Any(value.BraceOpen) || t.All(value.Less) && t.Any(value.Percent|value.Hash|value.At) ||
		t.Any(value.ParenOpen) && t.Any(value.Hash|value.At) || t.All(value.BracketOpen|value.Hash))
}

// openings are the pairs of bytes that delimiters, directives and tags open with.
const openings = value.MarkBrace | value.BraceMark | value.BraceWord | value.LessPercent | value.LessHash | value.BracketMark | value.AtParen | value.HashWord

// Confidences, by what they mean.
const (
	certain  = 0.95 // a reflection that no placeholder is
	clear    = 0.9
	likely   = 0.85
	blocked  = 0.8
	probing  = 0.75
	barely   = 0.72
	doubtful = 0.6
	faint    = 0.5
	weak     = 0.4
)

// bracedSum and spelt are the classes of what marks looks for.
const (
	bracedSum = value.BraceOpen | value.BraceClose | value.Star | value.Digit
	spelt     = value.Dollar | value.Backslash | value.BraceOpen
)

// delimiter is a pair that encloses an expression or a statement.
type delimiter struct {
	open, close string
	statement   bool    // the content may be more than one expression: {% for ... %}
	probe       float64 // confidence if the content is a sum of constants
}

// Longer openings stand before shorter ones that they begin with.
var delimiters = [...]delimiter{
	{open: "{{", close: "}}", probe: clear},
	{open: "${", close: "}", probe: clear},
	{open: "#{", close: "}", probe: clear},
	{open: "*{", close: "}", probe: likely},
	{open: "%{", close: "}", probe: likely},
	{open: "~{", close: "}", probe: blocked},
	{open: "@{", close: "}", statement: true, probe: blocked},
	{open: "{%", close: "%}", statement: true, probe: faint},
	{open: "{#", close: "}", probe: 0},
	{open: "{@", close: "}", probe: blocked},
	{open: "{=", close: "}", probe: blocked},
	{open: "<%", close: "%>", statement: true, probe: clear},
	{open: "<#", close: ">", statement: true, probe: 0},
	{open: "[#", close: "]", statement: true, probe: 0},
	{open: "@(", close: ")", probe: likely},
	{open: "[[", close: "]]", probe: doubtful},
	{open: "[(", close: ")]", probe: 0}, // Thymeleaf, around ${ }
}

// byFirst are the delimiters by the first byte of their opening.
var byFirst = func() (t [128][]*delimiter) {
	for i := range delimiters {
		c := delimiters[i].open[0]
		t[c] = append(t[c], &delimiters[i])
	}
	return t
}()

// opens says which bytes begin a delimiter, a directive or a tag.
var opens = func() *words.Bytes {
	b := words.BytesOf("#")
	for i := range delimiters {
		b[delimiters[i].open[0]] = 1
	}
	return b
}()

// reader walks one text.
type reader struct {
	src  string
	best value.Match
	// run and start are where the marks that begins looked at last begin and end.
	run, start int
	// work is how many bytes of expressions may still be read twice. Expressions may stand
	// inside each other's strings, so text is read again from each opening; once the work
	// is used up, reading goes on behind what was read.
	work int
}

// Judge looks at one decoded value; the zero Match means that nothing was seen.
func Judge(v *value.Value) value.Match {
	if !Possible(v) {
		return value.Match{}
	}
	s := v.Text
	r := reader{src: s, work: len(s)/2 + 2048}
	parens := v.Traits.Any(value.ParenOpen)
	if v.Traits.All(value.Less|value.Percent|value.BraceOpen) || v.Traits.All(bracedSum) || v.Traits.All(spelt) {
		r.marks(v)
	}
	for i := 0; r.best.Confidence < clear; {
		i = opens.Next(s, i)
		if i+2 >= len(s) {
			break
		}
		c := s[i]
		stop := 0
		if d := opening(s, i); d != nil {
			if r.begins(i + 2) {
				stop = r.expression(i, d)
			}
		} else if c == '#' && parens {
			stop = r.directive(i)
		} else if c == '{' {
			stop = r.tag(i)
		}
		i++
		if stop > i {
			if r.work -= stop - i; r.work < 0 {
				i = stop
			}
		}
	}
	if r.best.Confidence >= barely && v.Traits.Any(value.Space) && document.Of(s) == document.Document && document.Code(s) {
		r.best.Confidence = min(r.best.Confidence, doubtful) // source files are full of templates
	}
	return r.best
}

func (r *reader) see(confidence float64, start, stop int, shape string) {
	if confidence > r.best.Confidence {
		r.best = value.Match{Class: detect.ClassSSTI, Confidence: confidence, Start: start, End: min(stop, len(r.src)), Shape: shape}
	}
}

// leads has white space and the marks that may stand between a delimiter and its expression.
var leads = func() (t [256]bool) {
	for c := range byte(' ' + 1) {
		t[c] = true
	}
	for _, c := range []byte("=#-~!&^:@>/%+*{") {
		t[c] = true
	}
	return t
}()

// begins reports whether an expression can begin at i, behind a few marks and white space.
// Runs of marks are walked once, however many openings stand in them.
func (r *reader) begins(i int) bool {
	if i < r.run || i > r.start {
		r.run = i
		for r.start = i; r.start < len(r.src) && leads[r.src[r.start]]; r.start++ {
		}
	}
	return r.start-i < 16 && starts(r.src, r.start)
}

// starts reports whether an expression begins with the byte at i.
func starts(s string, i int) bool {
	if i >= len(s) {
		return false
	}
	switch c := s[i]; {
	case letter(c), '0' <= c && c <= '9', c == '_', c == '"', c == '\'', c == '(', c == '[', c == '.', c == '`', c == '\\':
		return true
	case c == '$':
		return i+1 < len(s) && (letter(s[i+1]) || s[i+1] == '_' || s[i+1] == '!')
	}
	return false
}

func opening(s string, i int) *delimiter {
	if s[i] >= 0x80 {
		return nil
	}
	for _, d := range byFirst[s[i]] {
		if s[i+1] == d.open[1] {
			return d
		}
	}
	return nil
}

// directive judges Velocity's directives at i: "#set($x=...)", "#foreach(", "#evaluate(",
// and returns the position behind what was read.
func (r *reader) directive(i int) int {
	s := r.src
	j := i + 1
	for j < len(s) && j < i+12 && letter(s[j]) {
		j++
	}
	switch s[i+1 : j] {
	case "set", "foreach", "if", "evaluate", "include", "parse", "define", "macro":
	default:
		return j
	}
	name := s[i+1 : j]
	for j < len(s) && s[j] == ' ' {
		j++
	}
	if j+1 >= len(s) || s[j] != '(' {
		return j
	}
	d := delimiter{open: name, close: ")"}
	var p reading
	r.read(&p, j+1, &d)
	if !p.closed || !p.variables {
		return p.stop
	}
	switch {
	case p.confidence >= faint:
		r.see(certain, i, p.stop, "directive")
	case name == "set":
		r.see(blocked, i, p.stop, "directive")
	default:
		r.see(weak, i, p.stop, "directive")
	}
	return p.stop
}

// tag judges the tags of Smarty and Latte at i: "{php}", "{system('id')}",
// "{$smarty.version}", "{if phpinfo()}".
func (r *reader) tag(i int) int {
	s := r.src
	j := i + 1
	if s[j] == '/' {
		j++
	}
	word := j
	for j < len(s) && j < word+32 && (letter(s[j]) || s[j] == '_' || s[j] == '$' || s[j] == '.') {
		j++
	}
	if j >= len(s) || j == word {
		return j
	}
	name := s[word:j]
	switch {
	case name == "php" && s[j] == '}':
		r.see(likely, i, j+1, "tag")
	case strings.HasPrefix(name, "Smarty_") && strings.HasPrefix(s[j:], "::"):
		r.see(likely, i, j+2, "tag")
	case len(name) > 8 && name[:8] == "$smarty." && (s[j] == '}' || s[j] == '|'):
		r.see(likely, i, j+1, "tag")
	case s[j] == '(' && strengthOf(name) >= reaching, (name == "if" || name == "elseif") && s[j] == ' ':
		d := delimiter{open: "{", close: "}"}
		from := word
		if s[j] == ' ' {
			from = j
		}
		var p reading
		r.read(&p, from, &d)
		if p.closed && p.confidence >= barely {
			r.see(likely, i, p.stop, "tag")
		}
		return p.stop
	}
	return j
}
