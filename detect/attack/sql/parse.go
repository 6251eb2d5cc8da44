package sql

import "strings"

// fact is something that the parser saw while the text was still good SQL.
type fact uint64

const (
	fAnd       fact = 1 << iota // AND, &&
	fOr                         // OR, XOR
	fPipes                      // ||
	fConst                      // a comparison of two things that no column is part of: 1=1, 'a'='a', USER()=1
	fSame                       // a comparison of a name with itself: a=a
	fColumn                     // a comparison with a name
	fWordOp                     // a comparison by a word that other languages lack: RLIKE, BETWEEN, IS NULL, DIV
	fArith                      // arithmetic and bits
	fCompare                    // any comparison
	fUnion                      // UNION SELECT
	fUnionList                  // ... and at least one item of its list
	fStatement                  // a second statement, far enough to be sure of it
	fSub                        // (SELECT ...) as an operand, with FROM or something no prose has
	fSelect                     // SELECT
	fSelectSQL                  // ... with something in its list that prose lacks
	fFrom                       // FROM, with a table
	fDelay                      // SLEEP(n)
	fDanger                     // a callDanger function, called
	fInfo                       // a callInfo function or @@variable
	fCall                       // a callKnown function, called
	fUnknown                    // a function that SQL does not know
	fCase                       // CASE WHEN ... END
	fOrder                      // ORDER BY or GROUP BY
	fOrderNum                   // ... a number
	fHaving                     // HAVING, or WHERE behind an operand
	fOutfile                    // INTO OUTFILE
	fCatalog                    // a catalogue table
	fTrue                       // TRUE, FALSE, NULL, 0 or 1 as a whole operand of AND or OR
	fName                       // some operand is a plain name
	fComma                      // a list at the outermost level
	fClose                      // more brackets closed than opened
	fSubOpen                    // like fSub, but its bracket was not closed
	fConstArg                   // a comparison of two constants as a function's argument: IF(1=1, ...)
	fLiteral                    // a comparison of a name with a literal
	fCalled                     // a comparison with what a function of SQL's returns
	fBracket                    // the value begins with an opening bracket
	fPrefix                     // BINARY and its kin before an operand
	fOnset                      // the value begins with an operator
	fTruthMath                  // arithmetic with the truth of a comparison: (1=1)*2
)

// ending says how the text ended for the grammar.
type ending uint8

const (
	endWhole   ending = iota // behind an operand
	endComment               // behind an operand, with a comment that swallows the rest of the query
	endOpen                  // in a literal that the query's own quote closes
	endWanting               // where an operand was expected
	endBroken                // at something that is not SQL
	endLong                  // the budget of tokens was spent, all of them SQL
)

// operand is what the latest operand was.
type operand uint8

const (
	oNone operand = iota
	oNumber
	oBit // the numbers 0 and 1
	oString
	oNull
	oTrue
	oVariable
	oName
	oCall    // a function SQL knows
	oInfo    // VERSION() and its kin
	oUnknown // a function SQL does not know
	oSelect  // ( SELECT ... )
	oGroup   // ( ... ), CASE ... END
)

// constant reports whether no column is part of the operand.
func (o operand) constant() bool { return o != oNone && o != oName && o != oUnknown }

// clause is the part of a statement that a level of brackets is in.
type clause uint8

const (
	inExpr clause = iota
	inList
	inFrom
	inOrder
	inArgs
	inCase
	inStatement // IF and WHILE, behind which a statement may follow without ;
)

type level struct {
	clause   clause
	call     operand // what the call that this level holds the arguments of will be
	selects  bool    // begins with SELECT
	solid    bool    // the SELECT has something that prose lacks
	aliased  bool    // an alias may not be followed by another
	ternary  bool    // BETWEEN waits for its AND
	wasWhere bool
	compared bool // two constants
	strings  bool // a literal is in the list
	tainted  bool // see parser.tainted, as it was outside
	waiting  bool // a comparison waits for the SELECT's result; left is its left side
	left     operand
}

