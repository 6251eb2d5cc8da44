package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
)

// pages are the templates. All data in them is text to html/template, which escapes it
// for where it stands; no template.HTML is made from data anywhere.
type pages struct{ dashboard, event, suggest, lists, exceptions *template.Template }

func newPages() *pages {
	functions := template.FuncMap{"short": short, "clock": clock, "stamp": stamp, "dots": dots, "describe": describe, "canExcept": canExcept,
		"many": many, "percentage": func(share float64) float64 { return 100 * share }}
	parse := func(name string) *template.Template {
		return template.Must(template.New(name).Funcs(functions).ParseFS(assets, "assets/layout.html", "assets/"+name))
	}
	return &pages{dashboard: parse("dashboard.html"), event: parse("event.html"), suggest: parse("suggest.html"), lists: parse("lists.html"), exceptions: parse("exceptions.html")}
}

// common is what every page shows.
type common struct {
	Title, Version, Node string
	Trouble              string // why the health is bad
	HasLists             bool
	Now                  time.Time
}

func (c *Console) common(title string) common {
	page := common{Title: title, Version: c.opt.Version, Node: c.opt.Node, Now: c.opt.Now().UTC(), HasLists: c.opt.Lists != nil}
	if err := Health(c.opt.Numbers, c.opt.Socket, page.Now); err != nil {
		page.Trouble = err.Error()
	}
	return page
}

// link is something to click.
type link struct {
	Text, URL string
	Current   bool
}

// share is an entry of a top list: a link that filters by it, and a bar.
type share struct {
	Name, URL string
	Count     int64
	Percent   int
}

type topList struct {
	Title  string
	Shares []share
}

type dashboardPage struct {
	common
	Ranges     []link
	Active     []link // filters, each with a link that drops it
	Hidden     url.Values
	Text       string
	Stats      *Stats
	Judged     uint64
	Tiles      []tile
	Wide, Slim chart
	Lists      []topList
	Latency    []latency
	Events     []Stored
	Next, Live string // URLs
	API        string
}

type tile struct {
	Name, Note, URL string
	Count           int64
	Kind            string
}

type latency struct{ Check, Median, Tail string }

// dashboard answers GET /.
func (c *Console) dashboard(w http.ResponseWriter, r *http.Request) {
	f, list, next, ok := c.chosen(w, r, 200)
	if !ok {
		return
	}
	stats, err := c.opt.Store.Stats(r.Context(), f)
	if err != nil {
		c.fail(w, err)
		return
	}
	q := clean(r.URL.Query())
	page := dashboardPage{common: c.common("Dashboard"), Text: f.Text, Stats: stats, Events: list, Hidden: url.Values{}}
	for _, choice := range ranges {
		current := choice.Name == q.Get("range") || q.Get("range") == "" && choice.Name == defaultRange
		page.Ranges = append(page.Ranges, link{Text: choice.Name, URL: with(q, "range", choice.Name), Current: current})
	}
	for _, field := range filterFields {
		if value := f.fields[field.name]; value != "" {
			page.Active = append(page.Active, link{Text: field.label + ": " + value, URL: with(q, field.name, "")})
			page.Hidden.Set(field.name, value)
		}
	}
	if f.Text != "" {
		page.Active = append(page.Active, link{Text: "text: " + f.Text, URL: with(q, "q", "")})
	}
	if q.Get("range") != "" {
		page.Hidden.Set("range", q.Get("range"))
	}
	page.Wide, page.Slim = timeChart(stats, 1000, 240, 7), timeChart(stats, 360, 200, 4)
	for _, top := range []struct {
		title, field string
		list         []Share
	}{
		{"Sources", "client", stats.Clients}, {"Routes", "route", stats.Routes}, {"Places", "place", stats.Places},
		{"Applications", "application", stats.Applications}, {"Nodes", "node", others(stats.Nodes, c.opt.Node)}, {"Paths", "q", stats.Paths},
	} {
		page.Lists = append(page.Lists, topList{Title: top.title, Shares: shares(q, top.field, top.list)})
	}
	page.Tiles = tiles(q, stats)
	page.Judged, page.Latency = c.judged()
	if next > 0 {
		page.Next = with(q, "before", strconv.FormatInt(next, 10)) + "#events"
	}
	if q.Get("before") == "" {
		page.Live = "/api/events/live" + with(q, "", "")
	}
	page.API = "/api/events" + with(q, "", "")
	c.render(w, c.pages.dashboard, page)
}

