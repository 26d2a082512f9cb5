package store

import (
	"context"
	"database/sql"
	"sync"

	"github.com/fettle-edge/fettle/study"
)

const eventColumns = `e.seq, e.time, e.kind, e.study, e.trial, e.text`

func scanEvent(row scanner) (study.Event, error) {
	var e study.Event
	var id sql.NullString
	err := row.Scan(&e.Seq, moment{&e.Time}, &e.Kind, &id, &e.Trial, &e.Text)
	e.Study = id.String
	return e, err
}

// Events returns the events after number since, oldest first: of one study,
// or of everything if studyID is "". A limit above 0 bounds how many.
func (s *Store) Events(ctx context.Context, since int64, studyID string, limit int) ([]study.Event, error) {
	if limit <= 0 {
		limit = -1 // SQLite's word for all
	}
	query, args := `SELECT `+eventColumns+` FROM events e WHERE e.seq > ? ORDER BY e.seq LIMIT ?`, []any{since, limit}
	if studyID != "" {
		query, args = `SELECT `+eventColumns+` FROM events e WHERE e.study = ? AND e.seq > ? ORDER BY e.seq LIMIT ?`, []any{studyID, since, limit}
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	events, err := collect(rows, err, scanEvent)
	return events, explain(ctx, "read events", err)
}

// History returns the events of a lane's trials, oldest first. The texts are
// the names of transitions, study.TextPropose, study.TextReport and
// study.TextLose: in this order things happened, so replaying them into a
// sampler repeats the live order.
func (s *Store) History(ctx context.Context, studyID, target string) ([]study.Event, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+eventColumns+`
		FROM events e JOIN trials t ON t.study = e.study AND t.number = e.trial
		WHERE e.study = ? AND e.kind = ? AND t.target = ? ORDER BY e.seq`, studyID, study.EventTrial, target)
	events, err := collect(rows, err, scanEvent)
	return events, explain(ctx, "read the history of a lane", err)
}

// Revision returns the number of the newest event, 0 if there is none. What is
// read after it holds at least the changes up to it.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	var rev int64
	err := s.read.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM events`).Scan(&rev)
	return rev, explain(ctx, "read the revision", err)
}

// Watch returns a channel that receives after changes that made an event.
// Changes while nobody receives are told once. Call stop when done; the
// channel is never closed.
func (s *Store) Watch() (changed <-chan struct{}, stop func()) { return s.watches.add() }

// watches are the channels to wake.
type watches struct {
	mu       sync.Mutex
	channels map[chan struct{}]struct{}
}

func (w *watches) add() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.channels == nil {
		w.channels = map[chan struct{}]struct{}{}
	}
	w.channels[c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.channels, c)
	}
}

// wake never blocks: a full channel already holds the news.
func (w *watches) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.channels {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
