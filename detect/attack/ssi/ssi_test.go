package ssi

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
	{shows: "a command", attack: `<!--#exec cmd="id" -->`, twin: `<!-- exec cmd="id" -->`},
	{shows: "a file", attack: `<!--#include virtual="/x" -->`, twin: `<!-- #1: include the file -->`},
	{shows: "IIS allows a blank", attack: `<!-- #include file="x" -->`, twin: `<!-- # heading = 1 -->`},
	{shows: "a variable", attack: `<!--#echo var="DOCUMENT_ROOT"-->`, twin: `<!--#echo in the mirror-->`},
	{shows: "the environment", attack: `<!--#printenv-->`, twin: `<!--printenv-->`},
	{shows: "an edge include", attack: `<esi:include src="http://h.example/x"/>`, twin: `<soap:include src="x"/>`},
	{shows: "an edge comment", attack: `<!--esi <p>x</p> -->`, twin: `<!--essay-->`},
	{shows: "prose about it", attack: `<esi:inline name="/x" fetchable="yes">`, twin: `the <esi:include> element and its kin`},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		v := value.Of(p.attack, detect.SourceQuery, "q")
		v.IsName = p.name
		if m := Judge(&v); m.Confidence < blocked || m.Class != detect.ClassSSI {
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
