package sql

import (
	"fmt"
	"strings"
	"testing"
)

var kindNames = [...]string{tEOF: "eof", tNumber: "1", tString: "s", tOpenString: "s?", tName: "n", tWord: "w", tVariable: "v", tOperator: "o", tCompare: "=",
	tAnd: "&&", tPipes: "||", tBang: "!", tTilde: "~", tStar: "*", tComma: ",", tOpen: "(", tClose: ")", tSemicolon: ";", tDot: ".", tCast: "::",
	tBraceOpen: "{", tBraceClose: "}", tComment: "c", tOther: "?"}

func TestLexer(t *testing.T) {
	for _, row := range []struct {
		text, want, why string
	}{
		{text: "select a.b, 1", want: "w n . n , 1", why: "words, names, marks"},
		{text: "'a''b' \"c\" 'd", want: "s s s?", why: "a doubled quote is part of the literal; the last is open"},
		{text: `'a\'b'`, want: "s", why: "an escaped quote is part of the literal"},
		{text: `'a\\' b`, want: "s n", why: "an escaped backslash escapes nothing"},
		{text: "N'a' x'41' q'[it's]' _utf8'a' U&'a'", want: "s s s s s", why: "prefixed literals"},
		{text: "$a$ ' $a$ $1", want: "s v", why: "dollar quoting and a parameter"},
		{text: "[a b] `c d`", want: "n n", why: "quoted identifiers"},
		{text: "0x1F 0b01 1.5 1e5 1.e .5", want: "1 1 1 1 1 1", why: "numbers"},
		{text: "3rd 14mm", want: "n n", why: "digits that run into letters are a name"},
		{text: "1or 1", want: "1 w 1", why: "but not into an operator"},
		{text: "1eunion", want: "1 w", why: "an exponent without digits"},
		{text: "@a @@b :c ?", want: "v v v v", why: "variables and parameters"},
		{text: "a<=>b <> c @> d -> e ->> f", want: "n = n = n = n o n o n", why: "operators of several marks"},
		{text: "a::int := ~ !", want: "n :: n = ~ !", why: "casts, assignment, signs"},
		{text: "a/**/b -- c\nd # e\nf", want: "n n n n", why: "closed comments are spaces"},
		{text: "a -- b", want: "n c", why: "a comment to the end"},
		{text: "a /* b", want: "n c", why: "an open comment"},
		{text: "/*!50000 a*/ b", want: "n n", why: "MySQL executes what a versioned comment holds"},
		{text: "é à", want: "n n", why: "0xA0 inside of a character is no space"},
	} {
		l := lexer{text: row.text}
		var got []string
		for k := l.next(); k != tEOF; k = l.next() {
			got = append(got, kindNames[k])
		}
		if s := strings.Join(got, " "); s != row.want {
			t.Errorf("%q: %s, want %s (%s)", row.text, s, row.want, row.why)
		}
	}
}

func TestLookup(t *testing.T) {
	names := 0
	for _, e := range table {
		if e.name == "" {
			continue
		}
		names++
		if len(e.name) > longestWord {
			t.Errorf("%s is longer than longestWord", e.name)
		}
		if got := lookup(strings.ToUpper(e.name)); got != e {
			t.Errorf("lookup(%q) = %+v, want %+v", e.name, got, e)
		}
	}
	if names < 300 || names*2 > len(table) {
		t.Errorf("%d names in a table of %d", names, len(table))
	}
	for _, w := range []string{"", "x", "selec", "selects", "orr", fmt.Sprint(names)} {
		if e := lookup(w); e.name != "" {
			t.Errorf("lookup(%q) = %+v", w, e)
		}
	}
}
