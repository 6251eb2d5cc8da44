package value

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTraitsOf compares the fast routine with the obvious one, at every length and offset
// that the unrolled loop treats differently.
func TestTraitsOf(t *testing.T) {
	var all strings.Builder
	for c := range 256 {
		all.WriteByte(byte(c))
	}
	text := all.String() + all.String()
	for from := 0; from < 256; from++ {
		for n := range 20 {
			s := text[from : from+n]
			var want Traits
			for i := range len(s) {
				want |= ClassOf(s[i])
			}
			require.Equal(t, want, TraitsOf(s), "%q", s)
		}
	}
}

func TestEveryByteHasOneClass(t *testing.T) {
	for c := range 256 {
		class := ClassOf(byte(c))
		require.NotZero(t, class, "%#x", c)
		require.Zero(t, class&(class-1), "%#x has two", c)
	}
}

func TestTraitsQuestions(t *testing.T) {
	word := TraitsOf("a-1")
	require.True(t, word.Only(Word))
	require.True(t, word.All(Letter|Digit))
	require.False(t, word.All(Letter|Quote))
	require.True(t, word.Any(Letter|Quote))
	require.False(t, word.Any(White))
}

func TestBetterKeepsTheFirstOfEquals(t *testing.T) {
	a, b := Match{Confidence: 0.5, Shape: "a"}, Match{Confidence: 0.5, Shape: "b"}
	require.Equal(t, a, a.Better(b))
	b.Confidence = 0.6
	require.Equal(t, b, a.Better(b))
}

func BenchmarkTraitsOf(b *testing.B) {
	s := strings.Repeat("Mozilla/5.0 (X11; Linux)", 40)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		TraitsOf(s)
	}
}
