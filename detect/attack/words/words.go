// Package words holds fixed sets of words (command names, function names, file names)
// and looks texts up in them, ignoring ASCII case, without allocating.
//
// A miss is what nearly every lookup of benign traffic ends in, so it is cheap: most
// texts leave after one look at their length, first and last byte.
package words

import "strings"

// Group is a list of words, separated by blanks, and the kinds they get.
type Group struct {
	Kind  uint32
	Words string
}

// Set is a set of lower-case words with the kinds of each. It is immutable after New and
// safe for concurrent use. The zero value is not usable.
type Set struct {
	// first and last have, for each first and last byte, a bit for each length (1 to 63)
	// that occurs.
	first, last [256]uint64
	slots       []slot
	mask        uint32
}

type slot struct {
	word string
	kind uint32
}

// New returns the set of the groups' words. A word named by several groups gets the
// kinds of all of them. Words longer than 63 bytes cannot be held and are a programming
// error: New panics, as regexp.MustCompile does.
func New(groups ...Group) *Set {
	kinds := map[string]uint32{}
	for _, g := range groups {
		for _, w := range strings.Fields(strings.ToLower(g.Words)) {
			if len(w) > 63 {
				panic("words: too long: " + w)
			}
			kinds[w] |= g.Kind
		}
	}
	size := uint32(8)
	for int(size) < 3*len(kinds) {
		size *= 2
	}
	s := &Set{slots: make([]slot, size), mask: size - 1}
	for w, k := range kinds {
		note(&s.first, w[0], len(w))
		note(&s.last, w[len(w)-1], len(w))
		i := hash(w) & s.mask
		for s.slots[i].word != "" {
			i = (i + 1) & s.mask
		}
		s.slots[i] = slot{word: w, kind: k}
	}
	return s
}

// note notes the length for a byte, a letter in either case.
func note(lengths *[256]uint64, c byte, n int) {
	lengths[c] |= 1 << n
	if 'a' <= c && c <= 'z' {
		lengths[c-'a'+'A'] |= 1 << n
	}
}

// Of returns the kinds of the word, 0 if it is not in the set.
func (s *Set) Of(word string) uint32 {
	if n := len(word); n == 0 || n > 63 || s.first[word[0]]&s.last[word[n-1]]&(1<<n) == 0 {
		return 0
	}
	return s.find(word)
}

func (s *Set) find(word string) uint32 {
	for i := hash(word) & s.mask; s.slots[i].word != ""; i = (i + 1) & s.mask {
		if equalFold(word, s.slots[i].word) {
			return s.slots[i].kind
		}
	}
	return 0
}

// OfBytes is Of for a word that was put together in a buffer.
func (s *Set) OfBytes(word []byte) uint32 {
	if n := len(word); n == 0 || n > 63 || s.first[word[0]]&s.last[word[n-1]]&(1<<n) == 0 {
		return 0
	}
	h := uint32(2166136261)
	for i := 0; i < len(word); i++ {
		h = (h ^ uint32(Lower(word[i]))) * 16777619
	}
	for i := h & s.mask; s.slots[i].word != ""; i = (i + 1) & s.mask {
		if equalFold(string(word), s.slots[i].word) {
			return s.slots[i].kind
		}
	}
	return 0
}

// HasPrefix reports whether text begins with the lower-case prefix, ignoring ASCII case.
func HasPrefix(text, prefix string) bool {
	return len(text) >= len(prefix) && equalFold(text[:len(prefix)], prefix)
}

// Index returns where the lower-case word first occurs in text, ignoring ASCII case, -1
// if it does not. It is meant for short texts: its cost is the product of the lengths at worst.
func Index(text, word string) int {
	first := word[0]
	for i := 0; i+len(word) <= len(text); i++ {
		if Lower(text[i]) == first && equalFold(text[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}

// Lower returns the byte, A to Z folded to a to z.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// hash is FNV-1a over the folded bytes.
func hash(word string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(word); i++ {
		h = (h ^ uint32(Lower(word[i]))) * 16777619
	}
	return h
}

// equalFold reports whether text, folded, equals the lower-case word.
func equalFold(text, word string) bool {
	if len(text) != len(word) {
		return false
	}
	for i := 0; i < len(text); i++ {
		if Lower(text[i]) != word[i] {
			return false
		}
	}
	return true
}
