package attack

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/code"
	"kongwaf/detect/attack/crlf"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/html"
	"kongwaf/detect/attack/inside"
	"kongwaf/detect/attack/js"
	"kongwaf/detect/attack/ldap"
	"kongwaf/detect/attack/link"
	"kongwaf/detect/attack/nosql"
	"kongwaf/detect/attack/path"
	"kongwaf/detect/attack/prototype"
	"kongwaf/detect/attack/scanner"
	"kongwaf/detect/attack/serial"
	"kongwaf/detect/attack/shell"
	"kongwaf/detect/attack/sql"
	"kongwaf/detect/attack/ssi"
	"kongwaf/detect/attack/template"
	"kongwaf/detect/attack/upload"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/xml"
	"kongwaf/detect/attack/xpath"
)

// language is one attacked language: a package below this one.
type language struct {
	name string // of the package
	// possible reports whether a value can hold an attack at all, by nothing but its traits,
	// pairs, source and whether it is a name.
	possible func(*value.Value) bool
	// judge looks at one decoded value.
	judge func(*value.Value) value.Match
	// structured says that the language's attacks are JSON documents as such, besides what
	// their strings hold.
	structured bool
	// binary says that the language's attacks work from within binary data.
	binary bool
}

// structured is the set of the languages whose attacks can be JSON.
var structured = func() (mask uint32) {
	for i := range languages {
		if languages[i].structured {
			mask |= 1 << i
		}
	}
	return mask
}()

// languages are all that the engine knows of attacks; a new one needs a row here, with the
// name of its package, and "make golden", which writes ask.go. At most 32.
var languages = [...]language{
	{name: "sql", possible: sql.Possible, judge: sql.Judge},
	{name: "nosql", possible: nosql.Possible, judge: nosql.Judge, structured: true},
	{name: "html", possible: html.Possible, judge: html.Judge},
	{name: "js", possible: js.Possible, judge: js.Judge},
	{name: "template", possible: template.Possible, judge: template.Judge},
	{name: "xml", possible: xml.Possible, judge: xml.Judge, binary: true},
	{name: "ssi", possible: ssi.Possible, judge: ssi.Judge},
	{name: "ldap", possible: ldap.Possible, judge: ldap.Judge},
	{name: "xpath", possible: xpath.Possible, judge: xpath.Judge},
	{name: "shell", possible: shell.Possible, judge: shell.Judge},
	{name: "code", possible: code.Possible, judge: code.Judge, binary: true},
	{name: "path", possible: path.Possible, judge: path.Judge},
	{name: "link", possible: link.Possible, judge: link.Judge},
	{name: "crlf", possible: crlf.Possible, judge: crlf.Judge},
	{name: "serial", possible: serial.Possible, judge: serial.Judge, structured: true, binary: true},
	{name: "upload", possible: upload.Possible, judge: upload.Judge, binary: true},
	{name: "scanner", possible: scanner.Possible, judge: scanner.Judge},
	{name: "prototype", possible: prototype.Possible, judge: prototype.Judge, structured: true},
	{name: "inside", possible: inside.Possible, judge: inside.Judge},
}

// Most values of benign requests are words, names, numbers and tokens, and most of the
// others lack what any attack needs. They leave here, before a language is asked to judge.

// possible returns the set of languages that may see something in a text with these traits
// and pairs. It prepares s.value for them, but for the text and the name.
func (s *session) possible(l *extract.Leaf, t value.Traits, p value.Pairs) uint32 {
	if t.Only(value.Word) && (l.Source != detect.SourcePath || l.IsSegment()) && l.Source != detect.SourceHeader {
		if dot := t.Any(value.Dot); !dot && p&wordPairs == 0 || dot && p&dottedPairs == 0 && !l.IsName {
			return 0
		}
	}
	v := &s.value
	v.Traits, v.Pairs, v.Source, v.IsName = t, p, l.Source, l.IsName
	return ask(v)
}

// wordPairs are pairs of which a text of nothing but letters, digits, _ and - has one, if a
// language may see something in it. dottedPairs is the same for texts with dots.
var (
	wordPairs   = tellingPairs(value.Word &^ value.Dot)
	dottedPairs = tellingPairs(value.Word)
)

// tellingPairs returns all pairs but a set that makes no language possible. Languages ask
// for pairs, never for their absence, so what holds for a set holds for the sets within it.
func tellingPairs(t value.Traits) value.Pairs {
	harmless := value.Pairs(0)
	for bit := value.Pairs(1); bit != 0; bit <<= 1 {
		v := value.Value{Traits: t, Pairs: harmless | bit, Source: detect.SourceQuery}
		if ask(&v) == 0 {
			harmless |= bit
		}
	}
	return ^harmless
}
