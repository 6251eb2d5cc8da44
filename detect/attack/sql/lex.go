package sql

import "strings"

// kind is what a token is to the grammar.
type kind uint8

const (
	tEOF kind = iota
	tNumber
	tString     // a literal with both its quotes
	tOpenString // a literal that the input ends in: the query's own quote would close it
	tName       // an identifier, bare or in [ ] or ` `
	tWord       // an identifier that SQL knows; see lexer.word
	tVariable   // @a, @@version, :a, ?
	tOperator   // arithmetic, bits, JSON access, ||
	tCompare    // = < > <=> @> ~ and their kin
	tAnd        // &&
	tPipes      // ||: OR to MySQL, concatenation to the others
	tBang       // !
	tTilde      // ~ : a unary operator, or a match operator
	tStar       // *
	tComma
	tOpen
	tClose
	tSemicolon
	tDot
	tCast // ::
	tBraceOpen
	tBraceClose
	tComment // a comment that runs to the end of the input
	tOther   // nothing that SQL knows
)

// Character classes of the lexer.
const (
	cOther uint8 = iota
	cSpace
	cName  // letters, _ and bytes of UTF-8
	cDigit //
	cMark  // everything that next's switch knows
)

var charClass = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_':
			t[c] = cName
		case '0' <= c && c <= '9':
			t[c] = cDigit
		case c <= ' ' || c == 0x7f || c == 0xa0:
			// Servers differ in which control bytes separate tokens; all do somewhere.
			// 0xA0 is a no-break space in a single-byte charset (MySQL).
			t[c] = cSpace
		case c >= 0x80:
			t[c] = cName
		default:
			t[c] = cMark
		}
	}
	return t
}()

// nameByte says which ASCII bytes an identifier goes on with.
var nameByte = func() (t [256]bool) {
	for c := range 0x80 {
		t[c] = charClass[c] == cName || charClass[c] == cDigit || c == '$'
	}
	return t
}()

// lexer cuts text into SQL tokens. It reads all dialects at once, and where they
// disagree it takes the reading that keeps an attack alive. It allocates nothing.
type lexer struct {
	text string
	pos  int

	// The latest token: text[start:pos] and, for tWord, which.
	start int
	word  word
	call  call // for tName and tWord: what a function of that name would do

	// minusMinus says that "--" followed by anything but white space is two minus signs
	// (MySQL) and not a comment (all others).
	minusMinus bool
	// sawMinusMinus: the question came up.
	sawMinusMinus bool
	// seams counts closed comments and odd white space between tokens: nobody types them.
	seams int
	// commentStart is where a tComment's text begins.
	commentStart int
}

// skipSpace moves over white space and closed comments. It reports a comment that runs to the end of the input.
func (l *lexer) skipSpace() (toEnd bool) {
	s := l.text
	for l.pos < len(s) {
		switch c := s[l.pos]; {
		case charClass[c] == cSpace:
			if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0xa0 {
				l.seams++
			}
			l.pos++
		case c == 0xc2 && l.pos+1 < len(s) && s[l.pos+1] == 0xa0: // U+00A0
			l.pos += 2
		case c == 0xe3 && strings.HasPrefix(s[l.pos:], "\u3000"):
			l.pos += 3
		case c == '-' && l.pos+1 < len(s) && s[l.pos+1] == '-':
			if l.pos+2 < len(s) && charClass[s[l.pos+2]] != cSpace {
				l.sawMinusMinus = true
				if l.minusMinus {
					return false
				}
			}
			if l.skipLine(2) {
				return true
			}
		case c == '#':
			if l.skipLine(1) {
				return true
			}
		case c == '/' && l.pos+1 < len(s) && s[l.pos+1] == '*':
			if l.versioned() {
				continue
			}
			end := strings.Index(s[l.pos+2:], "*/")
			if end < 0 {
				l.start, l.commentStart = l.pos, l.pos+2
				l.pos = len(s)
				return true
			}
			l.pos += end + 4
			l.seams++
		case c == '*' && l.seams > 0 && l.pos+1 < len(s) && s[l.pos+1] == '/':
			// The end of a versioned comment, or of one with another nested in it (PostgreSQL).
			l.pos += 2
		default:
			return false
		}
	}
	return false
}

