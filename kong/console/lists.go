package console

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"kongwaf/detect/reputation"
	"kongwaf/kong/lists"
)

// Lists are the lists of clients that the console shows, and changes for people.
type Lists interface {
	Entries() []reputation.Entry
	// Add writes a person's entry: client, list, reason and until count.
	Add(reputation.Entry) error
	// Remove reports whether the client was on a list.
	Remove(reputation.Client) bool
}

// changeHeader is wanted of whoever changes something by the API: a page of another origin cannot
// send it without being asked about.
const changeHeader = "X-Kong-WAF"

// maxChange bounds the body of a change, in bytes.
const maxChange = 8 << 10

// listsRoutes registers what has to do with lists.
func (c *Console) listsRoutes() {
	if c.opt.Lists == nil {
		return
	}
	c.formToken = rand.Text()
	c.private("GET /lists", http.HandlerFunc(c.listsPage))
	c.private("POST /lists", c.changing(c.listsForm))
	c.private("GET /api/lists", http.HandlerFunc(c.apiLists))
	c.private("POST /api/lists", c.changing(c.apiListsAdd))
	c.private("DELETE /api/lists", c.changing(c.apiListsRemove))
}

// changing keeps out the pages of other origins, which would change something by the hands of
// somebody who may; private has kept out who may not.
func (c *Console) changing(handler http.HandlerFunc) http.Handler {
	same := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := same.Check(r); err != nil {
			http.Error(w, "this request comes from a page of another origin", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxChange)
		handler(w, r)
	})
}

// byAPI reports whether a change comes from a program, and answers if it does not.
func byAPI(w http.ResponseWriter, r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get(changeHeader) == "":
		http.Error(w, "the header "+changeHeader+" is missing: it shows that no web page sends this", http.StatusForbidden)
	case r.Method == http.MethodPost && kind != "application/json":
		http.Error(w, "send application/json", http.StatusUnsupportedMediaType)
	default:
		return true
	}
	return false
}

// wish is what somebody wants to be written.
type wish struct {
	Client string `json:"client"`
	List   string `json:"list"`
	Reason string `json:"reason"`
	For    string `json:"for"`
}

// entry returns the entry that is wished for.
func (x *wish) entry(now time.Time) (e reputation.Entry, err error) {
	if e.Client, err = reputation.Parse(strings.TrimSpace(x.Client)); err != nil {
		return e, fmt.Errorf("client: %w", err)
	}
	if e.List, err = reputation.ParseList(x.List); err != nil {
		return e, fmt.Errorf("list: %w", err)
	}
	span, err := lists.ParseSpan(x.For)
	if err != nil {
		return e, err
	}
	if span > 0 {
		e.Until = now.Add(span).UTC().Truncate(time.Millisecond)
	}
	e.Reason = strings.TrimSpace(x.Reason)
	return e, nil
}

// listsAnswer is what GET /api/lists answers.
type listsAnswer struct {
	Entries []reputation.Entry `json:"entries"`
	// Total is how many there are that the filter chooses.
	Total int `json:"total"`
}

// The most entries that one answer holds.
const (
	maxListed = 100_000
	maxRows   = 300
)

// apiLists answers GET /api/lists: filters list and q, as on the page.
func (c *Console) apiLists(w http.ResponseWriter, r *http.Request) {
	all := c.entries(r.URL.Query().Get("list"), clip(r.URL.Query().Get("q")))
	writeJSON(w, listsAnswer{Entries: all[:min(len(all), maxListed)], Total: len(all)})
}

// entries returns the entries of a list, of all if it is empty, that a text is part of.
func (c *Console) entries(list, text string) []reputation.Entry {
	found := []reputation.Entry{}
	for _, e := range c.opt.Lists.Entries() {
		if (list == "" || e.List.String() == list) && (text == "" || strings.Contains(e.Client.String(), text) || strings.Contains(e.Reason, text)) {
			found = append(found, e)
		}
	}
	return found
}

