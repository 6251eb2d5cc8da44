package shell

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// context is what brought the shell to look for a command.
type context uint8

const (
	atStart   context = iota // the value itself is the command
	afterMark                // an operator ended the word before
	inSubst                  // $( ), backticks, <( )
	inBraces                 // {cat,/etc/passwd}
	afterText                // the two characters \n, for what may decode them
)

// start judges the value as a command of its own: `cat /etc/passwd`, `cmd=ls -la`,
// `() { :;}; id`, and a quote break-out without an operator.
func (s *lexer) start() value.Match {
	text := s.text
	i := s.blanks(0)
	if i+2 < len(text) && text[i] == '-' {
		return injectedOption(text, i)
	}
	if i < len(text) && text[i] == 'e' {
		if m := helper(text[i:]); m.Confidence > 0 {
			return m
		}
	}
	if len(text) > 5 && text[:3] == "PS " && text[4] == ':' {
		return value.Match{} // a prompt of PowerShell: what follows was pasted
	}
	quote := false
	if i < len(text) && (text[i] == '"' || text[i] == '\'') {
		quote = true
		i = s.blanks(i + 1)
	}
	if i >= len(text) {
		return value.Match{}
	}
	switch c := text[i]; {
	case c == '(':
		if m := shellshock(text, i); m.Confidence > 0 {
			return m
		}
		return s.command(s.blanks(i+1), afterMark, i)
	case c == '{' && i+1 < len(text) && text[i+1] == ' ', c == '!' && i+1 < len(text) && text[i+1] == ' ':
		return s.command(s.blanks(i+1), afterMark, i)
	case c == '/' || c == '.' || c == '$' || c == '\\' || c == '%':
	case !isLetter(c):
		return value.Match{}
	}
	m := s.command(i, atStart, i)
	if quote && m.Confidence < barely {
		m.Confidence *= 0.8
	}
	return m
}

const definition = "function definition in a variable"

// shellshock recognises a function definition in a variable: () { :; }; command.
func shellshock(text string, i int) value.Match {
	if !strings.HasPrefix(text[i:], "()") {
		return value.Match{}
	}
	j := i + 2
	for j < len(text) && j < i+8 && text[j] == ' ' {
		j++
	}
	if j >= len(text) || text[j] != '{' {
		return value.Match{}
	}
	return found(certain, i, min(len(text), j+24), definition)
}

// jump has the bytes at which a command may begin.
var jump = words.BytesOf(";|&\n\r`$<>\\{")

// onlyBreak returns the one byte of jump that a text with these traits holds, as in lists
// and forms, 0 if there may be several.
func onlyBreak(t value.Traits) byte {
	switch t & breaks {
	case value.Semicolon:
		return ';'
	case value.Pipe:
		return '|'
	case value.Ampersand:
		return '&'
	case value.Backslash:
		return '\\'
	case value.BraceOpen:
		return '{'
	}
	return 0
}

// nextBreak returns where from i on the next byte of jump stands, len(text) if there is none.
func nextBreak(text string, i int, only byte) int {
	if only == 0 {
		return jump.Next(text, i)
	}
	if k := strings.IndexByte(text[i:], only); k >= 0 {
		return i + k
	}
	return len(text)
}

// walk looks for commands after every operator.
func (s *lexer) walk(best value.Match) value.Match {
	text := s.text
	only := onlyBreak(s.traits)
	for i := 0; ; i++ {
		if i = nextBreak(text, i, only); i == len(text) {
			break
		}
		next := i
		var m value.Match
		c := text[i]
		switch c {
		case ';', '|', '&', '\n', '\r':
			if c == ';' && s.traits.Any(value.Ampersand) && reference(text[:i]) {
				continue
			}
			if i+1 < len(text) && nameByte[text[i+1]] && (!isLetter(text[i+1]) || s.harmless(i+1)) {
				continue // what nearly every break in a list or form is followed by
			}
			if c == '\n' || c == '\r' {
				if k := s.blanks(i + 1); k < len(text) && (isOperator(text[k]) || text[k] == '\n' || text[k] == '\r') {
					i = k - 1 // the next mark is the one that counts
					continue
				}
			}
			j := s.skipMarks(i + 1)
			m = s.command(j, afterMark, i)
			next = max(i, j-1)
			if m.Confidence >= telling && c != '\n' && c != '\r' && j < len(text) && isOperator(text[j-1]) {
				// "help;id": a sentence has a blank behind its semicolon, so what stands before
				// does not count as one.
				m.Confidence = max(m.Confidence, enough)
			}
		case '`':
			if i+1 < len(text) && text[i+1] == '`' {
				i = s.fence(i) - 1
				continue
			}
			if i >= s.codeEnd {
				s.inlineCode(i)
			}
			m = s.command(s.blanks(i+1), inSubst, i)
		case '$':
			if i+1 < len(text) && text[i+1] == '(' && !strings.HasPrefix(text[i:], "$((") {
				m = s.command(s.blanks(i+2), inSubst, i)
				m = m.Better(s.named(i, i+2))
			}
		case '<', '>':
			if i+1 < len(text) && text[i+1] == '(' {
				m = s.command(s.blanks(i+2), inSubst, i)
			} else if d := s.devTCP(i + 1); d > 0 {
				m = found(certain, i, d, "redirection to the network")
				s.seen.fit = 3
			}
		case '{':
			if i+1 < len(text) && isLetter(text[i+1]) {
				m = s.command(i+1, inBraces, i)
			} else if i > 0 && text[i-1] == ')' && i+1 < len(text) && text[i+1] == ' ' {
				m = s.command(s.blanks(i+1), afterMark, i) // f(){ ls; }
			}
		case '\\':
			if i+1 < len(text) && (text[i+1] == 'n' || text[i+1] == 'r') {
				m = s.command(s.skipMarks(i+2), afterText, i)
			}
		}
		firmly := m.Confidence > faint && s.work.Spend(aroundCost) && s.surroundings(i, next, &m)
		i = next
		if m.Confidence == 0 {
			continue
		}
		if firmly && m.Confidence >= blocks {
			s.firmest = s.firmest.Better(m)
		}
		if best = best.Better(m); s.firmest.Confidence >= enough {
			break
		}
	}
	return best
}

