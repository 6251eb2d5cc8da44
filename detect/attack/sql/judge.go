// Package sql judges whether a value is an SQL injection (CWE-89).
//
// A value that an application pastes into a query stands in one of a few contexts: bare,
// where a number or a name was expected; inside '...', "..." or `...`; inside a comment.
// Judge reads the value in each of them with one lexer for all dialects (lex.go) and one
// grammar (parse.go, operator.go, statement.go), and asks whether the value ends its
// context and goes on as SQL. Text that does not is broken off after a few tokens: two
// words in a row are prose, not SQL. What the grammar met until then are the facts that
// score.go weighs. There is no list of attack strings.
//
// Limits: a value that is SQL only together with another value (parameter pollution) is the
// extractor's to join. A plain word, number or column name can change a query's meaning
// without changing its structure; that is not seen here.
package sql

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// needed are the byte classes of which an attack has at least one, if it has no ||, && or --, and no comment:
// it ends a literal or a statement, calls something, or has more than one word. Words,
// numbers, URLs, e-mail addresses, UUIDs, base64 and lists of these have none of them.
const needed = value.Quote | value.DoubleQuote | value.Backtick | value.White | value.NUL | value.Control | value.High |
	value.ParenOpen | value.ParenClose | value.Semicolon

// Possible reports whether a value can hold an SQL injection at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	return v.Traits.Any(needed) && !v.Traits.Only(value.White|value.Comma) || v.Pairs.Any(value.DoubleOperator|value.DoubleHyphen) ||
		v.Traits.All(value.Star|value.Slash) || v.Traits.All(value.At|value.Less)
}

// Judge looks at one decoded value; the zero Match means nothing was seen. It allocates
// nothing unless there are comments inside of words, is linear in the text's length, and may be called from several goroutines at once.
func Judge(v *value.Value) value.Match {
	if !Possible(v) {
		return value.Match{}
	}
	best := judge(v)
	if best.Confidence < blocked && v.Traits.All(value.Star|value.Slash) {
		best = best.Better(glued(v))
	}
	if best.Confidence < reported {
		return value.Match{}
	}
	return best
}

// judge reads the value in each of its contexts.
func judge(v *value.Value) value.Match {
	text := v.Text
	for len(text) > 0 && charClass[text[len(text)-1]] == cSpace && text[len(text)-1] < 0x80 {
		text = text[:len(text)-1]
	}
	if text == "" {
		return value.Match{}
	}
	best := bare(text)
	if best.Confidence < certain && v.Traits.Any(value.Quote) {
		best = best.Better(closed(text, '\''))
	}
	if best.Confidence < certain && v.Traits.Any(value.DoubleQuote) {
		best = best.Better(closed(text, '"'))
	}
	if best.Confidence < certain && v.Traits.Any(value.Backtick) {
		best = best.Better(closed(text, '`'))
	}
	if best.Confidence < blocked && v.Traits.All(value.Star|value.Slash) {
		best = best.Better(uncommented(text))
	}
	if best.Confidence < blocked && v.Pairs.Any(value.LetterUN) && v.Traits.Any(value.White|value.ParenOpen|value.Star|value.NUL|value.Control|value.High) {
		best = best.Better(union(text, v.Work))
	}
	if best.Confidence < blocked && v.Traits.Any(value.Digit) && v.Traits.Any(value.White|value.Greater) {
		best = best.Better(numbers(v, text))
	}
	if best.Confidence >= blocked && (best.Start == 0 && v.Traits.Any(value.Newline) && formatted(text) || inCode(text, best)) {
		best.Confidence = pasted
	}
	return best
}

// inCode reports whether a statement stands in backticks that open like Markdown's, as people
// write `SELECT a FROM b` in a question.
func inCode(text string, m value.Match) bool {
	at := m.Start
	return at >= 0 && at+1 < len(text) && text[at] == '`' && (at == 0 || text[at-1] <= ' ' || text[at-1] == '(') &&
		charClass[text[at+1]] == cName && strings.IndexByte(text[at+1:], '`') > 0
}

// formatted reports whether a text is a query as people write and paste it: it begins with
// a statement and puts clauses on lines of their own. Nothing is broken out of in it.
func formatted(text string) bool {
	first := firstWord(text)
	if first != wSelect && first != wWith && !first.beginsStatement() {
		return false
	}
	clauses := 0
	for i := 0; ; {
		n := strings.IndexByte(text[i:], '\n')
		if n < 0 {
			return clauses >= 2
		}
		i += n + 1
		switch firstWord(text[i:]) {
		case wFrom, wWhere, wGroup, wHaving, wOrder, wLimit, wJoin, wUnion, wSelect, wSet, wValues, wAnd, wOr, wOn:
			clauses++
		}
	}
}

// firstWord returns the word that a text begins with, 0 if SQL does not know it.
func firstWord(text string) word {
	l := lexer{text: text[:min(len(text), 64)]}
	if l.next() != tWord {
		return 0
	}
	return l.word
}

const (
	certain  = 0.95
	blocked  = 0.7
	pasted   = 0.6 // a query as a whole, on several lines
	reported = 0.2 // less is noise
)

// bare reads the text where a number or a name was expected.
func bare(text string) value.Match {
	m, _ := read(text, 0, context{})
	return m
}

// read reads text from pos in a context, and once more if "--" may have been two signs. It
// returns where the reading ended too.
func read(text string, pos int, c context) (m value.Match, end int) {
	p := parser{lexer: lexer{text: text}}
	p.enter(c)
	p.run(pos, c.state())
	m, end = p.score(c), p.pos
	if p.sawMinusMinus && m.Confidence < blocked {
		p = parser{lexer: lexer{text: text, minusMinus: true}}
		p.enter(c)
		p.run(pos, c.state())
		m, end = m.Better(p.score(c)), max(end, p.pos)
	}
	return m, end
}

