package reputation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/address"
)

var (
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	secret = [16]byte{1, 2, 3}
)

func client(t testing.TB, text string) Client {
	t.Helper()
	c, err := Parse(text)
	require.NoError(t, err)
	return c
}

// manual is an entry of a person without an end.
func manual(t testing.TB, text string, list List) Entry {
	return Entry{Client: client(t, text), List: list, Manual: true, Since: start, Changed: start, Reason: "by hand"}
}

func rules() *Rules {
	return &Rules{Window: time.Minute, Grey: [kinds]int{Attack: 3, FailedKey: 5}, Deny: [kinds]int{Attack: 6}, First: time.Minute, Longest: time.Hour, Prefix: 64}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct{ text, want, err string }{
		{text: "203.0.113.9", want: "203.0.113.9"},
		{text: "198.51.100.0/24", want: "198.51.100.0/24"},
		{text: "2001:DB8::/32", want: "2001:db8::/32"},
		{text: "::ffff:203.0.113.9", want: "203.0.113.9"}, // an IPv4 address in disguise is that address
		{text: "::ffff:198.51.100.0/120", want: "198.51.100.0/24"},
		{text: "0.0.0.0/0", want: "0.0.0.0/0"},
		{text: "consumer:ann", want: "consumer:ann"},
		{text: "key:1f-2", want: "key:1f-2"},
		{text: "198.51.100.7/24", err: "write 198.51.100.0/24"},
		{text: "", err: "is no client"},
		{text: "fe80::1%eth0", err: "is no client"},
		{text: "example.com", err: "is no client"},
		{text: "consumer:", err: "no name"},
		{text: "consumer:a\nb", err: "no name"},
		{text: "key:" + strings.Repeat("k", 65), err: "longer than 64 bytes"},
		{text: strings.Repeat("9", 1<<20), err: "is no client"},
	} {
		c, err := Parse(tc.text)
		if tc.err != "" {
			require.ErrorContains(t, err, tc.err, tc.text[:min(len(tc.text), 50)])
			require.Less(t, len(err.Error()), 400, "what is refused is not repeated at length")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tc.want, c.String())
		again, err := Parse(c.String())
		require.NoError(t, err)
		require.Equal(t, c, again)
	}
}

// TestStanding: allow before deny before grey, however long the ranges are.
func TestStanding(t *testing.T) {
	table := New(1000, secret)
	look := func(addr string) List { return table.Lookup(start, netip.MustParseAddr(addr)).List }
	require.Equal(t, None, look("203.0.113.9"), "nothing in it")
	for _, e := range []Entry{
		manual(t, "198.51.100.0/24", Deny), manual(t, "198.51.100.7", Allow), manual(t, "203.0.113.0/24", Grey),
		manual(t, "203.0.113.9", Deny), manual(t, "2001:db8::/32", Deny), manual(t, "2001:db8:0:1::/64", Allow), manual(t, "consumer:ann", Grey), manual(t, "key:ann", Deny),
		manual(t, "10.0.0.0/8", Allow), manual(t, "10.0.0.1", Deny),
	} {
		require.NoError(t, table.Put(start, e))
	}
	for addr, want := range map[string]List{
		"198.51.100.1": Deny, "198.51.100.7": Allow, "198.51.101.1": None, "203.0.113.1": Grey, "203.0.113.9": Deny,
		"2001:db8::1": Deny, "2001:db8:0:1::5": Allow, "2001:db9::1": None, "10.0.0.1": Allow, "::ffff:1.2.3.4": None,
	} {
		require.Equal(t, want, look(addr), addr)
	}
	require.Equal(t, Grey, table.LookupName(start, Consumer("ann")).List)
	require.Equal(t, Deny, table.LookupName(start, Key("ann")).List, "a key is no consumer")
	require.Equal(t, None, table.LookupName(start, Consumer("bob")).List)
	require.Equal(t, None, (*Table)(nil).Lookup(start, netip.MustParseAddr("10.0.0.1")).List, "no table knows nobody")

	e, ok := table.Describe(table.Lookup(start, netip.MustParseAddr("203.0.113.9")))
	require.True(t, ok)
	require.Equal(t, manual(t, "203.0.113.9", Deny), e)
	require.True(t, table.Remove(start, client(t, "203.0.113.9")))
	require.False(t, table.Remove(start, client(t, "203.0.113.9")))
	require.Equal(t, Grey, look("203.0.113.9"), "the range still holds")
	require.Len(t, table.Entries(start), 9)
}

