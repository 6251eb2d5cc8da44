package script

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, row := range []struct {
		shows, text             string
		calls, assigns, hostile bool
		whole                   bool
	}{
		{shows: "a call", text: "f(1)", calls: true, whole: true},
		{shows: "a hostile call", text: "alert(1)", calls: true, hostile: true, whole: true},
		{shows: "case matters", text: "Alert(1)", calls: true, whole: true},
		{shows: "a group is called", text: "(alert)(1)", calls: true, hostile: true, whole: true},
		{shows: "a remark in brackets", text: "alert (the guards)"},
		{shows: "prose", text: "call me (please)"},
		{shows: "a tagged template", text: "alert`1`", calls: true, hostile: true, whole: true},
		{shows: "an assignment", text: "a=1", assigns: true, whole: true},
		{shows: "a comparison", text: "a==1", whole: true},
		{shows: "a member of a global", text: "window.name='x'", assigns: true, hostile: true, whole: true},
		{shows: "a pair", text: "top=10", assigns: true, whole: true},
		{shows: "a computed member", text: "x['a'+'b'](1)", calls: true, hostile: true, whole: true},
		{shows: "an escaped name", text: `al\u0065rt(1)`, calls: true, hostile: true, whole: true},
		{shows: "an escaped name in braces", text: `al\u{65}rt(1)`, calls: true, hostile: true, whole: true},
		{shows: "a comment hides nothing", text: "alert/*x*/(1)//y", calls: true, hostile: true, whole: true},
		{shows: "a regular expression is an operand", text: "a=/b(c)/;alert(1)", calls: true, assigns: true, hostile: true, whole: true},
		{shows: "a string is no name", text: `"alert(1)"`, whole: true},
		{shows: "a sentence's end", text: "See the document. cookie"},
		{shows: "nothing", text: "", whole: true},
	} {
		r := Read(row.text)
		if r.Calls != row.calls || r.Assigns != row.assigns || r.Hostile != row.hostile || r.Whole != row.whole {
			t.Errorf("%s: %q: %+v", row.shows, row.text, r)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"alert(1)", "a['b'](c)`d`", `\u{61}=/x[/]y/g`, "'", "`${", "/*", "//", `\u00`, `\`, "a?.b??c", "x=>{}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := Read(s)
		if r.Stop < 0 || r.Stop > len(s) {
			t.Fatalf("stop %d of %d", r.Stop, len(s))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, row := range []struct{ name, text string }{
		{name: "expression", text: strings.Repeat("a+(b*c)[d].e,", 300)},
		{name: "strings", text: strings.Repeat(`"a"+`, 1000)},
		{name: "slashes", text: strings.Repeat("=/[", 1000)},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(row.text)))
			for b.Loop() {
				Read(row.text)
			}
		})
	}
}
