package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"kongwaf/kong/suggest"
)

const (
	// suggestLooked is how many findings suggestions rest on at most, the newest.
	suggestLooked = 100_000
	// suggestFor is how long a report is shown again instead of made anew: whoever reloads a page
	// all the time costs no more than one who does not.
	suggestFor = 30 * time.Second
)

// suggestions makes reports, one at a time, and keeps the last one for each span of days.
type suggestions struct {
	turn chan struct{} // holds one
	mu   sync.Mutex
	kept map[int]keptReport
}

type keptReport struct {
	at     time.Time
	report *suggest.Report
}

func newSuggestions() *suggestions {
	s := &suggestions{turn: make(chan struct{}, 1), kept: map[int]keptReport{}}
	s.turn <- struct{}{}
	return s
}

// fresh returns the report for so many days if it is not too old.
func (s *suggestions) fresh(days int, now time.Time) *suggest.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.kept[days]; ok && now.Sub(kept.at) < suggestFor {
		return kept.report
	}
	return nil
}

// suggest returns what the last days' events suggest.
func (c *Console) suggest(ctx context.Context, days int) (*suggest.Report, error) {
	s, now := c.suggested, c.opt.Now()
	if report := s.fresh(days, now); report != nil {
		return report, nil
	}
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if report := s.fresh(days, now); report != nil {
		return report, nil // while this one waited
	}
	collector := suggest.NewCollector(suggest.DefaultRules())
	if err := c.opt.Store.Each(ctx, now.AddDate(0, 0, -days), suggestLooked, collector.Add); err != nil {
		return nil, err
	}
	report := collector.Report()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[days] = keptReport{now, report}
	return report, nil
}

type suggestPage struct {
	common
	Report         *suggest.Report
	Lookback       []link
	Deck, Manifest string
	Days           int
}

// lookbackOf returns the days that a request asks to look back, the default's if it does not.
func lookbackOf(r *http.Request) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("days")); err == nil && slices.Contains(lookback, n) {
		return n
	}
	return lookback[0]
}

// suggestHTML answers GET /suggest.
func (c *Console) suggestHTML(w http.ResponseWriter, r *http.Request) {
	days := lookbackOf(r)
	report, err := c.suggest(r.Context(), days)
	if err != nil {
		c.fail(w, err)
		return
	}
	page := suggestPage{common: c.common("Suggestions"), Report: report, Days: days}
	if report.Says() {
		page.Deck, page.Manifest = report.Deck(), report.KongPlugins()
	}
	for _, n := range []int{1, 7, 30} {
		page.Lookback = append(page.Lookback, link{Text: fmt.Sprintf("%d d", n), Current: n == days, URL: fmt.Sprintf("?days=%d", n)})
	}
	c.render(w, c.pages.suggest, page)
}

// many says how many: 1 event, 2 events.
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// apiSuggest answers GET /api/suggest: what `kong-waf suggest --format json` prints.
func (c *Console) apiSuggest(w http.ResponseWriter, r *http.Request) {
	report, err := c.suggest(r.Context(), lookbackOf(r))
	if err != nil {
		c.fail(w, err)
		return
	}
	writeJSON(w, report)
}
