package address

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContains(t *testing.T) {
	rows := []struct {
		name    string
		entries []string
		addr    string
		want    bool
	}{
		{name: "an address", entries: []string{"192.0.2.1"}, addr: "192.0.2.1", want: true},
		{name: "its neighbour", entries: []string{"192.0.2.1"}, addr: "192.0.2.2", want: false},
		{name: "the last address of a range", entries: []string{"192.0.2.0/24"}, addr: "192.0.2.255", want: true},
		{name: "the first behind it", entries: []string{"192.0.2.0/24"}, addr: "192.0.3.0", want: false},
		{name: "host bits in a range mean nothing", entries: []string{"192.0.2.77/24"}, addr: "192.0.2.1", want: true},
		{name: "the narrower of two ranges", entries: []string{"10.0.0.0/8", "10.1.0.0/16"}, addr: "10.1.2.3", want: true},
		{name: "an IPv6 range", entries: []string{"2001:db8::/32"}, addr: "2001:db8:ffff::1", want: true},
		{name: "outside it", entries: []string{"2001:db8::/32"}, addr: "2001:db9::1", want: false},
		{name: "an IPv4 range and a caller written as IPv6", entries: []string{"198.51.100.0/24"}, addr: "::ffff:198.51.100.7", want: true},
		{name: "a mapped entry and a caller in IPv4", entries: []string{"::ffff:198.51.100.7"}, addr: "198.51.100.7", want: true},
		{name: "a mapped range", entries: []string{"::ffff:198.51.100.0/120"}, addr: "198.51.100.9", want: true},
		{name: "outside the mapped range", entries: []string{"::ffff:198.51.100.0/120"}, addr: "198.51.101.9", want: false},
		{name: "all of IPv4 in mapped form", entries: []string{"::ffff:0:0/96"}, addr: "203.0.113.1", want: true},
		{name: "all of IPv6 holds no IPv4", entries: []string{"::/0"}, addr: "203.0.113.1", want: false},
		{name: "all of IPv6 holds no mapped IPv4 either", entries: []string{"::/0"}, addr: "::ffff:203.0.113.1", want: false},
		{name: "all of IPv4", entries: []string{"0.0.0.0/0"}, addr: "203.0.113.1", want: true},
		{name: "the deprecated IPv4-compatible form is another address", entries: []string{"192.0.2.1"}, addr: "::192.0.2.1", want: false},
		{name: "the zone of a link-local caller is not looked at", entries: []string{"fe80::/10"}, addr: "fe80::1%eth0", want: true},
		{name: "an empty set", entries: nil, addr: "192.0.2.1", want: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s, err := ParseSet(row.entries)
			require.NoError(t, err)
			if got := s.Contains(netip.MustParseAddr(row.addr)); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
			if got := slow(t, row.entries, netip.MustParseAddr(row.addr)); got != row.want {
				t.Errorf("the slow twin says %v", got)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	rows := []struct {
		name  string
		entry string
		want  string
	}{
		{name: "too many bits", entry: "10.0.0.0/33", want: `"10.0.0.0/33" is not an address or CIDR range`},
		{name: "a name", entry: "localhost", want: `"localhost" is not an address or CIDR range`},
		{name: "nothing", entry: "", want: `"" is not an address or CIDR range`},
		{name: "a slash too many", entry: "10.0.0.0/8/8", want: `"10.0.0.0/8/8" is not an address or CIDR range`},
		{name: "an octet too large", entry: "10.0.0.256", want: `"10.0.0.256" is not an address or CIDR range`},
		{name: "leading zeros, which some read as octal", entry: "010.0.0.1", want: `"010.0.0.1" is not an address or CIDR range`},
		{name: "a zone", entry: "fe80::1%eth0", want: `"fe80::1%eth0" is not an address or CIDR range: a zone (%...) means something on one machine only`},
		{name: "a zone in a range", entry: "fe80::%eth0/64", want: `"fe80::%eth0/64" is not an address or CIDR range: a zone (%...) means something on one machine only`},
		{name: "white space", entry: " 10.0.0.1", want: `" 10.0.0.1" is not an address or CIDR range: it has white space around it`},
		{name: "a list in one string", entry: "10.0.0.1,10.0.0.2", want: `"10.0.0.1,10.0.0.2" is not an address or CIDR range: write a list with one entry each`},
		{name: "a mask in dots", entry: "10.0.0.0/255.0.0.0", want: `"10.0.0.0/255.0.0.0" is not an address or CIDR range: write the mask as a number of bits, such as /24`},
		{name: "brackets and a port", entry: "[::1]:80", want: `"[::1]:80" is not an address or CIDR range: write it without brackets and port`},
		{name: "a wildcard", entry: "10.0.0.*", want: `"10.0.0.*" is not an address or CIDR range: write a range such as 192.0.2.0/24`},
		{name: "a range that is partly mapped", entry: "::ffff:0:0/90", want: `"::ffff:0:0/90" is not an address or CIDR range: an IPv4-mapped range needs a prefix of 96 bits or more`},
		{name: "a long one, cut", entry: strings.Repeat("x", 100), want: `"` + strings.Repeat("x", 60) + `..." is not an address or CIDR range`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse(row.entry)
			require.EqualError(t, err, row.want)
		})
	}
}

func TestParseSetNamesEveryBadEntry(t *testing.T) {
	s, err := ParseSet([]string{"10.0.0.1", "x", "::1", "y"})
	require.Nil(t, s)
	require.EqualError(t, err, `[1]: "x" is not an address or CIDR range; [3]: "y" is not an address or CIDR range`)
	var one EntryError
	require.ErrorAs(t, err, &one)
	require.Equal(t, 1, one.Index)

	_, err = ParseSet(make([]string, 12))
	require.ErrorContains(t, err, "; and 2 more")
}

func TestZeroValues(t *testing.T) {
	var none *Set
	for _, s := range []*Set{none, {}, New(), New(netip.Prefix{})} {
		if s.Contains(netip.MustParseAddr("192.0.2.1")) || s.Contains(netip.Addr{}) || s.Len() != 0 {
			t.Error("an empty set holds something")
		}
	}
	s, err := ParseSet([]string{"0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/8"})
	require.NoError(t, err)
	require.Equal(t, 3, s.Len())
	if s.Contains(netip.Addr{}) {
		t.Error("an unknown address is in the set of all addresses")
	}
}

func TestConcurrentUse(t *testing.T) {
	s := New(randomRanges(1000)...)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 1000 {
				s.Contains(random4(r))
			}
		})
	}
	wg.Wait()
}

