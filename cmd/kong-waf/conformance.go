package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"kongwaf/kong/conformance"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/plugins"
)

const conformanceHelp = `Usage: kong-waf conformance --proxy URL --admin URL [options]
       kong-waf conformance --write FILE [options]

Proves a running Kong that has our plugins, or the stand-in: a line for each behaviour, pass or FAIL, with the
requests and answers of what failed. It sends attacks, to routes of its own below /kong-waf-conformance.
  With --admin it writes these routes through the Admin API of a Kong with a database, and removes them at the end.
  Without a database: --write FILE hands out a file to load, then run it with --proxy alone; or add --replace-config,
  which replaces the WHOLE config of that Kong.
Exit status: 0 all passed, 1 something failed, 2 called wrongly or Kong could not be reached.
`

// conformanceOptions are the flags of conformance.
type conformanceOptions struct {
	proxy, admin, tokenFile, write string
	listen, upstream, format       string
	replace, bundled, insecure     bool
	pid                            int
	wait                           time.Duration
}

// runConformance tries a Kong.
func runConformance(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var o conformanceOptions
	flags := newFlags("conformance", conformanceHelp, stderr)
	flags.StringVar(&o.proxy, "proxy", "", "`URL` of Kong's proxy, such as http://127.0.0.1:8000")
	flags.StringVar(&o.admin, "admin", "", "`URL` of Kong's Admin API, such as http://127.0.0.1:8001")
	flags.StringVar(&o.tokenFile, "admin-token-file", "", "`FILE` with a token for the Admin API (Kong-Admin-Token)")
	flags.BoolVar(&o.insecure, "insecure", false, "do not verify the Admin API's certificate")
	flags.StringVar(&o.write, "write", "", "write the routes as a deck file to `FILE` (- is standard output), and try nothing")
	flags.BoolVar(&o.replace, "replace-config", false, "with --admin of a Kong without a database: replace its whole config by the suite's")
	flags.BoolVar(&o.bundled, "bundled", false, "hold Kong's own plugins beside ours; with --admin this is so where Kong has them")
	flags.StringVar(&o.listen, "upstream-listen", "127.0.0.1:9599", "`ADDR` that the suite's upstream listens on")
	flags.StringVar(&o.upstream, "upstream", "", "`URL` at which Kong reaches that upstream, if it is not http://ADDR")
	flags.IntVar(&o.pid, "pid", 0, "process `ID` of kong-waf serve on this machine: its workers are killed under load, and it is reloaded")
	flags.DurationVar(&o.wait, "wait", 20*time.Second, "how `LONG` Kong may take to know the routes")
	flags.StringVar(&o.format, "format", "text", "`FORMAT` of the report: text or jsonl")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	wrong := func(err error) int {
		fmt.Fprintf(stderr, "kong-waf conformance: %v\n", err)
		return 2
	}
	if o.upstream == "" {
		o.upstream = "http://" + o.listen
	}
	switch {
	case o.write == "-":
		io.WriteString(stdout, conformance.Deck(o.upstream, o.bundled))
		return 0
	case o.write != "":
		if err := os.WriteFile(o.write, []byte(conformance.Deck(o.upstream, o.bundled)), 0o644); err != nil {
			return wrong(err)
		}
		fmt.Fprintf(stderr, "%s is written: load it into Kong, then kong-waf conformance --proxy URL --upstream-listen %s\n", o.write, o.listen)
		return 0
	case o.proxy == "":
		return wrong(errors.New("--proxy is missing; kong-waf conformance --help says more"))
	case o.format != "text" && o.format != "jsonl":
		return wrong(fmt.Errorf("--format: %q is neither text nor jsonl", o.format))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := o.run(ctx, stdout, stderr)
	switch {
	case err != nil:
		return wrong(err)
	case failed > 0:
		return 1
	}
	return 0
}

// run tries the target, and leaves nothing of it behind.
func (o *conformanceOptions) run(ctx context.Context, stdout, stderr io.Writer) (failed int, err error) {
	proxy, err := webAddress("--proxy", o.proxy)
	if err != nil {
		return 0, err
	}
	upstream, err := gatewaytest.NewUpstreamAt(o.listen)
	if err != nil {
		return 0, fmt.Errorf("the upstream: %w: choose another address with --upstream-listen", err)
	}
	defer upstream.Close()
	target := &conformance.Target{Proxy: proxy, Upstream: upstream, Bundled: o.bundled, Supervisor: o.pid}
	if o.admin != "" {
		remove, err := o.install(ctx, target, stderr)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, remove()) }()
	}
	ready, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	if err := conformance.Await(ready, target); err != nil {
		return 0, fmt.Errorf("%s: %w: are the suite's routes loaded, and does kong-waf serve run?", proxy, err)
	}
	report, sum := o.reporter(stdout)
	failed, err = conformance.Run(ctx, target, report)
	if err == nil {
		sum()
	}
	return failed, err
}

