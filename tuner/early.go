package tuner

import (
	"context"
	"math"

	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/study"
)

// judge says whether a trial is worth going on with while it is evaluated.
// What it says follows from the trials of the lane that had ended before this
// one was proposed and from the scores of the trial's first chunks, not from
// how many scores there are: another lane may have made more of them.
type judge struct {
	spec *study.Spec
	rule *fidelity.Rule // nil: every trial is evaluated to the end
}

// judge makes the judge of a trial.
func (l *laneRun) judge(ctx context.Context, t study.Trial) (judge, error) {
	if !l.spec.Search.StopTrials {
		return judge{spec: l.spec}, nil
	}
	trials, err := l.cfg.Store.LaneTrials(ctx, l.study.ID, l.target)
	if err != nil {
		return judge{}, err
	}
	var past []fidelity.Past
	for _, p := range trials {
		// Trial n is evaluated before an earlier one is settled (see next), so
		// these are the same after a restart.
		if p.State != study.Complete || p.Index >= t.Index {
			continue
		}
		scores, err := l.cfg.Store.Scores(ctx, l.qualityKey(p))
		if err != nil {
			return judge{}, err
		}
		past = append(past, pastOf(l.spec, p, leading(scores, l.spec.Quality.Chunks)))
	}
	return newJudge(l.spec, past, t), nil
}

// newJudge makes the judge of a trial from complete ones.
func newJudge(spec *study.Spec, past []fidelity.Past, t study.Trial) judge {
	terms := fidelity.Terms{Objectives: spec.Objectives, Constraints: spec.Constraints, Chunks: spec.Quality.Chunks}
	trial := fidelity.Trial{Exact: exact(t.Prediction), Features: features(spec, t)}
	return judge{spec, fidelity.New(terms, past, trial, fidelity.DefaultError)}
}

// pastOf is a complete trial as the rule sees it.
func pastOf(spec *study.Spec, t study.Trial, scores []study.ChunkScore) fidelity.Past {
	p := fidelity.Past{Number: t.Number, Scores: scores, Values: map[string]float64{}, Features: features(spec, t)}
	for key, s := range t.Values {
		p.Values[key] = s.Value
	}
	return p
}

// exact are the values that are known before anything is measured.
func exact(p study.Prediction) map[string]float64 {
	return map[string]float64{"size.file": float64(p.FileBytes), "size.weights": float64(p.WeightBytes)}
}

// features are what the costs of a trial are forecast from: its knobs, and the
// logarithms of what is known of its recipe.
func features(spec *study.Spec, t study.Trial) []float64 {
	out := fidelity.Encode(spec.Knobs, t.Assignment)
	for _, x := range predicted(spec, t.Prediction).Features {
		out = append(out, math.Log1p(x))
	}
	return out
}

// now judges by the scores so far. nil goes on.
func (j judge) now(scores []study.ChunkScore) *verdict {
	if j.rule == nil {
		return nil
	}
	return verdictOf(j.rule.At(scores))
}

// first judges scores that are there already, as if they came one by one. It
// returns how many of them the verdict is from.
func (j judge) first(scores []study.ChunkScore) (*verdict, int) {
	if j.rule == nil {
		return nil, len(scores)
	}
	d, n := j.rule.First(scores)
	return verdictOf(d), n
}

func verdictOf(d fidelity.Decision) *verdict {
	switch {
	case !d.Stop:
		return nil
	case d.Cause == fidelity.Violated:
		return &verdict{move: study.Reject, reason: study.ReasonConstraint, detail: d.Reason}
	}
	return &verdict{move: study.StopEarly, reason: study.ReasonDominated, detail: d.Reason}
}

// known are the values of a trial whose evaluation was ended: those that are
// exact, and of the metrics that are scored the ones that are expected of all
// chunks where that can be said, with 95 % intervals.
func (j judge) known(p study.Prediction, scores []study.ChunkScore) map[string]study.Summary {
	out := values(j.spec, p, scores, nil)
	if j.rule == nil {
		return out
	}
	for key, e := range j.rule.Estimates(scores) {
		s := out[key]
		s.Value, s.Low, s.High = e.Value, e.Value-study.Z95*e.Error, e.Value+study.Z95*e.Error
		if e.Error > 0 { // exact ones have the interval that values gave them
			out[key] = s
		}
	}
	return out
}
