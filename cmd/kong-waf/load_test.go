package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/redistest"
	"kongwaf/kong/events"
)

// loaded is a demonstration under load, in processes of its own.
type loaded struct {
	t               *testing.T
	cmd             *exec.Cmd
	listen, console string
}

func startLoaded(t *testing.T, console string, env ...string) *loaded {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "load")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	l := &loaded{t: t, listen: freeAddress(t), console: console}
	l.cmd = exec.Command(self, "demo", "--listen", l.listen, "--upstream", freeAddress(t), "--console", console)
	l.cmd.Env = append(append(os.Environ(), asMain+"=1", "TMPDIR="+dir), env...)
	out, err := l.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, l.cmd.Start())
	t.Cleanup(func() {
		_ = l.cmd.Process.Signal(os.Interrupt)
		_ = l.cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // the sink stdout
	return l
}

// watchHealth asks for the console's health five times a second, until the function that it
// returns is called, which says how long the slowest answer took.
func (l *loaded) watchHealth(ctx context.Context) (slowest func() time.Duration) {
	ctx, stop := context.WithCancel(ctx)
	longest := make(chan time.Duration, 1)
	go func() {
		client := &http.Client{Timeout: 20 * time.Second}
		var most time.Duration
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				longest <- most
				return
			case <-tick.C:
			}
			begun := time.Now()
			if answer, err := client.Get("http://" + l.console + "/healthz"); err == nil {
				answer.Body.Close()
			}
			most = max(most, time.Since(begun))
		}
	}()
	return func() time.Duration {
		stop()
		return <-longest
	}
}

