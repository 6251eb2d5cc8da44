package sql

import (
	"strings"

	"kongwaf/detect/attack/swar"
	"kongwaf/detect/attack/value"
)

// numbers reads the text from each number in it that an operator, a UNION or a semicolon
// follows. What stands before it may be anything: an application cuts the number out of a
// text, or the words are nothing but dressing. Only what is SQL and nothing else counts. A
// reading goes on for a few tokens; what all of them read is counted.
func numbers(v *value.Value, text string) value.Match {
	var best value.Match
	if !v.Traits.Any(value.Equals|value.Less|value.ParenOpen|value.Semicolon) && !v.Pairs.Any(value.LetterUN) {
		return best
	}
	for i := nextNumber(text, 1); i < len(text) && best.Confidence < blocked; i = nextNumber(text, i+1) {
		end := i
		for end < len(text) && (charClass[text[end]] == cDigit || charClass[text[end]] == cName && text[end] < 0x80) {
			end++
		}
		if !joins(text, end) || compared(text, i) {
			i = end
			continue
		}
		m, stop := read(text, i, context{at: i, within: true})
		if m.Confidence >= beyondProse {
			best = best.Better(m)
		}
		if !v.Work.Spend(stop - i) {
			break
		}
		i = end
	}
	return best
}

// compared reports whether what begins at i is the right side of a comparison on its line:
// x > 0 and 1 == 1.
func compared(text string, i int) bool {
	k := i
	for k > 0 && i-k < 16 && charClass[text[k-1]] == cSpace && text[k-1] != '\n' {
		k--
	}
	return k > 0 && k < i && strings.IndexByte("<>=", text[k-1]) >= 0
}

// beyondProse is what a number in a text must reach: no sentence does.
const beyondProse = 0.75

// nextNumber returns where, from i on, the first digit behind a blank or a > stands, len(text) if
// none does. i is at least 1. It takes eight bytes at a time.
func nextNumber(text string, i int) int {
	for ; i+8 <= len(text); i += 8 {
		before, at := swar.Load(text, i-1), swar.Load(text, i)
		blank := swar.Below(before, ' '+1) | swar.Below(before^'>'*swar.Ones, 1)
		if blank&swar.Below(at^'0'*swar.Ones, 10) != 0 {
			if found := slowNextNumber(text[:i+8], i); found < i+8 {
				return found
			}
		}
	}
	return slowNextNumber(text, i)
}

// slowNextNumber is nextNumber, the obvious way.
func slowNextNumber(text string, i int) int {
	for ; i < len(text); i++ {
		if '0' <= text[i] && text[i] <= '9' && (text[i-1] <= ' ' || text[i-1] == '>') {
			break
		}
	}
	return i
}

// joins reports whether the text goes on at i like an injection into a number.
func joins(text string, i int) bool {
	for i < len(text) && charClass[text[i]] == cSpace {
		i++
	}
	if i >= len(text) {
		return false
	}
	switch text[i] {
	case ';':
		return true
	case '/':
		return strings.HasPrefix(text[i:], "/*")
	case 'a', 'A', 'o', 'O', 'u', 'U', 'x', 'X':
		return firstWord(text[i:]).joinsOperands()
	}
	return false
}
