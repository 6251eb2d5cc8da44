package languagetest

import (
	"strings"
	"testing"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// word is a language in which the word "evil" is an attack, and "odd" a suspicious one.
func word() *Language {
	return &Language{
		Class:    detect.ClassRCE,
		Possible: func(v *value.Value) bool { return v.Traits.Any(value.Letter) },
		Judge: func(v *value.Value) value.Match {
			if at := strings.Index(v.Text, "evil"); at >= 0 {
				return value.Match{Class: detect.ClassRCE, Confidence: 0.9, Start: at, End: at + 4, Shape: "word"}
			}
			if strings.Contains(v.Text, "odd") {
				return value.Match{Class: detect.ClassRCE, Confidence: 0.5, End: len(v.Text), Shape: "odd word"}
			}
			return value.Match{}
		},
		Rows: []Row{
			{Shows: "a word", Attack: "an evil word", Twin: "a devious word"},
			{Shows: "a suspicious twin", Attack: "evil", Twin: "odd", Suspicious: true},
			{Shows: "a name", Attack: "evil", Twin: "good", Source: detect.SourceBody, Name: "filename", IsName: true},
		},
		Harmless: []string{"", "good"},
		Hostile:  []string{"evi"},
	}
}

func TestLanguage(t *testing.T)   { word().Test(t) }
func FuzzJudge(f *testing.F)      { word().Fuzz(f) }
func BenchmarkJudge(b *testing.B) { word().Benchmark(b) }

// Each defect of a language must be found.
func TestDefects(t *testing.T) {
	l := word()
	calls := 0
	spoilt := func(spoil func(m *value.Match)) *Language {
		s := word()
		s.Judge = func(v *value.Value) value.Match {
			m := l.Judge(v)
			spoil(&m)
			return m
		}
		return s
	}
	evil, odd, good := parameter("so evil"), parameter("odd"), parameter("good")
	for _, row := range []struct {
		shows string
		err   error
	}{
		{shows: "a missed attack", err: l.attack(&Row{Attack: "odd"})},
		{shows: "a suspicious twin", err: l.twin(&Row{Twin: "odd"})},
		{shows: "a twin that is no longer suspicious", err: l.twin(&Row{Twin: "good", Suspicious: true})},
		{shows: "a blocked twin", err: l.twin(&Row{Twin: "evil", Suspicious: true})},
		{shows: "a suspicious text", err: l.passes(&odd, suspicious)},
		{shows: "memory", err: (&Language{Judge: func(v *value.Value) value.Match {
			return value.Match{Shape: strings.Clone(v.Text)}
		}}).allocates(&good)},
		{shows: "another class", err: spoilt(func(m *value.Match) { m.Class = detect.ClassSQLi }).sound(&evil)},
		{shows: "half a match", err: spoilt(func(m *value.Match) { m.Class = detect.ClassNone }).sound(&evil)},
		{shows: "a class of nothing", err: spoilt(func(m *value.Match) { m.Class = detect.ClassRCE }).sound(&good)},
		{shows: "too sure", err: spoilt(func(m *value.Match) { m.Confidence = 1.1 }).sound(&evil)},
		{shows: "evidence before the text", err: spoilt(func(m *value.Match) { m.Start = -1 }).sound(&evil)},
		{shows: "evidence behind the text", err: spoilt(func(m *value.Match) { m.End++ }).sound(&evil)},
		{shows: "evidence reversed", err: spoilt(func(m *value.Match) { m.End = 1 }).sound(&evil)},
		{shows: "no shape", err: spoilt(func(m *value.Match) { m.Shape = "" }).sound(&evil)},
		{shows: "chance", err: spoilt(func(m *value.Match) { calls++; m.Start += calls % 2 }).sound(&evil)},
		{shows: "a gate that misses", err: (&Language{Class: l.Class, Judge: l.Judge, Possible: func(*value.Value) bool { return false }}).sound(&evil)},
	} {
		if row.err == nil {
			t.Errorf("%s goes unnoticed", row.shows)
		}
	}
	for _, v := range []*value.Value{&evil, &odd, &good} {
		if err := l.sound(v); err != nil {
			t.Error(err)
		}
	}
}

// A cost that grows with the square of the length must be found, one that grows with the
// length must not.
func TestLinear(t *testing.T) {
	var now time.Time
	costs := func(cost func(n int) int) *Language {
		return &Language{Judge: func(v *value.Value) value.Match {
			now = now.Add(time.Duration(cost(len(v.Text))))
			return value.Match{}
		}}
	}
	clock := func() time.Time { return now }
	if err := costs(func(n int) int { return 100 * n }).linear("a", clock); err != nil {
		t.Error(err)
	}
	if costs(func(n int) int { return n * n / 1000 }).linear("a", clock) == nil {
		t.Error("a quadratic cost goes unnoticed")
	}
}