// versioned enters a comment that MySQL (/*!50000 ... */) or MariaDB (/*M! ... */) executes.
func (l *lexer) versioned() bool {
	i := l.pos + 2
	if i < len(l.text) && l.text[i] == 'M' {
		i++
	}
	if i >= len(l.text) || l.text[i] != '!' {
		return false
	}
	i++
	for i < len(l.text) && charClass[l.text[i]] == cDigit {
		i++
	}
	l.pos = i
	l.seams++
	return true
}

// skipLine moves over a comment that a line end closes, whose mark has n bytes. It
// reports whether the comment runs to the end of the input.
func (l *lexer) skipLine(n int) (toEnd bool) {
	rest := l.text[l.pos+n:]
	end := strings.IndexByte(rest, '\n')
	if end < 0 {
		l.start, l.commentStart = l.pos, l.pos+n
		l.pos = len(l.text)
		return true
	}
	l.pos += n + end + 1
	l.seams++
	return false
}

// next reads one token.
func (l *lexer) next() kind {
	if l.skipSpace() {
		return tComment
	}
	s := l.text
	l.start = l.pos
	if l.pos >= len(s) {
		return tEOF
	}
	c := s[l.pos]
	switch charClass[c] {
	case cName:
		return l.name()
	case cDigit:
		return l.number()
	}
	var d byte
	if l.pos+1 < len(s) {
		d = s[l.pos+1]
	}
	l.pos++
	switch c {
	case '\'', '"':
		return l.quoted(c)
	case '`':
		return l.delimited('`', tName)
	case '[':
		return l.bracketed()
	case '(':
		return tOpen
	case ')':
		return tClose
	case ',':
		return tComma
	case ';':
		return tSemicolon
	case '.':
		if charClass[d] == cDigit {
			l.pos--
			return l.number()
		}
		return tDot
	case '*':
		return tStar
	case '+', '%', '^':
		return tOperator
	case '-':
		if d == '>' {
			l.pos++
			if l.pos < len(s) && s[l.pos] == '>' {
				l.pos++
			}
		}
		return tOperator
	case '/':
		return tOperator
	case '&':
		if d == '&' {
			l.pos++
			return tAnd
		}
		if d == '<' || d == '>' {
			l.pos++
		}
		return tOperator
	case '|':
		if d == '|' {
			l.pos++
			return tPipes
		}
		return tOperator
	case '=', '<', '>', '!', '~':
		return l.comparison(c)
	case '@':
		return l.variable(d)
	case ':':
		switch {
		case d == ':':
			l.pos++
			return tCast
		case d == '=':
			l.pos++
			return tCompare
		case charClass[d] == cName:
			return l.variable(d)
		}
		return tOther
	case '?':
		if d == '|' || d == '&' {
			l.pos++
			return tCompare
		}
		return tVariable
	case '$':
		return l.dollar(d)
	case '\\':
		if d == 'N' {
			l.pos++
			l.word = wNull
			l.call = 0
			return tWord
		}
		return tOther
	case '{':
		return tBraceOpen
	case '}':
		return tBraceClose
	}
	return tOther
}

// comparison reads the operators made of = < > ! ~.
func (l *lexer) comparison(c byte) kind {
	s := l.text
	n := 0
	for l.pos < len(s) && n < 3 {
		d := s[l.pos]
		// A second ! or ~, or one after = and its kin, is a sign of its own (1=!0).
		if d != '=' && d != '<' && d != '>' && !(d == '@' && (c == '<' || c == '>')) &&
			!(c == '!' && d == '~' && n == 0) && !(c == '~' && d == '*') && !(c == '!' && n == 1 && d == '*' && s[l.pos-1] == '~') {
			break
		}
		if d == '@' && l.pos+1 < len(s) && (charClass[s[l.pos+1]] == cName || s[l.pos+1] == '@') {
			break
		}
		l.pos++
		n++
	}
	if n == 0 {
		switch c {
		case '!':
			return tBang
		case '~':
			return tTilde
		}
	}
	if n == 1 && (s[l.start:l.pos] == "<<" || s[l.start:l.pos] == ">>") {
		return tOperator
	}
	return tCompare
}

