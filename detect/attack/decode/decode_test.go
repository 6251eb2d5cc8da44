package decode

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// readings returns all readings of s with their paths, as "path: text".
func start(f *Forms, s string, form bool, path Path, arena *[]byte, left *int) {
	t, p := value.Look(s)
	f.Start(s, t, p, form, path, arena, left)
}

func possible(s string, form bool) bool {
	t, p := value.Look(s)
	return Possible(s, t, p, form)
}

func readings(s string) map[string]string {
	all := make(map[string]string)
	var arena []byte
	left := 1 << 20
	var f Forms
	start(&f, s, false, Path{}, &arena, &left)
	for form := f.Next(); form != nil; form = f.Next() {
		all[form.Text] = strings.Join(form.Path.Append(nil), ",")
	}
	return all
}

func TestFormsFindTheText(t *testing.T) {
	const plain = `<script>alert('1')</script>`
	rows := []struct {
		name, in, want, path string
	}{
		{name: "percent", in: "%3Cscript%3Ealert('1')%3C/script%3E", want: plain, path: "percent"},
		{name: "percent, lower case, full", in: percentAll(plain), want: plain, path: "percent"},
		{name: "percent three deep", in: percentAll(percentAll(percentAll(plain))), want: plain, path: "percent,percent,percent"},
		{name: "percent inside percent (%%32%37)", in: "%%32%37 or 1", want: "' or 1", path: "percent,percent"},
		{name: "percent after an invalid one", in: "%zz%3Cb%3E", want: "%zz<b>", path: "percent"},
		{name: "%u of unescape and IIS", in: "%u003cb%u003E", want: "<b>", path: "percent"},
		{name: "%u of a full-width character", in: "%uff1cb%uff1e", want: "<b>", path: "percent,unicode"},
		{name: "overlong, two bytes", in: "..%c0%af..", want: "../..", path: "percent,unicode"},
		{name: "overlong, three bytes", in: "%e0%80%ae%e0%80%ae/", want: "../", path: "percent,unicode"},
		{name: "overlong, four bytes", in: "%f0%80%80%ae.", want: "..", path: "percent,unicode"},
		{name: "overlong, wrong second byte", in: "..%c1%1c..", want: `..\..`, path: "percent,unicode"},
		{name: "lone lead byte before ASCII", in: "..%c0/etc", want: "../etc", path: "percent,unicode"},
		{name: "plus with percent", in: "%27+or+1", want: "' or 1", path: "percent"},
		{name: "plus alone", in: "'+or+1=1", want: "' or 1=1", path: "plus"},
		{name: "entities by name", in: "&lt;script&gt;alert(&apos;1&apos;)&lt;/script&gt;", want: plain, path: "html"},
		{name: "entities, decimal and hex, no semicolon", in: "&#60script&#x3E;alert('1')&lt/script&gt", want: plain, path: "html"},
		{name: "entities, padded with zeros", in: "&#0000060;b&#x000003e;", want: "<b>", path: "html"},
		{name: "entities of a scheme", in: "java&Tab;script&colon;alert&lpar;1&rpar;", want: "java\tscript:alert(1)", path: "html"},
		{name: "percent, then entities", in: "%26lt;b%26gt;", want: "<b>", path: "percent,html"},
		{name: "escapes, unicode", in: `\u003cb\u003e`, want: "<b>", path: "escape"},
		{name: "escapes, braced", in: `\u{3c}b\x{3e}`, want: "<b>", path: "escape"},
		{name: "escapes, hex", in: `\x3cb\X3E`, want: "<b>", path: "escape"},
		{name: "escapes, octal", in: `\74b\076`, want: "<b>", path: "escape"},
		{name: "escapes, CSS", in: `\3c b`, want: "< b", path: "escape"},
		{name: "escapes, quote", in: `\' or 1`, want: "' or 1", path: "escape"},
		{name: "escapes, surrogate pair", in: `\ud83d\ude00!`, want: "😀!", path: "escape"},
		{name: "escapes, line break", in: `a\r\nb`, want: "a\r\nb", path: "escape"},
		{name: "circled letters and digits", in: "ⓢⓒⓡⓘⓟⓣ ①②⑨⓪", want: "script 1290", path: "unicode"},
		{name: "full-width", in: "＜script＞alert（'1'）＜／script＞", want: plain, path: "unicode"},
		{name: "modifier apostrophe", in: "\u02bc or 1", want: "' or 1", path: "unicode"},
		{name: "mathematical letters", in: "𝓼𝓮𝓵𝓮𝓬𝓽", want: "select", path: "unicode"},
		{name: "zero-width characters", in: "uni\u200bon", want: "union", path: "unicode"},
		{name: "long s and Kelvin", in: "ſelect Kelvin \u212a", want: "select Kelvin K", path: "unicode"},
		{name: "two dots in one character", in: "‥/", want: "../", path: "unicode"},
		{name: "NULs", in: "<\x00b\x00>", want: "<b>", path: "nul"},
		{name: "percent twice before a backslash", in: `%252e%252e\{`, want: `..\{`, path: "percent,percent"},
		{name: "percent NULs", in: "%3C%00b%3E", want: "<b>", path: "percent,nul"},
		{name: "UTF-7", in: "+ADw-script+AD4-alert('1')+ADw-/script+AD4-", want: plain, path: "utf-7"},
		{name: "UTF-7, IMAP", in: "&ADw-b&AD4-", want: "<b>", path: "utf-7"},
		{name: "base64", in: base64.StdEncoding.EncodeToString([]byte(plain)), want: plain, path: "base64"},
		{name: "base64url, no padding", in: base64.RawURLEncoding.EncodeToString([]byte("<<???>>" + plain)), want: "<<???>>" + plain, path: "base64"},
		{name: "base64, a form decoder took the plus", in: "PHNjcmlwdD4 PC9zY3JpcHQ ", want: "<script>></script", path: "base64"},
		{name: "base64, line breaks", in: "PHNjcmlw\r\ndD4+PC9z\r\nY3JpcHQ+", want: "<script>></script>", path: "base64"},
		{name: "base64 of percent", in: base64.StdEncoding.EncodeToString([]byte("%3Cb%3E or so")), want: "<b> or so", path: "base64,percent"},
		{name: "percent of base64", in: "JyBvciAxPTEgLS0%3D", want: "' or 1=1 --", path: "percent,base64"},
		{name: "base64 twice", in: base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(plain)))), want: plain, path: "base64,base64"},
		{name: "data URL", in: "data:text/html;base64," + base64.StdEncoding.EncodeToString([]byte(plain)), want: plain, path: "base64"},
		{name: "Basic credentials", in: "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:' or 1=1")), want: "admin:' or 1=1", path: "base64"},
		{name: "JWT", in: "eyJhbGciOiJub25lIn0.eyJuIjoiJyBvciAxIn0.c2lnbmF0dXJl", want: "{\"alg\":\"none\"}\n{\"n\":\"' or 1\"}\nsignature", path: "base64"},
		{name: "UTF-16 in base64, as PowerShell has it", in: base64.StdEncoding.EncodeToString([]byte("i\x00e\x00x\x00 \x00c\x00a\x00t\x00")), want: "iex cat", path: "base64,nul"},
		{name: "base64 of a broken word", in: base64.StdEncoding.EncodeToString([]byte("<<scr\x00ipt/src=//x.y>")), want: "<<script/src=//x.y>", path: "base64,nul"},
		{name: "base32", in: base32.StdEncoding.EncodeToString([]byte(plain)), want: plain, path: "base32"},
		{name: "base32, no padding", in: strings.TrimRight(base32.StdEncoding.EncodeToString([]byte("../../etc/passwd")), "="), want: "../../etc/passwd", path: "base32"},
		{name: "hex", in: hex.EncodeToString([]byte(plain)), want: plain, path: "hex"},
		{name: "hex, 0x", in: "0x" + hex.EncodeToString([]byte(plain)), want: plain, path: "hex"},
		{name: "hex bytes", in: "0x2e0x2e0x2fetc0x2fpasswd", want: "../etc/passwd", path: "hex"},
		{name: "hex bytes with slashes", in: "0x2e0x2e/0x2e0x2e/etc", want: "../../etc", path: "hex"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := readings(row.in)
			path, ok := got[row.want]
			require.True(t, ok, "readings: %q", got)
			require.Equal(t, row.path, path)
			require.True(t, possible(row.in, false), "the prefilter misses it")
		})
	}
}

