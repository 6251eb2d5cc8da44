package xpath

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassXPathi, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "a function of a path alone", Attack: "count(//user)", Twin: "count(users)"},
	{Shows: "a quote that is closed breaks nothing", Attack: "x']/parent::*/text()", Twin: `//div[@class="price"]/span[1]/text()`},
	{Shows: "union with everything", Attack: "']|//*|//*['", Twin: "[a]|[b]"},
	{Shows: "a path to a secret", Attack: "//account[2]/password", Twin: "//article[2]/title"},
	{Shows: "union behind a bracket", Attack: "x') or 1=1] | //user/password[('", Twin: "f(x) | /dev/null"},
	{Shows: "count of a path", Attack: "1 or count(//user)=1", Twin: "1 or count(users)"},
	{Shows: "count in a literal", Attack: "' and count(/*)=1 and '1'='1", Twin: "that's a count(*) and more"},
	{Shows: "length of a name", Attack: "' or string-length(name(/*[1]))=4 or 'a'='b", Twin: "the string-length(s) of it's name"},
	{Shows: "blind characters", Attack: "' and substring(//user[1]/pass,1,1)='a", Twin: "substring(s, 1, 1)"},
	{Shows: "document read", Attack: "' and doc('http://x/')/a or 'a'='a", Twin: "read the doc('umentation')"},
	{Shows: "axis", Attack: "' or ancestor::node() or 'a'='a", Twin: "std::vector<int> v; self::create(); parent::__construct()"},
	{Shows: "parent", Attack: "x']/parent::node()/child::node() | //a['", Twin: "class A extends B { parent::foo(); }"},
	{Shows: "name of the node", Attack: "x' or name()='username' or 'x'='y", Twin: "it's name() or else"},
	{Shows: "position", Attack: "1 or position()=2", Twin: "the position() function or so"},
	{Shows: "node test", Attack: "'] | //user/text() | a['", Twin: "$(a).text()"},
	{Shows: "normal path", Attack: "\") or //password or (\"", Twin: "/usr/local/bin/count(1)"},
	{Shows: "commented code", Attack: "'] | //node() | x['", Twin: "a || b // comment() here"},
	{Shows: "Markdown table", Attack: "1'] | //*[contains(name(),'p", Twin: "| [a](//b.c) | //cdn.example.com |"},
	{Shows: "XQuery", Attack: "' or exists(/users/user[1]) or '", Twin: "it exists(/usr)"},
}

var hostile = []string{"(", "count(//", "::", "ancestor::", "|", "|//", "] | //a", "'", "' or count(/", "text()", "/text()"}
