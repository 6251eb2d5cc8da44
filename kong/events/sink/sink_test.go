package sink

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"kongwaf/internal/testtool"
	"kongwaf/kong/events"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func event(path string) *events.Event {
	zero := 0
	return &events.Event{Schema: 1, Name: events.Name, ID: events.NewID(at), Time: at, Plugin: "waf-detect", Check: "detect",
		Action: events.ActionExcepted, Exception: &zero, Path: path, Classes: []string{"sqli", "xss"}, Places: []string{"query.a", "query.b"},
		Score: 0.97, Count: 1, Node: "n1", Status: 403, TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331"}
}

var quick = Options{Linger: time.Millisecond, Retry: time.Second, Logger: slog.New(slog.DiscardHandler)}

// scripted is a sink that does as it is told.
type scripted struct {
	mu    sync.Mutex
	write func(batch []*events.Event) error
	got   []string
}

func (s *scripted) Name() string { return "scripted" }
func (s *scripted) Close() error { return nil }
func (s *scripted) Write(ctx context.Context, batch []*events.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.write != nil {
		if err := s.write(batch); err != nil {
			return err
		}
	}
	for _, e := range batch {
		s.got = append(s.got, e.Path)
	}
	return nil
}

// TestADeadSinkHoldsUpNobody: one sink hangs; the other gets everything, Record returns at
// once, and what the dead one does not take is counted.
func TestADeadSinkHoldsUpNobody(t *testing.T) {
	release := make(chan struct{})
	dead := &scripted{write: func([]*events.Event) error { <-release; return nil }}
	alive := &scripted{}
	o := quick
	o.Queue, o.Batch = 1000, 10
	fan := NewFan(o, dead, alive)
	for i := range 5000 {
		fan.Record(event(fmt.Sprint(i)))
		if i%500 == 0 {
			time.Sleep(5 * time.Millisecond) // the living one keeps up
		}
	}
	require.Eventually(t, func() bool { return fan.Stats()[1].Written+fan.Stats()[1].Dropped == 5000 }, 5*time.Second, time.Millisecond)
	stats := fan.Stats()
	require.Zero(t, stats[0].Written)
	require.GreaterOrEqual(t, stats[0].Dropped, uint64(5000-1000-10))
	close(release)
	require.NoError(t, fan.Close(time.Second))
	stats = fan.Stats()
	require.EqualValues(t, 5000, stats[0].Written+stats[0].Dropped, "every event is accounted for")
	require.EqualValues(t, len(alive.got), stats[1].Written)
}

func TestRetry(t *testing.T) {
	tries := 0
	s := &scripted{write: func([]*events.Event) error {
		if tries++; tries < 3 {
			return errors.New("away")
		}
		return nil
	}}
	fan := NewFan(quick, s)
	fan.Record(event("/a"))
	require.NoError(t, fan.Close(5*time.Second))
	require.Equal(t, []string{"/a"}, s.got)
	require.Equal(t, 3, tries)

	never := &scripted{write: func([]*events.Event) error { tries++; return &Permanent{errors.New("no such thing")} }}
	tries = 0
	fan = NewFan(quick, never)
	fan.Record(event("/a"))
	require.NoError(t, fan.Close(5*time.Second))
	require.Equal(t, 1, tries, "what trying again does not mend is not tried again")
	require.EqualValues(t, 1, fan.Stats()[0].Dropped)
}

// TestCloseHasAnEnd: a sink that never works does not keep the process.
func TestCloseHasAnEnd(t *testing.T) {
	s := &scripted{write: func([]*events.Event) error { return errors.New("away") }}
	o := quick
	o.Retry = time.Hour
	fan := NewFan(o, s)
	fan.Record(event("/a"))
	begun := time.Now()
	require.NoError(t, fan.Close(50*time.Millisecond))
	require.Less(t, time.Since(begun), 5*time.Second)
}

func TestFileRotates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.jsonl")
	s, err := File(path, 1, 2)
	require.NoError(t, err)
	long := event("/" + strings.Repeat("a", 1000))
	batch := make([]*events.Event, 100)
	for i := range batch {
		batch[i] = long
	}
	for range 60 { // about 8 MB
		require.NoError(t, s.Write(context.Background(), batch))
	}
	require.NoError(t, s.Close())
	require.Eventually(t, func() bool { // old ones are compressed and removed behind the writer's back
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		return len(files) <= 3
	}, 10*time.Second, 20*time.Millisecond)
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	info, err := file.Stat()
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(1200<<10))
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, err := events.Parse(lines.Bytes())
		require.NoError(t, err, "no line is cut in two")
	}
	require.NoError(t, lines.Err())

	_, err = File(filepath.Join(dir, "none", "x"), 1, 1)
	require.ErrorContains(t, err, "events.file")
}

