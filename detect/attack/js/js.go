// Package js finds values that break out of a string, template literal, regular expression
// or comment of a page's script, or that are a hostile expression where a script takes a
// value: cross-site scripting without markup.
//
// A break-out is a quote that ends the string which the value was written into, followed by
// what can stand behind a string in JavaScript and then by a call or an assignment that
// reaches for what attacks want (package script). A text that does not break out of
// anything, such as a posted source file, is data.
//
// It does not look at markup and script URLs (package html), nor at JavaScript that a server
// runs (package code). Hostile code under harmless names ("';f(1)//") is only suspicious.
package js

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/js/script"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// Possible reports whether a value can hold an attack in this language at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return t.Any(value.ParenOpen|value.Backtick|value.BracketOpen) && t.Any(value.Letter|value.BracketOpen) ||
		t.Any(value.Letter) && t.Any(value.Quote|value.DoubleQuote|value.Semicolon) && t.Any(value.Equals|value.Dot) ||
		t.Any(value.Equals) && v.Pairs.Any(value.DotAfterT)
}

// maxBare is the length up to which a whole value is read as an expression, in bytes.
const maxBare = 2048

// Judge looks at one decoded value; the zero Match means that nothing was seen.
func Judge(v *value.Value) value.Match {
	if !Possible(v) {
		return value.Match{}
	}
	s := v.Text
	var best value.Match
	for _, quote := range [...]byte{'\'', '"', '`'} {
		if v.Traits.Any(value.ClassOf(quote)) {
			best = best.Better(breakOuts(s, quote))
		}
	}
	if best.Confidence >= 0.9 {
		return best
	}
	if v.Traits.All(value.Dollar | value.BraceOpen) {
		best = best.Better(substitution(s, v.Work))
	}
	if v.Traits.All(value.BracketOpen | value.BracketClose | value.ParenOpen | value.Plus | value.Exclamation) {
		best = best.Better(symbolsOnly(s))
	}
	if len(s) <= maxBare && reaches(v) {
		best = best.Better(bare(s))
		if best.Confidence < 0.7 && v.Traits.Any(value.Greater) {
			best = best.Better(handlerTail(s))
		}
	}
	return best
}

// reaches takes a first look at a whole value: without a call or a computed member, only an
// assignment to the page itself could be hostile.
func reaches(v *value.Value) bool {
	s, t := v.Text, v.Traits
	if t.Any(value.ParenOpen | value.Backtick | value.BracketOpen) {
		return true
	}
	if t.Any(value.Dot) && v.Pairs.Any(value.DotAfterT) && (strings.Contains(s, "document.") || strings.Contains(s, "window.")) {
		return true
	}
	return t.Any(value.Equals) && t.Any(value.Quote|value.DoubleQuote|value.Semicolon) && setsPage(s)
}

// setsPage reports whether the text holds location= or onerror=.
func setsPage(s string) bool {
	for i := 0; i < len(s); i++ {
		k := strings.IndexByte(s[i:], '=')
		if k < 0 {
			return false
		}
		i += k
		if strings.HasSuffix(s[:i], "location") || strings.HasSuffix(s[:i], "onerror") {
			return true
		}
	}
	return false
}

// handlerTail reads the value as what stands in an event handler, quoted or not, up to the
// end of the tag.
func handlerTail(s string) value.Match {
	stop := strings.IndexByte(s, '>')
	if stop < 6 || s[stop-1] == '=' || strings.IndexByte(s[:stop], '<') >= 0 {
		return value.Match{}
	}
	head := strings.TrimRight(s[:stop], " /")
	if head == "" {
		return value.Match{}
	}
	from := 0
	if c := head[0]; c == '"' || c == '\'' {
		if head[len(head)-1] != c || len(head) < 3 {
			return value.Match{}
		}
		from, head = 1, head[1:len(head)-1]
	}
	if i := strings.IndexByte(head, ' '); i > 0 && strings.HasSuffix(head[:i], ")") {
		head = head[:i] // more attributes
	}
	r := script.Read(head)
	if !r.Hostile && !r.Vague || !r.Calls || !r.Whole || r.Controls {
		return value.Match{}
	}
	return found(0.75, from, stop, "end of a handler")
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassXSS, Confidence: confidence, Start: start, End: end, Shape: shape}
}

