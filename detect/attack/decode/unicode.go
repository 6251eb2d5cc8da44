package decode

import (
	"unicode/utf8"

	"kongwaf/detect/attack/swar"
	"kongwaf/detect/attack/value"
)

func unicodePossible(t value.Traits, _ value.Pairs, _ int) bool { return t.Any(value.High) }

// appendUnicode turns what lax decoders and best-fit conversions read as ASCII into
// ASCII: overlong UTF-8, full-width and mathematical letters, typographic quotes, exotic
// blanks and slashes; and drops what is invisible. Other characters stay as they are.
func appendUnicode(dst []byte, s string) ([]byte, bool) {
	changed, from := false, 0 // up to from, s is dealt with; copied only if something changed
	for i := 0; i < len(s); {
		if i+8 <= len(s) && swar.Load(s, i)&swar.Highs == 0 {
			i += 8
			continue
		}
		if !foldLead[s[i]] {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			c, n := overlongAt(s, i)
			if n == 0 {
				i++
				continue
			}
			dst = append(append(dst, s[from:i]...), c)
			i, changed = i+n, true
			from = i
			continue
		}
		fold := foldRune(r)
		if fold == keep {
			i += n
			continue
		}
		dst = append(dst, s[from:i]...)
		switch fold {
		case drop:
		case twoDots:
			dst = append(dst, '.', '.')
		case threeDots:
			dst = append(dst, '.', '.', '.')
		default:
			dst = append(dst, byte(fold))
		}
		i, changed = i+n, true
		from = i
	}
	if !changed {
		return dst, false
	}
	return append(dst, s[from:]...), true
}

// foldLead says which bytes begin a character that foldRune does not keep, or one that
// overlongAt reads. Most letters that are not ASCII begin with others.
var foldLead = func() (t [256]bool) {
	for _, c := range []byte("\xC0\xC1\xC2\xC4\xC5\xCA\xCB\xCD\xE0\xE1\xE2\xE3\xEF\xF0") {
		t[c] = true
	}
	return t
}()

// overlongAt reads a UTF-8 sequence that is longer than its ASCII character needs
// (RFC 3629 section 10: IIS once took %c0%af for a slash).
func overlongAt(s string, i int) (byte, int) {
	cont := func(k int) (byte, bool) {
		if i+k < len(s) && s[i+k]&0xC0 == 0x80 {
			return s[i+k] & 0x3F, true
		}
		return 0, false
	}
	switch c := s[i]; {
	case c == 0xC0 || c == 0xC1:
		// Lax decoders never look at the top bits of the second byte: %c1%1c is a backslash.
		if i+1 < len(s) {
			return c&1<<6 | s[i+1]&0x3F, 2
		}
	case c == 0xE0:
		mid, ok := cont(1)
		low, ok2 := cont(2)
		if ok && ok2 && mid < 2 {
			return mid<<6 | low, 3
		}
	case c == 0xF0:
		top, ok := cont(1)
		mid, ok2 := cont(2)
		low, ok3 := cont(3)
		if ok && ok2 && ok3 && top == 0 && mid < 2 {
			return mid<<6 | low, 4
		}
	}
	return 0, 0
}

// What foldRune says of a character, besides the ASCII byte that it is read as.
const (
	keep rune = -1 - iota
	drop
	twoDots
	threeDots
)

// foldRune returns the ASCII character that r is read as by best-fit conversions and
// compatibility normalisation (Unicode NFKC), or keep or drop.
func foldRune(r rune) rune {
	switch {
	case 0xFF01 <= r && r <= 0xFF5E: // full-width
		return r - 0xFEE0
	case 0x24B6 <= r && r <= 0x24CF: // circled
		return r - 0x24B6 + 'A'
	case 0x24D0 <= r && r <= 0x24E9:
		return r - 0x24D0 + 'a'
	case 0x2460 <= r && r <= 0x2468: // circled digits
		return r - 0x2460 + '1'
	case r == 0x24EA:
		return '0'
	case 0x1D400 <= r && r <= 0x1D6A3: // mathematical letters
		k := (r - 0x1D400) % 52
		if k < 26 {
			return 'A' + k
		}
		return 'a' + k - 26
	case 0x1D7CE <= r && r <= 0x1D7FF: // mathematical digits
		return '0' + (r-0x1D7CE)%10
	case 0x2000 <= r && r <= 0x200A:
		return ' '
	case 0x200B <= r && r <= 0x200F, 0x202A <= r && r <= 0x202E, 0x2060 <= r && r <= 0x2064:
		return drop
	case 0x2080 <= r && r <= 0x2089: // subscript digits
		return r - 0x2080 + '0'
	}
	switch r {
	case 0xA0, 0x202F, 0x205F, 0x3000:
		return ' '
	case 0xAD, 0xFEFF:
		return drop
	case 0x02B9, 0x02BC, 0x02BB, 0x02C8, 0x2018, 0x2019, 0x201B, 0x2032, 0x275B, 0x275C:
		return '\''
	case 0x02BA, 0x201C, 0x201D, 0x201F, 0x2033, 0x275D, 0x275E:
		return '"'
	case 0x2035, 0x02CB, 0x1FEF:
		return '`'
	case 0x2039, 0x2329, 0x27E8, 0x3008, 0xFE64, 0x02C2, 0x276E, 0x226E:
		return '<'
	case 0x203A, 0x232A, 0x27E9, 0x3009, 0xFE65, 0x02C3, 0x276F, 0x226F:
		return '>'
	case 0x2044, 0x2215, 0x29F8:
		return '/'
	case 0x2216, 0x29F5, 0xFE68, 0x29F9:
		return '\\'
	case 0x2024, 0x3002, 0xFE52, 0xFF61:
		return '.'
	case 0x2025:
		return twoDots
	case 0x2026:
		return threeDots
	case 0x207D, 0x208D, 0x2768, 0xFE59:
		return '('
	case 0x207E, 0x208E, 0x2769, 0xFE5A:
		return ')'
	case 0x207C, 0x208C, 0xFE66, 0x2260:
		return '='
	case 0x037E, 0xFE54:
		return ';'
	case 0xFE55, 0x2236, 0x02D0:
		return ':'
	case 0xFE5B:
		return '{'
	case 0xFE5C:
		return '}'
	case 0x2223, 0x2758:
		return '|'
	case 0x2010, 0x2011, 0x2212, 0xFE63:
		return '-'
	case 0xFE60:
		return '&'
	case 0x017F: // long s: upper case is S
		return 's'
	case 0x212A: // Kelvin: lower case is k
		return 'K'
	case 0x0131: // dotless i: upper case is I
		return 'i'
	case 0x00AA:
		return 'a'
	case 0x00BA:
		return 'o'
	case 0x00B9:
		return '1'
	case 0x00B2:
		return '2'
	case 0x00B3:
		return '3'
	}
	return keep
}
