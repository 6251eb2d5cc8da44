package shell

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Compound commands, of POSIX shells and of cmd.exe.

// compound recognises a compound command: for .. do .. done, if .. then .. fi, case .. esac.
func (s *lexer) compound(w *word, ctx context) value.Match {
	text := s.text[w.start:min(len(s.text), w.start+256)]
	name := w.name()
	if s.batch(text) {
		return found(clear, w.start, w.start+len(text), "compound command of cmd.exe")
	}
	has := func(word string) bool {
		i := words.Index(text, word)
		return i > 0 && !wordish(text[i-1]) && (i+len(word) == len(text) || !wordish(text[i+len(word)]))
	}
	marked := strings.IndexByte(text, ';') > 0 || strings.IndexByte(text, '\n') > 0
	ok := false
	switch {
	case !marked:
	case words.HasPrefix(string(name), "if"):
		ok = behindMark(text, "then") && behindMark(text, "fi")
	case words.HasPrefix(string(name), "case"):
		ok = has("in") && has("esac")
	case words.HasPrefix(string(name), "function"):
		ok = strings.Contains(text, "()") && has("echo") || ctx == afterMark && strings.Contains(text, " { ") && strings.IndexByte(text, '}') > 0
	case ctx != atStart:
		ok = behindMark(text, "do") && behindMark(text, "done")
	default:
		ok = has("do") && has("done") || strings.Contains(text, "; {") && has("echo")
	}
	if !ok {
		return value.Match{}
	}
	s.seen.fit, s.seen.loud = 2, true
	if ctx == atStart && strings.IndexByte(text, '\n') >= 0 {
		return found(faint, w.start, w.start+len(text), "compound command") // lines of a script
	}
	return found(atPlace, w.start, w.start+len(text), "compound command")
}

// behindMark reports whether a word stands behind a semicolon or a line break, where the shell
// looks for it.
func behindMark(text, word string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != ';' && text[i] != '\n' {
			continue
		}
		if t := strings.TrimLeft(text[i+1:], " \t\r\n"); strings.HasPrefix(t, word) && (len(t) == len(word) || !wordish(t[len(word)])) {
			return true
		}
	}
	return false
}

// batch reports whether a text begins with FOR or IF as cmd.exe has them:
// for /f %i in ('whoami') do echo %i, if exist x.txt del x.txt.
func (s *lexer) batch(text string) bool {
	if words.HasPrefix(text, "for ") {
		i := strings.IndexByte(text, '%')
		return i > 0 && i+1 < len(text) && (isLetter(text[i+1]) || text[i+1] == '%') && words.Index(text[i:], " in (") > 0 && words.Index(text[i:], ") do") > 0
	}
	if !words.HasPrefix(text, "if ") {
		return false
	}
	rest := strings.TrimLeft(text[3:], " ")
	for _, word := range [...]string{"/i ", "not "} {
		if words.HasPrefix(rest, word) {
			rest = rest[len(word):]
		}
	}
	test, rest, _ := strings.Cut(rest, " ")
	switch {
	case words.HasPrefix(test, "exist") || words.HasPrefix(test, "defined") || words.HasPrefix(test, "errorlevel"):
		_, rest, _ = strings.Cut(rest, " ")
	case !strings.Contains(test, "=="):
		return false
	}
	rest = strings.TrimLeft(rest, " (@")
	n := 0
	for n < len(rest) && (wordish(rest[n]) || rest[n] == '.') {
		n++
	}
	return n > 0 && commands.Of(rest[:n])&^compound != 0 && (n == len(rest) || rest[n] == ' ' || rest[n] == ')' || rest[n] == '&')
}
