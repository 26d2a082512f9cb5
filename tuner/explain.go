package tuner

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// explained is the last explanation of a lane and the change of the study that
// it holds.
type explained struct {
	rev int64
	study.Explanation
}

// Explain says what the search of a lane has found out. target may be left out
// where a study has one alone. It works on a sampler of its own, rebuilt from
// the store, while nobody measures on this computer. It may be called from any
// goroutine.
func (t *Tuner) Explain(ctx context.Context, id, target string) (study.Explanation, error) {
	st, err := t.cfg.Store.Study(ctx, id)
	if err != nil {
		return study.Explanation{}, err
	}
	if target, err = laneOf(st, target); err != nil {
		return study.Explanation{}, err
	}
	rev := int64(0)
	var trials []study.Trial
	for _, ref := range st.Spec.Targets {
		lane, err := t.cfg.Store.LaneTrials(ctx, id, ref.Name)
		if err != nil {
			return study.Explanation{}, err
		}
		if ref.Name == target {
			trials = lane
		}
		for _, tr := range lane {
			rev = max(rev, tr.Rev)
		}
	}
	key := id + "/" + target
	t.mu.Lock()
	last, ok := t.explained[key]
	t.mu.Unlock()
	if ok && last.rev == rev {
		return last.Explanation, nil
	}
	x, err := t.explain(ctx, st, target, trials)
	if err != nil {
		return study.Explanation{}, err
	}
	t.mu.Lock()
	t.explained[key] = explained{rev, x}
	t.mu.Unlock()
	return x, nil
}

// laneOf returns the target of a lane.
func laneOf(st study.Study, target string) (string, error) {
	var names []string
	for _, ref := range st.Spec.Targets {
		names = append(names, ref.Name)
	}
	switch {
	case target == "" && len(names) == 1:
		return names[0], nil
	case target == "":
		return "", fault.New(fault.Invalid, "cannot explain the lanes of %d targets at once", len(names)).
			Trying("name one target: %s", strings.Join(names, ", "))
	case !slices.Contains(names, target):
		return "", fault.New(fault.NotFound, "cannot find the target %q in study %s", target, st.ID).
			Trying("one of its targets: %s", strings.Join(names, ", "))
	}
	return target, nil
}

func (t *Tuner) explain(ctx context.Context, st study.Study, target string, trials []study.Trial) (study.Explanation, error) {
	b := &bench{Tuner: t, study: st, spec: &st.Spec}
	var err error
	if b.model, err = t.openModel(ctx, b.spec); err != nil {
		return study.Explanation{}, err
	}
	if err := b.recall(ctx); err != nil {
		return study.Explanation{}, err
	}
	stopped, err := b.whyEnough(ctx, target)
	if err != nil {
		return study.Explanation{}, err
	}
	var out study.Explanation
	err = t.cfg.Aside(ctx, func() error {
		sampler, _, err := b.rebuild(ctx, target)
		if err != nil {
			return err
		}
		x, err := search.Explain(sampler)
		if err != nil {
			return err
		}
		out = b.inWords(x, trials)
		return nil
	})
	out.Target, out.Stopped = target, stopped
	return out, err
}

// recall reads what prepare measured, without measuring anything.
func (b *bench) recall(ctx context.Context) error {
	if !b.ranks() {
		return nil
	}
	var r study.Ranking
	found, err := b.cfg.Store.Fact(ctx, b.spec.Model.Digest, "ranking", &r)
	if found {
		b.ranking = &r
	}
	return err
}

// inWords names objectives and trials as a study does.
func (b *bench) inWords(x *search.Explanation, trials []study.Trial) study.Explanation {
	names := make([]string, len(b.spec.Objectives))
	for i, o := range b.spec.Objectives {
		names[i] = o.Metric
	}
	number := func(index int) int { return trials[index].Number }
	out := study.Explanation{
		Sampler: x.Sampler, Why: x.Why, Told: x.Told, NoReference: x.NoReference, NoModel: x.NoModel,
		NoImportance: x.NoImportance, ImportanceBy: x.ImportanceBy, NoRemaining: x.NoRemaining,
		Reference: map[string]study.ReferenceValue{}, Hypervolume: []study.Volume{}, Importance: []study.Importance{},
		Front: []study.Estimate{}, Open: []study.Estimate{}, Redundant: []study.Redundancy{},
	}
	for i, v := range x.Reference {
		out.Reference[names[i]] = study.ReferenceValue{Value: v, Limit: x.Limited[i]}
	}
	for _, v := range x.Hypervolume {
		out.Hypervolume = append(out.Hypervolume, study.Volume{Trial: number(v.Trial), Value: v.Value})
	}
	for j, im := range x.Importance {
		out.Importance = append(out.Importance, importance(names[j], im))
	}
	for _, e := range x.Front {
		out.Front = append(out.Front, estimate(names, number(e.Trial), e))
	}
	for _, t := range trials {
		if t.State.Terminal() || t.Measured > 0 {
			continue
		}
		if e, err := x.Predict(t.Assignment); err == nil { // the baseline may lie outside of the search space
			out.Open = append(out.Open, estimate(names, t.Number, e))
		}
	}
	for _, r := range x.Redundant {
		out.Redundant = append(out.Redundant, study.Redundancy{A: names[r.A], B: names[r.B], Correlation: r.Correlation})
	}
	if r := x.Remaining; r != nil {
		out.Remaining = &study.Remaining{Trials: r.Trials, Gain: r.Gain, Share: r.Share, Method: r.Method}
	}
	return out
}

func importance(metric string, x search.Importance) study.Importance {
	out := study.Importance{Metric: metric, Scale: x.Scale, Knobs: []study.KnobShare{}, Interactions: x.Interactions, Absent: x.Absent}
	for _, k := range x.Knobs {
		out.Knobs = append(out.Knobs, study.KnobShare{Knob: k.Knob, Main: k.Main, Total: k.Total})
	}
	slices.SortStableFunc(out.Knobs, func(a, b study.KnobShare) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(b.Main, a.Main))
	})
	return out
}

func estimate(names []string, trial int, x search.Estimate) study.Estimate {
	out := study.Estimate{Trial: trial, Values: map[string]float64{}, Intervals: map[string][2]float64{}, Feasible: x.Feasible}
	for i, name := range names {
		out.Values[name], out.Intervals[name] = x.Values[i], [2]float64{x.Low[i], x.High[i]}
	}
	return out
}
