package sql

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// score weighs what was read.
func (p *parser) score(c context) value.Match {
	conf, shape := p.weigh(c)
	if conf == 0 {
		return value.Match{}
	}
	return p.match(c, conf, shape)
}

func (p *parser) has(f fact) bool { return p.facts&f != 0 }

func (p *parser) weigh(c context) (float64, string) {
	if c.late {
		switch {
		case p.has(fUnion) && p.end == endLong:
			return 0.9, "union, endless"
		case !p.has(fUnionList) || !p.has(fSelect):
			return 0, ""
		case p.whole() && p.has(fSelectSQL|fFrom):
			return 0.9, "union select"
		case p.has(fSelectSQL):
			return 0.75, "union select"
		}
		return 0.3, "union select"
	}
	if c.within && !p.has(fConst|fDelay|fDanger|fUnionList|fStatement|fSub) {
		return 0, "" // "x > 0 and len(y) == 0" is a program's condition
	}
	if conf, shape := p.constructs(c); conf > 0 {
		// In program text a literal often begins with a statement: query("SELECT ...").
		if p.juxtaposed && c.quote != 0 && p.end != endComment && (!plain(p.text[:c.at]) || opens(p.text, c.at)) {
			conf = min(conf, 0.35)
		}
		// An injection that works is SQL to its end. Program text with a query in it is not.
		if p.end == endBroken && c.quote != 0 && !p.has(fStatement) && !plain(p.text[:c.at]) {
			conf = min(conf, 0.35)
		}
		return conf, shape
	}
	if c.quote != 0 {
		return p.weighClosed(c)
	}
	return p.weighBare()
}

// whole reports whether the text was SQL to its end.
func (p *parser) whole() bool { return p.end != endWanting && p.end != endBroken && !p.skipped }

// remarkText returns the text of the comment that leaves out the rest of the line.
func (p *parser) remarkText() string {
	text := p.text[p.commentStart:]
	if n := strings.IndexByte(text, '\n'); n >= 0 {
		return text[:n]
	}
	return text
}

// clean reports whether the text leaves the rest of the query valid.
func (p *parser) clean() bool { return p.end == endComment || p.end == endOpen }

// ownStatement is the confidence in a value that is a statement from its first word to its
// last: an attack where data was expected, and the ordinary use of an API that takes SQL. Low
// sensitivity leaves it alone.
const ownStatement = 0.78

const fLogic = fAnd | fOr | fPipes

