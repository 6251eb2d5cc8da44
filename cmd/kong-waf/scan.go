package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

const scanUsage = `Usage: kong-waf scan [options] [FILE...]

Judges recorded requests offline: what would have been blocked, and why. Reads the files
(unpacking .gz), or standard input, and writes one JSON line for each request, in order,
as soon as it is known. A line that cannot be read gives {"id":null,"error":"line 12: ..."},
behind the file's name if there are several; the rest goes on, and the exit status is 1 at the end.

Formats:
  jsonl    one request a line: {"id","method","target","headers","body" or "body_base64","client_ip"}
  values   one bare value a line, judged as a query parameter
  http     raw HTTP/1 requests, one after the other
  har      an HTTP archive (browsers' developer tools)
  access   an nginx or Apache access log, common or combined
`

// maxLine bounds one line of input: a line longer than this is an error, not an attack.
const maxLine = 64 << 20

// scanLine is what is written for one request.
type scanLine struct {
	ID        json.RawMessage  `json:"id"`
	Blocked   bool             `json:"blocked"`
	Score     float64          `json:"score"`
	Attacks   []detect.Finding `json:"attacks"`
	Truncated bool             `json:"truncated"`
	Micros    float64          `json:"micros"`
}

// scanError is what is written for an item that cannot be read.
type scanError struct {
	ID    *string `json:"id"`
	Error string  `json:"error"`
}

// item is one request on its way: read, judged, written, in the order of the input.
type item struct {
	id      json.RawMessage
	request *detect.Request
	err     error // it could not be read
	report  detect.Report
	took    time.Duration
	done    chan struct{} // closed when it has been judged
}

// runScan is the scan subcommand: it returns the exit status.
func runScan(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("scan", scanUsage, stderr)
	format := flags.String("format", "jsonl", "`FORMAT` of the input: "+strings.Join(formatNames(), ", "))
	sensitivity := flags.String("sensitivity", "medium", "`LEVEL` low, medium or high")
	workers := flags.Int("workers", runtime.GOMAXPROCS(0), "judge `N` requests at the same time")
	summary := flags.String("summary", "", "write the summary to `FILE` instead of standard error")
	quiet := flags.Bool("quiet", false, "neither progress nor summary on standard error")
	if code, stop := parse(flags, args, anyFiles); stop {
		return code
	}
	wrong := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "kong-waf scan: "+format+"\n", args...)
		return 2
	}
	read := formats[*format]
	if read == nil {
		return wrong("--format: %q is none of %s", *format, strings.Join(formatNames(), ", "))
	}
	level, err := attack.ParseSensitivity(*sensitivity)
	if err != nil {
		return wrong("--sensitivity: %v", err)
	}
	if *workers < 1 || *workers > 1024 {
		return wrong("--workers: %d is not between 1 and 1024", *workers)
	}
	engine, err := attack.New(attack.Options{Sensitivity: level})
	if err != nil {
		return wrong("%v", err)
	}
	s := scan{engine: engine, stderr: stderr, started: time.Now(), byClass: make(map[detect.Class]int)}
	s.progress = !*quiet && isTerminal(stderr)
	names := flags.Args()
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := s.run(names, read, stdin, stdout, *workers)
	if *summary != "" {
		if err := os.WriteFile(*summary, []byte(s.summary()), 0o644); err != nil {
			fmt.Fprintln(stderr, "kong-waf scan: --summary:", err)
			status = 1
		}
	} else if !*quiet {
		fmt.Fprint(stderr, s.summary())
	}
	if s.requests == 0 && s.errors > s.unopened && !*quiet {
		fmt.Fprintf(stderr, "kong-waf scan: nothing could be read as %s; --format names what it is: %s\n", *format, strings.Join(formatNames(), ", "))
	}
	return status
}

// scan judges items and keeps count. Only the goroutine that writes touches the counts.
type scan struct {
	engine   *attack.Engine
	stderr   io.Writer
	progress bool
	started  time.Time
	shown    time.Time

	requests, blocked, errors, truncated int
	unopened                             int // of the errors, files that could not be opened
	bytes                                int
	byClass                              map[detect.Class]int
}