// others returns the nodes if there are others than this one.
func others(nodes []Share, own string) []Share {
	if len(nodes) == 0 || len(nodes) == 1 && nodes[0].Name == own {
		return nil
	}
	return nodes
}

// clean returns the parameters that a page's links carry on.
func clean(q url.Values) url.Values {
	kept := url.Values{}
	for _, name := range []string{"range", "q", "before", "since", "until"} {
		if value := clip(q.Get(name)); value != "" {
			kept.Set(name, value)
		}
	}
	for _, field := range filterFields {
		if value := clip(q.Get(field.name)); value != "" {
			kept.Set(field.name, value)
		}
	}
	return kept
}

// with returns the query string in which one parameter has another value, or is gone.
func with(q url.Values, name, value string) string {
	changed := url.Values{}
	for key, values := range q {
		if key != "before" {
			changed[key] = values
		}
	}
	if name != "" {
		changed.Del(name)
	}
	if value != "" {
		changed.Set(name, value)
	}
	return "?" + changed.Encode()
}

func shares(q url.Values, field string, list []Share) []share {
	var out []share
	for _, s := range list {
		out = append(out, share{Name: s.Name, URL: with(q, field, s.Name), Count: s.Count, Percent: percent(s.Count, list[0].Count)})
	}
	return out
}

func percent(n, of int64) int {
	if of <= 0 {
		return 0
	}
	return max(int(math.Round(100*float64(n)/float64(of))), 1)
}

// tiles are the verdict mix.
func tiles(q url.Values, st *Stats) []tile {
	counts := map[string]int64{}
	for _, a := range st.Actions {
		counts[a.Name] = a.Count
	}
	var out []tile
	for _, t := range []tile{
		{Name: "Blocked", Kind: events.ActionBlocked, Note: "refused"},
		{Name: "Reported", Kind: events.ActionReported, Note: "went on: monitoring"},
		{Name: "Excepted", Kind: events.ActionExcepted, Note: "went on: an exception, or expected there"},
		{Name: "Unjudged", Kind: events.ActionUnjudged, Note: "went on: on_error"},
	} {
		t.Count, t.URL = counts[t.Kind], with(q, "action", t.Kind)
		out = append(out, t)
	}
	return out
}

// judged returns how many requests were judged since the start, and how long checks took.
func (c *Console) judged() (total uint64, list []latency) {
	c.opt.Numbers.Each(func(name string, labels []string, n metrics.Number) {
		if name == metrics.Requests.Name {
			total += n.Get()
		}
	}, func(name string, labels []string, h metrics.Histogram) {
		if name != metrics.CheckSeconds.Name || len(labels) != 2 {
			return
		}
		s := h.Snapshot()
		if s.Count == 0 {
			return
		}
		label := labels[0]
		if labels[0] != "waf-"+labels[1] {
			label += ": " + labels[1]
		}
		list = append(list, latency{Check: label, Median: micros(quantile(&s, 0.5)), Tail: micros(quantile(&s, 0.99))})
	})
	slices.SortFunc(list, func(a, b latency) int { return strings.Compare(a.Check, b.Check) })
	return total, list
}

