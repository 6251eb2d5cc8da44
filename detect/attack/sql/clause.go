package sql

// is reads IS [NOT] NULL, TRUE, [DISTINCT FROM] x.
func (p *parser) is() (state, bool) {
	p.facts |= fWordOp | fCompare
	saved := p.lexer
	k := p.next()
	if k == tWord && p.word == wNot {
		saved = p.lexer
		k = p.next()
	}
	switch {
	case k == tWord && (p.word == wNull || p.word == wTrue):
		p.isNull()
		return wantOperator, true
	case k == tWord && p.word == wAll: // IS DISTINCT FROM
		k = p.next()
		return wantOperand, k == tWord && p.word == wFrom
	case k == tNumber || k == tString || k == tOpenString || k == tVariable: // SQLite compares with IS
		p.lexer = saved
		return p.compares(0)
	}
	return wantOperator, false
}

// searchMode reads the rest of AGAINST ('...' IN BOOLEAN MODE), IN NATURAL LANGUAGE MODE.
func (p *parser) searchMode() bool {
	for n := range 3 {
		k := p.next()
		if n > 0 && equalFold("mode", p.text[p.start:p.pos]) {
			return true
		}
		if k != tName && k != tWord {
			break
		}
	}
	return false
}

// isNull notes the comparison of the latest operand with NULL.
func (p *parser) isNull() {
	if p.last.constant() {
		p.facts |= fConst
	} else {
		p.facts |= fColumn
	}
}

// union reads UNION [ALL] SELECT, UNION (SELECT, UNION VALUES.
func (p *parser) union() (state, bool) {
	for range 40 {
		saved := p.lexer
		k := p.next()
		switch {
		case k == tWord && p.word == wAll:
		case k == tOperator && p.pos == p.start+1 && (p.text[p.start] == '-' || p.text[p.start] == '+'):
		case k == tOpen:
			p.push(inExpr, oNone)
		case k == tWord && (p.word == wSelect || p.word == wValues || p.word == wTable):
			p.facts |= fUnion
			return p.selects()
		case k == tNumber || k == tVariable:
			// Some filters delete SELECT; what is left still shows what was meant: 1 UNION 1,2,3.
			p.lexer = saved
			if p.peek() != 0 {
				l := p.level()
				l.clause, l.selects = inList, true
				p.facts |= fUnion
				return wantOperand, true
			}
			return wantOperator, false
		case k == tName && len(p.text[p.start:p.pos]) > 6 && equalFold("select", p.text[p.start:p.start+6]) &&
			lookup(p.text[p.start+6:p.pos]).call != callUnknown && p.peek() == '(':
			// UNION ALL SELECTCHAR(65): a space lost on the way.
			p.facts |= fUnion
			return p.named(oName, callKnown)
		case k == tWord && p.word.beginsStatement() && p.word != wSet && p.word != wShow && p.word != wOpen:
			return p.statement(tWord)
		default:
			if k == tComment || k == tEOF && p.seams > 0 {
				p.facts |= fUnion
			}
			return wantOperator, false
		}
	}
	return wantOperator, false
}

// groupOrOrder reads GROUP BY and ORDER BY.
func (p *parser) groupOrOrder(l *level) (state, bool) {
	if k := p.next(); k != tWord || p.word != wBy {
		return wantOperator, false
	}
	l.clause = inOrder
	p.facts |= fOrder
	if c := p.peek(); '0' <= c && c <= '9' {
		i := p.pos
		for i < len(p.text) && charClass[p.text[i]] == cSpace {
			i++
		}
		for i < len(p.text) && charClass[p.text[i]] == cDigit {
			i++
		}
		// A column's number; 5pm and 12/31 are none.
		if i >= len(p.text) || charClass[p.text[i]] != cName && !(p.text[i] == '/' && i+1 < len(p.text) && charClass[p.text[i+1]] == cDigit) && p.text[i] != '.' && p.text[i] != ':' {
			p.facts |= fOrderNum
		}
	}
	return wantOperand, true
}

// into reads INTO OUTFILE 'file' and, behind a SELECT list, INTO name.
func (p *parser) into() (state, bool) {
	k := p.next()
	switch {
	case k == tWord && p.word == wOutfile:
		p.facts |= fOutfile
		return wantOperand, true
	case (k == tName || k == tVariable) && p.level().selects:
		return wantOperator, true
	}
	return wantOperator, false
}
