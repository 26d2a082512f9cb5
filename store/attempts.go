package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

const attemptColumns = `fence, id, study, trial, target, state, started, expires, ended, conditions, failure, wait, measure`

// scanAttempt reads an attempt without its measurements. Result is set once
// the attempt has ended.
func scanAttempt(row scanner) (study.Attempt, error) {
	var a study.Attempt
	var r study.Result
	var wait, measure sql.NullInt64
	err := row.Scan(&a.Fence, &a.ID, &a.Study, &a.Trial, &a.Target, &a.State, moment{&a.Started}, moment{&a.Expires},
		moment{&a.Ended}, column{&r.Conditions}, column{&r.Failure}, &wait, &measure)
	if !a.Ended.IsZero() {
		r.Wait, r.Measure = time.Duration(wait.Int64), time.Duration(measure.Int64)
		a.Result = &r
	}
	return a, err
}

// loadAttempt reads an attempt without its measurements; sql.ErrNoRows if
// there is none.
func loadAttempt(ctx context.Context, q querier, id string) (study.Attempt, error) {
	return scanAttempt(q.QueryRowContext(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE id = ?`, id))
}

// Report stores the result of a running attempt, with every raw sample. The
// same result again is a success without effect; another result, another
// fence, and an attempt that is lost or unknown are conflicts. The trial stays
// leased until somebody moves it.
func (s *Store) Report(ctx context.Context, now time.Time, attemptID string, fence int64, r study.Result) error {
	text, err := encode(r)
	if err != nil {
		return err
	}
	digest := study.DigestOf([]byte(text))
	return s.change(ctx, now, "store a report", func(ctx context.Context, tx *tx) error {
		a, err := held(ctx, tx, attemptID, fence)
		if err != nil {
			return err
		}
		if a.State == study.AttemptReported {
			return sameReport(ctx, tx, attemptID, digest)
		}
		if err := insertResult(ctx, tx, attemptID, digest, &r); err != nil {
			return err
		}
		return tx.touched(ctx, &a, study.TextReport)
	})
}

// sameReport is nil if the attempt has reported just this.
func sameReport(ctx context.Context, tx *tx, attemptID string, digest study.Digest) error {
	var before study.Digest
	if err := tx.QueryRowContext(ctx, `SELECT result FROM attempts WHERE id = ?`, attemptID).Scan(&before); err != nil {
		return err
	}
	if before != digest {
		return fault.New(fault.Conflict, "cannot store a report of attempt %q: it has reported something else before", attemptID)
	}
	return nil
}

func insertResult(ctx context.Context, tx *tx, attemptID string, digest study.Digest, r *study.Result) error {
	conditions, err1 := optional(r.Conditions != nil, r.Conditions)
	failure, err2 := optional(r.Failure != nil, r.Failure)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE attempts SET state = ?, ended = ?, result = ?, conditions = ?, failure = ?, wait = ?, measure = ? WHERE id = ?`,
		study.AttemptReported, tx.now.UnixNano(), digest, conditions, failure, int64(r.Wait), int64(r.Measure), attemptID)
	if err != nil {
		return err
	}
	for i, m := range r.Measurements {
		samples, err1 := optional(len(m.Samples) > 0, m.Samples)
		warnings, err2 := optional(len(m.Warnings) > 0, m.Warnings)
		energy, err3 := optional(m.Energy != nil, m.Energy)
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO measurements (attempt, position, metric, unit, samples, "group", boundary, warnings, energy)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, attemptID, i, m.Metric, m.Unit, samples, m.Group, m.Boundary, warnings, energy)
		if err != nil {
			return err
		}
	}
	return nil
}

// Attempts returns the attempts at a trial, oldest first, with their raw
// samples. One that ended has a Result: what it reported or, if it was lost, a
// failure that says why.
func (s *Store) Attempts(ctx context.Context, studyID string, number int) ([]study.Attempt, error) {
	var all []study.Attempt
	err := s.view(ctx, "read the attempts at a trial", func(ctx context.Context, t *sql.Tx) error {
		rows, err := t.QueryContext(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE study = ? AND trial = ? ORDER BY fence`, studyID, number)
		if all, err = collect(rows, err, scanAttempt); err != nil {
			return err
		}
		for i := range all {
			if all[i].State != study.AttemptReported {
				continue
			}
			if all[i].Result.Measurements, err = measurements(ctx, t, all[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

func measurements(ctx context.Context, q querier, attemptID string) ([]study.Measurement, error) {
	rows, err := q.QueryContext(ctx, `SELECT metric, unit, samples, "group", boundary, warnings, energy
		FROM measurements WHERE attempt = ? ORDER BY position`, attemptID)
	return collect(rows, err, func(row scanner) (study.Measurement, error) {
		var m study.Measurement
		err := row.Scan(&m.Metric, &m.Unit, column{&m.Samples}, &m.Group, &m.Boundary, column{&m.Warnings}, column{&m.Energy})
		return m, err
	})
}

// RunningAttempt returns the attempt that runs on a target, nil if none does.
// Its lease may have run out already.
func (s *Store) RunningAttempt(ctx context.Context, target string) (*study.Attempt, error) {
	a, err := scanAttempt(s.read.QueryRowContext(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE target = ? AND state = 'running'`, target))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(ctx, "read the running attempt", err)
	}
	return &a, nil
}
