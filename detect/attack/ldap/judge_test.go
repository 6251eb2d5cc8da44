package ldap

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
	{shows: "filter closed, another opened", attack: "*)(uid=*))(|(uid=*", twin: "(a) (b=c) (d|e)"},
	{shows: "always true", attack: "admin)(&)", twin: "admin (&co)"},
	{shows: "always false", attack: "admin)(!(&(1=0", twin: "admin) (not 1=0)"},
	{shows: "every object", attack: "*)(objectClass=*", twin: "a) objectClass=*"},
	{shows: "attribute probing", attack: "admin*)(userPassword=a*", twin: "f(x)(y=2)"},
	{shows: "alternative opened", attack: "x)(|(cn=*", twin: "x) (|| cn == y)"},
	{shows: "double bracket", attack: "admin*)((|userPassword=*)", twin: "smile :) ((hugs))"},
	{shows: "set behind a value", attack: "*(|(mail=*))", twin: "*(mail)"},
	{shows: "rest cut off", attack: "*))\x00", twin: "*))"},
	{shows: "whole filter", attack: "(&(uid=admin)(!(userPassword=q)))", twin: "(&) and (|) are sets"},
	{shows: "extensible match", attack: "userPassword:2.5.13.18:=123", twin: "time:12:=5"},
	{shows: "unknown attribute", attack: "x)(role=admin)(a=*", twin: "x)(role)"},
	{shows: "spaces", attack: "* ) ( cn = *", twin: "* ) ( see = below )"},
	{shows: "comparison operators", attack: "x)(uidNumber>=0", twin: "x) (n >= 0)"},
	{shows: "program text", attack: "x)(|(sn~=a", twin: "if (!(a=b) && (c=d)) f(x)"},
	{shows: "function calls", attack: "a)(cn=b)(sn=*", twin: "max(1)(a=2)"},
	{shows: "regular expression", attack: "x*)(dc=*", twin: "^(?:a|b)*(c=d)$"},
	{shows: "CSS", attack: "*)(member=*", twin: "a:not(.b)(c=1)"},
}

func TestTwins(t *testing.T) {
	for _, row := range twins {
		t.Run(row.shows, func(t *testing.T) {
			if m := judge(row.attack); m.Confidence < 0.7 || m.Class != detect.ClassLDAPi {
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

var hostile = []string{"(", ")", "*)", ")(", "*)(a=", "(&", "(|(", "a:1.1.1:=", "a", "(!(a=b", ")(uid=*)"}

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
