package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func sum(key string) string {
	h := sha256.Sum256([]byte(key))
	return hex.EncodeToString(h[:])
}

func TestLookup(t *testing.T) {
	s, err := New([]Credential{
		{Key: "first-key", Entry: Entry{Consumer: "bob", ConsumerID: "c1", ID: "k1"}},
		{Key: "second-key", Entry: Entry{Consumer: "bob"}},
		{KeySHA256: strings.ToUpper(sum("hashed-key")), Entry: Entry{ConsumerID: "c2"}},
		{Key: strings.Repeat("k", MaxKeyLength), Entry: Entry{Consumer: "longest"}},
	})
	require.NoError(t, err)
	require.Equal(t, 4, s.Len())
	rows := []struct {
		name      string
		presented string
		want      Entry
		known     bool
	}{
		{name: "a key given plainly", presented: "first-key", want: Entry{Consumer: "bob", ConsumerID: "c1", ID: "k1"}, known: true},
		{name: "a second key of one consumer, as in rotation", presented: "second-key", want: Entry{Consumer: "bob"}, known: true},
		{name: "a key given as its hash", presented: "hashed-key", want: Entry{ConsumerID: "c2"}, known: true},
		{name: "the longest key", presented: strings.Repeat("k", MaxKeyLength), want: Entry{Consumer: "longest"}, known: true},
		{name: "one byte longer", presented: strings.Repeat("k", MaxKeyLength+1)},
		{name: "the hash is not the key", presented: sum("hashed-key")},
		{name: "case matters", presented: "First-Key"},
		{name: "white space matters", presented: "first-key "},
		{name: "the beginning of a key", presented: "first"},
		{name: "no key", presented: ""},
		{name: "bytes that are no text", presented: "\xff\x00"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, known := s.Lookup(row.presented)
			require.Equal(t, row.known, known)
			if known {
				require.Equal(t, row.want, got.Entry)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	bob := Entry{Consumer: "bob"}
	rows := []struct {
		name        string
		credentials []Credential
		want        string
	}{
		{name: "no key", credentials: []Credential{{Entry: bob}}, want: "[0]: has no key: write key or key_sha256"},
		{name: "two forms", credentials: []Credential{{Key: "s3cret", KeySHA256: sum("s3cret"), Entry: bob}}, want: "[0]: has both key and key_sha256: write one of them"},
		{name: "a short hash", credentials: []Credential{{KeySHA256: "s3cret", Entry: bob}}, want: "[0]: has a key_sha256 of 6 characters: SHA-256 is 64 hexadecimal digits"},
		{name: "a hash that is none", credentials: []Credential{{KeySHA256: strings.Repeat("s3cret!!", 8), Entry: bob}}, want: "[0]: has a key_sha256 that is not hexadecimal"},
		{name: "nobody's key", credentials: []Credential{{Key: "s3cret"}}, want: "[0]: has no consumer: write whom the key belongs to"},
		{name: "one key twice", credentials: []Credential{{Key: "a", Entry: bob}, {Key: "s3cret", Entry: bob}, {Key: "s3cret", Entry: Entry{Consumer: "eve"}}}, want: "[2]: has the same key as entry 1: a key can belong to one consumer only"},
		{name: "one key in both forms", credentials: []Credential{{Key: "s3cret", Entry: bob}, {KeySHA256: sum("s3cret"), Entry: bob}}, want: "[1]: has the same key as entry 0: a key can belong to one consumer only"},
		{name: "never valid", credentials: []Credential{{Key: "s3cret", Entry: Entry{Consumer: "bob", NotBefore: time.Unix(9, 0), Expires: time.Unix(9, 0)}}}, want: "[0]: expires before it becomes valid"},
		{name: "a method that is none", credentials: []Credential{{Key: "s3cret", Entry: Entry{Consumer: "bob", Scope: &Scope{Methods: []string{"get"}}}}}, want: `[0]: has the method "get": write it in capital letters, such as GET`},
		{name: "a path that no request is below", credentials: []Credential{{Key: "s3cret", Entry: Entry{Consumer: "bob", Scope: &Scope{Paths: []string{"orders"}}}}}, want: `[0]: has the path "orders": write a prefix such as /orders, decoded, without dots, double slashes, or a query`},
		{name: "a key too long", credentials: []Credential{{Key: strings.Repeat("s3cret", 700), Entry: bob}}, want: "[0]: has a key longer than 4096 bytes"},
		{name: "several", credentials: []Credential{{Entry: bob}, {Key: "s3cret", Entry: bob}, {Key: "x"}}, want: "[0]: has no key: write key or key_sha256; [2]: has no consumer: write whom the key belongs to"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s, err := New(row.credentials)
			require.Nil(t, s)
			require.EqualError(t, err, row.want)
			require.NotContains(t, err.Error(), "s3cret")
			var one EntryError
			require.ErrorAs(t, err, &one)
		})
	}
	_, err := New(make([]Credential, 12))
	require.ErrorContains(t, err, "; and 2 more")
}

func TestPrintingShowsNoKey(t *testing.T) {
	c := Credential{Key: "s3cret", KeySHA256: sum("s3cret"), Entry: Entry{Consumer: "bob"}}
	s, err := New([]Credential{{Key: "s3cret", Entry: c.Entry}})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		key, _ := s.Lookup("s3cret")
		text := fmt.Sprintf(verb+verb+verb+verb+verb, c, &c, s, []Credential{c}, key)
		for _, hidden := range []string{"s3cret", sum("s3cret"), sum("s3cret")[:8]} {
			require.NotContains(t, text, hidden, verb)
		}
	}
}

func TestZeroValues(t *testing.T) {
	var none *Set
	for _, s := range []*Set{none, {}} {
		if _, ok := s.Lookup("x"); ok || s.Len() != 0 {
			t.Error("an empty set knows a key")
		}
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	s, err := New([]Credential{{Key: "first-key", Entry: Entry{Consumer: "bob"}}})
	require.NoError(t, err)
	if n := testing.AllocsPerRun(100, func() { s.Lookup("first-key") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzLookup: a set knows exactly the keys it was made of.
func FuzzLookup(f *testing.F) {
	f.Add("key", "key")   // the key
	f.Add("key", "Key")   // another
	f.Add("\x00", "\x00") // no text
	f.Fuzz(func(t *testing.T, key, presented string) {
		s, err := New([]Credential{{Key: key, Entry: Entry{Consumer: "c"}}})
		if err != nil {
			if key != "" && len(key) <= MaxKeyLength {
				t.Errorf("%q is refused: %v", key, err)
			}
			return
		}
		if _, ok := s.Lookup(presented); ok != (key == presented) {
			t.Errorf("key %q, presented %q: %v", key, presented, ok)
		}
	})
}

// TestKnownAndUnknownCostTheSame counts the work: what is hashed, looked up and compared does not
// depend on whether a key is known, nor on where.
func TestKnownAndUnknownCostTheSame(t *testing.T) {
	var sets []*Set
	for _, key := range []string{"first-key", "other-key", "third-key"} {
		s, err := New([]Credential{{Key: key, Entry: Entry{Consumer: "bob"}}})
		require.NoError(t, err)
		sets = append(sets, s)
	}
	sets = append(sets, nil, &Set{})
	var want work
	key, _ := search(sets, "no-key-at", &want)
	require.Nil(t, key)
	require.Equal(t, work{hashed: 9, lookups: 5, compared: 5 * 32}, want)
	for at, presented := range []string{"first-key", "other-key", "third-key"} {
		var got work
		key, set := search(sets, presented, &got)
		require.NotNil(t, key)
		require.Equal(t, at, set)
		require.Equal(t, want, got, presented)
	}
}

func TestCollectLeavesOutWhatCannotBeUsed(t *testing.T) {
	bob := Entry{Consumer: "bob"}
	s, bad := Collect([]Credential{{Entry: bob}, {Key: "a", Entry: bob}, {Key: "a", Entry: bob}, {Key: "b", Entry: bob}})
	require.EqualError(t, bad, "[0]: has no key: write key or key_sha256; [2]: has the same key as entry 1: a key can belong to one consumer only")
	require.Equal(t, 2, s.Len())
	for _, known := range []string{"a", "b"} {
		_, ok := s.Lookup(known)
		require.True(t, ok)
	}
}

func TestUsed(t *testing.T) {
	s, err := New([]Credential{{Key: "a", Entry: Entry{Consumer: "bob"}}, {Key: "b", Entry: Entry{Consumer: "bob"}}})
	require.NoError(t, err)
	a, _ := s.Lookup("a")
	require.True(t, a.Used().IsZero())
	a.Touch(time.Unix(100, 5))
	next, err := New([]Credential{{Key: "c", Entry: Entry{Consumer: "bob"}}, {Key: "a", Entry: Entry{Consumer: "bob"}}})
	require.NoError(t, err)
	next.Inherit(s)
	a, _ = next.Lookup("a")
	require.Equal(t, int64(100), a.Used().Unix())
	require.Equal(t, uint64(1), a.TakeUses())
	require.Zero(t, a.TakeUses())
	c, _ := next.Lookup("c")
	require.True(t, c.Used().IsZero())
}

func TestValid(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	e := Entry{NotBefore: at(10), Expires: at(20)}
	for _, row := range []struct {
		now            int64
		valid, expired bool
	}{{9, false, false}, {10, true, false}, {19, true, false}, {20, false, true}} {
		valid, expired := e.Valid(at(row.now))
		require.Equal(t, row.valid, valid, row.now)
		require.Equal(t, row.expired, expired, row.now)
	}
	valid, _ := (&Entry{}).Valid(at(1))
	require.True(t, valid)
}

func BenchmarkLookup(b *testing.B) {
	credentials := make([]Credential, 100_000)
	for i := range credentials {
		credentials[i] = Credential{Key: fmt.Sprintf("key-%032d", i), Entry: Entry{Consumer: "c"}}
	}
	s, err := New(credentials)
	require.NoError(b, err)
	for _, row := range []struct{ name, key string }{{"known", credentials[500].Key}, {"unknown", "key-unknown-0000000000000000000000000"}} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Lookup(row.key)
			}
		})
	}
}
