package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/reputation"
	"kongwaf/kong/events"
)

// fakeLists are lists without rules.
type fakeLists struct {
	all  []reputation.Entry
	fail error
}

func (f *fakeLists) Entries() []reputation.Entry { return f.all }

func (f *fakeLists) Add(e reputation.Entry) error {
	e.Manual, e.Since, e.Changed, e.Node = true, now, now, "n1"
	if err := e.Validate(); err != nil {
		return err
	}
	if f.fail == nil {
		f.all = append(f.all, e)
	}
	return f.fail
}

func (f *fakeLists) Remove(c reputation.Client) bool {
	for i := range f.all {
		if f.all[i].Client == c {
			f.all = append(f.all[:i], f.all[i+1:]...)
			return true
		}
	}
	return false
}

// listsRig is a console with lists, and what it changes by.
func listsRig(t *testing.T, change func(*Options)) (*rig, *fakeLists) {
	t.Helper()
	lists := &fakeLists{}
	return newRig(t, func(o *Options) {
		o.Local, o.Lists = true, lists
		if change != nil {
			change(o)
		}
	}), lists
}

// send sends a change with the headers of a program, more headers over them.
func (r *rig) send(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	request.Host = "127.0.0.1:9542"
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	return w
}

var program = []string{"X-Kong-WAF", "1", "Content-Type", "application/json"}

const denial = `{"client":"203.0.113.9","list":"deny","reason":"scans","for":"24h"}`

func TestListsAPI(t *testing.T) {
	r, lists := listsRig(t, nil)
	require.Equal(t, http.StatusNoContent, r.send("POST", "/api/lists", denial, program...).Code)
	require.Len(t, lists.all, 1)
	require.Equal(t, now.Add(24*time.Hour), lists.all[0].Until)
	var answer listsAnswer
	w := r.get("http://127.0.0.1/api/lists?list=deny&q=scan")
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Equal(t, 1, answer.Total)
	require.Equal(t, "scans", answer.Entries[0].Reason)
	require.JSONEq(t, `{"entries":[],"total":0}`, r.get("http://127.0.0.1/api/lists?list=grey").Body.String())
	require.Equal(t, http.StatusNoContent, r.send("DELETE", "/api/lists?client=203.0.113.9", "", program...).Code)
	require.Equal(t, http.StatusNotFound, r.send("DELETE", "/api/lists?client=203.0.113.9", "", program...).Code)
	for body, want := range map[string]string{
		`{"client":"x","list":"deny"}`: "client: ", `{"client":"10.0.0.1","list":"black"}`: "list: ", `{"client":"10.0.0.1","list":"deny","for":"soon"}`: "for: ",
		`{"client":"10.0.0.1","list":"deny","for":"-1h"}`: "for: ", `{"client":"10.0.0.1","list":"deny","for":"99999d"}`: "for: ",
		`{"client":"10.0.0.1","list":"deny","reason":"` + strings.Repeat("x", 129) + `"}`: "reason: longer",
		`{"client":"10.0.0.1","list":"deny","reason":"a\u001b[2J"}`:                       "reason: not plain",
		`{"cleint":"10.0.0.1"}`: `unknown field "cleint"`, `[`: "no JSON", ``: "no JSON", `{"client":"` + strings.Repeat("9", 1<<20) + `"}`: "no JSON",
	} {
		w := r.send("POST", "/api/lists", body, program...)
		require.Equal(t, http.StatusBadRequest, w.Code, body[:min(len(body), 60)])
		require.Contains(t, w.Body.String(), want)
		require.Less(t, w.Body.Len(), 600)
	}
	lists.fail = reputation.ErrFull
	require.Equal(t, http.StatusInsufficientStorage, r.send("POST", "/api/lists", denial, program...).Code)
}

