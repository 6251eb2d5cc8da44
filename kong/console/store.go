package console

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite": SQLite in Go, no C

	"kongwaf/kong/events"
)

// Store is the history of events: SQLite in a file, or in memory. It is bounded by age and
// by size. It is a sink.Sink; its other methods may be called concurrently.
type Store struct {
	db    *sql.DB
	keep  time.Duration
	bytes int64
	now   func() time.Time
	wrote func([]*events.Event)
	mu    sync.Mutex // held by who writes: this node's events, and others'
	swept time.Time
}

// StoreOptions bound a store.
type StoreOptions struct {
	// Folder holds the file history.db. Empty keeps the history in memory.
	Folder string
	// Keep is how long events are kept, Bytes how much all of them may take; what is older
	// goes first.
	Keep  time.Duration
	Bytes int64
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// Wrote, if not nil, is told of every batch once it is in the history.
	Wrote func([]*events.Event)
}

// The class of a refusal that is no attack is its check; see rowOf.
const tables = `
CREATE TABLE IF NOT EXISTS events (
	n INTEGER PRIMARY KEY,
	id TEXT NOT NULL,
	time INTEGER NOT NULL,
	count INTEGER NOT NULL,
	class TEXT NOT NULL, action TEXT NOT NULL, judge TEXT NOT NULL, client TEXT NOT NULL, route TEXT NOT NULL,
	place TEXT NOT NULL, application TEXT NOT NULL, plugin TEXT NOT NULL, entity TEXT NOT NULL,
	path TEXT NOT NULL, request TEXT NOT NULL,
	event TEXT NOT NULL,
	node TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS by_time ON events (time);
CREATE UNIQUE INDEX IF NOT EXISTS by_id ON events (id);
`

