package extract

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kongwaf/detect"
)

// split returns the request with all but the first bytes of its body in Rest.
func split(r *detect.Request, held int) *detect.Request {
	if len(r.Body) <= held {
		return r
	}
	s := *r
	s.Body, s.BodyTruncated = r.Body[:held:held], true
	s.Rest = io.NewSectionReader(bytes.NewReader(r.Body), int64(held), int64(len(r.Body)-held))
	return &s
}

// distinct walks a request and returns its distinct leaves, but for those longer than most.
func distinct(r *detect.Request, lim Limits, most int) (map[string]bool, *Walker, bool) {
	w := new(Walker)
	got := map[string]bool{}
	truncated := w.Walk(r, lim, func(l *Leaf) bool {
		switch {
		case len(l.Text) > most:
		case l.IsName: // handed out where it occurs first
			got["#"+strings.Clone(l.Text)] = true
		default:
			got[strings.Clone(render(l))] = true
		}
		return true
	})
	return got, w, truncated
}

// missing returns what is in a and not in b.
func missing(a, b map[string]bool) (not []string) {
	for s := range a {
		if !b[s] {
			not = append(not, s)
		}
	}
	slices.Sort(not)
	return not[:min(len(not), 5)]
}

// document writes a body of the given format that has about n bytes and no value longer than
// longest, with all that its reader must not be led astray by.
func document(rnd *rand.Rand, format string, n, longest int) (contentType, body string) {
	var b strings.Builder
	id := 0
	word := func() string {
		id++
		const letters = `abcdefgh <>&="'-/\n é?%;,:{}[]`
		w := fmt.Sprintf("v%d", id)
		for range rnd.IntN(longest - 8) {
			w += string(letters[rnd.IntN(12)])
		}
		return w
	}
	switch format {
	case "json":
		b.WriteString("[")
		for b.Len() < n {
			switch rnd.IntN(4) {
			case 0:
				fmt.Fprintf(&b, `{"n%d":%q,"m":[1.5,true,%q]},`, id%50, word(), word())
			case 1:
				fmt.Fprintf(&b, "%q , \n", strings.Repeat(`\"`, rnd.IntN(longest))+word())
			case 2:
				fmt.Fprintf(&b, `{"deep":{"er":[[%q]]}}%s,`, word(), strings.Repeat(" ", rnd.IntN(100)))
			case 3:
				b.WriteString("-12.75e3,\n  null,")
			}
		}
		b.WriteString(`"end"]`)
		return "application/json", b.String()
	case "form":
		for b.Len() < n {
			fmt.Fprintf(&b, "n%d=%s&", id%70, strings.NewReplacer("&", "%26", ";", "").Replace(word()))
		}
		b.WriteString("end=end")
		return "application/x-www-form-urlencoded", b.String()
	case "multipart":
		for b.Len() < n {
			fmt.Fprintf(&b, "--xYz\r\nContent-Disposition: form-data; name=\"n%d\"", id%60)
			if rnd.IntN(3) == 0 {
				fmt.Fprintf(&b, "; filename=\"f%d.txt\"", id)
			}
			fmt.Fprintf(&b, "\r\n\r\n%s\r\n--xY", word())
			b.WriteString("\r\n")
		}
		b.WriteString("--xYz\r\nContent-Disposition: form-data; name=\"end\"\r\n\r\nend\r\n--xYz--\r\n")
		return "multipart/form-data; boundary=xYz", b.String()
	}
	b.WriteString(`<?xml version="1.0"?><root>`)
	escape := strings.NewReplacer("<", "&lt;", "&", "&amp;", `"`, "&quot;", "]]>", "")
	for b.Len() < n {
		switch rnd.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "<a%d b = \"%s>\" c='>'>%s</a%d>", id%40, escape.Replace(word()), escape.Replace(word()), id%40)
		case 1:
			fmt.Fprintf(&b, "<x>%s<!-- > < %d --><![CDATA[<q>]]></x>", escape.Replace(word()), id)
		case 2:
			fmt.Fprintf(&b, "<y z='%d'/>\n  ", id)
		case 3:
			fmt.Fprintf(&b, "<t>%s</t >", escape.Replace(word()))
		}
	}
	return "application/xml", b.String() + "<end>end</end></root>"
}