// TestNobodyElseChangesLists: not a page of another origin by the hands of somebody who may,
// not one whose name was pointed here, not who may only look. Beside each, the twin that may.
func TestNobodyElseChangesLists(t *testing.T) {
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	local := func(*Options) {}
	token := func(o *Options) { o.Token = "s3cret" }
	for _, tc := range []struct {
		name    string
		options func(*Options)
		headers []string
		status  int
	}{
		{name: "a program", headers: program, status: 204},
		{name: "no header of ours: a form of any page can be sent like this", headers: []string{"Content-Type", "text/plain"}, status: 403},
		{name: "JSON as text, which needs no question before", headers: []string{"X-Kong-WAF", "1", "Content-Type", "text/plain"}, status: 415},
		{name: "another origin", headers: append([]string{"Origin", "https://evil.example"}, program...), status: 403},
		{name: "the own origin", headers: append([]string{"Origin", "http://127.0.0.1:9542"}, program...), status: 204},
		{name: "a page in a sandbox", headers: append([]string{"Origin", "null"}, program...), status: 403},
		{name: "another port of this machine", headers: append([]string{"Origin", "http://127.0.0.1:8000"}, program...), status: 403},
		{name: "cross-site, says the browser", headers: append([]string{"Sec-Fetch-Site", "cross-site"}, program...), status: 403},
		{name: "same site is not same origin", headers: append([]string{"Sec-Fetch-Site", "same-site"}, program...), status: 403},
		{name: "same origin, says the browser", headers: append([]string{"Sec-Fetch-Site", "same-origin"}, program...), status: 204},
		{name: "a name that was pointed here", headers: append([]string{"Host", "evil.example", "Origin", "http://evil.example"}, program...), status: 421},
		{name: "a token is wanted", options: token, headers: program, status: 401},
		{name: "the token", options: token, headers: append([]string{"Authorization", "Bearer s3cret"}, program...), status: 204},
		{name: "others reach it, by TLS alone", options: func(o *Options) { o.Local = false }, headers: program, status: 403},
		{name: "others reach it, with the token", options: func(o *Options) { o.Local = false; o.Token = "s3cret" }, headers: append([]string{"Authorization", "Bearer s3cret"}, program...), status: 204},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.options == nil {
				tc.options = local
			}
			r, lists := listsRig(t, tc.options)
			require.Equal(t, tc.status, r.send("POST", "/api/lists", denial, tc.headers...).Code)
			require.Equal(t, tc.status == 204, len(lists.all) == 1)
			lists.all = []reputation.Entry{{Client: reputation.Consumer("ann"), List: reputation.Deny}}
			code := r.send("DELETE", "/api/lists?client=consumer:ann", "", tc.headers...).Code
			if tc.status != 415 { // nothing is sent with it
				require.Equal(t, tc.status, code)
			}
		})
	}
	t.Run("a form without the page's token", func(t *testing.T) {
		r, lists := listsRig(t, nil)
		for _, body := range []string{"client=10.0.0.1&list=deny", "token=&client=10.0.0.1&list=deny", "token=x&remove=10.0.0.1"} {
			require.Equal(t, http.StatusForbidden, r.send("POST", "/lists", body, form...).Code)
		}
		require.Equal(t, http.StatusForbidden, r.send("POST", "/lists?token="+r.formToken, "client=10.0.0.1&list=deny", form...).Code, "not from the address")
		require.Empty(t, lists.all)
		require.Equal(t, http.StatusMethodNotAllowed, r.send("PUT", "/api/lists", denial, program...).Code)
	})
	t.Run("no lists, no routes", func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Local = true })
		require.Equal(t, http.StatusNotFound, r.get("http://127.0.0.1/lists").Code)
		require.NotContains(t, r.get("http://127.0.0.1/").Body.String(), "/lists\"")
	})
}

