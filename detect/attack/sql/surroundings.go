package sql

import "strings"

// opens reports whether the quote at i looks like an opening one: select 'and'.
func opens(s string, i int) bool {
	return i > 0 && i+1 < len(s) && strings.TrimSpace(s[:i]) != "" && charClass[s[i-1]] == cSpace && charClass[s[i+1]] != cSpace
}

// tiny reports whether s has at most two characters beside white space.
func tiny(s string) bool { return len(s) < 32 && len(strings.TrimSpace(s)) <= 2 }

// spaced reports whether s has more than one word, as white space separates them.
func spaced(s string) bool {
	inside, after := false, false
	for i := 0; i < len(s); i++ {
		if charClass[s[i]] == cSpace {
			after = inside
			continue
		}
		if after {
			return true
		}
		inside = true
	}
	return false
}

// wordCount counts runs of letters, up to a few.
func wordCount(s string) int {
	n, in := 0, false
	for i := 0; i < len(s) && n < 3; i++ {
		letter := charClass[s[i]] == cName
		if letter && !in {
			n++
		}
		in = letter
	}
	return n
}

// plain reports whether s looks like an ordinary short value: at most two words, and none
// of the marks that program text is full of.
func plain(s string) bool {
	if len(s) > 64 || wordCount(s) > 2 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '[', '{', '<', '>', '=', ')', '}', ']', ',', ';', '"', '\'', '\\', '`', ':', '|', '/', '\n':
			return false
		}
	}
	return true
}
