package xml

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassXXE, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "an external entity", Attack: `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>`, Twin: `<r>&amp;&lt;x</r>`},
	{Shows: "a public entity", Attack: `<!DOCTYPE r [<!ENTITY x PUBLIC "a" "http://h.example/">]>`, Twin: `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">`},
	{Shows: "a parameter entity", Attack: `<!DOCTYPE r [<!ENTITY % d SYSTEM "http://h.example/d.dtd">%d;]>`, Twin: `<!DOCTYPE html>`},
	{Shows: "a fragment of a type", Attack: `<!ENTITY x SYSTEM 'php://filter/resource=x'>`, Twin: `<!ELEMENT x (#PCDATA)>`},
	{Shows: "an external type", Attack: `<!DOCTYPE r SYSTEM "http://h.example/d.dtd">`, Twin: `<!DOCTYPE html SYSTEM "about:legacy-compat">`},
	{Shows: "a property list is known", Attack: `<!DOCTYPE plist PUBLIC "x" "http://h.example/p.dtd">`, Twin: `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`},
	{Shows: "entities that multiply", Attack: `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><l>&c;</l>`, Twin: `<l>&quot;ha&quot; &quot;ha&quot;</l>`},
	{Shows: "the namespaces of a drawing", Attack: `<!DOCTYPE svg [<!ENTITY ns_a "data://a"><!ENTITY ns_b "file:///etc/hostname">]>`, Twin: `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [<!ENTITY ns_a "http://ns.example.com/Flows/1.0/"><!ENTITY ns_b "http://www.w3.org/2000/svg">]>`},
	{Shows: "a character by its number", Attack: `<!DOCTYPE a [<!ENTITY lt2 "&#60;b">]>`, Twin: `<!DOCTYPE a [<!ENTITY nbsp "&#160;">]>`},
	{Shows: "XInclude", Attack: `<r xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include parse="text" href="file:///etc/passwd"/></r>`, Twin: `<r><include href="a.xml"/></r>`},
	{Shows: "a stylesheet that reads", Attack: `<xsl:value-of select="document('/etc/passwd')"/>`, Twin: `<xsl:value-of select="title"/>`},
	{Shows: "a stylesheet that calls", Attack: `<xsl:value-of select="php:function('system','id')"/>`, Twin: `<xsl:value-of select="concat(a, b)"/>`},
	{Shows: "a schema's address without a namespace", Attack: `<x xsi:schemaLocation="http://h.example/"/>`, Twin: `<project xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd">`},
}

var hostile = []string{
	"<!",                               // declarations
	"<!ENTITY a \"",                    // entities
	"<!ENTITY a b>",                    // internal entities
	"<!DOCTYPE a ",                     // doctypes
	"<!DOCTYPE a PUBLIC \"-//\" ",      // public
	"<a",                               // elements
	"<xsl:a ",                          // prefixed
	"<a:b c=d>",                        // closed
	"<a:b xsi:schemaLocation=\"a b\">", // schema
	"<!ENTITY     ",                    // blanks
	"<xi:include ",                     // xi
}
