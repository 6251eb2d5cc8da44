package extract

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kongwaf/detect"
)

// shape is a table row: a request and leaves that must come out of it, in the notation of
// render. Hostile rows stand beside a harmless twin of the same shape.
type shape struct {
	name string
	req  *detect.Request
	want []string
	not  []string // leaves that must not come out
}

// render writes a leaf as "place=text", a name as "place#text", with " {steps}" behind it
// if there were any.
func render(l *Leaf) string {
	mark := "="
	if l.IsName {
		mark = "#"
	}
	s := string(l.Place()) + mark + l.Text
	if len(l.Steps) > 0 {
		s += " {" + strings.Join(l.Steps, ",") + "}"
	}
	return s
}

// leaves walks a request and renders its leaves; nested says to look inside each of them.
func leaves(r *detect.Request, lim Limits, nested bool) (got []string, truncated bool, found []detect.Finding) {
	var w Walker
	var visit func(l *Leaf) bool
	visit = func(l *Leaf) bool {
		got = append(got, render(l))
		if nested && !l.IsName {
			w.Nested(l, l.Text, visit)
		}
		return true
	}
	truncated = w.Walk(r, lim, visit)
	return got, truncated, slices.Clone(w.Anomalies())
}

func run(t *testing.T, rows []shape) {
	t.Helper()
	runShapes(t, rows, false)
}

func runShapes(t *testing.T, rows []shape, nested bool) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Helper()
			got, truncated, _ := leaves(row.req, Limits{}, nested)
			for _, want := range row.want {
				if !slices.Contains(got, want) {
					t.Errorf("missing %q in\n%s", want, quoted(got))
				}
			}
			for _, not := range row.not {
				if slices.Contains(got, not) {
					t.Errorf("unwanted %q in\n%s", not, quoted(got))
				}
			}
			if truncated {
				t.Error("truncated")
			}
		})
	}
}

func quoted(all []string) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "  %q\n", s)
	}
	return b.String()
}

// shapeRequest shortens signatures in tables.
type shapeRequest = detect.Request

func get(target string, headers ...string) *detect.Request {
	return &detect.Request{Method: "GET", Target: target, Headers: headerList(headers)}
}

func post(contentType, body string, headers ...string) *detect.Request {
	r := &detect.Request{Method: "POST", Target: "/", Headers: headerList(headers), Body: []byte(body)}
	if contentType != "" {
		r.Headers = append(r.Headers, detect.Header{Name: "Content-Type", Value: contentType})
	}
	return r
}

// headerList makes headers of "Name: value" lines.
func headerList(lines []string) (hs []detect.Header) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		hs = append(hs, detect.Header{Name: name, Value: value})
	}
	return hs
}

func TestTarget(t *testing.T) {
	run(t, []shape{
		{
			name: "a path is one value, and its longer or odd segments are values of their own",
			req:  get("/api/users;role=admin/1'--"),
			want: []string{"path=/api/users;role=admin/1'--", "path[1]=users;role=admin", "path[1].role=admin", "path[2]=1'--"},
		},
		{
			name: "harmless twin: short plain segments are in the path alone",
			req:  get("/api/users/1"),
			want: []string{"path=/api/users/1"},
			not:  []string{"path[0]=api", "path[2]=1"},
		},
		{
			name: "query values stay as sent",
			req:  get("/?id=1%27+or+1&name=O%27Brien"),
			want: []string{"query#id", "query.id=1%27+or+1", "query.name=O%27Brien"},
		},
		{
			name: "a parameter without '=' is a name",
			req:  get("/?a&<script>&b=1"),
			want: []string{"query#a", "query#<script>", "query.b=1"},
		},
		{
			name: "a payload with '=' at the place of a name is handed out whole",
			req:  get("/?'or+1=1--"),
			want: []string{"query#'or+1=1--"},
		},
		{
			name: "brackets make no odd name, plain or encoded",
			req:  get("/?a[b][]=1&user%5B%24ne%5D=x"),
			want: []string{"query#a[b][]", "query.a[b][]=1", "query.user[$ne]=x", "query#user%5B%24ne%5D"},
		},
		{
			name: "some servers split on semicolons",
			req:  get("/?a=1;id=2'--&c=3"),
			want: []string{"query.a=1;id=2'--", "query.a=1", "query.id=2'--", "query.c=3"},
		},
		{
			name: "an empty name",
			req:  get("/?=1'--&==&&x="),
			want: []string{"query=1'--", "query#x"},
		},
		{
			name: "equal names all come",
			req:  get("/?id=1'+or&id=1=1"),
			want: []string{"query.id=1'+or", "query.id=1=1"},
		},
		{
			name: "an absolute target",
			req:  get("http://evil.example:80/a'--?q=1"),
			want: []string{"path.authority=http://evil.example:80", "path=/a'--", "query.q=1"},
		},
		{
			name: "a fragment stays where it is and is handed out too",
			req:  get("/a?q=1'#frag'--"),
			want: []string{"query.q=1'#frag'--", "path.fragment=frag'--"},
		},
		{
			name: "the method is a value",
			req:  &detect.Request{Method: "GET'--", Target: "*"},
			want: []string{"method=GET'--", "path=*"},
		},
		{
			name: "GraphQL in the query: literals, not the text",
			req:  get("/graphql?query=%7Buser(id:%221'--%22)%7Bname%7D%7D&variables=%7B%7D"),
			want: []string{"query.graphql.args.id=1'-- {percent}", "query.variables=%7B%7D"},
			not:  []string{"query.query=%7Buser(id:%221'--%22)%7Bname%7D%7D"},
		},
		{
			name: "harmless twin: an ordinary search in a parameter called query",
			req:  get("/search?query=%7Bshoes%7D+red"),
			want: []string{"query.query=%7Bshoes%7D+red"},
		},
	})
}

