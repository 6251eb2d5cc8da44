package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

const evalUsage = `Usage: kong-waf eval [options] FILE...

Measures the attack engine on labelled items: JSON lines, plain or gzipped (.gz), each
with "label" (attack or benign), "class", and either a request as in "kong-waf scan" or
a bare "value" (or "value_base64"), which is placed as a query value, as a form value and
as a JSON string. Prints how many of each class were blocked, and the time they took.

"blocked" and the rates count requests, three for a bare value. TPR is the share of attacks that were
blocked, FPR the share of benign ones, BA the mean of TPR and of 100 - FPR, all in percent; times are in us.

Lists of attacks hold pieces that are none by themselves: a placeholder, a lone bracket, a
plain word. --set-aside REGEXP, which may be repeated, leaves attacks out whose whole value
matches, and says how many of each. Lists of good requests hold SQL sent to SQL consoles,
which the engine blocks by design: --statements-aside leaves those out that were blocked for
whole statements and nothing else, and names them.
`

// evalItem is one labelled line; a request's fields are read apart.
type evalItem struct {
	ID          any     `json:"id"`
	Label       string  `json:"label"`
	Class       string  `json:"class"`
	Value       *string `json:"value"`
	ValueBase64 *string `json:"value_base64"`
}

// shapes are the requests that a bare value is placed in.
var shapes = [...]struct {
	name  string
	build func(value string) *detect.Request
}{
	{name: "query", build: queryShape},
	{name: "form", build: formShape},
	{name: "json", build: jsonShape},
}

func queryShape(value string) *detect.Request {
	return &detect.Request{Method: "GET", Target: "/search?q=" + url.QueryEscape(value), Proto: "HTTP/1.1",
		Headers: []detect.Header{{Name: "Host", Value: "shop.example.com"}}}
}

func formShape(value string) *detect.Request {
	return &detect.Request{Method: "POST", Target: "/form", Proto: "HTTP/1.1",
		Headers: []detect.Header{{Name: "Host", Value: "shop.example.com"}, {Name: "Content-Type", Value: "application/x-www-form-urlencoded"}},
		Body:    []byte("value=" + url.QueryEscape(value))}
}

func jsonShape(value string) *detect.Request {
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	// A string always encodes; bytes that are no UTF-8 become U+FFFD, as JSON demands.
	_ = encoder.Encode(map[string]string{"value": value})
	return &detect.Request{Method: "POST", Target: "/api", Proto: "HTTP/1.1",
		Headers: []detect.Header{{Name: "Host", Value: "shop.example.com"}, {Name: "Content-Type", Value: "application/json"}},
		Body:    []byte(body.String())}
}

// tally counts what became of the items of one class.
type tally struct {
	file, class, label string
	items              int
	judged, blocked    int
	perShape           [len(shapes)]int
	isRequest          bool
	times              []time.Duration
}

// runEval is the eval subcommand: it returns the exit status.
func runEval(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("eval", evalUsage, stderr)
	sensitivity := flags.String("sensitivity", "medium", "`LEVEL` low, medium or high")
	class := flags.String("class", "", "only items whose class begins with `PREFIX`")
	misses := flags.Int("misses", 0, "print the first `N` attacks that were not blocked")
	falsePositives := flags.Int("false-positives", 0, "print the first `N` benign items that were blocked")
	work := flags.Bool("work", false, "count the work too, and print the highest share of its budget that a request of each file takes")
	statementsAside := flags.Bool("statements-aside", false, "leave out benign requests that were blocked for whole SQL statements alone")
	var aside []*setAside
	flags.Func("set-aside", "leave out attacks whose whole value matches `REGEXP`; may be repeated", func(text string) error {
		if _, err := regexp.Compile(text); err != nil {
			return err
		}
		aside = append(aside, &setAside{text: text, pattern: regexp.MustCompile(`(?s)\A(?:` + text + `)\z`)})
		return nil
	})
	if code, stop := parse(flags, args, someFiles); stop {
		return code
	}
	level, err := attack.ParseSensitivity(*sensitivity)
	if err != nil {
		fmt.Fprintln(stderr, "kong-waf eval: --sensitivity:", err)
		return 2
	}
	engine, err := attack.New(attack.Options{Sensitivity: level, Unmasked: true})
	if err != nil {
		fmt.Fprintln(stderr, "kong-waf eval:", err)
		return 2
	}
	e := evaluation{engine: engine, class: *class, aside: aside, statementsAside: *statementsAside, misses: *misses, work: *work, falsePositives: *falsePositives, out: stdout}
	status := 0
	for _, name := range flags.Args() {
		if err := e.file(name, stdin); err != nil {
			fmt.Fprintln(stderr, "kong-waf eval:", err)
			status = 1
		}
	}
	if len(e.tallies) == 0 {
		if status == 0 {
			fmt.Fprintln(stderr, "kong-waf eval: no item in these files is measured")
		}
		e.printAside(stdout)
		return 1
	}
	e.print(stdout)
	e.printWork(stdout)
	e.printAside(stdout)
	return status
}