// TestListsPage: the forms work without a script, and what was written wrong is not lost.
func TestListsPage(t *testing.T) {
	r, lists := listsRig(t, nil)
	page := r.get("http://127.0.0.1/lists?client=203.0.113.9").Body.String()
	require.Contains(t, page, "Nobody is on a list")
	require.Contains(t, page, `value="203.0.113.9"`)
	token := regexp.MustCompile(`name="token" value="(\w+)"`).FindStringSubmatch(page)
	require.Len(t, token, 2)
	submit := func(values url.Values) *httptest.ResponseRecorder {
		values.Set("token", token[1])
		return r.send("POST", "/lists", values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://127.0.0.1:9542", "Sec-Fetch-Site", "same-origin")
	}
	w := submit(url.Values{"client": {"203.0.113.9/8"}, "list": {"deny"}, "for": {"7d"}, "reason": {"my words"}})
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "write 203.0.0.0/8")
	require.Contains(t, w.Body.String(), `value="my words"`)
	require.Equal(t, http.StatusSeeOther, submit(url.Values{"client": {" 203.0.113.9 "}, "list": {"deny"}, "for": {"7d"}}).Code)
	require.Equal(t, http.StatusSeeOther, submit(url.Values{"client": {"2001:db8::/64"}, "list": {"allow"}, "for": {""}}).Code)
	page = r.get("http://127.0.0.1/lists").Body.String()
	require.Contains(t, page, "7 days")
	require.Contains(t, page, "for ever")
	require.NotContains(t, r.get("http://127.0.0.1/lists?show=allow").Body.String(), ">203.0.113.9<")
	require.Equal(t, http.StatusSeeOther, submit(url.Values{"remove": {"203.0.113.9"}}).Code)
	require.Len(t, lists.all, 1)
}

// TestListsEscape: names and reasons are other people's words: from Redis, from a form, from a
// client that chose its consumer's name.
func TestListsEscape(t *testing.T) {
	const markup = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	r, lists := listsRig(t, nil)
	lists.all = []reputation.Entry{{Client: reputation.Consumer(markup), List: reputation.Deny, Reason: markup, Node: markup, Since: now}}
	e := sqli(time.Minute, "query.q", "/a")
	e.Node, e.Listed, e.ListedReason = markup, markup, markup
	r.put(t, e)
	for _, target := range []string{"/lists", "/lists?q=" + url.QueryEscape(markup), "/lists?client=" + url.QueryEscape(markup) + "&reason=" + url.QueryEscape(markup), "/", "/event/" + e.ID} {
		body := r.get("http://127.0.0.1" + target).Body.String()
		require.NotContains(t, body, "<script>alert", target)
		require.NotContains(t, body, "<img src", target)
	}
	require.Equal(t, 1, strings.Count(r.get("http://127.0.0.1/api/lists").Body.String(), "\n"), "one line, markup escaped")
	require.NotContains(t, r.get("http://127.0.0.1/api/lists").Body.String(), "<")
}

// TestManyListed: a page of a full table stays a page.
func TestManyListed(t *testing.T) {
	r, lists := listsRig(t, nil)
	for n := range 5000 {
		c := reputation.Range(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 32))
		lists.all = append(lists.all, reputation.Entry{Client: c, List: reputation.Grey, Since: now, Until: now.Add(time.Hour)})
	}
	body := r.get("http://127.0.0.1/lists").Body.String()
	require.Contains(t, body, "5000 clients")
	require.Equal(t, maxRows, strings.Count(body, `<tr class="event"`))
	require.Equal(t, 1, strings.Count(r.get("http://127.0.0.1/lists?q=10.0.3.7").Body.String(), ">10.0.3.7<"))
}

// TestNodes: events of others have their node on them, can be filtered by it, and old histories
// get the column.
func TestNodes(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Local, o.Node = true, "n1" })
	for n, name := range []string{"n1", "n2", "n2"} {
		e := sqli(time.Duration(n+1)*time.Minute, "query.q", fmt.Sprint("/", n))
		e.Node = name
		r.put(t, e)
	}
	var page struct{ Events []*events.Event }
	require.NoError(t, json.Unmarshal(r.get("http://127.0.0.1/api/events?node=n2").Body.Bytes(), &page))
	require.Len(t, page.Events, 2)
	require.Contains(t, r.get("http://127.0.0.1/").Body.String(), `href="/?node=n2"`)

	folder := t.TempDir()
	store, err := OpenStore(StoreOptions{Folder: folder, Keep: time.Hour, Bytes: 1 << 20})
	require.NoError(t, err)
	_, err = store.db.Exec("ALTER TABLE events DROP COLUMN node")
	require.NoError(t, err)
	require.NoError(t, store.Close())
	store, err = OpenStore(StoreOptions{Folder: folder, Keep: time.Hour, Bytes: 1 << 20})
	require.NoError(t, err)
	require.NoError(t, store.Write(t.Context(), []*events.Event{sqli(0, "query.q", "/")}))
	require.NoError(t, store.Close())
}