// TestWindowsHideNothing reads bodies whole and in windows: the same values and names must
// come out, at the same places.
func TestWindowsHideNothing(t *testing.T) {
	const held = 8 << 10
	for _, format := range []string{"json", "form", "multipart", "xml"} {
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			longest := 2 * held / edges
			contentType, body := document(rnd, format, 10*held+rnd.IntN(held), longest/4)
			r := post(contentType, body)
			lim := Limits{MaxBody: len(body)}
			whole, _, truncated := distinct(r, lim, longest)
			if truncated || len(whole) < 100 {
				t.Fatalf("%s: %d leaves, truncated %v", format, len(whole), truncated)
			}
			lim.MaxBody = held
			parts, w, truncated := distinct(split(r, held), lim, longest)
			if truncated || w.Skipped() != 0 {
				t.Errorf("%s, seed %d: truncated %v, skipped %d", format, seed, truncated, w.Skipped())
			}
			if not := missing(whole, parts); not != nil {
				t.Errorf("%s, seed %d: lost %q", format, seed, not)
			}
			if not := missing(parts, whole); not != nil {
				t.Errorf("%s, seed %d: made up %q", format, seed, not)
			}
		}
	}
}

// TestLongThings hides values behind and at the ends of things that are longer than a
// window, at every distance from its border.
func TestLongThings(t *testing.T) {
	const held = 4 << 10 // and a window
	for _, row := range []struct {
		name, contentType, before, long, behind string
		want, end                               string // of what stands behind the long thing and at its end
	}{
		{
			name: "json string", contentType: "application/json", before: `{"a":["x"],"b":["`, long: `ab\\\"`, behind: `tail"],"c":"v"}`,
			want: "body.json.c=v", end: "tail",
		},
		{
			name: "json name", contentType: "application/json", before: `{"a":"x","`, long: "ab", behind: `":"y","c":"v"}`,
			want: "body.json.c=v",
		},
		{
			name: "json comment", contentType: "application/json", before: `{"a":"x",/*`, long: "ab'", behind: `*/"c":"v"}`,
			want: "body.json.c=v",
		},
		{
			name: "json blanks", contentType: "application/json", before: `{"a":"x",`, long: "\n    ", behind: `"c":"v"}`,
			want: "body.json.c=v",
		},
		{
			name: "json backslashes", contentType: "application/json", before: `["`, long: `\\`, behind: `-tail","v"]`,
			want: "body.json[1]=v", end: "tail",
		},
		{
			name: "form value", contentType: "application/x-www-form-urlencoded", before: "a=x&b=", long: "ab%20", behind: "tail&c=v",
			want: "body.form.c=v", end: "tail",
		},
		{
			name: "form name", contentType: "application/x-www-form-urlencoded", before: "a=x&", long: "ab", behind: "=y&c=v",
			want: "body.form.c=v",
		},
		{
			name: "form that looks like json", contentType: "application/x-www-form-urlencoded", before: `{"a":"`, long: "ab", behind: `"}&c=v`,
			want: "body.form.c=v",
		},
		{
			name: "file", contentType: "multipart/form-data; boundary=XX",
			before: "--XX\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\n", long: "\x01\r\n--X", behind: "tail, long enough to tail\r\n--XX\r\nContent-Disposition: form-data; name=c\r\n\r\nv\r\n--XX--",
			want: "body.multipart.c=v", end: "tail",
		},
		{
			name: "text before the parts", contentType: "multipart/form-data; boundary=XX", before: "", long: "ab\n",
			behind: "--XX\r\nContent-Disposition: form-data; name=c\r\n\r\nv\r\n--XX--", want: "body.multipart.c=v",
		},
		{
			name: "xml text", contentType: "text/xml", before: "<r><a>x</a><b>", long: "ab&lt;", behind: "tail</b><c>v</c></r>",
			want: "body.xml.r.c=v", end: "tail",
		},
		{
			name: "xml comment", contentType: "text/xml", before: "<r><!-- ", long: "<d>-", behind: "tail--><c>v</c></r>",
			want: "body.xml.r.c=v", end: "tail",
		},
		{
			name: "xml cdata", contentType: "text/xml", before: "<r><b><![CDATA[", long: "<d>]", behind: "tail]]></b><c>v</c></r>",
			want: "body.xml.r.c=v", end: "tail",
		},
		{
			name: "xml attribute", contentType: "text/xml", before: "<r><b e='", long: "<d>", behind: "'/><c>v</c></r>",
		},
		{
			name: "xml elements of one text", contentType: "text/xml", before: "<r><b>", long: "<!--x-->y", behind: "tail</b><c>v</c></r>",
			want: "body.xml.r.c=v", end: "tail",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			for size := 5 * held; size < 6*held; size += 61 {
				for _, held := range []int{held, held + 1<<10, held + 1021} {
					body := row.before + strings.Repeat(row.long, size/len(row.long)) + row.behind
					found, ended := row.want == "", false
					var w Walker
					w.Walk(split(post(row.contentType, body), held), Limits{MaxBody: held}, func(l *Leaf) bool {
						found = found || render(l) == row.want
						ended = ended || strings.HasSuffix(l.Text, row.end)
						return true
					})
					if !found || !ended {
						t.Fatalf("size %d: found %v, end %v", size, found, ended)
					}
				}
			}
		})
	}
}