const (
	maxLevels = 32
	// maxTokens bounds one reading. An attack is decided long before; a list of more
	// tokens than this is data.
	maxTokens = 3000
)

// state is what the grammar expects next.
type state uint8

const (
	wantOperand state = iota
	wantOperator
	wantStatement
)

// parser reads a value as the continuation of a query.
type parser struct {
	lexer
	quote  byte // the quote of the literal that the value stands in, 0 if none
	facts  fact
	end    ending
	tokens int
	// operands counts them; first is what the text began with.
	operands int
	first    operand
	last     operand

	depth  int
	extra  int // levels beyond maxLevels
	levels [maxLevels]level

	// The comparison that waits for its right side.
	comparing           bool
	left                operand
	leftTainted         bool
	leftStart, leftEnd  int
	lastStart, lastEnd  int
	logic               bool // AND or OR waits for its right side
	semicolon           bool // a statement was introduced by ;
	prefixed            bool // the latest token was a word such as BINARY
	statementWithoutOne bool // a statement followed without ;
	stacked             bool // a value came before the first ;
	juxtaposed          bool // SELECT follows an operand with nothing between
	tainted             bool // a name is part of the term that is being read
	truth               bool // the latest operand is a comparison in brackets
	calls               int  // functions called that SQL knows
}

// run reads from pos, expecting first.
func (p *parser) run(pos int, first state) {
	p.pos = pos
	p.parse(first)
	p.unclosed()
}

func (p *parser) parse(first state) {
	st := first
	for {
		p.tokens++
		if p.tokens > maxTokens {
			p.end = endLong
			return
		}
		k := p.next()
		var ok bool
		switch st {
		case wantOperand:
			if k == tEOF || k == tComment {
				p.end = endWanting
				return
			}
			st, ok = p.operand(k)
		case wantOperator:
			switch k {
			case tEOF:
				p.end = endWhole
				return
			case tComment:
				p.end = endComment
				return
			}
			st, ok = p.operator(k)
		case wantStatement:
			switch k {
			case tEOF:
				p.end = endWhole
				return
			case tComment:
				p.end = endComment
				return
			}
			st, ok = p.statement(k)
		}
		if !ok {
			p.end = endBroken
			return
		}
		if k == tOpenString {
			p.end = endOpen
			if c := p.text[p.start]; p.quote != 0 && c != p.quote && (c == '\'' || c == '"' || c == '`') {
				p.end = endBroken // the query's quote is another
			}
			return
		}
	}
}

func (p *parser) level() *level { return &p.levels[p.depth] }

func (p *parser) push(c clause, call operand) {
	if p.depth+1 >= maxLevels {
		p.extra++
		return
	}
	p.depth++
	p.levels[p.depth] = level{clause: c, call: call, tainted: p.tainted}
	p.tainted = false
}

// pop closes a bracket and returns what the bracket was as an operand.
func (p *parser) pop() operand {
	if p.extra > 0 {
		p.extra--
		return oGroup
	}
	if p.depth == 0 {
		p.facts |= fClose
		p.levels[0] = level{}
		return oGroup
	}
	l := p.levels[p.depth]
	p.depth--
	p.tainted = l.tainted || p.tainted && !l.selects
	if l.waiting {
		p.comparing, p.left = true, l.left
	}
	if l.selects {
		if l.solid || l.wasWhere {
			p.facts |= fSub
			p.level().solid = true
		}
		return oSelect
	}
	if l.solid {
		p.level().solid = true
	}
	if l.clause == inArgs && l.call != oNone {
		return l.call
	}
	p.truth = l.compared
	return oGroup
}

// unclosed notes the subqueries that the text broke off in.
func (p *parser) unclosed() {
	solid := false
	for d := p.depth; d > 0; d-- {
		solid = solid || p.levels[d].solid || p.levels[d].wasWhere && p.has(fConst)
		if p.levels[d].selects && solid {
			p.facts |= fSubOpen
		}
	}
}

