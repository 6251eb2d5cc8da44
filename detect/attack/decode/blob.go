package decode

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

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

func base64Possible(t value.Traits, n int) bool {
	// Beyond the alphabet: line breaks, blanks (a plus that a form decoder took), the dots
	// of a JWT, the head of a data URL.
	const around = value.Newline | value.Space | value.Dot | value.Colon | value.Semicolon | value.Comma
	return n >= minBlob && t.Any(value.Letter) && t.Only(base64Alphabet|around)
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
func base64Head(s string) bool {
	switch s[0] | 0x20 {
	case 'b', 'd', ' ', '\r', '\n', '*', '-': // Basic, Bearer, data:, and what Trim removes
		if s[0] <= ' ' || hasPrefixFold(s, "basic ") || hasPrefixFold(s, "bearer ") || hasPrefixFold(s, "data:") {
			return true
		}
	}
	var head [6]byte
	high := byte(0)
	for half := range 2 {
		q := s[4*half : 4*half+4]
		a, b, c, d := base64Digits[q[0]], base64Digits[q[1]], base64Digits[q[2]], base64Digits[q[3]]
		if a|b|c|d > 63 {
			// Line breaks, dots and blanks are for the decoder itself.
			return strings.ContainsAny(s[:minBlob], "\r\n .")
		}
		x, y, z := a<<2|b>>4, b<<4|c>>2, c<<6|d
		if half == 0 && magicLead[x] {
			return true
		}
		if printable[x]|printable[y]|printable[z] == notText {
			return false
		}
		head[3*half], head[3*half+1], head[3*half+2] = x, y, z
		high |= x | y | z
	}
	return high < utf8.RuneSelf || utf8Head(head[:])
}

// printable says of each byte whether it may occur in text: 0 for a character, notText for
// a control character. NULs may: UTF-16 has them.
var printable = func() (t [256]byte) {
	for c := range t {
		if c != 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			t[c] = notText
		}
	}
	return t
}()

const notText = 1

// magicLead holds the first bytes of magics.
var magicLead = func() (t [256]bool) {
	for _, m := range magics {
		t[m[0]] = true
	}
	return t
}()

