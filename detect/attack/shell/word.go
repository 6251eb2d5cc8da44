package shell

import (
	"strings"

	"kongwaf/detect/attack/words"
)

// word is one shell word with its quotes, escapes and empty expansions taken out: what
// the shell would look for in the PATH. c”at, c\at, c$@at and c^at all are cat.
type word struct {
	buf   [64]byte
	n     int
	start int // of the word in the text
	end   int // first byte after it
	// spliced says that quotes, escapes, carets or expansions stood inside the name:
	// nobody but an intruder writes that.
	spliced bool
	// glob says that ?, * or [ ] stood in it.
	glob bool
	// dir says that it was a path; the buffer then holds the last element.
	dir bool
	// bin says that the path leads where commands live.
	bin bool
	// dynamic says that a part is only known to the shell: $x, $(..).
	dynamic bool
	// assign says that it was NAME=value.
	assign bool
	// quoted says that the whole word stood in quotes.
	quoted bool
	// brace says that a comma ended it, as in {cat,/etc/passwd}.
	brace bool
	// long says that it did not fit the buffer: no command's name.
	long bool
}

func (w *word) name() []byte { return w.buf[:w.n] }

// ends has the bytes that end a word: blanks and operators.
var ends = func() (t [256]bool) {
	for _, c := range " \t\n\r\v\f;&|<>()\x00#" {
		t[c] = true
	}
	return t
}()

// lexWord reads the word that begins at i. It looks at 72 bytes at most.
func (s *lexer) lexWord(i int, w *word) {
	text := s.text
	*w = word{start: i}
	limit := min(len(text), i+72)
	segStart := 0 // in buf, of the last path element
	closer := byte(0)
	splices := 0
	filled := false // an expansion that is never empty: $$, $?
	for i < limit {
		c := text[i]
		switch {
		case closer != 0 && c == closer:
			closer = 0
			i++
			continue
		case closer == 0 && ends[c]:
			goto done
		case c == '"' || c == '\'':
			if closer != 0 {
				break
			}
			// A quote at the very end is the other side's, not a pair of ours.
			if w.n == 0 {
				if !pairs(text, i, limit) {
					i++
					w.start = i
					continue
				}
				w.quoted = true
			} else {
				if !pairs(text, i, limit) {
					goto done
				}
				w.spliced = true
			}
			closer = c
			i++
			continue
		case c == '`':
			if i+1 < len(text) && text[i+1] == '`' && w.n > 0 {
				w.spliced = true
				i += 2
				continue
			}
			goto done
		case c == '\\':
			if splices++; splices > 12 {
				w.long = true
				goto done
			}
			if i+1 < limit && isLetter(text[i+1]) && !s.windowsPath(w) {
				if w.n == 0 || !w.dir && !s.backslashDir(i, limit) {
					w.spliced = true
					i++
					continue
				}
			}
			c = '/'
		case c == '^' && w.n > 0:
			w.spliced = true
			i++
			continue
		case c == '$':
			next := s.skipExpansion(i, limit)
			if next == i {
				i++
				w.dynamic = true
				continue
			}
			if isSlice(text[i:next]) {
				i = next - 1
				c = '/'
				w.spliced = true
				break
			}
			if s.isIFS(i, next) {
				goto done
			}
			w.dynamic = true
			filled = filled || next == i+2 && strings.IndexByte("$?#0", text[i+1]) >= 0
			i = next
			continue
		case c == '+' && s.plus:
			goto done
		case c == '?' || c == '*' || c == '[' || c == ']':
			w.glob = true
		case c == ',' && closer == 0 && s.inBrace(w.start):
			w.brace = true
			goto done
		case c == '}' && closer == 0:
			goto done
		case c == '=' && w.n > 0 && !w.dir:
			w.assign = true
		}
		if c == '/' {
			if w.n > segStart {
				w.bin = binDirs.OfBytes(w.buf[segStart:w.n]) != 0
			}
			w.dir = true
		}
		if w.n == len(w.buf) {
			w.long = true
			goto done
		}
		w.buf[w.n] = c
		w.n++
		if c == '/' {
			segStart = w.n
		}
		i++
	}
done:
	w.end = i
	w.long = w.long || filled && w.n > 0
	if w.dynamic && w.n > 0 {
		w.spliced = true
	}
	if w.dir && segStart > 0 {
		copy(w.buf[:], w.buf[segStart:w.n])
		w.n -= segStart
	}
	// ping.exe is ping.
	if w.n > 4 && w.buf[w.n-4] == '.' {
		switch string(w.buf[w.n-3 : w.n]) {
		case "exe", "EXE", "com", "bat", "cmd":
			w.n -= 4
		}
	}
}

