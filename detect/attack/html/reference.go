package html

// undo appends s with its character references undone, up to dst's capacity: those by
// number, and the named ones that matter in a script or URL. Tabs, line ends and other
// control characters are kept. What does not fit is cut: by then a text has shown what it is.
func undo(dst []byte, s string) []byte {
	for i := 0; i < len(s) && len(dst) < cap(dst); {
		if s[i] != '&' {
			dst = append(dst, s[i])
			i++
			continue
		}
		c, n := reference(s[i:])
		if n == 0 {
			c, n = '&', 1
		}
		dst = append(dst, c)
		i += n
	}
	return dst
}

// reference decodes the character reference at the start of s, which begins with '&', to
// one byte; n is its length, 0 if it is none. Characters above ASCII become 0x80.
func reference(s string) (c byte, n int) {
	if len(s) < 3 {
		return 0, 0
	}
	if s[1] == '#' {
		v, i, digits := 0, 2, 0
		if s[i]|0x20 == 'x' {
			for i++; i < len(s); i++ {
				d := hexDigit(s[i])
				if d < 0 {
					break
				}
				v = min(v<<4|d, 1<<20)
				digits++
			}
		} else {
			for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
				v = min(v*10+int(s[i]-'0'), 1<<20)
				digits++
			}
		}
		if digits == 0 {
			return 0, 0
		}
		if i < len(s) && s[i] == ';' {
			i++
		}
		if v >= 0x80 {
			v = 0x80
		}
		return byte(v), i
	}
	stop := 1
	for stop < len(s) && stop < 12 && (isLetter(s[stop])) {
		stop++
	}
	name := s[1:stop]
	if stop < len(s) && s[stop] == ';' {
		stop++
	}
	switch name {
	case "lt", "LT":
		c = '<'
	case "gt", "GT":
		c = '>'
	case "quot", "QUOT":
		c = '"'
	case "amp", "AMP":
		c = '&'
	case "apos":
		c = '\''
	case "lpar":
		c = '('
	case "rpar":
		c = ')'
	case "colon":
		c = ':'
	case "semi":
		c = ';'
	case "Tab":
		c = '\t'
	case "NewLine":
		c = '\n'
	case "nbsp":
		c = ' '
	case "sol":
		c = '/'
	case "bsol":
		c = '\\'
	case "equals":
		c = '='
	case "grave", "DiacriticalGrave":
		c = '`'
	case "period":
		c = '.'
	case "comma":
		c = ','
	case "lbrack", "lsqb":
		c = '['
	case "rbrack", "rsqb":
		c = ']'
	case "lbrace", "lcub":
		c = '{'
	case "rbrace", "rcub":
		c = '}'
	case "plus":
		c = '+'
	case "num":
		c = '#'
	case "excl":
		c = '!'
	case "percnt":
		c = '%'
	case "ast", "midast":
		c = '*'
	case "lowbar", "UnderBar":
		c = '_'
	case "ensp", "emsp", "thinsp":
		c = ' '
	case "ZeroWidthSpace":
		c = 0x80
	default:
		return 0, 0
	}
	return c, stop
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
