package sql

import "strings"

// operand reads a token where an operand is expected.
func (p *parser) operand(k kind) (state, bool) {
	start := p.start
	switch k {
	case tNumber:
		n := p.text[start:p.pos]
		if n[len(n)-1]|0x20 == 'e' && p.peek() == '(' && !(n[0] == '0' && len(n) > 1 && n[1]|0x20 == 'x') {
			return wantOperand, true // MySQL drops a number such as 1.e before a bracket
		}
		o := oNumber
		if n == "0" || n == "1" || n[0] == '.' || n[len(n)-1] == '.' || strings.ContainsAny(n, "eE") {
			o = oBit
		}
		p.done(o, start)
		return wantOperator, true
	case tString, tOpenString:
		p.done(oString, start)
		return wantOperator, true
	case tVariable:
		if p.text[start] == '@' && start+1 < len(p.text) && p.text[start+1] == '@' {
			p.facts |= fInfo
			p.calls++
		}
		if p.text[start] == '$' || p.text[start] == '?' || p.dotted(start) {
			p.done(oName, start) // a price as often as a parameter; a field of another language
			return wantOperator, true
		}
		if p.pos == start+1 {
			p.facts |= fNameless
		}
		p.done(oVariable, start)
		return wantOperator, true
	case tName:
		if p.pos < len(p.text) && p.text[p.pos] == '[' && equalFold("array", p.text[start:p.pos]) { // ARRAY[1, 2]
			if p.next() != tName {
				return wantOperand, false
			}
			p.done(oGroup, start)
			return wantOperator, true
		}
		return p.named(oName, callUnknown)
	case tWord:
		return p.operandWord()
	case tOperator, tTilde, tBang:
		// Only signs may stand before an operand.
		switch p.text[start] {
		case '~', '!':
			single := p.pos == start+1
			if single && charClass[p.peek()] == cDigit {
				p.facts |= fInverted
			}
			return wantOperand, single
		case '+', '-':
			return wantOperand, p.pos == start+1
		}
		return wantOperand, p.onset()
	case tCompare:
		// "!!1", "=+1": a row of signs; otherwise the value begins with an operator.
		if p.text[start] == '!' && p.pos == start+2 && p.text[start+1] == '!' {
			return wantOperand, true
		}
		if p.text[start] == '@' && p.pos == start+2 && p.text[start+1] != '@' { // the variable without a name, and > behind it
			p.pos = start + 1
			p.facts |= fNameless
			p.done(oVariable, start)
			return wantOperator, true
		}
		if p.onset() {
			return p.compares(0)
		}
		return wantOperand, false
	case tAnd, tPipes:
		if !p.onset() {
			return wantOperand, false
		}
		return p.operator(k)
	case tStar:
		if c := p.level().clause; c == inList || c == inArgs || c == inReturning {
			p.solid()
			if p.level().selects {
				p.done(oGroup, start)
			} else {
				p.last = oGroup
			}
			return wantOperator, true
		}
		return wantOperand, p.onset()
	case tOpen:
		if p.tokens == 1 {
			p.facts |= fBracket
		}
		p.push(inExpr, oNone)
		return wantOperand, true
	case tSubscriptEnd:
		if p.onset() { // the value stands in a subscript or a bracketed name
			return p.operator(k)
		}
	case tClose:
		// () is an empty list of arguments; ) may also begin a value.
		if p.last == oNone && p.operands == 0 && p.depth == 0 {
			p.facts |= fOnset
			p.pop()
			return wantOperator, true
		}
		if p.level().clause == inArgs && p.text[start-1] == '(' || p.extra > 0 || p.emptyArguments(start) {
			p.done(p.pop(), start)
			return wantOperator, true
		}
	case tComma, tSemicolon:
		if p.operands == 0 && p.depth == 0 {
			p.facts |= fOnset
			return p.operator(k)
		}
	case tBraceOpen:
		// {fn now()}, {d '2020-01-01'}: ODBC and MySQL escapes.
		if k := p.next(); k == tName || k == tWord {
			return wantOperand, true
		}
	}
	return wantOperand, false
}

// dotted reports whether the variable at start is one of another language's, which has fields:
// @request.auth.id.
func (p *parser) dotted(start int) bool {
	name := p.text[start:p.pos]
	return len(name) > 2 && name[0] == '@' && name[1] != '@' && strings.IndexByte(name, '.') > 0
}

