package decode

import "unicode/utf8"

// What tells text from the random bytes that most texts yield when they are decoded as if
// they were base64 or hex.

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

// mayBeText reports whether the first bytes of a blob may be those of text or of a known format.
func mayBeText(b []byte) bool {
	if magic(b) {
		return true
	}
	if len(b) > 2*minBlob {
		return utf8Head(b) // control characters may be fewer further on
	}
	return plausible(b) && utf8Head(b)
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
