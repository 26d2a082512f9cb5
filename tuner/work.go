package tuner

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// bench is what the steps of one study share: the opened model and what was
// measured of it before the first trial.
type bench struct {
	*Tuner
	study   study.Study
	spec    *study.Spec
	model   *compress.Model
	ranking *study.Ranking // nil if no knob needs it
	text    string         // path; "" if the study measures no quality
	base    string         // path of the original's log-probabilities
}

// work prepares a study and runs its lanes until all have finished.
func (t *Tuner) work(ctx context.Context, id string) error {
	st, err := t.cfg.Store.Study(ctx, id)
	if err != nil {
		return err
	}
	if !st.State.Active() {
		return nil
	}
	b := &bench{Tuner: t, study: st, spec: &st.Spec}
	if b.model, err = t.openModel(ctx, b.spec); err != nil {
		return err
	}
	if st.State == study.StudyRunning { // the daemon was restarted: make sure that what was prepared is there
		t.cfg.Log.Info("study taken up", "study", id)
	}
	err = b.prepare(ctx)
	t.setPhase(id, "", "")
	if err != nil {
		return err
	}
	if st.State == study.StudyPreparing {
		if err := t.cfg.Store.SetStudyState(ctx, t.cfg.Now(), id, study.StudyRunning, ""); err != nil {
			return err
		}
	}
	group, laneCtx := errgroup.WithContext(ctx)
	ends := make([]ending, len(b.spec.Targets))
	for i, ref := range b.spec.Targets {
		defer b.setPhase(b.study.ID, ref.Name, "")
		group.Go(func() error {
			var err error
			ends[i], err = b.runLane(laneCtx, ref.Name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return t.cfg.Store.SetStudyState(ctx, t.cfg.Now(), id, study.StudyComplete, b.note(ends))
}

// ending is how a lane ended before its budget of trials.
type ending struct {
	late   bool   // the wall-time budget cut it short
	enough string // why it was ended early; "" if it was not
}

// note says how a study ended.
func (b *bench) note(ends []ending) string {
	var early []string
	for i, e := range ends {
		switch {
		case e.late:
			return "wall-time budget used up"
		case e.enough != "" && len(ends) == 1:
			return e.enough
		case e.enough != "":
			early = append(early, b.spec.Targets[i].Name+": "+e.enough)
		}
	}
	if len(early) > 0 {
		return strings.Join(early, "; ")
	}
	return "budget of trials used up"
}

// runLane does what next says until nothing is left.
func (b *bench) runLane(ctx context.Context, target string) (ending, error) {
	changed, stop := b.cfg.Store.Watch()
	defer stop()
	sampler, seen, err := b.rebuild(ctx, target)
	if err != nil {
		return ending{}, err
	}
	l := &laneRun{bench: b, target: target, sampler: sampler, seen: seen}
	if l.enough, err = b.whyEnough(ctx, target); err != nil {
		return ending{}, err
	}
	for {
		s, err := l.state(ctx)
		if err != nil {
			return ending{}, err
		}
		act := next(s)
		var t study.Trial
		if act.do != doPropose && act.do != doWeigh && act.do != doWait && act.do != doFinish {
			t = s.trials[act.trial]
		}
		switch act.do {
		case doPropose:
			err = l.propose(ctx, len(s.trials))
		case doWeigh:
			err = l.weigh(ctx, len(s.trials))
		case doBuild:
			err = l.build(ctx, t)
		case doEvaluate:
			err = l.evaluate(ctx, t)
		case doSettle:
			err = l.settle(ctx, t, s.attempts)
		case doConfirm:
			_, err = l.cfg.Store.Move(ctx, l.cfg.Now(), t.Study, t.Number, study.Confirm, nil)
		case doWait:
			err = l.wait(ctx, changed)
		case doFinish:
			l.done()
			return ending{s.late, l.enough}, nil
		}
		if err != nil {
			return ending{}, err
		}
	}
}

// laneRun is one lane at work.
type laneRun struct {
	*bench
	target    string
	sampler   search.Sampler
	seen      evidence // that the sampler has from other lanes
	exhausted bool
	judged    int    // number of trials at which what is left was judged last
	enough    string // why there are no more proposals; "" if there may be
}

// state loads all that next needs.
func (l *laneRun) state(ctx context.Context) (laneState, error) {
	trials, err := l.cfg.Store.LaneTrials(ctx, l.study.ID, l.target)
	if err != nil {
		return laneState{}, err
	}
	s := laneState{trials: trials, budget: l.spec.Budget.Trials, exhausted: l.exhausted, doubtful: doubtful(l.spec, trials)}
	s.enough, s.due = l.enough != "", due(l.spec.Budget.MinGain, len(trials)) && l.judged != len(trials)
	if wall := l.spec.Budget.Wall; wall > 0 {
		s.late = l.cfg.Now().Sub(l.study.Created) > wall
	}
	for _, t := range trials {
		if t.State == study.Leased {
			s.attempts, err = l.cfg.Store.Attempts(ctx, l.study.ID, t.Number)
			return s, err
		}
	}
	return s, nil
}

// wait returns when the store has changed or, so that a wall-time budget ends
// a lane whose board is gone, after a while.
func (l *laneRun) wait(ctx context.Context, changed <-chan struct{}) error {
	l.phase("waits for %s", l.target)
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// phase tells what the lane does now.
func (l *laneRun) phase(format string, args ...any) {
	l.setPhase(l.study.ID, l.target, fmt.Sprintf(format, args...))
}

// done tells that the lane has ended, while others may go on.
func (l *laneRun) done() {
	phase := ""
	if l.enough != "" {
		phase = "ended early: " + l.enough
	}
	l.setPhase(l.study.ID, l.target, phase)
}

// tell closes a trial with the sampler.
func (l *laneRun) tell(t study.Trial) error { return tell(l.sampler, l.spec, t) }

func tell(s search.Sampler, spec *study.Spec, t study.Trial) error {
	switch t.State {
	case study.Failed, study.Cancelled: // not the variant's fault, the sampler may ask it again
		return s.Forget(t.Index)
	}
	return s.Tell(t.Index, outcome(spec, t))
}