// attack sends attacks for a time, at most rate a second, and returns how long each took and
// how many were not refused as they should be.
func (l *loaded) attack(length time.Duration, rate int) (took []time.Duration, failed int64) {
	const callers = 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}, Timeout: 10 * time.Second}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var wrong atomic.Int64
	until := time.Now().Add(length)
	for c := range callers {
		wg.Go(func() {
			tick := time.NewTicker(callers * time.Second / time.Duration(rate))
			defer tick.Stop()
			var mine []time.Duration
			for n := 0; time.Now().Before(until); n++ {
				<-tick.C
				begun := time.Now()
				answer, err := client.Get(fmt.Sprintf("http://%s/api/x%d?p%d=%%27%%20OR%%201=1%%20--%%20", l.listen, c, n%500))
				if err != nil {
					wrong.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				mine = append(mine, time.Since(begun))
				if answer.StatusCode != http.StatusForbidden {
					wrong.Add(1)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took, wrong.Load()
}

// numbers scrapes the console.
func (l *loaded) numbers() map[string]float64 {
	answer, err := http.Get("http://" + l.console + "/metrics")
	if err != nil {
		return nil
	}
	text := readAll(l.t, answer.Body)
	numbers := map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^(kong_waf_[^ ]+) ([0-9.e+]+)$`).FindAllStringSubmatch(text, -1) {
		numbers[m[1]], _ = strconv.ParseFloat(m[2], 64)
	}
	return numbers
}

// TestEventsUnderLoad: with every sink on (file, standard output, Redis, the history) and one of
// them dead (OTLP), events add up, memory stays flat, and no request waits; then the process
// with the sinks is killed, and no request fails. EVENTS_LOAD=1m is the long form, and holds the
// times to 5 %. Without redis-server the others must do.
func TestEventsUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a trial under load, which runs without -short")
	}
	length, long := 2*time.Second, false
	if text := os.Getenv("EVENTS_LOAD"); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err)
		long = true
	}
	fold := "1"
	patience := 10 * time.Second
	if long {
		fold = "0"                 // every event goes everywhere, so that the dead sink's queue is full
		patience = 2 * time.Minute // hundreds of thousands of lines are read
	}
	const rate = 5000
	dead, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	require.NoError(t, err)
	defer dead.Close()
	file := filepath.Join(t.TempDir(), "events.jsonl")
	env := []string{"KONG_WAF_EVENTS_FILE=" + file, "KONG_WAF_EVENTS_STDOUT=true", "KONG_WAF_EVENTS_FOLD_SECONDS=" + fold, "KONG_WAF_EVENTS_FILE_MEGABYTES=100000",
		"KONG_WAF_EVENTS_OTLP=http://" + dead.Addr().String(), "KONG_WAF_CONSOLE_DATA=" + filepath.Join(t.TempDir(), "history")}
	program, missing := exec.LookPath("redis-server")
	if missing == nil {
		env = append(env, "KONG_WAF_REDIS_ADDRESS="+redistest.Start(t, program).Address(), "KONG_WAF_EVENTS_REDIS_STREAM=waf")
	}
	with := startLoaded(t, freeAddress(t), env...)
	without := startLoaded(t, "off", "KONG_WAF_EVENTS_FILE=off")

	with.attack(time.Second, rate) // warm
	without.attack(time.Second, rate)
	worker, aside := `kong_waf_resident_memory_bytes{process="worker"}`, `kong_waf_resident_memory_bytes{process="console"}`
	before := with.numbers()
	var half map[string]float64 // when queues are as full as they will be
	var a, b []time.Duration
	slowest := with.watchHealth(t.Context())
	for turn := range 4 { // in turn, so that both have the same machine
		if turn == 2 {
			half = with.numbers()
		}
		slice, failed := with.attack(length/4, rate)
		require.Zero(t, failed)
		a = append(a, slice...)
		slice, failed = without.attack(length/4, rate)
		require.Zero(t, failed)
		b = append(b, slice...)
	}
	slices.Sort(a)
	slices.Sort(b)
	t.Logf("%d attacks with every sink, one dead: median %v, 99%% %v; %d without any: median %v, 99%% %v",
		len(a), a[len(a)/2], a[len(a)*99/100], len(b), b[len(b)/2], b[len(b)*99/100])
	health := slowest()
	t.Logf("the slowest answer of /healthz meanwhile: %v", health)
	require.Less(t, health, 5*time.Second, "a load balancer gives up on a gateway whose console is late")
	if long {
		require.Less(t, a[len(a)/2].Seconds(), 1.05*b[len(b)/2].Seconds())
	}

	// Every event is in the file, folded, or counted as dropped.
	sum := func() (n, lines int) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			e, err := events.Parse([]byte(line))
			require.NoError(t, err)
			n += e.Count
			lines++
		}
		return n, lines
	}
	var after map[string]float64
	require.Eventually(t, func() bool {
		after = with.numbers()
		n, _ := sum()
		return float64(n)+after[`kong_waf_events_dropped_total{stage="worker"}`]+after[`kong_waf_events_dropped_total{stage="file"}`] == after["kong_waf_events_recorded_total"]
	}, patience, patience/100, "events do not add up")
	n, lines := sum()
	require.GreaterOrEqual(t, after["kong_waf_events_recorded_total"], float64(len(a)))
	if !long {
		require.Less(t, lines, n/2, "a flood is folded")
	}
	t.Logf("%d events in %d lines, dropped by the dead sink: %v, where processors were short: %v; worker %.1f -> %.1f -> %.1f MB, console %.1f -> %.1f -> %.1f MB", n, lines,
		after[`kong_waf_events_dropped_total{stage="otlp"}`], after[`kong_waf_events_dropped_total{stage="worker"}`], before[worker]/1e6, half[worker]/1e6, after[worker]/1e6, before[aside]/1e6, half[aside]/1e6, after[aside]/1e6)
	for _, sink := range []string{"file", "stdout", "redis", "history"} {
		if sink == "redis" && missing != nil {
			t.Log("without Redis:", missing)
			continue
		}
		written, dropped := `kong_waf_events_written_total{sink="`+sink+`"}`, `kong_waf_events_dropped_total{stage="`+sink+`"}`
		require.Eventually(t, func() bool {
			after = with.numbers()
			return after[written] > 0 && after[written]+after[dropped] == after[`kong_waf_events_written_total{sink="file"}`]+after[`kong_waf_events_dropped_total{stage="file"}`]
		}, 20*time.Second, 50*time.Millisecond, "lines of %s do not add up", sink)
		t.Logf("%s: %v lines written, %v dropped", sink, after[written], after[dropped])
	}
	if long {
		require.Positive(t, after[`kong_waf_events_dropped_total{stage="otlp"}`])
	}
	if long {
		require.Less(t, after[worker], half[worker]+16e6, "memory is flat")
		require.Less(t, after[aside], half[aside]+32e6, "memory is flat")
	}
	require.Less(t, after[worker], before[worker]+64e6)
	require.Less(t, after[aside], before[aside]+96e6)

	// The process with the sinks dies, again and again.
	done := make(chan struct{})
	kills := 0
	go func() {
		defer close(done)
		for range 3 {
			time.Sleep(length / 4)
			if pid := int(with.numbers()[`kong_waf_pid{process="console"}`]); pid > 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				kills++
			}
		}
	}()
	took, failed := with.attack(length, rate)
	<-done
	t.Logf("kill -9 of the console, %d times: failed %d of %d", kills, failed, len(took))
	require.Zero(t, failed)
	require.Positive(t, kills)
}
