package words

import (
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	s := New(Group{Kind: 1, Words: "cat dog .env"}, Group{Kind: 2, Words: "cat WC"})
	rows := []struct {
		name, word string
		want       uint32
	}{
		{name: "a word of two groups has both kinds", word: "cat", want: 3},
		{name: "case is ignored", word: "CaT", want: 3},
		{name: "the list's case is ignored too", word: "wc", want: 2},
		{name: "a mark may begin a word", word: ".ENV", want: 1},
		{name: "a prefix is no word", word: "ca", want: 0},
		{name: "a longer text is no word", word: "cats", want: 0},
		{name: "same length and first byte, other word", word: "cut", want: 0},
		{name: "empty", word: "", want: 0},
		{name: "too long to be held", word: strings.Repeat("c", 64), want: 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if got := s.Of(r.word); got != r.want {
				t.Errorf("Of(%q) = %d, want %d", r.word, got, r.want)
			}
			if got := s.OfBytes([]byte(r.word)); got != r.want {
				t.Errorf("OfBytes(%q) = %d, want %d", r.word, got, r.want)
			}
		})
	}
}

func TestNoAllocation(t *testing.T) {
	s := New(Group{Kind: 1, Words: "cat dog"})
	buf := []byte("CAT")
	if n := testing.AllocsPerRun(100, func() { s.Of("dog"); s.OfBytes(buf); _ = Index("a Dog", "dog") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add("the Cat", "cat")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, text, word string) {
		for i := 0; i < len(text); i++ {
			if text[i] >= 0x80 {
				return // strings.ToLower folds more than ASCII
			}
		}
		for i := 0; i < len(word); i++ {
			if word[i] >= 0x80 {
				return
			}
		}
		word = strings.ToLower(word)
		if word == "" {
			return
		}
		if got, want := Index(text, word), strings.Index(strings.ToLower(text), word); got != want {
			t.Errorf("Index(%q, %q) = %d, want %d", text, word, got, want)
		}
	})
}

func FuzzBytes(f *testing.F) {
	f.Add("a,b;c", ",;", 2)
	f.Add("abcdefg,", ",", 0)
	f.Fuzz(func(t *testing.T, text, set string, i int) {
		if i < 0 || i > len(text) {
			return
		}
		want := i
		for want < len(text) && strings.IndexByte(set, text[want]) < 0 {
			want++
		}
		if got := BytesOf(set).Next(text, i); got != want {
			t.Errorf("%q in %q from %d: %d, want %d", set, text, i, got, want)
		}
	})
}

func TestTrigrams(t *testing.T) {
	g := Group{Words: "passwd .env win.ini"}
	heads, tails := Heads(g), Tails(g)
	if !heads.Has('P', 'a', 'S') || !heads.Has('.', 'e', 'n') || heads.Has('p', 's', 'a') {
		t.Error("heads")
	}
	if !tails.Has('e', 'n', 'V') || !tails.Has('i', 'n', 'i') || tails.Has('p', 'a', 's') {
		t.Error("tails")
	}
}
