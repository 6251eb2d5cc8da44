package html

import (
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// dear are texts that cost the most: what is repeated, to a length of 1 MB.
// size is how long the dear texts are.
const size = 1 << 17

var dear = []struct{ name, text string }{
	{name: "angle brackets", text: "<"},
	{name: "start tags", text: "<a "},
	{name: "attributes", text: "<a x=y "},
	{name: "handlers of nothing", text: "<a onx= "},
	{name: "quoted handlers", text: `<a onload="" `},
	{name: "nested quotes", text: `<a x="<a y='`},
	{name: "references", text: "<a href=&#"},
	{name: "reference chain", text: "<a href=&#x6a;&#x61;"},
	{name: "styles", text: `<a style="x:(" `},
	{name: "one style", text: `<a style="` + strings.Repeat("e(:", 100)},
	{name: "comments", text: "<!--x-"},
	{name: "dashes", text: "<!--------"},
	{name: "script elements", text: "<script>a b</script>"},
	{name: "script elements, open", text: "<script>a b "},
	{name: "script ends", text: "</script "},
	{name: "script addresses", text: "javascript:"},
	{name: "script addresses with void", text: " javascript:void(0) "},
	{name: "equals signs", text: "onx="},
	{name: "colons", text: "script:"},
	{name: "attribute quotes", text: `" onload=a `},
	{name: "attlist", text: "<!attlist cdata on "},
	{name: "instructions", text: "<?import "},
	{name: "NULs", text: "<a\x00"},
	{name: "injected", text: `"' onload=a href=x `},
	{name: "cdata", text: "<![CDATA["},
	{name: "blanks and script", text: "<  script"},
	{name: "style elements", text: "<style>x{y:(}"},
	{name: "instructions in a tag", text: "<a <?"},
	{name: "backticks", text: "<a x=`"},
	{name: "closed backticks", text: "<a x=`y`z=`"},
	{name: "unquoted with handlers", text: "<a x=y/on=z"},
	{name: "tags in quotes", text: `<a x="<b y" `},
	{name: "malformed scripts", text: "<script<a=b"},
	{name: "raw ends", text: "</title>-->"},
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

func BenchmarkBenign(b *testing.B) {
	for _, d := range []struct{ name, text string }{
		{name: "word", text: "hello"},
		{name: "address", text: "https://example.com/a/b?c=d&e=f"},
		{name: "prose", text: strings.Repeat("He said: that is fine, a = b, and so on. ", 20)},
		{name: "rich text", text: strings.Repeat(`<p class="x">Hello <a href="https://example.com/">there</a> <b>you</b></p>`, 20)},
	} {
		v := value.Of(d.text, detect.SourceBody, "")
		b.Run(d.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(v.Text)))
			for b.Loop() {
				Judge(&v)
			}
		})
	}
}