// evaluation judges items and keeps count.
type evaluation struct {
	engine                 *attack.Engine
	class                  string
	aside                  []*setAside
	statementsAside        bool
	statements             []string // ids of the requests left out for statementsAside
	misses, falsePositives int      // still to be printed
	out                    io.Writer
	tallies                []*tally
	work                   bool
	workloads              []*workload
}

func (e *evaluation) file(name string, stdin io.Reader) error {
	in, closeInput, err := openInput(name, stdin)
	if err != nil {
		return err
	}
	defer closeInput()
	lines := bufio.NewReaderSize(in, 1<<20)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			if err := e.line(filepath.Base(name), number, line); err != nil {
				return fmt.Errorf("%s: line %d: %w", name, number, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// openInput opens a file, standard input for "-", and unpacks what ends in .gz.
func openInput(name string, stdin io.Reader) (io.Reader, func(), error) {
	if name == "-" {
		return stdin, func() {}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasSuffix(name, ".gz") {
		return f, func() { f.Close() }, nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return z, func() { f.Close() }, nil
}

func (e *evaluation) line(file string, number int, line []byte) error {
	var item evalItem
	if err := json.Unmarshal(line, &item); err != nil {
		return err
	}
	if item.ID == nil {
		item.ID = fmt.Sprintf("line %d", number)
	}
	if item.Label != "attack" && item.Label != "benign" {
		return fmt.Errorf("label %q is neither attack nor benign", item.Label)
	}
	if !strings.HasPrefix(item.Class, e.class) {
		return nil
	}
	text := ""
	switch {
	case item.ValueBase64 != nil:
		raw, err := base64.StdEncoding.DecodeString(*item.ValueBase64)
		if err != nil {
			return fmt.Errorf("value_base64: %w", err)
		}
		text = string(raw)
	case item.Value != nil:
		text = *item.Value
	default:
		request, _, err := parseRequestLine(line)
		if err != nil {
			return err
		}
		t := e.tally(file, item.Class, item.Label)
		t.items++
		t.isRequest = true
		e.judge(t, item, -1, request, "")
		return nil
	}
	if item.Label == "attack" {
		for _, a := range e.aside {
			if a.pattern.MatchString(text) {
				a.items++
				return nil
			}
		}
	}
	t := e.tally(file, item.Class, item.Label)
	t.items++
	for i := range shapes {
		e.judge(t, item, i, shapes[i].build(text), text)
	}
	return nil
}

func (e *evaluation) judge(t *tally, item evalItem, shape int, r *detect.Request, text string) {
	if e.work {
		e.measure(t.file, item, r)
	}
	start := time.Now()
	report := e.engine.Inspect(r)
	took := time.Since(start)
	if e.statementsAside && report.Blocked && item.Label == "benign" && onlyStatements(e.engine.Explain(r)) {
		e.statements = append(e.statements, fmt.Sprint(item.ID))
		return
	}
	t.times = append(t.times, took)
	t.judged++
	if report.Blocked {
		t.blocked++
		if shape >= 0 {
			t.perShape[shape]++
		}
	}
	left, title := &e.misses, "miss"
	if report.Blocked {
		left, title = &e.falsePositives, "false positive"
	}
	if report.Blocked == (item.Label == "attack") || *left <= 0 {
		return
	}
	*left--
	where := r.Method + " " + clip(r.Target, 200)
	if shape >= 0 {
		where = fmt.Sprintf("%s %q", shapes[shape].name, clip(text, 300))
	}
	fmt.Fprintf(e.out, "%s %v (%s, %s) score %.2f: %s\n", title, item.ID, t.file, item.Class, report.Score, where)
	report, why := e.engine.Explain(r)
	for i, f := range report.Attacks[:min(len(report.Attacks), 5)] {
		fmt.Fprintf(e.out, "    %s %s %.2f %v (%s): %q\n", f.Class, f.Place, f.Confidence, f.Decoded, why.Shapes[i], f.Evidence)
	}
}

func clip(s string, most int) string {
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

func (e *evaluation) tally(file, class, label string) *tally {
	for _, t := range e.tallies {
		if t.file == file && t.class == class && t.label == label {
			return t
		}
	}
	t := &tally{file: file, class: class, label: label}
	e.tallies = append(e.tallies, t)
	return t
}

// print writes a row for each class, a sum for each file, and a sum of all.
func (e *evaluation) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, "file\tclass\tlabel\titems\tblocked\trate %\tquery\tform\tjson\tmedian us\tp90\tp99\t")
	for first := 0; first < len(e.tallies); {
		file := e.tallies[first].file
		end := first
		for end < len(e.tallies) && e.tallies[end].file == file {
			end++
		}
		rows := e.tallies[first:end]
		slices.SortStableFunc(rows, func(a, b *tally) int {
			return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.class, b.class))
		})
		for _, t := range rows {
			printTally(table, t)
		}
		printSum(table, file, rows)
		first = end
	}
	printSum(table, "ALL", e.tallies)
}

func printTally(w io.Writer, t *tally) {
	fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%.2f\t", t.file, t.class, t.label, t.items, t.blocked, percent(t.blocked, t.judged))
	for _, n := range t.perShape {
		if t.isRequest {
			fmt.Fprint(w, "-\t")
		} else {
			fmt.Fprintf(w, "%.2f\t", percent(n, t.items))
		}
	}
	printTimes(w, t.times)
}

func printSum(w io.Writer, title string, rows []*tally) {
	sums := map[string]*tally{"attack": {}, "benign": {}}
	var times []time.Duration
	items := 0
	for _, t := range rows {
		s := sums[t.label]
		s.judged += t.judged
		s.blocked += t.blocked
		items += t.items
		times = append(times, t.times...)
	}
	a, b := sums["attack"], sums["benign"]
	tpr, fpr, ba := "-", "-", "-"
	if a.judged > 0 {
		tpr = fmt.Sprintf("%.2f", percent(a.blocked, a.judged))
	}
	if b.judged > 0 {
		fpr = fmt.Sprintf("%.2f", percent(b.blocked, b.judged))
	}
	if a.judged > 0 && b.judged > 0 {
		ba = fmt.Sprintf("%.2f", (percent(a.blocked, a.judged)+100-percent(b.blocked, b.judged))/2)
	}
	fmt.Fprintf(w, "= %s\tTPR %s\tFPR %s\t%d\t%d\tBA %s\t\t\t\t", title, tpr, fpr, items, a.blocked+b.blocked, ba)
	printTimes(w, times)
}

func printTimes(w io.Writer, times []time.Duration) {
	slices.Sort(times)
	for _, q := range []int{50, 90, 99} {
		var d time.Duration
		if len(times) > 0 {
			d = times[min(len(times)*q/100, len(times)-1)]
		}
		fmt.Fprintf(w, "%.1f\t", float64(d.Nanoseconds())/1000)
	}
	fmt.Fprintln(w)
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
