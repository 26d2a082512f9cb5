package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

const trialColumns = `study, number, target, "index", rev, state, assignment, format, model, run, text, prediction,
	pieces, "values", reason, detail, stderr, warnings, duplicates, spent, created, ended, measured, origin, heard`

func scanTrial(row scanner) (study.Trial, error) {
	var t study.Trial
	var model string
	err := row.Scan(&t.Study, &t.Number, &t.Target, &t.Index, &t.Rev, &t.State, column{&t.Assignment},
		&t.Recipe.Format, &model, column{&t.Recipe.Run}, &t.Recipe.Text, column{&t.Prediction},
		column{&t.Pieces}, column{&t.Values}, &t.Reason, &t.Detail, column{&t.Stderr}, column{&t.Warnings},
		&t.Duplicates, column{&t.Spent}, moment{&t.Created}, moment{&t.Ended}, &t.Measured, &t.Origin, &t.Heard)
	if model != "" {
		t.Recipe.Model = json.RawMessage(model)
	}
	return t, err
}

func loadTrial(ctx context.Context, q querier, studyID string, number int) (study.Trial, error) {
	t, err := scanTrial(q.QueryRowContext(ctx, `SELECT `+trialColumns+` FROM trials WHERE study = ? AND number = ?`, studyID, number))
	if errors.Is(err, sql.ErrNoRows) {
		return t, fault.New(fault.NotFound, "cannot find trial %d of study %q", number, studyID).
			Trying("fettle trial list %s", studyID)
	}
	return t, err
}

// Propose stores a new trial of a study that is active. The store gives it
// Number (in the study) and Index (in the lane), both from 0 without gaps, its
// state, Rev and Created, and returns it; the rest is taken from t.
func (s *Store) Propose(ctx context.Context, now time.Time, t study.Trial) (study.Trial, error) {
	err := s.change(ctx, now, "propose a trial", func(ctx context.Context, tx *tx) error {
		st, err := loadStudy(ctx, tx, t.Study)
		if err != nil {
			return err
		}
		if !st.State.Active() {
			return fault.New(fault.Conflict, "cannot propose a trial of study %q: it is %s", t.Study, st.State)
		}
		err = tx.QueryRowContext(ctx, `SELECT
			(SELECT coalesce(max(number) + 1, 0) FROM trials WHERE study = ?1),
			(SELECT coalesce(max("index") + 1, 0) FROM trials WHERE study = ?1 AND target = ?2)`, t.Study, t.Target).
			Scan(&t.Number, &t.Index)
		if err != nil {
			return err
		}
		t.State, t.Created, t.Ended = study.Proposed, tx.now, time.Time{}
		if t.Rev, err = tx.event(ctx, study.EventTrial, t.Study, &t.Number, study.TextPropose); err != nil {
			return err
		}
		return insertTrial(ctx, tx, &t)
	})
	if err != nil {
		return study.Trial{}, err
	}
	return t, nil
}

func insertTrial(ctx context.Context, tx *tx, t *study.Trial) error {
	assignment, err := encode(t.Assignment)
	if err != nil {
		return err
	}
	run, err := encode(t.Recipe.Run)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO trials
		(study, number, target, "index", rev, state, assignment, format, model, run, text, prediction, reason, detail, duplicates, spent, created, origin, heard)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', '', '', ?, '{}', ?, ?, ?)`,
		t.Study, t.Number, t.Target, t.Index, t.Rev, t.State, assignment,
		t.Recipe.Format, string(t.Recipe.Model), run, t.Recipe.Text, t.Duplicates, t.Created.UnixNano(), t.Origin, t.Heard)
	if err != nil {
		return err
	}
	return updateTrial(ctx, tx, t)
}