// solid notes that the list of the SELECT in force has something that prose lacks.
func (p *parser) solid() {
	l := p.level()
	l.solid = true
	if l.selects {
		p.facts |= fSelectSQL
	}
}

// done notes an operand that ends where the lexer stands.
func (p *parser) done(o operand, start int) {
	p.operands++
	p.truth = p.truth && o == oGroup
	if p.first == oNone {
		p.first = o
	}
	if o == oName || o == oUnknown {
		p.facts |= fName
		p.tainted = true
	} else if l := p.level(); l.clause == inList && o == oString && p.depth == 0 {
		l.strings = true
	} else if l.clause == inList {
		p.solid()
		if p.facts&fUnion != 0 {
			p.facts |= fUnionList
		}
	}
	if p.facts&fUnion != 0 && p.level().selects {
		p.facts |= fUnionList
	}
	if p.comparing {
		p.comparing = false
		switch {
		case p.left.constant() && o.constant() && !p.leftTainted && !p.tainted:
			p.facts |= fConst
			l := p.level()
			l.compared = true
			if l.clause == inArgs && l.call == oCall {
				p.facts |= fConstArg
			}
			p.solid()
		case p.left == oCall || o == oCall || p.left == oInfo && p.leftTainted || o == oInfo && p.tainted:
			p.facts |= fCalled
			p.solid()
		case p.left == oName && o == oName && p.lexer.text[p.leftStart:p.leftEnd] == p.lexer.text[start:p.pos]:
			p.facts |= fSame
		default:
			p.facts |= fColumn
			if p.left.constant() || o.constant() {
				p.facts |= fLiteral
			}
		}
	} else if p.logic && (o == oTrue || o == oBit || o == oNull) {
		p.facts |= fTrue
	}
	p.logic = false
	p.last, p.lastStart, p.lastEnd = o, start, p.pos
}

// compares notes a comparison whose left side is the latest operand.
func (p *parser) compares(f fact) (state, bool) {
	p.facts |= f | fCompare
	p.comparing = true
	p.left, p.leftStart, p.leftEnd = p.last, p.lastStart, p.lastEnd
	p.leftTainted, p.tainted = p.tainted, false
	return wantOperand, true
}

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
		if n == "0" || n == "1" {
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
		}
		if p.text[start] == '$' || p.text[start] == '?' {
			p.done(oName, start) // a price as often as a parameter
			return wantOperator, true
		}
		p.done(oVariable, start)
		return wantOperator, true
	case tName:
		return p.named(oName, callUnknown)
	case tWord:
		return p.operandWord()
	case tOperator, tTilde, tBang:
		// Only signs may stand before an operand.
		switch p.text[start] {
		case '+', '-', '~', '!':
			return wantOperand, p.pos == start+1
		}
		return wantOperand, p.onset()
	case tCompare:
		// "!!1", "=+1": a row of signs; otherwise the value begins with an operator.
		if p.text[start] == '!' && p.pos == start+2 && p.text[start+1] == '!' {
			return wantOperand, true
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
		if p.level().clause == inList || p.level().clause == inArgs {
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
		if p.level().clause == inCase && p.extra == 0 || true {
			p.push(inCase, oNone)
		}
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
			if p.level().selects {
				p.solid()
			}
			p.push(inArgs, oCall)
		}
		if c != callUnknown && c != catalog {
			p.calls++
		}
		if p.first == oNone {
			p.first = p.level().call
		}
		return wantOperand, true
	}
	if pack && dotted {
		p.facts |= fDanger
	}
	if c == callInfo && !dotted && strings.IndexByte(p.text[start:p.pos], '_') > 0 {
		o = oInfo // CURRENT_USER needs no brackets
		p.facts |= fInfo
	}
	p.done(o, start)
	return wantOperator, true
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
