package sql

// statement reads the first words of a statement, until it can be nothing else.
func (p *parser) statement(k kind) (state, bool) {
	if k == tSemicolon {
		return wantStatement, true
	}
	if k == tOpen && p.tokens > 1 {
		p.push(inExpr, oNone)
		return wantOperand, true
	}
	if k == tName {
		switch w := p.text[p.start:p.pos]; {
		case p.peek() == '(' && (lookup(w).call == callDanger || lookup(w).call == callDelay || isPackage(w)),
			isPackage(w):
			return p.named(oName, lookup(w).call)
		case equalFold("commit", w), equalFold("rollback", w), equalFold("deallocate", w), equalFold("close", w):
			return wantOperator, true
		case equalFold("try", w), equalFold("catch", w), equalFold("transaction", w):
			return wantStatement, true
		case p.pos < len(p.text) && p.text[p.pos] == ':': // a label
			p.pos++
			return wantStatement, true
		case lookup(w).call != callUnknown && p.peek() == '(':
			return p.named(oName, lookup(w).call)
		}
		return wantStatement, false
	}
	if k != tWord {
		return wantStatement, false
	}
	switch w := p.word; w {
	case wFunction:
		if p.peek() == '(' {
			return p.named(oName, p.call)
		}
	case wEnd:
		return wantStatement, true
	case wDirection: // DESC t
		if k := p.next(); k == tName && p.semicolon {
			if c := p.peek(); c == 0 || c == ';' {
				return p.sure()
			}
		}
	case wSelect:
		return p.selects()
	case wValues:
		return wantOperand, true
	case wWith:
		return p.with()
	case wTruncate:
		saved := p.lexer
		if p.stacked && p.next() == tName {
			if c := p.peek(); c == 0 || c == ';' {
				return p.sure()
			}
		}
		p.lexer = saved
		return p.definition()
	case wDrop, wCreate:
		return p.definition()
	case wDo:
		saved := p.lexer
		if k := p.next(); k == tString && p.text[p.start] == '$' && (p.stacked || p.quote != 0) { // DO $$ ... $$
			return p.sure()
		}
		p.lexer = saved
		if p.stacked || p.quote != 0 { // DO SLEEP(5)
			if k := p.next(); (k == tName || k == tWord) && p.call != callUnknown && p.pos < len(p.text) && p.text[p.pos] == '(' {
				p.lexer = saved
				return wantOperand, true
			}
			p.lexer = saved
		}
		return wantStatement, true
	case wInsert:
		return p.insert()
	case wUpdate:
		return p.update()
	case wDelete:
		return p.delete()
	case wExec:
		return p.exec()
	case wDeclare:
		if k := p.next(); k == tVariable || (k == tName || k == tWord) && p.typeFollows() {
			return p.sure()
		}
	case wSet:
		if k := p.next(); k == tVariable && p.peek() == '=' && (p.semicolon || p.statementWithoutOne) {
			return p.sure()
		}
	case wShutdown:
		if c := p.peek(); c == 0 || c == ';' || c == '-' || p.pos >= len(p.text) {
			return p.sure()
		}
		if k := p.next(); k == tComment || k == tWord && (p.word == wWith || p.word == wEnd) {
			return p.sure()
		}
	case wWaitfor:
		if k := p.next(); k == tName {
			w := p.text[p.start:p.pos]
			if equalFold("delay", w) || equalFold("time", w) {
				if k = p.next(); k == tString || k == tOpenString || k == tVariable {
					p.facts |= fDanger | fCall
					return p.sure()
				}
			}
		} else if k == tWord && equalFold("time", p.text[p.start:p.pos]) {
			if k = p.next(); k == tString || k == tOpenString || k == tVariable {
				p.facts |= fDanger | fCall
				return p.sure()
			}
		}
	case wUse:
		return wantStatement, p.next() == tName
	case wPrint:
		if p.next() == tString {
			p.last = oString
			return wantOperator, true
		}
	case wBegin, wElse, wExplain:
		return wantStatement, true
	case wIf:
		p.level().clause = inStatement
		return wantOperand, true
	case wGrant:
		return p.grant()
	case wCopy:
		for range 8 {
			k := p.next()
			if k == tWord && p.word == wFrom || k == tName && equalFold("to", p.text[p.start:p.pos]) {
				k = p.next()
				if k == tString || k == tOpenString || k == tName && equalFold("program", p.text[p.start:p.pos]) {
					return p.sure()
				}
				break
			}
			if k == tSemicolon || k == tEOF || k == tComment || k == tOther {
				break
			}
		}
	case wLoad:
		if k := p.next(); k == tName || k == tWord {
			for range 3 {
				if k = p.next(); k == tName && equalFold("infile", p.text[p.start:p.pos]) {
					return p.sure()
				}
			}
		}
	case wCall:
		if k := p.next(); k == tName || k == tWord {
			known := p.call != callUnknown || isPackage(p.text[p.start:p.pos])
			for p.pos < len(p.text) && p.text[p.pos] == '.' {
				p.next()
				p.next()
			}
			if p.peek() == '(' && (known || p.semicolon) {
				return p.sure()
			}
		}
	case wBackup:
		if k := p.next(); k == tWord && p.word == wObject || k == tName && equalFold("log", p.text[p.start:p.pos]) {
			return p.sure()
		}
	case wMerge:
		if k := p.next(); k == tWord && p.word == wInto {
			return p.sure()
		}
	case wAttach:
		if k := p.next(); k == tWord && p.word == wObject {
			if k = p.next(); k == tString || k == tName {
				return p.sure()
			}
		}
	case wShow:
		if k := p.next(); k == tWord || k == tName {
			w := p.text[p.start:p.pos]
			if p.word == wObject && p.peek() == 0 || equalFold("tables", w) || equalFold("databases", w) || equalFold("table_info", w) {
				return p.sure()
			}
		}
	case wHandler:
		if p.next() == tName && p.next() == tWord && p.word == wOpen {
			return p.sure()
		}
	case wGoto:
		return wantStatement, p.next() == tName
	}
	return wantStatement, false
}