// constructs weighs what is SQL and nothing else, wherever it stands.
func (p *parser) constructs(c context) (float64, string) {
	quoted := c.quote != 0
	onlyStatement := !quoted && !p.stacked && !p.statementWithoutOne
	switch {
	case p.has(fUnionList) && !quoted && p.first == oName && !p.has(fSelectSQL|fFrom):
		return 0.35, "union select"
	case p.has(fUnionList):
		return 0.96, "union select"
	case p.has(fStatement) && !onlyStatement:
		if !quoted && !p.stacked && p.first == oName {
			return 0.75, "statement"
		}
		return 0.96, "stacked statement"
	case p.has(fUnion):
		if (p.operands > 0 || p.seams > 0) && (p.whole() || p.end == endWanting || quoted || p.first != oName) {
			return 0.75, "union select"
		}
		return 0.3, "union select"
	case p.has(fDanger):
		if quoted || p.has(fLogic|fCompare|fSelect|fArith|fClose|fComma) || p.first != oName && p.first != oCall {
			return 0.95, "function that reaches out"
		}
		if p.has(fCall) && !p.has(fName|fUnknown) {
			return 0.8, "function that reaches out"
		}
		if p.has(fCall) {
			return 0.35, "function that reaches out"
		}
		return 0.5, "procedure name"
	case p.has(fOutfile):
		return 0.92, "into outfile"
	case p.has(fDelay):
		if quoted && p.has(fComma) || p.has(fLogic|fCompare|fSelect|fArith|fOrder|fOnset|fReturning) || p.stacked && !p.has(fName) || p.end == endComment {
			return 0.95, "delay"
		}
		if p.has(fBracket) && p.whole() && !p.has(fName) {
			return 0.75, "delay"
		}
		if p.end == endBroken || p.has(fName) {
			return 0.3, "delay"
		}
		return 0.5, "delay"
	case p.has(fStatement):
		return ownStatement, "statement"
	case p.has(fSub):
		if p.whole() || quoted {
			return 0.95, "subquery"
		}
		return 0.8, "subquery"
	case p.has(fSubOpen) && p.has(fBracket) && (p.calls > 0 || p.has(fInfo)):
		return 0.75, "subquery"
	case p.has(fSubOpen) && !quoted && !p.has(fFrom|fInfo|fCatalog|fHaving|fConst|fCompare) && p.calls == 0:
		return 0.35, "subquery"
	case p.has(fSubOpen) && (quoted || p.has(fLogic|fCompare|fArith) || p.stacked):
		if quoted || p.first != oName {
			return 0.9, "subquery"
		}
		return 0.75, "subquery"
	case p.stacked && p.has(fCall) && p.has(fConst|fCalled) && p.whole() && (quoted || p.first != oName):
		return 0.85, "stacked statement"
	case p.has(fCatalog) && p.has(fSelect):
		return 0.9, "catalogue table"
	case p.has(fSelect) && !p.has(fLogic):
		return p.weighSelect(quoted)
	case p.has(fSelect) && !p.has(fConst|fCalled):
		return p.weighSelect(quoted)
	case p.has(fReturning):
		switch {
		case quoted && p.clean(), (quoted || p.first.constant()) && p.whole() && p.has(fCall|fInfo|fSelect):
			return 0.85, "returning"
		case quoted && p.whole() && plain(p.text[:c.at]) && !spaced(p.text[:c.at]), p.first.constant() && p.end == endComment, p.first.constant() && p.whole() && p.last == oGroup:
			return 0.75, "returning"
		}
		return 0.3, "returning"
	case p.has(fCaseEnd) && (quoted || p.first.constant()) && (p.end == endComment || p.whole() && p.has(fConst|fCalled|fInfo)):
		return 0.8, "case closed"
	case p.has(fCase) && p.whole():
		if quoted || p.first != oName {
			return 0.85, "case when"
		}
		return 0.5, "case when"
	}
	return 0, ""
}

// weighSelect weighs a SELECT that is neither in brackets nor behind a UNION.
func (p *parser) weighSelect(quoted bool) (float64, string) {
	const shape = "select statement"
	solid := p.has(fSelectSQL)
	switch {
	case quoted || p.stacked && p.first.constant():
		if solid && p.whole() {
			return 0.95, shape
		}
		if p.has(fFrom) || solid {
			return 0.8, shape
		}
		return 0.3, shape
	case solid && p.has(fFrom) && p.end == endBroken && p.calls == 0 && !p.has(fInfo):
		return 0.35, shape
	case solid && p.has(fFrom):
		if p.whole() {
			return ownStatement, shape
		}
		if p.end == endWanting && p.has(fHaving) {
			return 0.75, shape
		}
		return 0.6, shape
	case solid && p.has(fCall|fInfo) && p.whole():
		return ownStatement, shape
	case solid && p.whole() && p.tokens > 3 && !p.has(fListName):
		return 0.7, shape
	case p.has(fFrom) && p.has(fHaving) && p.has(fCompare) && p.whole():
		return ownStatement, shape
	case p.has(fFrom) && p.whole() && p.seams > 0:
		return 0.75, shape
	case p.has(fFrom) && p.whole():
		return 0.35, shape // "select one from list"
	}
	return 0.1, shape
}