func TestOTLP(t *testing.T) {
	var got collector.ExportLogsServiceRequest
	status, calls := http.StatusServiceUnavailable, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if status == http.StatusOK {
			body, _ := io.ReadAll(r.Body)
			require.NoError(t, proto.Unmarshal(body, &got))
			require.Equal(t, "/v1/logs", r.URL.Path)
			require.Equal(t, "Bearer t", r.Header.Get("Authorization"))
			require.Equal(t, "application/x-protobuf", r.Header.Get("Content-Type"))
		}
		w.WriteHeader(status)
		status = http.StatusOK
	}))
	defer server.Close()
	s, err := OTLP(server.URL, map[string]string{"Authorization": "Bearer t"}, "1.2.3")
	require.NoError(t, err)
	fan := NewFan(quick, s)
	fan.Record(event("/a"))
	require.NoError(t, fan.Close(5*time.Second))
	require.Equal(t, 2, calls, "503 is tried again")

	logs := got.ResourceLogs[0]
	require.Equal(t, "service.name", logs.Resource.Attributes[0].Key)
	r := logs.ScopeLogs[0].LogRecords[0]
	require.EqualValues(t, at.UnixNano(), r.TimeUnixNano)
	require.Equal(t, events.Name, r.EventName)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", fmt.Sprintf("%x", r.TraceId))
	attributes := map[string]string{}
	for _, a := range r.Attributes {
		attributes[a.Key] = a.Value.String()
	}
	require.Contains(t, attributes["url.path"], "/a")
	require.Contains(t, attributes["kong_waf.classes"], "sqli")
	require.Contains(t, attributes["http.response.status_code"], "403")
	require.Contains(t, attributes, "kong_waf.exception", "the first exception is number 0, and is told")
	require.NotContains(t, attributes, "kong_waf.consumer.id", "what is not known is left out")

	status = http.StatusBadRequest
	var permanent *Permanent
	require.ErrorAs(t, s.Write(context.Background(), []*events.Event{event("/a")}), &permanent)
	for _, bad := range []string{"collector:4318", "ftp://x", "http://"} {
		_, err := OTLP(bad, nil, "")
		require.ErrorContains(t, err, "events.otlp")
	}
}

func TestRedis(t *testing.T) {
	program := testtool.Need(t, "redis-server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	l.Close()
	start := func() *exec.Cmd {
		cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
		require.NoError(t, cmd.Start())
		return cmd
	}
	o := quick
	o.Retry = 20 * time.Second
	fan := NewFan(o, Redis(redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{address}}), "waf", 1000, "n1"))
	fan.Record(event("/before it is there"))
	cmd := start()
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for i := range 3000 {
		fan.Record(event(fmt.Sprint("/", i)))
	}
	require.NoError(t, fan.Close(20*time.Second))
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	length, err := client.XLen(context.Background(), "waf").Result()
	require.NoError(t, err)
	require.InDelta(t, 1000, length, 200, "the stream is bounded")
	last, err := client.XRevRangeN(context.Background(), "waf", "+", "-", 1).Result()
	require.NoError(t, err)
	e, err := events.Parse([]byte(last[0].Values["event"].(string)))
	require.NoError(t, err)
	require.Equal(t, "/2999", e.Path)
	require.EqualValues(t, 3001, fan.Stats()[0].Written)
}
