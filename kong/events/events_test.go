package events

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/testtool"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// blocked returns an event of a client at a moment.
func blocked(client string, after time.Duration) *Event {
	return &Event{Schema: SchemaVersion, Name: Name, ID: NewID(start.Add(after)), Time: start.Add(after), Plugin: "waf-detect",
		Check: "detect", Action: ActionBlocked, Client: client, Classes: []string{"sqli"}, Places: []string{"query.q"}, Count: 1}
}

func TestFold(t *testing.T) {
	var out []*Event
	emit := func(e *Event) { out = append(out, e) }
	f := NewFolder(10 * time.Second)
	for i := range 100 {
		f.Add(blocked("192.0.2.1", time.Duration(i)*time.Millisecond), emit)
	}
	require.Len(t, out, 1, "the first goes on at once")
	f.Add(blocked("192.0.2.2", 200*time.Millisecond), emit)
	require.Len(t, out, 2, "another client is another event")
	f.Tick(start.Add(9*time.Second), emit)
	require.Len(t, out, 2, "the window is not over")
	f.Tick(start.Add(10*time.Second), emit)
	require.Len(t, out, 3)
	last := out[2]
	require.Equal(t, 99, last.Count, "the rest in one line")
	require.Equal(t, start.Add(time.Millisecond), last.First)
	require.Equal(t, start.Add(99*time.Millisecond), last.Time)
	f.Add(blocked("192.0.2.1", 11*time.Second), emit)
	require.Len(t, out, 4, "a new window")
	f.Flush(emit)
	require.Len(t, out, 4, "nothing was held back")
}

// TestFoldBoundsWhatAttackersVary: whatever a flood looks like, a window writes a bounded
// number of lines, and they add up.
func TestFoldBoundsWhatAttackersVary(t *testing.T) {
	const n = 50_000
	for _, tc := range []struct {
		name  string
		make  func(i int) *Event
		lines int
	}{
		{name: "another place each time", lines: perClient + 2, make: func(i int) *Event {
			e := blocked("192.0.2.1", time.Millisecond)
			e.Places = []string{fmt.Sprintf("query.p%d", i)}
			return e
		}},
		{name: "another address each time", lines: perWindow + 2, make: func(i int) *Event {
			return blocked(fmt.Sprintf("198.51.100.%d", i), time.Millisecond)
		}},
		{name: "both", lines: perWindow + 2, make: func(i int) *Event {
			e := blocked(fmt.Sprintf("198.51.100.%d", i%7919), time.Millisecond)
			e.Places = []string{fmt.Sprintf("query.p%d", i)}
			return e
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lines, sum := 0, 0
			emit := func(e *Event) { lines++; sum += e.Count }
			f := NewFolder(10 * time.Second)
			for i := range n {
				f.Add(tc.make(i), emit)
			}
			f.Flush(emit)
			require.LessOrEqual(t, lines, tc.lines)
			require.Equal(t, n, sum)
		})
	}
}

// TestFoldWhatIsExpected: a place that carries expected content in every request of every client
// writes two lines in a long window, and their sum is how many there were.
func TestFoldWhatIsExpected(t *testing.T) {
	var out []*Event
	emit := func(e *Event) { out = append(out, e) }
	f := NewFolder(10 * time.Second)
	const n = 3000
	for i := range n {
		e := blocked(fmt.Sprintf("192.0.2.%d", i%200), time.Duration(i)*90*time.Millisecond)
		e.Action, e.Expected = ActionExcepted, "sql"
		f.Add(e, emit)
	}
	require.Len(t, out, 1)
	f.Add(blocked("192.0.2.1", 271*time.Second), emit)
	require.Len(t, out, 2, "what was blocked is told as ever")
	f.Tick(start.Add(300*time.Second), emit)
	require.Len(t, out, 3)
	require.Equal(t, n, out[0].Count+out[2].Count)
}

func TestNoWindowFoldsNothing(t *testing.T) {
	n := 0
	f := NewFolder(0)
	for range 5 {
		f.Add(blocked("192.0.2.1", 0), func(*Event) { n++ })
	}
	require.Equal(t, 5, n)
}

