package decode

import (
	"strings"

	"kongwaf/detect/attack/swar"
	"kongwaf/detect/attack/value"
)

// minBlob is the number of characters by which base64 and hex are recognised, and the
// length of the shortest text that is tried. Six bytes of base64 are the shortest attacks
// worth the trouble ("' or 1"); minHex digits must be there, since identifiers in hex are
// everywhere, and one in fifty of eight digits is text by chance.
const (
	minBlob = 8
	minHex  = 14
)

const base64Alphabet = value.Letter | value.Digit | value.Plus | value.Slash | value.Equals |
	value.Hyphen | value.Underscore

// base64Around is what stands beside the alphabet: line breaks, blanks (a plus that a form decoder
// took), the dots of a JWT, the head of a data URL.
const base64Around = value.Newline | value.Space | value.Dot | value.Colon | value.Semicolon | value.Comma

func base64Possible(t value.Traits, _ value.Pairs, n int) bool {
	return n >= minBlob && t.Any(value.Letter) && t.Only(base64Alphabet|base64Around)
}

// appendBase64 decodes a text that is base64 (RFC 4648, either alphabet, padding
// optional, line breaks allowed) and yields text, or the beginning of a known binary
// format. It also looks behind "Basic", "Bearer" and the head of a data URL, and into the
// parts of a JWT, which come out one a line.
func appendBase64(dst []byte, s string) ([]byte, bool) {
	s = strings.Trim(s, " \r\n")
	if i := strings.IndexByte(s, ','); i >= 0 && i < 128 && hasPrefixFold(s, "data:") {
		s = s[i+1:]
	} else if i > 0 {
		return dst, false
	}
	if i := strings.IndexByte(s, ' '); i == 5 && hasPrefixFold(s, "basic") || i == 6 && hasPrefixFold(s, "bearer") {
		s = strings.TrimLeft(s[i:], " ")
	}
	mark, changed := len(dst), false
	for part := 0; part < 3 && s != ""; part++ {
		rest := ""
		if i := strings.IndexByte(s, '.'); i >= 0 {
			if part == 0 && strings.Count(s, ".") != 2 {
				return dst, false
			}
			s, rest = s[:i], s[i+1:]
		}
		before := len(dst)
		if changed {
			dst = append(dst, '\n')
		}
		out, ok := appendBlob(dst, s)
		if ok {
			dst, changed = out, true
		} else {
			dst = dst[:before]
		}
		s = rest
	}
	if !changed {
		return dst[:mark], false
	}
	return dst, true
}

// base64Head reports whether a text may be base64 that yields text, by its first eight
// digits, or by a head that appendBase64 looks behind. Most words fail here.
func base64Head(s string, _ value.Pairs) bool {
	s = s[:minBlob]
	a, b, c, d := base64Digits[s[0]], base64Digits[s[1]], base64Digits[s[2]], base64Digits[s[3]]
	e, f, g, h := base64Digits[s[4]], base64Digits[s[5]], base64Digits[s[6]], base64Digits[s[7]]
	first := a<<2 | b>>4
	if all := a | b | c | d | e | f | g | h; all > 63 {
		// Line breaks, dots and blanks are for the decoder itself, and so are the heads of
		// credentials, which have a blank.
		return all&besideDigits != 0 || hasPrefixFold(s, "data:") || a|b|c|d <= 63 && magicLead[first]
	}
	if magicLead[first] {
		return true
	}
	// The six bytes, the first of them highest, and two blanks above them.
	x := 0x2020<<48 | (uint64(a)<<18|uint64(b)<<12|uint64(c)<<6|uint64(d))<<24 |
		uint64(e)<<18 | uint64(f)<<12 | uint64(g)<<6 | uint64(h)
	high := x & swar.Highs
	if high != 0 {
		// UTF-8 has following bytes behind each leading byte, and nowhere else.
		lead, follow := high&(x<<1), high&^(x<<1)
		if lead>>8&^follow|follow&^(high>>8) != 0 {
			return false
		}
	} else if swar.Below(x, ' ')|swar.Below(x^swar.Ones*0x7f, 1) == 0 {
		return true
	}
	head := [6]byte{byte(x >> 40), byte(x >> 32), byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x)}
	for _, c := range head {
		if printable[c] == notText {
			return false
		}
	}
	return high == 0 || utf8Head(head[:])
}

func appendBlob(dst []byte, s string) ([]byte, bool) {
	if len(s) < minBlob {
		return dst, false
	}
	mark := len(dst)
	var bits uint32
	n, padded := 0, false
	for i := 0; i < len(s); i++ {
		if n >= 16*minBlob && n&3 == 0 && !padded { // nothing is looked at before the end
			var fours int
			dst, fours = appendFours(dst, s[i:])
			if n, i = n+fours, i+fours; i == len(s) {
				break
			}
		}
		d := base64Digits[s[i]]
		switch {
		case d < 64:
			if padded {
				// What follows the padding may be a value, if this is "name=value".
				if len(s)-i > 32 || !isText(dst[mark:]) {
					return dst[:mark], false
				}
				s = s[:i]
				continue
			}
		case s[i] == '\r' || s[i] == '\n':
			continue
		case s[i] == ' ':
			d = 62
		case s[i] == '=':
			padded = true
			continue
		default:
			return dst[:mark], false
		}
		bits = bits<<6 | uint32(d)
		n++
		if n&3 == 0 {
			dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
			// Most texts are not base64: their first bytes show it, and the next ones of most
			// of the others.
			if (n == minBlob || n == 4*minBlob || n == 16*minBlob) && !mayBeText(dst[mark:]) {
				return dst[:mark], false
			}
		}
	}
	switch n & 3 {
	case 1:
		return dst[:mark], false
	case 2:
		dst = append(dst, byte(bits>>4))
	case 3:
		dst = append(dst, byte(bits>>10), byte(bits>>2))
	}
	if n < minBlob || !isText(dst[mark:]) {
		return dst[:mark], false
	}
	return dst, true
}

// base64Digits holds the values of digits. What is none has more than 63: besideDigits
// what may stand among them, notDigit all else.
var base64Digits = func() (t [256]byte) {
	const std = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = notDigit
	}
	for _, c := range []byte(" .\r\n") {
		t[c] = besideDigits
	}
	for i := range len(std) {
		t[std[i]] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

const (
	besideDigits = 0x40
	notDigit     = 0x80
)

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
