package luapattern

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	rows := []struct {
		name    string
		pattern string
		text    string
		want    bool
	}{
		{name: "a literal is found anywhere", pattern: "bc", text: "abcd", want: true},
		{name: "a literal that is not there", pattern: "bd", text: "abcd", want: false},
		{name: "the empty pattern matches everything", pattern: "", text: "", want: true},
		{name: "^ holds the start", pattern: "^bc", text: "abc", want: false},
		{name: "$ holds the end", pattern: "ab$", text: "abc", want: false},
		{name: "^ and $ hold both", pattern: "^abc$", text: "abc", want: true},
		{name: "^ in the middle is a literal", pattern: "a^b", text: "a^b", want: true},
		{name: "$ in the middle is a literal", pattern: "a$b", text: "a$b", want: true},
		{name: "header names as key-auth wants them", pattern: "^[%w_%-]+$", text: "X-Api_Key9", want: true},
		{name: "a space in a header name", pattern: "^[%w_%-]+$", text: "api key", want: false},
		{name: "a final - in a set is a literal", pattern: "^[a-]+$", text: "a-a", want: true},
		{name: "a first ] in a set is a literal", pattern: "^[]a]+$", text: "]a", want: true},
		{name: "a negated set", pattern: "^[^%s,]+$", text: "ab", want: true},
		{name: "a negated set refuses its bytes", pattern: "^[^%s,]+$", text: "a,b", want: false},
		{name: "an upper-case class is the complement", pattern: "^%D+$", text: "ab1", want: false},
		{name: "%p is punctuation", pattern: "^%p$", text: "~", want: true},
		{name: "? may be absent", pattern: "^https?://", text: "http://x", want: true},
		{name: "? at most once", pattern: "^ab?$", text: "abb", want: false},
		{name: "* may be absent", pattern: "^ab*$", text: "a", want: true},
		{name: "+ at least once", pattern: "^ab+$", text: "a", want: false},
		{name: "- is a lazy *", pattern: "^a.-b$", text: "axxb", want: true},
		{name: "a quantifier in first place is a literal", pattern: "^*a", text: "*a", want: true},
		{name: "captures change nothing", pattern: "^(%d+)%.(%d+)$", text: "3.9", want: true},
		{name: "an escaped dot is no wildcard", pattern: "^3%.9$", text: "3x9", want: false},
		{name: "repetition that backtracks", pattern: "^.*b.*b$", text: "abab", want: true},
		{name: "bytes above 127 are no letters in the C locale", pattern: "^%a+$", text: "\xc3\xa4", want: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p, err := Compile(row.pattern)
			require.NoError(t, err)
			if got := p.Match(row.text); got != row.want {
				t.Errorf("%q on %q: got %v, want %v", row.pattern, row.text, got, row.want)
			}
			if slow := backtrack(row.pattern, row.text); slow != row.want {
				t.Errorf("the slow twin disagrees: %v", slow)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	rows := []struct {
		name    string
		pattern string
		want    string
	}{
		{name: "a final %", pattern: "a%", want: `pattern "a%", byte 2: ends with %`},
		{name: "an open set", pattern: "[ab", want: `pattern "[ab", byte 1: a [ without its ]`},
		{name: "an open capture", pattern: "(a", want: `pattern "(a", byte 2: a ( without its )`},
		{name: "a lone )", pattern: "a)", want: `pattern "a)", byte 2: a ) without its (`},
		{name: "a repeated capture", pattern: "(ab)*", want: `pattern "(ab)*", byte 5: Lua does not repeat captures: it would read '*' as a literal`},
		{name: "%b", pattern: "%b()", want: `pattern "%b()", byte 1: %b is not supported`},
		{name: "a back reference", pattern: "(a)%1", want: `pattern "(a)%1", byte 4: back references are not supported`},
		{name: "a range up to a class, which Lua reads oddly", pattern: "[a-%d]", want: `pattern "[a-%d]", byte 1: a range cannot end with %`},
		{name: "NUL", pattern: "a\x00", want: `pattern "a\x00", byte 2: NUL ends a pattern in Lua 5.1`},
		{name: "too long", pattern: strings.Repeat("a", 513), want: `pattern is longer than 512 bytes`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Compile(row.pattern)
			require.EqualError(t, err, row.want)
		})
	}
}

// TestNoBacktracking shows that a pattern which takes a backtracking matcher years is quick.
func TestNoBacktracking(t *testing.T) {
	p, err := Compile("^" + strings.Repeat("a*", 30) + "b$")
	require.NoError(t, err)
	if p.Match(strings.Repeat("a", 10_000)) {
		t.Error("there is no b")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("^[%w_-]+$", "api-key") // the usual shape
	f.Add("a.-b*c?", "axbc")      // all quantifiers
	f.Add("[]^-]", "^")           // a set of special bytes
	f.Add("a-$", "b")             // may match nothing, at the end
	f.Add("[^^]", "0")            // anything but the sign of negation
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 12 {
			t.Skip("the slow twin is exponential")
		}
		p, err := Compile(pattern)
		if err != nil {
			return
		}
		if got, want := p.Match(text), backtrack(pattern, text); got != want {
			t.Errorf("%q on %q: got %v, the slow twin says %v", pattern, text, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, err := Compile("^[%w_%-]+$")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		p.Match("x-consumer-username")
	}
}

// backtrack is the slow twin: the reference manual's recursive definition, for the
// supported subset.
func backtrack(pattern, text string) bool {
	if strings.HasPrefix(pattern, "^") {
		return here(pattern[1:], text)
	}
	for i := 0; i <= len(text); i++ {
		if here(pattern, text[i:]) {
			return true
		}
	}
	return false
}

func here(p, s string) bool {
	switch {
	case p == "":
		return true
	case p == "$":
		return s == ""
	case p[0] == '(' || p[0] == ')':
		return here(p[1:], s)
	}
	end := itemEnd(p)
	one := func(s string) bool { return s != "" && itemHas(p[:end], s[0]) }
	if end < len(p) {
		switch p[end] {
		case '?':
			return one(s) && here(p[end+1:], s[1:]) || here(p[end+1:], s)
		case '*', '-':
			return here(p[end+1:], s) || one(s) && here(p, s[1:])
		case '+':
			return one(s) && (here(p, s[1:]) || here(p[end+1:], s[1:]))
		}
	}
	return one(s) && here(p[end:], s[1:])
}

func itemEnd(p string) int {
	switch p[0] {
	case '%':
		return 2
	case '[':
		i := 1
		if p[i] == '^' {
			i++
		}
		for first := true; first || p[i] != ']'; first = false {
			if p[i] == '%' {
				i++
			}
			i++
		}
		return i + 1
	}
	return 1
}

func itemHas(item string, c byte) bool {
	switch item[0] {
	case '.':
		return true
	case '%':
		return classHas(item[1], c)
	case '[':
		if body, negated := strings.CutPrefix(item[1:len(item)-1], "^"); negated {
			return !setHas(body, c)
		}
		return setHas(item[1:len(item)-1], c)
	}
	return item[0] == c
}

func setHas(body string, c byte) bool {
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '%':
			i++
			if classHas(body[i], c) {
				return true
			}
		case i+2 < len(body) && body[i+1] == '-':
			if body[i] <= c && c <= body[i+2] {
				return true
			}
			i += 2
		case body[i] == c:
			return true
		}
	}
	return false
}

func classHas(class, c byte) bool {
	members := map[byte]string{
		'd': "0123456789", 'x': "0123456789abcdefABCDEF", 's': " \t\n\v\f\r",
		'l': "abcdefghijklmnopqrstuvwxyz", 'u': "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		'p': "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	}
	members['a'] = members['l'] + members['u']
	members['w'] = members['a'] + members['d']
	for i := 0; i < 32; i++ {
		members['c'] += string(rune(i))
	}
	members['c'] += "\x7f"
	if set, ok := members[class]; ok {
		return strings.IndexByte(set, c) >= 0
	}
	if set, ok := members[class|0x20]; ok && 'A' <= class && class <= 'Z' {
		return strings.IndexByte(set, c) < 0
	}
	return class == c
}
