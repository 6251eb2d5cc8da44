package attack

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
)

func newEngine(t testing.TB, o Options) *Engine {
	t.Helper()
	e, err := New(o)
	require.NoError(t, err)
	return e
}

const injection = "1' UNION SELECT password FROM users -- "

func TestOptionsAreChecked(t *testing.T) {
	rows := []struct {
		name    string
		options Options
		want    string
	}{
		{name: "sensitivity", options: Options{Sensitivity: 9}, want: "option Sensitivity: sensitivity(9) is unknown"},
		{name: "class", options: Options{DisabledClasses: []detect.Class{detect.ClassSQLi, 99}}, want: "option DisabledClasses[1]: class(99) is not an attack class"},
		{name: "mask", options: Options{Mask: []string{"pin", ""}}, want: "option Mask[1]: the name is empty"},
		{name: "exception for everything", options: Options{Exceptions: []Exception{{Method: "GET"}}}, want: "option Exceptions[0]: neither place nor class is set: this would silence everything"},
		{name: "exception that ends, without a clock", options: Options{Exceptions: []Exception{{Place: "query.q", Until: time.Unix(1, 0)}}}, want: "option Exceptions[0]: Until is set, and option Now is not"},
		{name: "exception without source", options: Options{Exceptions: []Exception{{Place: "id"}}}, want: `option Exceptions[0]: place "id" does not begin with path, query, header, cookie, body or method`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := New(row.options)
			require.EqualError(t, err, row.want)
		})
	}
}

func TestParseSensitivity(t *testing.T) {
	for _, s := range []Sensitivity{Low, Medium, High} {
		got, err := ParseSensitivity(s.String())
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
	got, err := ParseSensitivity("")
	require.NoError(t, err)
	require.Equal(t, Medium, got)
	_, err = ParseSensitivity("paranoid")
	require.EqualError(t, err, `"paranoid" is not a sensitivity: low, medium or high`)
	require.Greater(t, thresholds[Low], thresholds[Medium])
	require.Greater(t, thresholds[Medium], thresholds[High])
}

func TestInspectNamesPlaceEvidenceAndDecodings(t *testing.T) {
	e := newEngine(t, Options{})
	r := e.Inspect(post(jsonType, `{"user":{"names":["x",`+quoteJSON(url.QueryEscape(injection))+`]}}`))
	require.True(t, r.Blocked)
	f := r.Attacks[0]
	require.Equal(t, detect.ClassSQLi, f.Class)
	require.Equal(t, detect.Place("body.json.user.names[1]"), f.Place)
	require.Equal(t, []string{"percent"}, f.Decoded)
	require.Contains(t, f.Evidence, "UNION SELECT")
	require.Equal(t, f.Confidence, r.Score)
	require.False(t, r.Truncated)

	require.Equal(t, detect.Report{}, e.Inspect(get("/p?id=17")))
}

func TestExplainSaysWhy(t *testing.T) {
	e := newEngine(t, Options{})
	report, x := e.Explain(get("/p?id=" + url.QueryEscape(injection)))
	require.Len(t, x.Shapes, len(report.Attacks))
	require.NotEmpty(t, x.Shapes[0])
	require.Positive(t, x.Sent)
	require.Positive(t, x.Spent)
}

func TestExceptionsForAPageHoldForWhatItLoads(t *testing.T) {
	rows := []struct {
		name    string
		x       Exception
		silence bool
	}{
		{name: "the parameter", x: Exception{Place: "query.q"}, silence: true},
		{name: "the query", x: Exception{Place: "query", Class: detect.ClassSQLi}, silence: true},
		{name: "the page's path and method", x: Exception{Place: "query.q", Method: "POST", PathPrefix: "/find"}, silence: true},
		{name: "the Referer itself", x: Exception{Place: "header.referer", PathPrefix: "/next"}, silence: true},
		{name: "another page", x: Exception{Place: "query.q", PathPrefix: "/next"}, silence: false},
		{name: "another parameter", x: Exception{Place: "query.p"}, silence: false},
		{name: "another class", x: Exception{Place: "query.q", Class: detect.ClassXSS}, silence: false},
		{name: "another source", x: Exception{Place: "body.q"}, silence: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := newEngine(t, Options{Exceptions: []Exception{row.x}})
			r := get("/next", "Referer", "https://shop.example.com/find?q="+url.QueryEscape(injection))
			if report := e.Inspect(r); report.Blocked == row.silence {
				t.Errorf("blocked %v: %+v", report.Blocked, report.Attacks)
			}
		})
	}
}