// OpenStore opens the history.
func OpenStore(o StoreOptions) (*Store, error) {
	s := &Store{keep: o.Keep, bytes: o.Bytes, now: o.Now, wrote: o.Wrote}
	if s.now == nil {
		s.now = time.Now
	}
	pragmas := url.Values{"_pragma": {"auto_vacuum(incremental)", "busy_timeout(5000)", "journal_mode(wal)", "synchronous(normal)"}}
	name := "file::memory:?"
	if o.Folder != "" {
		if err := os.MkdirAll(o.Folder, 0o750); err != nil {
			return nil, fmt.Errorf("console.data: %w", err)
		}
		name = "file:" + (&url.URL{Path: filepath.Join(o.Folder, historyFile)}).EscapedPath() + "?"
	}
	db, err := sql.Open("sqlite", name+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	if o.Folder == "" {
		db.SetMaxOpenConns(1) // a second one would be another, empty memory
	} else {
		db.SetMaxOpenConns(4)
	}
	if _, err := db.Exec(tables + exceptionTable); err != nil {
		db.Close()
		return nil, fmt.Errorf("console.data: %s: %w: remove the file if it is broken", name, err)
	}
	// Histories of before there were fleets have no node.
	if _, err := db.Exec("SELECT node FROM events LIMIT 0"); err != nil {
		if _, err := db.Exec("ALTER TABLE events ADD COLUMN node TEXT NOT NULL DEFAULT ''"); err != nil {
			db.Close()
			return nil, fmt.Errorf("console.data: %s: %w: remove the file if it is broken", name, err)
		}
	}
	s.db = db
	return s, nil
}

// Name implements sink.Sink.
func (s *Store) Name() string { return "history" }

// Close implements sink.Sink.
func (s *Store) Close() error { return s.db.Close() }

// folded marks the id of a line that says how many more there were.
const folded = "+"

// sweepEvery is how often what is too old or too much is removed.
const sweepEvery = time.Minute

// Write implements sink.Sink.
func (s *Store) Write(ctx context.Context, batch []*events.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, once it is committed
	insert, err := tx.PrepareContext(ctx, `INSERT OR IGNORE INTO events
		(id, time, count, class, action, judge, client, route, place, application, plugin, entity, path, request, event, node)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, e := range batch {
		id := e.ID
		if e.Count > 1 {
			id += folded
		}
		r := rowOf(e)
		line := e.Append(nil)
		if _, err := insert.ExecContext(ctx, id, e.Time.UnixMilli(), e.Count, r.class, r.action, r.judge, r.client, r.route,
			r.place, r.application, r.plugin, e.PluginID, e.Path, e.RequestID, string(line[:len(line)-1]), e.Node); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if s.wrote != nil {
		s.wrote(batch)
	}
	if now := s.now(); now.Sub(s.swept) >= sweepEvery {
		s.swept = now
		return s.sweep(ctx)
	}
	return nil
}

// sweep removes what is too old, and the oldest tenth while all is too much.
func (s *Store) sweep(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM events WHERE time < ?", s.now().Add(-s.keep).UnixMilli()); err != nil {
		return err
	}
	for range 20 {
		used, err := s.used(ctx)
		if err != nil || used <= s.bytes {
			return err
		}
		if _, err := s.db.ExecContext(ctx, `DELETE FROM events WHERE n <= (SELECT min(n) + (max(n) - min(n)) / 10 FROM events)`); err != nil {
			return err
		}
		if _, err := s.db.ExecContext(ctx, "PRAGMA incremental_vacuum"); err != nil {
			return err
		}
	}
	return nil
}

// used returns how much the history takes, in bytes.
func (s *Store) used(ctx context.Context) (int64, error) {
	var pages, free, size int64
	err := errors.Join(
		s.db.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages),
		s.db.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free),
		s.db.QueryRowContext(ctx, "PRAGMA page_size").Scan(&size))
	return (pages - free) * size, err
}

// Stored is an event of the history with its number, by which pages of events go on.
type Stored struct {
	N int64
	*events.Event
}

// Events returns the newest events that a filter chooses, at most limit; before, if not 0,
// is the number of the event that all of them are older than. A folded line comes later than
// what happened after it: time decides.
func (s *Store) Events(ctx context.Context, f Filter, before int64, limit int) ([]Stored, error) {
	where, args := f.where()
	if before > 0 {
		var at int64
		switch err := s.db.QueryRowContext(ctx, "SELECT time FROM events WHERE n = ?", before).Scan(&at); {
		case err == nil:
			where += " AND (time, n) < (?, ?)"
			args = append(args, at, before)
		case errors.Is(err, sql.ErrNoRows): // swept since, or made up
			where += " AND n < ?"
			args = append(args, before)
		default:
			return nil, err
		}
	}
	rows, err := s.db.QueryContext(ctx, "SELECT n, event FROM events WHERE "+where+" ORDER BY time DESC, n DESC LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Stored{}
	for rows.Next() {
		var n int64
		var line string
		if err := rows.Scan(&n, &line); err != nil {
			return nil, err
		}
		e, err := events.Parse([]byte(line))
		if err != nil {
			continue // of a later version, which has changed a type against its promise
		}
		list = append(list, Stored{N: n, Event: e})
	}
	return list, rows.Err()
}

// Event returns one event; ok is false if it is not there (any more).
func (s *Store) Event(ctx context.Context, id string) (e *events.Event, ok bool, err error) {
	var line string
	err = s.db.QueryRowContext(ctx, "SELECT event FROM events WHERE id = ?", id).Scan(&line)
	if errors.Is(err, sql.ErrNoRows) && !strings.HasSuffix(id, folded) {
		return s.Event(ctx, id+folded)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err == nil {
		e, err = events.Parse([]byte(line))
	}
	return e, err == nil, err
}

// Judged calls visit for the findings of one plugin entity since a time, the newest first,
// at most limit of them.
func (s *Store) Judged(ctx context.Context, entity string, since time.Time, limit int, visit func(*events.Event)) error {
	rows, err := s.db.QueryContext(ctx, `SELECT event FROM events WHERE time >= ? AND entity = ? AND judge = 'detect'
		AND action IN ('blocked', 'reported') AND place <> '' ORDER BY n DESC LIMIT ?`, since.UnixMilli(), entity, limit)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if e, err := events.Parse([]byte(line)); err == nil {
			visit(e)
		}
	}
	return rows.Err()
}
