package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"kongwaf/kong/metrics"
)

// The plugins' numbers know how long each exception has let nothing through, for as long as
// the supervisor lives. The history knows it for longer.
const exceptionTable = `
CREATE TABLE IF NOT EXISTS exceptions (
	plugin TEXT NOT NULL, entity TEXT NOT NULL, entry TEXT NOT NULL,
	since INTEGER NOT NULL, used INTEGER NOT NULL, seen INTEGER NOT NULL,
	PRIMARY KEY (plugin, entity, entry)
);
`

// rememberEvery is how often the history is told of the exceptions' use.
const rememberEvery = 10 * time.Minute

// Exception is an exception, or an entry of expects, of a plugin's config, and its use.
type Exception struct {
	Plugin   string `json:"plugin"`
	PluginID string `json:"plugin_id"`
	Entry    string `json:"entry"`
	// Since is when it was first seen, Used when it last let something through; the zero
	// time is never.
	Since time.Time `json:"since"`
	Used  time.Time `json:"used,omitzero"`
	// IdleDays is for how many days it has let nothing through.
	IdleDays int `json:"idle_days"`
}

// Exceptions returns the exceptions that are configured now, those without use for the longest
// time first.
func (s *Store) Exceptions(ctx context.Context, numbers *metrics.Table) ([]Exception, error) {
	if err := s.remember(ctx, numbers); err != nil {
		return nil, err
	}
	now := s.now().UTC()
	list := []Exception{}
	for _, x := range configured(numbers) {
		var since, used int64
		if err := s.db.QueryRowContext(ctx, "SELECT since, used FROM exceptions WHERE plugin = ? AND entity = ? AND entry = ?",
			x.Plugin, x.PluginID, x.Entry).Scan(&since, &used); err != nil {
			return nil, err
		}
		x.Since, x.Used = time.Unix(since, 0).UTC(), time.Time{}
		idle := x.Since
		if used > 0 {
			x.Used = time.Unix(used, 0).UTC()
			idle = x.Used
		}
		x.IdleDays = max(0, int(now.Sub(idle)/(24*time.Hour)))
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b Exception) int {
		return cmp.Or(cmp.Compare(b.IdleDays, a.IdleDays), cmp.Compare(a.PluginID, b.PluginID), cmp.Compare(a.Entry, b.Entry))
	})
	return list, nil
}

// configured returns the exceptions that the numbers know: Since is when one was configured, or
// Used when it was used.
func configured(numbers *metrics.Table) (list []Exception) {
	numbers.Each(func(name string, labels []string, n metrics.Number) {
		value := n.Get()
		if name != metrics.ExceptionIdle.Name || len(labels) != len(metrics.ExceptionIdle.Labels) || value == 0 {
			return
		}
		x := Exception{Plugin: labels[0], PluginID: labels[1], Entry: labels[2]}
		at, used := metrics.ReadIdle(value)
		if x.Since = at; used {
			x.Used = at
		}
		list = append(list, x)
	}, func(string, []string, metrics.Histogram) {})
	return list
}

// remember keeps what the numbers know, and forgets exceptions that have not been configured
// for as long as events are kept.
func (s *Store) remember(ctx context.Context, numbers *metrics.Table) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, once it is committed
	now := s.now()
	for _, x := range configured(numbers) {
		used := int64(0)
		if !x.Used.IsZero() {
			used = x.Used.Unix()
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO exceptions (plugin, entity, entry, since, used, seen) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET since = min(since, excluded.since), used = max(used, excluded.used), seen = excluded.seen`,
			x.Plugin, x.PluginID, x.Entry, x.Since.Unix(), used, now.Unix()); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM exceptions WHERE seen < ?", now.Add(-s.keep).Unix()); err != nil {
		return err
	}
	return tx.Commit()
}

// remember tells the history of the exceptions' use until ctx is done.
func (c *Console) remember(ctx context.Context) {
	ticker := time.NewTicker(rememberEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := c.opt.Store.remember(ctx, c.opt.Numbers); err != nil && ctx.Err() == nil {
				c.opt.Logger.Warn("console: the use of exceptions is not kept", "error", err)
			}
		}
	}
}

type exceptionsPage struct {
	common
	Exceptions []Exception
}

// exceptions answers GET /exceptions.
func (c *Console) exceptions(w http.ResponseWriter, r *http.Request) {
	list, err := c.opt.Store.Exceptions(r.Context(), c.opt.Numbers)
	if err != nil {
		c.fail(w, err)
		return
	}
	c.render(w, c.pages.exceptions, exceptionsPage{common: c.common("Exceptions"), Exceptions: list})
}

// apiExceptions answers GET /api/exceptions: {"exceptions": [...]}.
func (c *Console) apiExceptions(w http.ResponseWriter, r *http.Request) {
	list, err := c.opt.Store.Exceptions(r.Context(), c.opt.Numbers)
	if err != nil {
		c.fail(w, err)
		return
	}
	writeJSON(w, map[string]any{"exceptions": list})
}