// run reads, judges and writes: one goroutine reads, workers judge, the caller's writes.
// The queue holds the items in the order of the input.
func (s *scan) run(names []string, read reader, stdin io.Reader, stdout io.Writer, workers int) int {
	queue := make(chan *item, 4*workers)
	work := make(chan *item)
	var judges sync.WaitGroup
	for range workers {
		judges.Go(func() {
			for it := range work {
				start := time.Now()
				it.report = s.engine.Inspect(it.request)
				it.took = time.Since(start)
				close(it.done)
			}
		})
	}
	stop := make(chan struct{})
	go func() {
		defer close(queue)
		defer close(work)
		emit := func(it *item) bool {
			it.done = make(chan struct{})
			select {
			case queue <- it:
			case <-stop:
				return false
			}
			if it.err != nil {
				close(it.done)
				return true
			}
			work <- it
			return true
		}
		for _, name := range names {
			in, closeInput, err := openInput(name, stdin)
			if err != nil {
				s.unopened++
				emit(&item{err: err})
				continue
			}
			emitFrom := emit
			if len(names) > 1 {
				emitFrom = func(it *item) bool {
					if it.err != nil {
						it.err = fmt.Errorf("%s: %w", name, it.err)
					}
					return emit(it)
				}
			}
			err = read(bufio.NewReaderSize(in, 64<<10), emitFrom)
			closeInput()
			if err != nil {
				emitFrom(&item{err: err})
			}
		}
	}()
	status := 0
	out := bufio.NewWriter(stdout)
	for it := range queue {
		<-it.done
		if err := s.write(out, it); err != nil {
			fmt.Fprintln(s.stderr, "kong-waf scan:", err)
			status = 1
			close(stop)
			break
		}
		// A caller may wait for this answer before it sends the next line.
		if len(queue) == 0 {
			if err := out.Flush(); err != nil {
				fmt.Fprintln(s.stderr, "kong-waf scan:", err)
				status = 1
				close(stop)
				break
			}
		}
		s.showProgress()
	}
	for range queue { // after an error: let the reader end
	}
	judges.Wait()
	if err := out.Flush(); err != nil {
		status = 1
	}
	s.endProgress()
	if s.errors > 0 {
		status = 1
	}
	return status
}

// write writes one item's line and counts it.
func (s *scan) write(out *bufio.Writer, it *item) error {
	var line any
	if it.err != nil {
		s.errors++
		line = scanError{Error: it.err.Error()}
	} else {
		s.count(it)
		attacks := it.report.Attacks
		if attacks == nil {
			attacks = []detect.Finding{}
		}
		id := it.id
		if id == nil {
			id = json.RawMessage("null")
		}
		line = scanLine{ID: id, Blocked: it.report.Blocked, Score: round(it.report.Score, 1000),
			Attacks: attacks, Truncated: it.report.Truncated, Micros: round(float64(it.took.Nanoseconds())/1000, 10)}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(line)
}

func (s *scan) count(it *item) {
	s.requests++
	s.bytes += len(it.request.Target) + len(it.request.Body)
	for i := range it.request.Headers {
		s.bytes += len(it.request.Headers[i].Name) + len(it.request.Headers[i].Value)
	}
	if it.report.Truncated {
		s.truncated++
	}
	if !it.report.Blocked {
		return
	}
	s.blocked++
	var seen [256]bool
	for i := range it.report.Attacks {
		if c := it.report.Attacks[i].Class; !seen[c] {
			seen[c] = true
			s.byClass[c]++
		}
	}
}

func round(f, unit float64) float64 { return float64(int64(f*unit+0.5)) / unit }

// summary says in a few lines what was found.
func (s *scan) summary() string {
	var b strings.Builder
	took := time.Since(s.started)
	fmt.Fprintf(&b, "%s, %d blocked (%.2f %%), %d truncated, %s; %.1f MB in %s\n",
		count(s.requests, "request"), s.blocked, percent(s.blocked, s.requests), s.truncated, count(s.errors, "error"), float64(s.bytes)/1e6, took.Round(time.Millisecond))
	classes := make([]detect.Class, 0, len(s.byClass))
	for c := range s.byClass {
		classes = append(classes, c)
	}
	slices.SortFunc(classes, func(a, b detect.Class) int { return s.byClass[b]*256 + int(a) - s.byClass[a]*256 - int(b) })
	for _, c := range classes {
		fmt.Fprintf(&b, "  %-15s %d\n", c, s.byClass[c])
	}
	return b.String()
}

const progressEvery = 100 * time.Millisecond

func (s *scan) showProgress() {
	if !s.progress || time.Since(s.shown) < progressEvery {
		return
	}
	s.shown = time.Now()
	rate := float64(s.requests) / time.Since(s.started).Seconds()
	bar := strings.Repeat("#", s.requests/1000%21)
	fmt.Fprintf(s.stderr, "\r[%-20s] %d requests, %d blocked, %d errors, %.0f/s ", bar, s.requests, s.blocked, s.errors, rate)
}

func (s *scan) endProgress() {
	if s.progress {
		fmt.Fprintf(s.stderr, "\r%78s\r", "")
	}
}

// isTerminal reports whether w is a character device: a terminal, or /dev/null, to which
// a progress bar does no harm.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
