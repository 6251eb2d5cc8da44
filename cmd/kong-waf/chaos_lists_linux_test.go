package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const listsDeck = `
_format_version: "3.0"
services:
  - name: api
    url: http://%s
    routes:
      - name: lists
        paths: [/lists]
        plugins:
          - name: waf-ip-restriction
            config:
              allow_from: [{name: office, source: %s}]
              deny_from: [{name: feed, source: %s}]
`

// officeList has 203.0.113.0/24 and enough beside it to be held to max_shrink.
func officeList() string {
	var b strings.Builder
	b.WriteString("203.0.113.0/24\n")
	for i := range 30 {
		fmt.Fprintf(&b, "192.0.2.%d\n", i)
	}
	return b.String()
}

// feed is a server of a list that can be broken in every way. The list has 203.0.113.66.
type feed struct{ mode atomic.Value }

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list := strings.ReplaceAll(officeList(), "203.0.113.0/24", "203.0.113.66")
	switch f.mode.Load() {
	case "garbage":
		list = "<html>502</html>"
	case "empty":
		list = ""
	case "404":
		w.WriteHeader(http.StatusNotFound)
	case "hangs":
		<-r.Context().Done()
		return
	case "shrunken":
		list = "192.0.2.1\n"
	}
	_, _ = io.WriteString(w, list)
}

// from sends a request as if it came from an address.
func (s *chaos) from(client *http.Client, address string) int {
	return s.with(client, "/lists", "X-Real-IP", address)
}

// loadLists sends requests from an address of the office, from one that the feed refuses,
// and from one that is in no list, until stop.
func (s *chaos) loadLists() {
	const callers = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	for range callers {
		s.done.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-s.quit:
					return
				default:
				}
				time.Sleep(2 * time.Millisecond)
				address, want := "203.0.113.7", http.StatusOK
				switch n % 4 {
				case 1:
					address, want = "203.0.113.66", http.StatusForbidden
				case 3:
					address, want = "198.51.100.1", http.StatusForbidden
				}
				s.note(address, s.from(client, address), want)
			}
		})
	}
}

// answered waits for so many answers.
func (s *chaos) answered(n int64) {
	before := s.total.Load()
	require.Eventually(s.t, func() bool { return s.total.Load() >= before+n }, 20*time.Second, time.Millisecond)
}

// startLists starts the product with a file and a feed.
func startLists(t *testing.T, options ...string) (s *chaos, file string, f *feed) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "office.txt")
	require.NoError(t, os.WriteFile(file, []byte(officeList()), 0o600))
	f = &feed{}
	f.mode.Store("good")
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	s = startChaosWith(t, chaosTime(t), append([]string{"--trusted-ips", "127.0.0.0/8"}, options...), listsDeck, file, server.URL)
	require.Equal(t, http.StatusOK, s.from(http.DefaultClient, "203.0.113.7"))
	return s, file, f
}

// TestChaosListSourceBroken: whatever becomes of the file and the server, and though the
// worker is killed meanwhile, so that it has to begin with what is left: nobody is refused who
// may, nobody let in who may not.
func TestChaosListSourceBroken(t *testing.T) {
	s, file, f := startLists(t)
	s.loadLists()
	for _, fault := range []string{"garbage", "empty", "404", "hangs", "shrunken", "good"} {
		f.mode.Store(fault)
		switch fault {
		case "404", "hangs":
			require.NoError(t, os.RemoveAll(file))
		case "good":
			require.NoError(t, os.WriteFile(file, []byte(officeList()+"192.0.2.200\n"), 0o600))
		default:
			content := map[string]string{"garbage": "<html>", "shrunken": "203.0.113.1\n"}[fault]
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		}
		s.kill()
		s.answered(200)
	}
	require.Equal(t, http.StatusOK, s.from(http.DefaultClient, "192.0.2.200"), "the new version counts")
	s.stop(t, "list source broken: garbage, empty, 404, hangs, shrunken; kill -9 with each")
}

// TestChaosDiskFull: the data folder and the events' file are on a full disk. Requests are
// answered as ever, and what could not be written is counted. Events are tried for half a
// minute before they are given up: CHAOS=1s waits for that too.
func TestChaosDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("a trial under load, which runs without -short")
	}
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	full, err := os.Create(filepath.Join(disk, "full"))
	require.NoError(t, err)
	_, err = full.Write(make([]byte, 1<<20))
	require.ErrorIs(t, err, syscall.ENOSPC)
	full.Close()
	t.Setenv("KONG_WAF_DATA_FOLDER", filepath.Join(disk, "lists"))
	t.Setenv("KONG_WAF_EVENTS_FILE", filepath.Join(disk, "events.jsonl"))
	console := freeAddress(t)
	s, _, _ := startLists(t, "--console", console)
	s.loadLists()
	s.answered(400)
	copies, dropped := regexp.MustCompile(`(?m)^kong_waf_source_problem\{problem="copy",source="(office|feed)"\} 1$`), regexp.MustCompile(`(?m)^kong_waf_events_dropped_total\{stage="file"\} (\d+)$`)
	lost, patient := 0, os.Getenv("CHAOS") != ""
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + console + "/metrics")
		if err != nil {
			return false
		}
		text := readAll(t, answer.Body)
		if m := dropped.FindStringSubmatch(text); m != nil {
			lost, _ = strconv.Atoi(m[1])
		}
		return (lost > 0 || !patient) && len(copies.FindAllString(text, -1)) == 2
	}, 60*time.Second, 50*time.Millisecond, "the copies and the events that were lost show in the metrics")
	s.kill()
	s.answered(200)
	s.stop(t, fmt.Sprintf("disk full: data folder and events' file (events lost and counted so far: %d)", lost))
}