// inBrace reports whether a word begins right behind the brace of a list: {cat,/etc/passwd}.
func (s *lexer) inBrace(start int) bool {
	if start > 1 && (s.text[start-1] == '"' || s.text[start-1] == '\'') {
		start--
	}
	return start > 0 && s.text[start-1] == '{'
}

// isSlice reports whether an expansion is the first character of a path, a slash: ${PATH:0:1}.
func isSlice(expansion string) bool {
	name, ok := strings.CutSuffix(expansion, ":0:1}")
	if !ok || len(name) < 3 {
		return false
	}
	switch name[2:] {
	case "PATH", "HOME", "PWD", "OLDPWD", "SHELL":
		return true
	}
	return false
}

// pairs reports whether the quote at i has its partner within the next 24 bytes and the
// word's own bounds.
func pairs(text string, i, limit int) bool {
	limit = min(limit, i+25)
	for k := i + 1; k < limit; k++ {
		if text[k] == text[i] {
			return true
		}
		if c := text[k]; c == ' ' || c == ';' || c == '|' || c == '&' || c == '\n' {
			return false
		}
	}
	return false
}

// windowsPath reports whether what was read so far is a drive ("c:").
func (s *lexer) windowsPath(w *word) bool {
	return w.n >= 2 && w.buf[1] == ':' || w.n >= 1 && w.buf[w.n-1] == '%'
}

// backslashDir reports whether the backslash at i parts two names of a Windows path
// (system32\cmd) and is no escape (c\at).
func (s *lexer) backslashDir(i, limit int) bool {
	run := 0
	for k := i + 1; k < limit && (isLetter(s.text[k]) || isDigit(s.text[k])); k++ {
		run++
	}
	back := 0
	for k := i - 1; k >= 0 && k > i-12 && (isLetter(s.text[k]) || isDigit(s.text[k])); k-- {
		back++
	}
	return run >= 4 && back >= 5
}

// skipExpansion returns the end of the expansion that begins with the $ at i, i if there is none.
func (s *lexer) skipExpansion(i, limit int) int {
	text := s.text
	if i+1 >= limit {
		return i
	}
	switch c := text[i+1]; {
	case c == '{':
		for k := i + 2; k < limit; k++ {
			if text[k] == '}' {
				return k + 1
			}
		}
		return i
	case c == '(':
		if i+2 < limit && text[i+2] == ')' {
			return i + 3
		}
		return i
	case c == '@' || c == '*' || c == '#' || c == '?' || c == '-' || c == '$' || c == '!' || isDigit(c):
		return i + 2
	case isLetter(c) || c == '_':
		k := i + 2
		for k < limit && (isLetter(text[k]) || text[k] == '_' || isDigit(text[k])) {
			k++
		}
		return k
	}
	return i
}

// isIFS reports whether text[i:end] is an expansion of the field separator, $IFS or ${IFS..}.
func (s *lexer) isIFS(i, end int) bool {
	t := s.text[i:end]
	return words.HasPrefix(t, "$ifs") || words.HasPrefix(t, "${ifs") || words.HasPrefix(t, "${path:")
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// wordish reports whether c can stand inside a name.
func wordish(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' || c == '-' || c >= 0x80 }
