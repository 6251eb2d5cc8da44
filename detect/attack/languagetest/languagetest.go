// Package languagetest tests what every language package of detect/attack must show. It is
// imported by their test files only.
//
// A language package describes itself in a Language: its two functions, and a table of
// attacks, each beside its harmless twin. Three one-line functions then hold it to the
// contract that the engine relies on (see detect/attack/value):
//
//	func TestLanguage(t *testing.T)   { language.Test(t) }
//	func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
//	func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }
//
// What only one language promises is tested in that language's package. How well attacks are
// found in traffic is no test but a measurement: kong-waf eval.
package languagetest

import (
	"fmt"
	"testing"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// The confidences that matter to the engine: see value.Match.
const (
	blocked    = 0.7
	suspicious = 0.4
)

// Language is a language package as its tests see it.
type Language struct {
	// Class is the attack class of every match.
	Class detect.Class
	// Possible and Judge are the package's functions.
	Possible func(*value.Value) bool
	Judge    func(*value.Value) value.Match
	// Rows are attacks and their twins.
	Rows []Row
	// Harmless are further texts that no attack's twin stands for, as values of a query
	// parameter. Those that every language must pass are there already.
	Harmless []string
	// Hostile are pieces of text: each is where fuzzing starts, and repeated it is an input
	// that costs much. Those that are dear to many languages are there already.
	Hostile []string
}

// Row is an attack beside a harmless text that shares its words, marks or form, at the same
// place.
type Row struct {
	// Shows says in a few words what the row shows; it names the subtest.
	Shows string
	// Attack is blocked at the default sensitivity; Twin is not even suspicious.
	Attack, Twin string
	// Source, Name and IsName are those of value.Value. Without a source the place is the
	// query parameter q.
	Source     detect.Source
	Name       string
	IsName     bool
	Under, Top string
	// Suspicious says that the twin is suspicious, but not blocked at the default sensitivity.
	Suspicious bool
}

// place returns a text at the row's place.
func (r *Row) place(text string) value.Value {
	source, name := r.Source, r.Name
	if source == detect.SourceUnknown {
		source = detect.SourceQuery
		if name == "" {
			name = "q"
		}
	}
	v := value.Of(text, source, name)
	v.IsName, v.Under, v.Top = r.IsName, r.Under, r.Top
	return v
}

// parameter returns a text as the value of the query parameter q.
func parameter(text string) value.Value { return (&Row{}).place(text) }

// Match returns what the language sees in the value of a query parameter; like the engine it
// asks Possible first.
func (l *Language) Match(text string) value.Match {
	v := parameter(text)
	return l.match(&v)
}

func (l *Language) match(v *value.Value) value.Match {
	if !l.Possible(kind(v)) {
		return value.Match{}
	}
	return l.Judge(v)
}

// kind returns what Possible may look at.
func kind(v *value.Value) *value.Value {
	return &value.Value{Traits: v.Traits, Pairs: v.Pairs, Source: v.Source, IsName: v.IsName}
}

// Test tests that attacks are found and harmless texts are not, that harmless texts cost no
// memory, and (not with -short) that the cost of hostile ones grows with their length only.
func (l *Language) Test(t *testing.T) {
	t.Run("rows", func(t *testing.T) {
		for i := range l.Rows {
			t.Run(l.Rows[i].Shows, func(t *testing.T) {
				t.Parallel() // Judge is safe for concurrent use: the race detector watches
				report(t, l.attack(&l.Rows[i]))
				report(t, l.twin(&l.Rows[i]))
			})
		}
	})
	t.Run("harmless", func(t *testing.T) {
		for _, text := range l.harmless() {
			v := parameter(text)
			report(t, l.passes(&v, suspicious))
			report(t, l.allocates(&v))
		}
		for i := range l.Rows {
			v := l.Rows[i].place(l.Rows[i].Twin)
			report(t, l.allocates(&v))
		}
	})
	t.Run("linear", func(t *testing.T) {
		if testing.Short() {
			t.Skip("measures time")
		}
		for _, piece := range l.hostile() {
			report(t, l.linear(piece, time.Now))
		}
	})
}

func report(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// attack returns an error if the row's attack is not blocked.
func (l *Language) attack(r *Row) error {
	v := r.place(r.Attack)
	if m := l.match(&v); m.Confidence < blocked {
		return fmt.Errorf("attack %q: confidence %.2f (%s), want %v or more", r.Attack, m.Confidence, m.Shape, blocked)
	}
	return l.sound(&v)
}

// twin returns an error if the row's twin is not as harmless as the row says.
func (l *Language) twin(r *Row) error {
	v := r.place(r.Twin)
	if !r.Suspicious {
		return l.passes(&v, suspicious)
	}
	if m := l.match(&v); m.Confidence < suspicious {
		return fmt.Errorf("twin %q: confidence %.2f (%s): it is not Suspicious (any more)", r.Twin, m.Confidence, m.Shape)
	}
	return l.passes(&v, blocked)
}

// passes returns an error if a harmless value reaches the confidence.
func (l *Language) passes(v *value.Value, limit float64) error {
	if m := l.match(v); m.Confidence >= limit {
		return fmt.Errorf("harmless %q: confidence %.2f (%s), want less than %v", v.Text, m.Confidence, m.Shape, limit)
	}
	return l.sound(v)
}

// allocates returns an error if judging the value costs memory.
func (l *Language) allocates(v *value.Value) error {
	if n := testing.AllocsPerRun(20, func() { l.Judge(v) }); n != 0 {
		return fmt.Errorf("harmless %q: %v allocations, want none", v.Text, n)
	}
	return nil
}

// sound returns an error if the match of a value, any value, is not what the engine relies
// on: the same each time, either nothing at all or complete, with evidence inside the text,
// and never worth reporting of a value that Possible refuses.
func (l *Language) sound(v *value.Value) error {
	m := l.Judge(v)
	again := l.Judge(v)
	switch {
	case again != m:
		return fmt.Errorf("%q: first %+v, then %+v", v.Text, m, again)
	case m == value.Match{}:
		return nil
	case m.Class != l.Class:
		return fmt.Errorf("%q: class %v, want %v (%+v)", v.Text, m.Class, l.Class, m)
	case m.Confidence <= 0 || m.Confidence > 1:
		return fmt.Errorf("%q: confidence %v (%s)", v.Text, m.Confidence, m.Shape)
	case m.Start < 0 || m.Start > m.End || m.End > len(v.Text):
		return fmt.Errorf("%q: evidence [%d:%d] of %d bytes (%s)", v.Text, m.Start, m.End, len(v.Text), m.Shape)
	case m.Shape == "":
		return fmt.Errorf("%q: no shape (%+v)", v.Text, m)
	case m.Confidence >= suspicious && !l.Possible(kind(v)):
		return fmt.Errorf("%q: confidence %v (%s), but not Possible", v.Text, m.Confidence, m.Shape)
	}
	return nil
}

// Fuzz holds what the engine relies on (see sound) for any text at any place, and that
// nothing panics.
func (l *Language) Fuzz(f *testing.F) {
	for _, r := range l.Rows {
		for _, text := range [...]string{r.Attack, r.Twin} {
			v := r.place(text)
			f.Add(text, uint8(v.Source), v.Name, v.IsName)
		}
	}
	for _, piece := range l.hostile() {
		f.Add(piece, uint8(detect.SourceQuery), "q", false)
		f.Add(piece, uint8(detect.SourceBody), "", true)
	}
	f.Fuzz(func(t *testing.T, text string, source uint8, name string, isName bool) {
		v := value.Of(text, detect.Source(source%uint8(detect.SourceBody+1)), name)
		v.IsName = isName
		if err := l.sound(&v); err != nil {
			t.Fatal(err)
		}
	})
}
