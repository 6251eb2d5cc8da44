package console

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"kongwaf/kong/events"
)

const (
	defaultPage = 50
	maxPage     = 1000
	liveBeat    = 15 * time.Second // a comment keeps proxies from closing a quiet stream
	liveWrite   = 10 * time.Second // a watcher may take so long to read
)

// apiEvents answers GET /api/events: {"events": [...], "next": N}. Filters as on the page;
// limit, and before=N for the page behind.
func (c *Console) apiEvents(w http.ResponseWriter, r *http.Request) {
	_, list, next, ok := c.chosen(w, r, maxPage)
	if !ok {
		return
	}
	page := struct {
		Events []*events.Event `json:"events"`
		Next   int64           `json:"next,omitempty"`
	}{Events: []*events.Event{}, Next: next}
	for _, e := range list {
		page.Events = append(page.Events, e.Event)
	}
	writeJSON(w, page)
}

// chosen reads the filter and the page of a request and fetches the events. It answers
// itself if it cannot.
func (c *Console) chosen(w http.ResponseWriter, r *http.Request, max int) (f Filter, list []Stored, next int64, ok bool) {
	q := r.URL.Query()
	f, err := ParseFilter(q, c.opt.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return f, nil, 0, false
	}
	limit, before := defaultPage, int64(0)
	for name, into := range map[string]func(int64){"limit": func(n int64) { limit = int(min(n, int64(max))) }, "before": func(n int64) { before = n }} {
		if text := q.Get(name); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 1 {
				http.Error(w, name+": write a number above 0", http.StatusBadRequest)
				return f, nil, 0, false
			}
			into(n)
		}
	}
	list, err = c.opt.Store.Events(r.Context(), f, before, limit+1)
	if err != nil {
		c.fail(w, err)
		return f, nil, 0, false
	}
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].N
	}
	return f, list, next, true
}

// apiStats answers GET /api/stats.
func (c *Console) apiStats(w http.ResponseWriter, r *http.Request) {
	f, err := ParseFilter(r.URL.Query(), c.opt.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stats, err := c.opt.Store.Stats(r.Context(), f)
	if err != nil {
		c.fail(w, err)
		return
	}
	writeJSON(w, stats)
}

// apiLive answers GET /api/events/live: the new events that the filter chooses, as
// server-sent events.
func (c *Console) apiLive(w http.ResponseWriter, r *http.Request) {
	f, err := ParseFilter(r.URL.Query(), c.opt.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	watched, stop, ok := c.opt.Live.watch()
	if !ok {
		http.Error(w, "too many watch already", http.StatusServiceUnavailable)
		return
	}
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(w)
	send := func(text []byte) error {
		if err := stream.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		return stream.Flush()
	}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	text := []byte(": watching\n\n")
	for {
		if send(text) != nil {
			return
		}
		text = text[:0]
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			text = append(text, ": quiet\n\n"...)
		case e := <-watched:
			if !f.Match(e) {
				continue
			}
			text = append(text, "data: "...)
			text = append(e.Append(text), '\n') // JSON holds no line feed of its own
		}
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

// fail answers what is our fault. The reason is for the log.
func (c *Console) fail(w http.ResponseWriter, err error) {
	c.opt.Logger.Error("console", "error", err)
	http.Error(w, "the history cannot be read; the log says why", http.StatusInternalServerError)
}

// apiKeys answers GET /api/keys: which API keys the plugins know.
func (c *Console) apiKeys(w http.ResponseWriter, _ *http.Request) {
	if c.opt.Keys == nil {
		http.Error(w, "there is no data folder (data.folder is off), and so no list of keys", http.StatusNotFound)
		return
	}
	list, err := c.opt.Keys()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "no list of keys yet: no waf-key-auth has had a request", http.StatusNotFound)
	case err != nil:
		c.opt.Logger.Error("console", "error", err)
		http.Error(w, "the list of keys cannot be read; the log says why", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(list)
	}
}
