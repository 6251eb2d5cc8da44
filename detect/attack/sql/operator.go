package sql

import "strings"

// operator reads a token where an operator, a clause or an end is expected.
func (p *parser) operator(k kind) (state, bool) {
	l := p.level()
	switch k {
	case tOperator, tStar:
		p.facts |= fArith
		if p.truth {
			p.facts |= fTruthMath
		}
		return wantOperand, true
	case tTilde, tCompare:
		return p.compares(0)
	case tVariable:
		if p.text[p.start] == '?' && p.quote != 0 { // jsonb ? 'key'
			return p.compares(0)
		}
	case tAnd:
		return p.logical(fAnd)
	case tPipes:
		return p.logical(fPipes)
	case tComma:
		l.aliased = false
		p.tainted = p.tainted && l.clause == inArgs
		if p.depth == 0 && !l.selects {
			p.facts |= fComma
		}
		if l.selects && l.clause == inList {
			p.solid()
		}
		return wantOperand, true
	case tClose:
		if l.clause == inCase {
			return wantOperator, false
		}
		if p.unopened > maxUnopened {
			return wantOperator, false
		}
		o := p.pop()
		p.done(o, p.start)
		return wantOperator, true
	case tOpen:
		// Where the value's place is not an operand's, (SELECT ...) may follow one.
		saved := p.lexer
		selects := p.next() == tWord && p.word == wSelect
		p.lexer = saved
		if selects || p.facts&fClose != 0 || l.clause == inFrom || p.last == oVariable {
			if p.last == oVariable {
				p.push(inArgs, oCall)
			} else {
				p.push(inExpr, oNone)
			}
			return wantOperand, true
		}
	case tSemicolon:
		p.unclosed()
		p.depth, p.extra = 0, 0
		p.levels[0] = level{}
		if !p.semicolon && !p.has(fSelect) && p.operands > 0 {
			p.stacked = true
		}
		p.semicolon = true
		return wantStatement, true
	case tDot: // a method of a function's result: xmlelement(...).getStringVal()
		if k := p.next(); k == tName && p.last != oName {
			return p.named(oUnknown, callUnknown)
		}
	case tCast:
		if k := p.next(); k == tName || k == tWord {
			if p.quote != 0 {
				p.facts |= fWordOp
			}
			if strings.HasPrefix(p.text[p.pos:], "[]") { // ::int[]
				p.pos += 2
			}
			return wantOperator, true
		}
	case tSubscriptEnd:
		if p.depth > 0 || p.unopened > maxUnopened {
			return wantOperator, false
		}
		p.done(p.pop(), p.start)
		return wantOperator, true
	case tName:
		if p.text[p.start] == '[' && p.start > 0 && charClass[p.text[p.start-1]] != cSpace && p.last != oNumber && p.last != oString {
			p.lastEnd = p.pos // a[1]
			return wantOperator, true
		}
		return p.alias()
	case tString, tOpenString:
		// 'a' 'b' is one literal; SELECT 1 'x' names a column.
		if p.last == oString && p.text[p.lastStart] == p.text[p.start] && l.selects || l.selects && l.clause == inList && !l.aliased {
			l.aliased = true
			return wantOperator, true
		}
	case tBraceClose:
		return wantOperator, p.facts&(fCall|fSelect) != 0
	case tWord:
		return p.operatorWord()
	}
	return wantOperator, false
}

// logical notes AND, OR and their kin. Those among a function's arguments are no condition of
// the query's, unless the function chooses by them: count(a and b) is PromQL as well.
func (p *parser) logical(f fact) (state, bool) {
	if l := p.level(); l.clause != inArgs || l.call != oCall && l.call != oUnknown || l.branch {
		p.facts |= f
	}
	p.logic = true
	p.tainted = false
	p.comparing = false
	return wantOperand, true
}

// alias reads a name behind an operand.
func (p *parser) alias() (state, bool) {
	l := p.level()
	if l.aliased || l.clause != inList && l.clause != inFrom {
		return wantOperator, false
	}
	l.aliased = true
	return wantOperator, true
}

