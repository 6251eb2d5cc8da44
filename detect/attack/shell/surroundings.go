package shell

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// What stands around a candidate: Markdown, sentences, comments, words that are no command.

// fence skips a run of backticks. Three and more are Markdown's fence: what follows is
// the content of a text.
func (s *lexer) fence(i int) int {
	start := i
	for i < len(s.text) && s.text[i] == '`' {
		i++
	}
	switch {
	case i-start < 3:
	case s.fenced && start < s.codeEnd:
		s.codeEnd, s.fenced = i, false
	default:
		s.codeEnd, s.fenced = len(s.text), true
	}
	return i
}

// comment reports whether the line before is a comment: what follows is a script.
func comment(head string) bool {
	head = strings.TrimRight(head, " \t\r\n")
	if k := strings.LastIndexByte(head[max(0, len(head)-200):], '\n'); k >= 0 {
		head = head[max(0, len(head)-200)+k+1:]
	}
	return strings.HasPrefix(strings.TrimLeft(head, " \t"), "#") || strings.HasPrefix(head, "//")
}

// sentence reports whether the text before a line break has three words or more: a line
// of a text rather than a value that somebody broke out of.
func sentence(head string) bool {
	if len(head) > 200 {
		head = head[len(head)-200:]
	}
	count, run := 0, 0
	for i := 0; i < len(head); i++ {
		if isLetter(head[i]) {
			run++
			continue
		}
		if run >= 2 && head[i] == ' ' {
			count++
		}
		run = 0
	}
	return count >= 2
}

// inlineCode notes that the backtick at i opens a piece of Markdown code in running text:
// words that lead to it before it (or a sentence and any mark), words or a comma after it,
// brackets around it, the cell of a table or the line of a quote.
func (s *lexer) inlineCode(i int) {
	text := s.text
	k := strings.IndexByte(text[i+1:], '`')
	if k < 0 {
		s.codeEnd = 0
		return
	}
	k += i + 1
	rest := text[k+1:]
	after := len(rest) > 1 && (rest[0] == ' ' && (isLetter(rest[1]) || rest[1] == '|') || (rest[0] == ',' || rest[0] == ':' || rest[0] == '.') && (rest[1] == ' ' || rest[1] == '\n'))
	if after || s.leadsTo(i, rest) {
		s.codeEnd, s.fenced = k, false
	}
}

// leadsTo reports whether what stands before the backtick at i leads to a piece of code that
// the rest follows.
func (s *lexer) leadsTo(i int, rest string) bool {
	text := s.text
	if i > 0 && text[i-1] == '(' && strings.HasPrefix(rest, ")") {
		return i < 2 || text[i-2] != '$'
	}
	if i > 0 && rest != "" && (text[i-1] == '*' || text[i-1] == '_') && rest[0] == text[i-1] {
		return true // emphasis
	}
	if i < 2 || text[i-1] != ' ' && text[i-1] != '\n' && (text[i-1] != '(' || text[i-2] != ' ') {
		return false
	}
	switch c := text[i-2]; {
	case text[i-1] == '(', strings.IndexByte(".,:!?*-", c) >= 0:
		return true
	case c == '>':
		return i == 2 || text[i-3] == '\n'
	case c == '|':
		return strings.HasPrefix(rest, " |")
	case wordish(c):
		n := i - 1
		for n > 0 && n > i-20 && wordish(text[n-1]) {
			n--
		}
		return introduces.Of(text[n:i-1]) != 0 || strings.TrimLeft(rest, ".!? \n") != "" && sentence(text[:i])
	}
	return text[i-1] == ' ' && sentence(text[:i])
}

// splicing are the classes by which a path can lead to a command without naming its directory.
const splicing = value.Question | value.Star | value.BracketOpen | value.Quote | value.DoubleQuote | value.Backslash | value.Dollar | value.Backtick

