package xml

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
	{name: "declarations", text: "<!"},
	{name: "entities", text: "<!ENTITY a \""},
	{name: "internal entities", text: "<!ENTITY a b>"},
	{name: "doctypes", text: "<!DOCTYPE a "},
	{name: "public", text: "<!DOCTYPE a PUBLIC \"-//\" "},
	{name: "elements", text: "<a"},
	{name: "prefixed", text: "<xsl:a "},
	{name: "closed", text: "<a:b c=d>"},
	{name: "schema", text: "<a:b xsi:schemaLocation=\"a b\">"},
	{name: "blanks", text: "<!ENTITY     "},
	{name: "xi", text: "<xi:include "},
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