// breakOuts reads what follows the first quote of the kind, and the first that no backslash
// stands before, if that is another: where a page escapes neither, it does not end the string.
func breakOuts(s string, quote byte) value.Match {
	q := strings.IndexByte(s, quote)
	best := breakOut(s, q)
	if q < 1 || s[q-1] != '\\' {
		return best
	}
	for q > 0 && s[q-1] == '\\' {
		k := strings.IndexByte(s[q+1:], quote)
		if k < 0 {
			return best
		}
		q += k + 1
	}
	return best.Better(breakOut(s, q))
}

// breakOut reads what follows the quote at q as the rest of a script in whose string the value
// began.
func breakOut(s string, q int) value.Match {
	if q < 0 || q+1 >= len(s) {
		return value.Match{}
	}
	i := q + 1
	closed, line := false, false
	// Brackets that the page opened, then what joins a string to more code.
	for ; i < len(s); i++ {
		c := s[i]
		if c == '\n' || c == '\r' {
			line = true
			continue
		}
		if c <= ' ' {
			continue
		}
		if c == ')' || c == ']' || c == '}' {
			closed = true
			continue
		}
		break
	}
	if i >= len(s) {
		return value.Match{}
	}
	switch s[i] {
	case ';', '+', '-', '*', '%', '&', '|', '^', '<', '>', '?', '=', ',', ':', '/', '!', '~', '.', '[', '(':
	case '{', '@', '#', '$':
		return value.Match{}
	default:
		// A name begins a statement behind the end of a block or on a new line only.
		if !line && !(closed && s[i-1] == '}') && !startsOperator(s[i:]) {
			return value.Match{}
		}
	}
	j := i
	for j < len(s) && strings.IndexByte(";+-*%&|^<>?=,:!~ )]}\r\n\t", s[j]) >= 0 {
		j++
	}
	if j >= len(s) {
		return value.Match{}
	}
	switch {
	case strings.HasPrefix(s[j:], "instanceof"):
		j += len("instanceof")
	case startsOperator(s[j:]):
		j += len("in")
	case s[j] == '/' && j+1 < len(s) && s[j+1] != '/' && s[j+1] != '*':
		j++ // behind a string it divides
	}
	r := script.Read(s[j:])
	stop := min(len(s), j+max(r.Stop, 1))
	switch {
	case r.Hostile && r.Acts():
		c := 0.92
		if !r.Whole && q > 64 {
			c = 0.72
			if document.Of(s[:q]) >= document.Prose {
				c = 0.6
			}
		}
		if document.Of(s) == document.Document {
			c = 0.55
		}
		return found(c, q, stop, "break-out, hostile call")
	case r.Hostile:
		return found(0.75, q, stop, "break-out, hostile member")
	case r.Vague && r.Whole && len(s) < 200:
		return found(0.72, q, stop, "break-out, call")
	case r.Calls && r.Whole && len(s) < 200:
		return found(0.5, q, stop, "break-out, call")
	}
	return value.Match{}
}

// lastStatement reads what stands behind the last semicolon but one: a payload whose parts
// were put together from strings ends in the call that runs them.
func lastStatement(s string, at int) value.Match {
	t := strings.TrimRight(s, ";/ ")
	i := strings.LastIndexByte(t, ';')
	if i < 0 || len(t)-i < 7 || strings.IndexByte(s, '\n') >= 0 {
		return value.Match{}
	}
	if r := script.Read(t[i+1:]); r.Hostile && r.Calls && r.Whole && !r.Controls {
		return found(0.72, at+i+1, at+len(t), "hostile last statement")
	}
	return value.Match{}
}