// onset reports whether the value just begins: then it may go on where the query's own operand ended.
func (p *parser) onset() bool {
	if p.operands == 0 && p.depth == 0 && p.tokens == 1 {
		p.facts |= fOnset
		return true
	}
	return false
}

// emptyArguments reports whether nothing but space stands between "(" and the ")" at pos.
func (p *parser) emptyArguments(pos int) bool {
	for i := pos - 1; i >= 0 && pos-i < 32; i-- {
		if p.text[i] == '(' {
			return p.level().clause == inArgs
		}
		if charClass[p.text[i]] != cSpace {
			return false
		}
	}
	return false
}

// operandWord reads a word that SQL knows where an operand is expected.
func (p *parser) operandWord() (state, bool) {
	start, c := p.start, p.call
	switch w := p.word; w {
	case wNull:
		p.done(oNull, start)
		return wantOperator, true
	case wTrue:
		p.done(oTrue, start)
		return wantOperator, true
	case wNot, wPrefix:
		if w == wPrefix && (p.wordEndsOperand() || c != callUnknown && p.peek() == '(') {
			return p.named(oName, c)
		}
		if w == wNot && p.onset() {
			// The value may begin with NOT LIKE.
			saved := p.lexer
			if k := p.next(); k == tWord && (p.word == wLike || p.word == wIn || p.word == wBetween) {
				p.lexer = saved
				return p.operator(tWord)
			}
			p.lexer = saved
		}
		if w == wPrefix {
			p.facts |= fPrefix
		}
		return wantOperand, true
	case wAll:
		if p.has(fCompare) && p.peek() == '(' { // x > ALL (SELECT ...)
			p.next()
			p.push(inArgs, oCall)
			return wantOperand, true
		}
		return wantOperand, p.level().selects || p.level().clause == inArgs
	case wTop:
		if p.level().selects && charClass[p.peek()] == cDigit {
			p.next()
			p.solid()
			return wantOperand, true
		}
		return p.named(oName, c)
	case wExists:
		if p.peek() != '(' {
			return p.named(oName, c)
		}
		p.next()
		p.push(inArgs, oCall)
		return wantOperand, true
	case wCase:
		p.push(inCase, oNone)
		return wantOperand, true
	case wWhen:
		return wantOperand, p.level().clause == inCase
	case wElse:
		return wantOperand, p.level().clause == inCase
	case wSelect:
		return p.selects()
	case wUnion:
		if p.onset() || p.justOpened(start) {
			return p.operator(tWord)
		}
	case wWith:
		if p.onset() {
			p.facts &^= fOnset
			return p.with()
		}
		return p.named(oName, c)
	case wValues, wTable:
		if p.facts&fUnion != 0 {
			return wantOperand, true
		}
		return p.named(oName, c)
	case wFrom:
		// SUBSTR(x FROM 1), TRIM(BOTH FROM x): without an operand before, only in arguments.
		if p.level().clause == inArgs {
			return wantOperand, true
		}
	case wAnd, wOr, wXor, wLike, wIs, wIsNull, wIn, wBetween, wDiv, wWhere, wGroup, wOrder, wHaving, wLimit, wInto,
		wProcedure, wAs, wSounds, wCollate:
		if p.onset() && p.peek() != '(' || p.onset() && (w == wAnd || w == wOr || w == wXor || w == wIn || w == wLike || w == wWhere || w == wHaving) {
			return p.operator(tWord)
		}
		if w == wLimit || w == wIsNull {
			return p.named(oName, c)
		}
		if c != callUnknown && p.peek() == '(' {
			return p.named(oName, c)
		}
	default:
		if w.beginsStatement() {
			if (p.peek() != '(' || w == wExec) && p.onset() {
				p.facts &^= fOnset
				return p.statement(tWord)
			}
			if c != callUnknown && p.peek() == '(' || w.soft() {
				return p.named(oName, c)
			}
			return wantOperand, false
		}
		if w == wJoin || w == wOn || w == wBy {
			if c == callUnknown || p.peek() != '(' {
				return wantOperand, false
			}
		}
		return p.named(oName, c)
	}
	return wantOperand, false
}

// justOpened reports whether the token at pos follows an opening bracket.
func (p *parser) justOpened(pos int) bool {
	for i := pos - 1; i >= 0 && pos-i < 16; i-- {
		if charClass[p.text[i]] != cSpace {
			return p.text[i] == '('
		}
	}
	return false
}

