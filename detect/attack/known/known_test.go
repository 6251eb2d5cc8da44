package known

import (
	"fmt"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

func leaf(source detect.Source, name, text string, isName bool) *extract.Leaf {
	return &extract.Leaf{Text: text, Source: source, Name: name, IsName: isName}
}

// TestTextsAreExact holds that a leaf is known only where everything that was judged is the same.
func TestTextsAreExact(t *testing.T) {
	var m Texts
	base := leaf(detect.SourceQuery, "q", "it's a long value", false)
	find := func(l *extract.Leaf) Text { return m.Find(l, value.TraitsOf(l.Text)) }
	if find(base).Holds(base) {
		t.Fatal("an empty memory knows a text")
	}
	find(base).Put(base)
	if !find(base).Holds(base) {
		t.Fatal("it was put in")
	}
	for shows, l := range map[string]*extract.Leaf{
		"another text":   leaf(detect.SourceQuery, "q", "it's a lonG value", false),
		"another name":   leaf(detect.SourceQuery, "p", "it's a long value", false),
		"another source": leaf(detect.SourceCookie, "q", "it's a long value", false),
		"a name":         leaf(detect.SourceQuery, "q", "it's a long value", true),
		"bytes between":  leaf(detect.SourceQuery, "eq", "it's a long valu", false),
	} {
		if find(l).Holds(l) {
			t.Errorf("%s: taken for the one that was put in", shows)
		}
	}
	for shows, l := range map[string]*extract.Leaf{
		"a long text":          leaf(detect.SourceQuery, "q", strings.Repeat("a b", 40), false),
		"a token":              leaf(detect.SourceQuery, "q", "0123456789abcdef0123", false),
		"a file's name":        {Text: "a b", Source: detect.SourceBody, File: "a"},
		"a run of binary data": {Text: "a b", Source: detect.SourceBody, Run: true},
	} {
		if find(l).May() {
			t.Errorf("%s: would be remembered", shows)
		}
	}
}

// TestNamesAreExact is the same for names, whose marks mean something elsewhere in a request.
func TestNamesAreExact(t *testing.T) {
	var m Names
	for _, row := range []struct {
		name  string
		known bool
	}{{name: "page[size]", known: true}, {name: "a'b", known: false}, {name: "user", known: true}} {
		l := leaf(detect.SourceQuery, row.name, row.name, true)
		m.Find(l).Put(l, value.TraitsOf(row.name))
		if got := m.Find(l).Holds(l); got != row.known {
			t.Errorf("%q: known %v, want %v", row.name, got, row.known)
		}
		if other := leaf(detect.SourceHeader, row.name, row.name, true); m.Find(other).Holds(other) {
			t.Errorf("%q: known from another source", row.name)
		}
	}
}

// TestLinesForgetWhatWasWrittenOver holds that a line is known until the ring has come round,
// and that nothing but a line that was put in ever is: not what pieces of others add up to.
func TestLinesForgetWhatWasWrittenOver(t *testing.T) {
	m := new(Lines)
	line := func(i int) *detect.Header {
		return &detect.Header{Name: "Cookie", Value: fmt.Sprintf("%08d%s", i, strings.Repeat("x", 4000+i%7))}
	}
	for i := range 300 {
		m.Put(line(i))
		if !m.Holds(line(i)) {
			t.Fatalf("line %d was put in", i)
		}
		if i > 100 && m.Holds(line(i-100)) {
			t.Fatalf("line %d is known, though 400 KB were written since", i-100)
		}
	}
	// A row whose bytes were written over by pieces of two other lines is no line.
	m = new(Lines)
	m.Put(&detect.Header{Name: "Accept", Value: strings.Repeat("a", 100)})
	for range 2 * ringBytes / 1000 {
		m.Put(&detect.Header{Name: "Accept", Value: strings.Repeat("b", 993)})
	}
	r := &m.rows[lineHash(&detect.Header{Name: "Accept", Value: strings.Repeat("a", 100)})%lineRows]
	at := m.ring[r.at%ringBytes:]
	stale := &detect.Header{Name: string(at[:6]), Value: string(at[6:106])}
	r.hash = lineHash(stale) // as whoever chooses the line beforehand can bring about
	m.rows[lineHash(stale)%lineRows] = *r
	if m.Holds(stale) {
		t.Error("pieces of other lines are taken for a line")
	}
	for _, name := range [...]string{"Host", "Content-Type", "X-Own"} {
		h := &detect.Header{Name: name, Value: "a"}
		if m.Put(h); m.Holds(h) {
			t.Errorf("%s is remembered, though it says something about the request", name)
		}
	}
}
