// Package code recognises text that a programming or expression language would run where
// a value was expected (CWE-94, CWE-95, CWE-917): PHP, Python, JavaScript on the server,
// Ruby, Perl, Lua, Groovy, Java's expression languages (EL, SpEL, OGNL, MVEL), Log4j
// lookups (CVE-2021-44228), Spring's class loader properties (CVE-2022-22965), VBScript
// and ASP, JSP, LaTeX, spreadsheet formulas.
//
// It looks for the constructs by which code does something to the server: opening a code
// block, calling a function that runs commands or code, reaching a class or module by
// name, an expression delimiter around such a call. Calls as such are what every program
// text is full of; names and arguments decide.
//
// Template languages and JavaScript in the browser are other packages' business. A
// document that shows code is taken for data.
package code

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// marks are the classes that code cannot do without.
const marks = value.ParenOpen | value.BraceOpen | value.Less | value.Backslash | value.Pipe | value.Hash

// openings are the pairs of which code has one, besides a formula with a pipe in it.
const openings = value.Call | value.ParenJ | value.DollarMark | value.LessQuestion | value.LessPercent | value.LessLetter | value.MarkBrace |
	value.HashWord | value.AtPackage | value.PercentX | value.BackslashWord | value.Underscores | value.GroupCall

// Possible reports whether a value can hold code of interest at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return t.Any(marks) && (v.Pairs.Any(openings) || t.All(value.Pipe|value.Exclamation)) || v.Pairs.Any(value.CapitalL) && isPath(t) || t.All(respelt)
}

// respelt are the classes of what bare looks for.
const respelt = value.Dollar | value.Ampersand | value.Colon | value.BraceClose

// Confidences, by what they mean.
const (
	beyond     = 0.97 // beyond doubt, in whatever text
	certain    = 0.95
	enough     = 0.93 // there is no need to look on
	clear      = 0.9
	likely     = 0.85
	blocked    = 0.8
	probing    = 0.76
	barely     = 0.72
	doubtful   = 0.6
	inText     = 0.55 // what a document may hold
	faint      = 0.5
	suspicious = 0.4
)

// isPath reports whether the traits are those of a path of properties.
func isPath(t value.Traits) bool {
	return t.Any(value.Dot|value.BracketOpen) && t.Any(value.Letter) && !t.Any(value.White)
}

// lexer is the state of one Judge.
type lexer struct {
	text string
	// expr is the start of the innermost open expression ${ %{ #{, -1 outside.
	expr int
	// block says that a code block (<?php, <%) was opened.
	block bool
	// ognl counts OGNL's own marks.
	ognl int
}

// Judge looks for code in one value. The class is always RCE.
func Judge(v *value.Value) value.Match {
	text := v.Text
	var best value.Match
	if v.Pairs.Any(value.CapitalL) {
		best = classLoader(v)
	}
	if !v.Traits.Any(marks|value.Dollar) || best.Confidence >= enough {
		return best
	}
	if !v.Pairs.Any(openings) && !v.Traits.All(value.Pipe|value.Exclamation) && !v.Traits.All(respelt) {
		return best
	}
	s := lexer{text: text, expr: -1}
	best = best.Better(s.formula())
	if v.Traits.All(value.Pipe | value.Exclamation | value.Quote) {
		best = best.Better(s.cell())
	}
	for i := 0; best.Confidence < enough; i++ {
		if i = trigger.Next(text, i); i == len(text) {
			break
		}
		c := text[i]
		var m value.Match
		switch c {
		case '(':
			if i > 0 && (wordByte(text[i-1]) || text[i-1] == ' ') || i+1 < len(text) && text[i+1]|0x20 == 'j' {
				m = s.call(i)
			} else if i > 0 && (text[i-1] == ')' || text[i-1] == '"' || text[i-1] == '\'' || text[i-1] == ']') {
				m = s.dynamic(i)
			}
		case '<':
			m = s.tag(i)
		case '$', '%', '#', '*', '@':
			if c == '$' && v.Traits.All(respelt) && bare(text, i) {
				m = found(certain, i, min(len(text), i+24), "JNDI lookup")
				break
			}
			if i+1 < len(text) && text[i+1] != '{' && (c == '$' || c == '*' || c == '%' && text[i+1] != 'x') {
				continue
			}
			m, i = s.expression(i)
		case '}':
			s.expr = -1
		case '\\':
			m = s.latex(i)
		case '`':
			if s.expr >= 0 || s.block {
				m = s.backtick(i)
			}
		case '_':
			m = s.dunder(i)
		}
		if m.Confidence > best.Confidence {
			best = m
		}
	}
	if best.Confidence >= suspicious && best.Confidence < beyond {
		switch {
		case document.Noise(text):
			best.Confidence = min(best.Confidence*0.6, inText)
		case best.Confidence >= clear && !document.Code(text):
			// What stands around it does not matter to whatever runs it.
		case document.Of(text) == document.Document:
			best.Confidence = min(best.Confidence*0.6, inText)
		case document.Of(text) == document.Prose && best.Start > 0:
			best.Confidence *= 0.72
		}
	}
	return best
}

// trigger has the bytes at which something can be seen.
var trigger = words.BytesOf("(<$%#*@}\\`_")

// classLoader recognises the property paths by which a binder is led to the class loader:
// class.module.classLoader.resources..., class['module']...
func classLoader(v *value.Value) value.Match {
	text := v.Text
	if !v.IsName && len(text) > 4096 || !isPath(v.Traits) && !v.Traits.Any(marks) { // a path of properties has no blanks
		return value.Match{}
	}
	i := strings.Index(text, "lass")
	if i < 1 || text[i-1]|0x20 != 'c' {
		return value.Match{}
	}
	k := strings.Index(text[i:], "classLoader")
	if k < 0 {
		return value.Match{}
	}
	start := i - 1
	if start > 0 && wordByte(text[start-1]) || i+4 >= len(text) || text[i+4] != '.' && text[i+4] != '[' {
		return value.Match{}
	}
	c := blocked
	if v.IsName {
		c = certain
	}
	return found(c, start, i+k+len("classLoader"), "class loader property")
}

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassRCE, Confidence: confidence, Start: start, End: end, Shape: shape}
}