// enter sets what stands before the value.
func (p *parser) enter(c context) {
	p.quote, p.most = c.quote, maxTokens
	if c.late || c.within {
		p.most = maxLate
	}
	if c.quote != 0 {
		p.operands = 1
		p.last, p.first = oString, oString
	}
}

// context is what a value is read in.
type context struct {
	quote  byte // the quote that the value closes, or '*' for a comment; 0 for none
	at     int  // where it closes it
	late   bool // the value is read from its middle on, as the rest of a query
	within bool // ... from a number on
}

func (c context) state() state {
	if c.quote != 0 || c.late {
		return wantOperator
	}
	return wantOperand
}

// closed reads the text as the inside of a quoted literal: from the quote on that ends it. A
// backslash before a quote keeps it from ending the literal on some servers and not on others,
// so both are read: what the ones and what the others see.
func closed(text string, quote byte) value.Match {
	at := closing(text, 0, quote)
	if at < 0 {
		return value.Match{}
	}
	best, _ := read(text, at+1, context{quote: quote, at: at})
	if !escaped(text, 0, at) || best.Confidence >= blocked {
		return best
	}
	for at >= 0 && escaped(text, 0, at) {
		at = closing(text, at+1, quote)
	}
	if at >= 0 {
		m, _ := read(text, at+1, context{quote: quote, at: at})
		best = best.Better(m)
	}
	return best
}

// closing finds the quote that ends a literal, from i on; doubled quotes do not.
func closing(text string, i int, quote byte) int {
	for i < len(text) {
		n := strings.IndexByte(text[i:], quote)
		if n < 0 {
			return -1
		}
		i += n
		if i+1 < len(text) && text[i+1] == quote && (i == 0 || text[i-1] != '\\') {
			i += 2
			for i+1 < len(text) && text[i] == quote && text[i+1] == quote {
				i += 2
			}
			continue
		}
		return i
	}
	return -1
}

// uncommented reads the text as the inside of a comment.
func uncommented(text string) value.Match {
	i := strings.Index(text, "*/")
	if i < 0 || strings.Contains(text[:i], "/*") {
		return value.Match{}
	}
	m, _ := read(text, i+2, context{quote: '*', at: i})
	return m
}

// maxGlued is the length up to which a value is also read as a filter would leave it.
const maxGlued = 1024

// glued reads the text without the comments inside its words: un/**/ion. A filter that takes
// comments away leaves the word.
func glued(v *value.Value) value.Match {
	s := v.Text
	if len(s) > maxGlued {
		return value.Match{}
	}
	first := 0
	for first < len(s) && commentInWord(s, first) == 0 {
		first++
	}
	if first == len(s) {
		return value.Match{}
	}
	text := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if n := commentInWord(s, i); n > 0 {
			i += n - 1
			continue
		}
		text = append(text, s[i])
	}
	whole := *v
	whole.Text = string(text)
	m := judge(&whole)
	if m.Confidence < blocked {
		return value.Match{}
	}
	m.Start, m.End = 0, len(s)
	return m
}

// commentInWord returns the length of the comment at i if letters stand on both sides of it.
func commentInWord(s string, i int) int {
	if s[i] != '/' || i == 0 || i+1 >= len(s) || s[i+1] != '*' || charClass[s[i-1]] != cName {
		return 0
	}
	k := strings.Index(s[i+2:], "*/")
	if k < 0 || i+k+4 >= len(s) || charClass[s[i+k+4]] != cName {
		return 0
	}
	return k + 4
}

// union looks for UNION SELECT in text that is no SQL before it: what stands there may
// be anything, if the query is one that the grammar here does not know. Every UNION is a
// start, and a reading goes on for a few tokens; as tokens may be long, w counts the bytes.
func union(text string, w *work.Meter) value.Match {
	var best value.Match
	for i := 0; i+12 < len(text); {
		// Horspool's search for "union", ignoring case: the last letter decides how far to go on.
		c := text[i+4]
		if c|0x20 == 'n' && equalFold("union", text[i:i+5]) && (i == 0 || charClass[text[i-1]] != cName) && selectFollows(text, i+5) {
			m, end := read(text, i, context{late: true})
			best = best.Better(m)
			if best.Confidence >= blocked || !w.Spend(end-i) {
				break
			}
		}
		i += int(unionSkip[c])
	}
	return best
}

// selectFollows reports whether the word behind UNION can be one of SQL's.
func selectFollows(text string, i int) bool {
	if i < len(text) && nameByte[text[i]] {
		return false // unions
	}
	for i < len(text) && text[i] == ' ' {
		i++
	}
	if i < len(text) && nameByte[text[i]] && strings.IndexByte("sadvt", lowered[text[i]]) < 0 {
		return false
	}
	l := lexer{text: text, pos: i}
	switch k := l.next(); k {
	case tWord:
		return l.word == wSelect || l.word == wAll || l.word == wValues || l.word == wTable
	case tOpen, tOperator:
		return true
	}
	return false
}

var unionSkip = func() (t [256]uint8) {
	for c := range t {
		t[c] = 5
	}
	for i, c := range []byte("unio") {
		t[c], t[c-'a'+'A'] = uint8(4-i), uint8(4-i)
	}
	return t
}()

func (p *parser) match(c context, confidence float64, shape string) value.Match {
	start := c.at
	if c.quote == 0 && c.late {
		start = p.start
	}
	end := min(max(p.pos, start), len(p.text))
	return value.Match{Class: detect.ClassSQLi, Confidence: confidence, Start: min(start, end), End: end, Shape: shape}
}
