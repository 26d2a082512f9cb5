package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Grant leases the oldest ready trial of a target, of any running study, and
// returns the new attempt and its trial. Nothing is granted (nil, nil, nil)
// while an attempt of the target runs, or if no trial is ready. An attempt
// whose lease has run out does not stand in the way: it becomes lost.
//
// attemptID names the new attempt. If it exists already, it and its trial are
// returned as they are now, so that asking again is harmless; look at its
// State before working on it.
func (s *Store) Grant(ctx context.Context, now time.Time, target, attemptID string, ttl time.Duration) (*study.Attempt, *study.Trial, error) {
	if attemptID == "" || ttl <= 0 {
		return nil, nil, fault.New(fault.Invalid, "cannot grant a lease without an attempt's id and a time to live")
	}
	var attempt *study.Attempt
	var trial *study.Trial
	err := s.change(ctx, now, "grant a lease", func(ctx context.Context, tx *tx) error {
		a, err := loadAttempt(ctx, tx, attemptID)
		if err == nil {
			if a.Target != target {
				return fault.New(fault.Conflict, "cannot grant attempt %q to target %q: it belongs to %q", attemptID, target, a.Target)
			}
			t, err := loadTrial(ctx, tx, a.Study, a.Trial)
			attempt, trial = &a, &t
			return err
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		attempt, trial, err = grant(ctx, tx, target, attemptID, ttl)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return attempt, trial, nil
}

func grant(ctx context.Context, tx *tx, target, attemptID string, ttl time.Duration) (*study.Attempt, *study.Trial, error) {
	if _, err := lose(ctx, tx, ranOut, `target = ? AND expires <= ?`, target, tx.now.UnixNano()); err != nil {
		return nil, nil, err
	}
	var running int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM attempts WHERE target = ? AND state = 'running'`, target).Scan(&running)
	if err != nil || running > 0 {
		return nil, nil, err
	}
	t, err := scanTrial(tx.QueryRowContext(ctx, `SELECT `+trialColumns+` FROM trials
		WHERE target = ? AND state = 'ready' AND study IN (SELECT id FROM studies WHERE state = ?)
		ORDER BY created, number LIMIT 1`, target, study.StudyRunning))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if err := move(ctx, tx, &t, study.Grant, nil); err != nil {
		return nil, nil, err
	}
	a := study.Attempt{ID: attemptID, Study: t.Study, Trial: t.Number, Target: target,
		State: study.AttemptRunning, Started: tx.now, Expires: tx.now.Add(ttl)}
	done, err := tx.ExecContext(ctx, `INSERT INTO attempts (id, study, trial, target, state, started, expires) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		a.ID, a.Study, a.Trial, a.Target, a.State, a.Started.UnixNano(), a.Expires.UnixNano())
	if err != nil {
		return nil, nil, err
	}
	a.Fence, err = done.LastInsertId()
	return &a, &t, err
}

// held returns the attempt if it runs under this fence; otherwise the lease is
// lost, and the fault is a conflict: the agent must drop what it does.
func held(ctx context.Context, tx *tx, attemptID string, fence int64) (study.Attempt, error) {
	a, err := loadAttempt(ctx, tx, attemptID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return a, fault.New(fault.Conflict, "cannot go on with attempt %q: no such lease was granted", attemptID)
	case err != nil:
		return a, err
	case a.Fence != fence:
		return a, fault.New(fault.Conflict, "cannot go on with attempt %q: its fence is %d, not %d", attemptID, a.Fence, fence)
	case a.State == study.AttemptLost:
		return a, fault.New(fault.Conflict, "cannot go on with attempt %q: its lease is lost", attemptID)
	}
	return a, nil
}

// Renew extends the lease of a running attempt to now + ttl. An attempt that
// is lost, reported, unknown or has another fence is a conflict. A lease is
// lost once something has marked it so, not by the clock alone: a renewal that
// comes late, but first, still counts. Renewing makes no event.
func (s *Store) Renew(ctx context.Context, now time.Time, attemptID string, fence int64, ttl time.Duration) (study.Lease, error) {
	var l study.Lease
	err := s.change(ctx, now, "renew a lease", func(ctx context.Context, tx *tx) error {
		a, err := held(ctx, tx, attemptID, fence)
		if err != nil {
			return err
		}
		if a.State != study.AttemptRunning {
			return fault.New(fault.Conflict, "cannot renew the lease of attempt %q: it has reported", attemptID)
		}
		l = study.Lease{Study: a.Study, Trial: a.Trial, Attempt: a.ID, Fence: a.Fence, TTL: ttl, Expires: tx.now.Add(ttl)}
		_, err = tx.ExecContext(ctx, `UPDATE attempts SET expires = ? WHERE fence = ?`, l.Expires.UnixNano(), fence)
		return err
	})
	return l, err
}

// ranOut is the failure of an attempt whose lease was not renewed.
var ranOut = study.Failure{Reason: study.ReasonLeaseLost, Detail: "the lease ran out without a renewal"}

// ExpireLeases makes the running attempts lost whose lease has run out by now,
// and returns them. Their trials stay leased until somebody moves them.
func (s *Store) ExpireLeases(ctx context.Context, now time.Time) ([]study.Attempt, error) {
	var lost []study.Attempt
	err := s.change(ctx, now, "expire leases", func(ctx context.Context, tx *tx) (err error) {
		lost, err = lose(ctx, tx, ranOut, `expires <= ?`, tx.now.UnixNano())
		return err
	})
	return lost, err
}

// LoseAttempts makes the running attempts of a target lost, because its agent
// no longer has them, and returns them. reason is one of study's Reason
// constants.
func (s *Store) LoseAttempts(ctx context.Context, now time.Time, target, reason string) ([]study.Attempt, error) {
	var lost []study.Attempt
	err := s.change(ctx, now, "end the attempts of a target", func(ctx context.Context, tx *tx) (err error) {
		why := study.Failure{Reason: reason, Detail: "the agent no longer has this attempt"}
		lost, err = lose(ctx, tx, why, `target = ?`, target)
		return err
	})
	return lost, err
}

// lose makes the running attempts lost that match where, each with an event of
// its trial.
func lose(ctx context.Context, tx *tx, why study.Failure, where string, args ...any) ([]study.Attempt, error) {
	failure, err := encode(why)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE state = 'running' AND `+where+` ORDER BY fence`, args...)
	lost, err := collect(rows, err, scanAttempt)
	if err != nil {
		return nil, err
	}
	for i := range lost {
		a := &lost[i]
		a.State, a.Ended, a.Result = study.AttemptLost, tx.now, &study.Result{Failure: &why}
		_, err := tx.ExecContext(ctx, `UPDATE attempts SET state = ?, ended = ?, failure = ?, wait = 0, measure = 0 WHERE fence = ?`,
			a.State, a.Ended.UnixNano(), failure, a.Fence)
		if err != nil {
			return nil, err
		}
		if err := tx.touched(ctx, a, study.TextLose); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// touched appends an event of the attempt's trial, and lets its Rev follow.
func (t *tx) touched(ctx context.Context, a *study.Attempt, text string) error {
	rev, err := t.event(ctx, study.EventTrial, a.Study, &a.Trial, text)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `UPDATE trials SET rev = ? WHERE study = ? AND number = ?`, rev, a.Study, a.Trial)
	return err
}
