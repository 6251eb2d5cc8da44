package sql

import "strings"

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
	i := nameEnds.Next(s, l.pos)
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
