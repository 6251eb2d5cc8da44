package suggest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/events"
)

const definition = "body.json.report.definition"

// TestHarshestSafeMode: nothing that may be a false positive is refused in the mode.
func TestHarshestSafeMode(t *testing.T) {
	few := func(r *recorder, score float64) {
		r.many(4, "api", "/run", definition, statement) // fewer than it takes
		for _, e := range r.list {
			e.Score = score
		}
	}
	for _, tc := range []struct {
		name   string
		record func(r *recorder)
		want   Mode
	}{
		{name: "nothing but attacks", record: func(r *recorder) { r.scanner("203.0.113.66", "api", sprayed...) }, want: Mode{Mode: modeBlock}},
		{name: "nothing doubtful", record: func(r *recorder) { r.many(6, "api", "/run", definition, statement) }, want: Mode{Mode: modeBlock}},
		{name: "doubtful, nowhere beyond doubt", record: func(r *recorder) { few(r, 0.75) }, want: Mode{Mode: modeBlock, Sensitivity: "low"}},
		{name: "doubtful, beyond doubt", record: func(r *recorder) { few(r, 0.95) }, want: Mode{Mode: modeMonitoring}},
		{name: "doubtful, beyond doubt, and scanners", record: func(r *recorder) {
			few(r, 0.95)
			r.scanner("203.0.113.66", "api", sprayed[:4]...)
			r.scanner("2001:db8::7", "api", sprayed[:4]...)
		}, want: Mode{Mode: modeSafe, Grey: []string{"2001:db8::/64", "203.0.113.66"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRecorder(t)
			tc.record(r)
			got := r.report(nil).Routes[0].Mode
			require.NotEmpty(t, got.Why)
			got.Why = ""
			require.Equal(t, tc.want, got)
		})
	}
}

// TestOthers: what else of the record a suggestion silences is said, with examples: by the text
// for what is expected, by place and class for an exception.
func TestOthers(t *testing.T) {
	r := newRecorder(t)
	const scanner = "203.0.113.66"
	r.scanner(scanner, "api", "query.a", "query.b", "query.c", "query.d", "cookie.e", "header.x-f")
	r.sent(scanner, 1, "api", "/run", definition, fmt.Sprintf(statement, 7))
	r.sent(scanner, 2, "api", "/run", definition, breakOut)
	r.sent(scanner, 2, "api", "/run", "body.json.title", "{{7*7}}{{config.items()}}")
	r.sent(scanner, 2, "api", "/elsewhere", "body.json.title", "{{7*7}}{{config.items()}}")
	attacks := len(r.list)
	r.many(6, "api", "/run", definition, statement)
	r.many(6, "api", "/run", "body.json.title", "{{7*7}}{{config.items()}}")
	for _, e := range r.list[attacks:] {
		e.Score = 0.75
	}
	for _, x := range r.report(nil).Routes[0].Suggestions {
		require.Equal(t, 1, x.Others.Clients, "%+v", x)
		require.Equal(t, 1, x.Others.Events, "neither what breaks out, nor what came to another path: %+v", x)
		require.Equal(t, scanner, x.Others.Examples[0].Client)
	}
}

// TestPathsAreTheUsers: neither a scanner nor one stray client widens the path of a suggestion.
func TestPathsAreTheUsers(t *testing.T) {
	r := newRecorder(t)
	r.many(6, "api", "/reports/run", definition, statement)
	r.many(6, "api", "/reports/save", definition, statement)
	r.sent("203.0.113.5", 0, "api", "/login", definition, fmt.Sprintf(statement, 7))
	x := r.report(nil).Routes[0].Suggestions[0]
	require.Equal(t, "/reports/", x.PathPrefix)
	require.Equal(t, 7, x.Evidence.Clients)

	r = newRecorder(t)
	for client := range 6 { // each has a path of his own
		for day := range 4 {
			r.sent(fmt.Sprintf("198.51.100.%d", client+1), day, "api", fmt.Sprintf("/home/%c", 'a'+client), definition, fmt.Sprintf(statement, client*10+day))
		}
	}
	require.Equal(t, "/home/", r.report(nil).Routes[0].Suggestions[0].PathPrefix)
}

// TestSources: consumers are told apart where they are known, IPv6 clients by their network.
func TestSources(t *testing.T) {
	for _, tc := range []struct {
		e    events.Event
		want string
	}{
		{e: events.Event{Client: "192.0.2.1"}, want: "192.0.2.1"},
		{e: events.Event{Client: "::ffff:192.0.2.1"}, want: "192.0.2.1"},
		{e: events.Event{Client: "2001:db8:1:2:3::4"}, want: "2001:db8:1:2::/64"},
		{e: events.Event{Client: "192.0.2.1", Consumer: "ann"}, want: "consumer ann"},
		{e: events.Event{Client: "192.0.2.1", Consumer: "ann", ConsumerID: "7"}, want: "consumer 7"},
		{e: events.Event{Client: "no address"}, want: "no address"},
	} {
		name, _ := sourceName(&tc.e)
		require.Equal(t, tc.want, name)
	}
	r := newRecorder(t)
	r.many(6, "api", "/run", definition, statement)
	for i, e := range r.list {
		e.Client = fmt.Sprintf("2001:db8::%x", i+1) // one network
	}
	x := r.report(nil).Routes[0].Suggestions[0]
	require.Equal(t, 1, x.Evidence.Clients)
	require.Equal(t, LookFirst, x.Sure)
	for i, e := range r.list {
		e.ConsumerID = fmt.Sprint(i / 4)
	}
	x = r.report(nil).Routes[0].Suggestions[0]
	require.Equal(t, 6, x.Evidence.Consumers)
	require.Equal(t, Likely, x.Sure)
}
