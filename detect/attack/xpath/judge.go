// Package xpath judges whether a value is an XPath or XQuery injection (CWE-643, CWE-652).
//
// A value that is pasted into a predicate such as //user[name='VALUE'] attacks it by ending
// the literal, the predicate or the number it stands in, and going on as a path expression.
// Judge looks for what only XPath has (an axis, a node test, a function of a path, a union
// with a path) behind such an end. The tautology ' or '1'='1 is SQL's as much as XPath's and
// left to package sql.
//
// Paths, CSS selectors, globs, C++ and PHP names with :: have none of this, or nothing
// that ends a literal before it.
package xpath

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Possible reports whether a value can hold an XPath injection at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	if !v.Pairs.Any(value.LetterParen|value.ColonColon|value.PipePath) && !(v.Pairs.Any(value.SlashSlash) && t.Any(value.Quote|value.DoubleQuote|value.BracketOpen)) {
		return false
	}
	return t.Any(value.ParenOpen|value.Colon|value.Pipe|value.BracketOpen) && t.Any(value.Slash|value.ParenOpen|value.Colon) &&
		t.Any(value.Quote|value.DoubleQuote|value.BracketClose|value.Space|value.Tab|value.Newline|value.ParenClose)
}

// What a look at one mark costs, and at what stands before an expression, as bytes read.
const (
	markCost   = 8
	beforeCost = 128
)

// Judge looks at one decoded value; the zero Match means nothing was seen. It allocates
// nothing, is linear in the text's length, and may be called from several goroutines at once.
func Judge(v *value.Value) value.Match {
	s := v.Text
	var best value.Match
	if !Possible(v) {
		return best
	}
	out, stop := closes(v)
	consider := func(at, end int, shape string) {
		if at < 0 || best.Confidence >= closed || !v.Work.Spend(beforeCost) {
			return
		}
		conf := brokenOut(s, at)
		if out >= 0 && out < at && at <= stop {
			conf = closed
		}
		if conf > best.Confidence {
			best = value.Match{Class: detect.ClassXPathi, Confidence: conf, Start: at, End: end, Shape: shape}
		}
	}
	if readsSecret(s) {
		return value.Match{Class: detect.ClassXPathi, Confidence: 0.75, Start: 0, End: len(s), Shape: "path to a secret"}
	}
	if v.Pairs.Any(value.LetterParen) {
		for i := 0; v.Work.Spend(markCost); {
			k := strings.IndexByte(s[i:], '(')
			if k < 0 {
				break
			}
			i += k + 1
			at, shape := call(s, i-1)
			consider(at, i, shape)
		}
	}
	if v.Pairs.Any(value.ColonColon) {
		for i := 0; v.Work.Spend(markCost); {
			k := strings.Index(s[i:], "::")
			if k < 0 {
				break
			}
			i += k + 2
			consider(axis(s, i-2), i, "axis")
		}
	}
	if v.Pairs.Any(value.PipePath) {
		for i := 0; v.Work.Spend(markCost); {
			k := strings.IndexByte(s[i:], '|')
			if k < 0 {
				break
			}
			i += k + 1
			consider(union(s, i-1), i, "union with a path")
		}
	}
	if v.Pairs.Any(value.SlashSlash) && v.Traits.Any(value.Quote|value.DoubleQuote) {
		for i := 0; v.Work.Spend(markCost); {
			k := strings.Index(s[i:], "//")
			if k < 0 {
				break
			}
			i += k + 2
			if w := lastWord(s[max(0, i-2-maxBefore) : i-2]); (w == "or" || w == "and") && i < len(s) && letter(s[i]) {
				consider(i-2, i, "path as a condition")
			}
		}
	}
	return best
}

// readsSecret reports whether the whole value is a path from the document's root whose last
// step is a secret: //user[1]/password. Scrapers' paths end in what pages show.
func readsSecret(s string) bool {
	if !strings.HasPrefix(s, "//") || len(s) > maxBefore || strings.ContainsAny(s, " \n?:.") {
		return false
	}
	s = strings.TrimSuffix(s, "/text()")
	k := strings.LastIndexByte(s, '/')
	return k > 2 && strings.IndexByte(s[:k], '[') > 0 && secrets.Of(s[k+1:]) != 0
}

var secrets = words.New(words.Group{Kind: 1, Words: `password passwd pass pwd passphrase secret token apikey pin hash salt creditcard ssn`})

// closed is the confidence of an expression behind the end of the literal it stood in.
const closed = 0.9