// quantile returns the upper bound of the native bucket that holds a quantile, in seconds.
func quantile(s *metrics.Snapshot, q float64) float64 {
	rank := uint64(math.Ceil(q * float64(s.Count)))
	seen := s.Zero
	if seen >= rank {
		return metrics.ZeroThreshold
	}
	indexes := make([]int, 0, len(s.Native))
	for i := range s.Native {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	for _, i := range indexes {
		if seen += uint64(s.Native[i]); seen >= rank {
			return math.Exp2(float64(i) / (1 << metrics.NativeSchema))
		}
	}
	return 0
}

func micros(seconds float64) string {
	switch us := seconds * 1e6; {
	case us < 100:
		return fmt.Sprintf("%.1f µs", us)
	case us < 10_000:
		return fmt.Sprintf("%.0f µs", us)
	default:
		return fmt.Sprintf("%.0f ms", us/1000)
	}
}

type eventPage struct {
	common
	Event    *events.Event
	Finds    []find
	Keys     []keyValue
	Lookback []link
	Scopes   []link
	Proposal *Proposal
}

type find struct{ Class, Place string }

type keyValue struct{ Key, Value string }

// lookback are the days that an exception's price is looked for in.
var lookback = []int{7, 1, 30}

// event answers GET /event/ID.
func (c *Console) event(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	e, ok, err := c.opt.Store.Event(r.Context(), id)
	if err != nil {
		c.fail(w, err)
		return
	}
	if !ok {
		http.Error(w, "this event is not in the history, or not any more", http.StatusNotFound)
		return
	}
	page := eventPage{common: c.common("Event"), Event: e, Keys: keys(e)}
	for i := range min(len(e.Classes), len(e.Places)) {
		page.Finds = append(page.Finds, find{e.Classes[i], e.Places[i]})
	}
	if canExcept(e) {
		scope, days := Scope(r.URL.Query().Get("scope")), lookbackOf(r)
		if !slices.Contains(scopes, scope) {
			scope = ScopePath
		}
		for _, s := range scopes {
			page.Scopes = append(page.Scopes, link{Text: s.text(), Current: s == scope,
				URL: fmt.Sprintf("?scope=%s&days=%d#exception", s, days)})
		}
		for _, n := range []int{1, 7, 30} {
			page.Lookback = append(page.Lookback, link{Text: fmt.Sprintf("%d d", n), Current: n == days,
				URL: fmt.Sprintf("?scope=%s&days=%d#exception", scope, n)})
		}
		if page.Proposal, err = c.opt.Store.propose(r.Context(), e, scope, days); err != nil {
			c.fail(w, err)
			return
		}
	}
	c.render(w, c.pages.event, page)
}

// keys lists an event's keys as its JSON has them.
func keys(e *events.Event) (list []keyValue) {
	decoder := json.NewDecoder(bytes.NewReader(e.Append(nil)))
	decoder.UseNumber()
	_, _ = decoder.Token() // the brace
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return list
		}
		var value any
		if decoder.Decode(&value) != nil {
			return list
		}
		text := fmt.Sprint(value)
		if values, ok := value.([]any); ok {
			parts := make([]string, len(values))
			for i := range values {
				parts[i] = fmt.Sprint(values[i])
			}
			text = strings.Join(parts, ", ")
		}
		list = append(list, keyValue{fmt.Sprint(key), text})
	}
	return list
}

// render writes a page once it is whole.
func (c *Console) render(w http.ResponseWriter, t *template.Template, page any) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout.html", page); err != nil {
		c.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = b.WriteTo(w) // the client is gone
}

func clock(t time.Time) string { return t.UTC().Format("2 Jan 15:04:05") }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// dots shortens a text for a table's cell.
func dots(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:limit]) + "…"
}

// describe says in a sentence what a class of attack, or a check's refusal, means.
func describe(class string) string {
	if text, ok := classTexts[class]; ok {
		return text
	}
	return class
}

// classTexts hold a text for each class of attack, and for each check.
var classTexts = map[string]string{
	"sqli": "SQL that would change what a query does", "nosqli": "operators of a document database where a value was expected",
	"xss": "markup or script that would run in a browser", "rce": "commands or code that a server would run",
	"ptrav": "a path that leaves its folder, or a sensitive file", "ssrf": "an address that would make the server call elsewhere",
	"ssti": "a template expression that the server would evaluate", "xxe": "an XML entity that reads files or expands without end",
	"ssi": "a directive that a web server would carry out", "ldapi": "a filter that would change an LDAP query",
	"xpathi": "an expression that would change an XPath query", "crlf": "line breaks that would forge headers",
	"deser": "a serialised object that runs code when it is read", "protopollution": "keys that would change every object of a JavaScript program",
	"upload": "a file that a server would run", "graphql": "a GraphQL document that costs too much, or asks for the schema",
	"protocol": "HTTP that servers read differently", "scanner": "a probe of a vulnerability scanner", "schema": "what the API's description does not allow",
	"ip-restriction": "an address that may not come here", "key-auth": "no key, or a wrong one", "rate-limiting": "too many calls",
}
