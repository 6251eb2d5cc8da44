package prototype

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
	{name: "names", text: "__proto__"},
	{name: "paths", text: "__proto__."},
	{name: "brackets", text: "[__proto__]["},
	{name: "constructors", text: "constructor."},
	{name: "underscores", text: "_"},
	{name: "keys", text: "\"__proto__\" "},
	{name: "words", text: " constructor.prototypes"},
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