// variable reads @a, @@a, @`a`, @'a', :a, and the operators @> and @@.
func (l *lexer) variable(d byte) kind {
	s := l.text
	if d == '>' || d == '?' {
		l.pos++
		return tCompare
	}
	if d == '@' {
		l.pos++
	}
	from := l.pos
	if from < len(s) && s[from] == '`' {
		l.pos++
		l.delimited('`', tVariable)
		return tVariable
	}
	for l.pos < len(s) && (charClass[s[l.pos]] == cName || charClass[s[l.pos]] == cDigit || s[l.pos] == '$' || s[l.pos] == '.') {
		l.pos++
	}
	if l.pos == from && d == '@' {
		return tCompare
	}
	if l.pos == from {
		return tOther
	}
	return tVariable
}

// dollar reads $tag$ ... $tag$ (PostgreSQL) and $1.
func (l *lexer) dollar(d byte) kind {
	s := l.text
	if charClass[d] == cDigit {
		for l.pos < len(s) && charClass[s[l.pos]] == cDigit {
			l.pos++
		}
		return tVariable
	}
	end := l.pos
	for end < len(s) && end-l.pos < 32 && (charClass[s[end]] == cName || charClass[s[end]] == cDigit) {
		end++
	}
	if end >= len(s) || s[end] != '$' {
		// $name is no SQL by itself, but a shell or PHP variable: another language's text.
		return tOther
	}
	tag := s[l.start : end+1]
	l.pos = end + 1
	if n := strings.Index(s[l.pos:], tag); n >= 0 {
		l.pos += n + len(tag)
		return tString
	}
	l.pos = len(s)
	return tOpenString
}

// quoted reads a literal up to its closing quote; the opening one is read already.
func (l *lexer) quoted(quote byte) kind {
	s := l.text
	for {
		n := strings.IndexByte(s[l.pos:], quote)
		if n < 0 {
			l.pos = len(s)
			return tOpenString
		}
		at := l.pos + n
		l.pos = at + 1
		if at > l.start+1 && s[at-1] == '\\' && escaped(s, l.start+1, at) {
			continue
		}
		if l.pos < len(s) && s[l.pos] == quote {
			l.pos++
			for l.pos+1 < len(s) && s[l.pos] == quote && s[l.pos+1] == quote {
				l.pos += 2
			}
			continue
		}
		return tString
	}
}

// escaped reports whether an odd number of backslashes stands before s[at], not looking before from.
func escaped(s string, from, at int) bool {
	i := at
	// A bound keeps a run of backslashes from being counted again for every quote.
	for i > from && s[i-1] == '\\' && at-i < 64 {
		i--
	}
	return (at-i)%2 == 1
}

// delimited reads up to the closing mark of a quoted identifier.
func (l *lexer) delimited(mark byte, as kind) kind {
	l.word, l.call = 0, 0
	n := strings.IndexByte(l.text[l.pos:], mark)
	if n < 0 {
		l.pos = len(l.text)
		return tOpenString
	}
	l.pos += n + 1
	return as
}

// bracketed reads [name], an identifier of MSSQL and SQLite.
func (l *lexer) bracketed() kind {
	rest := l.text[l.pos:]
	if len(rest) > 128 {
		rest = rest[:128]
	}
	n := strings.IndexByte(rest, ']')
	if n < 0 {
		return tOther
	}
	l.pos += n + 1
	l.word, l.call = 0, 0
	return tName
}

