package store_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

func TestProposeNumbersTrialsAndLanes(t *testing.T) {
	s, path := open(t)
	running(t, s, "a")
	running(t, s, "b")
	var got []string
	for _, c := range [][2]string{{"a", "x"}, {"a", "y"}, {"a", "x"}, {"b", "x"}, {"a", "y"}} {
		trial, err := s.Propose(ctx, noon, proposal(c[0], c[1]))
		must(t, err)
		got = append(got, fmt.Sprintf("%s%d %s%d %s", trial.Study, trial.Number, trial.Target, trial.Index, trial.State))
	}
	wantEqual(t, got, []string{"a0 x0 proposed", "a1 y0 proposed", "a2 x1 proposed", "b0 x0 proposed", "a3 y1 proposed"})
	lane, err := s.LaneTrials(ctx, "a", "y")
	must(t, err)
	if len(lane) != 2 || lane[0].Number != 1 || lane[1].Number != 3 {
		t.Errorf("the lane is %+v", lane)
	}
	audit(t, s, path)
}

func TestProposeNeedsAnActiveStudy(t *testing.T) {
	s, _ := open(t)
	_, err := s.Propose(ctx, noon, proposal("none", "x"))
	wantKind(t, err, fault.NotFound)
	running(t, s, "a")
	must(t, s.SetStudyState(ctx, noon, "a", study.StudyStopped, "by hand"))
	_, err = s.Propose(ctx, noon, proposal("a", "x"))
	wantKind(t, err, fault.Conflict)
}

// Every pair of a state and a transition: allowed exactly if study says so.
func TestMoveFollowsTheStateMachine(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	to := map[study.State][]study.Transition{
		study.Proposed:   {},
		study.Building:   {study.Build},
		study.Evaluating: {study.Build, study.Evaluate},
		study.Ready:      {study.Build, study.Evaluate, study.Queue},
		study.Leased:     {study.Build, study.Evaluate, study.Queue, study.Grant},
		study.Complete:   {study.Build, study.Evaluate, study.Queue, study.Grant, study.Finish},
		study.Infeasible: {study.Reject},
		study.Stopped:    {study.Build, study.Evaluate, study.StopEarly},
		study.Failed:     {study.GiveUp},
		study.Cancelled:  {study.Cancel},
	}
	for state, way := range to {
		for _, tr := range study.Transitions() {
			target := fmt.Sprintf("%s-%s", state, tr.Name) // one for each, so that Grant has no choice
			trial, err := s.Propose(ctx, noon, proposal("s", target))
			must(t, err)
			for _, step := range way {
				if step.Name == study.Grant.Name {
					_, _, err = s.Grant(ctx, noon, target, target, ttl)
				} else {
					_, err = s.Move(ctx, noon, "s", trial.Number, step, nil)
				}
				must(t, err)
			}
			if trial, err = s.Trial(ctx, "s", trial.Number); err != nil || trial.State != state {
				t.Fatalf("trial is %s, want %s (%v)", trial.State, state, err)
			}
			moveOnce(t, s, trial, tr)
		}
	}
	audit(t, s, path)
}

func moveOnce(t *testing.T, s *store.Store, trial study.Trial, tr study.Transition) {
	t.Helper()
	before, err := s.Revision(ctx)
	must(t, err)
	moved, err := s.Move(ctx, noon, "s", trial.Number, tr, func(t *study.Trial) { t.Reason = "why" })
	legal := tr.Check(trial.State)
	if tr.Name == study.Grant.Name {
		wantKind(t, err, fault.Invalid)
		return
	}
	if legal != nil {
		wantKind(t, err, fault.Conflict)
		var illegal *study.IllegalMove
		if !errors.As(err, &illegal) || illegal.From != trial.State {
			t.Errorf("the cause of %v is no illegal move from %s", err, trial.State)
		}
		after, err := s.Revision(ctx)
		must(t, err)
		got, err := s.Trial(ctx, "s", trial.Number)
		must(t, err)
		wantEqual(t, got, trial)
		wantEqual(t, after, before)
		return
	}
	must(t, err)
	got, err := s.Trial(ctx, "s", trial.Number)
	must(t, err)
	wantEqual(t, got, moved)
	if got.State != tr.To || got.Reason != "why" || got.Rev <= before || got.Ended.IsZero() == tr.To.Terminal() {
		t.Errorf("%s made %+v", tr.Name, got)
	}
}

