package store_test

import (
	"context"
	"testing"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
)

var ctx = context.Background()

// audit checks what must hold of a store at any moment: the file is whole,
// and every trial and attempt is just what its events say, in legal steps.
func audit(t testing.TB, s *store.Store, path string) {
	t.Helper()
	auditFile(t, path)
	studies, err := s.Studies(ctx)
	must(t, err)
	onTarget := map[string]string{} // target → its running attempt
	for _, st := range studies {
		if st.Ended.IsZero() != st.State.Active() {
			t.Errorf("study %.20q is %s and ended %v", st.ID, st.State, st.Ended)
		}
		events, err := s.Events(ctx, 0, st.ID, 0)
		must(t, err)
		told := replay(t, events)
		trials, err := s.Trials(ctx, st.ID, 0)
		must(t, err)
		if len(trials) != len(told) {
			t.Errorf("study %.20q has %d trials, its events tell of %d", st.ID, len(trials), len(told))
		}
		lanes := map[string]int{}
		for i, trial := range trials {
			if trial.Number != i || trial.Index != lanes[trial.Target] {
				t.Errorf("trial %d has number %d and index %d, want index %d", i, trial.Number, trial.Index, lanes[trial.Target])
			}
			lanes[trial.Target]++
			auditTrial(t, s, trial, told[trial.Number], onTarget)
		}
	}
}

// life is what the events tell of one trial.
type life struct {
	state                 study.State
	rev                   int64
	grants, reports, lost int
}

// replay applies the events of a study and fails where a step is illegal.
func replay(t testing.TB, events []study.Event) map[int]*life {
	t.Helper()
	transitions := map[string]study.Transition{}
	for _, tr := range study.Transitions() {
		transitions[tr.Name] = tr
	}
	told := map[int]*life{}
	last := int64(0)
	for _, e := range events {
		if e.Seq <= last {
			t.Errorf("event %d follows %d", e.Seq, last)
		}
		last = e.Seq
		if e.Kind != study.EventTrial {
			continue
		}
		l := told[*e.Trial]
		if (l == nil) != (e.Text == study.TextPropose) {
			t.Fatalf("event %d: %s of trial %d, which is %+v", e.Seq, e.Text, *e.Trial, l)
		}
		switch e.Text {
		case study.TextPropose:
			l = &life{state: study.Proposed}
			told[*e.Trial] = l
		case study.TextReport:
			l.reports++
		case study.TextLose:
			l.lost++
		default:
			tr := transitions[e.Text]
			if err := tr.Check(l.state); err != nil {
				t.Errorf("event %d: %v", e.Seq, err)
			}
			l.state = tr.To
			if tr.Name == study.Grant.Name {
				l.grants++
			}
		}
		l.rev = e.Seq
	}
	return told
}

func auditTrial(t testing.TB, s *store.Store, trial study.Trial, told *life, onTarget map[string]string) {
	t.Helper()
	attempts, err := s.Attempts(ctx, trial.Study, trial.Number)
	must(t, err)
	found := life{state: trial.State, rev: trial.Rev, grants: len(attempts)}
	fence := int64(0)
	for _, a := range attempts {
		if a.Fence <= fence {
			t.Errorf("attempt %.20q has fence %d after %d", a.ID, a.Fence, fence)
		}
		fence = a.Fence
		if (a.Result == nil) != (a.State == study.AttemptRunning) || a.Ended.IsZero() != (a.State == study.AttemptRunning) {
			t.Errorf("attempt %.20q is %s with result %v, ended %v", a.ID, a.State, a.Result, a.Ended)
		}
		switch a.State {
		case study.AttemptReported:
			found.reports++
		case study.AttemptLost:
			found.lost++
		case study.AttemptRunning:
			if trial.State != study.Leased {
				t.Errorf("attempt %.20q runs and its trial is %s", a.ID, trial.State)
			}
			if other, busy := onTarget[a.Target]; busy {
				t.Errorf("target %.20q runs %.20q and %.20q", a.Target, a.ID, other)
			}
			onTarget[a.Target] = a.ID
		}
	}
	if told == nil || found != *told {
		t.Errorf("trial %d of %.20q is %+v, its events tell %+v", trial.Number, trial.Study, found, told)
	}
	if trial.Ended.IsZero() == trial.State.Terminal() {
		t.Errorf("trial %d is %s and ended %v", trial.Number, trial.State, trial.Ended)
	}
}

// auditFile asks SQLite itself.
func auditFile(t testing.TB, path string) {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	var verdict string
	must(t, db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("integrity check: %s", verdict)
	}
	var broken, loose int
	must(t, db.QueryRow(`SELECT count(*) FROM pragma_foreign_key_check`).Scan(&broken))
	must(t, db.QueryRow(`SELECT count(*) FROM pragma_table_list
		WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT strict`).Scan(&loose))
	if broken > 0 || loose > 0 {
		t.Errorf("%d rows refer to nothing, %d tables are not strict", broken, loose)
	}
}