// wordEndsOperand reports whether what follows a prefix word shows that it was a name.
func (p *parser) wordEndsOperand() bool {
	switch c := p.peek(); c {
	case 0, '=', ',', ')', ';', '<', '>', '*', '/', '.', '|', '&':
		return true
	}
	return false
}

// named reads the rest of a name: a.b.c, a..b, f(.
func (p *parser) named(o operand, c call) (state, bool) {
	start := p.start
	server := c == catalog
	var next byte
	if p.pos < len(p.text) {
		next = p.text[p.pos]
	}
	pack := (next == '.' || next == '(' || charClass[next] == cSpace) && isPackage(p.text[start:p.pos])
	dotted := false
	for p.pos+1 < len(p.text) && p.text[p.pos] == '.' {
		saved := p.lexer
		for p.pos < len(p.text) && p.text[p.pos] == '.' {
			p.pos++
		}
		if p.pos < len(p.text) && charClass[p.text[p.pos]] == cSpace {
			p.lexer = saved
			break
		}
		from := p.pos
		switch k := p.next(); k {
		case tName, tWord:
			c = p.call
			dotted = true
			server = server || c == catalog
			pack = pack || isPackage(p.text[from:p.pos])
		case tStar:
			o = oName
		case tNumber:
		default:
			p.lexer = saved
			p.done(o, start)
			return wantOperator, false
		}
	}
	if server {
		p.facts |= fCatalog
		p.solid()
	}
	if dotted && p.level().selects && p.level().clause == inFrom {
		p.solid()
	}
	if p.peek() == '(' {
		p.next()
		if pack {
			c = callDanger
		} else if dotted && c != callDanger {
			c = callUnknown // time.Sleep, x.lower: another language's
		}
		switch c {
		case callUnknown, catalog:
			p.facts |= fUnknown
			p.push(inArgs, oUnknown)
		case callInfo:
			p.facts |= fInfo | fCall
			p.solid()
			p.push(inArgs, oInfo)
		case callDelay:
			p.facts |= fDelay | fCall
			p.solid()
			p.push(inArgs, oCall)
		case callDanger:
			p.facts |= fDanger | fCall
			p.solid()
			p.push(inArgs, oCall)
		default:
			p.facts |= fCall
			if p.has(fSelect) {
				p.solid()
			}
			p.push(inArgs, oCall)
		}
		name := trim(p.text[start : p.pos-1])
		if branches(name) {
			p.facts |= fBranch
			p.level().branch = true
		}
		if c != callUnknown && c != catalog && !equalFold("if", name[:min(2, len(name))]) {
			p.calls++ // IF is every language's
			if p.depth > 1 && p.levels[p.depth-1].call == oCall {
				p.facts |= fNested
			}
		}
		if p.first == oNone {
			p.first = p.level().call
		}
		return wantOperand, true
	}
	if pack && dotted {
		p.facts |= fDanger
	}
	if c == callKnown && !dotted && isNow(p.text[start:p.pos]) {
		o = oCall
		p.facts |= fCall
	}
	if c == callInfo && !dotted && strings.IndexByte(p.text[start:p.pos], '_') > 0 {
		o = oInfo // CURRENT_USER needs no brackets
		p.facts |= fInfo
	}
	p.done(o, start)
	return wantOperator, true
}

// branches reports whether a name is that of a function that chooses among its arguments.
func branches(name string) bool {
	for _, f := range [...]string{"if", "iif", "ifnull", "nullif", "elt", "nvl", "coalesce"} {
		if equalFold(f, name) {
			return true
		}
	}
	return false
}

// isNow reports whether a name is one of the functions of time that need no brackets
// (ISO/IEC 9075-2 section 6.32, and MySQL's).
func isNow(name string) bool {
	for _, now := range [...]string{"current_date", "current_time", "current_timestamp", "localtimestamp", "utc_date", "utc_time", "utc_timestamp"} {
		if equalFold(now, name) {
			return true
		}
	}
	return false
}

// selects begins the list of a SELECT.
func (p *parser) selects() (state, bool) {
	l := p.level()
	l.clause, l.selects, l.aliased = inList, true, false
	p.facts |= fSelect
	p.tainted = false
	if p.comparing && p.depth > 0 {
		l.waiting, l.left = true, p.left
	}
	p.comparing, p.logic = false, false
	return wantOperand, true
}
