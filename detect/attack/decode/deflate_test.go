package decode

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deflated returns base64 of a text, compressed by the standard library.
func deflated(text string, level int) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, level)
	io.WriteString(w, text)
	w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

const samlRequest = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a1" Version="2.0" IssueInstant="2026-01-02T03:04:05Z"/>`

func TestDeflate(t *testing.T) {
	blanks := strings.Repeat(" ", 100_000)
	rows := []struct{ name, in, want, path string }{
		{name: "a SAML request", in: deflated(samlRequest, 9), want: samlRequest, path: "deflate"},
		{name: "a SAML request in a link", in: url.QueryEscape(deflated(samlRequest, 6)), want: samlRequest, path: "percent,deflate"},
		{name: "stored, not compressed", in: deflated(samlRequest, 0), want: samlRequest, path: "deflate"},
		{name: "Huffman codes only", in: deflated(samlRequest, flate.HuffmanOnly), want: samlRequest, path: "deflate"},
		{name: "the fixed code", in: deflated("<!DOCTYPE a []>", 9), want: "<!DOCTYPE a []>", path: "deflate"},
		{name: "base64url without padding", in: strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(deflated(samlRequest, 9)), want: samlRequest, path: "deflate"},
		{name: "behind much that packs well", in: deflated(blanks+samlRequest, 9), want: blanks + samlRequest, path: "deflate"},
		{name: "cut off behind the first block", in: deflated(samlRequest, 9)[:100], path: "deflate"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := readings(row.in)
			if row.want == "" {
				require.NotEmpty(t, got)
				return
			}
			path, ok := got[row.want]
			require.True(t, ok, "readings: %q", got)
			require.Equal(t, row.path, path)
			require.True(t, possible(row.in, false), "the prefilter misses it")
		})
	}
	// What deflates to no text, and bombs: no more than a part of them.
	require.Empty(t, readings(deflated(strings.Repeat("\x01\x02\xff", 100), 9)))
	for text := range readings(deflated(strings.Repeat("a b ", 1<<20), 9)) {
		require.LessOrEqual(t, len(text), maxInflated)
	}
}