// TestLookupAsASlowTwin: random ranges, removed and written again, beside a plain list.
func TestLookupAsASlowTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	table, twin := New(4000, secret), map[Client]Entry{}
	addr := func() netip.Addr {
		if random.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(random.IntN(3)), byte(random.IntN(3)), byte(random.IntN(256))})
		}
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 4: byte(random.IntN(2)), 7: byte(random.IntN(3)), 15: byte(random.IntN(9))})
	}
	for n := range 2000 {
		a := addr()
		p, err := a.Prefix(random.IntN(a.BitLen() + 1))
		require.NoError(t, err)
		e := Entry{Client: Range(p), List: Grey + List(random.IntN(3)), Manual: true, Since: start, Changed: start}
		if random.IntN(3) == 0 {
			e.Until = start.Add(time.Duration(1+random.IntN(100)) * time.Second)
		}
		if random.IntN(4) == 0 {
			table.Remove(start, e.Client)
			delete(twin, e.Client)
		} else {
			require.NoError(t, table.Put(start, e))
			twin[e.Client] = e
		}
		if n%10 != 0 {
			continue
		}
		for range 20 {
			at, a := start.Add(time.Duration(random.IntN(120))*time.Second), addr()
			want := None
			for c, e := range twin {
				if e.holds(at) && c.Prefix().Contains(a) {
					want = max(want, e.List)
				}
			}
			require.Equal(t, want, table.Lookup(at, a).List, "%v at %v", a, at)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name, err string
		change    func(*Entry)
	}{
		{name: "as it should be", change: func(*Entry) {}},
		{name: "nobody", err: "client: missing", change: func(e *Entry) { e.Client = Client{} }},
		{name: "no list", err: "list: missing", change: func(e *Entry) { e.List = None }},
		{name: "a list that there is not", err: "list: missing", change: func(e *Entry) { e.List = 9 }},
		{name: "a novel", err: "reason: longer", change: func(e *Entry) { e.Reason = strings.Repeat("x", 129) }},
		{name: "lines", err: "reason: not plain", change: func(e *Entry) { e.Reason = "a\nb" }},
		{name: "an escape for terminals", err: "reason: not plain", change: func(e *Entry) { e.Reason = "\x1b[2J" }},
		{name: "no UTF-8", err: "reason: not plain", change: func(e *Entry) { e.Reason = "\xff" }},
		{name: "markup is text", change: func(e *Entry) { e.Reason = "<script>" }},
		{name: "allowed by nobody", err: "only people allow", change: func(e *Entry) { e.List, e.Manual = Allow, false }},
		{name: "denied by nobody for ever", err: "until: missing", change: func(e *Entry) { e.Manual = false }},
		{name: "over before it began", err: "until: not after", change: func(e *Entry) { e.Until = e.Since }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := manual(t, "203.0.113.9", Deny)
			tc.change(&e)
			err := New(100, secret).Put(start, e)
			if tc.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.err)
		})
	}
}

func TestEntryAsJSON(t *testing.T) {
	e := manual(t, "2001:db8::/32", Deny)
	text, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, `{"client":"2001:db8::/32","list":"deny","reason":"by hand","since":"2026-03-01T12:00:00Z","manual":true,"changed":"2026-03-01T12:00:00Z"}`, string(text))
	var back Entry
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, e, back)
}

