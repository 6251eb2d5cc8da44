package js

import (
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassXSS, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

// FuzzSetsPage compares hopping from = to = with searching for the words.
func FuzzSetsPage(f *testing.F) {
	for _, s := range []string{"location=1", "a=b;onerror=c", "location==", "Location=", "=onerror"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := strings.Contains(text, "location=") || strings.Contains(text, "onerror=")
		if got := setsPage(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	})
}

var rows = []languagetest.Row{
	{Shows: "a statement behind if (...)", Attack: "\"));if(!self.x)self.x=!alert(document.domain)}catch(e){}//", Twin: "\"if (not self) then alert us\", he said"},
	{Shows: "methods of one's own object", Attack: "self['al'+'ert'](1)", Twin: "self.close_file(handle)", Suspicious: true},
	{Shows: "a link of Markdown around code", Attack: "x[`alert`](1)", Twin: "See [`alert`](/docs) for more"},
	{Shows: "a method of one's own object that has a hostile name", Attack: "top.eval('x')", Twin: "model.eval('x')"},
	{Shows: "a dialog of a library", Attack: "self.prompt('x')", Twin: "cli.prompt('x')"},
	{Shows: "a name of an argument", Attack: "prompt='x';eval(prompt)", Twin: "ask(prompt='x', top=5)"},
	{Shows: "members that every object has", Attack: "x.constructor.constructor('y')()", Twin: "list.search(y).toString()"},
	{Shows: "a conversion in a template literal", Attack: "${top.toString(alert(1))}", Twin: "${total.toString()} of ${all}"},
	{Shows: "back to the last page", Attack: "history.pushState(1)", Twin: "history.back(1)"},
	{Shows: "an error is thrown everywhere", Attack: "throw onerror=eval,'=alert(1)'", Twin: "throw new TypeError('no options given')", Suspicious: true},
	{Shows: "a function handed to one that calls it", Attack: "[1].map(alert)", Twin: "foo(\"bar\", alert)", Suspicious: true},
	{Shows: "a quote ends the string", Attack: `';alert(1)//`, Twin: `it's; (done)`},
	{Shows: "operators join", Attack: `"-prompt(1)-"`, Twin: `"well-prompted" - or (not)`},
	{Shows: "a comma joins", Attack: `',confirm(1),'`, Twin: `'first', (second), 'third'`},
	{Shows: "brackets of the page close first", Attack: `'})});alert(1);({a:({b:'`, Twin: `f({'a': 1})`},
	{Shows: "an escaped quote", Attack: `\'-alert(1)//`, Twin: `it\'s -- not (1)`},
	{Shows: "a template literal ends", Attack: "`-alert(1)-`", Twin: "`alert` - see (1)"},
	{Shows: "a substitution runs", Attack: "${alert(1)}", Twin: "${title} (${count})"},
	{Shows: "a tagged template calls", Attack: "';alert`1`//", Twin: "'alert' `1`"},
	{Shows: "brackets around the function", Attack: `";(confirm)(1)//`, Twin: `"(confirm)" (1)`},
	{Shows: "a computed member", Attack: `";top['al'+'ert'](1)//`, Twin: `top ['a', 'b'] and (1)`},
	{Shows: "an escaped name", Attack: `';\u0061lert(1)//`, Twin: `';\u0061bc//`},
	{Shows: "a location", Attack: `';location='//h.example'//`, Twin: `location=Berlin`},
	{Shows: "a bare expression", Attack: `eval(atob("eA=="))`, Twin: `evaluate (a to b)`},
	{Shows: "a cookie by name", Attack: `document["cookie"]`, Twin: `document the cookie`},
	{Shows: "a constructor's constructor", Attack: `[].constructor.constructor('x')()`, Twin: `constructor (see below)`},
	{Shows: "optional chaining", Attack: `alert?.(document?.domain)`, Twin: `alert? (yes)`},
	{Shows: "no letters at all", Attack: `[][(![]+[])[+[]]+(![]+[])[!+[]+!+[]]+(!![]+[])[+[]]]()`, Twin: `[[1,2],[3,4]] (+1)!`},
	{Shows: "the end of a handler", Attack: `alert(1)><b>`, Twin: `f(1)>g(2)`},
	{Shows: "what people ask about", Attack: `document.write(location.hash)`, Twin: `document.getElementById('x')`},
	{Shows: "a string is divided", Attack: `'/alert(1)/'`, Twin: `'and/or' (1)`},
	{Shows: "an operator that is a word", Attack: `'instanceof alert(1)//`, Twin: `'instance' of (x)`},
	{Shows: "a function called at once", Attack: `(()=>alert(1))()`, Twin: `() => alert(1)`, Suspicious: true},
	{Shows: "source code is data", Attack: `x';eval(name)//`, Twin: "import x from 'y';\nconst a = () => {\n  window.location.reload();\n};\nexport default a;"},
	{Shows: "a Go file", Attack: `",alert(1)]//`, Twin: "package x\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"a\", open(\"b\"))\n}"},
	{Shows: "pairs of a tracker", Attack: `';document.title=document.cookie//`, Twin: `event=click;event_category=buttons;id=1`},
	{Shows: "a listing in a question", Attack: `";alert('hi')//`, Twin: `if (x > 0) { return y; } else { alert('hi'); }`, Suspicious: true},
}

var hostile = []string{
	`'"`,                  // quotes
	`";a(b)`,              // break-outs
	"${a}",                // substitutions
	"${a+",                // open substitutions
	"${a+b*c,",            // sums in substitutions
	"[]()!+",              // symbols
	"[]()!+[]()!+[]()!+a", // short programs of symbols
	`\u0061`,              // escapes
	"=/a[b",               // regular expressions
	"`'\"",                // unfinished strings
	"/*",                  // comments
	"\";\nabc",            // lines
	`"-([{`,               // brackets
	"////////>(a",         // nothing but what stands at the end of a handler
}
