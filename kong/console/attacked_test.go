package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/events"
)

// TestHostileQueries: whatever stands in a URL, the answer is a page or says what is wrong; no
// filter is a pattern, no value is SQL, and the policy stands on every answer.
func TestHostileQueries(t *testing.T) {
	r := newRig(t, nil)
	r.put(t, sqli(time.Minute, "query.q", "/a"), sqli(2*time.Minute, "query.q", "/100%_b"))
	const long = 1 << 14
	for query, status := range map[string]int{
		"before=0": 400, "before=-1": 400, "before=1.5": 400, "before=NaN": 400, "before=0x10": 400, "before=99999999999999999999": 400, "before=%00": 400,
		"before=9223372036854775807": 200, "before=1": 200, "before=1&before=x": 200, "before=": 200, "before=7%27%20OR%201": 400,
		"limit=0": 400, "limit=-5": 400, "limit=1e9": 400, "limit=9223372036854775807": 200, "limit=99999999999999999999": 400, "limit=1;drop": 200,
		"since=0000-01-01T00:00:00Z": 200, "since=9999-12-31T23:59:59Z": 200, "until=0000-01-01T00:00:00Z": 200, "until=9999-12-31T23:59:59Z": 200,
		"since=2026-03-01T12:00:00Z&until=2026-03-01T12:00:00Z": 200, "since=0000-01-01T00:00:00Z&until=9999-12-31T23:59:59Z": 200,
		"range=0": 200, "range=-1h": 200, "range=" + strings.Repeat("9", 400): 200, "q=" + strings.Repeat("a", long): 200, "client=%ff%fe%00": 200,
		"class[]=x&class=": 200, "%": 200, "&&&=&": 200, strings.Repeat("client=a&", 10_000): 200, manyFilters(10_000): 200,
	} {
		for _, path := range []string{"/", "/api/events", "/api/stats", "/suggest", "/api/suggest"} {
			want := status
			if strings.HasSuffix(path, "suggest") {
				want = 200 // knows nothing of filters
			}
			if path == "/api/stats" && (strings.HasPrefix(query, "before") || strings.HasPrefix(query, "limit")) {
				want = 200
			}
			w := r.get(path + "?" + query)
			require.Equal(t, want, w.Code, "%s?%.60s: %.200s", path, query, w.Body.String())
			require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
			require.Less(t, w.Body.Len(), 200<<10, "%s?%.60s", path, query)
		}
	}
	found := func(query string) int {
		var page struct{ Events []*events.Event }
		require.NoError(t, json.Unmarshal(r.get("/api/events?"+query).Body.Bytes(), &page))
		return len(page.Events)
	}
	for text, want := range map[string]int{"%": 1, "_": 1, "%a": 0, "/a": 1, "*": 0, "/100%_b": 1, "\\": 0, "' OR ''='": 0, "?": 0} {
		require.Equal(t, want, found("q="+url.QueryEscape(text)), text)
	}
	for _, value := range []string{"%", "203.0.113._", "203.0.113.9' OR '1'='1", "203.0.113.9\x00", "*"} {
		require.Zero(t, found("client="+url.QueryEscape(value)), value)
	}
	for _, id := range []string{"x", "%00", "..%2f..%2fetc%2fpasswd", "%27%20OR%201=1%20--", strings.Repeat("a", long), "+", "++", "%25"} {
		w := r.get("/event/" + id)
		require.Equal(t, http.StatusNotFound, w.Code, id)
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	}
	for _, path := range []string{"/static/", "/static/../console.go", "/static/..%2f..%2fconsole.go", "/nothing", "/api/", "/event/"} {
		require.NotContains(t, r.get(path).Body.String(), "package console", path)
	}
}

func manyFilters(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d=%d&class=c%d&", i, i, i)
	}
	return b.String()
}

// TestHostileClients: those who watch and do not read hold up nobody and are let go, and heads
// without end are cut off.
func TestHostileClients(t *testing.T) {
	r := newRig(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, listener) }()
	ask := func(head string) (net.Conn, string) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		_, _ = conn.Write([]byte(head)) // may be cut off in the middle
		line, _ := bufio.NewReaderSize(conn, 16).ReadString('\n')
		return conn, line
	}
	const watch = "GET /api/events/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	var silent []net.Conn
	for range maxWatchers {
		conn, line := ask(watch)
		require.Contains(t, line, " 200 ")
		silent = append(silent, conn)
	}
	conn, line := ask(watch)
	require.Contains(t, line, " 503 ", "watchers are bounded")
	conn.Close()
	big := sqli(0, "query.q", "/"+strings.Repeat("a", 1000))
	begun := time.Now()
	for range 20_000 {
		r.live.Publish([]*events.Event{big}) // more than the sockets take
	}
	require.Less(t, time.Since(begun), 10*time.Second)
	conn, line = ask("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.Contains(t, line, " 200 ", "others are served")
	conn.Close()
	for _, conn := range silent {
		conn.Close()
	}
	require.Eventually(t, func() bool {
		r.live.mu.Lock()
		defer r.live.mu.Unlock()
		return len(r.live.watchers) == 0
	}, 20*time.Second, 10*time.Millisecond, "who is gone watches no more")
	conn, line = ask("GET /?" + strings.Repeat("a", 40<<10) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	require.Contains(t, line, " 431 ")
	conn.Close()
	cancel()
	require.NoError(t, <-served)
}

// TestManyAtOnce: readers, writers and those who ask for suggestions do not wait for each other
// for long, and none sees half of anything.
func TestManyAtOnce(t *testing.T) {
	r := newRig(t, nil)
	r.put(t, users("body.json.query", "sqli", statement)...)
	server := httptest.NewServer(r)
	defer server.Close()
	done := make(chan error, 24)
	for i := range cap(done) {
		go func() {
			path := []string{"/", "/suggest", "/api/suggest?days=30", "/api/events", "/api/stats", "/event/x"}[i%6]
			for range 3 {
				answer, err := http.Get(server.URL + path)
				if err != nil {
					done <- err
					return
				}
				answer.Body.Close()
				if answer.StatusCode >= 500 {
					done <- fmt.Errorf("%s: %s", path, answer.Status)
					return
				}
			}
			done <- nil
		}()
	}
	for i := range 50 {
		r.put(t, sqli(time.Duration(i)*time.Second, "query.q", "/"))
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
}