// harmless reports, in one look, that an ordinary word stands at i which is no command:
// nothing spliced, no path, no assignment. It is what nearly every candidate ends in.
func (s *lexer) harmless(i int) bool {
	text := s.text
	n, head := 0, text[i:min(len(text), i+24)]
	for n < len(head) && nameByte[head[n]] {
		n++
	}
	if n == 0 {
		return false
	}
	j := i + n
	if j < len(text) {
		switch c := text[j]; c {
		case ' ', '\t', '\n', '\r', ';', '|', '&', ')', '(', '.', ':', '!', '#', '%', '~', '@', '}':
			if c == '.' && j-i > 2 && j+3 < len(text) && isLetter(text[j+1]) && isLetter(text[j+2]) && isLetter(text[j+3]) {
				return commands.Of(text[i:j]) == 0 && commands.Of(text[i:j+4]) == 0 && text[j+1]|0x20 != 'e' && text[j+1]|0x20 != 'c' && text[j+1]|0x20 != 'b'
			}
		case '=':
			// NAME=value alone runs nothing; what follows after a blank may.
			rest := text[j:min(len(text), i+256)]
			for k := 1; k < len(rest); k++ {
				if !valueEnds[rest[k]] {
					continue
				}
				switch rest[k] {
				case ';', '&', '|', '\n', '\r', ',':
					return true
				case ' ':
					// X=1 cmd: an assignment before a command, or blanks in a value.
					return s.harmless(j+k+1) && commands.Of(s.wordAt(j+1)) == 0
				case '\t', '$', '`', '\'', '"', '\\', '{':
					return false
				case '+':
					if s.plus {
						return false
					}
				}
			}
			return j+len(rest) == len(text)
		default:
			return n == 24
		}
	}
	kind := commands.Of(text[i:j])
	if kind == 0 {
		return true
	}
	if kind&(takesVerb|takesCommand|keyword|compound) != 0 || j >= len(text) || text[j] != ' ' || kind&(plain|takesPath) != plain && i < 9 && i > 0 && isOperator(text[0]) {
		return false
	}
	// A known command and nothing but plain words after it: no arguments that fit.
	args := 0
	for ; j < len(text) && j < i+160; j++ {
		switch c := text[j]; {
		case c == ' ' && j+1 < len(text) && text[j+1] != ' ':
			args++
		case isLetter(c) || c == ' ':
		case c == ';' || c == '|' || c == '&' || c == '\n' || c == '\r':
			return args > 0 && text[j-1] != ' '
		default:
			return false
		}
	}
	return args > 0 && text[j-1] != ' '
}

// valueEnds has the bytes that end the value of an assignment or make it more than a word.
var valueEnds = tableOf(";&|\n\r, \t$`'\"\\{+")

// nameByte has the bytes of which plain words consist.
var nameByte = tableOf("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")

func tableOf(bytes string) (t [256]bool) {
	for i := range len(bytes) {
		t[bytes[i]] = true
	}
	return t
}

// ordinary reports, without taking the word at i apart, that the shell would find no command
// there that anything is known of: nothing is spliced, assigned or left to the shell, and
// neither the name nor the directory means something. It knows what lookAt would see.
func (s *lexer) ordinary(i int) bool {
	text := s.text
	name, hyphen, end := i, 0, min(len(text), i+64)
	j := i
	for ; j < end; j++ {
		c := text[j]
		if !splices[c] {
			continue
		}
		switch {
		case c == '/':
			if binDirs.Of(text[name:j]) != 0 {
				return false
			}
			name, hyphen = j+1, 0
			continue
		case c == '-':
			if hyphen == 0 {
				hyphen = j
			}
			continue
		case c == '+' && !s.plus:
			continue
		case c == ',' || c == '}' || c == '+' || ends[c]:
		default:
			return false
		}
		break
	}
	if j == i+64 && j < len(text) && splices[text[j]] {
		return false // as long as a name can be, and something follows
	}
	e := text[name:j]
	if hyphen > name && powershell.Of(text[name:hyphen]) != 0 || commands.Of(e) != 0 {
		return false
	}
	return len(e) <= 4 || e[len(e)-4] != '.' || commands.Of(e[:len(e)-4]) == 0
}

// splices has the bytes that mean something to ordinary.
var splices = func() (t [256]bool) {
	t = tableOf("/-+,}=\"'`\\^$?*[]")
	for c := range t {
		t[c] = t[c] || ends[c]
	}
	return t
}()

// wordAt returns the plain word that begins at i.
func (s *lexer) wordAt(i int) string {
	j := i
	for j < len(s.text) && j < i+24 && (isLetter(s.text[j]) || isDigit(s.text[j])) {
		j++
	}
	return s.text[i:j]
}
