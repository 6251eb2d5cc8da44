package languagetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kongwaf/detect/attack/value"
)

// harmless are texts that no language may suspect.
var harmless = []struct{ name, text string }{
	{name: "word", text: "hello"},
	{name: "uuid", text: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
	{name: "time", text: "2026-11-21T10:00:00Z"},
	{name: "name", text: "O'Brien"},
	{name: "address", text: "https://www.example.com/a/b.html?utm_source=x&id=12"},
	{name: "user agent", text: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
	{name: "sentence", text: "Please find the report attached; it is due on Monday, thanks."},
	{name: "prose", text: strings.Repeat("He said: that is fine, a = b, and so on. Don't worry, select what you like; it's all the same to us. ", 20)},
	{name: "rich text", text: strings.Repeat(`<p class="x">Hello <a href="https://example.com/">there</a> <b>you</b></p>`, 20)},
	{name: "code", text: strings.Repeat("if x == \"a\" or y ~= 'b' then return f(x, \"c\") end -- done\n", 20)},
	{name: "form", text: strings.Repeat("name=value&other=12345&", 50)},
}

// hostile are pieces that, repeated, are dear to more than one language.
var hostile = []string{
	";", "$(", "../", "${", "://", ";a", ";ls x", "`a", "|cat /", "\\n", "\nTo: ", "O:8:\"", "system(", "/etc/", ":a:", "<?", "a.b.", "{cat,", "a=b;", "@a.b@",
	"#a=", "x ", "http://1.1@", "c''a", "http:", "ldap:x", "....//", "\xe5\x98\x8a", ";$a", "(x(", ".git/",
}

func (l *Language) harmless() []string {
	var texts []string
	for _, h := range harmless {
		texts = append(texts, h.text)
	}
	return append(texts, l.Harmless...)
}

func (l *Language) hostile() []string {
	return append(hostile[:len(hostile):len(hostile)], l.Hostile...)
}

// repeated returns a value of at least so many bytes.
func repeated(piece string, size int) value.Value {
	return parameter(strings.Repeat(piece, (size-1)/len(piece)+1))
}

// linear returns an error if sixteen times as much of the piece costs far more than sixteen
// times as much time, as told by now.
func (l *Language) linear(piece string, now func() time.Time) error {
	once := func(v *value.Value) time.Duration {
		start := now()
		l.Judge(v)
		return now().Sub(start)
	}
	v := repeated(piece, 1<<15)
	short := min(once(&v), once(&v), once(&v))
	limit := 64*short + 5*time.Millisecond
	v = repeated(piece, 1<<19)
	var long time.Duration
	for range 10 { // whatever else the machine does only adds time
		if long = once(&v); long <= limit {
			return nil
		}
	}
	return fmt.Errorf("%q: %v for 32 KB, %v for 512 KB", piece, short, long)
}

// Benchmark measures what texts cost: harmless ones, the rows' attacks, and hostile ones of
// 1 KB and of 1 MB, none of which may cost more than 8 ns a byte.
func (l *Language) Benchmark(b *testing.B) {
	for _, h := range harmless {
		v := parameter(h.text)
		b.Run("harmless/"+h.name, func(b *testing.B) { measure(b, l.match, v) })
	}
	var attacks []value.Value
	for i := range l.Rows {
		attacks = append(attacks, l.Rows[i].place(l.Rows[i].Attack))
	}
	b.Run("attacks", func(b *testing.B) { measure(b, l.match, attacks...) })
	for _, piece := range l.hostile() {
		for _, size := range [...]struct {
			name  string
			bytes int
		}{{name: "1KB", bytes: 1 << 10}, {name: "1MB", bytes: 1 << 20}} {
			v := repeated(piece, size.bytes)
			b.Run("hostile/"+size.name+"/"+piece, func(b *testing.B) { measure(b, l.Judge, v) })
		}
	}
}

// measure reports what judging all values once costs, as time and memory, and for a byte.
func measure(b *testing.B, judge func(*value.Value) value.Match, values ...value.Value) {
	size := 0
	for i := range values {
		size += len(values[i].Text)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		for i := range values {
			judge(&values[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/byte")
}