// TestReadersWhileWritten: who looks up sees an entry as it was written, or none, never a mix.
func TestReadersWhileWritten(t *testing.T) {
	table := New(16, secret) // one bucket: everybody is in everybody's way
	reader, err := Read(bytesOf(table.header[:len(table.header)+len(table.tags)+len(table.slots)]), secret)
	require.NoError(t, err)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop.Store(true)
		for n := range 1000 {
			e := manual(t, fmt.Sprintf("10.0.0.%d", n%4), Grey+List(n%3))
			e.Reason = strings.Repeat(fmt.Sprint(n%10), 1+n%MaxReason)
			if n%5 == 0 {
				table.Remove(start, e.Client)
			} else if err := table.Put(start, e); err != nil {
				t.Error(err)
			}
		}
	})
	for w := range 3 {
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				addr := netip.AddrFrom4([4]byte{10, 0, 0, byte((n + w) % 4)})
				e, ok := reader.Describe(reader.Lookup(start, addr))
				if ok && (strings.Trim(e.Reason, e.Reason[:1]) != "" || e.Client.Prefix().Addr().As4()[0] != 10) {
					t.Errorf("a mix: %+v", e)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestWriterDies: what it left half written is nobody's, and the next writer goes on.
func TestWriterDies(t *testing.T) {
	memory := bytesOf(make([]uint64, Size(1000)/8))
	table, err := Open(memory, secret)
	require.NoError(t, err)
	require.NoError(t, table.Put(start, manual(t, "203.0.113.9", Deny)))
	require.NoError(t, table.Put(start, manual(t, "203.0.113.10", Deny)))
	half := client(t, "203.0.113.9").key()
	i, found := table.locate(&half)
	require.True(t, found)
	table.set(i, wordSequence, table.load(i, wordSequence)+1) // killed here

	reader, err := Read(memory, [16]byte{9})
	require.NoError(t, err)
	require.Equal(t, None, reader.Lookup(start, netip.MustParseAddr("203.0.113.9")).List)
	require.Equal(t, Deny, reader.Lookup(start, netip.MustParseAddr("203.0.113.10")).List)
	next, err := Open(memory, [16]byte{9})
	require.NoError(t, err)
	require.Len(t, next.Entries(start), 1)
	require.NoError(t, next.Put(start, manual(t, "203.0.113.9", Deny)))
	require.Equal(t, Deny, reader.Lookup(start, netip.MustParseAddr("203.0.113.9")).List)

	_, err = Open(memory[:Size(1)-8], secret)
	require.ErrorContains(t, err, "too few")
	clear(memory[:8])
	memory[0] = 7
	_, err = Open(memory, secret)
	require.ErrorIs(t, err, ErrLayout)
}

// TestGarbage: memory that something else wrote to gives wrong answers at worst.
func TestGarbage(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		table := New(64, secret)
		for i := range table.tags {
			table.tags[i] = random.Uint64()
		}
		for i := range table.slots {
			table.slots[i] = random.Uint64()
		}
		for i := wordBits; i < headerWords; i++ {
			table.header[i] = random.Uint64()
		}
		table.Lookup(start, netip.MustParseAddr("203.0.113.9"))
		table.Lookup(start, netip.MustParseAddr("2001:db8::1"))
		table.LookupName(start, Consumer("ann"))
		_, _ = json.Marshal(table.Entries(start))
		_, err := Open(bytesOf(table.header[:len(table.header)+len(table.tags)+len(table.slots)]), secret)
		require.NoError(t, err)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	table := New(1000, secret)
	require.NoError(t, table.Put(start, manual(t, "203.0.113.9", Deny)))
	require.NoError(t, table.Put(start, manual(t, "2001:db8::/32", Grey)))
	require.NoError(t, table.Put(start, manual(t, "consumer:ann", Grey)))
	v4, v6, ann := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8::1"), "ann"
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if table.Lookup(start, v4).List != Deny || table.Lookup(start, v6).List != Grey || table.LookupName(start, Consumer(ann)).List != Grey {
			t.Error("not found")
		}
	}))
}

func BenchmarkLookup(b *testing.B) {
	for _, bc := range []struct {
		name    string
		entries int
		addr    string
	}{
		{name: "empty", addr: "203.0.113.9"}, {name: "of 30000, not there", entries: 30_000, addr: "203.0.113.9"}, {name: "of 30000, there", entries: 30_000, addr: "10.0.0.9"},
	} {
		b.Run(bc.name, func(b *testing.B) {
			table := New(1<<16, secret)
			for n := range bc.entries {
				c := Range(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 32))
				require.NoError(b, table.Put(start, Entry{Client: c, List: Grey, Since: start, Until: start.Add(time.Hour)}))
			}
			addr := netip.MustParseAddr(bc.addr)
			b.ReportAllocs()
			for b.Loop() {
				table.Lookup(start, addr)
			}
		})
	}
}

func exempt(t *testing.T, ranges ...string) *address.Set {
	t.Helper()
	set, err := address.ParseSet(ranges)
	require.NoError(t, err)
	return set
}
