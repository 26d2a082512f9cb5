package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

const studyColumns = `id, spec, state, note, created, ended`

func scanStudy(row scanner) (study.Study, error) {
	var st study.Study
	err := row.Scan(&st.ID, column{&st.Spec}, &st.State, &st.Note, moment{&st.Created}, moment{&st.Ended})
	return st, err
}

// querier is a pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func loadStudy(ctx context.Context, q querier, id string) (study.Study, error) {
	st, err := scanStudy(q.QueryRowContext(ctx, `SELECT `+studyColumns+` FROM studies WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return st, fault.New(fault.NotFound, "cannot find study %q", id).Trying("fettle study list")
	}
	return st, err
}

// CreateStudy stores a new study, created now, in state preparing. Its id must
// be new.
func (s *Store) CreateStudy(ctx context.Context, now time.Time, st study.Study) error {
	if st.ID == "" {
		return fault.New(fault.Invalid, "cannot create a study without an id")
	}
	spec, err := encode(st.Spec)
	if err != nil {
		return err
	}
	return s.change(ctx, now, "create a study", func(ctx context.Context, t *tx) error {
		var n int
		if err := t.QueryRowContext(ctx, `SELECT count(*) FROM studies WHERE id = ?`, st.ID).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, "cannot create study %q: it exists", st.ID)
		}
		_, err := t.ExecContext(ctx, `INSERT INTO studies (id, spec, state, note, created) VALUES (?, ?, ?, ?, ?)`,
			st.ID, spec, study.StudyPreparing, st.Note, t.now.UnixNano())
		if err != nil {
			return err
		}
		_, err = t.event(ctx, study.EventStudy, st.ID, nil, study.TextCreate)
		return err
	})
}

// Study returns the study with that id.
func (s *Store) Study(ctx context.Context, id string) (study.Study, error) {
	st, err := loadStudy(ctx, s.read, id)
	return st, explain(ctx, "read a study", err)
}

// Studies returns all studies, newest first.
func (s *Store) Studies(ctx context.Context) ([]study.Study, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+studyColumns+` FROM studies ORDER BY created DESC, rowid DESC`)
	all, err := collect(rows, err, scanStudy)
	return all, explain(ctx, "read the studies", err)
}

// SetStudyState moves a study to another state, with a note for people of why.
// A move that study.StudyState.CanBecome does not allow is a conflict. Leaving
// the active states sets Ended; returning to them clears it.
func (s *Store) SetStudyState(ctx context.Context, now time.Time, id string, to study.StudyState, note string) error {
	return s.change(ctx, now, "change the state of a study", func(ctx context.Context, t *tx) error {
		st, err := loadStudy(ctx, t, id)
		if err != nil {
			return err
		}
		if !st.State.CanBecome(to) {
			return fault.New(fault.Conflict, "cannot make study %q %s: it is %s", id, to, st.State)
		}
		var ended time.Time
		if !to.Active() {
			ended = t.now
		}
		_, err = t.ExecContext(ctx, `UPDATE studies SET state = ?, note = ?, ended = ? WHERE id = ?`, to, note, nanos(ended), id)
		if err != nil {
			return err
		}
		_, err = t.event(ctx, study.EventStudy, id, nil, string(to))
		return err
	})
}
