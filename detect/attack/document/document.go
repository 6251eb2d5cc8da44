// Package document tells documents from parameter values.
//
// Injection payloads are written to leave one word or one line of somebody else's code.
// A posted README, a shell script, a source file or a letter holds commands, paths and
// header lines as its *content*. Language packages ask here before they trust a weak sign.
//
// It is a judgement about form only, and an attacker can dress a payload as a document:
// signs that need no context (an exploit's own syntax) must not depend on it.
package document

// Form is how much running text a value is.
type Form uint8

// The forms, each including the ones before.
const (
	Line     Form = iota // at most two lines of little text: a parameter
	Prose                // a sentence or more
	Document             // several lines of text
)

// look is how much of a text is looked at, in bytes: enough for a verdict, and a bound on
// the cost.
const look = 16 << 10

// Of returns the form of the text. Padding is not text: empty lines and lines without a
// blank between words do not count.
func Of(text string) Form {
	if len(text) > look {
		text = text[:look]
	}
	lines, words := 0, 0
	inLine, lineHasText := 0, false
	word := 0
	for i := 0; i <= len(text); i++ {
		c := byte('\n')
		if i < len(text) {
			c = text[i]
		}
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80:
			word++
			lineHasText = true
		default:
			if word >= 2 && (c == ' ' || c == ',' || c == '.' || c == '\n' || c == '\r' || c == '?' || c == '!' || c == ':') {
				words++
			}
			word = 0
			if c > ' ' {
				inLine++
			}
			if c == '\n' || c == '\r' {
				if lineHasText || inLine > 0 {
					lines++
				}
				inLine, lineHasText = 0, false
			}
		}
	}
	switch {
	case lines >= 4 && words >= 4:
		return Document
	case words >= 10:
		return Prose
	}
	return Line
}
