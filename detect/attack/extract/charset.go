package extract

import (
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"kongwaf/detect"
)

// charset is a character encoding that must be undone before a text can be read. ASCII
// supersets (UTF-8, GBK, Shift_JIS, ...) need no undoing to find the structure.
type charset uint8

const (
	charsetNone charset = iota
	charsetUTF7
	charsetUTF16 // byte order by its mark or by where the zero bytes are
	charsetUTF16LE
	charsetUTF16BE
	charsetUTF32
	charsetUTF32LE
	charsetUTF32BE
	charsetLatin1
	charsetWindows1252
	charsetIBM037
	charsetIBM500
	charsetIBM1047
)

var charsetSteps = [...]string{
	"", "utf-7", "utf-16", "utf-16", "utf-16", "utf-32", "utf-32", "utf-32", "iso-8859-1",
	"windows-1252", "ibm037", "ibm500", "ibm1047",
}

// foreign reports whether not even ASCII characters look the same in the charset.
func (c charset) foreign() bool {
	return c != charsetNone && c != charsetLatin1 && c != charsetWindows1252
}

// ebcdic are the code pages, by number, that are treated like 037: they agree with it in
// letters and digits and in most punctuation.
var ebcdic = map[string]bool{
	"037": true, "37": true, "273": true, "277": true, "278": true, "280": true, "284": true,
	"285": true, "290": true, "297": true, "420": true, "423": true, "424": true, "870": true,
	"871": true, "875": true, "880": true, "905": true, "1025": true, "1026": true, "1140": true,
	"1141": true, "1142": true, "1143": true, "1144": true, "1145": true, "1146": true,
	"1147": true, "1149": true, "20273": true, "20277": true, "20278": true, "20280": true,
	"20284": true, "20285": true, "20290": true, "20297": true, "20871": true, "20924": true,
}

// charsetOf returns the charset with the given name, charsetNone for names that are unknown
// or need no undoing.
func charsetOf(name string) charset {
	name = strings.Trim(name, " \t\"'")
	if name == "" || detect.EqualFold(name, "utf-8") {
		return charsetNone
	}
	if len(name) > 32 {
		return charsetNone
	}
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case "utf-7", "utf7", "unicode-1-1-utf-7", "csutf7":
		return charsetUTF7
	case "utf-16", "utf16", "ucs-2", "ucs2", "unicode", "iso-10646-ucs-2", "csunicode":
		return charsetUTF16
	case "utf-16le", "utf16le", "utf-16-le", "ucs-2le", "x-utf-16le-bom":
		return charsetUTF16LE
	case "utf-16be", "utf16be", "utf-16-be", "unicodefffe", "ucs-2be":
		return charsetUTF16BE
	case "utf-32", "utf32", "ucs-4", "ucs4", "iso-10646-ucs-4":
		return charsetUTF32
	case "utf-32le", "utf32le", "utf-32-le":
		return charsetUTF32LE
	case "utf-32be", "utf32be", "utf-32-be":
		return charsetUTF32BE
	case "iso-8859-1", "latin1", "latin-1", "iso8859-1", "l1", "cp819", "ibm819":
		return charsetLatin1
	case "windows-1252", "cp1252", "ansi", "x-ansi":
		return charsetWindows1252
	}
	for _, prefix := range [...]string{"ibm-", "ibm", "x-ibm", "cp-", "cp", "ebcdic-cp-", "x-ebcdic-", "ccsid"} {
		if number, ok := strings.CutPrefix(name, prefix); ok {
			number = strings.TrimLeft(number, "0")
			switch number {
			case "500", "1148":
				return charsetIBM500
			case "1047":
				return charsetIBM1047
			}
			if ebcdic[number] {
				return charsetIBM037
			}
			switch number {
			case "us", "ca", "nl", "wt":
				return charsetIBM037
			case "be", "ch":
				return charsetIBM500
			}
		}
	}
	return charsetNone
}

// toUTF8 decodes a body from its declared charset, or from the one that a byte order mark or
// the pattern of zero bytes shows (RFC 4627 section 3), and returns which it was. Where the
// declaration is plainly wrong (UTF-16 without a single zero byte) the text stays as it is,
// but the charset is returned: its percent-encoded parts may still be in it.
func (w *Walker) toUTF8(s string, declared charset) (string, charset) {
	seen := sniffCharset(s)
	if seen == charsetNone && strings.HasPrefix(s, "\xef\xbb\xbf") {
		return s[3:], declared
	}
	if seen == charsetNone {
		if declared == charsetNone || isASCII(s) && declared != charsetUTF7 {
			return s, declared
		}
		seen = declared
	}
	out := w.decodeCharset(s, seen)
	w.step(charsetSteps[seen])
	return out, seen
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			return false
		}
	}
	return true
}

// sniffCharset recognises UTF-16, UTF-32, UTF-7 and EBCDIC XML by their first bytes.
func sniffCharset(s string) charset {
	switch {
	case strings.HasPrefix(s, "\xff\xfe\x00\x00"):
		return charsetUTF32LE
	case strings.HasPrefix(s, "\x00\x00\xfe\xff"):
		return charsetUTF32BE
	case strings.HasPrefix(s, "\xff\xfe"):
		return charsetUTF16LE
	case strings.HasPrefix(s, "\xfe\xff"):
		return charsetUTF16BE
	case strings.HasPrefix(s, "+/v8"), strings.HasPrefix(s, "+/v9"):
		return charsetUTF7
	case strings.HasPrefix(s, "\x4c\x6f\xa7\x94\x93"): // "<?xml" in EBCDIC
		return charsetIBM037
	case xmlEncodingUTF7(s):
		return charsetUTF7
	case len(s) < 4 || s[0] != 0 && s[1] != 0:
		return charsetNone
	}
	// No mark: count the zero bytes by their position in a group of four.
	var zero [4]int
	n := min(len(s), 256) &^ 3
	for i := range n {
		if s[i] == 0 {
			zero[i&3]++
		}
	}
	most := n / 4 * 3 / 4 // three quarters of the groups
	full := func(positions ...int) bool {
		for _, p := range positions {
			if zero[p] <= most {
				return false
			}
		}
		return true
	}
	switch few := n / 16; {
	case full(0, 1, 2) && zero[3] <= few:
		return charsetUTF32BE
	case full(1, 2, 3) && zero[0] <= few:
		return charsetUTF32LE
	case full(0, 2) && zero[1]+zero[3] <= few:
		return charsetUTF16BE
	case full(1, 3) && zero[0]+zero[2] <= few:
		return charsetUTF16LE
	}
	return charsetNone
}

