package attack

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kongwaf/detect"
)

// specimen is an input of the search: a text of repeated and nested fragments, packed, in a
// request.
type specimen struct {
	fragments []string // repeated in turn
	closing   string   // repeated behind them: what the fragments open
	packing   int
	shape     int
}

var packings = [...]struct {
	name string
	pack func(string) string
}{
	{name: "as it is", pack: func(s string) string { return s }},
	{name: "percent", pack: url.QueryEscape},
	{name: "percent twice", pack: func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{name: "references", pack: html.EscapeString},
	{name: "base64", pack: func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{name: "base64 of gzip", pack: func(s string) string { return base64.StdEncoding.EncodeToString([]byte(zipped(s, 1))) }},
	{name: "JSON string", pack: func(s string) string { quoted, _ := json.Marshal(s); return string(quoted) }},
	{name: "UTF-16", pack: utf16le},
}

var wholes = [...]struct {
	name  string
	build func(text string) *detect.Request
}{
	{name: "text", build: func(text string) *detect.Request { return post("text/plain", text) }},
	{name: "form", build: func(text string) *detect.Request { return post(formType, text) }},
	{name: "form value", build: func(text string) *detect.Request { return post(formType, "a="+url.QueryEscape(text)) }},
	{name: "JSON string", build: func(text string) *detect.Request {
		quoted, _ := json.Marshal(text)
		return post(jsonType, `{"a":`+string(quoted)+`}`)
	}},
	{name: "JSON", build: func(text string) *detect.Request { return post(jsonType, text) }},
	{name: "JSON strings", build: func(text string) *detect.Request {
		var b strings.Builder
		for len(text) > 0 {
			n := min(len(text), 100)
			quoted, _ := json.Marshal(text[:n])
			b.Write(quoted)
			b.WriteByte(',')
			text = text[n:]
		}
		return post(jsonType, "["+b.String()+"1]")
	}},
	{name: "XML", build: func(text string) *detect.Request { return post(xmlType, text) }},
	{name: "XML text", build: func(text string) *detect.Request { return post(xmlType, "<a>"+html.EscapeString(text)+"</a>") }},
	{name: "multipart", build: func(text string) *detect.Request {
		return post("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n"+text+"\r\n--x--\r\n")
	}},
	{name: "gzip", build: func(text string) *detect.Request { return post("text/plain", zipped(text, 1)) }},
	{name: "GraphQL", build: func(text string) *detect.Request { return post("application/graphql", text) }},
	{name: "YAML", build: func(text string) *detect.Request { return post("application/yaml", text) }},
	{name: "no type", build: func(text string) *detect.Request { return post("", text) }},
	{name: "query", build: func(text string) *detect.Request { return get("/?a=" + url.QueryEscape(text)) }},
	{name: "path", build: func(text string) *detect.Request { return get("/" + text) }},
	{name: "cookie", build: func(text string) *detect.Request { return get("/", "Cookie", text) }},
	{name: "header", build: func(text string) *detect.Request { return get("/", "X-Name", text) }},
}

func (s *specimen) build(size int) *detect.Request {
	once := strings.Join(s.fragments, "")
	n := max(1, size/max(1, len(once)+len(s.closing)))
	text := strings.Repeat(once, n) + strings.Repeat(s.closing, n)
	return wholes[s.shape].build(packings[s.packing].pack(text))
}

// packs reports whether the text is compressed.
func (s *specimen) packs() bool {
	return strings.Contains(packings[s.packing].name, "gzip") || wholes[s.shape].name == "gzip"
}

func (s *specimen) String() string {
	return fmt.Sprintf("%s, %s: %q %q", wholes[s.shape].name, packings[s.packing].name, s.fragments, s.closing)
}

// keywords of the languages, beside the pieces that are dear by themselves.
var keywords = strings.Fields("select union from where and or not null like in between case when then end insert into values update set delete drop " +
	"script svg onload onerror style src href iframe math object data javascript alert eval function return var let new this window document " +
	"cat id wget curl bash sh python exec system passthru import os subprocess process require child_process java lang Runtime getRuntime " +
	"__proto__ constructor prototype file http https ldap jndi gopher dict php ENTITY DOCTYPE SYSTEM CDATA xinclude include echo cmd " +
	"$ne $gt $where $regex query mutation fragment __schema __typename objectClass uid text node position count etc passwd proc self environ windows win.ini")

var closers = [...]string{"", "", "", ")", "]", "}", ">", "'", "\"", "`", "</a>", "-->", "]]>", "*/", "%>", "}}", "?>", "\n"}

func (s *specimen) mutate(r *rand.Rand, other *specimen) specimen {
	c := *s
	c.fragments = slices.Clone(s.fragments)
	for range 1 + r.IntN(3) {
		i := r.IntN(len(c.fragments))
		switch r.IntN(12) {
		case 0:
			c.fragments[i] = pieces[r.IntN(len(pieces))]
		case 1:
			c.fragments = slices.Insert(c.fragments, i, pieces[r.IntN(len(pieces))])
		case 2:
			c.fragments = slices.Insert(c.fragments, i, keywords[r.IntN(len(keywords))])
		case 3:
			if len(c.fragments) > 1 {
				c.fragments = slices.Delete(c.fragments, i, i+1)
			}
		case 4:
			c.fragments = slices.Insert(c.fragments, i, other.fragments[r.IntN(len(other.fragments))])
		case 5:
			c.fragments = slices.Insert(c.fragments, i, string(rune(r.IntN(128))))
		case 6:
			f := []byte(c.fragments[i])
			f[r.IntN(len(f))] = byte(r.IntN(128))
			c.fragments[i] = string(f)
		case 7:
			if f := c.fragments[i]; len(f) > 1 {
				k := r.IntN(len(f))
				c.fragments[i] = f[:k] + f[k+1:]
			}
		case 8:
			c.closing = closers[r.IntN(len(closers))]
		case 9:
			c.packing = r.IntN(len(packings))
		case 10:
			c.shape = r.IntN(len(wholes))
		case 11:
			c.fragments = slices.Insert(c.fragments, i, []string{" ", "\n", "\r\n", "\t", "a", "1", "=", ",", "\u3000", "\x00"}[r.IntN(10)])
		}
	}
	c.fragments = c.fragments[:min(len(c.fragments), 6)]
	return c
}

type measured struct {
	specimen
	score float64
}

// TestSearchDear looks for dear inputs: SEARCH=1h by work counted for each byte sent, and with
// SEARCH_BY=time by time for each unit of work, which shows what is not counted.
func TestSearchDear(t *testing.T) {
	limit, err := time.ParseDuration(os.Getenv("SEARCH"))
	if err != nil {
		t.Skip("SEARCH is not set to a time")
	}
	by := os.Getenv("SEARCH_BY")
	seed, _ := strconv.ParseUint(os.Getenv("SEARCH_SEED"), 10, 64)
	r := rand.New(rand.NewPCG(seed, 1))
	const size, keep = 32 << 10, 200
	measure := func(s *specimen) float64 {
		if s.packs() && by != "packed" {
			return 0 // each reaches its budget: the floor is for them
		}
		request := s.build(size)
		engine := newEngine(t, Options{})
		_, x := engine.Explain(request)
		if by == "" {
			return float64(x.Spent) / float64(x.Sent+size/8)
		}
		best := time.Hour
		for range 3 {
			start := time.Now()
			engine.Inspect(request)
			best = min(best, time.Since(start))
		}
		if by == "unit" {
			return float64(best) / float64(x.Spent+size)
		}
		return float64(best) / float64(x.Sent+size/8)
	}
	var all []measured
	seen := map[string]bool{}
	add := func(s specimen) {
		if key := s.String(); !seen[key] {
			seen[key] = true
			all = append(all, measured{specimen: s, score: measure(&s)})
		}
	}
	for _, piece := range pieces {
		for shape := range 4 {
			add(specimen{fragments: []string{piece}, shape: shape})
		}
	}
	trim := func() {
		slices.SortFunc(all, func(a, b measured) int { return cmp.Compare(b.score, a.score) })
		all = all[:min(len(all), keep)]
	}
	trim()
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for range 100 {
			// The dearest are chosen more often.
			i := int(float64(len(all)) * r.Float64() * r.Float64())
			child := all[i].mutate(r, &all[r.IntN(len(all))].specimen)
			add(child)
		}
		trim()
	}
	for i := range all[:min(len(all), 60)] {
		t.Logf("%6.1f %s", all[i].score, &all[i].specimen)
	}
	t.Logf("%d inputs", len(seen))
}

// FuzzWork holds that the work on an input grows as the input does, whatever it repeats and in
// what it is packed, and that a request which spends its budget is blocked for that.
func FuzzWork(f *testing.F) {
	for i, piece := range pieces {
		f.Add(piece, closers[i%len(closers)], uint8(i%len(packings)), uint8(i%len(wholes)))
	}
	f.Fuzz(func(t *testing.T, piece, closing string, packing, shape uint8) {
		if piece == "" || len(piece)+len(closing) > 200 {
			return
		}
		s := specimen{fragments: []string{piece}, closing: closing, packing: int(packing) % len(packings), shape: int(shape) % len(wholes)}
		e := newEngine(t, Options{})
		judge := func(size int) (perByte float64, spent bool) {
			report, x := e.Explain(s.build(size))
			if spent = errors.Is(report.Failure, ErrSpent); spent && !report.Blocked {
				t.Fatalf("%s: spent, and not blocked", &s)
			}
			return float64(x.Spent) / float64(x.Sent), spent
		}
		small, spent := judge(8 << 10)
		large, spentToo := judge(64 << 10)
		if !s.packs() && !spent && !spentToo && large > 2*small+16 {
			t.Fatalf("%s: %.1f bytes read a byte at 8 KB, %.1f at 64 KB", &s, small, large)
		}
	})
}