// grant reads GRANT privilege, ... ON x and GRANT role TO x.
func (p *parser) grant() (state, bool) {
	for range 8 {
		if k := p.next(); k != tName && k != tWord {
			break
		}
		k := p.next()
		if k == tName && equalFold("privileges", p.text[p.start:p.pos]) {
			k = p.next()
		}
		switch {
		case k == tComma:
		case k == tWord && (p.word == wOn || p.word == wFrom), k == tName && equalFold("to", p.text[p.start:p.pos]):
			// "Grant access to ..." is prose; a statement behind a value is none.
			if k = p.next(); (k == tStar || k == tName || k == tWord) && (p.stacked || p.quote != 0 || p.goesOn()) {
				return p.sure()
			}
			return wantStatement, false
		default:
			return wantStatement, false
		}
	}
	return wantStatement, false
}

// goesOn reports whether a GRANT without ; before it has both its ON and its TO.
func (p *parser) goesOn() bool {
	for p.pos < len(p.text) && p.text[p.pos] == '.' {
		p.next()
		p.next()
	}
	k := p.next()
	return k == tName && equalFold("to", p.text[p.start:p.pos]) || k == tWord && p.word == wFrom
}

// sure notes a statement beyond doubt and ends the reading: what follows cannot make it
// less of one. The lexer stays where it is, so the evidence ends here.
func (p *parser) sure() (state, bool) {
	p.facts |= fStatement
	return wantStatement, false
}

// with reads WITH name AS (SELECT.
func (p *parser) with() (state, bool) {
	k := p.next()
	if k == tName && equalFold("recursive", p.text[p.start:p.pos]) {
		k = p.next()
	}
	if k != tName || p.next() != tWord || p.word != wAs || p.next() != tOpen {
		return wantStatement, false
	}
	p.push(inExpr, oNone)
	return wantOperand, true
}