func xmlEncodingUTF7(s string) bool {
	if !strings.HasPrefix(s, "<?xml") {
		return false
	}
	head := s[:min(len(s), 128)]
	return contains(head, "utf-7")
}

// decodeCharset decodes s to UTF-8.
func (w *Walker) decodeCharset(s string, c charset) string {
	switch c {
	case charsetUTF7:
		return w.decodeUTF7(s)
	case charsetUTF16:
		if len(s) > 1 && s[0] == 0 {
			return w.decodeWide(s, 2, true)
		}
		return w.decodeWide(s, 2, false)
	case charsetUTF16LE:
		return w.decodeWide(s, 2, false)
	case charsetUTF16BE:
		return w.decodeWide(s, 2, true)
	case charsetUTF32:
		return w.decodeWide(s, 4, len(s) > 1 && s[0] == 0)
	case charsetUTF32LE:
		return w.decodeWide(s, 4, false)
	case charsetUTF32BE:
		return w.decodeWide(s, 4, true)
	case charsetNone:
		return s
	}
	table := codePage(c)
	b := w.scratch.room(3 * len(s)) // single-byte charsets hold nothing beyond the BMP
	for i := 0; i < len(s); i++ {
		b = utf8.AppendRune(b, table[s[i]])
	}
	return w.scratch.keep(b)
}

var codePages [charsetIBM1047 + 1]struct {
	once  sync.Once
	table [256]rune
}

func codePage(c charset) *[256]rune {
	p := &codePages[c]
	p.once.Do(func() {
		cm := charmap.CodePage037
		switch c {
		case charsetLatin1:
			cm = charmap.ISO8859_1
		case charsetWindows1252:
			cm = charmap.Windows1252
		case charsetIBM1047:
			cm = charmap.CodePage1047
		}
		for i := range p.table {
			p.table[i] = cm.DecodeByte(byte(i))
		}
		if c == charsetIBM500 {
			// Code page 500 is 037 with seven characters in other places.
			for at, r := range map[byte]rune{0x4a: '[', 0x4f: '!', 0x5a: ']', 0x5f: '^', 0xb0: '¢', 0xba: '¬', 0xbb: '|'} {
				p.table[at] = r
			}
		}
	})
	return &p.table
}

// decodeWide decodes UTF-16 (size 2) or UTF-32 (size 4). A byte order mark is dropped, a
// trailing fraction of a unit is kept as bytes.
func (w *Walker) decodeWide(s string, size int, bigEndian bool) string {
	b := w.scratch.room(2*len(s) + 4)
	unit := func(i int) rune {
		var u uint32
		for k := range size {
			c := uint32(s[i+k])
			if bigEndian {
				u = u<<8 | c
			} else {
				u |= c << (8 * k)
			}
		}
		if u > utf8.MaxRune {
			return utf8.RuneError
		}
		return rune(u)
	}
	i := 0
	for i+size <= len(s) {
		r := unit(i)
		i += size
		if size == 2 && utf16.IsSurrogate(r) && i+2 <= len(s) {
			if pair := utf16.DecodeRune(r, unit(i)); pair != utf8.RuneError {
				r = pair
				i += 2
			}
		}
		if r != 0xfeff {
			b = utf8.AppendRune(b, r)
		}
	}
	return w.scratch.keep(append(b, s[i:]...))
}

// decodeUTF7 decodes UTF-7 (RFC 2152): "+" begins modified base64 of UTF-16, "+-" is a plus.
// What does not decode stays.
func (w *Walker) decodeUTF7(s string) string {
	b := w.scratch.room(2*len(s) + 4)
	for i := 0; i < len(s); {
		c := s[i]
		if c != '+' {
			b = append(b, c)
			i++
			continue
		}
		end := i + 1
		for end < len(s) && base64Byte(s[end]) {
			end++
		}
		if end == i+1 {
			b = append(b, '+')
			i = end
			if i < len(s) && s[i] == '-' {
				i++
			}
			continue
		}
		var bits uint32
		var n uint
		var high rune
		for _, d := range unsafeBytes(s[i+1 : end]) {
			bits = bits<<6 | uint32(base64Value[d])
			if n += 6; n < 16 {
				continue
			}
			n -= 16
			r := rune(bits >> n & 0xffff)
			bits &= 1<<n - 1
			switch {
			case high != 0:
				b = utf8.AppendRune(b, utf16.DecodeRune(high, r))
				high = 0
			case utf16.IsSurrogate(r) && r < 0xdc00:
				high = r
			case r != 0xfeff:
				b = utf8.AppendRune(b, r)
			}
		}
		i = end
		if i < len(s) && s[i] == '-' {
			i++
		}
	}
	return w.scratch.keep(b)
}

func base64Byte(c byte) bool { return base64Value[c] < 64 }

// base64Value maps the characters of standard base64 to their value, others to 0xff.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	return t
}()