// weighClosed weighs a value that ended its literal.
func (p *parser) weighClosed(c context) (float64, string) {
	before := p.text[:c.at]
	wordy := spaced(before)
	if c.quote == '*' {
		return 0, ""
	}
	switch {
	case p.end == endLong && c.quote != '`':
		return 0.75, "quote closed, endless expression"
	case p.has(fLogic) && p.has(fConst|fSame|fCalled):
		switch {
		case p.whole():
			return 0.95, "quote closed, tautology"
		case !plain(before):
			return 0.35, "quote closed, tautology"
		case p.end == endWanting:
			return 0.85, "quote closed, tautology"
		}
		return 0.75, "quote closed, tautology"
	case p.has(fOrder):
		switch {
		case p.has(fOrderNum) && p.end == endComment:
			return 0.95, "quote closed, order by"
		case p.has(fOrderNum) && (p.whole() || p.commentStart > 0):
			return 0.8, "quote closed, order by"
		case p.end == endComment:
			return 0.75, "quote closed, order by"
		}
		return 0.3, "quote closed, order by"
	case p.has(fHaving) && p.has(fCompare):
		if p.clean() {
			return 0.95, "quote closed, condition"
		}
		if p.whole() {
			return 0.8, "quote closed, condition"
		}
		return 0.4, "quote closed, condition"
	case p.has(fAnd|fOr) && p.has(fCompare):
		switch {
		case p.clean() && !wordy:
			return 0.92, "quote closed, condition"
		case p.clean():
			return 0.75, "quote closed, condition"
		case p.whole() && !wordy:
			return 0.75, "quote closed, condition"
		case p.whole():
			return 0.5, "quote closed, condition"
		}
		return 0.2, "quote closed, condition"
	case p.has(fLogic):
		return p.weighLogicClosed(c, wordy)
	case p.has(fInfo|fCall) && p.has(fArith|fCompare):
		if p.clean() && plain(before) {
			return 0.85, "quote closed, function"
		}
		if p.whole() && p.has(fConst|fCalled) && plain(before) {
			return 0.75, "quote closed, function"
		}
		if p.whole() {
			return 0.5, "quote closed, function"
		}
	case p.has(fCompare | fArith | fWordOp):
		return p.weighOperators(c)
	case p.end == endComment:
		return p.weighComment(c)
	}
	return 0, ""
}

// weighLogicClosed weighs AND and OR without a comparison: ' or 1 --, ' or 'a.
func (p *parser) weighLogicClosed(c context, wordy bool) (float64, string) {
	const shape = "quote closed, logic"
	switch {
	case p.end == endComment:
		if (wordy || !plain(p.text[:c.at])) && wordCount(p.remarkText()) > 1 {
			return 0.35, shape
		}
		return 0.85, shape
	case p.end == endOpen:
		if c.quote == '\'' && tiny(p.text[:c.at]) && tiny(p.text[p.start+1:]) {
			return 0.72, shape
		}
		if !wordy && wordCount(p.text[p.start:]) <= 2 && !opens(p.text, c.at) && plain(p.text[:c.at]) && plain(p.text[p.start+1:]) {
			return 0.8, shape
		}
		return 0.35, shape
	case p.whole() && (p.has(fTrue) || p.calls > 1 && !p.has(fUnknown)):
		return 0.75, shape
	case p.whole() && !p.has(fName):
		return 0.5, shape
	case p.whole():
		return 0.25, shape
	}
	return 0, ""
}

