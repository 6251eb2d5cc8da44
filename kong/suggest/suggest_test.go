package suggest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/attack"
	"kongwaf/kong/events"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// recorder makes events as the plugin does: by the engine, from requests.
type recorder struct {
	t      *testing.T
	engine *attack.Engine
	list   []*events.Event
}

func newRecorder(t *testing.T) *recorder {
	engine, err := attack.New(attack.Options{})
	require.NoError(t, err)
	return &recorder{t: t, engine: engine}
}

// sent records what came of a text at a place of a request, so many days after the beginning.
func (r *recorder) sent(client string, day int, route, path, place, text string) *events.Event {
	r.t.Helper()
	request, ok := carry("", path, place, text)
	require.True(r.t, ok, place)
	report := r.engine.Inspect(request)
	require.True(r.t, report.Blocked, "%s at %s is no attack", text, place)
	at := noon.AddDate(0, 0, day).Add(time.Duration(len(r.list)) * time.Second)
	e := &events.Event{Schema: 1, Name: events.Name, ID: events.NewID(at), Time: at, Plugin: "waf-detect", PluginID: "p-" + route, Check: "detect",
		Action: events.ActionReported, Mode: "monitoring", Reason: "attack_seen", Method: request.Method, Path: path, Client: client, RouteName: route,
		ServiceName: "s", Application: "shop", Score: report.Score, Count: 1, Evidence: report.Attacks[0].Evidence}
	for _, a := range report.Attacks {
		e.Classes, e.Places = append(e.Classes, a.Class.String()), append(e.Places, string(a.Place))
	}
	switch source, name, _ := strings.Cut(place, "."); {
	case source == "query" || strings.HasPrefix(name, "form."):
		e.Raw = name[strings.LastIndexByte(name, '.')+1:] + "=" + url.QueryEscape(text)
	case source != "body":
		e.Raw = text
	case strings.Contains(text, e.Evidence):
		at := strings.Index(text, e.Evidence)
		e.Raw = text[max(at-rawAround, 0):min(at+len(e.Evidence)+rawAround, len(text))]
	}
	e.Raw = e.Raw[:min(len(e.Raw), rawBytes)]
	r.list = append(r.list, e)
	return e
}

// many records n clients that send a text on several days. %d in it is another number each time.
func (r *recorder) many(n int, route, path, place, text string) {
	for client := range n {
		for day := range 4 {
			own := text
			if strings.Contains(own, "%d") {
				own = fmt.Sprintf(text, 100+client*10+day)
			}
			r.sent(fmt.Sprintf("198.51.100.%d", client+1), day, route, path, place, own)
		}
	}
}

func (r *recorder) report(change func(*Rules)) *Report {
	rules := DefaultRules()
	if change != nil {
		change(&rules)
	}
	require.NoError(r.t, rules.Validate())
	c := NewCollector(rules)
	for _, e := range r.list {
		c.Add(e)
	}
	return c.Report()
}

const (
	statement = "SELECT name, price FROM items WHERE id = %d UNION SELECT name, price FROM old"
	breakOut  = "' OR 1=1 -- "
	command   = "cat /var/log/app/%d.log | grep root; cat /etc/passwd"
)

// scanner records one client that tries several attacks at several places.
func (r *recorder) scanner(client, route string, places ...string) {
	for i, place := range places {
		for _, text := range []string{breakOut, "8.8.8.8; cat /etc/passwd", "../../../../etc/passwd"} {
			r.sent(client, i%4, route, "/api/query", place, text)
		}
	}
}

var sprayed = []string{"query.a", "query.b", "query.id", "body.form.c", "body.json.query", "header.x-name", "cookie.sid"}

// TestFalsePositives: what many clients send to one place for days is silenced, by what fits.
func TestFalsePositives(t *testing.T) {
	for _, tc := range []struct {
		name   string
		record func(r *recorder)
		kind   string
		want   string
		preset string
		opens  string
		keeps  string
	}{
		{name: "a console of SQL", record: func(r *recorder) { r.many(6, "api", "/run", "body.json.query", statement) },
			kind: KindPreset, preset: "sql", opens: "sqli: whole SQL statements", keeps: "sqli: SQL that breaks out of a string"},
		{name: "SQL where no preset knows it", record: func(r *recorder) { r.many(6, "api", "/run", "body.json.report.definition", statement) },
			kind: KindExpects, want: "- place: body.json.report.definition\n  content: [sql]\n  path_prefix: /run\n",
			opens: "sqli: whole SQL statements", keeps: "rce: command lines"},
		{name: "one in a list", record: func(r *recorder) {
			r.many(6, "api", "/run", "body.json.steps[0].def", statement)
			r.many(6, "api", "/run", "body.json.steps[3].def", statement)
		}, kind: KindExpects, want: "- place: body.json.steps[*].def\n  content: [sql]\n  path_prefix: /run\n",
			opens: "sqli: whole SQL statements", keeps: "ssti: templates that compute"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRecorder(t)
			tc.record(r)
			r.scanner("203.0.113.66", "api", "query.a", "query.b", "query.id", "body.form.c", "cookie.sid", "header.x-name")
			report := r.report(nil)
			require.Len(t, report.Routes, 1)
			route := report.Routes[0]
			require.Len(t, route.Suggestions, 1, "%+v", route.Suggestions)
			x := route.Suggestions[0]
			require.Equal(t, tc.kind, x.Kind)
			require.Equal(t, Likely, x.Sure, "%v", x.Why)
			require.Equal(t, tc.preset, x.Preset)
			if tc.kind != KindPreset {
				require.Equal(t, tc.want, x.entry())
			}
			require.Contains(t, x.Opens, tc.opens)
			require.Contains(t, x.Keeps, tc.keeps)
			require.Equal(t, 6, x.Evidence.Clients)
			require.Equal(t, 6, x.Evidence.Returning)
			require.Equal(t, 4, x.Evidence.Days)
			require.NotEmpty(t, x.Evidence.Examples)
			require.Zero(t, x.Others.Events, "the scanner's places are others")
			require.Equal(t, Mode{Mode: modeBlock, Why: route.Mode.Why}, route.Mode)
			require.Equal(t, 1, report.Looked.Scanners)
			require.NotEmpty(t, route.Left)
		})
	}
}