// TestLongValuesBehindWhatIsHeld puts a value of nearly a window where the body is no longer held
// as a whole, and across that mark: all of it comes out.
func TestLongValuesBehindWhatIsHeld(t *testing.T) {
	const held = 8 << 10
	half := strings.Repeat("x", held/2-200)
	for _, row := range []struct{ name, contentType, before, between, after string }{
		{"json", "application/json", `{"a":[`, `1],"b":"`, `"}`},
		{"form", formType, "a=", "&b=", "&c=d"},
		{"multipart", "multipart/form-data; boundary=q", "--q\r\nContent-Disposition: form-data; name=a\r\n\r\n",
			"\r\n--q\r\nContent-Disposition: form-data; name=b\r\n\r\n", "\r\n--q--\r\n"},
		{"xml", "text/xml", "<r><a>", "</a><b>", "</b></r>"},
	} {
		fill := "1,"
		for lead := held / 2; lead < 3*held; lead += 517 {
			body := row.before + strings.Repeat(fill, lead/len(fill)) + row.between + half + "needle" + half + row.after
			seen := false
			var w Walker
			w.Walk(split(post(row.contentType, body), held), Limits{MaxBody: held}, func(l *Leaf) bool {
				seen = seen || strings.Contains(l.Text, "needle")
				return true
			})
			if !seen {
				t.Errorf("%s: the middle of a value behind %d bytes was passed over", row.name, lead)
			}
		}
	}
}

// TestSkippedIsSaid holds what is passed over against what is reported.
func TestSkippedIsSaid(t *testing.T) {
	const held = 4 << 10
	for _, row := range []struct {
		name, contentType, body string
		skipped                 int64 // within an edge or two
	}{
		{"plain text", "text/plain", strings.Repeat("word ", 4000), 20000 - held},
		{"a long string", "application/json", `{"a":"` + strings.Repeat("x", 20000) + `"}`, 20000 - 2*held},
		{"short strings", "application/json", "[" + strings.Repeat(`"x'y",`, 4000) + "1]", 0},
		{"a file", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\n" + strings.Repeat("x", 20000) + "\r\n--b--", 20000 - 2*held/edges},
	} {
		_, w, truncated := distinct(split(post(row.contentType, row.body), held), Limits{MaxBody: held}, 0)
		const edge = held / edges
		if d := w.Skipped() - row.skipped; d > 2*edge || d < -2*edge || truncated != (row.skipped > 0) {
			t.Errorf("%s: skipped %d, want about %d; truncated %v", row.name, w.Skipped(), row.skipped, truncated)
		}
	}
}

// FuzzWindows reads anything in windows, in every format that can be: it ends, nothing is read
// that is not there, and what is short comes out like what is whole where nothing was skipped
// and the body is well-formed.
func FuzzWindows(f *testing.F) {
	types := []string{"application/json", formType, "text/xml", "multipart/form-data; boundary=b", ""}
	f.Add(byte(0), `{"a":["b\"",{"c":1e5,'d':e /* f */}],"g":"h"} // i`)
	f.Add(byte(1), "a=b&c=%20d&&e&=f;g=h")
	f.Add(byte(2), "<a b='c>' d=e><!-- f > --><![CDATA[g]]>&lt;<h/><i></a>")
	f.Add(byte(3), "x--b\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc\r\n--b\n\nd\n--b--\ne")
	f.Add(byte(4), "\xef\xbb\xbf{\"a\":\"b\"}")
	f.Fuzz(func(t *testing.T, kind byte, body string) {
		if len(body) > 1<<14 {
			return
		}
		const held = 64
		r := post(types[int(kind)%len(types)], body)
		w := new(Walker)
		w.Walk(split(r, held), Limits{MaxBody: held, MaxUnpacked: 1 << 16}, func(l *Leaf) bool {
			_ = l.Place()
			if l.Passing && len(l.Text) > 2*held {
				t.Fatalf("%d bytes at once", len(l.Text))
			}
			return true
		})
		if n := w.Skipped(); n < 0 || n > int64(8*len(body))+1<<16 {
			t.Fatalf("%d bytes skipped of %d", n, len(body))
		}
	})
}
