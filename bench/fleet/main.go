// Command fleet simulates a thousand gateways that share limits over one Redis, and prints by
// sync_rate what that costs Redis and how far what is admitted is from the limit. The
// nodes run the product's own code (detect/ratelimit/share); Redis, the clock and the callers
// are simulated, so that a minute of a fleet takes seconds. Beside it stands what is usual:
// nodes that count by themselves and add up once in sync_rate.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"kongwaf/detect/ratelimit"
	"kongwaf/detect/ratelimit/share"
)

// load is what the fleet has to do.
type load struct {
	nodes, callers int
	rate           int    // calls a second, of all callers
	limit          uint64 // of each caller, a minute
	spread         int    // over how many nodes the calls of one caller go
}

// outcome is what became of a minute.
type outcome struct {
	scripts  int    // that Redis ran
	asked    int    // calls
	over     uint64 // the most that a caller was admitted beyond the limit
	short    uint64 // calls that were refused to callers below the limit, of all callers together
	entitled uint64 // calls that should have been admitted
}

func main() {
	l := load{}
	flag.IntVar(&l.nodes, "nodes", 1000, "gateways")
	flag.IntVar(&l.callers, "callers", 500, "callers; the first of them call most often")
	flag.IntVar(&l.rate, "rate", 20_000, "calls a second, of all callers")
	flag.Uint64Var(&l.limit, "limit", 6000, "limit of each caller, a minute")
	flag.Parse()
	for _, l.spread = range []int{l.nodes, max(1, l.nodes/100)} {
		fmt.Printf("%d nodes, %d callers, %d calls/s, limit %d a minute, each caller's calls over %d nodes\n", l.nodes, l.callers, l.rate, l.limit, l.spread)
		fmt.Printf("%-10s %12s %12s %14s %14s %23s\n", "sync_rate", "scripts/s", "of calls", "over the limit", "refused early", "counting locally: over")
		for _, period := range []time.Duration{0, 100 * time.Millisecond, time.Second, 5 * time.Second, 15 * time.Second} {
			ours := simulate(l, period)
			name, usual := "-1", "-"
			if period > 0 {
				name, usual = period.String(), fmt.Sprint(simulateLocal(l, period).over)
			}
			fmt.Printf("%-10s %12.0f %11.1f%% %14d %13.2f%% %23s\n", name, float64(ours.scripts)/60, 100*float64(ours.scripts)/float64(ours.asked),
				ours.over, 100*float64(ours.short)/float64(max(1, ours.entitled)), usual)
		}
	}
}

// calls yields a minute of them: when, by whom, and where. It is the same for the same load.
func (l load) calls(yield func(at time.Duration, caller, node int) bool) {
	random := rand.New(rand.NewPCG(1, 2))
	often := rand.NewZipf(random, 1.1, 20, uint64(l.callers-1))
	for n := range l.rate * 60 {
		at := time.Duration(n) * time.Second / time.Duration(l.rate)
		caller := int(often.Uint64())
		if !yield(at, caller, (caller*7919+random.IntN(l.spread))%l.nodes) {
			return
		}
	}
}

// outcome compares what was admitted with what should have been.
func (l load) outcome(asked, admitted []uint64, scripts int) outcome {
	o := outcome{scripts: scripts}
	for caller := range asked {
		o.asked += int(asked[caller])
		due := min(asked[caller], l.limit)
		o.entitled += due
		if admitted[caller] > due {
			o.over = max(o.over, admitted[caller]-due)
		} else {
			o.short += due - admitted[caller]
		}
	}
	return o
}

// simulate lets nodes hold shares; with no period every call is decided in Redis.
func simulate(l load, period time.Duration) outcome {
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	counted, asked, admitted := make([]uint64, l.callers), make([]uint64, l.callers), make([]uint64, l.callers)
	scripts := 0
	ask := func(at time.Duration, caller int, more uint64) share.Answer {
		scripts++
		a := share.Answer{Now: start.Add(at), Born: 1}
		if counted[caller] < l.limit {
			a.Allowed, a.More = true, min(more, (l.limit-counted[caller]-1)/8)
			counted[caller] += 1 + a.More
		}
		a.Values[ratelimit.Minute] = counted[caller]
		return a
	}
	names, numbers := make([]string, l.callers), map[string]int{}
	for n := range names {
		names[n] = fmt.Sprint("caller ", n)
		numbers[names[n]] = n
	}
	nodes, swept := make([]*share.Holder, l.nodes), make([]time.Duration, l.nodes)
	for n := range nodes {
		nodes[n] = share.New(max(period, 1))
		swept[n] = period * time.Duration(n) / time.Duration(l.nodes) // not all at once
	}
	rule := ratelimit.Rule{Limits: ratelimit.Limits{ratelimit.Minute: l.limit}}
	next := time.Duration(0)
	l.calls(func(at time.Duration, caller, node int) bool {
		asked[caller]++
		if period == 0 {
			if ask(at, caller, 0).Allowed {
				admitted[caller]++
			}
			return true
		}
		if at >= next { // all nodes sweep when it is their turn, whether somebody calls or not
			next = at + period/10
			for n, h := range nodes {
				if at-swept[n] < period {
					continue
				}
				swept[n] = at
				for _, r := range h.Sweep(start.Add(at)) {
					scripts++
					counted[numbers[r.Key]] -= r.Calls
				}
			}
		}
		now := start.Add(at)
		r, decided, more := nodes[node].Ask(now, names[caller], rule)
		if !decided {
			r = nodes[node].Told(now, names[caller], rule, more > 0, ask(at, caller, more))
		}
		if r.Allowed {
			admitted[caller]++
		}
		return true
	})
	return l.outcome(asked, admitted, scripts)
}

// simulateLocal lets nodes count by themselves, from what they knew of all at their last
// sync on.
func simulateLocal(l load, period time.Duration) outcome {
	type view struct {
		known, own uint64
		synced     time.Duration
	}
	asked, admitted := make([]uint64, l.callers), make([]uint64, l.callers)
	total := make([]uint64, l.callers)
	views := map[[2]int]*view{}
	scripts := 0
	l.calls(func(at time.Duration, caller, node int) bool {
		asked[caller]++
		v := views[[2]int{caller, node}]
		if v == nil {
			v = &view{}
			views[[2]int{caller, node}] = v
			v.synced = at - time.Duration(node)*max(period, 1)/time.Duration(l.nodes)
		}
		if at-v.synced >= period {
			scripts++
			total[caller] += v.own
			v.known, v.own, v.synced = total[caller], 0, at
		}
		if v.known+v.own < l.limit {
			v.own++
			admitted[caller]++
		}
		return true
	})
	return l.outcome(asked, admitted, scripts)
}