// install writes the suite's routes, and returns what removes them.
func (o *conformanceOptions) install(ctx context.Context, target *conformance.Target, stderr io.Writer) (remove func() error, err error) {
	address, err := webAddress("--admin", o.admin)
	if err != nil {
		return nil, err
	}
	admin := &conformance.Admin{URL: address, Client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: o.insecure}},
	}}
	if o.tokenFile != "" {
		token, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--admin-token-file: %w", err)
		}
		admin.Token = strings.TrimSpace(string(token))
	}
	node, err := admin.Node(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "Kong %s, database %s\n", node.Version, node.Database)
	for _, d := range plugins.Definitions() {
		if !node.Plugins[d.Name] {
			return nil, fmt.Errorf("this Kong does not know the plugin %s: `plugins` and `pluginserver_names` in kong.conf must name it (kong-waf doctor)", d.Name)
		}
	}
	target.Bundled = target.Bundled || !slices.ContainsFunc([]string{"key-auth", "ip-restriction", "rate-limiting"}, func(name string) bool { return !node.Plugins[name] })
	if node.Database == "off" {
		if !o.replace {
			return nil, errors.New("this Kong has no database, so routes cannot be added: load the file of --write yourself and leave out --admin, or let --replace-config replace its whole config")
		}
		return func() error { return nil }, admin.Load(ctx, conformance.Deck(o.upstream, target.Bundled))
	}
	remove = func() error {
		// Also after Ctrl-C: what was written is removed.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return admin.Remove(ctx, o.upstream, target.Bundled)
	}
	if err := admin.Install(ctx, o.upstream, target.Bundled); err != nil {
		return nil, errors.Join(err, remove())
	}
	return remove, nil
}

// reporter returns what writes a result, and what writes the sum at the end.
func (o *conformanceOptions) reporter(w io.Writer) (report func(conformance.Result), sum func()) {
	counts := map[conformance.Outcome]int{}
	lines := json.NewEncoder(w)
	skipped := "" // why the one before was: said once for many
	report = func(r conformance.Result) {
		counts[r.Outcome]++
		if o.format == "jsonl" {
			_ = lines.Encode(r) // standard output that is gone is nobody's to tell
			return
		}
		fmt.Fprintf(w, "%s  %s: %s\n", r.Outcome, r.Group, r.Name)
		if r.Why != "" && (r.Outcome == conformance.Failed || r.Why != skipped) {
			fmt.Fprintf(w, "      %s\n", r.Why)
		}
		skipped = r.Why
		for _, exchange := range r.Exchanges {
			fmt.Fprintf(w, "      %s\n", strings.ReplaceAll(strings.TrimSpace(exchange), "\n", "\n      "))
		}
	}
	return report, func() {
		if o.format == "text" {
			all := counts[conformance.Passed] + counts[conformance.Failed] + counts[conformance.Skipped]
			fmt.Fprintf(w, "%s: %d passed, %d failed, %d skipped\n", count(all, "behaviour"), counts[conformance.Passed], counts[conformance.Failed], counts[conformance.Skipped])
		}
	}
}

// webAddress parses a URL given to an option.
func webAddress(option, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s: %q is no URL such as http://127.0.0.1:8000", option, text)
	}
	return u, nil
}
