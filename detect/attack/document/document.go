// Package document tells documents from parameter values.
//
// Injection payloads are written to leave one word or one line of somebody else's code.
// A posted README, a shell script, a source file or a letter holds commands, paths and
// header lines as its *content*. Language packages ask here before they trust a weak sign.
//
// It is a judgement about form only, and an attacker can dress a payload as a document:
// signs that need no context (an exploit's own syntax) must not depend on it.
package document

import "strings"

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
	lineHasText := false
	letters := 0 // of the word so far, -1 if it is no word of a language
	for i := 0; i <= len(text); i++ {
		c := byte('\n')
		if i < len(text) {
			c = text[i]
		}
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80 || c == '\'' && letters > 0:
			if letters >= 0 {
				letters++
			}
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if letters >= 2 {
				words++
			}
			letters = 0
			if c == '\n' || c == '\r' {
				if lineHasText {
					lines++
				}
				lineHasText = false
			}
			continue
		case letters >= 0 && (c == ',' || c == '.' || c == ':' || c == ';' || c == '?' || c == '!' || c == ')' || c == '(' || c == '"'):
			// A mark at either end of a word; inside, it makes a name or a path of it.
			if i+1 < len(text) && text[i+1] > ' ' && letters > 0 {
				letters = -1
			}
		default:
			letters = -1
		}
		lineHasText = true
	}
	switch {
	case lines >= 4 && words >= 4:
		return Document
	case words >= 10:
		return Prose
	}
	return Line
}

// Noise reports whether a text is printable noise: a sensor's readings, an encrypted or
// scrambled blob in an alphabet of all marks. Such texts hold every operator of every
// language, and no name longer than chance makes.
func Noise(text string) bool {
	if len(text) < 24 || len(text) < 64 && strings.IndexByte(text, ' ') >= 0 {
		return false
	}
	if len(text) > look {
		text = text[:look]
	}
	var seen [128]bool
	marks, distinct, letters, runs := 0, 0, 0, 0
	inRun := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if 'a' <= c|0x20 && c|0x20 <= 'z' {
			letters++
			if !inRun {
				runs++
			}
			inRun = true
			continue
		}
		inRun = false
		if c > ' ' && c < 0x7f && (c < '0' || c > '9') {
			marks++
			if !seen[c] {
				seen[c] = true
				distinct++
			}
		}
	}
	return distinct >= 9 && marks*5 >= len(text) && runs*27 > letters*10
}