func TestHeaders(t *testing.T) {
	run(t, []shape{
		{
			name: "names and values of all headers",
			req:  get("/", "User-Agent: () { :;}; id", "X-<b>: 1", "Accept: */*"),
			want: []string{"header.user-agent=() { :;}; id", "header#X-<b>", "header.x-<b>=1", "header.accept=*/*"},
		},
		{
			name: "cookies",
			req:  get("/", `Cookie: a=1'--; $Version=1; b="x;y'--"; c; d="q"`),
			want: []string{"cookie.a=1'--", "cookie#$Version", "cookie.$Version=1", "cookie.b=x;y'--", "cookie#c", "cookie.d=q"},
		},
		{
			name: "harmless twin: analytics cookies",
			req:  get("/", "Cookie: _ga=GA1.2.3.4; sid=abc"),
			want: []string{"cookie._ga=GA1.2.3.4", "cookie.sid=abc"},
		},
		{
			name: "Referer's query",
			req:  get("/", "Referer: https://a.example/x?q=1'--&r=2"),
			want: []string{"header.referer=https://a.example/x", "header.referer.query.q=1'--", "header.referer.query.r=2"},
		},
		{
			name: "Basic credentials",
			req:  get("/", "Authorization: Basic YWRtaW4nLS06eA=="), // admin'--:x
			want: []string{"header.authorization.user=admin'-- {base64}", "header.authorization.password=x {base64}"},
		},
		{
			name: "a JWT's header and payload",
			req:  get("/", "Authorization: Bearer eyJhbGciOiJub25lIiwia2lkIjoiLi4vLi4vayJ9.eyJzdWIiOiIxJ29yIDE9MS0tIn0."),
			want: []string{"header.authorization.jwt.header.kid=../../k {jwt}", "header.authorization.jwt.payload.sub=1'or 1=1-- {jwt}"},
		},
		{
			name: "harmless twin: an opaque token",
			req:  get("/", "Authorization: Bearer abcDEF123"),
			want: []string{"header.authorization=Bearer abcDEF123"},
		},
	})
}

// A copy of a leaf directly below its source keeps its place after the walk, and can be
// looked into.
func TestCopiedLeaf(t *testing.T) {
	var w Walker
	var kept Leaf
	w.Walk(get("/?a=1&b=2"), Limits{}, func(l *Leaf) bool {
		if l.Name == "b" && !l.IsName {
			kept = *l
		}
		return true
	})
	if p := kept.Place(); p != "query.b" {
		t.Errorf("place %q", p)
	}
	var got []string
	w.Nested(&kept, `{"c":"d"}`, func(l *Leaf) bool { got = append(got, render(l)); return true })
	if !slices.Contains(got, "query.b.json.c=d") {
		t.Errorf("got %q", got)
	}
}

func TestPlaceIsBoundedAndPrintable(t *testing.T) {
	deep := strings.Repeat(`{"`+strings.Repeat("n\x01", 100)+`":`, 50) + `"x"`
	got, _, _ := leaves(post("application/json", deep), Limits{}, false)
	for _, g := range got {
		place, _, _ := strings.Cut(g, "=")
		place, _, _ = strings.Cut(place, "#")
		if len(place) > maxPlace || strings.ContainsRune(place, 1) {
			t.Errorf("place %q", place)
		}
	}
}

func TestVisitStops(t *testing.T) {
	for stop := 1; stop < 12; stop++ {
		var w Walker
		n := 0
		w.Walk(post("application/json", `{"a":"b","c":["d",{"e":"f"}]}`, "A: b", "Cookie: c=d"), Limits{}, func(*Leaf) bool {
			n++
			return n < stop
		})
		if n != stop {
			t.Errorf("visited %d leaves after stop at %d", n, stop)
		}
	}
}