// weighOperators weighs comparison and arithmetic between what stood before the quote and
// what follows: '=', '-', ' rlike '.
func (p *parser) weighOperators(c context) (float64, string) {
	const shape = "quote closed, operator"
	before, after := p.text[:c.at], ""
	if c.quote == '`' {
		return 0.35, shape // Markdown
	}
	if p.end == endOpen {
		after = p.text[p.start+1:]
	}
	switch {
	case p.end == endComment && !p.has(fName):
		if wordCount(p.remarkText()) > 1 || !plain(before) || opens(p.text, c.at) {
			return 0.35, shape
		}
		return 0.75, shape
	case p.end == endComment && p.has(fCompare|fWordOp) && plain(before) && wordCount(p.remarkText()) < 2:
		return 0.72, shape
	case p.end == endOpen:
		if !plain(before) || !plain(after) || p.has(fComma) {
			return 0.35, shape
		}
		if c.quote == '\'' && p.tokens <= 4 && tiny(before) && tiny(after) {
			return 0.72, shape // A '+' B: nobody writes so little prose around a quoted sign
		}
		if opens(p.text, c.at) {
			return 0.35, shape
		}
		if p.has(fName) && !p.has(fWordOp) && !p.has(fCompare) {
			return 0.35, shape
		}
		if c.quote == '"' {
			// The inch mark: 1/4"-1/2" wide.
			if before == "" || charClass[before[len(before)-1]] != cName {
				return 0.35, shape
			}
			return 0.72, shape
		}
		return 0.8, shape
	case p.whole() && p.has(fWordOp) && !p.has(fName) && c.quote != '"' && plain(before):
		return 0.7, shape
	case p.whole() && p.has(fConst):
		return 0.45, shape
	}
	return 0, ""
}

// weighComment weighs a closed quote with nothing behind it but a comment: admin'--.
func (p *parser) weighComment(c context) (float64, string) {
	const shape = "quote closed, comment"
	tail := p.remarkText()
	mark := p.text[p.commentStart-1]
	n := wordCount(tail)
	switch {
	case n > 1 || !plain(p.text[:c.at]) || opens(p.text, c.at) || c.quote == '`' || strings.IndexByte(tail, c.quote) >= 0:
		return 0.35, shape
	case p.has(fComma) && !p.has(fClose):
		return 0.5, shape
	case mark == '#' && n > 0 && !p.semicolon:
		return 0.35, shape
	case c.quote != '\'' && n > 0:
		return 0.5, shape
	}
	return 0.85, shape
}