func TestFormsLeaveHarmlessTextsAlone(t *testing.T) {
	rows := []struct{ name, in string }{
		{name: "a word", in: "homepage"},
		{name: "prose", in: "Select the best option from the menu - it's where we union."},
		{name: "a sum of money", in: "100 % of 3,50"},
		{name: "a percent sign before letters", in: "50%off and 5%zz"},
		{name: "an ampersand", in: "Marks & Spencer, R&D, AT&T;"},
		{name: "a UUID", in: "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
		{name: "a hash", in: "8579447572b94f5e6dd0538e17e1f34f48c20fce781e5f96f6f851e12ee0d09e"},
		{name: "random base64", in: "Sq/or83Z4y+mO6ol3jmkuy8hEojYNr5LB24g1q+bSq/or83Z4y+mO6ol3jmkuy8hEojYNr5LB24g1q+b"},
		{name: "capitals", in: "INTERNATIONALISATIONWEEK"},
		{name: "a shared secret in base32", in: "JBSWY3DPEHPK3PXPGEZDGNBVGY3TQOJQ"},
		{name: "a Windows path", in: `C:\Users\Public`},
		{name: "other scripts", in: "Müller, 東京, Москва"},
		{name: "a number", in: "4111111111111111"},
		{name: "a date", in: "2023-05-13T22:09:38.000-04:00"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			require.Empty(t, readings(row.in))
		})
	}
}