// surroundings adjusts the confidence of a match behind the mark at i by what stands around
// it, and reports whether the match is firm: nothing around the line matters to it.
func (s *lexer) surroundings(i, next int, m *value.Match) bool {
	text := s.text
	switch c := text[i]; {
	case (isOperator(c) || c == '{' && s.traits.Any(value.ParenOpen)) && (i >= s.codeEnd || s.fenced) && !cited(text, *m) && s.firm(i, *m):
		m.Confidence = max(m.Confidence, blocks)
		return true
	case (c == '$' || c == '`') && (i >= s.codeEnd || s.fenced) && s.substituted(i, m):
		return true
	case i < s.codeEnd, isOperator(c) && cited(text, *m):
		m.Confidence = faint
	case m.Confidence < enough && (c == '\n' || c == '\r' || isOperator(c) && next+1 < len(text) && text[next] == ' ') && sentence(text[:i]):
		m.Confidence *= 0.75
	case (c == '\n' || c == '\r') && (sentence(text[:i]) || comment(text[:i])):
		m.Confidence = faint
	}
	return false
}

// named judges a substitution at i whose output is the name of the command: ;$(echo id).
func (s *lexer) named(i, inner int) value.Match {
	k := i
	for k > 0 && s.text[k-1] == ' ' {
		k--
	}
	if k == 0 || !isOperator(s.text[k-1]) && !strings.HasSuffix(s.text[:k], "eval") || k > 1 && s.text[k-1] == '&' && s.text[k-2] != '&' && k > 2 {
		return value.Match{}
	}
	if kind := commands.Of(s.wordAt(inner)); kind&(takesWords|takesPath|takesCode|takesSum) == 0 {
		return value.Match{}
	}
	s.seen.fit, s.seen.loud, s.seen.plain = 2, true, false
	return found(likely, i, min(len(s.text), inner+16), "command made by a substitution")
}

// reference reports whether a text ends in one of the character references that every HTML
// editor writes, without its semicolon: &amp.
func reference(head string) bool {
	k := strings.LastIndexByte(head[max(0, len(head)-7):], '&')
	if k < 0 {
		return false
	}
	switch name := head[max(0, len(head)-7)+k+1:]; name {
	case "amp", "lt", "gt", "quot", "apos", "nbsp":
		return true
	default:
		return len(name) > 1 && name[0] == '#'
	}
}

// isOperator reports whether c is a mark that ends a command.
func isOperator(c byte) bool { return c == ';' || c == '|' || c == '&' }

// devTCP reports where bash's pseudo file /dev/tcp/host/port ends that a redirection at i leads to, 0 if it does not.
func (s *lexer) devTCP(i int) int {
	text := s.text
	for i < len(text) && (text[i] == '&' || text[i] == ' ' || isDigit(text[i]) || text[i] == '<' || text[i] == '>') {
		if text[i] == '<' || text[i] == '>' {
			return 0 // the walk comes here by itself
		}
		i++
	}
	if t := text[i:]; strings.HasPrefix(t, "/dev/tcp/") || strings.HasPrefix(t, "/dev/udp/") {
		return i + len("/dev/tcp/")
	}
	return 0
}