func TestContainsDoesNotAllocate(t *testing.T) {
	s := New(randomRanges(1000)...)
	a := netip.MustParseAddr("::ffff:198.51.100.7")
	if n := testing.AllocsPerRun(100, func() { s.Contains(a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzContains: a set agrees with a walk over its list, and Parse never accepts what it
// would not print again.
func FuzzContains(f *testing.F) {
	f.Add("10.0.0.0/8 2001:db8::/32", "10.1.2.3")     // both families
	f.Add("::ffff:10.0.0.0/104", "::ffff:10.9.9.9")   // mapped on both sides
	f.Add("0.0.0.0/0 ::/0", "::")                     // everything
	f.Add("fe80::/10 255.255.255.255", "fe80::1%lo0") // a zone
	f.Fuzz(func(t *testing.T, list, addr string) {
		a, err := netip.ParseAddr(addr)
		if err != nil {
			return
		}
		var entries []string
		for _, entry := range strings.Fields(list) {
			r, err := Parse(entry)
			if err != nil {
				continue
			}
			if again, err := Parse(r.String()); err != nil || again != r {
				t.Errorf("%q parses to %v, and that to %v, %v", entry, r, again, err)
			}
			entries = append(entries, entry)
		}
		s, err := ParseSet(entries)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := s.Contains(a), slow(t, entries, a); got != want {
			t.Errorf("%v in %q: got %v, want %v", a, entries, got, want)
		}
	})
}

func TestAgainstSlowTwin(t *testing.T) {
	ranges := randomRanges(300)
	entries := make([]string, len(ranges))
	for i := range ranges {
		entries[i] = ranges[i].String()
	}
	s := New(ranges...)
	r := rand.New(rand.NewPCG(3, 4))
	for range 800 {
		a := random4(r)
		if r.IntN(2) == 0 {
			a = ranges[r.IntN(len(ranges))].Addr() // certainly inside
		}
		if got, want := s.Contains(a), slow(t, entries, a); got != want {
			t.Fatalf("%v: got %v, want %v", a, got, want)
		}
	}
}

// slow compares an address with each entry in turn, bit by bit.
func slow(t *testing.T, entries []string, a netip.Addr) bool {
	t.Helper()
	bits := func(a netip.Addr) string {
		var out strings.Builder
		if a.Is4In6() {
			a = a.Unmap()
		}
		for _, b := range a.AsSlice() {
			for i := 7; i >= 0; i-- {
				out.WriteByte('0' + b>>i&1)
			}
		}
		return out.String()
	}
	for _, entry := range entries {
		text, length, isRange := strings.Cut(entry, "/")
		e := netip.MustParseAddr(text)
		eb, ab := bits(e), bits(a)
		n := len(eb)
		if isRange {
			n = 0
			for _, c := range length {
				n = n*10 + int(c-'0')
			}
			if e.Is4In6() {
				n -= 96
			}
		}
		if len(eb) == len(ab) && strings.HasPrefix(ab, eb[:n]) {
			return true
		}
	}
	return false
}

func random4(r *rand.Rand) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], r.Uint32())
	return netip.AddrFrom4(b)
}

// randomRanges returns n ranges, half IPv4 of 16 to 32 bits, half IPv6 of 32 to 64.
func randomRanges(n int) []netip.Prefix {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]netip.Prefix, n)
	for i := range out {
		if i%2 == 0 {
			out[i] = netip.PrefixFrom(random4(r), 16+r.IntN(17)).Masked()
			continue
		}
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], r.Uint64()>>3|0x2000_0000_0000_0000)
		out[i] = netip.PrefixFrom(netip.AddrFrom16(b), 32+r.IntN(33)).Masked()
	}
	return out
}

func BenchmarkContains(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"10", 10}, {"1000", 1000}, {"1000000", 1_000_000}} {
		s := New(randomRanges(size.n)...)
		r := rand.New(rand.NewPCG(5, 6))
		addrs := make([]netip.Addr, 4096)
		for i := range addrs {
			addrs[i] = random4(r)
		}
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s.Contains(addrs[i&4095])
				i++
			}
		})
	}
}

func BenchmarkParseSet(b *testing.B) {
	ranges := randomRanges(1_000_000)
	entries := make([]string, len(ranges))
	for i := range ranges {
		entries[i] = ranges[i].String()
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSet(entries); err != nil {
			b.Fatal(err)
		}
	}
}