// number reads a number. Digits that run into letters are a name (3rd, 14mm), unless the
// letters are an operator word: 1or 1, 0x1union.
func (l *lexer) number() kind {
	s := l.text
	i := l.pos
	if s[i] == '0' && i+2 < len(s) && (s[i+1]|0x20 == 'x' && isHex(s[i+2]) || s[i+1]|0x20 == 'b' && (s[i+2] == '0' || s[i+1] == '1')) {
		hex := s[i+1]|0x20 == 'x'
		i += 2
		for i < len(s) && (hex && isHex(s[i]) || s[i] == '0' || s[i] == '1') {
			i++
		}
	} else {
		for i < len(s) && charClass[s[i]] == cDigit {
			i++
		}
		dots := 0
		for i < len(s) && s[i] == '.' && dots == 0 {
			dots++
			i++
			for i < len(s) && charClass[s[i]] == cDigit {
				i++
			}
		}
		if i < len(s) && s[i]|0x20 == 'e' {
			j := i + 1
			if j < len(s) && (s[j] == '+' || s[j] == '-') {
				j++
			}
			if j < len(s) && charClass[s[j]] == cDigit {
				for i = j; i < len(s) && charClass[s[i]] == cDigit; {
					i++
				}
			} else if dots > 0 && j == i+1 && (j == len(s) || charClass[s[j]] != cName) {
				i = j // 1.e is a number to MySQL, or nothing at all before a bracket
			}
		}
	}
	l.pos = i
	if i < len(s) && charClass[s[i]] == cName && s[i] < 0x80 {
		j := i
		for j < len(s) && charClass[s[j]] == cName || j < len(s) && charClass[s[j]] == cDigit {
			j++
		}
		w := lookup(s[i:j]).word
		if !w.gluesToNumber() && s[i]|0x20 == 'e' && i+1 < j {
			// 1eunion: an exponent without digits.
			if w = lookup(s[i+1 : j]).word; w.gluesToNumber() {
				l.pos = i + 1
			}
		}
		if !w.gluesToNumber() {
			l.pos = j
			l.word, l.call = 0, 0
			return tName
		}
	}
	return tNumber
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// name reads an identifier, and the literals that begin like one: N'x', x'41', q'[x]', _utf8'x'.
func (l *lexer) name() kind {
	s := l.text
	i := l.pos
	for i < len(s) && nameByte[s[i]] {
		i++
	}
	for i < len(s) && (s[i] >= 0x80 || nameByte[s[i]]) {
		c := charClass[s[i]]
		if c != cName && c != cDigit && s[i] != '$' && !(s[i] == 0xa0 && i > l.pos && s[i-1] >= 0x80) {
			break
		}
		if s[i] == 0xc2 && i+1 < len(s) && s[i+1] == 0xa0 || s[i] == 0xe3 && strings.HasPrefix(s[i:], "\u3000") {
			break
		}
		i++
	}
	if i == l.pos { // U+00A0 is skipped as space; this cannot be.
		i++
	}
	l.pos = i
	text := s[l.start:i]
	if len(text) == 1 && text[0]|0x20 == 'u' && i+1 < len(s) && s[i] == '&' && (s[i+1] == '\'' || s[i+1] == '"') { // U&'...'
		l.pos += 2
		return l.quoted(s[i+1])
	}
	if i < len(s) && (s[i] == '\'' || s[i] == '"') {
		switch len(text) {
		case 1:
			switch text[0] | 0x20 {
			case 'q':
				if s[i] == '\'' && i+2 < len(s) {
					return l.alternative()
				}
			case 'n', 'e', 'x', 'b', 'u':
				if s[i] == '\'' {
					l.pos++
					return l.quoted('\'')
				}
			}
		default:
			if text[0] == '_' {
				q := s[i]
				l.pos++
				return l.quoted(q)
			}
		}
	}
	e := lookup(text)
	l.word, l.call = e.word, e.call
	if e.word == 0 {
		return tName
	}
	return tWord
}

// alternative reads q'[ ... ]' (Oracle).
func (l *lexer) alternative() kind {
	s := l.text
	closing := s[l.pos+1]
	switch closing {
	case '[':
		closing = ']'
	case '(':
		closing = ')'
	case '{':
		closing = '}'
	case '<':
		closing = '>'
	default:
		if charClass[closing] != cMark {
			l.pos++
			return l.quoted('\'')
		}
	}
	for i := l.pos + 2; i+1 < len(s); i++ {
		if s[i] == closing && s[i+1] == '\'' {
			l.pos = i + 2
			return tString
		}
	}
	// Looking again for an ordinary end would let a row of q'[ cost the square of its length.
	l.pos = len(s)
	return tOpenString
}

// peek returns the next byte that is neither white space nor in a comment, 0 at the end.
func (l *lexer) peek() byte {
	if l.pos < len(l.text) && charClass[l.text[l.pos]] != cSpace && l.text[l.pos] != '/' && l.text[l.pos] != '-' && l.text[l.pos] != '#' {
		if c := l.text[l.pos]; c < 0x80 {
			return c
		}
	}
	saved := *l
	toEnd := l.skipSpace()
	var c byte
	if !toEnd && l.pos < len(l.text) {
		c = l.text[l.pos]
	}
	// What was skipped need not be skipped twice, unless a comment ended the input.
	if toEnd {
		*l = saved
	}
	return c
}