// blanks returns the first position from i on that holds no blank.
func (s *lexer) blanks(i int) int {
	for i < len(s.text) && (s.text[i] == ' ' || s.text[i] == '\t' || s.text[i] == '+' && s.plus) {
		i++
	}
	return i
}

// skipMarks skips blanks, operators and opening brackets.
func (s *lexer) skipMarks(i int) int {
	for i < len(s.text) {
		switch c := s.text[i]; {
		case c == ' ' || c == '\t' || c == ';' || c == '|' || c == '&' || c == '\n' || c == '\r' || c == '(' || c == '!':
		case c == '{' && i+1 < len(s.text) && s.text[i+1] == ' ':
		case c == '+' && i+1 < len(s.text) && (s.plus || isLetter(s.text[i+1]) || s.text[i+1] == '|' || s.text[i+1] == '&'):
		default:
			return i
		}
		i++
	}
	return i
}

// What a candidate costs, as bytes read: a first look at one, a close look at one that may be a
// command, and a look around one that is. None goes farther than a few hundred bytes.
const (
	commandCost = 32
	lookCost    = 64
	aroundCost  = 96
)

// command judges the simple command that begins at i, which mark brought us to.
func (s *lexer) command(i int, ctx context, mark int) value.Match {
	text := s.text
	if i >= len(text) {
		return value.Match{}
	}
	switch c := text[i]; {
	case c == '.' && ctx == afterMark && i+2 < len(text) && text[i+1] == ' ' && strings.IndexByte("/~.$", text[i+2]) >= 0:
		return found(atPlace, mark, min(len(text), i+16), "script that is read in")
	case isLetter(c) || c == '/' || c == '$' || c == '\\' || c == '.' || c == '"' || c == '\'' || c == '!' || c == '[' || c == '?' || c == '*':
	case c == '%' && ctx != afterText:
		return comspec(text, i, mark)
	default:
		return value.Match{}
	}
	if ctx == afterText && !isLetter(text[i]) && text[i] != '/' {
		return value.Match{}
	}
	if text[i] == '/' && !s.traits.Any(splicing) && !strings.Contains(text[i:min(len(text), i+32)], "bin/") {
		return value.Match{}
	}
	if s.harmless(i) {
		return value.Match{}
	}
	if !s.work.Spend(commandCost) {
		return value.Match{}
	}
	if s.ordinary(i) || !s.work.Spend(lookCost) {
		return value.Match{}
	}
	return s.lookAt(i, ctx, mark)
}

// lookAt judges the simple command that begins at i word by word.
func (s *lexer) lookAt(i int, ctx context, mark int) value.Match {
	text := s.text
	s.seen.fit, s.seen.plain, s.seen.loud = 0, false, false
	var w word
	s.lexWord(i, &w)
	// Assignments and keywords stand before a command; a few are enough.
	for round := 0; round < 3; round++ {
		k := commands.OfBytes(w.name())
		skip := k&keyword != 0 && ctx != atStart
		if w.assign && !w.long && w.n > 2 && !isDigit(w.buf[0]) && !w.dir {
			skip = true
		}
		if !skip {
			break
		}
		if w.assign && mark+1 == i && text[mark] == '&' && (mark == 0 || text[mark-1] != '&') {
			return value.Match{} // &name=value of a form
		}
		if w.assign {
			// cmd=cat /etc/passwd: what follows the sign may be the command itself, unless it is
			// one of several fields of a log line.
			if ctx == atStart && round > 0 {
				return value.Match{}
			}
			if eq := strings.IndexByte(text[w.start:w.end], '='); eq > 0 {
				var inner word
				s.lexWord(w.start+eq+1, &inner)
				if k := commands.OfBytes(inner.name()); k != 0 && k&(plain|alone) != plain|alone {
					w = inner
					break
				}
			}
		}
		next := s.blanks(w.end)
		if next == w.end || next >= len(text) {
			return value.Match{}
		}
		s.lexWord(next, &w)
	}
	if w.long || w.n == 0 && !w.dynamic {
		return value.Match{}
	}
	kind := commands.OfBytes(w.name())
	if kind == 0 && !w.glob && !w.dynamic && !w.bin && !hyphened(w.name()) {
		return value.Match{}
	}
	if w.n == 0 && ctx == afterMark && strings.HasPrefix(text[w.end:], " -c ") {
		return found(likely, mark, w.end+3, "shell in a variable")
	}
	if w.n == 0 && w.dynamic && strings.HasPrefix(text[w.end:], "<<<") && w.end+3 < len(text) {
		return found(clear, mark, w.end+3, "shell in a variable")
	}
	if w.n == 0 && (ctx != afterMark || !s.assigned(&w)) {
		return value.Match{}
	}
	a := s.arguments(&w, kind)
	return s.weigh(&w, &a, ctx, mark)
}