// updateTrial writes what may change in a trial's life.
func updateTrial(ctx context.Context, tx *tx, t *study.Trial) error {
	prediction, err1 := encode(t.Prediction)
	pieces, err2 := optional(len(t.Pieces) > 0, t.Pieces)
	values, err3 := optional(len(t.Values) > 0, t.Values)
	stderr, err4 := optional(len(t.Stderr) > 0, t.Stderr)
	warnings, err5 := optional(len(t.Warnings) > 0, t.Warnings)
	spent, err6 := encode(t.Spent)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE trials SET rev = ?, state = ?, prediction = ?, pieces = ?, "values" = ?,
		reason = ?, detail = ?, stderr = ?, warnings = ?, spent = ?, ended = ?, measured = ? WHERE study = ? AND number = ?`,
		t.Rev, t.State, prediction, pieces, values, t.Reason, t.Detail, stderr, warnings, spent, nanos(t.Ended), t.Measured, t.Study, t.Number)
	return err
}

// Move moves a trial by a transition and returns it as it then is. A
// transition that does not start where the trial is, is a conflict.
//
// change, which may be nil, sets what the move brings: Pieces, Values, Reason,
// Detail, Stderr, Warnings, Spent, Prediction. Changing anything else is an
// error. It runs inside the transaction, so it must not call the store.
//
// A trial is granted by Grant alone. An attempt that still runs when its trial leaves the state leased is lost:
// its agent hears of it at the next renewal.
func (s *Store) Move(ctx context.Context, now time.Time, studyID string, number int, tr study.Transition, change func(*study.Trial)) (study.Trial, error) {
	var moved study.Trial
	if tr.Name == study.Grant.Name {
		return moved, fault.New(fault.Invalid, "cannot grant trial %d of study %q without an attempt", number, studyID)
	}
	err := s.change(ctx, now, tr.Name+" a trial", func(ctx context.Context, tx *tx) error {
		t, err := loadTrial(ctx, tx, studyID, number)
		if err != nil {
			return err
		}
		if t.State == study.Leased {
			why := study.Failure{Reason: study.ReasonInterrupted, Detail: "the trial was moved before the report: " + tr.Name}
			if _, err := lose(ctx, tx, why, `study = ? AND trial = ?`, studyID, number); err != nil {
				return err
			}
		}
		if err := move(ctx, tx, &t, tr, change); err != nil {
			return err
		}
		moved = t
		return nil
	})
	return moved, err
}

// move checks and applies one transition and appends its event.
func move(ctx context.Context, tx *tx, t *study.Trial, tr study.Transition, change func(*study.Trial)) error {
	if err := tr.Check(t.State); err != nil {
		return fault.New(fault.Conflict, "cannot %s trial %d of study %q: it is %s", tr.Name, t.Number, t.Study, t.State).Because(err)
	}
	if change != nil {
		before := identify(t)
		change(t)
		if identify(t) != before {
			return fmt.Errorf("trial %d of study %q: a move must not change what the trial is", before.number, before.study)
		}
	}
	t.State = tr.To
	t.Ended = time.Time{}
	if t.State.Terminal() {
		t.Ended = tx.now
	}
	var err error
	if t.Rev, err = tx.event(ctx, study.EventTrial, t.Study, &t.Number, tr.Name); err != nil {
		return err
	}
	return updateTrial(ctx, tx, t)
}

// identity is what a trial keeps for life, or what the store alone sets.
type identity struct {
	study, target      string
	number, index      int
	rev                int64
	state              study.State
	assignment, recipe string
	text               string
	duplicates         int
	origin             string
	heard              int64
	created, ended     time.Time
}

func identify(t *study.Trial) identity {
	return identity{t.Study, t.Target, t.Number, t.Index, t.Rev, t.State,
		t.Assignment.Key(), t.Recipe.Key(), t.Recipe.Text, t.Duplicates, t.Origin, t.Heard, t.Created, t.Ended}
}

// Trial returns one trial.
func (s *Store) Trial(ctx context.Context, studyID string, number int) (study.Trial, error) {
	t, err := loadTrial(ctx, s.read, studyID, number)
	return t, explain(ctx, "read a trial", err)
}

// Trials returns the trials of a study that changed after event number since
// (0: all), in order of number. A study without trials, or that does not
// exist, gives none.
func (s *Store) Trials(ctx context.Context, studyID string, since int64) ([]study.Trial, error) {
	return s.trials(ctx, `study = ? AND rev > ? ORDER BY number`, studyID, since)
}

// LaneTrials returns the trials of a study on one target in order of index.
func (s *Store) LaneTrials(ctx context.Context, studyID, target string) ([]study.Trial, error) {
	return s.trials(ctx, `study = ? AND target = ? ORDER BY "index"`, studyID, target)
}

func (s *Store) trials(ctx context.Context, where string, args ...any) ([]study.Trial, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+trialColumns+` FROM trials WHERE `+where, args...)
	all, err := collect(rows, err, scanTrial)
	return all, explain(ctx, "read the trials", err)
}
