package console

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"kongwaf/kong/events"
)

// historyFile is the name of the history in its folder.
const historyFile = "history.db"

// ReadStore opens the history of a folder for reading. A console may go on writing to it.
func ReadStore(folder string) (*Store, error) {
	file := filepath.Join(folder, historyFile)
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, now: time.Now}
	if err := db.QueryRow("SELECT n FROM events LIMIT 1").Scan(new(int64)); err != nil && err != sql.ErrNoRows {
		db.Close()
		return nil, fmt.Errorf("%s is no history of a console: %w", file, err)
	}
	return s, nil
}

// eachPage is how many events are read at a time, so that nobody waits who writes.
const eachPage = 500

// Each calls visit for the findings of attacks since a time, the newest first, at most limit of
// them if it is not 0.
func (s *Store) Each(ctx context.Context, since time.Time, limit int, visit func(*events.Event)) error {
	before, seen := int64(1)<<62, 0
	for limit == 0 || seen < limit {
		last, err := s.page(ctx, since, before, func(e *events.Event) {
			if seen++; limit == 0 || seen <= limit {
				visit(e)
			}
		})
		if err != nil || last == 0 {
			return err
		}
		before = last
	}
	return nil
}

// page visits the findings before a number and returns the last one's, 0 if there is none.
func (s *Store) page(ctx context.Context, since time.Time, before int64, visit func(*events.Event)) (last int64, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT n, event FROM events WHERE n < ? AND time >= ? AND judge = 'detect'
		AND action IN ('blocked', 'reported') AND place <> '' ORDER BY n DESC LIMIT ?`, before, since.UnixMilli(), eachPage)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&last, &line); err != nil {
			return 0, err
		}
		if e, err := events.Parse([]byte(line)); err == nil {
			visit(e)
		}
	}
	return last, rows.Err()
}
