package shell

import (
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// FuzzJudge holds what the engine relies on: no panic, evidence inside the text, a
// confidence between 0 and 1, and a gate that never misses what Judge would find.
func FuzzJudge(f *testing.F) {
	for _, r := range rows {
		f.Add(r.attack, uint8(r.source), r.field, r.isName)
		f.Add(r.twin, uint8(r.source), r.field, r.isName)
	}
	f.Fuzz(func(t *testing.T, text string, source uint8, field string, isName bool) {
		v := value.Of(text, detect.Source(source%7), field)
		v.IsName = isName
		m := Judge(&v)
		if m.Start < 0 || m.End < m.Start || m.End > len(text) {
			t.Fatalf("evidence [%d:%d] of %d bytes", m.Start, m.End, len(text))
		}
		if m.Confidence < 0 || m.Confidence > 1 {
			t.Fatalf("confidence %v", m.Confidence)
		}
		if (m.Class == detect.ClassNone) != (m.Confidence == 0) {
			t.Fatalf("class %v with confidence %v", m.Class, m.Confidence)
		}
		if m.Confidence > 0 && !Possible(v.Traits) {
			t.Fatalf("Possible misses %q (%s)", text, m.Shape)
		}
	})
}

// TestJudge holds that each attack is blocked at the default sensitivity and its
// harmless twin is not.
func TestJudge(t *testing.T) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			v := value.Of(r.attack, r.source, r.field)
			v.IsName = r.isName
			if m := Judge(&v); m.Confidence < 0.7 {
				t.Errorf("attack %q: confidence %.2f (%s), want 0.7 or more", r.attack, m.Confidence, m.Shape)
			} else if !Possible(v.Traits) {
				t.Errorf("attack %q: not possible by its traits", r.attack)
			}
			v = value.Of(r.twin, r.source, r.field)
			v.IsName = r.isName
			if m := Judge(&v); m.Confidence >= 0.7 {
				t.Errorf("twin %q: confidence %.2f (%s: %q), want less than 0.7", r.twin, m.Confidence, m.Shape, r.twin[m.Start:m.End])
			}
		})
	}
}

// TestNoAllocation holds that a benign value costs no memory.
func TestNoAllocation(t *testing.T) {
	for _, r := range rows {
		v := value.Of(r.twin, r.source, r.field)
		v.IsName = r.isName
		if n := testing.AllocsPerRun(10, func() { Judge(&v) }); n != 0 {
			t.Errorf("twin %q: %v allocations, want 0", r.twin, n)
		}
	}
}

func BenchmarkBenign(b *testing.B) {
	for _, text := range [...]string{"hello", "2026-11-21T10:00:00Z", "https://www.example.com/a/b.html?utm_source=x&id=12", "Please find the report attached; it is due on Monday, thanks."} {
		v := value.Of(text, detect.SourceQuery, "q")
		b.Run(text[:5], func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if Possible(v.Traits) {
					Judge(&v)
				}
			}
		})
	}
}

// BenchmarkAdversarial measures what the dearest inputs cost: 1 MB each, and as many
// values of 1 KB. The cap is 8 ns a byte.
func BenchmarkAdversarial(b *testing.B) {
	for _, piece := range [...]string{";", "$(", "../", "${", "://", ";a", ";ls x", "`a", "|cat /", "\\n", "\nTo: ", "O:8:\"", "system(", "/etc/", ":a:", "<?", "a.b.", "{cat,", "a=b;", "@a.b@", "#a=", "x ", "http://1.1@", "c''a", "http:", "ldap:x", "....//", "\xe5\x98\x8a", ";$a", "(x(", ".git/"} {
		big := strings.Repeat(piece, 1<<20/len(piece))
		for _, size := range [...]int{1 << 10, 1 << 20} {
			v := value.Of(big[:size/len(piece)*len(piece)], detect.SourceBody, "q")
			name := "1MB/"
			if size == 1<<10 {
				name = "1KB/"
			}
			b.Run(name+piece, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(v.Text)))
				for b.Loop() {
					Judge(&v)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(v.Text)), "ns/byte")
			})
		}
	}
}
