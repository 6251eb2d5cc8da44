package sql

// parser reads a value as the continuation of a query: a state machine over tokens that
// knows what may follow what, and collects facts on its way. It holds no pointers but the
// text; the zero value with a text is ready for one run.
type parser struct {
	lexer
	quote  byte // the quote of the literal that the value stands in, 0 if none
	facts  fact
	end    ending
	tokens int
	most   int // tokens that are read
	// operands counts them; first is what the text began with.
	operands int
	first    operand
	last     operand

	unopened int // brackets closed that the value did not open
	depth    int
	extra    int // levels beyond maxLevels
	levels   [maxLevels]level

	// The comparison that waits for its right side.
	comparing          bool
	left               operand
	leftTainted        bool
	leftStart, leftEnd int

	lastStart, lastEnd  int  // of the latest operand
	logic               bool // AND or OR waits for its right side
	semicolon           bool // a statement was introduced by ;
	statementWithoutOne bool // a statement followed without ;
	stacked             bool // a value came before the first ;
	juxtaposed          bool // SELECT follows an operand with nothing between
	tainted             bool // a name is part of the term that is being read
	truth               bool // the latest operand is a comparison in brackets
	calls               int  // functions called that SQL knows
	unopenedCase        bool // the value stands in a CASE of the query's
	skipped             bool // a statement was passed over that is not known here
	cut                 int  // where the first comment begins that a line end closes, behind an operand
	cutFacts            fact // what had been seen there
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
		if p.tokens > p.most {
			p.end = endLong
			return
		}
		k := p.next()
		if p.remark != p.cut && p.cut == 0 && st == wantOperator {
			p.cut, p.cutFacts = p.remark, p.facts
		}
		first := p.lexer
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
				if p.cut > 0 && p.facts == p.cutFacts {
					p.commentStart = p.cut
				}
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
		if !ok && !p.has(fStatement) && p.semicolon && (p.stacked && p.first.constant() || p.quote != 0) {
			p.lexer = first
			if p.skipStatement(k) {
				st, ok, k = wantStatement, true, tSemicolon
			}
		}
		if !ok {
			p.end = endBroken
			// The rest of the line was left out; what is on the next is another's text.
			if p.cut > 0 && p.cutFacts&fTelling != 0 {
				p.end, p.facts, p.commentStart = endComment, p.cutFacts, p.cut
			}
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

// skipStatement moves behind the semicolon that ends a statement of which k is the latest
// token, and reports whether there is one: a server runs one statement after another, whatever
// they are.
func (p *parser) skipStatement(k kind) bool {
	p.unclosed()
	p.depth, p.extra = 0, 0
	p.levels[0] = level{}
	for {
		switch k {
		case tSemicolon:
			p.skipped = true
			return true
		case tEOF, tComment, tOpenString:
			return false
		}
		if p.tokens++; p.tokens > maxTokens {
			return false
		}
		k = p.next()
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
		p.unopened++
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
		if l := p.level(); l.selects && l.clause == inList {
			p.facts |= fListName
		}
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
		case p.left == oName && o == oName && p.has(fLogic) && trim(p.text[p.leftStart:p.leftEnd]) == trim(p.text[start:p.pos]):
			p.facts |= fSame
		default:
			p.facts |= fColumn
			if p.left == oName && p.operands == 2 {
				p.facts |= fFilter
			}
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

// trim cuts the spaces that peek has moved over.
func trim(name string) string {
	for name != "" && charClass[name[len(name)-1]] == cSpace {
		name = name[:len(name)-1]
	}
	return name
}

// compares notes a comparison whose left side is the latest operand.
func (p *parser) compares(f fact) (state, bool) {
	p.facts |= f | fCompare
	p.comparing = true
	p.left, p.leftStart, p.leftEnd = p.last, p.lastStart, p.lastEnd
	p.leftTainted, p.tainted = p.tainted, false
	return wantOperand, true
}
