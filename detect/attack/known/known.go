// Package known remembers what has been judged harmless, so that it need not be judged again:
// the same names, words and header lines come with request after request.
//
// All three memories are exact, for they compare every byte and whatever else the judgement
// rests on; bounded, for each is a fixed table in which what collides replaces each other;
// and they allocate nothing. What is put in must have been judged whole and found harmless:
// nothing here decides that. Whoever makes texts collide makes the engine forget, nothing else.
package known

import "kongwaf/detect/attack/swar"

// Memory is the three memories. It is large; the zero value is empty and ready. It is not
// safe for concurrent use.
type Memory struct {
	Names Names
	Texts Texts
	Lines Lines
}

// hash mixes the length and up to 24 bytes of s: enough to find a row, not to tell texts apart.
func hash(s string) uint64 {
	const mix = 0x9E3779B97F4A7C15
	h := uint64(len(s)) * mix
	if len(s) >= 8 {
		h ^= swar.Load(s, 0) * mix
		h = (h^h>>29)*mix ^ swar.Load(s, len(s)-8)
		h = (h^h>>31)*mix ^ swar.Load(s, (len(s)-8)/2)
	} else if len(s) >= 4 {
		first, last := s[:4], s[len(s)-4:]
		h ^= uint64(first[0]) | uint64(first[1])<<8 | uint64(first[2])<<16 | uint64(first[3])<<24 |
			uint64(last[0])<<32 | uint64(last[1])<<40 | uint64(last[2])<<48 | uint64(last[3])<<56
	} else if len(s) > 0 {
		h ^= uint64(s[0]) | uint64(s[len(s)/2])<<8 | uint64(s[len(s)-1])<<16
	}
	h *= mix
	return h ^ h>>32
}
