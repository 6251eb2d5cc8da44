package prototype

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassProtoPollution, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "path of Python's attributes as a value", Attack: "__class__.__init__.__globals__.SECRET", Twin: "the __class__.__init__ of it", Source: detect.SourceBody, Name: "path"},
	{Shows: "pointer of a JSON patch", Attack: "/__proto__/admin", Twin: "/proto/admin", Source: detect.SourceBody, Name: "path"},
	{Shows: "pointer by the constructor", Attack: "/constructor/prototype/x", Twin: "/constructors/prototypes/x", Source: detect.SourceBody, Name: "path"},
	{Shows: "the path of a page", Attack: "/a/b?__proto__[x]=1", Twin: "/docs/constructor/prototype/", Source: detect.SourcePath, Suspicious: true},
	{Shows: "name that a filter puts together", Attack: "__pro__proto__to__[x]", Twin: "__pro__to__[x]", IsName: true},
	{Shows: "reference of React's Flight", Attack: "$1:__proto__:then", Twin: "$1:props:children", Source: detect.SourceBody},
	{Shows: "reference to a constructor", Attack: "$a:constructor:constructor", Twin: "$a:construction:site", Source: detect.SourceBody},
	{Shows: "attributes of Python", Attack: "__class__.__init__.__globals__.secret", Twin: "__class__", IsName: true},
	{Shows: "attribute of Python as a key", Attack: "__globals__", Twin: "__typename", IsName: true},
	{Shows: "steps of nested keys", Attack: "constructor.prototype", Twin: "constructor", IsName: true},
	{Shows: "a path and nothing else", Attack: "a.__proto__.b", Twin: "see a.__proto__ of b", Suspicious: false},
	{Shows: "a path in brackets", Attack: "constructor[prototype][isAdmin]", Twin: "constructor[0][isAdmin]"},
	{Shows: "a name", Attack: "__proto__", Twin: "__protocol__", IsName: true},
	{Shows: "a path in brackets", Attack: "a[__proto__][b]", Twin: "a[proto][b]", IsName: true},
	{Shows: "a path with dots", Attack: "__proto__.admin", Twin: "proto.admin", IsName: true},
	{Shows: "a constructor's prototype", Attack: "constructor[prototype][x]", Twin: "constructor", IsName: true},
	{Shows: "with dots", Attack: "constructor.prototype.x", Twin: "team.constructor", IsName: true},
	{Shows: "a query string in a value", Attack: "__proto__[x]=1", Twin: "what does __proto__ mean?"},
	{Shows: "JSON in a value", Attack: `{"__proto__":{"x":1}}`, Twin: `{"note":"__proto__ is odd"}`},
	{Shows: "nested JSON", Attack: `{"constructor":{"prototype":{"x":1}}}`, Twin: `{"constructor":"Ferrari","prototype":"SF-24"}`},
	{Shows: "source code", Attack: "constructor.prototype.x=1", Twin: "class A {\n  constructor() {\n    super();\n  }\n}\nA.prototype.b = 1;"},
	{Shows: "underscores in Python", Attack: "__proto__[a]=b", Twin: "__init__ and __name__ == '__main__'"},
}

var hostile = []string{
	"__proto__",               // names
	"__proto__.",              // paths
	"[__proto__][",            // brackets
	"constructor.",            // constructors
	"_",                       // underscores
	"\"__proto__\" ",          // keys
	" constructor.prototypes", // words
}
