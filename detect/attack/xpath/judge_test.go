package xpath

import (
	"strings"
	"testing"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

func judge(text string) value.Match {
	v := value.Of(text, detect.SourceQuery, "q")
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
}{
	{shows: "union with everything", attack: "']|//*|//*['", twin: "[a]|[b]"},
	{shows: "union behind a bracket", attack: "x') or 1=1] | //user/password[('", twin: "f(x) | /dev/null"},
	{shows: "count of a path", attack: "1 or count(//user)=1", twin: "1 or count(users)"},
	{shows: "count in a literal", attack: "' and count(/*)=1 and '1'='1", twin: "that's a count(*) and more"},
	{shows: "length of a name", attack: "' or string-length(name(/*[1]))=4 or 'a'='b", twin: "the string-length(s) of it's name"},
	{shows: "blind characters", attack: "' and substring(//user[1]/pass,1,1)='a", twin: "substring(s, 1, 1)"},
	{shows: "document read", attack: "' and doc('http://x/')/a or 'a'='a", twin: "read the doc('umentation')"},
	{shows: "axis", attack: "' or ancestor::node() or 'a'='a", twin: "std::vector<int> v; self::create(); parent::__construct()"},
	{shows: "parent", attack: "x']/parent::node()/child::node() | //a['", twin: "class A extends B { parent::foo(); }"},
	{shows: "name of the node", attack: "x' or name()='username' or 'x'='y", twin: "it's name() or else"},
	{shows: "position", attack: "1 or position()=2", twin: "the position() function or so"},
	{shows: "node test", attack: "'] | //user/text() | a['", twin: "$(a).text()"},
	{shows: "normal path", attack: "\") or //password or (\"", twin: "/usr/local/bin/count(1)"},
	{shows: "commented code", attack: "'] | //node() | x['", twin: "a || b // comment() here"},
	{shows: "Markdown table", attack: "1'] | //*[contains(name(),'p", twin: "| [a](//b.c) | //cdn.example.com |"},
	{shows: "XQuery", attack: "' or exists(/users/user[1]) or '", twin: "it exists(/usr)"},
}

func TestTwins(t *testing.T) {
	for _, row := range twins {
		t.Run(row.shows, func(t *testing.T) {
			if m := judge(row.attack); m.Confidence < 0.7 || m.Class != detect.ClassXPathi {
				t.Errorf("attack %q: %v %.2f %s", row.attack, m.Class, m.Confidence, m.Shape)
			}
			if m := judge(row.twin); m.Confidence >= 0.4 {
				t.Errorf("harmless %q: %.2f %s", row.twin, m.Confidence, m.Shape)
			}
		})
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
		f.Add(row.attack)
		f.Add(row.twin)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := value.Of(text, detect.SourceQuery, "q")
		m := Judge(&v)
		if m.Confidence < 0 || m.Confidence > 1 || m.Start < 0 || m.Start > m.End || m.End > len(text) {
			t.Fatalf("%q: %+v", text, m)
		}
		if m.Confidence > 0 && !Possible(v.Traits) {
			t.Fatalf("%q: Judge says %.2f, Possible says no", text, m.Confidence)
		}
	})
}

var hostile = []string{"(", "count(//", "::", "ancestor::", "|", "|//", "] | //a", "'", "' or count(/", "text()", "/text()"}

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