func TestFormsOfAForm(t *testing.T) {
	const in = "SELECT+aGVsbG8gd29ybGQhaGVsbG8gd29ybGQhaGVsbG8gd29ybGQhaGVsbG8gd29ybGQh"
	require.Empty(t, readings(in), "a digit of base64")
	var arena []byte
	left := 1 << 10
	var f Forms
	start(&f, in, true, Path{}, &arena, &left)
	require.Equal(t, strings.Replace(in, "+", " ", 1), f.Next().Text)
	require.True(t, possible(in, true))
}

func TestFormsSayWhenTheyStop(t *testing.T) {
	s := "<"
	for range maxSteps + 2 {
		s = percentAll(s)
	}
	var arena []byte
	left := 1 << 20
	var f Forms
	start(&f, s, false, Path{}, &arena, &left)
	for f.Next() != nil {
	}
	require.True(t, f.Exhausted, "more layers than rounds")

	left = 10
	start(&f, "%3Cscript%3E", false, Path{}, &arena, &left)
	require.Nil(t, f.Next())
	require.True(t, f.Exhausted, "no bytes left")

	left, f.Work = 100, new(work.Meter)
	start(&f, "%3Cscript%3E", false, Path{}, &arena, &left)
	require.Nil(t, f.Next())
	require.True(t, f.Exhausted, "no work left")
	f.Work = nil
	start(&f, "%3Cscript%3E", false, Path{}, &arena, &left)
	for f.Next() != nil {
	}
	require.False(t, f.Exhausted)
	require.Less(t, left, 100)
}

func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte('%')
		b.WriteString(hex.EncodeToString([]byte{s[i]}))
	}
	return b.String()
}

// Twins: each decoder against a slow, obvious routine, or the standard library's.

func FuzzPercent(f *testing.F) {
	for _, s := range []string{"", "%", "%4", "%41", "%zz%41", "a+b%20", "a +b%20", "%25%32%37"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(strings.ToLower(s), "%u") {
			return // the twin does not know it
		}
		got, changed := appendPercent(nil, s)
		var want []byte
		for i := 0; i < len(s); i++ {
			if i+2 < len(s) && s[i] == '%' {
				if b, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
					want = append(want, b...)
					i += 2
					continue
				}
			}
			if s[i] == '+' && !strings.Contains(s, " ") {
				want = append(want, ' ')
				continue
			}
			want = append(want, s[i])
		}
		if changed && string(got) != string(want) {
			t.Fatalf("%q: got %q, want %q", s, got, want)
		}
		if plain, err := url.QueryUnescape(s); !changed && err == nil && strings.Contains(s, "%") {
			t.Fatalf("%q: nothing done, want %q", s, plain)
		}
	})
}

