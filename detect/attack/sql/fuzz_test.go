package sql

import (
	"strings"
	"testing"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

func FuzzJudge(f *testing.F) {
	for _, row := range twins {
		f.Add(row.attack)
		f.Add(row.twin)
	}
	for _, s := range []string{"q'[q'[q'[", "$a$b$a", "/*!/*!*/*/", "((((((", "1.e(1.e(", "''''\"\"\"``", "@@@@a", "case case when", "\xc2\xa0\xe3\x80\x80", "1--1--1", "a..b..c.*", "union union union select"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := value.Of(text, detect.SourceQuery, "q")
		m := Judge(&v)
		if m.Confidence < 0 || m.Confidence > 1 || m.Start < 0 || m.Start > m.End || m.End > len(text) {
			t.Fatalf("%q: %+v", text, m)
		}
		if (m.Class == detect.ClassNone) != (m.Confidence == 0) {
			t.Fatalf("%q: %+v", text, m)
		}
		if m.Confidence > 0 && !Possible(v.Traits) {
			t.Fatalf("%q: Judge says %.2f, Possible says no", text, m.Confidence)
		}
		// The search for UNION must find what a slow one finds.
		slow := strings.Contains(strings.ToLower(text), "union")
		if got := union(text); got.Confidence > 0 && !slow {
			t.Fatalf("%q: union found what is not there", text)
		}
	})
}

// Cost must grow with the length and no faster.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for _, unit := range hostile {
		cost := func(n int) time.Duration {
			text := strings.Repeat(unit, n/len(unit)+1)
			v := value.Of(text, detect.SourceQuery, "q")
			best := time.Hour
			for range 3 {
				start := time.Now()
				Judge(&v)
				best = min(best, time.Since(start))
			}
			return best
		}
		short, long := cost(1<<15), cost(1<<19)
		if long > 64*short+5*time.Millisecond { // 16 times as long
			t.Errorf("%q: %v for 32 KB, %v for 512 KB", unit, short, long)
		}
	}
}

var hostile = []string{"'", `"`, "`", "' ", "''' ", `\'`, "/*", "/**/", "/*!", "*/", "(", ")", "1 or ", "1+", "1,", "a ", "a.", "@", "#\n", "--\n", "-- ", "q'[", "q'[+", "$a$",
	"$a", "[", "union ", "union select ", "(select ", "case ", "not ", "1 or 1=1 ", "'+'", `"+"'+'`, "'+\"+'+\"", " ", "\x00", "\xa0", "\n", ";", "; ", "; begin ", "a(", "1e", "0x", "n", "unio"}

func BenchmarkHostile(b *testing.B) {
	for _, unit := range hostile {
		b.Run(unit, func(b *testing.B) {
			text := strings.Repeat(unit, 1<<20/len(unit))
			v := value.Of(text, detect.SourceQuery, "q")
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Judge(&v)
			}
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, row := range []struct{ name, text string }{
		{name: "word", text: "hello"},
		{name: "uuid", text: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{name: "name", text: "O'Brien"},
		{name: "prose", text: strings.Repeat("Don't worry, select what you like; it's all the same to us. ", 20)},
		{name: "code", text: strings.Repeat("if x == \"a\" or y ~= 'b' then return f(x, \"c\") end -- done\n", 20)},
		{name: "user agent", text: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
		{name: "form", text: strings.Repeat("name=value&other=12345&", 50)},
		{name: "attack", text: "1' or 1=1 union select 1,2,3 from users-- "},
	} {
		b.Run(row.name, func(b *testing.B) {
			v := value.Of(row.text, detect.SourceQuery, "q")
			b.SetBytes(int64(len(row.text)))
			b.ReportAllocs()
			for b.Loop() {
				if Possible(v.Traits) {
					Judge(&v)
				}
			}
		})
	}
}
