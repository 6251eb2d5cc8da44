package sql

// insert reads INSERT INTO t (...) | VALUES | SELECT, and REPLACE INTO.
func (p *parser) insert() (state, bool) {
	into := false
	for range 4 {
		k := p.next()
		if k == tWord && p.word == wInto {
			into = true
			break
		}
		if k != tName && k != tWord {
			return wantStatement, false
		}
	}
	if !into {
		return wantStatement, false
	}
	if st, ok := p.tableName(); !ok {
		return st, false
	}
	switch k := p.next(); {
	case k == tOpen, k == tWord && (p.word == wValues || p.word == wSelect || p.word == wExec || p.word == wSet):
		return p.sure()
	case k == tEOF || k == tComment:
		if p.semicolon {
			return p.sure()
		}
	}
	return wantStatement, false
}

// tableName reads a name of up to several parts.
func (p *parser) tableName() (state, bool) {
	k := p.next()
	if k != tName && k != tWord && k != tVariable && k != tString {
		return wantStatement, false
	}
	for p.pos < len(p.text) && p.text[p.pos] == '.' {
		for p.pos < len(p.text) && p.text[p.pos] == '.' {
			p.pos++
		}
		if k = p.next(); k != tName && k != tWord {
			return wantStatement, false
		}
	}
	return wantStatement, true
}

// update reads UPDATE t SET c =.
func (p *parser) update() (state, bool) {
	for range 3 {
		if st, ok := p.tableName(); !ok {
			return st, false
		}
		saved := p.lexer
		if k := p.next(); k == tWord && p.word == wSet {
			if st, ok := p.tableName(); !ok {
				return st, false
			}
			if p.peek() == '=' {
				return p.sure()
			}
			return wantStatement, false
		}
		p.lexer = saved
	}
	return wantStatement, false
}

// compared reports whether an operand and a comparison follow.
func (p *parser) compared() bool {
	k := p.next()
	for k == tOpen {
		k = p.next()
	}
	if k != tName && k != tWord && k != tNumber && k != tString && k != tVariable {
		return false
	}
	for p.pos < len(p.text) && p.text[p.pos] == '.' {
		p.next()
		p.next()
	}
	k = p.next()
	return k == tCompare || k == tWord && (p.word == wLike || p.word == wIn || p.word == wIs || p.word == wBetween)
}

// delete reads DELETE FROM t, with WHERE unless a ; came before.
func (p *parser) delete() (state, bool) {
	for range 3 {
		k := p.next()
		if k == tWord && p.word == wFrom {
			if st, ok := p.tableName(); !ok {
				return st, false
			}
			if p.semicolon {
				if c := p.peek(); c == 0 || c == ';' || c == '-' || p.pos >= len(p.text) {
					return p.sure()
				}
			}
			switch k = p.next(); {
			case k == tComment, k == tSemicolon:
				return p.sure()
			case k == tWord && p.word == wReturning && p.semicolon:
				return p.sure()
			case k == tWord && p.word == wWhere:
				if p.semicolon || p.quote != 0 || p.compared() {
					return p.sure()
				}
			}
			return wantStatement, false
		}
		if k != tName && k != tWord {
			break
		}
	}
	return wantStatement, false
}
