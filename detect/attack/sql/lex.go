package sql

import (
	"strings"

	"kongwaf/detect/attack/words"
)

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
	tSubscriptEnd // ] without its [
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

// nameEnds has all other bytes.
var nameEnds = func() *words.Bytes {
	b := new(words.Bytes)
	for c := range b {
		if !nameByte[c] {
			b[c] = 1
		}
	}
	return b
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
	// remark is where the text of the first comment begins that a line end closes, 0 if there is none.
	remark int
}

// blank says which bytes white space or a comment may begin with.
var blank = func() (t [256]bool) {
	for c := range 256 {
		t[c] = charClass[c] == cSpace
	}
	for _, c := range []byte("-#/*\xc2\xe3") {
		t[c] = true
	}
	return t
}()

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
	if l.remark == 0 {
		l.remark = l.pos + n
	}
	l.pos += n + end + 1
	l.seams++
	return false
}

// next reads one token.
func (l *lexer) next() kind {
	s := l.text
	if l.pos < len(s) && blank[s[l.pos]] && l.skipSpace() {
		return tComment
	}
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
	case ']':
		return tSubscriptEnd
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
		if d == '@' && l.pos+1 < len(s) && (charClass[s[l.pos+1]] == cName || s[l.pos+1] == '@' || s[l.pos+1] == '=' || s[l.pos+1] == '<' || s[l.pos+1] == '>') {
			break // a variable: 1<@=1
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

// variable reads @a, @@a, @`a`, @'a', :a, and the operators @> and @@. MySQL also has a
// variable without a name: 1 or @.
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
	if l.pos == from && s[l.start] == ':' {
		return tOther
	}
	return tVariable
}

// peek returns the next byte that is neither white space nor in a comment, 0 at the end.
func (l *lexer) peek() byte {
	if l.pos < len(l.text) && !blank[l.text[l.pos]] {
		return l.text[l.pos]
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
