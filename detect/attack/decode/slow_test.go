package decode

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/attack/value"
)

// The obvious ways of what eight bytes at a time do faster.

func slowPercent(dst []byte, s string) ([]byte, bool) {
	plus := byte('+')
	if strings.IndexByte(s, ' ') < 0 {
		plus = ' '
	}
	mark, changed := len(dst), false
	for i := 0; i < len(s); i++ {
		r, n := percentAt(s, i)
		switch {
		case s[i] == '%' && n == 3:
			dst = append(dst, byte(r))
		case s[i] == '%' && n > 3:
			dst = utf8.AppendRune(dst, r)
		case s[i] == '+':
			dst = append(dst, plus)
			continue
		default:
			dst = append(dst, s[i])
			continue
		}
		changed = true
		i += n - 1
	}
	if !changed {
		return dst[:mark], false
	}
	return dst, true
}

func slowPlus(dst []byte, s string) ([]byte, bool) {
	return append(dst, strings.ReplaceAll(s, "+", " ")...), strings.Contains(s, "+")
}

func slowUnicode(dst []byte, s string) ([]byte, bool) {
	mark, changed := len(dst), false
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			c, n := overlongAt(s, i)
			if n == 0 {
				c, n = s[i], 1
			} else {
				changed = true
			}
			dst = append(dst, c)
			i += n
			continue
		}
		fold := keep
		if r >= utf8.RuneSelf {
			fold = foldRune(r)
		}
		switch fold {
		case keep:
			dst = append(dst, s[i:i+n]...)
		case drop:
		case twoDots:
			dst = append(dst, ".."...)
		case threeDots:
			dst = append(dst, "..."...)
		default:
			dst = append(dst, byte(fold))
		}
		changed = changed || fold != keep
		i += n
	}
	if !changed {
		return dst[:mark], false
	}
	return dst, true
}

func slowBase64Head(s string) bool {
	if s[0] <= ' ' || hasPrefixFold(s, "basic ") || hasPrefixFold(s, "bearer ") || hasPrefixFold(s, "data:") {
		return true
	}
	var head []byte
	for half := range 2 {
		q := s[4*half : 4*half+4]
		a, b, c, d := base64Digits[q[0]], base64Digits[q[1]], base64Digits[q[2]], base64Digits[q[3]]
		if a|b|c|d > 63 {
			return strings.ContainsAny(s[:minBlob], " .\r\n")
		}
		head = append(head, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		if magicLead[head[0]] {
			return true
		}
	}
	for _, c := range head {
		if printable[c] == notText {
			return false
		}
	}
	return utf8Head(head)
}

// FuzzSlow compares the fast decoders with the obvious ones.
func FuzzSlow(f *testing.F) {
	for _, s := range []string{
		"a%20b+c", "%zz%+%4%41", "a+b c%41", "%u00e9+%uD800%u12", "12345678%4112345678+", "plain", // percent
		"1234567+12345678+", "++++++++", "+\xab\x2a\xac", // plus
		"123456789\u201c12345678\u2026", "é中文字한글кириллица", "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "\xe2\x80", "\u2002\u200b\u2025\U0001D49C", // look-alikes
		"username", "dXNlcm5hbWU=", "data:,aGk", "Basic dXNlcg", "aGVs.bG8h", "rO0ABXNy", "gASVabc=", "w6nDqcOp", "77-9w6nD", "AAAAAAAA", // base64
		"AGEAYgBj", "fwAAAAAA",
	} {
		f.Add(s)
	}
	compare := func(t *testing.T, name, s string, fast, slow func([]byte, string) ([]byte, bool)) {
		got, changed := fast([]byte("kept"), s)
		want, wantChanged := slow([]byte("kept"), s)
		if !wantChanged {
			want = []byte("kept")
		}
		if string(got) != string(want) || changed != wantChanged {
			t.Errorf("%s of %q: %q, %v, want %q, %v", name, s, got, changed, want, wantChanged)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		compare(t, "percent", s, appendPercent, slowPercent)
		compare(t, "plus", s, appendPlus, slowPlus)
		compare(t, "unicode", s, appendUnicode, slowUnicode)
		if traits, p := value.Look(s); base64Possible(traits, p, len(s)) {
			if got, want := base64Head(s, p), slowBase64Head(s); got != want {
				t.Errorf("base64 head of %q: %v, want %v", s, got, want)
			}
		}
	})
}

// TestBase64HeadOfManyTexts compares base64Head with the obvious way where it matters: on
// digits whose bytes are now text, now not, and now nearly UTF-8.
func TestBase64HeadOfManyTexts(t *testing.T) {
	bytes := []byte{0x09, 0x0a, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0xef, 0xf0, 0xf4, 0xf5, 0xff}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300_000 {
		head := make([]byte, 6)
		for i := range head {
			head[i] = bytes[r.IntN(len(bytes))]
		}
		s := []byte(base64.StdEncoding.EncodeToString(head))
		if r.IntN(8) == 0 {
			s[r.IntN(len(s))] = " .\n=:,"[r.IntN(6)]
		}
		if got, want := base64Head(string(s), 0), slowBase64Head(string(s)); got != want {
			t.Fatalf("%q, % x: %v, want %v", s, head, got, want)
		}
	}
}

// TestFoldLead holds the list of leading bytes to the characters that are folded.
func TestFoldLead(t *testing.T) {
	var want [256]bool
	for _, c := range []byte{0xC0, 0xC1, 0xE0, 0xF0} { // overlong sequences
		want[c] = true
	}
	for r := rune(utf8.RuneSelf); r <= utf8.MaxRune; r++ {
		if foldRune(r) != keep {
			want[string(r)[0]] = true
		}
	}
	require.Equal(t, want, foldLead)
}