func TestExceptionsOfARoute(t *testing.T) {
	e := newEngine(t, Options{Exceptions: []Exception{{Place: "query.q", Route: "search"}}})
	for route, blocked := range map[string]bool{"search": false, "login": true, "": true} {
		r := get("/find?q=" + url.QueryEscape(injection))
		if route != "" {
			r.Takes = func(name string) bool { return name == route }
		}
		require.Equal(t, blocked, e.Inspect(r).Blocked, route)
	}
}

func TestExceptionsSilence(t *testing.T) {
	rows := []struct {
		name    string
		x       Exception
		silence bool
	}{
		{name: "place", x: Exception{Place: "query.id"}, silence: true},
		{name: "place in another case", x: Exception{Place: "query.ID"}, silence: true},
		{name: "place above", x: Exception{Place: "query"}, silence: true},
		{name: "place with a star", x: Exception{Place: "query.*"}, silence: true},
		{name: "another place", x: Exception{Place: "query.i"}, silence: false},
		{name: "class", x: Exception{Class: detect.ClassSQLi}, silence: true},
		{name: "another class", x: Exception{Class: detect.ClassXSS}, silence: false},
		{name: "all conditions", x: Exception{Place: "query.id", Class: detect.ClassSQLi, Method: "get", PathPrefix: "/p"}, silence: true},
		{name: "another method", x: Exception{Place: "query.id", Method: "POST"}, silence: false},
		{name: "another path", x: Exception{Place: "query.id", PathPrefix: "/q"}, silence: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := newEngine(t, Options{Exceptions: []Exception{row.x}}).Inspect(get("/p?id=" + url.QueryEscape(injection)))
			left := slices.ContainsFunc(r.Attacks, func(f detect.Finding) bool { return f.Class == detect.ClassSQLi })
			require.Equal(t, row.silence, !left, "%+v", r.Attacks)
		})
	}
}

func TestCovers(t *testing.T) {
	rows := []struct {
		pattern, place string
		want           bool
	}{
		{pattern: "body.json.items", place: "body.json.items[3].name", want: true},
		{pattern: "body.json.items", place: "body.json.itemsets", want: false},
		{pattern: "body.json.items[*].html", place: "body.json.items[12].html", want: true},
		{pattern: "body.json.items[*].html", place: "body.json.items[12].name", want: false},
		{pattern: "*.html", place: "body.json.a.html", want: true},
		{pattern: "*.html", place: "body.json.a.html.b", want: true},
		{pattern: "query.a*b*c", place: "query.axxbxxc", want: true},
		{pattern: "query.a*b*c", place: "query.axxbxx", want: false},
		{pattern: "*", place: "query.a", want: true},
		{pattern: "query.a", place: "query", want: false},
	}
	for _, row := range rows {
		require.Equal(t, row.want, covers(row.pattern, row.place), "%s %s", row.pattern, row.place)
	}
}

func TestDisabledClassesAreSilent(t *testing.T) {
	r := newEngine(t, Options{DisabledClasses: []detect.Class{detect.ClassSQLi}}).Inspect(get("/p?id=" + url.QueryEscape(injection)))
	for _, f := range r.Attacks {
		require.NotEqual(t, detect.ClassSQLi, f.Class)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	e := newEngine(t, Options{Mask: []string{"PIN"}})
	secret := url.QueryEscape("hunter2' or 1=1 -- ")
	rows := []struct {
		name    string
		request *detect.Request
		masked  bool
	}{
		{name: "password in a form", request: post(formType, "user=x&Password="+secret), masked: true},
		{name: "token in a header", request: get("/", "X-Auth-Token", "hunter2' or 1=1 -- "), masked: true},
		{name: "configured name", request: get("/?pin=" + secret), masked: true},
		{name: "in JSON", request: post(jsonType, `{"apiKey":"hunter2' or 1=1 -- "}`), masked: true},
		{name: "harmless name", request: get("/?q=" + secret), masked: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := e.Inspect(row.request)
			require.NotEmpty(t, r.Attacks)
			for _, f := range r.Attacks {
				require.Equal(t, row.masked, f.Evidence == "(masked)", "%+v", f)
			}
		})
	}
	open := newEngine(t, Options{Unmasked: true}).Inspect(rows[0].request)
	require.Contains(t, open.Attacks[0].Evidence, "1=1")
}