func FuzzEntities(f *testing.F) {
	for _, s := range []string{"&lt;", "&ltx", "&#60;", "&#x3c", "&amp;lt;", "&Tab;&colon;&lpar;", "&#0;", "&#1114112;", "&nosuch;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, changed := appendEntities(nil, s)
		if !changed {
			return
		}
		// The library knows more names; each reference that ours undoes, it does too. It
		// maps C1 references to Windows-1252 and NUL to U+FFFD, as browsers do.
		for i := range len(s) {
			r, n := entityAt(s, i)
			if s[i] != '&' || n == 0 || r < ' ' || r == 0x7f || 0x80 <= r && r < 0xA0 || utf8.RuneLen(r) < 0 || s[i+1] != '#' {
				continue
			}
			if want := html.UnescapeString(s[i : i+n]); want != string(r) && utf8.ValidString(want) {
				t.Fatalf("%q: %q, want %q", s[i:i+n], r, want)
			}
		}
		if len(got) > len(s)*maxGrowth {
			t.Fatalf("%q grew to %q", s, got)
		}
	})
}

func TestNamedEntitiesAgreeWithTheStandardLibrary(t *testing.T) {
	for _, name := range []string{"lt", "gt", "amp", "quot", "apos", "Tab", "NewLine", "colon", "semi", "comma", "period", "excl",
		"num", "dollar", "percnt", "lpar", "rpar", "ast", "midast", "plus", "sol", "bsol", "equals", "quest", "commat", "lsqb", "lbrack",
		"rsqb", "rbrack", "lcub", "lbrace", "rcub", "rbrace", "Hat", "lowbar", "UnderBar", "grave", "DiacriticalGrave", "verbar", "vert", "VerticalLine"} {
		require.Equal(t, html.UnescapeString("&"+name+";"), string(namedEntity(name)), name)
	}
	require.Zero(t, namedEntity("nosuch"))
}

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"JyBvciAxPTEgLS0=", "JyBvciAxPTEgLS0", "homepage", "AAAAAAAAAAAA", "eyJhIjoxfQ.eyJhIjoxfQ.x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := appendBlob(nil, s)
		clean := strings.NewReplacer("\r", "", "\n", "", " ", "+", "-", "+", "_", "/").Replace(s)
		if strings.Contains(strings.TrimRight(clean, "="), "=") {
			return // the end of a name, and its value: not the twin's business
		}
		want, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(clean, "="))
		if ok && (err != nil || string(got) != string(want)) {
			t.Fatalf("%q: got %q, want %q (%v)", s, got, want, err)
		}
		if !ok && err == nil && len(clean) >= minBlob+4 && !strings.Contains(s, "=") && isPrintable(want) {
			t.Fatalf("%q: %q was not taken for text", s, want)
		}
	})
}

func isPrintable(b []byte) bool {
	return len(b) > 0 && !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' || c >= 0x7f })
}

func FuzzHex(f *testing.F) {
	for _, s := range []string{"3c7363726970743e", "0x2e0x2e", "0x2e2e2f2e2e2f", "zz", "20202020"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := hex.DecodeString(s)
		got, ok := appendHexText(nil, s)
		if ok && (err != nil || string(got) != string(want)) {
			t.Fatalf("%q: got %q, want %q (%v)", s, got, want, err)
		}
		if !ok && err == nil && isPrintable(want) {
			t.Fatalf("%q: %q was not taken for text", s, want)
		}
	})
}

