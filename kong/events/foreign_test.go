package events

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestForeign: another node's event is taken as it is; what no node writes is not.
func TestForeign(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Event)
		ok     bool
	}{
		{name: "an event", change: func(*Event) {}, ok: true},
		{name: "an old one", change: func(e *Event) { e.Time = e.Time.AddDate(0, -1, 0) }, ok: true},
		{name: "of a clock that is ahead", change: func(e *Event) { e.Time = e.Time.Add(time.Minute) }, ok: true},
		{name: "of next year: it would be on top for ever", change: func(e *Event) { e.Time = e.Time.AddDate(1, 0, 0) }},
		{name: "of the year 1", change: func(e *Event) { e.Time = time.Time{} }},
		{name: "another name", change: func(e *Event) { e.Name = "other" }},
		{name: "no id", change: func(e *Event) { e.ID = "" }},
		{name: "an id for a path", change: func(e *Event) { e.ID = "../" + strings.Repeat("a", 25) }},
		{name: "an action of its own", change: func(e *Event) { e.Action = "<b>" }},
		{name: "more of them than there can be", change: func(e *Event) { e.Count = 1 << 40 }},
		{name: "a score of its own", change: func(e *Event) { e.Score = 7 }},
		{name: "begun after its end", change: func(e *Event) { e.First = e.Time.Add(time.Hour) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := blocked("203.0.113.9", 0)
			tc.change(e)
			got, err := Foreign(e.Append(nil), start)
			require.Equal(t, tc.ok, err == nil, "%v", err)
			if tc.ok {
				require.Equal(t, e.ID, got.ID)
				require.Equal(t, "unknown", got.Node)
			}
		})
	}
	for _, line := range []string{"", "{", "null", "[]", `{"kong_waf.count":"x"}`, strings.Repeat(" ", 1<<20)} {
		_, err := Foreign([]byte(line), start)
		require.Error(t, err)
	}
}

func FuzzForeign(f *testing.F) {
	f.Add(blocked("203.0.113.9", 0).Append(nil))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := Foreign(line, start)
		if err != nil {
			return
		}
		out := e.Append(nil)
		if len(out) > 32<<10 || !utf8.Valid(out) || strings.Count(string(out), "\n") != 1 || strings.Contains(string(out), "<") {
			t.Fatalf("%q", out)
		}
	})
}