func TestEvidenceIsBoundedText(t *testing.T) {
	e := newEngine(t, Options{})
	r := e.Inspect(get("/?q=" + url.QueryEscape("1' or '\xff\xfeä"+strings.Repeat("x' or 'ü", 100)+"'='1")))
	require.True(t, r.Blocked)
	for _, f := range r.Attacks {
		require.LessOrEqual(t, len(f.Evidence), maxEvidence+3)
		require.True(t, utf8.ValidString(f.Evidence))
	}
}

func TestSeveralSuspicionsAddUp(t *testing.T) {
	of := func(class detect.Class, place detect.Place, confidence float64) finding {
		return finding{Finding: detect.Finding{Class: class, Place: place, Confidence: confidence}}
	}
	first := of(detect.ClassSQLi, "query.a", 0.6)
	lowered := of(detect.ClassXSS, "query.b", 0.5)
	lowered.Lowered = true
	rows := []struct {
		name   string
		second finding
		more   bool
	}{
		{name: "another class at another place", second: of(detect.ClassXSS, "query.b", 0.5), more: true},
		{name: "the same class: a text repeats its oddities", second: of(detect.ClassSQLi, "query.b", 0.6)},
		{name: "the same place: languages resemble each other", second: of(detect.ClassXSS, "query.a", 0.6)},
		{name: "lowered by what its place is for", second: lowered},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := score([]finding{first, row.second})
			require.Equal(t, row.more, got > 0.6, "%v", got)
		})
	}
	require.Equal(t, 0.6, score([]finding{first}))
	require.LessOrEqual(t, score([]finding{of(0, "", 1), of(1, "a", 1), of(2, "b", 1)}), 1.0)
}

func TestTruncationIsReported(t *testing.T) {
	e := newEngine(t, Options{})
	r := get("/")
	r.BodyTruncated = true
	require.True(t, e.Inspect(r).Truncated)
	r = get("/")
	r.HeadersTruncated = true
	require.True(t, e.Inspect(r).Truncated)
	small := newEngine(t, Options{Limits: extract.Limits{MaxBody: 64}})
	require.True(t, small.Inspect(post(formType, "a="+strings.Repeat("x", 1000))).Truncated)
	require.False(t, small.Inspect(post(formType, "a=x")).Truncated)
}

func TestNothingHidesBehindTheLastValue(t *testing.T) {
	e := newEngine(t, Options{})
	many := func(value string) string {
		return strings.Repeat("a=1&b='2'&", 50_000) + "id=" + url.QueryEscape(value)
	}
	require.Equal(t, detect.Place("body.form.id"), e.Inspect(post(formType, many(injection))).Attacks[0].Place)
	require.False(t, e.Inspect(post(formType, many("it's 1"))).Blocked)
}

func TestRepeatedParametersAreJoined(t *testing.T) {
	e := newEngine(t, Options{})
	rows := []struct {
		name, query string
		blocked     bool
	}{
		{name: "split by ASP's comma and a comment", query: "id=1' union select 1/*&id=*/,password from users-- ", blocked: true},
		{name: "split in the middle of a word", query: "id=1' uni&id=on select password from users-- ", blocked: true},
		{name: "in three", query: "q=<scr&q=ipt>alert&q=(1)</script>", blocked: true},
		{name: "harmless list", query: "tag=it's&tag=red&tag=or&tag=union&tag=blue", blocked: false},
		{name: "different names", query: "a=<scr&b=ipt>alert&c=(1)</script>", blocked: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			pairs := strings.Split(row.query, "&")
			for i, p := range pairs {
				name, v, _ := strings.Cut(p, "=")
				pairs[i] = name + "=" + url.QueryEscape(v)
			}
			query := strings.Join(pairs, "&")
			require.Equal(t, row.blocked, e.Inspect(get("/?"+query)).Blocked, "query")
			require.Equal(t, row.blocked, e.Inspect(post(formType, query)).Blocked, "form")
		})
	}
}

