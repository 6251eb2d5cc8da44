package js

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// blocked is the confidence from which a match is blocked at the default sensitivity.
const blocked = 0.7

func judge(text string) value.Match {
	v := value.Of(text, detect.SourceQuery, "q")
	return Judge(&v)
}

// pairs are attacks, each beside a harmless text of nearly the same form.
var pairs = []struct{ shows, attack, twin string }{
	{shows: "a quote ends the string", attack: `';alert(1)//`, twin: `it's; (done)`},
	{shows: "operators join", attack: `"-prompt(1)-"`, twin: `"well-prompted" - or (not)`},
	{shows: "a comma joins", attack: `',confirm(1),'`, twin: `'first', (second), 'third'`},
	{shows: "brackets of the page close first", attack: `'})});alert(1);({a:({b:'`, twin: `f({'a': 1})`},
	{shows: "an escaped quote", attack: `\'-alert(1)//`, twin: `it\'s -- not (1)`},
	{shows: "a template literal ends", attack: "`-alert(1)-`", twin: "`alert` - see (1)"},
	{shows: "a substitution runs", attack: "${alert(1)}", twin: "${title} (${count})"},
	{shows: "a tagged template calls", attack: "';alert`1`//", twin: "'alert' `1`"},
	{shows: "brackets around the function", attack: `";(confirm)(1)//`, twin: `"(confirm)" (1)`},
	{shows: "a computed member", attack: `";top['al'+'ert'](1)//`, twin: `top ['a', 'b'] and (1)`},
	{shows: "an escaped name", attack: `';\u0061lert(1)//`, twin: `';\u0061bc//`},
	{shows: "a location", attack: `';location='//h.example'//`, twin: `location=Berlin`},
	{shows: "a bare expression", attack: `eval(atob("eA=="))`, twin: `evaluate (a to b)`},
	{shows: "a cookie by name", attack: `document["cookie"]`, twin: `document the cookie`},
	{shows: "a constructor's constructor", attack: `[].constructor.constructor('x')()`, twin: `constructor (see below)`},
	{shows: "optional chaining", attack: `alert?.(document?.domain)`, twin: `alert? (yes)`},
	{shows: "no letters at all", attack: `[][(![]+[])[+[]]+(![]+[])[!+[]+!+[]]+(!![]+[])[+[]]]()`, twin: `[[1,2],[3,4]] (+1)!`},
	{shows: "the end of a handler", attack: `alert(1)><b>`, twin: `f(1)>g(2)`},
	{shows: "what people ask about", attack: `document.write(location.hash)`, twin: `document.getElementById('x')`},
	{shows: "a string is divided", attack: `'/alert(1)/'`, twin: `'and/or' (1)`},
	{shows: "an operator that is a word", attack: `'instanceof alert(1)//`, twin: `'instance' of (x)`},
	{shows: "a function called at once", attack: `(()=>alert(1))()`, twin: `() => alert(1)`},
	{shows: "source code is data", attack: `x';eval(name)//`, twin: "import x from 'y';\nconst a = () => {\n  window.location.reload();\n};\nexport default a;"},
	{shows: "a Go file", attack: `",alert(1)]//`, twin: "package x\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"a\", open(\"b\"))\n}"},
	{shows: "pairs of a tracker", attack: `';document.title=document.cookie//`, twin: `event=click;event_category=buttons;id=1`},
	{shows: "a listing in a question", attack: `";alert('hi')//`, twin: `if (x > 0) { return y; } else { alert('hi'); }`},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		if m := judge(p.attack); m.Confidence < blocked || m.Class != detect.ClassXSS {
			t.Errorf("%s: attack %q: %+v", p.shows, p.attack, m)
		}
		if m := judge(p.twin); m.Confidence >= blocked {
			t.Errorf("%s: twin %q: %+v", p.shows, p.twin, m)
		}
	}
}

func TestBenignDoesNotAllocate(t *testing.T) {
	for _, p := range pairs {
		v := value.Of(p.twin, detect.SourceBody, "")
		if n := testing.AllocsPerRun(10, func() { Judge(&v) }); n > 0 {
			t.Errorf("%q: %v allocations", p.twin, n)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.attack)
		f.Add(p.twin)
	}
	for _, d := range dear {
		f.Add(d.text)
	}
	f.Add("////////>(a") // nothing but what stands at the end of a handler
	f.Fuzz(func(t *testing.T, s string) {
		v := value.Of(s, detect.SourceBody, "")
		m := Judge(&v)
		if m.Class == detect.ClassNone {
			if m != (value.Match{}) {
				t.Fatalf("half a match: %+v", m)
			}
			return
		}
		if m.Confidence <= 0 || m.Confidence > 1 || m.Start < 0 || m.Start > m.End || m.End > len(s) || m.Shape == "" {
			t.Fatalf("bad match: %+v of %d bytes", m, len(s))
		}
		if !Possible(v.Traits) {
			t.Fatalf("found but not possible: %+v", m)
		}
	})
}
