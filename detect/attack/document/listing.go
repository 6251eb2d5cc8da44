package document

import (
	"strings"

	"kongwaf/detect/attack/words"
)

// Listing reports whether a text is a program's source: several lines, most of which end or
// begin as lines of code do, and more than one of which begins with a word of a programming
// language. It says nothing about what the program does: ask InLiteral whether a position
// lies in what the program merely holds.
func Listing(text string) bool {
	lines, code, leads := count(text)
	return lines >= 4 && leads >= 2 && code*10 >= lines*7
}

// Code reports whether a text is code or configuration in some language, as a part of a file
// may be: several lines, half of which look like code.
func Code(text string) bool {
	lines, code, _ := count(text)
	return lines >= 3 && code*2 >= lines
}

// count counts the lines that are not empty, those that look like code, and those that begin
// with a word of a programming language.
func count(text string) (lines, code, leads int) {
	if len(text) > look {
		text = text[:look]
	}
	for text != "" {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		line = strings.Trim(line, " \t\r")
		if line == "" {
			continue
		}
		lines++
		first := 0
		for first < len(line) && isWordByte(line[first]) {
			first++
		}
		leading := line[0] >= 'a' && leadWords.Of(line[:first]) != 0 && first < len(line) && strings.IndexByte(" (:", line[first]) >= 0
		if leading {
			leads++
		}
		last := line[len(line)-1]
		listed := last == ',' || last == ':' // also in letters: Dear Maria,
		if leading || strings.IndexByte("{};)(", last) >= 0 || listed && (strings.IndexByte(line, ' ') < 0 || strings.ContainsAny(line, "\"'=(")) || line[0] == '#' || line[0] == '@' || line[0] == '}' ||
			strings.HasPrefix(line, "//") || line[0] == '*' || strings.Contains(line, " = ") || strings.Contains(line, " := ") {
			code++
		}
	}
	return lines, code, leads
}

// leadWords begin lines of code and few lines of prose.
var leadWords = words.New(words.Group{Kind: 1, Words: "func def class import package const var let return if elif else for while switch case public private protected static void int end fn impl pub use local function assert raise throw try except catch finally self async await export interface struct type"})

// InLiteral reports whether a position of a program's source lies in a string or a comment
// that begins on the same line.
func InLiteral(text string, at int) bool {
	if at > len(text) {
		return false
	}
	quote := byte(0)
	for i := strings.LastIndexByte(text[:at], '\n') + 1; i < at; i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '#' && (i == 0 || text[i-1] <= ' '), c == '/' && i+1 < len(text) && text[i+1] == '/' && (i == 0 || text[i-1] <= ' '):
			return true
		}
	}
	return quote != 0
}
