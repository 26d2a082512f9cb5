// Package store keeps everything that must outlive the daemon in one SQLite
// file: studies, trials, attempts with their raw samples, scores, models,
// targets, and the events that tell of every change.
//
// A change and its event are one transaction, so what an event announces can
// be read, and what was changed has been announced. The store makes neither
// times nor ids: callers pass both. Times are stored as integer nanoseconds
// since 1970 UTC and come back in UTC without a monotonic reading.
//
// A call that returned has been handed to the operating system: killing the
// process (kill -9) loses nothing. When the computer loses power, the changes
// of the last moments, which the system had not yet written to the disk, are
// undone as a whole (journal_mode=WAL with synchronous=NORMAL); the file stays
// consistent, and what was undone is measured again.
//
// Errors that people may see are fault.Error: not_found, conflict and invalid.
// All methods are safe for concurrent use.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// readers is how many reads run side by side.
const readers = 4

// Store is an open database.
type Store struct {
	write   *sql.DB // one connection: changes happen one after the other
	read    *sql.DB
	watches watches
}

// Open opens the database at path, makes it (mode 0600) if there is none, and
// brings its schema up to date. The folder must exist. One daemon holds a
// database; to keep a second one out is the caller's part.
func Open(ctx context.Context, path string) (*Store, error) {
	if !compiled {
		return nil, fault.New(fault.Internal, "cannot open a database: this program was built without cgo, which SQLite needs").
			Trying("build it again with CGO_ENABLED=1 and a C compiler")
	}
	s, err := open(ctx, path)
	if err == nil {
		return s, nil
	}
	if _, ok := fault.As(err); ok {
		return nil, err
	}
	return nil, fault.New(fault.Internal, "cannot open the database %s", path).
		Trying("check that the folder exists and is yours").Because(err)
}

func open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	// A file of another program must not even be turned to WAL, so it is
	// looked at before the connections that do so.
	if err := inspect(ctx, path); err != nil {
		return nil, err
	}
	s := &Store{}
	if s.write, err = connect(path, 1, "_txlock", "immediate", "_journal_mode", "WAL", "_synchronous", "NORMAL"); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.write); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	if s.read, err = connect(path, readers, "_txlock", "deferred", "_query_only", "true"); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	return s, nil
}

// private makes sure that the file exists and is the owner's alone. SQLite
// gives its journal files the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// connect makes a pool. Pragmas stand in the name, because only then every
// connection of the pool has them.
func connect(path string, connections int, options ...string) (*sql.DB, error) {
	query := url.Values{
		"_busy_timeout":    {"10000"}, // ms; another program may look into the file
		"_foreign_keys":    {"true"},
		"_stmt_cache_size": {"64"},
	}
	for i := 0; i+1 < len(options); i += 2 {
		query.Set(options[i], options[i+1])
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite3", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// Close waits for running calls and closes the file. Watchers hear nothing
// more.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// tx is a transaction that happens at one moment.
type tx struct {
	*sql.Tx
	now    time.Time
	events int
}

// change runs fn in a transaction of the writer; the transaction stands if fn
// returns nil, and then watchers are woken if it has made an event. doing
// completes "cannot …".
func (s *Store) change(ctx context.Context, now time.Time, doing string, fn func(context.Context, *tx) error) error {
	sqlTx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return explain(ctx, doing, err)
	}
	defer sqlTx.Rollback() // does nothing after Commit
	t := &tx{Tx: sqlTx, now: fromNanos(now.UnixNano())}
	if err := fn(ctx, t); err != nil {
		return explain(ctx, doing, err)
	}
	if err := t.Commit(); err != nil {
		return explain(ctx, doing, err)
	}
	if t.events > 0 {
		s.watches.wake()
	}
	return nil
}

// view runs fn in a transaction of a reader: all it reads is of one moment.
func (s *Store) view(ctx context.Context, doing string, fn func(context.Context, *sql.Tx) error) error {
	t, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return explain(ctx, doing, err)
	}
	defer t.Rollback() // nothing to keep
	return explain(ctx, doing, fn(ctx, t))
}

// explain makes an error fit to leave the package: a fault stays what it is,
// a context that ended gives its cause, and the rest says what was being done.
func explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := fault.As(err); ok {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("cannot %s: %w", doing, context.Cause(ctx))
	}
	if e := trouble(doing, err); e != nil {
		return e
	}
	return fmt.Errorf("cannot %s: %w", doing, err)
}

// event appends an event and returns its number.
func (t *tx) event(ctx context.Context, kind study.EventKind, studyID string, trial *int, text string) (int64, error) {
	id := sql.NullString{String: studyID, Valid: studyID != ""}
	done, err := t.ExecContext(ctx, `INSERT INTO events (time, kind, study, trial, text) VALUES (?, ?, ?, ?, ?)`,
		t.now.UnixNano(), kind, id, trial, text)
	if err != nil {
		return 0, err
	}
	t.events++
	return done.LastInsertId()
}