// TestBound: what a client sends makes no line long, breaks none, and is valid UTF-8.
func TestBound(t *testing.T) {
	huge := strings.Repeat("é<\n\xff", 100_000)
	e := blocked(huge, 0)
	e.Path, e.UserAgent, e.Evidence, e.Raw, e.Host, e.Method, e.Reason, e.Consumer = huge, huge, huge, huge, huge, huge, huge, huge
	for range 100 {
		e.Places, e.Classes, e.Decoded = append(e.Places, huge), append(e.Classes, "xss"), append(e.Decoded, "percent")
	}
	e.Bound()
	line := e.Append(nil)
	require.Less(t, len(line), 32<<10)
	require.True(t, utf8.Valid(line))
	require.Equal(t, 1, strings.Count(string(line), "\n"), "one line")
	require.NotContains(t, string(line), "<", "harmless in a page that shows it as it is")
	back, err := Parse(line)
	require.NoError(t, err)
	require.Len(t, back.Places, maxFinds)
	blocked("", 0).Bound() // without anything to cut
}

func TestParseTraceparent(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, tc := range []struct {
		name, header string
		ok           bool
	}{
		{name: "as in the specification", header: "00-" + trace + "-" + span + "-01", ok: true},
		{name: "a later version may be longer", header: "01-" + trace + "-" + span + "-01-more", ok: true},
		{name: "version 0 may not", header: "00-" + trace + "-" + span + "-01-more"},
		{name: "version ff is invalid", header: "ff-" + trace + "-" + span + "-01"},
		{name: "upper case is invalid", header: "00-" + strings.ToUpper(trace) + "-" + span + "-01"},
		{name: "all zeros are invalid", header: "00-" + strings.Repeat("0", 32) + "-" + span + "-01"},
		{name: "markup", header: "00-<script>alert(1)</script>xxxxxxxx-" + span + "-01"},
		{name: "short", header: "00"},
		{name: "none", header: ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			gotTrace, gotSpan := ParseTraceparent(tc.header)
			require.Equal(t, tc.ok, gotTrace == trace && gotSpan == span)
			require.Equal(t, tc.ok, gotTrace != "")
		})
	}
}

// TestSenderNeverBlocks: nobody reads, and Record returns all the same.
func TestSenderNeverBlocks(t *testing.T) {
	ours, theirs := net.Pipe() // has no buffer at all
	dropped := 0
	s := NewSender(ours, func() { dropped++ })
	const n = QueueLength + 1000
	for range n {
		s.Record(blocked("192.0.2.1", 0))
	}
	require.GreaterOrEqual(t, s.Dropped(), uint64(900), "some may be on their way")
	require.EqualValues(t, dropped, s.Dropped())

	received := make(chan int)
	go func() {
		count := 0
		_ = Receive(theirs, func(*Event) { count++ })
		received <- count
	}()
	s.Close()
	ours.Close()
	require.EqualValues(t, n-int(s.Dropped()), <-received, "what was not dropped arrives")
	s.Record(blocked("192.0.2.1", 0)) // after the end: dropped, no panic
}

// TestKeys: one flat object, every key documented, ours below kong_waf.
func TestKeys(t *testing.T) {
	one := 1
	full := Event{Exception: &one}
	v := reflect.ValueOf(&full).Elem()
	fields := 0
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		fields++
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Int, reflect.Int64:
			f.SetInt(1)
		case reflect.Float64:
			f.SetFloat(0.5)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Struct:
			f.Set(reflect.ValueOf(start))
		}
		require.NotEmpty(t, v.Type().Field(i).Tag.Get("doc"))
	}
	standard := "event.name timestamp http.request.method http.response.status_code url.path server.address client.address " +
		"network.peer.address network.protocol.version user_agent.original trace_id span_id"
	var object map[string]any
	require.NoError(t, json.Unmarshal(full.Append(nil), &object))
	require.Len(t, object, fields)
	for key, value := range object {
		if _, nested := value.(map[string]any); nested {
			t.Errorf("%s is not flat", key)
		}
		if !strings.HasPrefix(key, "kong_waf.") {
			require.Contains(t, strings.Fields(standard), key)
		}
	}
}

var update = flag.Bool("update", false, "rewrite the generated table")

// TestSchemaPageIsWritten: the page has what the code says. After a change: make golden.
func TestSchemaPageIsWritten(t *testing.T) {
	testtool.Table(t, filepath.Join("..", "..", "docs", "events.md"), Schema(), *update)
}
