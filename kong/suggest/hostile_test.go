package suggest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"kongwaf/kong/events"
)

// TestHostileEventsStayText: whatever stands in an event's texts, the lines to copy have the
// entries that they should and no others, and a terminal sees no control characters.
func TestHostileEventsStayText(t *testing.T) {
	for _, text := range []string{
		"x\n- evil: yes", "x\r\nmode: \"off\"", "# no", "*", "&a !!binary |", "\x1b[31m", "\u2028mode: off", "{{.}}", "'", "\"", ": ", "\x00", "", "---\nplugins: []", "a: [b",
		"<script>alert(1)</script>", "\xff\xfe", "~", "null", "yes", "007", strings.Repeat("é", 300),
	} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			r := newRecorder(t)
			r.many(6, "api", "/run", "body.json.report.definition", statement)
			for i, e := range r.list {
				e.RouteName, e.ServiceName, e.Application, e.Evidence, e.UserAgent, e.RequestID = text, text, text, text, text, text
				if i%3 == 0 {
					e.Raw = text
				}
				e.Path = "/" + text
				if i%2 == 0 {
					e.Places = []string{"query." + text}
					e.Classes = e.Classes[:1]
				}
				e.Bound()
			}
			report := r.report(nil)
			var deck struct {
				Plugins, Services, Routes []struct {
					Name    string
					Plugins []struct{ Name string }
				}
			}
			require.NoError(t, yaml.Unmarshal([]byte(report.Deck()), &deck), report.Deck())
			require.Equal(t, report.Says(), len(deck.Plugins)+len(deck.Services)+len(deck.Routes) == 1, report.Deck())
			if len(deck.Routes) == 1 {
				require.Equal(t, r.list[0].RouteName, deck.Routes[0].Name)
			}
			var manifest struct {
				Kind, Plugin string
				Config       map[string]any
			}
			require.NoError(t, yaml.Unmarshal([]byte(report.KongPlugins()), &manifest), report.KongPlugins())
			require.Equal(t, report.Says(), manifest.Plugin == "waf-detect")
			for key := range manifest.Config {
				require.Contains(t, []string{"mode", "sensitivity", "grey", "presets", "expects", "exceptions"}, key)
			}
			require.NotEqual(t, "off", manifest.Config["mode"])
			var b strings.Builder
			require.NoError(t, report.WriteText(&b))
			require.Zero(t, strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) })+1, "%q", b.String())
		})
	}
}

// TestNamesThatMeanMore: a place whose name would be a pattern in an exception is never
// suggested: "query.*" would be every parameter.
func TestNamesThatMeanMore(t *testing.T) {
	for _, name := range []string{"*", "a*", "[*", "x...", "?"} {
		r := newRecorder(t)
		r.many(6, "api", "/run", "query.q", "{{ ''.__class__.__mro__[1].__subclasses__() }}")
		for _, e := range r.list {
			for i := range e.Places {
				e.Places[i] = "query." + name
			}
		}
		require.Empty(t, r.report(nil).Routes[0].Suggestions, name)
	}
}

// TestWholePartsAreLookedAtFirst: an exception for "query" would be one for every parameter.
func TestWholePartsAreLookedAtFirst(t *testing.T) {
	r := newRecorder(t)
	r.many(6, "api", "/run", "query.q", "{{ ''.__class__.__mro__[1].__subclasses__() }}")
	for _, e := range r.list {
		e.Score = 0.7
		for i := range e.Places {
			e.Places[i] = "query"
		}
	}
	list := r.report(nil).Routes[0].Suggestions
	require.NotEmpty(t, list)
	for _, x := range list {
		require.Equal(t, LookFirst, x.Sure)
		require.Contains(t, x.Why, `"query" is everything in that part of the request`)
	}
}