// TestRandomBlobsAreNotInflated: most of what looks like base64 is random, and must leave by
// its head.
func TestRandomBlobsAreNotInflated(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	passed := 0
	const all = 4000
	for range all {
		b := make([]byte, 60)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		s := base64.StdEncoding.EncodeToString(b)
		if deflateHead(s, 0) {
			passed++
		}
		if out, ok := appendDeflated(nil, s); ok {
			t.Errorf("%s is %q", s, out)
		}
	}
	if passed > all/12 {
		t.Errorf("%d of %d pass", passed, all)
	}
	s := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0x55, 0xaa, 0x13}, 40))
	if n := testing.AllocsPerRun(100, func() { deflateHead(s, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzDeflate: what any level of compression makes of a text is read again.
func FuzzDeflate(f *testing.F) {
	f.Add(samlRequest, 9)
	f.Add("<!DOCTYPE a SYSTEM 'file:///etc/passwd'>", 1)
	f.Add("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 0)
	f.Fuzz(func(t *testing.T, text string, level int) {
		packed := deflated(text, max(-2, min(level, 9)))
		if len(strings.TrimRight(packed, "=")) < minDeflated || !isText([]byte(text)) || len(text) > maxInflated || !textByte(text[0]) || len(text) > 1 && !textByte(text[1]) {
			return
		}
		for n := 1; n <= len(text) && n <= 1<<10; n++ {
			if !mayBeText([]byte(text[:n])) {
				return // takes its beginning for data
			}
		}
		if !deflateHead(packed, 0) {
			t.Fatalf("%q: %s does not pass", text, packed)
		}
		out, ok := appendDeflated([]byte("before"), packed)
		if string(out) != "before"+text && (ok || len(text) >= minBlob) {
			t.Fatalf("%q: %v, %q", text, ok, out)
		}
	})
}

// TestHeadsAndDigitsAgreeWithTheObvious compares the fast routines with the obvious ones, on
// deflated texts, on random digits, and on both with one byte changed.
func TestHeadsAndDigitsAgreeWithTheObvious(t *testing.T) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ -_=.\n\r!"
	rnd := rand.New(rand.NewPCG(3, 4))
	heads := 0
	check := func(s string) {
		if len(s) >= headDigits {
			got, want := deflateHead(s, 0), slowDeflateHead(s)
			if got != want {
				t.Fatalf("%q: head %v, want %v", s, got, want)
			}
			if got {
				heads++
			}
		}
		got, gotOK := appendDigits([]byte("ab"), s)
		want, wantOK := slowDigits([]byte("ab"), s)
		if gotOK != wantOK || gotOK && !bytes.Equal(got, want) {
			t.Fatalf("%q: digits %q, %v, want %q, %v", s, got, gotOK, want, wantOK)
		}
	}
	for range 20_000 {
		b := make([]byte, 20+rnd.IntN(20))
		for i := range b {
			b[i] = digits[rnd.IntN(64)]
		}
		check(string(b))
		b[rnd.IntN(len(b))] = digits[rnd.IntN(len(digits))]
		check(string(b))
	}
	for level := range 10 {
		for n := range len(samlRequest) {
			b := []byte(deflated(samlRequest[n:], level))
			check(string(b))
			b[rnd.IntN(min(len(b), headDigits))] = digits[rnd.IntN(len(digits))]
			check(string(b))
		}
	}
	if heads < 1000 {
		t.Errorf("only %d heads of deflated texts", heads)
	}
}

// slowDeflateHead is deflateHead, bit by bit.
func slowDeflateHead(s string) bool {
	var stream []uint // bits, in the order in which they are read
	packed, ok := slowDigits(nil, s[:headDigits]+"AAAA")
	if !ok || strings.ContainsAny(s[:headDigits], "=\r\n") {
		return false
	}
	for _, c := range packed {
		for i := range 8 {
			stream = append(stream, uint(c)>>i&1)
		}
	}
	number := func(at, n int) (x uint) {
		for i := range n {
			x |= stream[at+i] << i
		}
		return x
	}
	literal := func(at int) (byte, int) {
		code := uint(0)
		for i := range 8 {
			code = code<<1 | stream[at+i]
		}
		switch {
		case 0x30 <= code && code <= 0xbf:
			return byte(code - 0x30), 8
		case code >= 0xc8:
			return byte(code<<1 | stream[at+8] - 0x190 + 144), 9
		}
		return 0, 0
	}
	switch number(1, 2) {
	case 0:
		return packed[1]^packed[3] == 0xff && packed[2]^packed[4] == 0xff
	case 1:
		c, n := literal(3)
		if n == 0 {
			return number(3, 7) == 0
		}
		second, m := literal(3 + n)
		if c >= 0x80 {
			return 0xc2 <= c && c <= 0xf4 && m > 0 && second&0xc0 == 0x80
		}
		return textByte(c) && (m == 0 && number(3+n, 2) == 0 || m > 0 && textByte(second))
	case 2:
		sum := uint(0)
		for i := range int(number(13, 4)) + 4 {
			if n := number(17+3*i, 3); n > 0 {
				sum += 128 >> n
			}
		}
		return number(3, 5) <= 29 && number(8, 5) <= 29 && sum == 128
	}
	return false
}

// slowDigits is appendDigits, digit by digit.
func slowDigits(dst []byte, s string) ([]byte, bool) {
	s, _, _ = strings.Cut(s, "=")
	s = strings.NewReplacer(" ", "+", "-", "+", "_", "/", "\r", "", "\n", "").Replace(s)
	digits := len(s)
	if digits&3 == 1 { // the last one is half a byte: nothing
		if base64Digits[s[digits-1]] > 63 {
			return dst, false
		}
		s = s[:digits-1]
	}
	out, err := base64.RawStdEncoding.DecodeString(s)
	return append(dst, out...), err == nil && digits >= minDeflated-2
}