func TestPayloadsThatComeApartLikeParameters(t *testing.T) {
	e := newEngine(t, Options{})
	rows := []struct {
		name, query string
		blocked     bool
	}{
		{name: "an ampersand in a payload", query: "a=%3CIMG%20SRC=j&%23X41vascript:alert%28%27test%27%29%3E", blocked: true},
		{name: "an ampersand in a command", query: "a=x%22&cat%20/etc/passwd&&%22", blocked: true},
		{name: "brackets are ordinary", query: "filter%5Bname%5D=O'Neil&sort%5B%5D=-date", blocked: false},
		{name: "a quote in a name, and nothing else", query: "q=books&author's=1&year=2020", blocked: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			require.Equal(t, row.blocked, e.Inspect(get("/?"+row.query)).Blocked, "query")
			require.Equal(t, row.blocked, e.Inspect(post(formType, row.query)).Blocked, "form")
		})
	}
}

// benign are requests in which nothing is suspicious.
var benign = []*detect.Request{
	get("/products/42?page=2&sort=price&q=red%20shoes", "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
		"Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language", "de,en-US;q=0.7", "Cookie", "sid=Q2hhbmdlZA; theme=dark; _ga=GA1.2.1234.5678"),
	post(jsonType, `{"user":{"name":"Pat O'Neil","email":"pat@example.com","tags":["a","b"]},"note":"It's 5 o'clock; see you -- Pat","url":"https://example.com/a?b=c"}`),
	get("/list?tag=red%20shoes&tag=O%27Neil&tag=blue&tag=a%26b&filter%5Bname%5D=x&author's=1"),
	post(formType, "name=J%C3%BCrgen+M%C3%BCller&comment=Select+the+best%2C+or+drop+by&agree=true"),
	post("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nhello world\r\n--x--\r\n"),
	get("/", "Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
	post(xmlType, `<order id="7"><item sku="a-1">two</item></order>`),
}

func TestBenignRequestsAllocateNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("make race runs with -short, and the race detector empties pools at random")
	}
	e := newEngine(t, Options{})
	for i, r := range benign {
		require.Empty(t, e.Inspect(r).Attacks, "request %d", i)
		if n := testing.AllocsPerRun(200, func() { e.Inspect(r) }); n >= 1 {
			t.Errorf("request %d: %v allocations", i, n)
		}
	}
}

// TestMemoryChangesNoVerdict compares an engine that has seen much with a fresh one: what
// is remembered must never decide.
func TestMemoryChangesNoVerdict(t *testing.T) {
	old := newEngine(t, Options{Sensitivity: High})
	for round := range 2 {
		for _, shape := range matrixShapes {
			if shape.plainOnly {
				continue
			}
			for _, seed := range seeds[4:9] {
				for _, text := range []string{seed.benign, seed.attack} {
					r := shape.build(text)
					got, want := old.Inspect(r), newEngine(t, Options{Sensitivity: High}).Inspect(r)
					require.Equal(t, want, got, "round %d: %s: %q", round, shape.name, text)
				}
			}
		}
	}
}

// TestPossibleMissesNothing holds every language to its word, on every seed.
func TestPossibleMissesNothing(t *testing.T) {
	for _, seed := range seeds {
		for _, text := range []string{seed.attack, seed.benign} {
			for _, enc := range encodings {
				checkPossible(t, enc.encode(text))
			}
		}
	}
}

func checkPossible(t *testing.T, text string) {
	t.Helper()
	for _, isName := range []bool{false, true} {
		v := value.Of(text, detect.SourceQuery, "q")
		v.IsName = isName
		for i := range languages {
			m := languages[i].judge(&v)
			if m.Confidence >= suspicious && !languages[i].possible(&v) {
				t.Errorf("%s: Possible says no to %q, Judge %+v", languages[i].name, text, m)
			}
			if m.Class != detect.ClassNone && (m.Start < 0 || m.End > len(text) || m.Start > m.End || m.Confidence < 0 || m.Confidence > 1 || m.Shape == "") {
				t.Errorf("%s: %q: bad match %+v", languages[i].name, text, m)
			}
		}
	}
}