// startsOperator reports whether the text begins with an operator that is a word.
func startsOperator(s string) bool {
	return strings.HasPrefix(s, "in ") || strings.HasPrefix(s, "in(") || strings.HasPrefix(s, "instanceof ")
}

// substitution looks for hostile code in ${...}, which a template literal runs.
func substitution(s string, w *work.Meter) value.Match {
	for i := 0; i < len(s); {
		j := strings.Index(s[i:], "${")
		if j < 0 {
			break
		}
		i += j + 2
		rest := s[i:min(len(s), i+maxBare)]
		r := script.Read(rest)
		if r.Hostile && r.Firm && r.Acts() {
			c := 0.9
			if strings.IndexByte(s, '\n') >= 0 {
				c = 0.5
			}
			return found(c, i-2, min(len(s), i+max(r.Stop, 1)), "template literal, hostile call")
		}
		if !w.Spend(script.Cost * r.Looked) {
			break
		}
		i += max(r.Stop-1, 0)
	}
	return value.Match{}
}

// symbolsOnly sees programs made of brackets, signs and no letters (JSFuck and its kin).
func symbolsOnly(s string) value.Match {
	for i := 0; i < len(s); {
		// There is none without a bracket.
		k := strings.IndexByte(s[i:], '[')
		if k < 0 {
			break
		}
		start := i + k
		for start > i && symbol[s[start-1]] {
			start--
		}
		run, calls := 0, 0
		for i = start; i < len(s) && symbol[s[i]]; i++ {
			if s[i] > ' ' {
				run++
			}
			if s[i] == '(' {
				calls++
			}
		}
		if run >= 24 && calls > 0 {
			return found(0.88, start, i, "program of symbols")
		}
	}
	return value.Match{}
}

// symbol has the bytes that such programs are made of.
var symbol = func() (t [256]bool) {
	for _, c := range []byte("[]!+(){} \n") {
		t[c] = true
	}
	return t
}()

// bare reads the whole value as an expression or a few statements.
func bare(s string) value.Match {
	i := 0
	for i < len(s) && strings.IndexByte(" \t\r\n;,)]}+-*/!~=:&|?", s[i]) >= 0 {
		i++
	}
	s0 := strings.TrimRight(s[i:], " \t\r\n")
	if len(s0) < 6 || strings.HasSuffix(s0, "()") && len(s0) < 10 && strings.IndexByte(s0, '.') < 0 {
		return value.Match{} // alert() is what people ask about
	}
	if c := s0[0] | 0x20; !('a' <= c && c <= 'z' || '0' <= s0[0] && s0[0] <= '9') && strings.IndexByte("([{\"'`$_\\", s0[0]) < 0 {
		return value.Match{}
	}
	if n := len(s0); n > 14 && strings.EqualFold(s0[:6], "script") && strings.EqualFold(s0[n-7:], "/script") && script.Read(s0[6:n-7]).Acts() {
		return found(0.75, i, i+n, "script element without brackets")
	}
	r := script.Read(s0)
	if !r.Hostile || !r.Whole && r.Stop < len(s0)*2/3 {
		return lastStatement(s0, i)
	}
	stop := min(len(s), i+max(r.Stop, 1))
	tail := strings.TrimRight(s0, ";/ ")
	iife := strings.HasSuffix(tail, ")()") || strings.HasSuffix(tail, "}()") // a function that is called at once
	switch {
	case document.Of(s0) == document.Document || strings.HasPrefix(s0, "import "),
		!iife && (strings.Contains(s0, "=>") || r.Controls && s0[0] != '(' && s0[0] != '['):
		return found(0.45, i, stop, "script")
	case !r.Firm:
		return found(0.45, i, stop, "script")
	case r.Acts() && r.Whole:
		return found(0.8, i, stop, "hostile expression")
	case r.Acts():
		return found(0.72, i, stop, "hostile expression")
	case r.Whole:
		return found(0.72, i, stop, "hostile member")
	}
	return value.Match{}
}