// TestMemoryIsBounded: neither invented places, paths, routes nor clients make a collector grow
// beyond its bounds, what is left out is counted, and users are still told from the flood.
func TestMemoryIsBounded(t *testing.T) {
	r := newRecorder(t)
	r.many(6, "api", "/run", "body.json.report.definition", statement)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := NewCollector(DefaultRules())
	const flood = 120_000
	for i := range flood {
		e := *r.list[0]
		e.Client = fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		e.Places, e.Classes = []string{fmt.Sprintf("query.p%d", i)}, []string{"xss"}
		e.Path, e.Evidence = fmt.Sprint("/", strings.Repeat("a", i%30), "/x"), fmt.Sprint(strings.Repeat("y", 200), i)
		e.Time = noon.Add(time.Duration(i) * time.Second)
		if i%7 == 0 {
			e.RouteName = fmt.Sprint("route", i)
			e.PluginID = fmt.Sprint("p", i)
		}
		c.Add(&e)
		if i == flood/2 {
			for _, e := range r.list {
				c.Add(e)
			}
		}
	}
	require.LessOrEqual(t, len(c.shapes), maxShapes)
	require.LessOrEqual(t, len(c.units), maxShapes)
	require.LessOrEqual(t, len(c.served), maxServed)
	require.LessOrEqual(t, len(c.sources), maxSources+1)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, after.HeapAlloc-before.HeapAlloc, uint64(120<<20))
	report := c.Report()
	require.Positive(t, report.Looked.Dropped)
	require.NotEmpty(t, report.Notes)
	found := 0
	for i := range report.Routes {
		for j := range report.Routes[i].Suggestions {
			if x := &report.Routes[i].Suggestions[j]; x.Sure == Likely {
				require.Equal(t, "body.json.report.definition", x.Place)
				found++
			}
		}
	}
	require.Equal(t, 1, found)
	runtime.KeepAlive(c)
}

// TestSuggestionsAreFew: whoever makes many places look doubtful gets no report without end.
func TestSuggestionsAreFew(t *testing.T) {
	r := newRecorder(t)
	e := r.sent("198.51.100.1", 0, "api", "/run", "query.q", breakOut)
	c := NewCollector(DefaultRules())
	for place := range 10 * maxWanted {
		for i := range 12 {
			own := *e
			own.Client, own.Time = fmt.Sprintf("10.0.%d.%d", place/100, place%100*2+i%2), e.Time.AddDate(0, 0, i%4)
			own.Places = []string{fmt.Sprintf("query.p%d", place)}
			c.Add(&own)
		}
	}
	route := c.Report().Routes[0]
	require.Len(t, route.Suggestions, maxWanted)
	require.Len(t, route.Left, maxLeft)
	require.Equal(t, 9*maxWanted, route.LeftPlaces)
}

// TestFoldedEvents: a line that stands for many counts as many.
func TestFoldedEvents(t *testing.T) {
	r := newRecorder(t)
	r.many(6, "api", "/run", "body.json.report.definition", statement)
	for _, e := range r.list {
		e.Count = 5
	}
	require.Equal(t, 5*24, r.report(nil).Routes[0].Suggestions[0].Evidence.Events)
}

// TestOthersAreNoEvidence: what was let through, or refused by another check, is passed over.
func TestOthersAreNoEvidence(t *testing.T) {
	r := newRecorder(t)
	for _, change := range []func(*events.Event){
		func(e *events.Event) { e.Action = events.ActionExcepted },
		func(e *events.Event) { e.Action = events.ActionUnjudged },
		func(e *events.Event) { e.Check = "key-auth" },
		func(e *events.Event) { e.Classes = nil },
		func(e *events.Event) { e.Classes = []string{"of a later version"} },
		func(e *events.Event) { e.Places = []string{""} },
	} {
		change(r.sent("198.51.100.1", 0, "api", "/a", "query.q", breakOut))
	}
	report := r.report(nil)
	require.Empty(t, report.Routes)
	require.Equal(t, 6, report.Looked.Others)
	var b strings.Builder
	require.NoError(t, report.WriteText(&b))
	require.Contains(t, b.String(), "nothing to suggest")
	var deck map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(report.Deck()), &deck))
}

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"' OR 1=1 -- ":                          "' OR 1=1 -- ",
		"name='ann@example.com'":                "name='***'",
		"card 4111111111111111 of ann":          "card *** of ann",
		"key=0123456789abcdef0123456789abcdef;": "key=***;",
		"SELECT a FROM b":                       "SELECT a FROM b",
		"@import 'x'":                           "@import 'x'",
		"":                                      "",
	} {
		require.Equal(t, want, Mask(text))
	}
}

func TestPrefixOf(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "": "", "/api/users": "/api/users", "/api/v1/users/17": "/api/v1/users/", "/wiki/how-to-do-it/edit": "/wiki/",
		"/a/b/c/d/e": "/a/b/c/d/", "/%2e%2e/x": "/", "no": "n", "/a;b=c": "/", "/v2x": "/",
	} {
		require.Equal(t, want, prefixOf(path), path)
	}
	require.Equal(t, "/api/", commonPath("/api/users", "/api/used"))
	require.Equal(t, "/", commonPath("/a", "/b"))
	require.Equal(t, "body.json.a[*].b[*]", anyPosition("body.json.a[0].b[17]"))
	require.Equal(t, "query.filter[name]", anyPosition("query.filter[name]"))
	require.Equal(t, "path[1]", anyPosition("path[1]"))
	require.Equal(t, "query.a[", anyPosition("query.a["))
}