// weighBare weighs a value read where a number or a name was expected.
func (p *parser) weighBare() (float64, string) {
	onset := p.has(fOnset)
	program := p.levels[0].clause == inStatement && !p.stacked // if (...)
	number := !program && (onset || p.first != oName && p.first != oUnknown && (p.first != oString || p.has(fBracket)))
	switch {
	case p.has(fConstArg) && p.whole():
		return 0.8, "constant comparison"
	case p.has(fLogic) && (p.has(fConst|fSame) || (number || p.has(fInfo)) && p.has(fCalled)):
		const shape = "tautology"
		switch {
		case p.end == endComment:
			return 0.95, shape
		case onset && p.has(fName) && !p.has(fConst|fSame|fInfo|fNested):
			return 0.55, shape // one more condition of a filter: and upper(name) = 'X'
		case p.has(fFilter) && !p.has(fSame):
			return 0.6, shape // a whole filter, with a constant in it
		case p.whole() && number:
			return 0.95, shape
		case p.whole() && p.has(fConst) && p.first == oString:
			return 0.9, shape
		case p.whole() && p.has(fConst|fCalled), p.whole() && onset:
			return 0.8, shape
		case p.whole() && p.has(fAnd|fOr):
			return 0.72, shape
		case p.whole():
			return 0.35, shape
		case (onset || p.first == oNumber || p.first == oBit) && number && !p.has(fBracket) && (p.has(fConst) || !onset && p.has(fCalled)):
			return 0.75, shape
		}
		return 0.35, shape
	case p.has(fHaving) && p.has(fCompare) && number && p.end == endComment:
		return 0.8, "condition"
	case p.has(fHaving) && p.has(fCompare) && number && p.whole() && p.has(fClose):
		return 0.75, "condition"
	case p.has(fHaving) && number && p.has(fClose) && p.end == endWanting && p.comparing:
		return 0.72, "condition"
	case p.has(fHaving) && p.has(fLogic) && p.has(fTrue) && p.whole() && !p.has(fCompare):
		return 0.7, "condition"
	case p.has(fHaving) && p.has(fCompare) && p.has(fConst|fCalled):
		if p.whole() && number {
			return 0.85, "condition"
		}
		return 0.4, "condition"
	case p.has(fOrder):
		switch {
		case p.has(fCall) && p.whole() && !p.has(fUnknown) && (number || p.calls > 1):
			return 0.8, "order by"
		case !number:
			return 0.3, "order by"
		case p.has(fOrderNum) && p.end == endComment:
			return 0.92, "order by"
		case p.has(fOrderNum) && p.whole():
			return 0.75, "order by"
		}
		return 0.3, "order by"
	case p.has(fAnd|fOr) && p.has(fCompare):
		switch {
		case number && p.end == endComment:
			return 0.85, "condition"
		case number && p.whole() && p.has(fLiteral|fWordOp) && !onset:
			return 0.72, "condition"
		case number && p.whole() && p.operands > 1 && !onset:
			return 0.55, "condition"
		case p.end == endComment:
			return 0.5, "condition"
		}
		return 0.2, "condition"
	case p.has(fNameless) && p.has(fLogic|fCompare) && p.whole() && !p.has(fName|fUnknown) && p.first != oVariable:
		return 0.75, "variable without a name"
	case p.has(fLogic):
		switch {
		case number && p.whole() && p.has(fInverted) && !p.has(fName|fComma):
			return 0.72, "logic"
		case number && p.end == endComment && (!p.has(fName) || p.has(fAnd|fOr) && !onset):
			return 0.8, "logic"
		case number && p.whole() && p.has(fTrue) && !p.has(fName|fComma|fArith) && (p.first != oTrue || p.has(fClose|fOnset)):
			return 0.75, "logic"
		case p.whole() && (p.calls > 0 || p.has(fInfo)) && (!p.has(fName) || number && p.first != oCall && !onset && p.has(fAnd|fOr)), number && p.whole() && p.has(fWordOp) && !p.has(fName):
			return 0.72, "logic"
		case number && (p.calls > 1 || p.has(fInfo)) && !p.has(fUnknown):
			return 0.7, "logic"
		}
		return 0.3, "logic"
	case p.has(fInfo):
		switch {
		case p.end == endComment:
			return 0.8, "server information"
		case p.whole() && (p.has(fConst) || p.calls > 1) && !p.has(fName|fUnknown):
			return 0.7, "server information"
		case p.whole():
			return 0.35, "server information"
		}
	case p.whole() && p.calls >= 2 && p.has(fArith|fCompare) && number && p.first != oCall && !p.has(fUnknown):
		return 0.7, "function"
	case p.whole() && p.has(fCall) && p.has(fConst|fCalled) && !p.has(fName|fUnknown):
		return 0.75, "function"
	case p.whole() && p.has(fTruthMath) && !p.has(fName|fUnknown):
		return 0.75, "operator"
	case p.has(fCall) && p.end == endComment && !p.has(fName):
		return 0.7, "function"
	case p.has(fBranch) && p.has(fArith) && p.whole() && p.first.constant() && p.first != oCall && !p.has(fName|fUnknown):
		return 0.72, "function"
	case p.has(fWordOp) && p.whole() && !p.has(fName) && p.first != oString && !onset:
		return 0.7, "operator"
	case p.end == endComment && p.has(fArith|fWordOp|fPrefix) && !p.has(fName|fUnknown) && (p.has(fBracket) || p.first == oVariable || p.has(fPrefix|fWordOp)):
		return 0.7, "operator"
	case p.end == endComment && number && !p.has(fName|fComma|fClose) && p.cutsOff():
		return 0.7, "number, comment"
	case p.end == endComment && p.has(fClose|fComma) && p.has(fArith|fCompare|fClose) && !p.has(fName):
		return 0.4, "comment"
	}
	return 0, ""
}

// cutsOff reports whether the text ends in "--" or "/*", which leave out the rest of the query.
func (p *parser) cutsOff() bool {
	return p.text[p.commentStart-1] != '#' && strings.Trim(p.remarkText(), " +") == ""
}
