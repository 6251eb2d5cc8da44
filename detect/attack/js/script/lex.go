package script

// kind is what a token is to the reader: little more than whether it ends an operand.
type kind uint8

const (
	end      kind = iota // nothing left, or nothing that could be JavaScript
	word                 // identifier or keyword, escapes included
	number               // numeric literal
	text                 // string or regular expression literal
	template             // template literal, substitutions included
	punct                // operator or bracket; token.op is its first byte
)

// token is one lexical element; src[start:stop] is its text.
type token struct {
	start, stop int
	kind        kind
	op          byte // first byte of a punct, or of a literal
	len         uint8
	newline     bool // a line ended between the last token and this one
	space       bool // white space or a comment stood before this token
	broken      bool // a literal that never ends
}

// lexer cuts JavaScript into tokens (ECMA-262, section 12). It is lenient where browsers
// and attackers are: any byte above ASCII may stand in a word, a NUL is white space.
type lexer struct {
	src string
	pos int
}

// class of a byte at the start of a token.
const (
	cOther = iota
	cWord
	cDigit
	cSpace
	cLine
	cQuote
)

var byteClass = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '$', c == '\\', c >= 0x80:
			t[c] = cWord
		case '0' <= c && c <= '9':
			t[c] = cDigit
		case c == '\n' || c == '\r':
			t[c] = cLine
		case c <= ' ' || c == 0x7f:
			t[c] = cSpace
		case c == '"' || c == '\'' || c == '`':
			t[c] = cQuote
		}
	}
	return t
}()

// next returns the next token. operand says that the last token ended an operand, so that
// a slash divides; otherwise it opens a regular expression.
func (l *lexer) next(operand bool) token {
	t := token{}
	s := l.src
	i := l.pos
	for i < len(s) {
		c := s[i]
		switch byteClass[c] {
		case cSpace:
			t.space = true
			i++
			continue
		case cLine:
			t.space, t.newline = true, true
			i++
			continue
		case cWord:
			t.kind, t.start, t.op = word, i, c
			for i < len(s) && (byteClass[s[i]] == cWord || byteClass[s[i]] == cDigit) {
				if s[i] == '\\' {
					// Only \u may stand in a word; \u{61} has braces.
					if i+1 >= len(s) || s[i+1] != 'u' {
						if i == t.start {
							i++
						}
						break
					}
					if i+2 < len(s) && s[i+2] == '{' {
						i += 3
						for i < len(s) && isHex(s[i]) {
							i++
						}
					}
				}
				i++
			}
			if i > len(s) {
				i = len(s)
			}
			t.stop, l.pos = i, i
			return t
		case cDigit:
			t.kind, t.start, t.op = number, i, c
			for i < len(s) && (byteClass[s[i]] == cDigit || byteClass[s[i]] == cWord && s[i] != '\\' && s[i] < 0x80 || s[i] == '.') {
				i++
			}
			t.stop, l.pos = i, i
			return t
		case cQuote:
			t.start, t.op = i, c
			if c == '`' {
				t.kind = template
			} else {
				t.kind = text
			}
			i, t.broken = closing(s, i+1, c)
			t.stop, l.pos = i, i
			return t
		}
		if c == '/' && i+1 < len(s) {
			switch s[i+1] {
			case '/':
				for i < len(s) && s[i] != '\n' && s[i] != '\r' {
					i++
				}
				t.space = true
				continue
			case '*':
				i += 2
				for i+1 < len(s) && !(s[i] == '*' && s[i+1] == '/') {
					i++
				}
				i = min(i+2, len(s))
				t.space = true
				continue
			}
			if !operand {
				if stop, ok := regexpEnd(s, i+1); ok {
					t.kind, t.start, t.stop, t.op = text, i, stop, c
					l.pos = stop
					return t
				}
			}
		}
		t.kind, t.start, t.op = punct, i, c
		t.len = 1
		if i+1 < len(s) {
			switch d := s[i+1]; {
			case d == '=' && c != '(' && c != ')' && c != '[' && c != ']' && c != '{' && c != '}' && c != ';' && c != ',' && c != '.' && c != ':' && c != '?':
				t.len = 2
				for t.len < 4 && i+int(t.len) < len(s) && s[i+int(t.len)] == '=' {
					t.len++
				}
			case c == '=' && d == '>', c == '?' && d == '.', c == d && (c == '+' || c == '-' || c == '&' || c == '|' || c == '?' || c == '<' || c == '>'):
				t.len = 2
			}
		}
		t.stop = i + int(t.len)
		l.pos = t.stop
		return t
	}
	t.start, t.stop, l.pos = i, i, i
	return t
}

// closing returns the position behind the quote that ends a literal, and whether there is none.
func closing(s string, i int, quote byte) (int, bool) {
	for i < len(s) {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == quote:
			return i + 1, false
		case (c == '\n' || c == '\r') && quote != '`':
			return i, true
		}
		i++
	}
	return len(s), true
}

// regexpEnd returns the position behind a regular expression literal's flags. The literal
// may not be longer than 256 bytes, so that a row of slashes stays cheap.
func regexpEnd(s string, i int) (int, bool) {
	limit := min(len(s), i+256)
	class := false
	for ; i < limit; i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '\n' || c == '\r':
			return 0, false
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			i++
			for i < limit && 'a' <= s[i] && s[i] <= 'z' {
				i++
			}
			return i, true
		}
	}
	return 0, false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
