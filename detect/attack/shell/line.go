package shell

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// What stands on the line before a mark: whether somebody left a value there, or wrote a text
// or a script in which the mark is at home.

// lineOf returns the line up to the mark at i, and where it begins; a long one from its middle on.
func lineOf(text string, i int) (head string, start int) {
	start = max(0, i-200)
	if k := strings.LastIndexAny(text[start:i], "\n\r"); k >= 0 {
		start += k + 1
	}
	return text[start:i], start
}

// undressed returns a line without what texts, pages and programs put before a value: the
// marks of a list or a quote, a tag, a comment.
func undressed(head string) string {
	if k := strings.LastIndex(head, "*/"); k >= 0 {
		head = head[k+2:]
	}
	if k := strings.LastIndexByte(head, '>'); k > 0 && strings.IndexByte(head[:k], '<') >= 0 {
		head = head[k+1:]
	}
	head = strings.TrimLeft(head, " \t")
	for len(head) > 1 && strings.IndexByte("-*>", head[0]) >= 0 && (head[1] == ' ' || head[1] == '\t') {
		head = strings.TrimLeft(head[1:], " \t")
	}
	if len(head) == 1 && strings.IndexByte("-*>", head[0]) >= 0 {
		return ""
	}
	return head
}

// firm reports whether the operator at i leaves what stands before it on its line, so that it
// does not matter what the lines around are: nothing stands there, or a value, or a sentence
// that the operator cannot belong to. It is asked of operators before which m was seen.
func (s *lexer) firm(i int, m value.Match) bool {
	text := s.text
	line, start := lineOf(text, i)
	head := strings.TrimRight(undressed(line), " \t;|&\"'+)")
	if s.lineEnd <= i {
		s.lineEnd = len(text)
		if k := strings.IndexByte(text[i:], '\n'); k >= 0 {
			s.lineEnd = i + k
		}
	}
	rest := text[i:s.lineEnd]
	rest = strings.TrimRight(rest[:min(len(rest), 4096)], " \t\r")
	lonely := s.seen.plain && s.seen.fit < 2
	if s.fenced && i < s.codeEnd {
		// The line that a fence opens with, and no script.
		k := strings.LastIndexByte(text[:max(0, start-1)], '\n') + 1
		s.work.Spend(start - k)
		return strings.HasPrefix(text[k:], "```") && (head == "" || s.looseHead(head) && strings.IndexByte(head, '/') < 0)
	}
	switch {
	case head == "" && rest[0] == '|' && strings.IndexByte(rest[1:], '|') > 0 && (rest[len(rest)-1] == '|' && rest[1] != '|' || lonely):
		return false // the row of a table
	case head == "":
		return !continued(text[:start], lonely)
	case s.script(head):
		return false
	case !strings.ContainsAny(head, " \t") && s.looseHead(head):
		return start == 0 || !strings.HasPrefix(head, "./") // ./configure && make
	case strings.Contains(head, " -"), strings.ContainsAny(head, "=$(){}[]<>`\"|\\"), !sentence(head + " x"):
		return false
	}
	return s.seen.fit == 3 || s.seen.fit == 2 && !s.seen.plain && s.seen.loud ||
		s.foreign(i, line) && (s.seen.fit > 0 || m.Confidence >= blocks) && (!lonely || s.ends(m.End))
}

// foreign reports whether the operator at i, behind a head, is written as no sentence has it: a
// blank before a semicolon, or two marks.
func (s *lexer) foreign(i int, head string) bool {
	c := s.text[i]
	double := c != ';' && (i+1 < len(s.text) && s.text[i+1] == c || i > 0 && s.text[i-1] == c)
	return (c == ';' || double) && strings.TrimRight(head, " ") != head
}

// substituted reports whether the substitution at i stands alone on its line, or in a sentence
// of which it is no part.
func (s *lexer) substituted(i int, m *value.Match) bool {
	text := s.text
	line, _ := lineOf(text, i)
	head := undressed(line)
	end := m.End
	if k := strings.IndexByte(text[end:min(len(text), end+96)], ')'); k >= 0 && text[i] == '$' {
		end += k + 1
	}
	if text[i] == '`' {
		return line == "" && s.ends(end) && i > 0 && !strings.HasSuffix(strings.TrimRight(text[:i], "\r\n"), ":") // elsewhere it is how texts write code
	}
	if i > 0 && text[i-1] != ' ' && text[i-1] != '>' && head != "" {
		return false
	}
	return s.ends(end) && (head == "" || sentence(head) && !s.script(head) && !strings.ContainsAny(head, "=(\"'`"))
}

// continued reports whether the text before a line goes on in it: a script, or a program,
// which a lonely word behind an operator looks like.
func continued(text string, lonely bool) bool {
	text = strings.TrimRight(text, " \t\r\n")
	if text == "" {
		return false
	}
	c := text[len(text)-1]
	if c == '\\' || isOperator(c) || c == '{' || c == '(' || c == ',' {
		return true
	}
	line, _ := lineOf(text, len(text))
	return lonely && strings.ContainsAny(line, "(){}=;")
}

// script reports whether a line has a command already, as those of scripts, instructions and
// settings do.
func (s *lexer) script(head string) bool {
	head = strings.TrimLeft(head, " \t$#(")
	chained := strings.Contains(head, " && ")
	for first := true; head != ""; first = false {
		n := 0
		for n < len(head) && n < 24 && (wordish(head[n]) || head[n] == '.') {
			n++
		}
		if kind := commands.Of(head[:n]); kind != 0 && n < len(head) && (kind&plain == 0 || first && (chained || !sentence(head+" x"))) {
			return true
		}
		k := strings.IndexByte(head, ' ')
		if k < 0 {
			return false
		}
		head = head[k+1:]
	}
	return false
}

// ends reports whether nothing stands behind position i on its line but marks.
func (s *lexer) ends(i int) bool {
	for ; i < len(s.text) && s.text[i] != '\n' && s.text[i] != '\r'; i++ {
		if c := s.text[i]; isLetter(c) || isDigit(c) || c >= 0x80 {
			return false
		}
	}
	return true
}

// cited reports whether a match stands in quotes within a line of a text that goes on before
// them: a text about a command.
func cited(text string, m value.Match) bool {
	line, start := lineOf(text, m.Start)
	for k := len(line) - 1; k >= 0; k-- {
		c := line[k]
		if c != '"' && c != '\'' {
			continue
		}
		if k == 0 || line[k-1] != ' ' && line[k-1] != '(' || !sentence(text[start:start+k]) {
			return false
		}
		end := strings.IndexByte(text[m.Start:min(len(text), m.Start+200)], c)
		if end < 0 || strings.IndexByte(text[m.Start:m.Start+end], '\n') >= 0 {
			return false
		}
		end += m.Start + 1
		return end >= m.End && (end == len(text) || strings.IndexByte(" .,;:!?)\n", text[end]) >= 0)
	}
	return false
}

// introduces has the words by which a text leads to a piece of code: run `x`, the `x`.
var introduces = words.New(words.Group{Kind: 1, Words: `run runs running use uses using used type types typing try tries with the a an via of in see and or to is are was be command
	commands set call calls called calling like execute executes executing enter enters from by for on your our this that these then when if field
	column option flag parameter argument method function value property file named name variable key alias add adds added remove
	removes replace replaced replaces as into than not no it its install installs build builds start starts launch invoke invokes
	write writes writing program tool utility script binary module package class attribute element tag header keyword operator syntax
	e.g i.e eg ie also both either instead between only just new old every each any all my what which how where via per does do did has have can
	must should will would may print prints output outputs return returns show shows display support supports default expects accepts`})
