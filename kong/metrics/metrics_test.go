package metrics

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/testtool"
)

func TestNumbersAreShared(t *testing.T) {
	memory := make([]byte, Size)
	a, err := Open(memory)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			mine, err := Open(memory) // as another process would
			require.NoError(t, err)
			for i := range 1000 {
				mine.Number(Requests, "waf-detect", "detect", "passed", fmt.Sprint("app", (i+w)%100)).Add(1)
				mine.Histogram(CheckSeconds, "waf-detect", "detect").Observe(time.Duration(i) * time.Microsecond)
			}
		})
	}
	wg.Wait()
	series, sum := 0, uint64(0)
	a.Each(func(name string, labels []string, n Number) {
		require.Equal(t, Requests.Name, name)
		require.Len(t, labels, 4)
		series++
		sum += n.Get()
	}, func(name string, labels []string, h Histogram) {
		require.Equal(t, []string{"waf-detect", "detect"}, labels)
		s := h.Snapshot()
		require.EqualValues(t, 8000, s.Count)
		require.InDelta(t, 8*0.4995, s.Sum, 1e-6)
	})
	require.Equal(t, 100, series)
	require.EqualValues(t, 8000, sum)
	require.Zero(t, a.Lost())
}

// TestADeathInTheMiddle: whoever dies between claiming a slot and writing its key leaves
// nothing that shows, and the next one to want it completes it.
func TestADeathInTheMiddle(t *testing.T) {
	table := New()
	table.Number(Connections).Set(7)
	for at := 0; at < len(table.numbers); at += numberWords {
		if table.numbers[at] != 0 {
			table.numbers[at+1], table.numbers[at+2] = 0, 0 // claimed, but no key yet
		}
	}
	count := func() (n int) {
		table.Each(func(string, []string, Number) { n++ }, func(string, []string, Histogram) {})
		return n
	}
	require.Zero(t, count())
	require.EqualValues(t, 7, table.Number(Connections).Get())
	require.Equal(t, 1, count())
}

func TestAFullTableLosesSeriesAndSaysSo(t *testing.T) {
	table := New()
	for i := range numbers + 10 {
		table.Number(Truncated, fmt.Sprint(i)).Add(1)
	}
	require.EqualValues(t, 10, table.Lost())
	table.Number(Truncated, "0").Add(1)
	require.EqualValues(t, 2, table.Number(Truncated, "0").Get(), "those that are there go on")
}

func TestLabels(t *testing.T) {
	table := New()
	long := strings.Repeat("x", 300)
	table.Number(Requests, long, long, long, long+"\x00\xff").Add(3)
	table.Each(func(name string, labels []string, n Number) { require.EqualValues(t, 3, n.Get()) }, nobody)
	require.Panics(t, func() { table.Number(Requests, "too few") })
	_, err := Open(make([]byte, 8))
	require.Error(t, err)
}

func nobody(string, []string, Histogram) {}

// TestNativeBucket compares the fast search with Prometheus' definition: bucket i holds
// what is above 2^((i-1)/8) and at most 2^(i/8).
func TestNativeBucket(t *testing.T) {
	for range 100_000 {
		v := math.Exp2(rand.Float64()*25.9 - 19.95)
		bucket := nativeBucket(v)
		i := float64(nativeIndex(bucket))
		if v > math.Exp2(i/8)*(1+1e-12) || v <= math.Exp2((i-1)/8)*(1-1e-12) {
			t.Fatalf("%g is in bucket %d (index %g)", v, bucket, i)
		}
	}
	require.Zero(t, nativeBucket(0))
	require.Equal(t, nativeBuckets-1, nativeBucket(1e9))
}

func TestSnapshotAddsUp(t *testing.T) {
	h := New().Histogram(CheckSeconds, "p", "c")
	for _, d := range []time.Duration{-1, 0, time.Microsecond, 5 * time.Microsecond, 6 * time.Microsecond, time.Millisecond, time.Hour} {
		h.Observe(d)
	}
	s := h.Snapshot()
	require.EqualValues(t, 7, s.Count)
	require.EqualValues(t, 4, s.Classic[5e-6], "a bound belongs to its bucket")
	require.EqualValues(t, 5, s.Classic[1e-5])
	require.EqualValues(t, 6, s.Classic[5])
	native := int64(s.Zero)
	for _, n := range s.Native {
		native += n
	}
	require.EqualValues(t, 7, native)
}

// TestObserveCosts: what every request pays allocates nothing.
func TestObserveCosts(t *testing.T) {
	table := New()
	n, h := table.Number(Requests, "p", "c", "passed", ""), table.Histogram(CheckSeconds, "p", "c")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		n.Add(1)
		h.Observe(37 * time.Microsecond)
	}))
}

var update = flag.Bool("update", false, "rewrite the generated table")

// TestMetricsPageIsWritten: the page has what the code says. After a change: make golden.
func TestMetricsPageIsWritten(t *testing.T) {
	names := []string{}
	for _, m := range All() {
		require.NotContains(t, names, m.Name)
		names = append(names, m.Name)
	}
	testtool.Table(t, filepath.Join("..", "..", "docs", "metrics.md"), Page(), *update)
}

func BenchmarkObserve(b *testing.B) {
	b.ReportAllocs()
	h := New().Histogram(CheckSeconds, "p", "c")
	for b.Loop() {
		h.Observe(37 * time.Microsecond)
	}
}
