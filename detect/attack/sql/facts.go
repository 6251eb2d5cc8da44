package sql

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
	fInverted                   // a number with ! or ~ before it
	fBranch                     // a function that chooses among its arguments, called
	fNested                     // a function of SQL's in another's arguments
	fCaseEnd                    // the END of a CASE that the query began
	fReturning                  // RETURNING behind a value of INSERT, UPDATE or DELETE
	fFilter                     // the value begins with a comparison of a name
	fListName                   // a column's name in a SELECT's list
	fNameless                   // MySQL's variable without a name
)

// fTelling is what leaves no doubt that a comment behind it was meant to cut the query off.
const fTelling = fConst | fSame | fCalled | fTrue | fDelay | fDanger | fSub | fUnionList | fOrderNum

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
	oBit // the numbers 0 and 1, and those that only a program writes: .1, 1e0
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
	inReturning // the list of RETURNING
)

// level is what the parser knows of one level of brackets; level 0 is outside of all.
type level struct {
	clause   clause
	call     operand // what the call that this level holds the arguments of will be
	selects  bool    // begins with SELECT
	solid    bool    // the SELECT has something that prose lacks
	aliased  bool    // an alias may not be followed by another
	ternary  bool    // BETWEEN waits for its AND
	wasWhere bool    // WHERE or HAVING was read
	compared bool    // two constants
	strings  bool    // a literal is in the list
	branch   bool    // the arguments of a function that chooses among them
	tainted  bool    // see parser.tainted, as it was outside
	waiting  bool    // a comparison waits for the SELECT's result; left is its left side
	left     operand
}

const (
	maxLevels = 32
	// maxUnopened bounds the brackets of the query that a value closes.
	maxUnopened = 100
	// maxTokens bounds one reading. A value that closes its literal and goes on as SQL for
	// so long is no accident (see weighClosed); a bare list of so many numbers is data.
	maxTokens = 20000
	// maxLate bounds a reading from the middle of a text: a UNION shows within a few tokens
	// whether a SELECT with a list follows.
	maxLate = 64
)

// state is what the grammar expects next.
type state uint8

const (
	wantOperand state = iota
	wantOperator
	wantStatement
)
