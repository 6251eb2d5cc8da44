package extract

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

const formType = "application/x-www-form-urlencoded"

func TestForm(t *testing.T) {
	run(t, []shape{
		{
			name: "values and names as sent",
			req:  post(formType, "id=1%27--&%27or=1&name=O%27Brien"),
			want: []string{"body.form#id", "body.form.id=1%27--", "body.form#%27or=1", "body.form.name=O%27Brien"},
		},
		{
			name: "undeclared",
			req:  post("", "id=1%27--&x=y"),
			want: []string{"body.form.id=1%27--"},
		},
		{
			name: "wrongly declared",
			req:  post("image/png", "id=1%27--&x=y"),
			want: []string{"body.form.id=1%27--"},
		},
		{
			name: "PUT",
			req:  withMethod("PUT", post(formType, "id=1'--")),
			want: []string{"body.form.id=1'--"},
		},
		{
			name: "text declared as a form is handed out whole as well",
			req:  post(formType, "1' or 1=1--"),
			want: []string{"body=1' or 1=1--"},
		},
		{
			name: "harmless twin: a real form is not",
			req:  post(formType, "a=b&c=d"),
			not:  []string{"body=a=b&c=d"},
		},
		{
			name: "a parameter inside clean JSON that is declared as a form",
			req:  post(formType, `{"a":"b&id=1'--&c"}`),
			want: []string{"body.json.a=b&id=1'--&c", "body.form.id=1'--"},
			not:  []string{`body.form#{"a":"b`},
		},
		{
			name: "a name that no parser gives meaning to: alone, and with what follows",
			req:  post(formType, "%3Cb%3E=1&<i x=2>"),
			want: []string{"body.form#%3Cb%3E", "body.form#%3Cb%3E=1", "body.form#<i x=2>"},
		},
		{
			name: "plain text is one value",
			req:  post("text/plain", "Select the best option from the menu"),
			want: []string{"body=Select the best option from the menu"},
		},
		{
			name: "a percent-encoded EBCDIC form, as ASP.NET reads it",
			req:  post(formType+"; charset=ibm037", "%89%84=%F1%7D%60%60"), // id=1'--
			want: []string{"body.form.id=1'-- {percent,ibm037}"},
		},
		{
			name: "the query of a request that declares EBCDIC",
			req:  withTarget("/?%89%84=%F1%7D%60%60", post(formType+"; charset=ibm037", "x")),
			want: []string{"query.id=1'-- {percent,ibm037}"},
		},
		{
			name: "harmless twin: declared UTF-8",
			req:  post(formType+"; charset=utf-8", "id=%C3%A9"),
			want: []string{"body.form.id=%C3%A9"},
		},
		{
			name: "_charset_ names the charset",
			req:  post(formType, "_charset_=ibm500&id=%F1%7D%60%60"),
			want: []string{"body.form.id=1'-- {percent,ibm500}"},
		},
	})
}

func withTarget(target string, r *shapeRequest) *shapeRequest {
	r.Target = target
	return r
}

// FuzzForm holds the split on '&' and '=' to net/url, and every byte of a form to be in
// some leaf.
func FuzzForm(f *testing.F) {
	f.Add("a=b&c=d%20e&a=f")
	f.Add("=&==&a&&b=")
	f.Add("a;b=c;d")
	f.Fuzz(func(t *testing.T, text string) {
		var w Walker
		w.reset(Limits{}, nil)
		w.at(0, "form")
		var names, values, texts []string
		w.visit = func(l *Leaf) bool {
			if l.IsName {
				names = append(names, l.Text)
			} else {
				values = append(values, l.Name+"="+l.Text)
			}
			texts = append(texts, l.Text)
			return true
		}
		w.pairs(text)
		for _, p := range strings.FieldsFunc(text, func(r rune) bool { return r == '&' || r == '=' }) {
			if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, p) }) {
				t.Fatalf("%q of %q is in no leaf", p, text)
			}
		}
		want, err := url.ParseQuery(text)
		if err != nil || strings.Contains(text, "query") {
			return
		}
		for name, vs := range want {
			for _, v := range vs {
				if v != "" && !slices.ContainsFunc(values, func(s string) bool {
					n, got, _ := strings.Cut(s, "=")
					n, _ = url.QueryUnescape(n)
					got, _ = url.QueryUnescape(got)
					return n == name && got == v
				}) && !strings.Contains(name, "=") {
					t.Fatalf("%q: %q=%q is missing in %q", text, name, v, values)
				}
			}
		}
	})
}