// TestAttacksAreNoFalsePositives: each twin of the first row lacks one thing that users have.
func TestAttacksAreNoFalsePositives(t *testing.T) {
	const place = "body.json.report.definition"
	users := func(r *recorder, clients, days int, text func(client, day int) string) {
		for client := range clients {
			for day := range days {
				r.sent(fmt.Sprintf("198.51.100.%d", client+1), day, "api", "/run", place, text(client, day))
			}
		}
	}
	sql := func(client, day int) string { return fmt.Sprintf(statement, client*100+day+100) }
	for _, tc := range []struct {
		name   string
		record func(r *recorder)
		sure   Sureness
		why    string
	}{
		{name: "users", record: func(r *recorder) { users(r, 6, 4, sql) }, sure: Likely},
		{name: "a few clients", record: func(r *recorder) { users(r, 4, 4, sql) }, sure: LookFirst, why: "4 clients, fewer than 5"},
		{name: "one client for many days", record: func(r *recorder) { users(r, 1, 12, sql) }, sure: LookFirst, why: "1 client, fewer than 5"},
		{name: "one client once", record: func(r *recorder) { users(r, 1, 1, sql) }, sure: Attack, why: "1 client, fewer than 5"},
		{name: "one day", record: func(r *recorder) { users(r, 12, 1, sql) }, sure: LookFirst, why: "1 day, fewer than 3"},
		{name: "nobody comes back", record: func(r *recorder) {
			for client := range 12 {
				r.sent(fmt.Sprintf("198.51.100.%d", client+1), client%4, "api", "/run", place, sql(client, 0))
			}
		}, sure: LookFirst, why: "0 clients came back"},
		{name: "one sends most of it", record: func(r *recorder) {
			users(r, 6, 4, sql)
			for i := range 40 {
				r.sent("198.51.100.1", i%4, "api", "/run", place, sql(i, 7))
			}
		}, sure: LookFirst, why: "one client sent"},
		{name: "a scanner sends most of it", record: func(r *recorder) {
			users(r, 6, 4, sql)
			r.scanner("203.0.113.66", "api", sprayed...)
			for i := range 40 {
				r.sent("203.0.113.66", i%4, "api", "/run", place, sql(i, 9))
			}
		}, sure: LookFirst, why: "scanners sent"},
		{name: "scanners only", record: func(r *recorder) {
			for i := range 6 {
				client := fmt.Sprintf("203.0.113.%d", i+1)
				r.scanner(client, "api", sprayed...)
				for day := range 4 {
					r.sent(client, day, "api", "/run", place, sql(i, day))
				}
			}
		}, sure: Attack, why: "only scanners"},
		{name: "beyond doubt, and no content", record: func(r *recorder) { users(r, 6, 4, func(int, int) string { return breakOut }) }, sure: LookFirst, why: "no doubt"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRecorder(t)
			tc.record(r)
			var found *Suggestion
			route := r.report(nil).Routes[0]
			for i := range route.Suggestions {
				if x := &route.Suggestions[i]; x.Place == place {
					require.Nil(t, found)
					found = x
				}
			}
			if tc.sure == Attack {
				require.Nil(t, found, "%+v", found)
				require.True(t, func() bool {
					for _, left := range route.Left {
						if left.Place == place {
							return strings.Contains(left.Why, tc.why)
						}
					}
					return false
				}(), "%+v", route.Left)
				return
			}
			require.NotNil(t, found)
			require.Equal(t, tc.sure, found.Sure, "%v", found.Why)
			require.Contains(t, strings.Join(found.Why, "; ")+" ", tc.why)
			if tc.sure == LookFirst {
				require.NotEqual(t, Mode{Mode: modeBlock, Why: route.Mode.Why}, route.Mode, "a mode that refuses what is doubtful")
			}
		})
	}
}
