// Command bench measures the detection engine beside the two engines that Go programs use
// today: Coraza with the OWASP Core Rule Set at paranoia level 1, and libinjection. All see
// the same requests in the same run, because the machines that benchmarks run on differ;
// only the ratio says something.
//
// It is a module of its own, so that the product does not depend on its peers.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

func main() {
	data := flag.String("data", "", "a folder with requests as JSON lines (.jsonl, .jsonl.gz); without it the repository's own sample")
	most := flag.Int("peer-requests", 1500, "how many of the requests the slow peers see, evenly spread")
	flag.Parse()
	if err := run(*data, *most); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(data string, most int) error {
	requests, err := load(data)
	if err != nil {
		return err
	}
	bytes := 0
	for i := range requests {
		bytes += size(&requests[i])
	}
	fmt.Printf("%d requests, %d bytes on average\n", len(requests), bytes/len(requests))

	engine, err := attack.New(attack.Options{})
	if err != nil {
		return err
	}
	crs, err := newCRS()
	if err != nil {
		return err
	}
	sampled := spread(len(requests), most)
	sample := make([]detect.Request, 0, len(sampled))
	for _, i := range sampled {
		sample = append(sample, requests[i])
	}

	// Ours runs through all requests, as a gateway does, and the sample's times are taken from
	// that run: 1,500 requests are over before a processor has warmed up.
	fmt.Fprintf(os.Stderr, "ours: %d requests, three rounds ...\n", len(requests))
	ours := func(r *detect.Request) { engine.Inspect(r) }
	measure(requests, ours) // warm up
	allocs, allocated := allocations(sample, ours)
	whole := measure(requests, ours)
	oursSampled := make(times, 0, len(sampled))
	for _, i := range sampled {
		oursSampled = append(oursSampled, whole[i])
	}
	whole.sort()
	oursSampled.sort()
	fmt.Fprintf(os.Stderr, "libinjection with the standard library's parsers: %d requests ...\n", len(sample))
	injection := measure(sample, inspectLibinjection).sort()
	peerAllocs, peerAllocated := allocations(sample, inspectLibinjection)
	fmt.Fprintf(os.Stderr, "Coraza with the Core Rule Set: %d requests ...\n", len(sample))
	coraza := measure(sample, crs.inspect).sort()
	crsAllocs, crsAllocated := allocations(sample[:min(100, len(sample))], crs.inspect)

	fmt.Printf("%-28s %10s %10s %10s %10s %12s %12s\n", "one core", "mean", "median", "p90", "p99", "allocations", "allocated")
	row("kong-waf (all requests)", whole, allocs, allocated)
	row("kong-waf", oursSampled, allocs, allocated)
	row("libinjection-go 0.3.5", injection, peerAllocs, peerAllocated)
	row("Coraza 3.8.1 + CRS 4.25", coraza, crsAllocs, crsAllocated)

	line("detect-vs-crs-mean", oursSampled.mean(), coraza.mean())
	line("detect-vs-crs-median", oursSampled.at(0.5), coraza.at(0.5))
	line("detect-vs-crs-p99", oursSampled.at(0.99), coraza.at(0.99))
	line("detect-vs-libinjection-mean", oursSampled.mean(), injection.mean())
	line("detect-vs-libinjection-median", oursSampled.at(0.5), injection.at(0.5))

	body := jsonBody(256 << 10)
	ourRate := rate(body, ours, 2*time.Second)
	crsRate := rate(jsonBody(16<<10), crs.inspect, 2*time.Second)
	fmt.Printf("bench detect-json-MB/s: ours %.1f, peer %.3f, ratio %.0f\n", ourRate, crsRate, ourRate/crsRate)
	return nil
}

// spread returns at most most of the numbers below n, evenly spread.
func spread(n, most int) []int {
	picked := make([]int, 0, most)
	for i := range min(n, most) {
		picked = append(picked, i*n/min(n, most))
	}
	return picked
}

func size(r *detect.Request) int {
	n := len(r.Method) + len(r.Target) + len(r.Body)
	for _, h := range r.Headers {
		n += len(h.Name) + len(h.Value) + 4
	}
	return n
}

// times are the durations of single requests.
type times []time.Duration

// measure times each request once. The request is copied right before, as a server has
// just read it: what is measured is an engine, not how fast memory gets to a request that
// was read a minute ago.
func measure(requests []detect.Request, inspect func(*detect.Request)) times {
	t := make(times, len(requests))
	for i := range requests {
		r := arrive(&requests[i])
		start := time.Now()
		inspect(r)
		t[i] = time.Since(start)
	}
	return t
}

// sort sorts the times, which at needs.
func (t times) sort() times {
	slices.Sort(t)
	return t
}

func (t times) at(q float64) time.Duration { return t[min(int(q*float64(len(t))), len(t)-1)] }

func (t times) mean() time.Duration {
	var sum time.Duration
	for _, d := range t {
		sum += d
	}
	return sum / time.Duration(len(t))
}

// allocations returns how many allocations, and bytes, one request costs on average.
func allocations(requests []detect.Request, inspect func(*detect.Request)) (count, bytes float64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range requests {
		inspect(&requests[i])
	}
	runtime.ReadMemStats(&after)
	n := float64(len(requests))
	return float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n
}

func row(name string, t times, allocs, allocated float64) {
	fmt.Printf("%-28s %10s %10s %10s %10s %12.2f %10.0f B\n", name, us(t.mean()), us(t.at(0.5)), us(t.at(0.9)), us(t.at(0.99)), allocs, allocated)
}

func line(name string, ours, peer time.Duration) {
	fmt.Printf("bench %s: ours %s, peer %s, ratio %.1f\n", name, us(ours), us(peer), float64(peer)/float64(max(ours, 1)))
}

func us(d time.Duration) string { return fmt.Sprintf("%.2fus", float64(d.Nanoseconds())/1000) }

// rate returns how many megabytes of body an engine judges in a second.
func rate(r detect.Request, inspect func(*detect.Request), atLeast time.Duration) float64 {
	start, bodies := time.Now(), 0
	for time.Since(start) < atLeast {
		inspect(&r)
		bodies++
	}
	return float64(bodies) * float64(len(r.Body)) / 1e6 / time.Since(start).Seconds()
}
