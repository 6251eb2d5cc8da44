package value

// Pairs is the set of telling pairs of neighbouring bytes that occur in a text: one bit for
// each kind. Where Traits say that a dot and a slash occur somewhere, Pairs say that they
// stand side by side. A language package passes over values that lack the pairs without
// which nothing that it looks for can be written.
type Pairs uint64

// The pairs. A byte in lower case stands for itself only, unless said otherwise.
const (
	DotDot          Pairs = 1 << iota // ..
	DotSlash                          // ./ and .\
	Underscores                       // __
	ZeroX                             // 0x, 0X
	ColonSlash                        // :/ and :\
	ColonColon                        // ::
	ColonLetter                       // : and a letter
	ColonDigit                        // : and a digit or a plus
	SchemeColon                       // a colon behind p, s or r in any case
	ClassColon                        // a colon behind O, C or o
	SlashSlash                        // //
	PipePath                          // | and a slash or a blank
	LessLetter                        // < and a letter
	LessExclamation                   // <!
	LessQuestion                      // <?
	LessPercent                       // <%
	LessSlash                         // </
	LessHash                          // <#
	LessBlank                         // < and white space or a control character
	Call                              // ( behind a letter, a digit, _ or a blank
	LetterParen                       // ( behind a letter
	ParenJ                            // ( and j in any case
	AtParen                           // @(
	MarkBrace                         // { behind one of $ % # * @ ~
	BraceMark                         // { and one of { % # @ =
	BraceWord                         // { and a letter or one of _ $ . /
	BracketMark                       // [ and one of [ ( #
	HashWord                          // # and a letter, a digit or _
	AtPackage                         // @ and j, o or c in any case: a Java package
	AtKey                             // @ or $, and t or c
	PercentX                          // %x
	BackslashWord                     // \ and a letter
	DollarWord                        // $ and a letter or _
	DollarMark                        // $$
	Tag                               // ! and one of r p < !
	WideBreak                         // the first two bytes of characters that end in those of CR or LF
	CapitalL                          // sL, as in classLoader
	LetterYP                          // yp, as in prototype
	LetterUC                          // uc, as in constructor
	BlankAfterH                       // a blank behind h or H, as in DETACH DELETE
	DotAfterT                         // t. or w., as in document. and window.
	DoubleOperator                    // || or &&
	DoubleHyphen                      // --
	ColonEquals                       // :=
	SlashAfterN                       // n/, as in bin/
	ShiftA                            // + or & and A, as in UTF-7
	Reference                         // & and # or the first letter of lt, gt, amp, quot, nbsp in either case
	LetterUN                          // un in any case, as in UNION
	ScriptColon                       // a colon behind t or a in any case or behind a blank: a script scheme
	GroupCall                         // ( behind a closing bracket or a quote, as in (f)(x)
	DotTop                            // a dot and the first letter of a top-level domain that scanners call out to

	// The first two bytes of the text.
	HeadDot     // a dot, whatever follows
	HeadHyphen  // a hyphen, whatever follows
	HeadDir     // et, wi, we, in and their mixtures in any case: a directory of secrets
	HeadStream  // rO, ac, gA, Y3, BA, /w and their mixtures: a stream of objects, a scanner's canary
	HeadPackage // co, or, ja, sy ... and their mixtures in any case: a package of classes
)

// pairOf holds, for each byte, the pairs that it can be the first and the second of.
var pairOf = func() (t [256]struct{ first, second Pairs }) {
	const (
		lower  = "abcdefghijklmnopqrstuvwxyz"
		upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		letter = lower + upper
		digit  = "0123456789"
	)
	low := "\x7f"
	for c := range byte(' ' + 1) {
		low += string(rune(c))
	}
	for _, row := range []struct {
		pair          Pairs
		first, second string
	}{
		{DotDot, ".", "."},
		{DotSlash, ".", `/\`},
		{Underscores, "_", "_"},
		{ZeroX, "0", "xX"},
		{ColonSlash, ":", `/\`},
		{ColonColon, ":", ":"},
		{ColonLetter, ":", letter},
		{ColonDigit, ":", digit + "+"},
		{SchemeColon, "psrPSR", ":"},
		{ClassColon, "OCo", ":"},
		{SlashSlash, "/", "/"},
		{PipePath, "|", "/ "},
		{LessLetter, "<", letter},
		{LessExclamation, "<", "!"},
		{LessQuestion, "<", "?"},
		{LessPercent, "<", "%"},
		{LessSlash, "<", "/"},
		{LessHash, "<", "#"},
		{LessBlank, "<", low},
		{Call, letter + digit + "_ ", "("},
		{LetterParen, letter, "("},
		{GroupCall, ")]\"'", "("},
		{ParenJ, "(", "jJ"},
		{AtParen, "@", "("},
		{MarkBrace, "$%#*@~", "{"},
		{BraceMark, "{", "{%#@="},
		{BraceWord, "{", letter + "_$./"},
		{BracketMark, "[", "[(#"},
		{HashWord, "#", letter + digit + "_"},
		{AtPackage, "@", "jJoOcC"},
		{AtKey, "@$", "tc"},
		{PercentX, "%", "x"},
		{BackslashWord, `\`, letter},
		{DollarWord, "$", letter + "_"},
		{DollarMark, "$", "$"},
		{Tag, "!", "rp<!"},
		{WideBreak, "\xE5", "\x98"},
		{WideBreak, "\xC4", "\x8A\x8D"},
		{CapitalL, "s", "L"},
		{LetterYP, "y", "p"},
		{LetterUC, "u", "c"},
		{BlankAfterH, "hH", " "},
		{DotAfterT, "tw", "."},
		{DoubleOperator, "|", "|"},
		{DoubleOperator, "&", "&"},
		{DoubleHyphen, "-", "-"},
		{ColonEquals, ":", "="},
		{SlashAfterN, "n", "/"},
		{ShiftA, "+&", "A"},
		{Reference, "&", "#lgaqnLGAQ"},
		{LetterUN, "uU", "nN"},
		{ScriptColon, "tTaA" + low, ":"},
		{DotTop, ".", "ncsmplofihagdrtNCSMPLOFIHAGDRT"},
	} {
		for i := range len(row.first) {
			t[row.first[i]].first |= row.pair
		}
		for i := range len(row.second) {
			t[row.second[i]].second |= row.pair
		}
	}
	return t
}()

// headOf is pairOf for the first two bytes of a text.
var headOf = func() (t [256]struct{ first, second Pairs }) {
	for _, row := range []struct {
		pair          Pairs
		first, second string
	}{
		{HeadDir, "ewiEWI", "tienTIEN"},
		{HeadStream, "raAgYB/", "OcCpPA123w"},
		{HeadPackage, "cobgjnsmpCOBGJNSMP", "orslhaeduyiORSLHAEDUYI"},
	} {
		for i := range len(row.first) {
			t[row.first[i]].first |= row.pair
		}
		for i := range len(row.second) {
			t[row.second[i]].second |= row.pair
		}
	}
	for c := range t {
		t[c].second |= HeadDot | HeadHyphen
	}
	t['.'].first |= HeadDot
	t['-'].first |= HeadHyphen
	return t
}()

// Any reports whether at least one of the pairs in want occurs.
func (p Pairs) Any(want Pairs) bool { return p&want != 0 }

// All reports whether every pair in want occurs.
func (p Pairs) All(want Pairs) bool { return p&want == want }