// FuzzForms: whatever the input, the readings end, each decoder says truly whether it
// changed anything, nothing outgrows its limits, and the prefilter misses nothing.
func FuzzForms(f *testing.F) {
	for _, s := range []string{"%2527", "&amp;lt;", `\\\\x41`, "＜", "\xc0\xaf", "+ADw-", "JyBvciAxPTEgLS0=", "0x2e0x2e", "a\x00b",
		strings.Repeat("%25", 40), strings.Repeat("\\", 40), strings.Repeat("&amp;", 10), "…………"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var arena []byte
		const budget = 1 << 16
		left := budget
		var forms Forms
		start(&forms, s, false, Path{}, &arena, &left)
		n := 0
		for form := forms.Next(); form != nil; form = forms.Next() {
			n++
			if n > maxForms || form.Path.Len() == 0 || form.Path.Len() > maxSteps || form.Text == s {
				t.Fatalf("%q: reading %d, %q by %v", s, n, form.Text, form.Path.Steps())
			}
			if form.Traits != value.TraitsOf(form.Text) {
				t.Fatalf("%q: wrong traits", form.Text)
			}
		}
		if n > 0 && !possible(s, false) {
			t.Fatalf("%q: the prefilter misses it", s)
		}
		if len(arena) > budget*maxGrowth+2*maxInflated {
			t.Fatalf("%q: %d bytes decoded", s, len(arena))
		}
		traits, pairs := value.Look(s)
		for _, d := range slices.Concat(chain[:], blobs[:]) {
			out, changed := d.apply([]byte("before"), s)
			switch {
			case string(out[:6]) != "before":
				t.Fatalf("%s overwrites", d.step)
			case !changed && len(out) != 6:
				t.Fatalf("%s appends %q though nothing changed", d.step, out)
			case len(out)-6 > maxGrowth*len(s) && (d.step != Deflate || len(out)-6 > maxInflated):
				t.Fatalf("%s: %q grows to %q", d.step, s, out[6:])
			case changed && d.step <= NUL && !d.possible(traits, pairs, len(s)): // the others choose where they make sense
				t.Fatalf("%s: its prefilter misses %q", d.step, s)
			}
		}
	})
}

func BenchmarkForms(b *testing.B) {
	rows := []struct{ name, in string }{
		{name: "prose", in: strings.Repeat("Select the best option, it is here. ", 30)},
		{name: "token", in: strings.Repeat("Sq_or83Z4y-mO6ol3jmkuy8hEojYNr5LB24g1q-b", 20)},
		{name: "percent", in: strings.Repeat("caf%C3%A9%20", 100)},
		{name: "percent nested", in: strings.Repeat("%25", 20000)},
		{name: "backslashes", in: strings.Repeat("\\", 60000)},
		{name: "ampersands", in: strings.Repeat("&", 60000)},
		{name: "ampersands, numeric", in: strings.Repeat("&#", 30000)},
		{name: "base64 of base64", in: strings.Repeat("UjJ4", 15000)},
		{name: "utf-7 shifts", in: strings.Repeat("+AD", 20000)},
		{name: "hex bytes", in: strings.Repeat("0x2e", 15000)},
	}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			var arena []byte
			var f Forms
			t, p := value.Look(row.in)
			b.SetBytes(int64(len(row.in)))
			b.ReportAllocs()
			for b.Loop() {
				if !Possible(row.in, t, p, false) {
					continue
				}
				left := 4 * len(row.in)
				arena = arena[:0]
				f.Start(row.in, t, p, false, Path{}, &arena, &left)
				for f.Next() != nil {
				}
			}
		})
	}
}

// TestLeave holds that nothing follows from a reading that was left, also what had been made
// before it was left.
func TestLeave(t *testing.T) {
	text := `%7b%22a%22:%22x\u0027y%22%7d`
	left, arena := 1<<16, []byte(nil)
	var f Forms
	start(&f, text, true, Path{}, &arena, &left)
	form := f.Next()
	if form == nil || !form.Path.EndsIn(Percent) {
		t.Fatalf("first reading: %+v", form)
	}
	f.Leave()
	if form = f.Next(); form != nil {
		t.Errorf("a reading of what was left: %q by %v", form.Text, form.Path.Append(nil))
	}
}

// TestPackedAlphabetHoldsEveryBlob holds that no blob decoder but UTF-7's, which is asked apart, takes
// a text with a class outside the alphabet that is asked for first.
func TestPackedAlphabetHoldsEveryBlob(t *testing.T) {
	taken := 0
	for c := range 256 {
		for n := range 64 {
			traits := value.ClassOf(byte(c)) | value.Letter | value.Digit
			for _, d := range blobs {
				if d.step != UTF7 && d.possible(traits, ^value.Pairs(0), n) {
					taken++
					if !traits.Only(packedAlphabet) {
						t.Errorf("%s takes %q", d.step, byte(c))
					}
				}
			}
		}
	}
	if taken == 0 {
		t.Error("no decoder takes anything")
	}
}
