// Package luapattern matches the part of Lua's string patterns that Kong schemas need, so
// that a value which Kong accepts is accepted here too, and the other way round.
//
// Supported: literal bytes, ".", the classes %a %c %d %l %p %s %u %w %x and their
// upper-case complements, %-escaped punctuation, sets [..] and [^..] with ranges and
// classes, the quantifiers * + - ?, the anchors ^ and $, and captures, which change
// nothing here because only "does it match" is asked. Refused at compile time: %b, %f,
// back references, a quantifier after a capture (Lua reads it as a literal), NUL bytes.
//
// Matching costs at most len(pattern) * len(text) steps: there is no backtracking.
//
// github.com/yuin/gopher-lua/pm is no substitute: it reads the set of Kong's own header names,
// [a-zA-Z0-9-_], otherwise than Lua 5.1, lets "a%" pass as a pattern, and takes seconds for
// five a* in a row on a hundred bytes.
package luapattern

import (
	"fmt"
	"strings"
)

// maxLength bounds a pattern; Kong schemas use a few dozen bytes.
const maxLength = 512

// Pattern is a compiled pattern. It is immutable and safe for concurrent use.
type Pattern struct {
	source   string
	items    []item
	anchored bool
	toEnd    bool
}

// item is one single-byte matcher with its quantifier.
type item struct {
	set      set
	skip     bool // may match nothing: * - ?
	multiple bool // may match more than once: * + -
}

// set is a set of bytes.
type set [4]uint64

func (s *set) add(c byte)           { s[c>>6] |= 1 << (c & 63) }
func (s *set) contains(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }
func (s *set) union(o set) {
	for i := range s {
		s[i] |= o[i]
	}
}
func (s set) complement() set {
	for i := range s {
		s[i] = ^s[i]
	}
	return s
}

// String returns the pattern as written.
func (p *Pattern) String() string { return p.source }

// Compile parses a pattern. The error says what is wrong and where.
func Compile(source string) (*Pattern, error) {
	fail := func(at int, format string, args ...any) (*Pattern, error) {
		return nil, fmt.Errorf("pattern %q, byte %d: %s", source, at+1, fmt.Sprintf(format, args...))
	}
	if len(source) > maxLength {
		return nil, fmt.Errorf("pattern is longer than %d bytes", maxLength)
	}
	if i := strings.IndexByte(source, 0); i >= 0 {
		return fail(i, "NUL ends a pattern in Lua 5.1")
	}
	p := &Pattern{source: source}
	at := 0
	if strings.HasPrefix(source, "^") {
		p.anchored, at = true, 1
	}
	open := 0
	for at < len(source) {
		c := source[at]
		switch {
		case c == '$' && at == len(source)-1:
			p.toEnd = true
			at++
			continue
		case c == '(':
			open++
			at++
			continue
		case c == ')':
			if open == 0 {
				return fail(at, "a ) without its (")
			}
			open--
			at++
			if at < len(source) && strings.IndexByte("*+-?", source[at]) >= 0 {
				return fail(at, "Lua does not repeat captures: it would read %q as a literal", source[at])
			}
			continue
		}
		var it item
		var err error
		start := at
		it.set, at, err = single(source, at)
		if err != nil {
			return fail(start, "%v", err)
		}
		if at < len(source) {
			switch source[at] {
			case '*', '-':
				it.skip, it.multiple = true, true
				at++
			case '+':
				it.multiple = true
				at++
			case '?':
				it.skip = true
				at++
			}
		}
		p.items = append(p.items, it)
	}
	if open > 0 {
		return fail(len(source)-1, "a ( without its )")
	}
	return p, nil
}

// single reads the one-byte matcher that begins at source[at] and returns where it ends.
func single(source string, at int) (set, int, error) {
	var s set
	switch c := source[at]; c {
	case '.':
		return s.complement(), at + 1, nil
	case '%':
		return escape(source, at)
	case '[':
		return bracket(source, at)
	default:
		s.add(c)
		return s, at + 1, nil
	}
}

// escape reads %x.
func escape(source string, at int) (set, int, error) {
	var s set
	if at+1 >= len(source) {
		return s, at, fmt.Errorf("ends with %%")
	}
	c := source[at+1]
	lower := c | 0x20
	isLetter := 'a' <= lower && lower <= 'z'
	switch {
	case isLetter:
		test := classes[lower]
		if test == nil {
			return s, at, fmt.Errorf("%%%c is not supported", c)
		}
		for b := 0; b < 256; b++ {
			if test(byte(b)) {
				s.add(byte(b))
			}
		}
		if c != lower {
			s = s.complement()
		}
	case '0' <= c && c <= '9':
		return s, at, fmt.Errorf("back references are not supported")
	default:
		s.add(c)
	}
	return s, at + 2, nil
}

// bracket reads [set], by Lua's rules: a ] in first place is a literal, and a - is one in
// first and last place.
func bracket(source string, at int) (set, int, error) {
	var s set
	begin := at
	at++
	negated := at < len(source) && source[at] == '^'
	if negated {
		at++
	}
	for first := true; ; first = false {
		if at >= len(source) {
			return s, begin, fmt.Errorf("a [ without its ]")
		}
		c := source[at]
		if c == ']' && !first {
			at++
			break
		}
		if c == '%' {
			class, next, err := escape(source, at)
			if err != nil {
				return s, begin, err
			}
			s.union(class)
			at = next
			continue
		}
		if at+2 < len(source) && source[at+1] == '-' && source[at+2] != ']' {
			if source[at+2] == '%' {
				return s, begin, fmt.Errorf("a range cannot end with %%")
			}
			for b := int(c); b <= int(source[at+2]); b++ {
				s.add(byte(b))
			}
			at += 3
			continue
		}
		s.add(c)
		at++
	}
	if negated {
		s = s.complement()
	}
	return s, at, nil
}

// classes are the C locale's character classes.
var classes = [256]func(byte) bool{
	'a': isAlpha,
	'c': func(c byte) bool { return c < 0x20 || c == 0x7f },
	'd': isDigit,
	'l': func(c byte) bool { return 'a' <= c && c <= 'z' },
	'p': func(c byte) bool { return 0x20 < c && c < 0x7f && !isAlpha(c) && !isDigit(c) },
	's': func(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' },
	'u': func(c byte) bool { return 'A' <= c && c <= 'Z' },
	'w': func(c byte) bool { return isAlpha(c) || isDigit(c) },
	'x': func(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' },
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Match reports whether the pattern is found in text, as Lua's text:match(pattern) does.
// It walks the text once and keeps the set of places in the pattern that it could be at.
func (p *Pattern) Match(text string) bool {
	end := len(p.items)
	now := make([]bool, end+1)
	next := make([]bool, end+1)
	p.enter(now, 0)
	for i := 0; i < len(text); i++ {
		if now[end] && !p.toEnd {
			return true
		}
		clear(next)
		for at := range p.items {
			if now[at] && p.items[at].set.contains(text[i]) {
				if p.items[at].multiple {
					next[at] = true
				}
				p.enter(next, at+1)
			}
		}
		if !p.anchored {
			p.enter(next, 0)
		}
		now, next = next, now
	}
	return now[end]
}

// enter marks place at, and those behind it that are reached without reading a byte.
func (p *Pattern) enter(places []bool, at int) {
	for {
		if places[at] && at < len(p.items) && !p.items[at].skip {
			return
		}
		places[at] = true
		if at == len(p.items) || !p.items[at].skip {
			return
		}
		at++
	}
}
