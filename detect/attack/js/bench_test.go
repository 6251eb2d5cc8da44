package js

import (
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// size is how long the dear texts are.
const size = 1 << 17

// dear are texts that cost the most: what is repeated.
var dear = []struct{ name, text string }{
	{name: "quotes", text: `'"`},
	{name: "break-outs", text: `";a(b)`},
	{name: "substitutions", text: "${a}"},
	{name: "open substitutions", text: "${a+"},
	{name: "sums in substitutions", text: "${a+b*c,"},
	{name: "symbols", text: "[]()!+"},
	{name: "short programs of symbols", text: "[]()!+[]()!+[]()!+a"},
	{name: "escapes", text: `\u0061`},
	{name: "regular expressions", text: "=/a[b"},
	{name: "unfinished strings", text: "`'\""},
	{name: "comments", text: "/*"},
	{name: "lines", text: "\";\nabc"},
	{name: "brackets", text: `"-([{`},
}

func BenchmarkDear(b *testing.B) {
	for _, d := range dear {
		v := value.Of(strings.Repeat(d.text, size/len(d.text)), detect.SourceBody, "")
		b.Run(d.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(v.Text)))
			for b.Loop() {
				Judge(&v)
			}
		})
	}
}
