package tuner

import (
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

func lane(states ...study.State) laneState {
	s := laneState{budget: 10, doubtful: -1}
	for i, st := range states {
		s.trials = append(s.trials, study.Trial{Index: i, State: st})
	}
	return s
}

func TestNext(t *testing.T) {
	ended := []study.Attempt{{State: study.AttemptLost}, {State: study.AttemptReported}}
	running := []study.Attempt{{State: study.AttemptReported}, {State: study.AttemptRunning}}
	tests := []struct {
		name  string
		state laneState
		edit  func(*laneState)
		want  action
	}{
		{"an empty lane proposes the baseline", lane(), nil, action{do: doPropose}},
		{"a proposal is built", lane(study.Complete, study.Proposed), nil, action{doBuild, 1}},
		{"a build that a crash cut is taken up", lane(study.Complete, study.Building), nil, action{doBuild, 1}},
		{"what is built is evaluated", lane(study.Evaluating), nil, action{doEvaluate, 0}},
		{"while one is measured the next is proposed", lane(study.Leased), nil, action{do: doPropose}},
		{"a result that is there waits for the next proposal", lane(study.Leased), func(s *laneState) { s.attempts = ended }, action{do: doPropose}},
		{"two under way are enough", lane(study.Leased, study.Ready), func(s *laneState) { s.attempts = running }, action{do: doWait}},
		{"an ended attempt is settled", lane(study.Leased, study.Ready), func(s *laneState) { s.attempts = ended }, action{doSettle, 0}},
		{"building comes before settling", lane(study.Leased, study.Proposed), func(s *laneState) { s.attempts = ended }, action{doBuild, 1}},
		{"no budget is left: settle", lane(study.Leased), func(s *laneState) { s.budget, s.attempts = 1, ended }, action{doSettle, 0}},
		{"no budget is left: wait", lane(study.Leased), func(s *laneState) { s.budget, s.attempts = 1, running }, action{do: doWait}},
		{"a grant without its attempt in view waits", lane(study.Leased), func(s *laneState) { s.budget = 1 }, action{do: doWait}},
		{"an exhausted space ends the lane", lane(study.Complete, study.Infeasible), func(s *laneState) { s.exhausted = true }, action{do: doFinish}},
		{"what is left is judged before a proposal", lane(study.Complete, study.Leased), func(s *laneState) { s.due = true }, action{do: doJudge}},
		{"nothing is judged while nothing may be proposed", lane(study.Leased, study.Ready), func(s *laneState) { s.due, s.attempts = true, running }, action{do: doWait}},
		{"nothing is judged once all are proposed", lane(study.Complete), func(s *laneState) { s.due, s.budget = true, 1 }, action{do: doFinish}},
		{"building comes before judging", lane(study.Proposed), func(s *laneState) { s.due = true }, action{doBuild, 0}},
		{"enough: no new proposal, but what is under way ends", lane(study.Ready), func(s *laneState) { s.enough = true }, action{do: doWait}},
		{"enough: the front is confirmed", lane(study.Complete), func(s *laneState) { s.enough, s.doubtful = true, 0 }, action{doConfirm, 0}},
		{"enough: the lane ends", lane(study.Complete), func(s *laneState) { s.enough = true }, action{do: doFinish}},
		{"late: no new proposal, but what is under way ends", lane(study.Ready), func(s *laneState) { s.late = true }, action{do: doWait}},
		{"the front is confirmed when all are proposed", lane(study.Complete, study.Complete, study.Leased), func(s *laneState) { s.budget, s.doubtful = 3, 1 }, action{doConfirm, 1}},
		{"what has ended is settled before the front is confirmed", lane(study.Complete, study.Leased), func(s *laneState) { s.budget, s.doubtful, s.attempts = 2, 0, ended }, action{doSettle, 1}},
		{"the front is not confirmed while there is more to propose", lane(study.Complete), func(s *laneState) { s.doubtful = 0 }, action{do: doPropose}},
		{"late: nothing is confirmed", lane(study.Complete), func(s *laneState) { s.late, s.doubtful = true, 0 }, action{do: doFinish}},
		{"failed trials use up budget", lane(study.Failed, study.Cancelled), func(s *laneState) { s.budget = 2 }, action{do: doFinish}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.edit != nil {
				test.edit(&test.state)
			}
			if got := next(test.state); got != test.want {
				t.Errorf("next = %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestNextEnds drives a lane through a model of the world and checks that it
// always ends with its budget used, never with more than depth trials open.
func TestNextEnds(t *testing.T) {
	s := laneState{budget: 7, doubtful: -1}
	for step := 0; ; step++ {
		if step > 1000 {
			t.Fatal("the lane does not end")
		}
		open := 0
		for _, tr := range s.trials {
			if !tr.State.Terminal() {
				open++
			}
		}
		if open > depth {
			t.Fatalf("%d trials open", open)
		}
		act := next(s)
		switch act.do {
		case doPropose:
			s.trials = append(s.trials, study.Trial{Index: len(s.trials), State: study.Proposed})
		case doBuild:
			s.trials[act.trial].State = study.Evaluating
		case doEvaluate:
			s.trials[act.trial].State = study.Ready
			if act.trial%3 == 2 {
				s.trials[act.trial].State = study.Infeasible
			}
		case doWait: // the board acts: it grants the oldest ready trial or reports
			acted := false
			for i := range s.trials {
				if s.trials[i].State == study.Leased {
					s.attempts = []study.Attempt{{State: study.AttemptReported}}
					acted = true
					break
				}
			}
			for i := range s.trials {
				if !acted && s.trials[i].State == study.Ready {
					s.trials[i].State, acted = study.Leased, true
					s.attempts = []study.Attempt{{State: study.AttemptRunning}}
				}
			}
			if !acted {
				t.Fatal("waits for nothing")
			}
		case doSettle:
			s.trials[act.trial].State = study.Complete
			s.attempts = nil
		case doFinish:
			if len(s.trials) != s.budget {
				t.Fatalf("ended with %d of %d trials", len(s.trials), s.budget)
			}
			return
		}
	}
}

func attempt(reason string, infeasible bool) study.Attempt {
	return study.Attempt{State: study.AttemptReported, Result: &study.Result{
		Failure: &study.Failure{Infeasible: infeasible, Reason: reason, Detail: reason}}}
}

func TestWhoseFault(t *testing.T) {
	ours := func(reason string) study.Attempt { return attempt(reason, false) }
	tests := []struct {
		name     string
		attempts []study.Attempt
		move     string
		reason   string
	}{
		{"an assertion is the variant's fault at once", []study.Attempt{attempt(study.ReasonAssertion, true)}, "reject", study.ReasonAssertion},
		{"a first kill is tried again", []study.Attempt{ours(study.ReasonKilled)}, "requeue", ""},
		{"the same crash twice is the variant's fault", []study.Attempt{ours(study.ReasonKilled), ours(study.ReasonKilled)}, "reject", study.ReasonRepeated},
		{"the same hang twice is the variant's fault", []study.Attempt{ours(study.ReasonTimeout), ours(study.ReasonTimeout)}, "reject", study.ReasonRepeated},
		{"two different faults are ours", []study.Attempt{ours(study.ReasonKilled), ours(study.ReasonIO)}, "give_up", study.ReasonIO},
		{"a lost lease is tried again", []study.Attempt{{State: study.AttemptLost}}, "requeue", ""},
		{"two lost leases are ours", []study.Attempt{{State: study.AttemptLost}, {State: study.AttemptLost}}, "give_up", study.ReasonLeaseLost},
		{"being interrupted is no try", []study.Attempt{ours(study.ReasonInterrupted), ours(study.ReasonInterrupted), ours(study.ReasonKilled)}, "requeue", ""},
		{"being interrupted for ever ends", slices.Repeat([]study.Attempt{ours(study.ReasonInterrupted)}, maxInterrupted), "give_up", study.ReasonInterrupted},
		{"what nobody knows is ours", []study.Attempt{ours(study.ReasonUnknown), ours(study.ReasonUnknown)}, "give_up", study.ReasonUnknown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judgeAttempts(test.attempts)
			if v.move.Name != test.move || v.reason != test.reason {
				t.Errorf("verdict %s %q, want %s %q", v.move.Name, v.reason, test.move, test.reason)
			}
		})
	}
}