func appendBlob(dst []byte, s string) ([]byte, bool) {
	if len(s) < minBlob {
		return dst, false
	}
	mark := len(dst)
	var bits uint32
	n, padded := 0, false
	for i := 0; i < len(s); i++ {
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
			// Most texts are not base64: their first bytes show it.
			if n == minBlob && !textHead(dst[mark:]) {
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

var base64Digits = func() (t [256]byte) {
	const std = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = 0xFF
	}
	for i := range len(std) {
		t[std[i]] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

func hexPossible(t value.Traits, n int) bool {
	return n >= minBlob && t.Any(value.Digit) && t.Only(value.Letter|value.Digit|value.Slash|value.Dot|value.Comma|value.Space|value.Backslash)
}

// appendHex decodes a text that is nothing but hex digits and yields text, with or
// without 0x in front, and runs of 0xHH ("0x2e0x2e0x2f") within a text.
func appendHex(dst []byte, s string) ([]byte, bool) {
	if len(s) < minBlob {
		return dst, false
	}
	digits := s
	if hasPrefixFold(s, "0x") {
		digits = s[2:]
	}
	if len(digits) >= minHex || len(digits) >= minBlob && len(digits) < len(s) {
		if out, ok := appendHexText(dst, digits); ok {
			return out, true
		}
	}
	if !hasHexByte(s) {
		return dst, false
	}
	return appendHexBytes(dst, s)
}

func appendHexText(dst []byte, s string) ([]byte, bool) {
	mark := len(dst)
	if len(s)&1 != 0 {
		return dst, false
	}
	for i := 0; i+1 < len(s); i += 2 {
		hi, lo := unhex(s[i]), unhex(s[i+1])
		if hi < 0 || lo < 0 {
			return dst[:mark], false
		}
		dst = append(dst, byte(hi<<4|lo))
		if i == 4 && !textHead(dst[mark:]) {
			return dst[:mark], false
		}
	}
	if !isText(dst[mark:]) {
		return dst[:mark], false
	}
	return dst, true
}

// appendHexBytes replaces 0xHH by its byte, if that is printable. Where only one occurs,
// it must not be the beginning of a longer number.
func appendHexBytes(dst []byte, s string) ([]byte, bool) {
	mark, n, from := len(dst), 0, 0
	longer := false
	for i := 0; i+3 < len(s); {
		r, d := hexRune(s, i+2, 2, 2)
		if s[i] != '0' || s[i+1]|0x20 != 'x' || d == 0 || r < ' ' || r > '~' {
			i++
			continue
		}
		longer = longer || i+4 < len(s) && unhex(s[i+4]) > 0
		dst = append(dst, s[from:i]...)
		dst = append(dst, byte(r))
		i += 4
		from = i
		n++
	}
	if n == 0 || n == 1 && longer {
		return dst[:mark], false
	}
	return append(dst, s[from:]...), true
}

// hexHead reports whether a text begins like hex that decodes to text, or has a 0xHH.
func hexHead(s string) bool {
	var head [minBlob / 2]byte
	high := byte(0)
	for i := range head {
		hi, lo := unhex(s[2*i]), unhex(s[2*i+1])
		if hi < 0 || lo < 0 {
			return hasHexByte(s)
		}
		c := byte(hi<<4 | lo)
		if i == 0 && magicLead[c] {
			return true
		}
		if printable[c] == notText {
			return hasHexByte(s)
		}
		head[i] = c
		high |= c
	}
	return high < utf8.RuneSelf || utf8Head(head[:]) || hasHexByte(s)
}

// hasHexByte reports whether "0x" occurs in s.
func hasHexByte(s string) bool {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], 'x')
		if i < 0 {
			break
		}
		if from += i; from > 0 && s[from-1] == '0' {
			return true
		}
		from++
	}
	return strings.Contains(s, "0X")
}

func utf7Possible(t value.Traits, n int) bool {
	return n >= 4 && t.Any(value.Plus|value.Ampersand) && t.Any(value.Letter)
}

// appendUTF7 undoes UTF-7 (RFC 2152) and its IMAP variant (RFC 3501 section 5.1.3, an
// ampersand in place of the plus), in which browsers once read "+ADw-script+AD4-".
// Only shifts that yield ASCII count, since all others are no attack.
func appendUTF7(dst []byte, s string) ([]byte, bool) {
	if !strings.Contains(s, "+A") && !strings.Contains(s, "&A") {
		return dst, false
	}
	mark, from, ascii := len(dst), 0, 0
	for i := 0; i+3 < len(s); i++ {
		if s[i] != '+' && s[i] != '&' {
			continue
		}
		// ASCII in UTF-16BE begins with nine zero bits: "A", then one of "A" to "H".
		if s[i+1] != 'A' || s[i+2] < 'A' || s[i+2] > 'H' {
			continue
		}
		start := len(dst)
		dst = append(dst, s[from:i]...)
		out, n := appendShift(dst, s[i+1:])
		if n == 0 {
			dst = dst[:start]
			continue
		}
		dst = out
		ascii++
		i += n
		from = i + 1
	}
	if ascii == 0 {
		return dst[:mark], false
	}
	return append(dst, s[from:]...), true
}

// appendShift decodes the base64 run at the beginning of s and returns the number of
// bytes it took, with a closing hyphen; 0 if it is not UTF-16 with ASCII in it.
func appendShift(dst []byte, s string) ([]byte, int) {
	mark := len(dst)
	var bits uint32
	held, i, ascii := 0, 0, 0
	for ; i < len(s); i++ {
		d := base64Digits[s[i]]
		if d >= 64 || s[i] == '-' || s[i] == '_' {
			break
		}
		bits = bits<<6 | uint32(d)
		held += 6
		if held < 16 {
			continue
		}
		held -= 16
		r := rune(bits >> held & 0xFFFF)
		if utf16.IsSurrogate(r) {
			return dst[:mark], 0
		}
		if r < utf8.RuneSelf {
			ascii++
		}
		dst = utf8.AppendRune(dst, r)
	}
	// What is left must be padding: fewer than six bits, all zero.
	if ascii == 0 || held >= 6 || bits&(1<<held-1) != 0 {
		return dst[:mark], 0
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	return dst, i
}

// textHead reports whether the first bytes of a blob may be text or a known format.
func textHead(b []byte) bool {
	return magic(b) || plausible(b) && utf8Head(b)
}

// isText reports whether a decoded blob is worth judging.
func isText(b []byte) bool {
	return len(b) > 0 && (magic(b) || plausible(b) && utf8Head(b))
}

// plausible reports whether nearly all bytes are printable, or the NULs of UTF-16. A NUL
// now and then is an old trick to break up words.
func plausible(b []byte) bool {
	bad, nul, high := 0, 0, 0
	for _, c := range b {
		switch {
		case c >= 0x80:
			high++
		case c == 0:
			nul++
		case c < ' ' && c != '\n' && c != '\r' && c != '\t', c == 0x7f:
			bad++
		}
	}
	if bad == 0 && nul <= 1+len(b)/16 {
		return true
	}
	return high == 0 && (wide(b) || (bad+nul)*16 <= len(b))
}

// wide reports whether every other byte is a NUL: UTF-16, as PowerShell encodes commands.
func wide(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	nul := [2]int{}
	for i, c := range b {
		if c == 0 {
			nul[i&1]++
		} else if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	half := len(b) / 2
	return nul[0] >= half-1 && nul[1] == 0 || nul[1] >= half-1 && nul[0] == 0
}

// utf8Head is utf8.Valid except that a character cut off at the end is no error.
func utf8Head(b []byte) bool {
	for cut := 1; cut <= 3 && cut <= len(b); cut++ {
		if last := b[len(b)-cut:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				b = b[:len(b)-cut]
			}
			break
		}
	}
	return utf8.Valid(b)
}

// magic reports whether a blob begins like a binary format in which attacks travel:
// serialised Java, .NET, Python and Ruby objects, gzip and zlib.
func magic(b []byte) bool {
	if len(b) == 0 || !magicLead[b[0]] {
		return false
	}
	for _, m := range magics {
		if len(b) >= len(m) && string(b[:len(m)]) == m {
			return true
		}
	}
	return false
}

var magics = [...]string{
	"\xac\xed\x00\x05",                                     // Java
	"\x00\x01\x00\x00\x00\xff\xff\xff",                     // .NET BinaryFormatter
	"\x80\x02", "\x80\x03", "\x80\x04\x95", "\x80\x05\x95", // Python pickle
	"\x04\x08",                                         // Ruby Marshal
	"\x1f\x8b\x08", "\x78\x9c", "\x78\x01", "\x78\xda", // gzip, zlib
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