// definition reads DROP, CREATE, ALTER, TRUNCATE of a table or its kin.
func (p *parser) definition() (state, bool) {
	for n := range 6 {
		switch k := p.next(); {
		case k == tName && n == 0 && p.stacked && p.last != oName && p.peek() == 0: // DROP members --
			return p.sure()
		case k == tWord && (p.word == wTable || p.word == wObject || p.word == wProcedure || equalFold("schema", p.text[p.start:p.pos])):
			object := p.word
			switch k = p.next(); k {
			case tName, tWord, tVariable, tString:
				// "create user account" is prose: where no ; came before, the statement must go on like one.
				if !p.semicolon && !p.continues(object) {
					return wantStatement, false
				}
				return p.sure()
			}
			return wantStatement, false
		case k == tWord && (p.word == wOr || p.word == wInsert || p.word == wExec):
		case k == tWord && (p.word == wIf || p.word == wNot || p.word == wExists):
		case k == tName && isModifier(p.text[p.start:p.pos]):
		default:
			return wantStatement, false
		}
	}
	return wantStatement, false
}

// isModifier reports whether w may stand between CREATE or DROP and the object's kind.
func isModifier(w string) bool {
	for _, m := range [...]string{"temporary", "temp", "unique", "global", "local", "unlogged", "external", "virtual", "fulltext", "clustered", "nonclustered", "materialized", "aggregate", "public", "definer"} {
		if equalFold(m, w) {
			return true
		}
	}
	return false
}

// continues reports whether the text behind the name of a defined object is SQL, not prose.
func (p *parser) continues(object word) bool {
	for p.pos < len(p.text) && p.text[p.pos] == '.' {
		p.next()
		p.next()
	}
	switch p.next() {
	case tEOF, tComment, tSemicolon:
		return object == wTable || p.statementWithoutOne || object == wObject
	case tOpen:
		return true
	case tWord:
		switch p.word {
		case wAs, wSet, wWith, wDrop, wCreate, wUse, wSelect, wOn:
			return true
		}
	case tName:
		w := p.text[p.start:p.pos]
		return equalFold("identified", w) || equalFold("cascade", w) || equalFold("add", w) || equalFold("modify", w) || equalFold("engine", w) || equalFold("returns", w)
	}
	return false
}

// exec reads EXEC('...'), EXEC @p, EXEC xp_x, EXEC db..p 'x', EXECUTE IMMEDIATE.
func (p *parser) exec() (state, bool) {
	k := p.next()
	switch k {
	case tVariable:
		return p.sure()
	case tOpen:
		switch k = p.next(); k {
		case tString, tOpenString, tVariable:
			if p.peek() != ',' { // a function of another language
				return p.sure()
			}
		case tName, tWord:
			if p.call == callKnown && p.peek() == '(' { // EXEC(CHAR(115)+...)
				return p.sure()
			}
		}
		return wantStatement, false
	case tName, tWord:
		if p.word == wAs && k == tWord && p.semicolon { // EXECUTE AS LOGIN
			return p.sure()
		}
		w := p.text[p.start:p.pos]
		proc := isPackage(w) || equalFold("immediate", w)
		dots := 0
		for p.pos < len(p.text) && p.text[p.pos] == '.' {
			for p.pos < len(p.text) && p.text[p.pos] == '.' {
				p.pos++
			}
			dots++
			from := p.pos
			if k = p.next(); k != tName && k != tWord {
				return wantStatement, false
			}
			proc = proc || isPackage(p.text[from:p.pos])
		}
		if proc {
			return p.sure()
		}
		switch k = p.next(); k {
		case tString, tOpenString, tVariable:
			return p.sure()
		case tEOF, tComment, tSemicolon:
			if dots > 0 || p.semicolon {
				return p.sure()
			}
		}
	}
	return wantStatement, false
}

// typeFollows reports whether a type or CURSOR follows, as in DECLARE name VARCHAR(42).
func (p *parser) typeFollows() bool {
	if k := p.next(); k != tName && k != tWord {
		return false
	}
	for _, t := range [...]string{"varchar", "nvarchar", "char", "nchar", "int", "integer", "bigint", "varchar2", "number", "cursor", "text", "table", "bit", "varbinary"} {
		if equalFold(t, p.text[p.start:p.pos]) {
			return true
		}
	}
	return false
}