func TestMoveKeepsWhatATrialIs(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	trial, err := s.Propose(ctx, noon, proposal("s", "x"))
	must(t, err)
	for name, change := range map[string]func(*study.Trial){
		"study":      func(t *study.Trial) { t.Study = "other" },
		"number":     func(t *study.Trial) { t.Number++ },
		"target":     func(t *study.Trial) { t.Target = "y" },
		"index":      func(t *study.Trial) { t.Index++ },
		"rev":        func(t *study.Trial) { t.Rev++ },
		"state":      func(t *study.Trial) { t.State = study.Complete },
		"assignment": func(t *study.Trial) { t.Assignment["quant.default"] = study.Text("F16") },
		"model part": func(t *study.Trial) { t.Recipe.Model[5] = 'x' },
		"run part":   func(t *study.Trial) { t.Recipe.Run.Threads++ },
		"text":       func(t *study.Trial) { t.Recipe.Text += "." },
		"duplicates": func(t *study.Trial) { t.Duplicates++ },
		"origin":     func(t *study.Trial) { t.Origin = "model" },
		"heard":      func(t *study.Trial) { t.Heard++ },
		"created":    func(t *study.Trial) { t.Created = t.Created.Add(1) },
		"ended":      func(t *study.Trial) { t.Ended = noon },
	} {
		if _, err := s.Move(ctx, noon, "s", 0, study.Build, change); err == nil {
			t.Errorf("a move changed the %s", name)
		}
	}
	_, err = s.Move(ctx, noon, "s", 0, study.Build, func(t *study.Trial) {
		t.Values = map[string]study.Summary{"quality.ppl": study.Exact(math.NaN())}
	})
	wantKind(t, err, fault.Invalid)
	got, err := s.Trial(ctx, "s", 0)
	must(t, err)
	wantEqual(t, got, trial)
	audit(t, s, path)
}

func TestMoveOfAPanickingChangeFreesTheWriter(t *testing.T) {
	s, _ := open(t)
	running(t, s, "s")
	_, err := s.Propose(ctx, noon, proposal("s", "x"))
	must(t, err)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.Move(ctx, noon, "s", 0, study.Build, func(*study.Trial) { panic("oops") })
	}()
	trial, err := s.Move(ctx, noon, "s", 0, study.Build, nil)
	must(t, err)
	if trial.State != study.Building {
		t.Errorf("trial is %s", trial.State)
	}
}

func TestTrialsSince(t *testing.T) {
	s, _ := open(t)
	running(t, s, "s")
	for range 3 {
		_, err := s.Propose(ctx, noon, proposal("s", "x"))
		must(t, err)
	}
	rev, err := s.Revision(ctx)
	must(t, err)
	if got, err := s.Trials(ctx, "s", rev); err != nil || len(got) != 0 {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, n := range []int{2, 0} {
		_, err := s.Move(ctx, noon, "s", n, study.Build, nil)
		must(t, err)
	}
	got, err := s.Trials(ctx, "s", rev)
	must(t, err)
	if len(got) != 2 || got[0].Number != 0 || got[1].Number != 2 || got[0].Rev != rev+2 || got[1].Rev != rev+1 {
		t.Errorf("got %+v", got)
	}
}

func TestHistoryIsTheOrderOfALane(t *testing.T) {
	s, _ := open(t)
	running(t, s, "s")
	ready(t, s, "s", "x") // 0
	ready(t, s, "s", "y") // 1: another lane
	ready(t, s, "s", "x") // 2
	_, err := s.Move(ctx, noon, "s", 2, study.Cancel, nil)
	must(t, err)
	a, _, err := s.Grant(ctx, noon, "x", "a", 1)
	must(t, err)
	must(t, s.Report(ctx, noon, "a", a.Fence, result()))
	_, err = s.Move(ctx, noon, "s", 0, study.Finish, nil)
	must(t, err)
	events, err := s.History(ctx, "s", "x")
	must(t, err)
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprint(*e.Trial, e.Text))
	}
	wantEqual(t, got, []string{"0propose", "0build", "0evaluate", "0queue", "2propose", "2build", "2evaluate", "2queue",
		"2cancel", "0grant", "0report", "0finish"})
	if !slices.IsSortedFunc(events, func(a, b study.Event) int { return int(a.Seq - b.Seq) }) {
		t.Error("the events are not in order")
	}
}

// Many goroutines do anything; afterwards every trial is what its events say.
func TestRandomWalks(t *testing.T) {
	s, path := open(t)
	running(t, s, "a")
	running(t, s, "b")
	changed, stop := s.Watch()
	defer stop()
	var wg sync.WaitGroup
	var mu sync.Mutex
	revs := map[int64]bool{}
	for i := range 8 {
		wg.Go(func() {
			d := driver{store: s, rng: rand.New(rand.NewPCG(1, uint64(i))), name: fmt.Sprint("walk", i),
				studies: []string{"a", "b"}, targets: []string{"x", "y"}, ack: func(a ack) {
					mu.Lock()
					defer mu.Unlock()
					if a.Rev > 0 && revs[a.Rev] {
						t.Errorf("two changes have rev %d", a.Rev)
					}
					revs[a.Rev] = true
				}}
			for range 250 {
				if err := d.step(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case <-changed:
	default:
		t.Error("nothing was told")
	}
	audit(t, s, path)
	seen := map[study.State]bool{}
	for _, id := range []string{"a", "b"} {
		trials, err := s.Trials(ctx, id, 0)
		must(t, err)
		for _, trial := range trials {
			seen[trial.State] = true
		}
	}
	if len(seen) < 8 {
		t.Errorf("the walks reached only %v", seen)
	}
}
