package ssi

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
	{name: "brackets", text: "<"},
	{name: "comments", text: "<!--"},
	{name: "directives", text: "<!--#set "},
	{name: "elements", text: "<esi:include "},
	{name: "blanks", text: "<!--        #"},
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