// TestEnoughAttacksEndTheSearch: a few attacks are all reported, each at its place; of very
// many the first ones are, and the verdict is the same.
func TestEnoughAttacksEndTheSearch(t *testing.T) {
	e := newEngine(t, Options{})
	attacks := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "p%d=%s&", i, url.QueryEscape("1' or 1=1--"))
		}
		return b.String()
	}
	few := e.Inspect(get("/?" + attacks(enoughAttacks-1)))
	require.Len(t, few.Attacks, enoughAttacks-1)
	many := e.Inspect(get("/?" + attacks(1000)))
	require.Len(t, many.Attacks, enoughAttacks)
	require.Equal(t, few.Score, many.Score)
	require.True(t, many.Blocked)
	require.False(t, many.Truncated)

	// What does not block the request does not end the search.
	suspicious := "p=" + url.QueryEscape("x onclick=y") + "&"
	last := e.Inspect(get("/?" + strings.Repeat(suspicious, 100) + attacks(1)))
	require.True(t, last.Blocked)
}

// FuzzInspect: no request makes the engine panic; every report is well formed; the same
// request gets the same verdict again; and more harmless parameters change no verdict.
func FuzzInspect(f *testing.F) {
	for _, seed := range seeds {
		f.Add("/p?id="+url.QueryEscape(seed.attack), "X-A", seed.benign, jsonType, `{"a":`+quoteJSON(seed.attack)+`}`)
		f.Add("/"+seed.benign, "Cookie", "a="+seed.attack, formType, "a="+seed.attack)
	}
	e, fresh := newEngine(f, Options{Sensitivity: High}), newEngine(f, Options{Sensitivity: High})
	f.Fuzz(func(t *testing.T, target, name, text, contentType, body string) {
		r := post(contentType, body)
		r.Target = target
		with(r, name, text)
		report := e.Inspect(r)
		if len(report.Attacks) > 0 {
			checkReport(t, report)
		}
		if again := e.Inspect(r); fmt.Sprint(again) != fmt.Sprint(report) {
			t.Fatalf("first %+v, then %+v", report, again)
		}
		if strings.ContainsAny(target, "#?") || report.Truncated {
			return // a fragment would swallow what is appended
		}
		more := *r
		more.Target += "?page=1&size=20&lang=en"
		if got := fresh.Inspect(&more); got.Blocked != report.Blocked && report.Blocked {
			t.Fatalf("%q alone %+v, with more parameters %+v", target, report, got)
		}
	})
}

// FuzzPossible holds every language to its word.
func FuzzPossible(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed.attack)
		f.Add(seed.benign)
	}
	f.Fuzz(checkPossible)
}

// A page of an internal host names its own host all the time; but the Host header is the
// caller's to write, and buys nothing that only an attacker would call his own host.
func TestOwnHost(t *testing.T) {
	e := newEngine(t, Options{Sensitivity: High})
	own := func(host, link string) *detect.Request {
		return &detect.Request{Method: "GET", Target: "/a?u=" + url.QueryEscape(link), Headers: []detect.Header{
			{Name: "Host", Value: host}, {Name: "Origin", Value: link}, {Name: "Referer", Value: link + "/x"},
		}}
	}
	for range 2 { // what was passed once is not passed for another host
		for _, host := range []string{"10.1.2.3:8080", "localhost:3000", "shop.default.svc.cluster.local"} {
			require.False(t, e.Inspect(own(host, "http://"+host)).Blocked, host)
			require.True(t, e.Inspect(own("example.com", "http://"+host)).Blocked, host)
		}
		for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "2852039166", "localhost:6379"} {
			require.True(t, e.Inspect(own(host, "http://"+host)).Blocked, host)
		}
	}
}

// TestNamesAreNoPatterns: an exception that is copied from a report covers no more than the place
// in it, whatever name a client has made up.
func TestNamesAreNoPatterns(t *testing.T) {
	plain, err := New(Options{})
	require.NoError(t, err)
	find := func(e *Engine, name string) detect.Report {
		return e.Inspect(&detect.Request{Method: "GET", Target: "/a?" + name + "=%27%20OR%201=1%20--%20", Proto: "HTTP/1.1"})
	}
	for _, name := range []string{"*", "a*", "filter[*]"} {
		report := find(plain, name)
		require.True(t, report.Blocked)
		with, err := New(Options{Exceptions: []Exception{{Place: report.Attacks[0].Place}}})
		require.NoError(t, err)
		require.False(t, find(with, name).Blocked, name)
		require.True(t, find(with, "password").Blocked, name)
		require.True(t, find(with, "abc").Blocked, name)
	}
}
