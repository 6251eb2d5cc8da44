package decode

import (
	"strings"
	"unicode/utf8"

	"kongwaf/detect/attack/value"
)

// entityPossible asks for a semicolon, or for the first letter of a reference that may lack it.
func entityPossible(t value.Traits, p value.Pairs, n int) bool {
	return n >= 3 && (t.All(value.Ampersand|value.Semicolon) || p.Any(value.Reference))
}

// appendEntities undoes HTML and XML character references (WHATWG HTML section 13.2.5.72):
// decimal, hexadecimal and those named ones that stand for ASCII or for a blank, each also
// without its semicolon where browsers accept that.
func appendEntities(dst []byte, s string) ([]byte, bool) {
	changed, from := false, 0 // up to from, s is dealt with; copied only if something changed
	for {
		next := strings.IndexByte(s[from:], '&')
		if next < 0 {
			break
		}
		i := from + next
		r, n := entityAt(s, i)
		if n == 0 {
			if changed {
				dst = append(dst, s[from:i+1]...)
			}
			from = i + 1
			continue
		}
		if !changed {
			from, changed = 0, true
		}
		dst = append(dst, s[from:i]...)
		dst = utf8.AppendRune(dst, r)
		from = i + n
	}
	if !changed {
		return dst, false
	}
	return append(dst, s[from:]...), true
}

// entityAt returns the character and the length of the reference at s[i], 0 if it is none.
func entityAt(s string, i int) (rune, int) {
	if i+2 >= len(s) {
		return 0, 0
	}
	if s[i+1] == '#' {
		return numericEntity(s, i)
	}
	if !isLetter(s[i+1]) {
		return 0, 0
	}
	end := i + 1
	for end < len(s) && end-i <= maxEntityName && isLetter(s[end]) {
		end++
	}
	if end < len(s) && s[end] == ';' {
		if r := namedEntity(s[i+1 : end]); r != 0 {
			return r, end + 1 - i
		}
		return 0, 0
	}
	// Only the oldest names may lack their semicolon.
	bare := ""
	switch s[i+1] {
	case 'l':
		bare = "lt"
	case 'g':
		bare = "gt"
	case 'a':
		bare = "amp"
	case 'q':
		bare = "quot"
	case 'n':
		bare = "nbsp"
	case 'L':
		bare = "LT"
	case 'G':
		bare = "GT"
	case 'A':
		bare = "AMP"
	case 'Q':
		bare = "QUOT"
	}
	if bare != "" && strings.HasPrefix(s[i+1:], bare) {
		return namedEntity(bare), 1 + len(bare)
	}
	return 0, 0
}

func numericEntity(s string, i int) (rune, int) {
	var r rune
	var digits, start int
	if s[i+2]|0x20 == 'x' {
		start = i + 3
		// Leading zeros are free, and a favourite padding.
		for start < len(s) && s[start] == '0' {
			start++
		}
		r, digits = hexRune(s, start, 1, 6)
	} else {
		start = i + 2
		for start < len(s) && s[start] == '0' {
			start++
		}
		for digits < 7 && start+digits < len(s) && '0' <= s[start+digits] && s[start+digits] <= '9' {
			r = r*10 + rune(s[start+digits]-'0')
			digits++
		}
	}
	if digits == 0 || r > utf8.MaxRune {
		return 0, 0
	}
	end := start + digits
	if end < len(s) && s[end] == ';' {
		end++
	}
	return r, end - i
}

const maxEntityName = 20

// namedEntity returns the character of a named reference, 0 if the name is none of those
// that matter to a parser of code.
func namedEntity(name string) rune {
	switch name {
	case "lt", "LT":
		return '<'
	case "gt", "GT":
		return '>'
	case "amp", "AMP":
		return '&'
	case "quot", "QUOT":
		return '"'
	case "apos":
		return '\''
	case "nbsp", "NonBreakingSpace", "ensp", "emsp", "thinsp":
		return ' '
	case "Tab":
		return '\t'
	case "NewLine":
		return '\n'
	case "colon":
		return ':'
	case "semi":
		return ';'
	case "comma":
		return ','
	case "period":
		return '.'
	case "excl":
		return '!'
	case "num":
		return '#'
	case "dollar":
		return '$'
	case "percnt":
		return '%'
	case "lpar":
		return '('
	case "rpar":
		return ')'
	case "ast", "midast":
		return '*'
	case "plus":
		return '+'
	case "sol":
		return '/'
	case "bsol":
		return '\\'
	case "equals":
		return '='
	case "quest":
		return '?'
	case "commat":
		return '@'
	case "lsqb", "lbrack":
		return '['
	case "rsqb", "rbrack":
		return ']'
	case "lcub", "lbrace":
		return '{'
	case "rcub", "rbrace":
		return '}'
	case "Hat":
		return '^'
	case "lowbar", "UnderBar":
		return '_'
	case "grave", "DiacriticalGrave":
		return '`'
	case "verbar", "vert", "VerticalLine":
		return '|'
	case "hyphen", "dash":
		return '-'
	case "lsquo", "rsquo":
		return '\''
	case "ldquo", "rdquo":
		return '"'
	}
	return 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
