package address

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// A set whose ranges end, and a list that is looked through, say the same at any time.
func TestEndingAgainstAList(t *testing.T) {
	type entry struct {
		r     netip.Prefix
		until time.Time
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	random := rand.New(rand.NewPCG(1, 2))
	addr := func() netip.Addr {
		if random.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, 0, byte(random.IntN(2)), byte(random.IntN(8))})
		}
		return netip.AddrFrom16([16]byte{0x20, 1, 15: byte(random.IntN(8))})
	}
	var e Ending
	var list []entry
	for range 60 {
		a := addr()
		r := netip.PrefixFrom(a, a.BitLen()-random.IntN(20)).Masked()
		until := start.Add(time.Duration(random.IntN(100)) * time.Hour)
		e.Add(r, until)
		list = append(list, entry{r, until})
	}
	for range 5000 {
		a, now := addr(), start.Add(time.Duration(random.IntN(101))*time.Hour)
		want := false
		for _, x := range list {
			want = want || x.r.Contains(a) && now.Before(x.until)
		}
		if got := e.Contains(a, now); got != want {
			t.Fatalf("%s at %s: %v, want %v", a, now, got, want)
		}
	}
	if e.Contains(netip.Addr{}, start) || (*Ending)(nil).Contains(netip.IPv6Loopback(), start) || (*Ending)(nil).Len() != 0 {
		t.Error("no address is in a set, or something is in none")
	}
	mapped := netip.MustParseAddr("::ffff:10.0.0.1")
	e.Add(netip.MustParsePrefix("10.0.0.1/32"), start.AddDate(1, 0, 0))
	if !e.Contains(mapped, start) {
		t.Error("an IPv4 address in IPv6 form slips past")
	}
	if n := testing.AllocsPerRun(100, func() { e.Contains(mapped, start) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