// apiListsAdd answers POST /api/lists.
func (c *Console) apiListsAdd(w http.ResponseWriter, r *http.Request) {
	if !byAPI(w, r) {
		return
	}
	var x wish
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&x); err != nil {
		http.Error(w, "no JSON of an entry: "+dots(err.Error(), 200), http.StatusBadRequest)
		return
	}
	e, err := x.entry(c.opt.Now())
	if err == nil {
		err = c.opt.Lists.Add(e)
	}
	if err != nil {
		http.Error(w, err.Error(), refused(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// refused is the status of an entry that is not taken.
func refused(err error) int {
	if errors.Is(err, reputation.ErrFull) {
		return http.StatusInsufficientStorage
	}
	return http.StatusBadRequest
}

// apiListsRemove answers DELETE /api/lists?client=CLIENT.
func (c *Console) apiListsRemove(w http.ResponseWriter, r *http.Request) {
	if !byAPI(w, r) {
		return
	}
	client, err := reputation.Parse(r.URL.Query().Get("client"))
	switch {
	case err != nil:
		http.Error(w, "client: "+err.Error(), http.StatusBadRequest)
	case !c.opt.Lists.Remove(client):
		http.Error(w, client.String()+" is on no list", http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// listsForm answers POST /lists, the page's own forms.
func (c *Console) listsForm(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("token")), []byte(c.formToken)) != 1 {
		http.Error(w, "this page is of before the console was started anew: load it again", http.StatusForbidden)
		return
	}
	if text := r.PostForm.Get("remove"); text != "" {
		if client, err := reputation.Parse(text); err == nil {
			c.opt.Lists.Remove(client) // or it has ended meanwhile
		}
		http.Redirect(w, r, "/lists", http.StatusSeeOther)
		return
	}
	x := wish{Client: r.PostForm.Get("client"), List: r.PostForm.Get("list"), Reason: r.PostForm.Get("reason"), For: r.PostForm.Get("for")}
	e, err := x.entry(c.opt.Now())
	if err == nil {
		err = c.opt.Lists.Add(e)
	}
	if err != nil {
		w.WriteHeader(refused(err))
		c.showLists(w, r, x, err)
		return
	}
	http.Redirect(w, r, "/lists", http.StatusSeeOther)
}

type listsView struct {
	common
	Token   string
	Tabs    []link
	Text    string
	List    string
	Rows    []listRow
	Total   int
	API     string
	Wish    wish
	Problem string
	Choices []string // of lists
	Spans   []choice
}

type choice struct{ Value, Text string }

type listRow struct {
	reputation.Entry
	Name string
	Left string // until it ends
	// URL is that of its events, where its name is one that events have.
	URL string
}

// listsPage answers GET /lists. client, list and reason in the query fill the form in.
func (c *Console) listsPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c.showLists(w, r, wish{Client: clip(q.Get("client")), List: "deny", Reason: clip(q.Get("reason")), For: "24h"}, nil)
}

func (c *Console) showLists(w http.ResponseWriter, r *http.Request, x wish, problem error) {
	q := r.URL.Query()
	view := listsView{
		common: c.common("Lists"), Token: c.formToken, Text: clip(q.Get("q")), List: q.Get("show"), Wish: x,
		Choices: []string{"deny", "grey", "allow"},
		Spans:   []choice{{"1h", "an hour"}, {"24h", "a day"}, {"7d", "a week"}, {"30d", "30 days"}, {"", "ever"}},
	}
	if problem != nil {
		view.Problem = problem.Error()
	}
	if _, err := reputation.ParseList(view.List); err != nil {
		view.List = ""
	}
	for _, name := range []string{"", "deny", "grey", "allow"} {
		kept := clean(q)
		kept.Del("range")
		tab := link{Text: name, URL: "/lists" + with(kept, "show", name), Current: name == view.List}
		if name == "" {
			tab.Text = "all"
		}
		view.Tabs = append(view.Tabs, tab)
	}
	all := c.entries(view.List, view.Text)
	view.Total = len(all)
	for _, e := range all[:min(len(all), maxRows)] {
		row := listRow{Entry: e, Name: e.Client.String(), Left: left(e.Until, c.opt.Now())}
		if p := e.Client.Prefix(); p.IsValid() && p.IsSingleIP() {
			row.URL = "/" + with(nil, "client", row.Name)
		}
		view.Rows = append(view.Rows, row)
	}
	filter := clean(q)
	filter.Del("range")
	if view.List != "" {
		filter.Set("list", view.List)
	}
	view.API = "/api/lists?" + filter.Encode()
	c.render(w, c.pages.lists, view)
}

// left says how long it is until a time.
func left(until, now time.Time) string {
	switch d := until.Sub(now); {
	case until.IsZero():
		return "for ever"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