// closes returns where the first literal of a kind ends that what follows goes on behind as a
// predicate does, whatever its length, and how far a program or a text does not begin: -1 if
// nowhere.
func closes(v *value.Value) (at, stop int) {
	s := v.Text
	at = -1
	for _, quote := range [...]byte{'\'', '"'} {
		if !v.Traits.Any(value.ClassOf(quote)) {
			continue
		}
		i := strings.IndexByte(s, quote)
		for i >= 0 && i+1 < len(s) && s[i+1] == quote { // doubled: no end
			if k := strings.IndexByte(s[i+2:], quote); k >= 0 {
				i += k + 2
			} else {
				i = -1
			}
		}
		if i >= 0 && (at < 0 || i < at) && endsLiteral(s, i) {
			at = i
		}
	}
	if at < 0 {
		return -1, -1
	}
	if k := strings.IndexAny(s[at:], "\n{;"); k >= 0 {
		return at, at + k
	}
	return at, len(s)
}

// maxBefore bounds the text before an expression: more of it is a text about XPath.
const maxBefore = 200

// call returns where the expression begins whose bracket is s[open], if it is a node test
// behind a step (/text()) or a function of a path (count(//user)); -1 if it is neither.
func call(s string, open int) (int, string) {
	start := open
	for start > 0 && open-start < 24 && (letter(s[start-1]) || s[start-1] == '-') {
		start--
	}
	name := s[start:open]
	var first, second byte
	if open+1 < len(s) {
		first = s[open+1]
	}
	if open+2 < len(s) {
		second = s[open+2]
	}
	for i := open + 1; first == '(' && i+2 < len(s) && i < open+8; i++ {
		first, second = s[i+1], s[i+2]
	}
	path := first == '/' && (second == '/' || second == '*' || second == '@' || letter(second) || second == 'n')
	switch name {
	case "text", "node", "comment", "processing-instruction":
		if first == ')' && start > 0 && (s[start-1] == '/' || s[start-1] == ':') {
			return start - 1, "node test"
		}
		if first == ')' && path {
			return start, "node test"
		}
	case "count", "name", "local-name", "namespace-uri", "string-length", "substring", "substring-before", "substring-after", "string",
		"starts-with", "contains", "normalize-space", "sum", "number", "boolean", "not", "exists", "empty", "translate", "matches", "data", "concat", "string-join", "upper-case", "lower-case":
		if path {
			return start, "function of a path"
		}
		// string-length(name(/*[1])), substring(name(parent::*)...)
		for _, inner := range [...]string{"name(", "local-name(", "count(", "string(", "position(", "text("} {
			if strings.HasPrefix(s[open+1:], inner) && (name == "string-length" || name == "substring" || name == "starts-with" || name == "contains" || name == "not") {
				return start, "function of a node"
			}
		}
		if first == ')' && (name == "name" || name == "local-name") && comparisonAfter(s, open+2) {
			return start, "name of the node"
		}
	case "position", "last":
		if first == ')' && (comparisonAfter(s, open+2) || name == "last" && open+2 < len(s) && s[open+2] == ']') {
			return start, "position of the node"
		}
	case "doc", "document", "unparsed-text", "doc-available", "collection":
		if first == '\'' || first == '"' || strings.HasPrefix(s[open+1:], "concat(") {
			return start, "document read"
		}
	}
	return -1, ""
}

// comparisonAfter reports whether = < > or ! stands at s[i:].
func comparisonAfter(s string, i int) bool {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return i < len(s) && (s[i] == '=' || s[i] == '<' || s[i] == '>' || s[i] == '!')
}

// axis returns where the step begins whose :: stands at s[i:], -1 if it is none.
func axis(s string, i int) int {
	start := i
	for start > 0 && i-start < 24 && (letter(s[start-1]) || s[start-1] == '-') {
		start--
	}
	rest := s[i+2:]
	switch s[start:i] {
	case "ancestor", "ancestor-or-self", "descendant", "descendant-or-self", "following", "following-sibling", "preceding", "preceding-sibling":
		return start
	case "child", "parent", "self", "attribute", "namespace":
		// C++, PHP, Rust and CSS have these names, too, but no such node tests.
		if strings.HasPrefix(rest, "node()") || strings.HasPrefix(rest, "*") || strings.HasPrefix(rest, "text()") || start > 0 && s[start-1] == '/' {
			return start
		}
	}
	return -1
}