// operatorWord reads a word that SQL knows where an operator is expected.
func (p *parser) operatorWord() (state, bool) {
	l := p.level()
	w := p.word
	switch w {
	case wAnd:
		if l.ternary {
			l.ternary = false
			return wantOperand, true
		}
		return p.logical(fAnd)
	case wOr:
		return p.logical(fOr)
	case wXor:
		return p.logical(fOr | fWordOp)
	case wNot:
		if k := p.next(); k != tWord {
			return wantOperator, false
		}
		switch p.word {
		case wLike, wIn, wBetween, wSimilar:
			p.facts |= fWordOp
			return p.operatorWord()
		case wNull:
			return wantOperator, true
		}
	case wLike:
		word := p.text[p.start:p.pos]
		f := fWordOp
		if equalFold("like", word) {
			f = 0
		}
		return p.compares(f)
	case wSounds, wSimilar:
		if k := p.next(); k == tWord && (p.word == wLike || equalFold("to", p.text[p.start:p.pos])) || k == tName && equalFold("to", p.text[p.start:p.pos]) {
			return p.compares(fWordOp)
		}
	case wDiv:
		p.facts |= fWordOp | fArith
		return wantOperand, true
	case wIn:
		if p.peek() != '(' {
			return wantOperator, p.searchMode()
		}
		p.facts |= fWordOp
		return p.compares(0)
	case wBetween:
		l.ternary = true
		return p.compares(fWordOp)
	case wIsNull:
		p.facts |= fWordOp | fCompare
		p.isNull()
		return wantOperator, true
	case wIs:
		return p.is()
	case wUnion:
		return p.union()
	case wSelect:
		// MSSQL needs no ; between statements; injections into a literal leave it out, too.
		if p.depth == 0 || p.facts&fClose != 0 {
			p.statementWithoutOne = !p.semicolon
			p.juxtaposed = !p.semicolon
			return p.selects()
		}
	case wFrom:
		if l.clause == inArgs {
			if p.has(fSelect) {
				p.facts |= fFrom
			}
			return wantOperand, true
		}
		if l.clause == inList || p.facts&fClose != 0 || p.depth == 0 && p.operands == 0 {
			l.clause, l.aliased = inFrom, false
			if l.selects {
				p.facts |= fFrom
				if l.solid || l.strings {
					p.solid()
				}
				// SELECT x FROM y in brackets is no prose; outside of them score weighs it.
				if p.depth > 0 {
					l.solid = true
				}
			}
			return wantOperand, true
		}
	case wWhere, wHaving:
		if p.operands > 0 || p.tokens <= 3 {
			if l.clause == inFrom || l.clause == inList || p.depth == 0 || w == wHaving || l.selects || p.has(fSelect) {
				l.clause, l.wasWhere = inExpr, true
				p.tainted = false
				p.facts |= fHaving
				return wantOperand, true
			}
		}
	case wGroup, wOrder:
		return p.groupOrOrder(l)
	case wLimit:
		if equalFold("for", p.text[p.start:p.pos]) { // FOR UPDATE, FOR XML PATH('')
			if l.clause == inArgs { // SUBSTRING(x FROM 1 FOR 2)
				return wantOperand, true
			}
			k := p.next()
			return wantOperator, (k == tName && l.selects) || k == tWord && p.word == wUpdate
		}
		l.clause = inOrder
		if k := p.peek(); k >= '0' && k <= '9' || k == '(' || k == '@' || k == ':' {
			return wantOperand, true
		}
		if l.selects || l.clause == inArgs || p.facts&(fHaving|fOrder|fUnion) != 0 {
			return wantOperand, true
		}
	case wInto:
		return p.into()
	case wProcedure:
		if p.next() == tWord && p.word == wAnalyse && p.peek() == '(' {
			p.facts |= fDanger
			p.next()
			p.push(inArgs, oCall)
			return wantOperand, true
		}
	case wAs:
		if k := p.next(); k == tName || k == tWord || k == tString || k == tOpenString {
			l.aliased = true
			if l.clause == inArgs { // CAST(x AS VARCHAR(20))
				if p.peek() == '(' {
					p.next()
					p.push(inArgs, oGroup)
					return wantOperand, true
				}
				l.aliased = false
				l.clause = inList // one more word may follow: DOUBLE PRECISION
			}
			return wantOperator, true
		}
	case wWhen, wThen, wElse:
		if l.clause == inCase {
			return wantOperand, true
		}
		if p.depth == 0 && p.operands <= 1 && !p.has(fSelect) && (p.quote != 0 || w != wElse && p.first == oNumber || p.first == oBit) {
			p.unopenedCase = true // the value stands in a CASE of the query's
		}
		if p.unopenedCase && p.depth == 0 {
			return wantOperand, true
		}
		if l.clause == inStatement || w == wElse && p.depth == 0 && p.has(fSelect) {
			l.clause = inStatement
			return wantStatement, true
		}
	case wEnd:
		if l.clause == inCase && p.depth > 0 {
			p.depth--
			p.facts |= fCase
			p.solid()
			p.done(oGroup, p.start)
			return wantOperator, true
		}
		if p.depth == 0 && !p.has(fSelect) && (p.unopenedCase || p.operands <= 1 && (p.quote != 0 || p.first == oNumber || p.first == oBit)) {
			p.unopenedCase = false
			p.facts |= fClose | fCaseEnd
			p.done(oGroup, p.start)
			return wantOperator, true
		}
	case wReturning:
		if p.depth == 0 && !p.has(fSelect) {
			l.clause = inReturning
			p.facts |= fReturning
			return wantOperand, true
		}
	case wCollate:
		if k := p.next(); k == tName || k == tString || k == tWord {
			return wantOperator, true
		}
	case wEscape:
		if !p.has(fCompare) && !equalFold("uescape", p.text[p.start:p.pos]) {
			return wantOperator, false
		}
		p.facts |= fWordOp
		k := p.next()
		return wantOperator, k == tString || k == tOpenString
	case wAgainst:
		if p.next() == tOpen {
			p.facts |= fWordOp | fCompare | fConstArg
			p.push(inArgs, oCall)
			return wantOperand, true
		}
	case wOver, wWithin:
		if w == wWithin {
			p.next()
		}
		if p.next() == tOpen {
			p.push(inArgs, oCall)
			return wantOperator, true
		}
	case wJoin:
		if l.clause != inFrom {
			return wantOperator, false
		}
		l.aliased = false
		for range 4 { // LEFT OUTER JOIN
			saved := p.lexer
			if k := p.next(); k != tWord || p.word != wJoin {
				p.lexer = saved
				break
			}
		}
		return wantOperand, true
	case wOn:
		switch {
		case l.clause == inFrom:
			return wantOperand, true
		case l.clause == inArgs: // CONVERT(x USING utf8)
			return wantOperand, true
		}
	case wDirection:
		if l.clause == inOrder || p.operands == 1 && p.tokens == 2 { // the value stands in ORDER BY
			l.clause = inOrder
			return wantOperator, true
		}
	default:
		if w.beginsStatement() && p.depth == 0 {
			p.statementWithoutOne, p.juxtaposed = true, !p.semicolon
			return p.statement(tWord)
		}
		return p.alias()
	}
	return wantOperator, false
}
