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
	case c == '/' || c == '.' || c == '$' || c == '\\':
	case !isLetter(c):
		return value.Match{}
	}
	m := s.command(i, atStart, i)
	if quote && m.Confidence < 0.7 {
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
	return found(0.96, i, min(len(text), j+24), definition)
}

// jump has the bytes at which a command may begin.
var jump = func() (t [256]bool) {
	for _, c := range ";|&\n\r`$<>\\{" {
		t[c] = true
	}
	return t
}()

// walk looks for commands after every operator.
func (s *lexer) walk(best value.Match) value.Match {
	text := s.text
	for i := 0; i < len(text); i++ {
		if !jump[text[i]] {
			continue
		}
		next := i
		var m value.Match
		c := text[i]
		switch c {
		case ';', '|', '&', '\n', '\r':
			j := s.skipMarks(i + 1)
			m = s.command(j, afterMark, i)
			next = max(i, j-1)
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
			}
		case '<', '>':
			if i+1 < len(text) && text[i+1] == '(' {
				m = s.command(s.blanks(i+2), inSubst, i)
			} else if d := s.devTCP(i + 1); d > 0 {
				m = found(0.96, i, d, "redirection to the network")
			}
		case '{':
			if i+1 < len(text) && isLetter(text[i+1]) {
				m = s.command(i+1, inBraces, i)
			}
		case '\\':
			if i+1 < len(text) && (text[i+1] == 'n' || text[i+1] == 'r') {
				m = s.command(s.skipMarks(i+2), afterText, i)
			}
		}
		if i < s.codeEnd && m.Confidence > 0.5 {
			m.Confidence = 0.5
		}
		if m.Confidence > 0.5 && m.Confidence < enough && (c == '\n' || c == '\r' || (c == ';' || c == '|' || c == '&') && next+1 < len(text) && text[next] == ' ') && sentence(text[:i]) {
			m.Confidence *= 0.75
		} else if m.Confidence > 0.5 && (c == '\n' || c == '\r') && (sentence(text[:i]) || comment(text[:i])) {
			m.Confidence = 0.5
		}
		i = next
		if m.Confidence == 0 {
			continue
		}
		if m.Confidence >= 0.7 {
			s.hits++
		}
		if m.Confidence > best.Confidence {
			best = m
		}
		if best.Confidence >= enough || s.hits == 8 {
			break
		}
	}
	return best
}

// fence skips a run of backticks. Three and more are Markdown's fence: what follows is
// the content of a text.
func (s *lexer) fence(i int) int {
	start := i
	for i < len(s.text) && s.text[i] == '`' {
		i++
	}
	if i-start >= 3 {
		s.codeEnd = len(s.text)
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
	words, run := 0, 0
	for i := 0; i < len(head); i++ {
		if isLetter(head[i]) {
			run++
			continue
		}
		if run >= 2 && head[i] == ' ' {
			words++
		}
		run = 0
	}
	return words >= 2
}

// inlineCode notes that the backtick at i opens a piece of Markdown code in running text:
// words before it, or words after it.
func (s *lexer) inlineCode(i int) {
	text := s.text
	k := strings.IndexByte(text[i+1:], '`')
	if k < 0 {
		s.codeEnd = 0
		return
	}
	k += i + 1
	before := i >= 2 && (text[i-1] == ' ' || text[i-1] == '\n' || text[i-1] == '(' && text[i-2] == ' ') && (wordish(text[i-2]) || strings.IndexByte(".,:!?*-", text[i-2]) >= 0)
	after := k+2 < len(text) && text[k+1] == ' ' && isLetter(text[k+2])
	if before || after {
		s.codeEnd = k
	}
}

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
		case c == '+' && s.plus:
		default:
			return i
		}
		i++
	}
	return i
}

