package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"kongwaf/kong/console"
	"kongwaf/kong/events"
	"kongwaf/kong/suggest"
)

const suggestHelp = `Usage: kong-waf suggest [options] EVENTS...
       kong-waf suggest [options] --data FOLDER

Reads events and suggests what silences those that look like false positives, and the harshest
mode that is then safe, by route: with evidence, and with what it would let through.
EVENTS are files of JSON lines, also compressed ones, or - for the standard input. FOLDER is the
console's (console.data). Changes nothing. Exit status 1 if something could not be read.
`

// suggestFormats are the forms of output.
var suggestFormats = map[string]func(*suggest.Report, io.Writer) error{
	"text": (*suggest.Report).WriteText,
	"json": func(r *suggest.Report, out io.Writer) error {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	},
	"deck": func(r *suggest.Report, out io.Writer) error { _, err := io.WriteString(out, r.Deck()); return err },
	"kongplugin": func(r *suggest.Report, out io.Writer) error {
		_, err := io.WriteString(out, r.KongPlugins())
		return err
	},
}

// maxProblems is how many bad lines are reported one by one.
const maxProblems = 20

// reading is the input of `kong-waf suggest` on its way to a collector.
type reading struct {
	stderr    io.Writer
	collector *suggest.Collector
	route     string
	since     time.Time
	problems  []suggest.Problem
	bad       int
	progress  bool
	read      int
	shown     time.Time
}

// runSuggest suggests what to write into configs.
func runSuggest(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("suggest", suggestHelp, stderr)
	rules := suggest.DefaultRules()
	format := flags.String("format", "text", "`FORM` of the output: text, json, deck or kongplugin (lines to copy)")
	data := flags.String("data", "", "`FOLDER` with the console's history")
	route := flags.String("route", "", "look at the events of this `ROUTE` only")
	days := flags.Int("days", 0, "look at the last `N` days only, of all if 0")
	flags.IntVar(&rules.MinEvents, "min-events", rules.MinEvents, "likely: at least `N` events at a place")
	flags.IntVar(&rules.MinClients, "min-clients", rules.MinClients, "likely: of at least `N` clients that are no scanners")
	flags.IntVar(&rules.MinDays, "min-days", rules.MinDays, "likely: on at least `N` days")
	flags.IntVar(&rules.MinReturning, "min-returning", rules.MinReturning, "likely: at least `N` of the clients on more than one day")
	flags.Float64Var(&rules.MaxShare, "max-share", rules.MaxShare, "likely: at most this `SHARE` of it from one client")
	flags.Float64Var(&rules.MaxSprayed, "max-sprayed", rules.MaxSprayed, "likely: at most this `SHARE` of it from scanners")
	flags.IntVar(&rules.ScanPlaces, "scan-places", rules.ScanPlaces, "a scanner is who attacks `N` places that hardly anybody else does")
	flags.IntVar(&rules.ScanClasses, "scan-classes", rules.ScanClasses, "or shows `N` classes of attack over three such places")
	if code, stop := parse(flags, args, anyFiles); stop {
		return code
	}
	write, ok := suggestFormats[*format]
	err := rules.Validate()
	switch {
	case !ok:
		err = fmt.Errorf("format: %q is not text, json, deck or kongplugin", *format)
	case err != nil:
		err = fmt.Errorf("--%w", err)
	case flags.NArg() == 0 && *data == "":
		err = errors.New("EVENTS is missing: name files, - or --data FOLDER")
	case *days < 0:
		err = errors.New("--days: write a number above 0")
	}
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf suggest: %v; kong-waf suggest --help says more\n", err)
		return 2
	}
	r := &reading{stderr: stderr, collector: suggest.NewCollector(rules), route: *route, progress: isTerminal(stderr)}
	if *days > 0 {
		r.since = time.Now().AddDate(0, 0, -*days)
	}
	failed := r.files(flags.Args(), stdin)
	if *data != "" {
		if err := r.history(*data); err != nil {
			fmt.Fprintf(stderr, "kong-waf suggest: --data: %v\n", err)
			failed = true
		}
	}
	r.end()
	report := r.collector.Report()
	report.Problems = append(report.Problems, r.problems...)
	if err := write(report, stdout); err != nil {
		fmt.Fprintln(stderr, "kong-waf suggest:", err)
		failed = true
	}
	if failed || r.bad > 0 {
		return 1
	}
	return 0
}

// files reads files of JSON lines and reports whether one of them could not be read.
func (r *reading) files(names []string, stdin io.Reader) (failed bool) {
	for _, name := range names {
		in := stdin
		if name != "-" {
			file, err := os.Open(name)
			if err != nil {
				fmt.Fprintln(r.stderr, "kong-waf suggest:", err)
				failed = true
				continue
			}
			defer file.Close()
			in = file
		}
		if err := events.ReadLines(in, r.add, func(e *events.ErrLine) { r.problem(name, e) }); err != nil {
			r.clear()
			fmt.Fprintf(r.stderr, "kong-waf suggest: %s: %v\n", name, err)
			failed = true
		}
	}
	return failed
}

// history reads the console's history.
func (r *reading) history(folder string) error {
	store, err := console.ReadStore(folder)
	if err != nil {
		return err
	}
	defer store.Close()
	return store.Each(context.Background(), r.since, 0, r.add)
}

func (r *reading) add(e *events.Event) {
	if r.read++; r.progress && r.read%1000 == 0 && time.Since(r.shown) >= progressEvery {
		r.shown = time.Now()
		fmt.Fprintf(r.stderr, "\r%d events, %d bad lines ", r.read, r.bad)
	}
	if e.Time.Before(r.since) || r.route != "" && e.RouteName != r.route && e.RouteID != r.route {
		return
	}
	r.collector.Add(e)
}

func (r *reading) problem(name string, e *events.ErrLine) {
	if r.bad++; r.bad > maxProblems {
		return
	}
	text := suggest.OneLine(e.Err.Error())
	r.problems = append(r.problems, suggest.Problem{File: name, Line: e.Number, Error: text})
	r.clear()
	fmt.Fprintf(r.stderr, "kong-waf suggest: %s:%d: %s\n", name, e.Number, text)
}

func (r *reading) clear() {
	if r.progress {
		fmt.Fprintf(r.stderr, "\r%s\r", strings.Repeat(" ", 60))
	}
}

// end says how many bad lines there were.
func (r *reading) end() {
	r.clear()
	if r.bad > 0 {
		fmt.Fprintf(r.stderr, "kong-waf suggest: %s of %d left out\n", count(r.bad, "bad line"), r.read+r.bad)
	}
}
