package prototype

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// blocked is the confidence from which a match is blocked at the default sensitivity.
const blocked = 0.7

// pairs are attacks, each beside a harmless text of nearly the same form.
var pairs = []struct {
	shows, attack, twin string
	name                bool // the texts are names
}{
	{shows: "a name", attack: "__proto__", twin: "__protocol__", name: true},
	{shows: "a path in brackets", attack: "a[__proto__][b]", twin: "a[proto][b]", name: true},
	{shows: "a path with dots", attack: "__proto__.admin", twin: "proto.admin", name: true},
	{shows: "a constructor's prototype", attack: "constructor[prototype][x]", twin: "constructor", name: true},
	{shows: "with dots", attack: "constructor.prototype.x", twin: "team.constructor", name: true},
	{shows: "a query string in a value", attack: "__proto__[x]=1", twin: "what does __proto__ mean?"},
	{shows: "JSON in a value", attack: `{"__proto__":{"x":1}}`, twin: `{"note":"__proto__ is odd"}`},
	{shows: "nested JSON", attack: `{"constructor":{"prototype":{"x":1}}}`, twin: `{"constructor":"Ferrari","prototype":"SF-24"}`},
	{shows: "source code", attack: "constructor.prototype.x=1", twin: "class A {\n  constructor() {\n    super();\n  }\n}\nA.prototype.b = 1;"},
	{shows: "underscores in Python", attack: "__proto__[a]=b", twin: "__init__ and __name__ == '__main__'"},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		v := value.Of(p.attack, detect.SourceQuery, "q")
		v.IsName = p.name
		if m := Judge(&v); m.Confidence < blocked || m.Class != detect.ClassProtoPollution {
			t.Errorf("%s: attack %q: %+v", p.shows, p.attack, m)
		}
		v = value.Of(p.twin, detect.SourceQuery, "q")
		v.IsName = p.name
		if m := Judge(&v); m.Confidence >= blocked {
			t.Errorf("%s: twin %q: %+v", p.shows, p.twin, m)
		}
		if n := testing.AllocsPerRun(10, func() { Judge(&v) }); n > 0 {
			t.Errorf("%q: %v allocations", p.twin, n)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.attack, p.name)
		f.Add(p.twin, p.name)
	}
	for _, d := range dear {
		f.Add(d.text, false)
	}
	f.Fuzz(func(t *testing.T, s string, name bool) {
		v := value.Of(s, detect.SourceBody, "")
		v.IsName = name
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
