package console

import (
	"context"
	"time"
)

// Stats sums events up.
type Stats struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Total int64     `json:"total"`
	// Actions says how many were blocked, reported and so on.
	Actions []Share `json:"actions"`
	// Classes are the series of Times, the biggest first.
	Classes []Share `json:"classes"`
	// Times are equal steps from Since to Until.
	Times []Step `json:"times"`

	Clients      []Share `json:"clients"`
	Routes       []Share `json:"routes"`
	Places       []Share `json:"places"`
	Paths        []Share `json:"paths"`
	Applications []Share `json:"applications"`
	Nodes        []Share `json:"nodes"`
}

// Share is how many events have a value.
type Share struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Step is how many events of each class began in a step.
type Step struct {
	Time   time.Time        `json:"time"`
	Counts map[string]int64 `json:"counts"`
}

const (
	steps   = 48 // in a chart
	topSize = 8  // of the top lists
)

// Stats sums the events up that a filter chooses.
func (s *Store) Stats(ctx context.Context, f Filter) (*Stats, error) {
	until := f.Until
	if until.IsZero() {
		until = s.now()
	}
	st := &Stats{Since: f.Since, Until: until, Times: make([]Step, steps)}
	step := max(until.Sub(f.Since)/steps, time.Millisecond)
	for i := range st.Times {
		st.Times[i] = Step{Time: f.Since.Add(time.Duration(i) * step), Counts: map[string]int64{}}
	}
	where, args := f.where()
	rows, err := s.db.QueryContext(ctx, "SELECT (time - ?) / ?, class, sum(count) FROM events WHERE "+where+" GROUP BY 1, 2",
		append([]any{f.Since.UnixMilli(), step.Milliseconds()}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at, count int64
		var class string
		if err := rows.Scan(&at, &class, &count); err != nil {
			return nil, err
		}
		st.Times[min(max(at, 0), steps-1)].Counts[class] += count
		st.Total += count
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, top := range []struct {
		column string
		limit  int
		into   *[]Share
	}{
		{"action", topSize, &st.Actions}, {"class", 100, &st.Classes}, {"client", topSize, &st.Clients}, {"route", topSize, &st.Routes},
		{"place", topSize, &st.Places}, {"path", topSize, &st.Paths}, {"application", topSize, &st.Applications}, {"node", topSize, &st.Nodes},
	} {
		if *top.into, err = s.top(ctx, top.column, where, args, top.limit); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func (s *Store) top(ctx context.Context, column, where string, args []any, limit int) ([]Share, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+column+", sum(count) FROM events WHERE "+where+" AND "+column+
		" <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?", append(args[:len(args):len(args)], limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Share{}
	for rows.Next() {
		var share Share
		if err := rows.Scan(&share.Name, &share.Count); err != nil {
			return nil, err
		}
		list = append(list, share)
	}
	return list, rows.Err()
}
