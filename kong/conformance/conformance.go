// Package conformance tries a running Kong that has our plugins, or the stand-in for one: a
// behaviour a line, each by real requests through the proxy and a look at what reached the
// upstream. The suite that `make test` runs against the stand-in is the one that anybody can
// run against their own Kong.
//
// What it does to a Kong is in its own routes, below Prefix; it needs an upstream of its own
// (an Upstream) that Kong can reach. It sends attacks, so never point it at a Kong that
// somebody else answers for.
package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"

	"kongwaf/kong/gateway/gatewaytest"
)

// Prefix is what every path of the suite's routes begins with.
const Prefix = "/kong-waf-conformance"

// Target is the Kong to try.
type Target struct {
	// Proxy is the URL that clients use. With https its certificate is not verified: the
	// suite proves behaviour, not identity.
	Proxy *url.URL
	// Upstream is what the routes lead to.
	Upstream *gatewaytest.Upstream
	// Bundled says that routes with Kong's own plugins are there too, to be held beside ours.
	Bundled bool
	// Supervisor is the process id of `kong-waf serve`, whose workers may be killed; 0 leaves
	// these behaviours out.
	Supervisor int
}

// Outcome is what became of one behaviour.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "pass"
	Failed  Outcome = "FAIL"
	Skipped Outcome = "skip"
)

// Result is one line of the suite.
type Result struct {
	Group   string  `json:"group"`
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	// Why says what differs, or why the behaviour was left out.
	Why string `json:"why,omitempty"`
	// Exchanges are the requests and answers of a behaviour that failed, the last one last.
	Exchanges []string `json:"exchanges,omitempty"`
}

// behaviour is one thing that a Kong with our plugins does.
type behaviour struct {
	group, name string
	// leave says why the behaviour cannot be tried on this target, "" if it can.
	leave func(*Target) string
	// try returns an error that says what differs.
	try func(*trial) error
}

// Run tries every behaviour in order and reports each as soon as it is known. It returns how
// many failed. An error means that the suite could not go on.
func Run(ctx context.Context, target *Target, report func(Result)) (failed int, err error) {
	for _, b := range behaviours() {
		if err := ctx.Err(); err != nil {
			return failed, err
		}
		result := Result{Group: b.group, Name: b.name, Outcome: Passed}
		if b.leave != nil {
			result.Why = b.leave(target)
		}
		if result.Why != "" {
			result.Outcome = Skipped
			report(result)
			continue
		}
		t := &trial{target: target, tenant: rand.Text()}
		target.Upstream.Take()
		if err := b.try(t); err != nil {
			failed++
			result.Outcome, result.Why, result.Exchanges = Failed, err.Error(), t.exchanges
		}
		report(result)
	}
	return failed, nil
}

// Await waits until every route of the suite is known to the proxy: a Kong takes what its
// Admin API was told within seconds.
func Await(ctx context.Context, target *Target) error {
	waiting := ""
	for {
		waiting = ""
		for _, r := range routes(target.Bundled) {
			t := &trial{target: target, tenant: rand.Text()}
			answer, _, err := t.send(r.name, call{})
			switch {
			case err != nil:
				waiting = err.Error()
			case answer.Status == 404 && strings.Contains(answer.Body, "no Route matched"):
				waiting = "the route " + r.name + " is not known to the proxy"
			case answer.Status >= 500:
				waiting = fmt.Sprintf("the route %s answers %d %s", r.name, answer.Status, brief(answer.Body))
			}
			if waiting != "" {
				break
			}
		}
		if waiting == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", waiting, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
