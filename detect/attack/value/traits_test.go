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

// TestLook compares the fast routine with the obvious one.
func TestLook(t *testing.T) {
	var all strings.Builder
	for c := range 256 {
		all.WriteString(string([]byte{byte(c), '.', byte(c), byte(c), ':', byte(c), '<', byte(c), '{', byte(c), '('}))
	}
	text := all.String()
	for from := 0; from < len(text)-20; from++ {
		for n := range 20 {
			s := text[from : from+n]
			var want Pairs
			if n > 1 {
				want = headOf[s[0]].first & headOf[s[1]].second
			}
			for i := 1; i < len(s); i++ {
				want |= pairOf[s[i-1]].first & pairOf[s[i]].second
			}
			_, got := Look(s)
			require.Equal(t, want, got, "%q", s)
		}
	}
}

func pairs(s string) Pairs {
	_, p := Look(s)
	return p
}

func TestPairs(t *testing.T) {
	for _, row := range []struct {
		pair         Pairs
		text, unlike string
	}{
		{pair: DotDot, text: "a..b", unlike: "a.b."},
		{pair: DotSlash, text: `a.\b`, unlike: "a/.b"},
		{pair: Underscores, text: "__proto__", unlike: "_proto_"},
		{pair: ColonSlash, text: "http://a", unlike: "a:b/"},
		{pair: LessLetter, text: "a <b", unlike: "a < b"},
		{pair: MarkBrace, text: "${a}", unlike: "$ {a}"},
		{pair: Call, text: "f (x)", unlike: ")("},
		{pair: WideBreak, text: "a\u560ab", unlike: "\xe5a\x98"},
		{pair: ScriptColon, text: "javascripT\n:", unlike: "a=http:"},
		{pair: LessBlank, text: "a <\x00", unlike: "a <\x80"},
	} {
		require.True(t, pairs(row.text).Any(row.pair), "%q", row.text)
		require.False(t, pairs(row.unlike).Any(row.pair), "%q", row.unlike)
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

func BenchmarkLook(b *testing.B) {
	s := strings.Repeat("Mozilla/5.0 (X11; Linux)", 40)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		Look(s)
	}
}
