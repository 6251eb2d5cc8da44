package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/events"
	"kongwaf/kong/suggest"
)

// users are events of six clients that send the same kind of thing to a place, on four days.
func users(place, class, evidence string) (list []*events.Event) {
	for day := range 4 {
		for client := range 6 {
			e := sqli(time.Duration(4-day)*24*time.Hour-time.Duration(client)*time.Minute, place, "/run")
			e.Client, e.Classes, e.Evidence, e.Raw, e.Score = fmt.Sprintf("198.51.100.%d", client+1), []string{class}, evidence, evidence, 0.75
			list = append(list, e)
		}
	}
	return list
}

const statement = "SELECT a FROM t WHERE id = 7 UNION SELECT b FROM u"

// TestSuggestPage: the page, and its JSON, say what the command says of the same events.
func TestSuggestPage(t *testing.T) {
	r := newRig(t, nil)
	require.Contains(t, r.get("/suggest").Body.String(), "nothing to suggest")
	now = now.Add(suggestFor) // what is shown is kept for a while
	defer func() { now = now.Add(-suggestFor) }()
	list := append(users("body.json.query", "sqli", statement), users("query.name", "ssti", "{{7*7}}")[:18]...)
	r.put(t, list...)
	page := r.get("/suggest?days=30").Body.String()
	for _, text := range []string{
		"presets: [sql]", "exception for ssti in query.name, below /run", "24 events from 6 clients on 4 days, 6 came back",
		`href="/event/` + list[23].ID, "sqli: whole SQL statements", "- place: query.name\n", "kind: KongPlugin", "Mode <b>block</b>",
	} {
		require.Contains(t, page, text)
	}
	var report suggest.Report
	require.NoError(t, json.Unmarshal(r.get("/api/suggest?days=30").Body.Bytes(), &report))
	require.Len(t, report.Routes, 1)
	require.Len(t, report.Routes[0].Suggestions, 2)
	for _, days := range []string{"", "x", "-1", "9999999", "7%00"} {
		require.Equal(t, http.StatusOK, r.get("/suggest?days="+days).Code, days)
	}
	require.Contains(t, r.get("/").Body.String(), `href="/suggest"`)
}

// TestSuggestionsAreKept: reloading the page reads the history once.
func TestSuggestionsAreKept(t *testing.T) {
	r := newRig(t, nil)
	first, err := r.suggest(context.Background(), 7)
	require.NoError(t, err)
	again, err := r.suggest(context.Background(), 7)
	require.NoError(t, err)
	require.Same(t, first, again)
	<-r.suggested.turn // somebody is at it
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = r.suggest(gone, 30)
	require.ErrorIs(t, err, context.Canceled)
}

// suggestive are events whose texts are hostile and that something is suggested for all the same.
func suggestive(text string) []*events.Event {
	list := users("body.json.query", "sqli", statement)
	for i, e := range list {
		e.RouteName, e.ServiceName, e.Application, e.Path, e.UserAgent = text, text, text, "/"+text, text
		switch i % 3 {
		case 1:
			e.Evidence, e.Raw = text, text
		case 2:
			e.Places = []string{"query." + text}
		}
		e.Client += text
		e.Bound()
	}
	return list
}

// TestHostileSuggestionsStayText: no event becomes markup on the page of suggestions.
func TestHostileSuggestionsStayText(t *testing.T) {
	for _, text := range hostile {
		r := newRig(t, nil)
		r.put(t, suggestive(text)...)
		got := r.get("/suggest")
		require.Equal(t, http.StatusOK, got.Code)
		page := got.Body.String()
		require.Contains(t, page, "class=\"suggestion\"", "%q", text)
		require.Equal(t, 1, strings.Count(page, "<script"), "%q", text)
		for _, tag := range []string{"<img", "<iframe", "<style", "<base", "<math", "<!--", "<template"} {
			require.NotContains(t, page, tag, "%q", text)
		}
		require.NotRegexp(t, `(href|src)="\s*(javascript|data):`, page)
		require.True(t, json.Valid(r.get("/api/suggest").Body.Bytes()))
	}
}

// TestEachReadsAll: in pages, whatever their size, and no further than asked.
func TestEachReadsAll(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(StoreOptions{Folder: dir, Keep: 30 * 24 * time.Hour, Bytes: 64 << 20, Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer s.Close()
	const n = 2*eachPage + 7
	var batch []*events.Event
	for i := range n {
		batch = append(batch, sqli(time.Duration(i)*time.Minute, "query.q", fmt.Sprint("/", i)))
	}
	require.NoError(t, s.Write(context.Background(), batch))
	reader, err := ReadStore(dir)
	require.NoError(t, err)
	defer reader.Close()
	for _, tc := range []struct {
		since time.Time
		limit int
		want  int
	}{{want: n}, {limit: 3, want: 3}, {limit: eachPage, want: eachPage}, {limit: eachPage + 1, want: eachPage + 1}, {since: now.Add(-time.Hour), want: 61}} {
		seen := map[string]bool{}
		require.NoError(t, reader.Each(context.Background(), tc.since, tc.limit, func(e *events.Event) { seen[e.Path] = true }))
		require.Len(t, seen, tc.want)
	}
	require.Error(t, reader.Write(context.Background(), batch[:1]), "for reading only")
	_, err = ReadStore(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestFoldedLinesAreSortedByTime: what is told late stands where it belongs, on every page.
func TestFoldedLinesAreSortedByTime(t *testing.T) {
	r := newRig(t, nil)
	for i := range 10 {
		r.put(t, sqli(time.Duration(10-i)*time.Minute, "query.q", fmt.Sprint("/", i)))
	}
	late := sqli(6*time.Minute+time.Second, "query.q", "/late")
	late.Count, late.First = 7, late.Time.Add(-time.Second)
	r.put(t, late)
	var paths []string
	for before := int64(0); ; {
		list, err := r.store.Events(context.Background(), Filter{}, before, 3)
		require.NoError(t, err)
		for _, e := range list {
			paths = append(paths, e.Path)
		}
		if len(list) < 3 {
			break
		}
		before = list[2].N
	}
	require.Equal(t, "/9 /8 /7 /6 /5 /4 /late /3 /2 /1 /0", strings.Join(paths, " "))
	e, ok, err := r.store.Event(context.Background(), late.ID)
	require.NoError(t, err)
	require.True(t, ok, "the folded line's id finds it, without its mark")
	require.Equal(t, 7, e.Count)
}