// command judges the simple command that begins at i, which mark brought us to.
func (s *lexer) command(i int, ctx context, mark int) value.Match {
	text := s.text
	if i >= len(text) {
		return value.Match{}
	}
	switch c := text[i]; {
	case isLetter(c) || c == '/' || c == '$' || c == '\\' || c == '.' || c == '"' || c == '\'' || c == '!' || c == '[' || c == '?' || c == '*':
	default:
		return value.Match{}
	}
	if ctx == afterText && !isLetter(text[i]) && text[i] != '/' {
		return value.Match{}
	}
	if text[i] == '/' && !s.traits.Any(splicing) && !strings.Contains(text[i:min(len(text), i+72)], "bin/") {
		return value.Match{}
	}
	if s.harmless(i) {
		return value.Match{}
	}
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
		if w.assign {
			// cmd=cat /etc/passwd: what follows the sign may be the command itself.
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
	if w.n == 0 && (ctx != afterMark || !s.assigned(&w)) {
		return value.Match{}
	}
	a := s.arguments(&w, kind)
	return s.weigh(&w, &a, ctx, mark)
}

// splicing are the classes by which a path can lead to a command without naming its directory.
const splicing = value.Question | value.Star | value.BracketOpen | value.Quote | value.DoubleQuote | value.Backslash | value.Dollar | value.Backtick

// harmless reports, in one look, that an ordinary word stands at i which is no command:
// nothing spliced, no path, no assignment. It is what nearly every candidate ends in.
func (s *lexer) harmless(i int) bool {
	text := s.text
	j := i
	for j < len(text) && j < i+24 && (isLetter(text[j]) || isDigit(text[j]) || text[j] == '_') {
		j++
	}
	if j == i {
		return false
	}
	if j < len(text) {
		switch c := text[j]; c {
		case ' ', '\t', '\n', '\r', ';', '|', '&', ')', '(', '.', ':', '!', '#', '%', '~', '@', '}':
			if c == '.' && j-i > 2 && j+3 < len(text) && isLetter(text[j+1]) && isLetter(text[j+2]) && isLetter(text[j+3]) {
				return commands.Of(text[i:j]) == 0 && commands.Of(text[i:j+4]) == 0 && text[j+1]|0x20 != 'e' && text[j+1]|0x20 != 'c' && text[j+1]|0x20 != 'b'
			}
		case '=':
			// NAME=value alone runs nothing; what follows after a blank may.
			for j++; j < len(text) && j < i+256; j++ {
				switch text[j] {
				case ';', '&', '|', '\n', '\r', ',':
					return true
				case ' ', '\t', '$', '`', '\'', '"', '\\', '{':
					return text[j] == ' ' && j+1 < len(text) && (text[j+1] == ';' || text[j+1] == '&')
				case '+':
					if s.plus {
						return false
					}
				}
			}
			return j == len(text)
		default:
			return j-i == 24
		}
	}
	return commands.Of(text[i:j]) == 0
}

// hyphened reports whether a name has the form of PowerShell's commands.
func hyphened(name []byte) bool {
	for i := 1; i+1 < len(name); i++ {
		if name[i] == '-' {
			return true
		}
	}
	return false
}

// unknown judges a name that is not in the table: a path with wildcards, a PowerShell
// command, a name made by an expansion.
func (s *lexer) unknown(w *word, a *args) (kind uint32, ok bool) {
	switch {
	case w.glob && w.dir && (w.bin && !w.quoted || globs(s.text[w.start:w.end]) >= 2 && startsLikeBin(s.text[w.start:w.end])):
		w.bin = true
		return takesPath | takesCode | alone, true
	}
	name := w.name()
	for i := 1; i+2 < len(name); i++ {
		if name[i] == '-' {
			if !w.dir && powershell.OfBytes(name[:i]) != 0 && isLetter(name[i+1]) && 'A' <= name[i+1] && name[i+1] <= 'Z' {
				return takesCode, true
			}
			break
		}
	}
	return 0, false
}

// assigned reports whether a variable of the dynamic word w was set just before, in the
// value itself: a=c;b=at;$a$b. Only the first few words of a value are looked at.
func (s *lexer) assigned(w *word) bool {
	if s.tried >= 4 {
		return false
	}
	s.tried++
	t := s.text[w.start:w.end]
	k := strings.IndexByte(t, '$')
	if k < 0 || k+1 >= len(t) {
		return false
	}
	name := strings.TrimLeft(t[k+1:], "{")
	n := 0
	for n < len(name) && (isLetter(name[n]) || name[n] == '_') {
		n++
	}
	if n == 0 {
		return false
	}
	before := s.text[max(0, w.start-256):w.start]
	for i := 0; ; {
		k := strings.Index(before[i:], name[:n])
		if k < 0 {
			return false
		}
		i += k + n
		if i < len(before) && before[i] == '=' && (i == n || !wordish(before[i-n-1]) && before[i-n-1] != '.' && before[i-n-1] != '$') {
			return true
		}
	}
}

// globs counts the wildcards of a path.
func globs(path string) int {
	n := 0
	for i := 0; i < len(path); i++ {
		if path[i] == '?' || path[i] == '*' || path[i] == '[' {
			n++
		}
	}
	return n
}

// startsLikeBin reports whether a wildcard path can lead to /bin, /usr/bin or /sbin.
func startsLikeBin(path string) bool {
	if !strings.HasPrefix(path, "/") {
		return false
	}
	end := strings.IndexByte(path[1:], '/')
	if end < 1 || end > 6 {
		return false
	}
	dir := path[1 : 1+end]
	for _, bin := range [...]string{"bin", "usr", "sbin", "etc", "opt"} {
		if globMatch(dir, bin) {
			return true
		}
	}
	return false
}

// globMatch reports whether the pattern of ?, * and letters can mean name. Sets count as ?.
func globMatch(pattern, name string) bool {
	p, n := 0, 0
	for p < len(pattern) {
		switch c := pattern[p]; {
		case c == '*':
			return true
		case n >= len(name):
			return false
		case c == '[':
			k := strings.IndexByte(pattern[p:], ']')
			if k < 0 {
				return false
			}
			p += k
		case c != '?' && c != name[n]:
			return false
		}
		p++
		n++
	}
	return n == len(name)
}

// verb reports whether the word at i is a known sub-command.
func (s *lexer) verb(i int) bool {
	j := i
	for j < len(s.text) && j < i+20 && (wordish(s.text[j])) {
		j++
	}
	return j > i && verbs.Of(s.text[i:j]) != 0
}

// option reports whether a dash option begins at i: -x, --long.
func (s *lexer) option(i int) bool {
	t := s.text
	if t[i] != '-' || i+1 >= len(t) {
		return false
	}
	if t[i+1] == '-' {
		return i+2 < len(t) && isLetter(t[i+2])
	}
	return isLetter(t[i+1]) || isDigit(t[i+1])
}

// sensitive reports whether the path that begins at i leads into the system.
func (s *lexer) sensitive(i int) bool {
	t := s.text[i:min(len(s.text), i+48)]
	if t == "" {
		return false
	}
	switch t[0] {
	case '/', '~', '%', '.', '$', 'c', 'C', 'd', 'D':
	default:
		return false
	}
	for _, p := range [...]string{"/etc/", "/proc/", "/var/", "/root", "/home/", "/bin/", "/usr/", "/tmp/", "/dev/", "~/.", "c:", "d:", "%systemroot%", "%windir%", "%comspec%", "../../", "$home"} {
		if words.HasPrefix(t, p) {
			return true
		}
	}
	return false
}
