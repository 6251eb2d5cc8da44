package keyauth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQueryValues(t *testing.T) {
	for _, tc := range []struct {
		name, query string
		want        []string
	}{
		{name: "plain", query: "a=1&apikey=k&b=2", want: []string{"k"}},
		{name: "the name may be encoded", query: "%61pikey=k", want: []string{"k"}},
		{name: "the value may be encoded", query: "apikey=%6b+x", want: []string{"k x"}},
		{name: "malformed encoding stays as it is", query: "apikey=%zz%6b%", want: []string{"%zzk%"}},
		{name: "another name's end is not the name", query: "myapikey=k"},
		{name: "case matters in a query", query: "APIKEY=k"},
		{name: "without a value it is no key", query: "apikey", want: []string{noValue}},
		{name: "empty", query: "apikey=", want: []string{""}},
		{name: "twice", query: "apikey=a&apikey=b", want: []string{"a", "b"}},
		{name: "nothing", query: ""},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, queryValues(tc.query, "apikey")) })
	}
}

func TestBodyFields(t *testing.T) {
	const multipart = "--b\r\nContent-Disposition: form-data; name=\"apikey\"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"
	for _, tc := range []struct {
		name, kind, body string
		want             []string
		without          string
	}{
		{name: "form", kind: "application/x-www-form-urlencoded", body: "a=%31&apikey=k&b", want: []string{"k"}, without: "a=%31&b"},
		{name: "form, the key alone", kind: "application/x-www-form-urlencoded", body: "apikey=k", want: []string{"k"}, without: ""},
		{name: "form, twice", kind: "application/x-www-form-urlencoded", body: "apikey=k&x=1&apikey=l", want: []string{"k", "l"}, without: "x=1"},
		{name: "JSON, first", kind: "application/json", body: `{"apikey":"k", "a":{"b":[1]}}`, want: []string{"k"}, without: `{"a":{"b":[1]}}`},
		{name: "JSON, last", kind: "application/json; charset=utf-8", body: `{ "a" : 1.50, "apikey" : "\u006b" }`, want: []string{"k"}, without: `{"a" : 1.50}`},
		{name: "JSON, the last of equal names counts, all are cut", kind: "application/json", body: `{"apikey":"x","apikey":"k","c":1}`, want: []string{"k"}, without: `{"c":1}`},
		{name: "JSON, a number is no key", kind: "application/json", body: `{"apikey":5}`, want: []string{noValue}, without: `{}`},
		{name: "JSON, an array is a duplicate", kind: "application/json", body: `{"apikey":["k"]}`, want: []string{noValue, noValue}, without: `{}`},
		{name: "JSON, not an object", kind: "application/json", body: `["apikey"]`},
		{name: "JSON, broken", kind: "application/json", body: `{"apikey":"k"`},
		{name: "JSON, declared as a form", kind: "application/x-www-form-urlencoded", body: `{"apikey":"k"}`},
		{name: "multipart", kind: `multipart/form-data; boundary="b"`, body: multipart, want: []string{"k"}, without: multipart[strings.Index(multipart, "--b\r\nContent-Disposition: form-data; name=\"a\""):]},
		{name: "multipart without a boundary", kind: "multipart/form-data", body: multipart},
		{name: "no type", kind: "", body: "apikey=k"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fields := fieldsOf(tc.kind, tc.body)
			require.Equal(t, tc.want, fields.values("apikey"))
			if tc.want != nil {
				require.Equal(t, tc.without, string(fields.without("apikey")))
			}
		})
	}
}

func FuzzBodyFields(f *testing.F) {
	f.Add("application/json", `{"apikey":"k","a":[1,{"b":2}]}`)
	f.Add("application/x-www-form-urlencoded", "a=1&apikey=k")
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"apikey\"\r\n\r\nk\r\n--b--")
	f.Fuzz(func(t *testing.T, kind, body string) {
		fields := fieldsOf(kind, body)
		if len(fields.values("apikey")) == 0 {
			return
		}
		// What is cut out is gone, and what remains can be read again.
		rest := string(fields.without("apikey"))
		if again := fieldsOf(kind, rest); len(again.values("apikey")) > 0 {
			t.Errorf("the key is still in %q", rest)
		}
	})
}