// union returns where a union of paths begins whose | is s[i]: ']|//*, -1 if it is none.
func union(s string, i int) int {
	if i > 0 && s[i-1] == '|' || i+1 < len(s) && s[i+1] == '|' {
		return -1
	}
	j := i + 1
	for j < len(s) && s[j] == ' ' {
		j++
	}
	if j+2 >= len(s) || s[j] != '/' {
		return -1
	}
	if !(s[j+1] == '/' && (s[j+2] == '*' || s[j+2] == '@' || letter(s[j+2])) || s[j+1] == '*' || s[j+1] == '@') {
		return -1
	}
	// What stands before must have ended: ], ) or a quote.
	k := i
	for k > 0 && s[k-1] == ' ' {
		k--
	}
	if k == 0 || s[k-1] != ']' && s[k-1] != ')' && s[k-1] != '\'' && s[k-1] != '"' {
		return -1
	}
	return k - 1
}

// brokenOut weighs what stands before the expression at s[at:]: what ends a literal, a
// predicate or a number makes it an attack; an expression alone is a question about XPath.
func brokenOut(s string, at int) float64 {
	before := s[:min(at, maxBefore)]
	if at > maxBefore {
		return 0.2 // a long text about XPath
	}
	if strings.ContainsAny(before, "\n{;") {
		return 0.2
	}
	quote := strings.IndexAny(before, "'\"")
	word := lastWord(before)
	operator := word == "or" || word == "and" || word == "div" || word == "not" || word == "mod"
	if c := lastByte(before); c == '|' || c == '=' || c == '+' || c == '*' || c == '<' || c == '>' || c == '(' {
		operator = true
	}
	rest := s[at:]
	switch {
	case quote >= 0 && quote <= 64 && endsLiteral(before, quote):
		return closed
	case rest[0] == ']' || rest[0] == '\'' || rest[0] == '"' || rest[0] == ')':
		if strings.ContainsAny(before, "(") {
			return 0.3
		}
		return 0.85 // the union's own beginning ends something
	case strings.HasPrefix(strings.TrimSpace(before), "]"), strings.Contains(before, "']") && strings.Count(before, "'")&1 == 1,
		strings.Contains(before, "\"]") && strings.Count(before, "\"")&1 == 1:
		return 0.88
	case at == 0 && alone(s):
		return 0.72
	case (word == "or" || word == "and") && number(before):
		return 0.85
	case operator && number(before):
		return 0.72
	case (word == "or" || word == "and") && strings.TrimSpace(before) == word:
		return 0.85
	case word == "or" || word == "and":
		return 0.45
	}
	return 0.2
}

// alone reports whether the whole of a short value is one expression: a function of a path or
// a step along an axis, without a blank.
func alone(s string) bool {
	return len(s) <= 64 && strings.IndexByte(s, ' ') < 0 && (strings.HasSuffix(s, ")") || strings.Contains(s, "::node()"))
}

// endsLiteral reports whether the quote at s[i] is followed by what goes on with a predicate.
func endsLiteral(s string, i int) bool {
	j := i + 1
	for j < len(s) && (s[j] == ' ' || s[j] == ')' || s[j] == '\t' || s[j] == ']') {
		j++
	}
	rest := s[j:]
	if j > i+1 && rest == "" || rest != "" && (rest[0] == '|' || rest[0] == '/' || rest[0] == '=' || rest[0] == '+' || rest[0] == ',') {
		return strings.ContainsAny(s[i:j], "])") || rest != "" && (rest[0] == '|' || rest[0] == '+' || rest[0] == '=')
	}
	for _, w := range [...]string{"or", "and"} {
		if len(rest) >= len(w) && strings.EqualFold(rest[:len(w)], w) && (len(rest) == len(w) || !letter(rest[len(w)])) {
			return true
		}
	}
	return false
}

// number reports whether s begins with a number, after signs and brackets, and a space.
func number(s string) bool {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] == '(' || s[i] == '-') {
		i++
	}
	from := i
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i > from && (i == len(s) || s[i] == ' ' || s[i] == ')' || s[i] == ']' || s[i] == '=' || s[i] == '+')
}

// lastWord returns the lower-case word that s ends in, before spaces and opening brackets.
func lastWord(s string) string {
	s = strings.TrimRight(s, " \t(")
	i := len(s)
	for i > 0 && letter(s[i-1]) {
		i--
	}
	switch w := s[i:]; {
	case strings.EqualFold(w, "or"):
		return "or"
	case strings.EqualFold(w, "and"):
		return "and"
	default:
		return w
	}
}

func lastByte(s string) byte {
	s = strings.TrimRight(s, " ")
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
