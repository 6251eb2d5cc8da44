package xml

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
	{shows: "an external entity", attack: `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>`, twin: `<r>&amp;&lt;x</r>`},
	{shows: "a public entity", attack: `<!DOCTYPE r [<!ENTITY x PUBLIC "a" "http://h.example/">]>`, twin: `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">`},
	{shows: "a parameter entity", attack: `<!DOCTYPE r [<!ENTITY % d SYSTEM "http://h.example/d.dtd">%d;]>`, twin: `<!DOCTYPE html>`},
	{shows: "a fragment of a type", attack: `<!ENTITY x SYSTEM 'php://filter/resource=x'>`, twin: `<!ELEMENT x (#PCDATA)>`},
	{shows: "an external type", attack: `<!DOCTYPE r SYSTEM "http://h.example/d.dtd">`, twin: `<!DOCTYPE html SYSTEM "about:legacy-compat">`},
	{shows: "a property list is known", attack: `<!DOCTYPE plist PUBLIC "x" "http://h.example/p.dtd">`, twin: `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`},
	{shows: "entities that multiply", attack: `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><l>&c;</l>`, twin: `<l>&quot;ha&quot; &quot;ha&quot;</l>`},
	{shows: "XInclude", attack: `<r xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include parse="text" href="file:///etc/passwd"/></r>`, twin: `<r><include href="a.xml"/></r>`},
	{shows: "a stylesheet that reads", attack: `<xsl:value-of select="document('/etc/passwd')"/>`, twin: `<xsl:value-of select="title"/>`},
	{shows: "a stylesheet that calls", attack: `<xsl:value-of select="php:function('system','id')"/>`, twin: `<xsl:value-of select="concat(a, b)"/>`},
	{shows: "a schema's address without a namespace", attack: `<x xsi:schemaLocation="http://h.example/"/>`, twin: `<project xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd">`},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		v := value.Of(p.attack, detect.SourceQuery, "q")
		v.IsName = p.name
		if m := Judge(&v); m.Confidence < blocked || m.Class != detect.ClassXXE {
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
