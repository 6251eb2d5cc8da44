package iprestriction

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	lists "kongwaf/detect/address/list"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// million writes a list of a million ranges, scattered, and returns addresses half of which
// are in it.
func million(tb testing.TB, n int) (text []byte, ranges []netip.Prefix, addrs []netip.Addr) {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for len(ranges) < n {
		v := random.Uint32()
		a, bits := netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), 16+random.IntN(17)
		if len(ranges)%10 == 9 { // every tenth is IPv6
			a, bits = netip.AddrFrom16([16]byte{0x20, 1, byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), 32+random.IntN(33)
		}
		ranges = append(ranges, netip.PrefixFrom(a, bits).Masked())
	}
	var b strings.Builder
	for _, r := range ranges {
		b.WriteString(r.String())
		b.WriteByte('\n')
	}
	for i := range 4096 {
		addr := ranges[random.IntN(n)].Addr()
		if i%2 == 0 {
			v := random.Uint32()
			addr = netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		}
		addrs = append(addrs, addr)
	}
	return []byte(b.String()), ranges, addrs
}

// A million ranges need less than 200 MB while they are read, text included, and an address
// is looked up without an allocation. How long it takes is for BenchmarkMillion to say.
func TestMillion(t *testing.T) {
	if os.Getenv("LONG") == "" {
		t.Skip("LONG=1 reads a million ranges")
	}
	text, _, addrs := million(t, 1_000_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	started := time.Now()
	peak := make(chan uint64)
	quit := make(chan struct{})
	go func() {
		var most uint64
		for {
			select {
			case <-quit:
				peak <- most
				return
			case <-time.After(2 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			}
		}
	}()
	r, err := parse(text, lists.Options{})
	took := time.Since(started)
	close(quit)
	most := <-peak
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	const mb = 1 << 20
	held, high := int64(after.HeapInuse-before.HeapInuse)/mb, int64(most-before.HeapInuse+uint64(len(text)))/mb
	t.Logf("%d ranges, %d bytes: %v, at most %d MB while it is read, %d MB held", r.len(), len(text), took, high, held)
	if high > 200 {
		t.Errorf("%d MB are needed", high)
	}
	i := 0
	all := []list{{name: "million", fixed: r}}
	if n := testing.AllocsPerRun(1000, func() { search(all, addrs[i&4095], time.Time{}); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// hashes is the scheme of lua-resty-ipmatcher, which Kong's ip-restriction uses, for both
// families: a hash for each prefix length that occurs, asked one after the other.
type hashes struct {
	lengths4, lengths6 []int
	ranges             map[netip.Prefix]struct{}
}

func newHashes(ranges []netip.Prefix) *hashes {
	h := &hashes{ranges: map[netip.Prefix]struct{}{}}
	for _, r := range ranges {
		lengths := &h.lengths6
		if r.Addr().Is4() {
			lengths = &h.lengths4
		}
		if !slices.Contains(*lengths, r.Bits()) {
			*lengths = append(*lengths, r.Bits())
		}
		h.ranges[r] = struct{}{}
	}
	return h
}

func (h *hashes) contains(a netip.Addr) bool {
	lengths := h.lengths6
	if a.Is4() {
		lengths = h.lengths4
	}
	for _, bits := range lengths {
		r, _ := a.Prefix(bits)
		if _, ok := h.ranges[r]; ok {
			return true
		}
	}
	return false
}

func linear(ranges []netip.Prefix, a netip.Addr) bool {
	for _, r := range ranges {
		if r.Contains(a) {
			return true
		}
	}
	return false
}

// The schemes that BenchmarkMillion compares agree.
func TestSchemesAgree(t *testing.T) {
	text, ranges, addrs := million(t, 3000)
	r, err := parse(text, lists.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, in := newHashes(ranges), 0
	for _, a := range addrs {
		got := r.always.Contains(a)
		if got != linear(ranges, a) || got != h.contains(a) {
			t.Fatalf("%s: the set says %v, a scan %v, hashes %v", a, got, linear(ranges, a), h.contains(a))
		}
		if got {
			in++
		}
	}
	if in < len(addrs)/4 {
		t.Fatalf("only %d of %d addresses are in the list", in, len(addrs))
	}
}

// BenchmarkMillion looks addresses up in a million ranges: by our set, by hashes for each
// prefix length as Kong's does, and by a scan; prints the ratios, and reads the list.
func BenchmarkMillion(b *testing.B) {
	text, ranges, addrs := million(b, 1_000_000)
	r, err := parse(text, lists.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := newHashes(ranges)
	all := []list{{name: "million", fixed: r}}
	perOp := map[string]float64{}
	run := func(name string, contains func(netip.Addr)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			runtime.GC() // what was made before is not this one's to collect
			i := 0
			for b.Loop() {
				contains(addrs[i&4095])
				i++
			}
			perOp[name] = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
		})
	}
	run("ours", func(a netip.Addr) { search(all, a, time.Time{}) })
	run("hashes", func(a netip.Addr) { h.contains(a) })
	run("scan", func(a netip.Addr) { linear(ranges, a) })
	check := check.Check{Judge: (&restriction{kinds: facts.ClientIP, deny: all, allowAny: true, now: time.Now}).judge}
	b.Run("verdict", func(b *testing.B) {
		b.ReportAllocs()
		f := &facts.Facts{ClientIP: "192.0.2.1"}
		for b.Loop() {
			check.Judge(f)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := parse(text, lists.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, peer := range []string{"hashes", "scan"} {
		if perOp["ours"] > 0 {
			fmt.Printf("bench lists-1000000-vs-%s: ours %.0f ns, peer %.0f ns, ratio %.1f\n", peer, perOp["ours"], perOp[peer], perOp[peer]/perOp["ours"])
		}
	}
}
