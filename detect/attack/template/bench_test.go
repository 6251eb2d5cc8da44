package template

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
	{name: "openings", text: "{{"},
	{name: "dollars", text: "${"},
	{name: "all openings", text: "{{${#{*{~{@{{%{#<%<#[#@([[[("},
	{name: "sums", text: "{{1+"},
	{name: "strings", text: "{{\""},
	{name: "mixed strings", text: "{{'a\"b"},
	{name: "statements", text: "<%a b c "},
	{name: "words", text: "{%aaaaaa bbbbbb "},
	{name: "names", text: "{{constructor.constructor"},
	{name: "directives", text: "#set($a"},
	{name: "smarty", text: "{if a"},
	{name: "hashes", text: "#"},
	{name: "brackets", text: "{{((("},
	{name: "closed", text: "{{a.b}}"},
	{name: "placeholders", text: "${a}"},
	{name: "filters", text: "{{a|b|c"},
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
