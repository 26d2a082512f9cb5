package tuner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// newSampler makes the sampler of a lane, which asks replay first. Its trials
// are numbered by their index in the lane.
func (b *bench) newSampler(replay []study.Assignment) (search.Sampler, error) {
	baseline, _, _, err := b.model.BaselinePlan(b.spec)
	if err != nil {
		return nil, err
	}
	return search.New(search.Config{
		Knobs:      b.spec.Knobs,
		Directions: directions(b.spec),
		Sampler:    b.spec.Search.Sampler,
		Seed:       b.spec.Search.Seed,
		Budget:     b.spec.Budget.Trials,
		Neutral:    baseline,
		Key: func(a study.Assignment) (string, error) {
			recipe, _, err := b.model.Plan(b.spec, b.ranking, a)
			if err != nil {
				return "", err
			}
			return recipe.Key(), nil
		},
		Constraints: len(others(b.spec)),
		Limits:      limits(b.spec),
		Predict: func(a study.Assignment) search.Prediction {
			_, p, err := b.model.Plan(b.spec, b.ranking, a)
			if err != nil {
				p = study.Prediction{} // it makes no recipe: Key refuses it
			}
			return predicted(b.spec, p)
		},
		Replay: replay,
	})
}

// rebuild makes the sampler of a lane from the store's history, in the order in
// which things happened.
func (b *bench) rebuild(ctx context.Context, target string) (search.Sampler, evidence, error) {
	taken, _, err := b.takenOver(ctx, target)
	if err != nil {
		return nil, nil, err
	}
	sampler, err := b.newSampler(taken.Assignments)
	if err != nil {
		return nil, nil, err
	}
	trials, err := b.cfg.Store.LaneTrials(ctx, b.study.ID, target)
	if err != nil {
		return nil, nil, err
	}
	byNumber := numbered(trials)
	history, err := b.cfg.Store.History(ctx, b.study.ID, target)
	if err != nil {
		return nil, nil, err
	}
	seen := evidence{}
	closed := map[int]bool{} // a trial that is confirmed ends more than once
	for _, e := range history {
		if e.Trial == nil || closed[*e.Trial] {
			continue
		}
		t := byNumber[*e.Trial]
		if e.Text == study.TextPropose {
			if err = b.observe(ctx, sampler, target, seen, t.Heard); err == nil {
				err = sampler.Add(t.Index, t.Assignment)
			}
		} else if ends(e.Text) {
			closed[t.Number] = true
			err = tell(sampler, b.spec, t)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("take trial %d from the history: %w", t.Number, err)
		}
	}
	return sampler, seen, nil
}

// ends reports whether the transition of that name ends a trial.
func ends(transition string) bool {
	return slices.ContainsFunc(study.Transitions(), func(t study.Transition) bool {
		return t.Name == transition && t.To.Terminal()
	})
}

// propose is steps 1 to 3: ask, plan, check.
func (l *laneRun) propose(ctx context.Context, index int) error {
	l.phase("proposes trial %d", index)
	t, err := l.plan(ctx, index)
	if errors.Is(err, search.ErrExhausted) {
		l.cfg.Log.Info("search space exhausted", "study", l.study.ID, "target", l.target, "trials", index)
		l.exhausted = true
		return nil
	}
	if err != nil {
		return err
	}
	t, err = l.cfg.Store.Propose(ctx, l.cfg.Now(), t)
	if err != nil {
		return err
	}
	return l.check(ctx, t)
}

// originBaseline is the origin of a trial that the search was not asked for.
const originBaseline = "baseline"

// plan asks for an assignment and works out what it means. Trial 0 of every
// lane is the baseline.
func (l *laneRun) plan(ctx context.Context, index int) (study.Trial, error) {
	t := study.Trial{Study: l.study.ID, Target: l.target, State: study.Proposed, Created: l.cfg.Now()}
	if index == 0 {
		a, recipe, prediction, err := l.model.BaselinePlan(l.spec)
		if err != nil {
			return t, err
		}
		t.Assignment, t.Recipe, t.Prediction, t.Origin = a, recipe, prediction, originBaseline
		return t, l.sampler.Add(index, a)
	}
	if err := l.takeOver(ctx); err != nil {
		return t, err
	}
	var err error
	if t.Heard, err = l.cfg.Store.Revision(ctx); err != nil {
		return t, err
	}
	if err := l.observe(ctx, l.sampler, l.target, l.seen, t.Heard); err != nil {
		return t, err
	}
	if err := l.cfg.Aside(ctx, func() error { return l.sampler.Prepare(index) }); err != nil {
		return t, err
	}
	suggestion, err := l.sampler.Ask(index)
	if err != nil {
		return t, err
	}
	t.Assignment, t.Origin, t.Duplicates = suggestion.Assignment, suggestion.Origin, suggestion.Duplicates
	t.Recipe, t.Prediction, err = l.model.Plan(l.spec, l.ranking, t.Assignment)
	return t, err
}

// check rejects what breaks a constraint by what is known without measuring.
// The predicted peak memory is a lower bound, so that only a maximum can be
// judged by it.
func (l *laneRun) check(ctx context.Context, t study.Trial) error {
	known := map[string]study.Summary{
		"size.file":    study.Exact(float64(t.Prediction.FileBytes)),
		"size.weights": study.Exact(float64(t.Prediction.WeightBytes)),
	}
	v := judgeValues(l.spec.Constraints, known, study.ReasonPredicted)
	for _, c := range l.spec.Constraints {
		if v == nil && c.Metric == "memory.peak" && c.Max != nil {
			bound := map[string]study.Summary{c.Metric: study.Exact(float64(t.Prediction.PeakMemoryBytes))}
			v = judgeValues([]study.Constraint{{Metric: c.Metric, Max: c.Max}}, bound, study.ReasonPredicted)
		}
	}
	if v == nil {
		return nil
	}
	return l.close(ctx, t, *v, nil)
}

// close moves a trial by a verdict and, when that ends it, tells the sampler.
func (l *laneRun) close(ctx context.Context, t study.Trial, v verdict, change func(*study.Trial)) error {
	t, err := l.cfg.Store.Move(ctx, l.cfg.Now(), t.Study, t.Number, v.move, func(t *study.Trial) {
		t.Reason, t.Detail, t.Stderr = v.reason, v.detail, v.stderr
		if change != nil {
			change(t)
		}
	})
	if err != nil || !t.State.Terminal() || t.Measured > 1 { // confirmed: it was told before
		return err
	}
	return l.tell(t)
}
